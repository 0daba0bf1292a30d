// What scrapers do with an answer.
#include <doctest/doctest.h>

#include <string>

#include "exporter/doctor_report.h"

using namespace registry_exporter;

TEST_CASE("doctor: tells when an answer may be more than vmagent takes") {
  // Source: VictoriaMetrics, lib/promscrape/client.go: -promscrape.maxScrapeSize, default 16777216,
  // "bigger responses are rejected"; of what comes decompressed.
  struct Row {
    std::size_t acr = 0;
    std::size_t swr = 0;
    std::string told;  // Empty: nothing is.
  };
  const Row rows[] = {
      {0, 0, ""},
      {2'000, 0, ""},
      {2'200, 0, "about 9.0 to 18 MB of text"},
      {10'000, 0, "about 41 to 80 MB of text"},
      {0, 15'000, ""},
      {0, 16'000, "about 18 MB of text"},
      {1'500, 5'000, "about 12 to 18 MB of text"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.acr);
    CAPTURE(row.swr);
    const std::string note = note_on_size(row.acr, row.swr);
    CHECK(note.empty() == row.told.empty());
    CHECK(note.find(row.told) != std::string::npos);
    CHECK((note.empty() || note.find("max_scrape_size") != std::string::npos));
  }
}
