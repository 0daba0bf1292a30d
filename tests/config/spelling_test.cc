#include "exporter/config/spelling.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::config;

TEST_CASE("spelling: the nearest word is proposed, if it is near") {
  const std::vector<std::string> words{"page_size", "paging", "tls", "requests_per_second"};
  struct Row {
    const char* word;
    const char* nearest;
  };
  const Row rows[] = {
      {"page_sise", "page_size"},
      {"pageSize", "page_size"},
      {"page-size", "page_size"},
      {"pagin", "paging"},
      {"tsl", "tls"},
      {"stl", ""},
      {"paigng", "paging"},
      {"pagnig", "paging"},
      {"gapign", ""},  // Three mistakes: two swaps and a letter.
      {"tl", ""},
      {"tlss", "tls"},
      {"url", ""},
      {"requests_per_sec", "requests_per_second"},
      {"something_else", ""},
      {"", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.word);
    CHECK(nearest_spelling(row.word, words) == row.nearest);
  }
  CHECK(did_you_mean("page_sise", words) == "; did you mean page_size?");
  CHECK(did_you_mean("x", words).empty());
}

TEST_CASE("spelling: a quoted text is one short line") {
  CHECK(in_quotes("15") == "\"15\"");
  CHECK(in_quotes("a\nb\x7f") == "\"a?b?\"");
  const std::string cut = in_quotes(std::string(79, 'x') + "éé");
  CHECK(cut == "\"" + std::string(79, 'x') + "…\"");
}
