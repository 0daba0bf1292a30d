#include "exporter/web/repository_list.h"

#include <doctest/doctest.h>

#include "tests/web/sample_overview.h"

using namespace registry_exporter;
using namespace registry_exporter::web;
using namespace registry_exporter::sample;

namespace {

RepositoryQuery query_of(const QueryPairs& pairs) {
  const auto query = parse_repository_query(pairs, 100);
  REQUIRE(query);
  return *query;
}

std::vector<std::string> names(const RepositoryListPage& page) {
  std::vector<std::string> names;
  for (const ListedRow& row : page.rows) names.push_back(full_name(row.view->ref));
  return names;
}
std::vector<std::string> listed(const RepositoryOverview& overview, const QueryPairs& pairs) {
  return names(list_repositories(overview, query_of(pairs)));
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("repository list: what needs a person comes first, then the names") {
  CHECK(listed(overview(), {}) ==
        Names{"b/failing", "a/stale", "d/pending", "a/fresh", "c/images"});
}

TEST_CASE("repository list: each order, both ways, and what isn't known comes last") {
  struct Row {
    const char* sort;
    const char* order;
    Names expected;
  };
  const Row rows[] = {
      {"state", "desc", {"a/fresh", "c/images", "d/pending", "a/stale", "b/failing"}},
      {"repository", "asc", {"a/fresh", "a/stale", "b/failing", "c/images", "d/pending"}},
      {"repository", "desc", {"d/pending", "c/images", "b/failing", "a/stale", "a/fresh"}},
      {"last_read", "asc", {"b/failing", "a/stale", "c/images", "a/fresh", "d/pending"}},
      {"last_read", "desc", {"a/fresh", "c/images", "a/stale", "b/failing", "d/pending"}},
      {"open_builds", "desc", {"a/fresh", "a/stale", "b/failing", "c/images", "d/pending"}},
      {"last_event", "desc", {"c/images", "a/fresh", "a/stale", "b/failing", "d/pending"}},
      {"last_event", "asc", {"a/fresh", "c/images", "a/stale", "b/failing", "d/pending"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.sort);
    CAPTURE(row.order);
    CHECK(listed(overview(), {{"sort", row.sort}, {"order", row.order}}) == row.expected);
  }
}

TEST_CASE("repository list: filters by registry, state and part of the name") {
  const RepositoryOverview all = overview();
  CHECK(listed(all, {{"registry", "swr-prod"}}) == Names{"c/images"});
  CHECK(listed(all, {{"registry", "nobody"}}) == Names{});
  CHECK(listed(all, {{"state", "stale"}}) == Names{"a/stale"});
  CHECK(listed(all, {{"state", "dropped"}}) == Names{});
  CHECK(listed(all, {{"q", "A/"}}) == Names{"a/stale", "a/fresh"});
  CHECK(listed(all, {{"q", "a/F"}, {"state", "fresh"}}) == Names{"a/fresh"});
  CHECK(listed(all, {{"q", ".*"}}) == Names{});
  CHECK(listed(all, {{"q", ""}, {"state", ""}, {"unknown", "x"}}).size() == 5);
}

TEST_CASE("repository list: counts by state don't depend on the state asked for") {
  for (const char* state : {"", "fresh", "failing"}) {
    const auto page = list_repositories(overview(), query_of({{"state", state}}));
    CHECK(page.by_state == RepositoryCounts{2, 1, 1, 1, 7});
    CHECK(page.total == 5);
  }
  const auto one = list_repositories(overview(), query_of({{"registry", "swr-prod"}}));
  CHECK(one.by_state == RepositoryCounts{1, 0, 0, 0, 7});
}

TEST_CASE(
    "repository list: where only a list of the whole registry is read, all stand as it does") {
  const auto feed = std::make_shared<RepositoryView>();
  feed->last_read = kNow - 3 * kMinute;
  auto registry = std::make_shared<RegistrySnapshot>();
  registry->kinds = {&kAcrSyncs};
  registry->feeds = {{&kAcrSyncs, feed}};
  registry->without_row = 3;
  RepositoryOverview all;
  all.registries = {{registry, true}};
  all.max_staleness = 2 * kMinute;
  all.now = kNow;
  CHECK(list_repositories(all, {}).by_state == RepositoryCounts{0, 3, 0, 0, 0});
  CHECK(count_listed(count_states(*registry, all)) == 3);
  all.now = kNow - 2 * kMinute;
  CHECK(count_states(*registry, all) == RepositoryCounts{3, 0, 0, 0, 0});
}

TEST_CASE("repository list: open syncs are no open builds") {
  const auto builds = repository("a", "builds");
  builds->open = 1;
  const auto syncs = repository("b", "syncs");
  syncs->open = 5;
  auto registry = std::make_shared<RegistrySnapshot>();
  registry->kinds = {&kBuilds, &kAcrSyncs};
  registry->rows = {row_of(builds), row_of(repository("b", "syncs"))};
  registry->rows.back().cells[1].view = syncs;
  RepositoryOverview all;
  all.registries = {{registry, true}};
  CHECK(listed(all, {{"sort", "open_builds"}, {"order", "desc"}}) == Names{"a/builds", "b/syncs"});
}

TEST_CASE("repository list: pages cover everything once, and one too far is the last") {
  const RepositoryOverview all = overview();
  Names together;
  for (const char* page : {"1", "2", "3"}) {
    for (const std::string& each : listed(all, {{"per_page", "2"}, {"page", page}})) {
      together.push_back(each);
    }
  }
  CHECK(together == listed(all, {}));
  const auto last = list_repositories(all, query_of({{"per_page", "2"}, {"page", "999999999"}}));
  CHECK(last.page == 3);
  CHECK(last.pages == 3);
  CHECK(last.first == 4);
  CHECK(last.matched == 5);
  CHECK(names(last) == Names{"c/images"});
  CHECK(list_repositories({}, query_of({{"page", "5"}})).page == 1);
}

TEST_CASE("repository query: refuses what it doesn't understand, in words") {
  struct Row {
    const char* key;
    const char* value;
  };
  const Row rows[] = {
      {"state", "well"}, {"state", "FRESH"},
      {"sort", "size"},  {"sort", "<script>"},
      {"order", "up"},   {"page", "0"},
      {"page", "-1"},    {"page", "1.5"},
      {"page", "x"},     {"page", "99999999999999999999"},
      {"per_page", "0"}, {"per_page", "1000000"},
      {"page", " 1"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.key);
    CAPTURE(row.value);
    const auto query = parse_repository_query({{row.key, row.value}}, 100);
    REQUIRE_FALSE(query);
    CHECK(query.error().detail.starts_with(std::string(row.key) + " must be "));
    CHECK(query.error().detail.find(row.value + std::string(" ")) == std::string::npos);
  }
}

TEST_CASE("repository query: written and read again it is the same") {
  RepositoryQuery query;
  query.registry = "a&b=c";
  query.state = Freshness::pending;
  query.text = "<\"ä%";
  query.sort = RepositorySort::last_event;
  query.descending = true;
  query.page = 3;
  query.per_page = 7;
  const std::string text = format_repository_query(query, 100);
  CHECK(text.find('<') == std::string::npos);
  const auto pairs = parse_query(text.substr(1));
  REQUIRE(pairs);
  CHECK(query_of(*pairs) == query);
  RepositoryQuery plain;
  plain.per_page = 100;
  CHECK(format_repository_query(plain, 100).empty());
}

TEST_CASE("advice: every reason a repository can fail for has one") {
  for (const ErrorKind kind :
       {ErrorKind::throttled, ErrorKind::unauthorized, ErrorKind::forbidden, ErrorKind::not_found,
        ErrorKind::bad_request, ErrorKind::server_error, ErrorKind::timeout, ErrorKind::transport,
        ErrorKind::malformed}) {
    CHECK(advice(kind) != advice(ErrorKind::canceled));
  }
}
