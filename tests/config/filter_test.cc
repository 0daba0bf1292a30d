#include "exporter/config/filter.h"

#include <doctest/doctest.h>

#include <ctime>
#include <functional>

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

#ifdef __SANITIZE_ADDRESS__
constexpr double kRoom = 100;  // Its allocator takes longer than the search.
#else
constexpr double kRoom = 1;
#endif

double cpu_seconds(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

TEST_CASE("filter: thousands of patterns for thousands of names cost little") {
  constexpr int kMany = 2000;
  constexpr int kFew = 400;
  std::vector<std::string> patterns;
  for (int i = 0; i < kMany; ++i) patterns.push_back("team-" + std::to_string(i) + "/.*");
  const PatternList list(patterns);
  const RepositoryFilter one_by_one({patterns, {}});
  const auto name = [](int i) { return "team-" + std::to_string(i) + "/api"; };
  const double all = cpu_seconds([&] {
    for (int i = 0; i < kMany; ++i) {
      if (list.first_match(name(i)) != static_cast<std::size_t>(i)) FAIL(name(i));
    }
  });
  const double few = cpu_seconds([&] {
    for (int i = 0; i < kFew; ++i) CHECK(one_by_one.matches(name(kMany - 1 - i)));
  });
  // One by one, all of them would take more than twice as long as these few.
  CHECK(all < kRoom * few);
}

TEST_CASE("filter: patterns too large to be looked for together are looked for one by one") {
  std::vector<std::string> patterns;
  for (int i = 0; i < 400; ++i) patterns.push_back("(x{500}){2}y{" + std::to_string(i) + "}/.*");
  patterns.push_back("team-(");
  patterns.push_back("team-a/.*");
  patterns.push_back(".*");
  const PatternList list(patterns);
  CHECK(list.first_match("team-a/api") == 401);
  CHECK(list.first_match("team-b/api") == 402);
  CHECK(list.first_match(std::string(1000, 'x') + "yyy/api") == 3);
}

TEST_CASE("filter: of patterns in order, the first that matches the whole name wins") {
  const PatternList patterns({"team-(", "team-a/.*", "team-a/api", ".*/web"});
  CHECK(patterns.first_match("team-a/api") == 1);
  CHECK(patterns.first_match("team-b/web") == 3);
  CHECK(patterns.first_match("team-a/web") == 1);
  CHECK(patterns.first_match("my-team-a/api") == std::nullopt);
  CHECK(PatternList({}).first_match("a/b") == std::nullopt);
}
