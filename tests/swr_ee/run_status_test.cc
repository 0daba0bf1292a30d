#include "exporter/swr_ee/run_status.h"

#include <doctest/doctest.h>

#include <string>

using namespace registry_exporter;
using swr_ee::RunEnd;
using swr_ee::StatusWord;

TEST_CASE("run status: every spelling of the documents and of Harbor is understood") {
  struct Row {
    const char* raw;
    StatusWord word;
  };
  const Row rows[] = {
      {"Initialized", StatusWord::open},   {"Pending", StatusWord::open},
      {"InProgress", StatusWord::open},    {"IN_PROGRESS", StatusWord::open},
      {"in progress", StatusWord::open},   {"In-Progress", StatusWord::open},
      {"Running", StatusWord::open},       {"Scheduled", StatusWord::open},
      {"Succeed", StatusWord::success},    {"SUCCEED", StatusWord::success},
      {"Success", StatusWord::success},    {"succeeded", StatusWord::success},
      {"Failed", StatusWord::failed},      {"failed", StatusWord::failed},
      {"Error", StatusWord::failed},       {"Stopped", StatusWord::stopped},
      {" stopped ", StatusWord::stopped},  {"", StatusWord::unknown},
      {"Canceled", StatusWord::unknown},   {"Successful", StatusWord::unknown},
      {"NotSucceed", StatusWord::unknown}, {"3", StatusWord::unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(row.raw);
    CHECK(swr_ee::status_word(row.raw) == row.word);
  }
  CHECK(swr_ee::status_word(std::string(1 << 20, ' ') + "failed") == StatusWord::unknown);
}

TEST_CASE("run status: a known word decides alone, an unknown one waits for an end") {
  for (const bool has_end : {false, true}) {
    CAPTURE(has_end);
    CHECK(swr_ee::end_of(StatusWord::success, has_end) == RunEnd::success);
    CHECK(swr_ee::end_of(StatusWord::failed, has_end) == RunEnd::failed);
    CHECK(swr_ee::end_of(StatusWord::stopped, has_end) == RunEnd::stopped);
    CHECK(swr_ee::end_of(StatusWord::open, has_end) == std::nullopt);
  }
  CHECK(swr_ee::end_of(StatusWord::unknown, true) == RunEnd::other);
  CHECK(swr_ee::end_of(StatusWord::unknown, false) == std::nullopt);
}
