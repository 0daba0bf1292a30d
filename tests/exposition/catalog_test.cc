#include "exporter/exposition/catalog.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "exporter/exposition/exposition.h"
#include "exporter/exposition/self_metrics.h"
#include "tests/exposition/sample_snapshot.h"

using namespace registry_exporter;
using namespace registry_exporter::exposition;

namespace {

std::string metrics_page() {
  std::ifstream file(std::filesystem::path(TEST_DATA) / "../../docs/metrics.md");
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Described {
  std::string type, labels;
  bool operator==(const Described&) const = default;
};

/// Rows of the page's tables: | `name` | type | `label`, `label` | … |
std::map<std::string, Described> described_families(const std::string& page) {
  const std::regex row(R"(^\| `([a-z_]+)` \| (\w+) \|([^|]*)\|)");
  const std::regex label("`([a-z_*]+)`");
  std::map<std::string, Described> described;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_search(line, match, row)) continue;
    const std::string cell = match[3];
    std::string labels;
    for (std::sregex_iterator it(cell.begin(), cell.end(), label), end; it != end; ++it) {
      labels += (labels.empty() ? "" : ",") + (*it)[1].str();
    }
    CHECK_MESSAGE(described.emplace(match[1], Described{match[2], labels}).second,
                  "described twice: " << match[1]);
  }
  return described;
}

std::string written(const std::string& name, const std::string& text) {
  const auto path =
      std::filesystem::temp_directory_path() / (name + "." + std::to_string(getpid()));
  std::ofstream(path) << text;
  return path.string();
}

/// Nothing to run: fails where CI runs, is passed over elsewhere.
bool promtool_is_there() {
  if (std::system("command -v promtool >/dev/null 2>&1") == 0) return true;
  const char* ci = std::getenv("CI");
  CHECK_MESSAGE((ci == nullptr || std::string(ci) != "true"), "promtool is missing");
  MESSAGE("promtool is missing: not checked with it");
  return false;
}

}  // namespace

TEST_CASE("catalog: names and helps are such as Prometheus likes them") {
  std::set<std::string_view> names;
  for (const Family& family : families()) {
    CAPTURE(family.name);
    CHECK(names.insert(family.name).second);
    CHECK(find_family(family.name) == &family);
    CHECK((family.type == FamilyType::counter) == family.name.ends_with("_total"));
    CHECK(family.help.size() > 10);
    CHECK(family.help.ends_with('.'));
    const std::string_view unit = unit_of(family);
    const bool told = unit.empty() || family.help.find(unit) != std::string_view::npos;
    CHECK(told);
    if (is_of_owner(family.scope)) {
      CHECK(help_of(family).find("when scraped") != std::string::npos);
    }
  }
}

TEST_CASE(
    "catalog: docs/metrics.md describes every family, with its type and labels, and no other") {
  const auto described = described_families(metrics_page());
  for (const Family& family : families()) {
    CAPTURE(family.name);
    const auto found = described.find(std::string(family.name));
    REQUIRE(found != described.end());
    CHECK(found->second.type == name(family.type));
    CHECK(found->second.labels == family.labels);
  }
  CHECK(described.size() == families().size());
}

TEST_CASE("catalog: docs/metrics.md speaks of no metric that isn't there") {
  const std::string page = metrics_page();
  const std::regex word(R"(\b(acr|swr|registry_exporter|process)_[a-z_]+)");
  for (std::sregex_iterator it(page.begin(), page.end(), word), end; it != end; ++it) {
    std::string metric = it->str();
    CAPTURE(metric);
    bool known = metric == "swr_ee" || find_family(metric) != nullptr;  // A type of registry.
    for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
      if (!metric.ends_with(suffix)) continue;
      const std::string family = metric.substr(0, metric.size() - suffix.size());
      known |= find_family(family) != nullptr && find_family(family)->type == FamilyType::histogram;
    }
    CHECK(known);
  }
}

TEST_CASE("catalog: the example queries of docs/metrics.md are PromQL") {
  const std::string page = metrics_page();
  const std::regex block("```promql\n([^`]*)```");
  std::string rules = "groups:\n- name: examples\n  rules:\n";
  std::size_t blocks = 0;
  for (std::sregex_iterator it(page.begin(), page.end(), block), end; it != end; ++it, ++blocks) {
    rules += "  - record: example:" + std::to_string(blocks) + "\n    expr: |2\n";
    std::istringstream lines((*it)[1].str());
    for (std::string line; std::getline(lines, line);) rules += "      " + line + "\n";
  }
  CHECK(blocks >= 5);
  if (!promtool_is_there()) return;
  const std::string path = written("metrics-page-queries", rules);
  CHECK(std::system(("promtool check rules " + path + " >&2").c_str()) == 0);
  std::filesystem::remove(path);
}

TEST_CASE("catalog: promtool has nothing to say about a whole exposition") {
  if (!promtool_is_there()) return;
  SelfMetrics self(sample::kStillClock);
  self.call_finished("acr-prod", "ListRepository", "ok", Millis{5});
  Exposition exposition(sample::busy_options(), self);
  auto deletions = sample::view("org", "app");
  deletions->tags = deletions->size_bytes = deletions->downloads = 1;
  deletions->last_end[Outcome::tag_rule] = sample::at(1'732'000'000);
  deletions->rules = {{"1", "date_rule", "30"}};
  deletions->failing = ErrorKind::timeout;
  auto swr = sample::registry("swr-prod", kDeletions, {sample::shown(deletions, {})});
  auto acr = sample::busy_registry(3, 1);
  acr->last_cycle_seconds = 1;
  acr->state.last_success = sample::at(1'732'000'000);
  LiveState live;
  CloudHealth health;
  health.credentials_expire_at = sample::at(1'732'000'000);
  health.clock_offset = Millis{1};
  live.registries = {{"acr-prod", health}, {"swr-prod", health}};
  const std::string path =
      written("exposition", sample::joined(exposition.render({{acr, swr}}, live, {})));
  CHECK(std::system(("promtool check metrics < " + path + " >&2").c_str()) == 0);
  std::filesystem::remove(path);
}
