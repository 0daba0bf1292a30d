#include "exporter/store/blob.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "exporter/base/digest.h"
#include "exporter/store/blob_fields.h"

using namespace registry_exporter;
using namespace registry_exporter::store;

namespace {

std::string number(std::uint64_t value) {
  BlobWriter writer;
  writer.number(value);
  const std::string blob = writer.finish(BlobKind::head, {});
  return blob.substr(1, blob.size() - 5);
}

}  // namespace

TEST_CASE("blob: numbers have seven bits a byte, and come back") {
  struct Row {
    std::uint64_t value;
    const char* bytes;
  };
  const Row rows[] = {
      {0, "00"},
      {127, "7f"},
      {128, "8001"},
      {300, "ac02"},
      {1ULL << 63, "80808080808080808001"},
      {std::numeric_limits<std::uint64_t>::max(), "ffffffffffffffffff01"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    const std::string bytes = number(row.value);
    CHECK(hex(bytes) == row.bytes);
    BlobReader reader(bytes, kBlobVersion);
    std::uint64_t again = 0;
    reader.number(again);
    CHECK(again == row.value);
    CHECK_FALSE(reader.damaged());
    CHECK(reader.left() == 0);
  }
}

TEST_CASE("blob: what cannot be a field is damage, and nothing is read after it") {
  struct Row {
    const char* name;
    std::string bytes;
  };
  const Row rows[] = {
      {"no end", std::string(1, '\x80')},
      {"more than 64 bits", std::string(9, '\xff') + '\x02'},
      {"ten bytes that go on", std::string(10, '\xff')},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    BlobReader reader(row.bytes, kBlobVersion);
    std::uint64_t value = 0;
    reader.number(value);
    CHECK(reader.damaged());
    CHECK(reader.left() == 0);
  }
  const std::string longer_than_it_is =
      "\x05"
      "abcd";
  BlobReader reader(longer_than_it_is, kBlobVersion);
  std::string text;
  reader.text(text);
  CHECK(reader.damaged());
  CHECK(text.empty());
}

TEST_CASE("blob: a number that its type cannot hold is damage") {
  const std::string bytes = number(256);
  BlobReader reader(bytes, kBlobVersion);
  std::uint8_t small = 0;
  field(reader, small);
  CHECK(reader.damaged());
  CHECK(small == 0);
}

TEST_CASE("blob: it opens with its kind, its place and a version that is known") {
  const std::string blob = BlobWriter().finish(BlobKind::registry, {.row = 1, .owner = 2});
  CHECK(open_blob(blob, BlobKind::registry, {.row = 1, .owner = 2}));
  CHECK_FALSE(open_blob(blob, BlobKind::repository, {.row = 1, .owner = 2}));
  CHECK_FALSE(open_blob(blob, BlobKind::registry, {.row = 2, .owner = 1}));
  CHECK(open_blob("", BlobKind::registry, {}).error().kind == ErrorKind::state_damaged);
}
