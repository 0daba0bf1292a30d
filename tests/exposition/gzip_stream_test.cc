#include "exporter/exposition/gzip_stream.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/exposition/gunzip.h"

using namespace registry_exporter;
using namespace registry_exporter::exposition;

namespace {

std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t dice = 42;
  for (char& c : text) {
    dice = dice * 6364136223846793005U + 1442695040888963407U;
    c = static_cast<char>(dice >> 56);
  }
  return text;
}

}  // namespace

TEST_CASE("gzip_stream: pieces together are one member that unpacks to the texts together") {
  struct Row {
    const char* name;
    std::vector<std::string> texts;
  };
  const Row rows[] = {
      {"nothing", {}},
      {"one line", {"up 1\n"}},
      {"the same piece three times", {"up 1\n", "up 1\n", "up 1\n"}},
      {"large and small", {std::string(300'000, 'a'), "b", std::string(70'000, 'c')}},
      {"what can't be made smaller", {noise(200'000), noise(1), noise(65'536)}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    GzipStream stream;
    std::string bytes = GzipStream::header();
    std::string texts;
    for (const std::string& text : row.texts) {
      const DeflatedPiece piece = deflate_piece(text);
      stream.add(piece);
      bytes += piece.bytes;
      texts += text;
    }
    bytes += stream.trailer();
    CHECK(sample::gunzip_one_member(bytes) == texts);
  }
}

TEST_CASE("gzip_stream: a piece compresses") {
  CHECK(deflate_piece(std::string(100'000, 'x')).bytes.size() < 1'000);
}
