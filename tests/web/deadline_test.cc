#include "exporter/web/deadline.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace registry_exporter;
using namespace registry_exporter::web;

TEST_CASE("deadline: only a positive finite number of seconds is a scrape timeout") {
  struct Row {
    const char* text;
    std::optional<std::int64_t> millis;
  };
  const Row rows[] = {
      {"10", 10'000}, {"10.0", 10'000},     {"0.5", 500},         {"1e1", 10'000},
      {"0.0001", 1},  {"1e308", 3'600'000}, {"86400", 3'600'000}, {".5", 500},
      {"0", {}},      {"-1", {}},           {"-0", {}},           {"", {}},
      {" ", {}},      {"abc", {}},          {"10s", {}},          {"10,5", {}},
      {"10, 10", {}}, {"inf", {}},          {"Infinity", {}},     {"-inf", {}},
      {"nan", {}},    {"NaN", {}},          {"1e999", {}},        {"0x10", {}},
      {"1 0", {}},    {"--5", {}},          {"1e", {}},           {"٣", {}},
      {"1_000", {}},  {"5.", 5'000},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const std::optional<Millis> timeout = parse_scrape_timeout(row.text);
    CHECK(timeout.has_value() == row.millis.has_value());
    if (timeout && row.millis) CHECK(timeout->count() == *row.millis);
  }
}

TEST_CASE("deadline: the offset never takes more than half of the timeout") {
  struct Row {
    std::int64_t timeout;
    std::int64_t offset;
    std::int64_t within;
  };
  const Row rows[] = {
      {10'000, 500, 9'500},    {10'000, 0, 10'000}, {1'000, 500, 500}, {800, 500, 400},
      {10'000, 60'000, 5'000}, {1, 500, 1},         {0, 500, 1},       {7'200'000, 500, 3'599'500},
  };
  for (const Row& row : rows) {
    CAPTURE(row.timeout);
    CAPTURE(row.offset);
    CHECK(response_time(Millis{row.timeout}, Millis{row.offset}).count() == row.within);
  }
}
