#include "exporter/config/config_problem.h"

#include <doctest/doctest.h>

using namespace registry_exporter::config;

TEST_CASE("config problems: each on its line, with the place where there is one") {
  CHECK(lines_of("a.yml", {{3, "bad"}, {0, "missing"}}) == "a.yml:3: bad\na.yml: missing\n");
}

TEST_CASE("config problems: the log names one, an unknown key before a missing one") {
  CHECK(summary_of("a.yml", {{3, "bad"}}) == "a.yml:3: bad");
  CHECK(summary_of("a.yml", {{2, "endpoint is missing"}, {4, "unknown key: endpiont"}}) ==
        "a.yml:4: unknown key: endpiont (and 1 more: see --config.check)");
}
