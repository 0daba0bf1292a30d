#include "exporter/web/eviction.h"

#include <doctest/doctest.h>

#include <chrono>
#include <vector>

using namespace registry_exporter;
using namespace registry_exporter::web;

TEST_CASE("eviction: idle before heads before readers, the longest first, answers never") {
  using enum ConnectionPhase;
  const auto at = [](int second) { return SteadyTime{std::chrono::seconds(second)}; };
  struct Row {
    const char* name;
    std::vector<ConnectionState> connections;
    std::optional<std::size_t> chosen;
  };
  const Row rows[] = {
      {"nobody", {}, {}},
      {"only answers under way", {{processing, at(1)}, {processing, at(2)}}, {}},
      {"oldest idle", {{idle, at(3)}, {idle, at(1)}, {idle, at(2)}}, 1},
      {"a young idle one before an old head", {{head, at(1)}, {idle, at(9)}}, 1},
      {"oldest head", {{writing, at(1)}, {head, at(5)}, {head, at(4)}}, 2},
      {"slowest reader", {{processing, at(1)}, {writing, at(7)}, {writing, at(6)}}, 2},
      {"one that is over anyway", {{idle, at(1)}, {lingering, at(9)}}, 1},
      {"the first of equals", {{idle, at(1)}, {idle, at(1)}}, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(choose_eviction(row.connections) == row.chosen);
  }
}
