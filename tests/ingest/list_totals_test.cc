#include "exporter/ingest/list_totals.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace registry_exporter;
using namespace registry_exporter::ingest;

TEST_CASE("list totals: those that can't be true lie") {
  using Total = std::optional<std::uint64_t>;
  struct Row {
    const char* name;
    std::vector<Total> totals;  ///< Of full pages of ten rows.
    bool lie;
  };
  const Row rows[] = {
      {"right", {100, 100, 100}, false},
      {"none", {Total(), Total(), Total()}, false},
      {"none once", {100, Total(), 100}, false},
      {"half of what was read", {100, 10}, true},
      {"more than half of it", {100, 11}, false},
      {"they grow", {100, 200, 300}, false},
      {"up and down by a page", {100, 110, 100}, false},
      {"up and down by more", {100, 111, 100}, true},
      {"down and up by more", {100, 89, 100}, true},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.name));
    ListTotals totals;
    totals.set_first(row.totals.front());
    int index = 0;
    for (const Total& total : row.totals) totals.add({{index++, 10}, 10, total, {}}, 10);
    CHECK(totals.lie() == row.lie);
    CHECK(totals.first() == row.totals.front());
    CHECK(totals.last() == row.totals.back());
  }
}
