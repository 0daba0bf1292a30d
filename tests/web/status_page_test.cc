#include "exporter/web/status_page.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "tests/web/sample_overview.h"

using namespace registry_exporter;
using namespace registry_exporter::web;
using namespace registry_exporter::sample;

namespace {

std::string page_of(const RepositoryOverview& overview, const QueryPairs& pairs = {}) {
  const auto query = parse_repository_query(pairs, kStatusRowsPerPage);
  REQUIRE(query);
  return status_page(overview, *query, "./").text();
}
bool has(const std::string& html, const std::string& part) {
  return html.find(part) != std::string::npos;
}

/// The tags of a page with their attributes, and whether all that were opened are closed in order.
struct Markup {
  std::vector<std::string> tags;
  bool balanced = true;

  explicit Markup(const std::string& html) {
    const std::regex tag("<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*>");
    std::vector<std::string> open;
    for (auto each = std::sregex_iterator(html.begin(), html.end(), tag);
         each != std::sregex_iterator(); ++each) {
      const std::string name = (*each)[2];
      if (name == "meta" || name == "input") {
        tags.push_back(name);
      } else if ((*each)[1].length() == 0) {
        tags.push_back(name);
        open.push_back(name);
      } else if (open.empty() || open.back() != name) {
        balanced = false;
      } else {
        open.pop_back();
      }
    }
    balanced = balanced && open.empty();
  }
};

const char* const kHostile[] = {
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</td></tr></table><h1>x</h1>",
    "\xff\xfe\x80",
    ("\xe2\x80\xae"
     "evil"),
    "a\r\nSet-Cookie: b",
    "<!--",
    "javascript:alert(1)",
    "&lt;b&gt;",
};

}  // namespace

TEST_CASE("status page: every repository with its state, its builds and what to do") {
  const std::string html = page_of(overview());
  for (const char* part :
       {"<bdi>a/fresh</bdi>", "<bdi>b/failing</bdi>", "<bdi>c/images</bdi>",
        "<strong>forbidden</strong>: <bdi>403 NO_PERMISSION</bdi>", "--doctor names it",
        "3 failed in a row", "took 90 s", "oldest for 5 min", "2026-01-02T03:04:05Z",
        "7 repositories are beyond <code>metrics.max_repositories</code>", "all 5", "failing 1",
        "stale 1", "pending 1", "fresh 2", "1–5 of 5 repositories"}) {
    CAPTURE(part);
    CHECK(has(html, part));
  }
  CHECK(Markup(html).balanced);
}

TEST_CASE(
    "status page: nothing runs, nothing is styled in place, every column and field is named") {
  const std::string html = page_of(overview());
  for (const char* part : {"<script", "style=", "onclick", "javascript:", "http://", "https://"}) {
    CAPTURE(part);
    CHECK_FALSE(has(html, part));
  }
  CHECK(has(html, "<html lang=\"en\">"));
  CHECK(has(html, "<th scope=\"col\" aria-sort=\"ascending\"><a href=\"?order=desc\">State"));
  const std::regex bare_field("<(input type=\"search\"|select)");
  for (auto each = std::sregex_iterator(html.begin(), html.end(), bare_field);
       each != std::sregex_iterator(); ++each) {
    const std::string before = html.substr(0, static_cast<std::size_t>(each->position()));
    CHECK(before.rfind("<label") != std::string::npos);
    CHECK((before.rfind("</label>") == std::string::npos ||
           before.rfind("</label>") < before.rfind("<label")));
  }
}

TEST_CASE("status page: hostile names, errors, statuses and queries stay text") {
  const Markup clean(page_of(overview()));
  for (const char* hostile : kHostile) {
    CAPTURE(hostile);
    RepositoryOverview all = overview();
    auto view =
        std::make_shared<RepositoryView>(*all.registries[0].snapshot->rows[2].cells[0].view);
    view->ref = {hostile, hostile, hostile};
    view->failing_detail = hostile;
    auto registry = std::make_shared<RegistrySnapshot>(*all.registries[0].snapshot);
    registry->rows[2].cells[0].view = view;
    registry->name = hostile;
    all.registries[0].snapshot = registry;
    const std::string html = page_of(all);
    CHECK(Markup(html).tags == clean.tags);
    CHECK(Markup(html).balanced);
    CHECK_FALSE(has(html, "\xe2\x80\xae"));

    registry->unknown_statuses = {{hostile, 3}};
    CHECK(Markup(page_of(all)).balanced);
    const std::string none = page_of(overview(), {{"q", hostile}, {"registry", hostile}});
    CHECK(Markup(none).balanced);
    CHECK(has(none, "No repository matches"));
    CHECK_FALSE(has(none, "<script"));
    CHECK_FALSE(has(none, "<img"));
  }
}

TEST_CASE("status page: ten thousand repositories come a hundred at a time") {
  auto registry = std::make_shared<RegistrySnapshot>();
  registry->name = "big";
  for (int i = 0; i < 10'000; ++i) {
    registry->rows.push_back(row_of(repository("n", "r" + std::to_string(10'000 + i))));
  }
  RepositoryOverview all;
  all.registries = {{registry, true}};
  all.now = kNow;
  const std::string first = page_of(all);
  CHECK(first.size() < 150'000);
  CHECK(has(first, "1–100 of 10,000 repositories"));
  CHECK(has(first, "Page 1 of 100"));
  CHECK(has(first, "<a href=\"?page=2\">Next</a>"));
  CHECK(has(first, "<span class=\"soft\">Previous</span>"));
  const std::string last = page_of(all, {{"page", "100"}, {"sort", "repository"}});
  CHECK(has(last, "n/r19999"));
  CHECK(has(last, "<a href=\"?sort=repository&amp;page=99\">Previous</a>"));
}

TEST_CASE("status page: before the first discovery it says what to wait for") {
  CHECK(has(page_of({}), "the first scrape"));
}

TEST_CASE("status page: repositories that no list has named yet are told by number") {
  RepositoryOverview all = overview();
  auto registry = std::make_shared<RegistrySnapshot>();
  registry->kinds = {&kAcrSyncs};
  registry->feeds = {{&kAcrSyncs, repository("", "")}};
  registry->without_row = 3;
  all.registries = {{registry, true}};
  CHECK(has(page_of(all), "3 repositories discovered"));
}

TEST_CASE("repositories as JSON: the same rows, null for what isn't known") {
  const auto query = parse_repository_query({}, 0);
  const auto json = nlohmann::json::parse(repositories_json(overview(), *query));
  CHECK(json["now"] == "2026-01-02T03:04:05.000Z");
  CHECK(json["total"] == 5);
  CHECK(json["matched"] == 5);
  CHECK(json["pages"] == 1);
  CHECK(json["registries"][1]["name"] == "swr-prod");
  CHECK(json["registries"][1]["dropped"] == 7);
  CHECK(json["registries"][1]["up"] == false);
  const auto& rows = json["repositories"];
  REQUIRE(rows.size() == 5);
  CHECK(rows[0]["repo"] == "failing");
  CHECK(rows[0]["state"] == "failing");
  CHECK(rows[0]["failing"]["reason"] == "forbidden");
  CHECK(rows[0]["failing"]["error"] == "403 NO_PERMISSION");
  CHECK(rows[2]["last_read"].is_null());
  CHECK(rows[2]["failing"].is_null());
  CHECK(rows[3]["last_build"]["status"] == "failed");
  CHECK(rows[3]["last_build"]["duration_seconds"] == 90.0);
  CHECK(rows[3]["open_builds"] == 2);
  CHECK(rows[3]["consecutive_failed_builds"] == 3);
  CHECK_FALSE(rows[3].contains("tags"));
  CHECK(rows[4]["last_deletion_at"] == "2026-01-02T03:03:05.000Z");
  CHECK(rows[4]["tags"] == 12);
  CHECK_FALSE(rows[4].contains("open_builds"));
}

namespace {

/// The first repository is synchronised, too; the list for all can't be read.
RepositoryOverview with_syncs() {
  RepositoryOverview all = overview();
  auto registry = std::make_shared<RegistrySnapshot>(*all.registries[0].snapshot);
  registry->kinds = {&kBuilds, &kAcrSyncs};
  const auto share = repository("a", "stale");
  share->is_share = true;
  share->open = 2;
  share->last_build = LastBuild{kNow - kMinute, true, Millis{30'000}};
  share->last_end[Outcome::success] = share->last_build->ended_at;
  registry->rows[0].cells[1].view = share;
  const auto feed = repository("", "");
  feed->failing = ErrorKind::forbidden;
  feed->failing_detail = "403 NoPrivilege";
  registry->feeds = {{&kAcrSyncs, feed}};
  all.registries[0].snapshot = registry;
  return all;
}

}  // namespace

TEST_CASE("status page: synchronisations and a list for all that fails") {
  const std::string html = page_of(with_syncs());
  CHECK(Markup(html).balanced);
  CHECK(has(html, "the list of syncs"));
  CHECK(has(html, "403 NoPrivilege"));
  CHECK(has(html, "synchronised:"));
  CHECK(has(html, "2 in progress"));
}

TEST_CASE("repositories as JSON: synchronisations and a list for all that fails") {
  const auto json = nlohmann::json::parse(repositories_json(with_syncs(), {}));
  const auto& list = json["registries"][0]["lists"][0];
  CHECK(list["list"] == "syncs");
  CHECK(list["failing"]["reason"] == "forbidden");
  for (const auto& row : json["repositories"]) {
    CHECK(row.contains("open_syncs") == (row["repo"] == "stale"));
    if (row["repo"] != "stale") continue;
    CHECK(row["open_syncs"] == 2);
    CHECK(row["open_builds"] == 0);
    CHECK(row["last_sync"]["status"] == "success");
    CHECK(row["last_sync_ended_at"] == "2026-01-02T03:03:05.000Z");
  }
}

TEST_CASE("repositories as JSON: any bytes in a name make valid JSON") {
  for (const char* hostile : kHostile) {
    CAPTURE(hostile);
    RepositoryOverview all = overview();
    auto registry = std::make_shared<RegistrySnapshot>(*all.registries[0].snapshot);
    auto view = std::make_shared<RepositoryView>(*registry->rows[0].cells[0].view);
    view->ref.name = hostile;
    registry->rows[0].cells[0].view = view;
    registry->unknown_statuses = {{hostile, 1}};
    all.registries[0].snapshot = registry;
    CHECK(nlohmann::json::accept(repositories_json(all, {})));
  }
}
