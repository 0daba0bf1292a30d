#include "exporter/config/filter.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::config;

TEST_CASE("filter: patterns are anchored at both ends, exclusion wins, no inclusion is all") {
  const RepositoryFilter filter({{"team-a/.*", "b/x"}, {".*/tmp-.*"}});
  CHECK(filter.matches("team-a/api"));
  CHECK(filter.matches("b/x"));
  CHECK_FALSE(filter.matches("b/xy"));
  CHECK_FALSE(filter.matches("my-team-a/api"));
  CHECK_FALSE(filter.matches("team-a/tmp-1"));
  CHECK(RepositoryFilter({}).matches("any/thing"));
  CHECK_FALSE(RepositoryFilter({{}, {"any/.*"}}).matches("any/thing"));
}

TEST_CASE("filter: what RE2 can't do is told, and matches nothing") {
  CHECK(pattern_error("team-a/.*").empty());
  CHECK_FALSE(pattern_error("team-(").empty());
  CHECK_FALSE(pattern_error("(?!a).*").empty());
  CHECK_FALSE(RepositoryFilter({{"team-("}, {}}).matches("team-("));
  CHECK(RepositoryFilter({{}, {"team-("}}).matches("team-("));
}

TEST_CASE("filter: alternatives are anchored as a whole") {
  const RepositoryFilter filter({{"a/x|b/y"}, {}});
  CHECK(filter.matches("a/x"));
  CHECK(filter.matches("b/y"));
  CHECK_FALSE(filter.matches("a/xb/y"));
  CHECK_FALSE(filter.matches("a/x/1"));
}

TEST_CASE("filter: of patterns in order, the first that matches the whole name wins") {
  const PatternList patterns({"team-(", "team-a/.*", "team-a/api", ".*/web"});
  CHECK(patterns.first_match("team-a/api") == 1);
  CHECK(patterns.first_match("team-b/web") == 3);
  CHECK(patterns.first_match("team-a/web") == 1);
  CHECK(patterns.first_match("my-team-a/api") == std::nullopt);
  CHECK(PatternList({}).first_match("a/b") == std::nullopt);
}
