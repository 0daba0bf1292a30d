#include "exporter/exposition/exposition.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <vector>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/lines.h"
#include "exporter/exposition/rendered_registry.h"
#include "exporter/exposition/self_metrics.h"
#include "tests/exposition/gunzip.h"
#include "tests/exposition/parsed_exposition.h"
#include "tests/exposition/sample_snapshot.h"

using namespace registry_exporter;
using namespace registry_exporter::exposition;
using sample::at;
using sample::at_ms;
using sample::parse_exposition;

namespace {

constexpr auto kText = ExpositionFormat::text;
constexpr auto kOpenMetrics = ExpositionFormat::openmetrics;

/// Everything set: two success builds in the first two buckets, a failed one, one running.
RepositoryRow built_row() {
  auto view = sample::view("team-a", "api");
  EventCounters counters;
  counters.events[Outcome::success] = 2;
  counters.events[Outcome::failed] = 1;
  counters.created_at = at(1'700'000'500);
  counters.durations[Outcome::success] =
      DurationHistogram{{1, 1, 0}, 130'500, {3, 0, {{40, 1}, {54, 1}}}, at(1'700'000'600)};
  view->exemplars[Outcome::success] =
      Exemplars{Exemplar{"b-1", 30.5, at(1'732'400'000)}, std::nullopt,
                Exemplar{"hidden: its bucket is empty", 999, at(1)}};
  view->open = 1;
  view->oldest_open_started_at = at_ms(1'732'499'000'250);
  view->last_build = LastBuild{at(1'732'490'000), true, Millis{100'000}};
  view->consecutive_failed = 0;
  view->last_end[Outcome::success] = at(1'732'490'000);
  view->last_end[Outcome::failed] = at(1'732'300'000);
  view->seen[Outcome::success] = view->seen[Outcome::failed] = true;
  view->recent[1][Outcome::success] = 2;
  view->recent[1][Outcome::failed] = 1;
  view->last_read = at(1'732'499'999);
  return sample::shown(std::move(view), counters);
}

/// Nothing happened there yet; it can't be read.
RepositoryRow failing_row() {
  auto view = sample::view("team-b", "web/ui");
  view->failing = ErrorKind::forbidden;
  view->first_unreadable_row = 500;
  return sample::shown(std::move(view), {});
}

RepositoryRow deleted_row() {
  auto view = sample::view("org", "app/web");
  EventCounters counters;
  counters.events[Outcome::date_rule] = 5;
  counters.events[Outcome::other] = 1;
  view->last_end[Outcome::date_rule] = at(1'732'400'000);
  view->last_end[Outcome::other] = at(1'732'300'000);
  view->recent[0][Outcome::date_rule] = 2;
  view->recent[1][Outcome::date_rule] = 3;
  view->recent[1][Outcome::other] = 1;
  view->tags = 12;
  view->size_bytes = 34'567'890'123;
  view->downloads = 7;
  view->rules = {{"1", "date_rule", "30"}, {"1", "date_rule", "30"}, {"2", "tag_rule", "10"}};
  view->last_read = at(1'732'499'998);
  return sample::shown(std::move(view), counters);
}

std::shared_ptr<RegistrySnapshot> acr(std::vector<RepositoryRow> rows) {
  auto registry = sample::registry("acr-prod", kBuilds, std::move(rows));
  registry->repositories = {1, 0, 1, 0, 0};
  registry->state.created_at = at(1'700'000'000);
  registry->state.records = {10, 3, 1, 2};
  registry->state.rejected = {4, 1};
  registry->state.invalid_durations = {1, 2};
  registry->state.history_gaps = 6;
  registry->state.last_success = at(1'732'499'999);
  registry->unknown_statuses = {{"A", 2}, {"B", 3}};
  registry->last_cycle_seconds = 1.25;
  return registry;
}

std::shared_ptr<RegistrySnapshot> swr(std::vector<RepositoryRow> rows) {
  return sample::registry("swr-prod", kDeletions, std::move(rows));
}

LiveState live_state() {
  LiveState live;
  CloudHealth up;
  up.up = true;
  up.requests_per_second = 2.5;
  up.credentials_expire_at = at(1'732'503'600);
  up.clock_offset = Millis{-1'500};
  live.registries = {{"acr-prod", up}, {"swr-prod", {}}};
  live.now = at(1'732'500'000);
  live.state_size_bytes = 4096;
  live.state_created_at = at(1'700'000'000);
  live.config_reloaded_at = at(1'732'000'000);
  return live;
}

RepositoryRow synchronised_row() {
  auto view = sample::view("team-a", "api");
  view->is_share = true;
  view->open = 2;
  view->oldest_open_started_at = at(1'732'499'000);
  view->last_build = LastBuild{at(1'732'490'000), false, Millis{30'000}};
  EventCounters counters;
  counters.events[Outcome::failed] = 3;
  counters.durations[Outcome::failed] = DurationHistogram{{2, 1, 0}, 120'000};
  return sample::shown(std::move(view), counters);
}

/// Synchronisations beside no builds, from one list that could be read in part.
std::shared_ptr<RegistrySnapshot> syncs() {
  auto registry = sample::registry("syncs", kAcrSyncs, {synchronised_row()});
  auto feed = std::make_shared<RepositoryView>();
  feed->last_read = at(1'732'499'990);
  feed->failing = ErrorKind::forbidden;
  feed->first_unreadable_row = 200;
  registry->feeds = {{&kAcrSyncs, feed}};
  return registry;
}

Snapshot full_snapshot() { return {{acr({built_row(), failing_row()}), swr({deleted_row()})}}; }

/// With a series of every family.
Snapshot everything() {
  Snapshot snapshot = full_snapshot();
  snapshot.registries.push_back(syncs());
  snapshot.registries.push_back(sample::registry("swr-syncs", kSwrSyncs, {synchronised_row()}));
  snapshot.registries.push_back(sample::enterprise());
  return snapshot;
}

struct Bench {
  explicit Bench(ExpositionOptions options = sample::options())
      : exposition(std::move(options), self) {}
  std::string text(const Snapshot& snapshot, ExpositionFormat format = kText,
                   const std::vector<std::string>& only = {}) {
    return sample::joined(
        exposition.render(snapshot, live_state(), {.registries = only, .format = format}));
  }
  SelfMetrics self{sample::kStillClock};
  Exposition exposition;
};

/// Without what changes from one answer to the next of the same snapshot.
ExpositionOptions steady_options() {
  ExpositionOptions options = sample::busy_options();
  options.disabled = {"process_cpu_seconds_total",
                      "process_resident_memory_bytes",
                      "process_virtual_memory_bytes",
                      "process_open_fds",
                      "process_threads",
                      "registry_exporter_exposition_bytes"};
  return options;
}

/// The lines of a family as they stand in the text, without HELP.
std::string family_of(const std::string& text, const std::string& name) {
  std::string lines;
  bool inside = false;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin) + 1;
    const std::string line = text.substr(begin, end - begin);
    if (line.starts_with("# HELP")) inside = line.starts_with("# HELP " + name + " ");
    if (inside && !line.starts_with("# HELP")) lines += line;
    begin = end;
  }
  return lines;
}

constexpr const char* kApi = R"(registry="acr-prod",repo_namespace="team-a",repo="api")";
constexpr const char* kUi = R"(registry="acr-prod",repo_namespace="team-b",repo="web/ui")";
constexpr const char* kApp = R"(registry="swr-prod",repo_namespace="org",repo="app/web")";

/// `{}` stands for the labels of a row; `#` in a family's expected lines for its name.
std::string filled(std::string text, const std::string& name) {
  const std::pair<const char*, std::string> marks[] = {
      {"API", kApi}, {"UI", kUi}, {"APP", kApp}, {"@", name}};
  for (const auto& [mark, with] : marks) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += with.size()) {
      text.replace(at, std::string(mark).size(), with);
    }
  }
  return text;
}

struct Expected {
  const char* family;
  const char* lines;  ///< With the marks of filled().
};

const Expected kCloudFamilies[] = {
    {"acr_up", "@{registry=\"acr-prod\"} 1\n"},
    {"acr_builds_total",
     "@{API,status=\"success\"} 2\n@{API,status=\"failed\"} 1\n@{API,status=\"canceled\"} 0\n"
     "@{API,status=\"other\"} 0\n"
     "@{UI,status=\"success\"} 0\n@{UI,status=\"failed\"} 0\n@{UI,status=\"canceled\"} 0\n"
     "@{UI,status=\"other\"} 0\n"},
    {"acr_build_duration_seconds",
     "@_bucket{API,status=\"success\",le=\"60.0\"} 1\n"
     "@_bucket{API,status=\"success\",le=\"300.0\"} 2\n"
     "@_bucket{API,status=\"success\",le=\"+Inf\"} 2\n"
     "@_sum{API,status=\"success\"} 130.5\n@_count{API,status=\"success\"} 2\n"},
    {"acr_build_success_ratio", "@{API,window=\"24h\"} 0.6666666666666666\n"},
    {"acr_builds_recent",
     "@{API,status=\"success\",window=\"1h\"} 0\n@{API,status=\"success\",window=\"24h\"} 2\n"
     "@{API,status=\"failed\",window=\"1h\"} 0\n@{API,status=\"failed\",window=\"24h\"} 1\n"
     "@{UI,status=\"success\",window=\"1h\"} 0\n@{UI,status=\"success\",window=\"24h\"} 0\n"
     "@{UI,status=\"failed\",window=\"1h\"} 0\n@{UI,status=\"failed\",window=\"24h\"} 0\n"},
    {"acr_builds_in_progress", "@{API} 1\n@{UI} 0\n"},
    {"acr_build_oldest_in_progress_start_timestamp_seconds", "@{API} 1732499000.25\n"},
    {"acr_last_build_success", "@{API} 1\n"},
    {"acr_last_build_duration_seconds", "@{API} 100\n"},
    {"acr_consecutive_failed_builds", "@{API} 0\n@{UI} 0\n"},
    {"acr_last_build_end_timestamp_seconds",
     "@{API,status=\"success\"} 1732490000\n@{API,status=\"failed\"} 1732300000\n"},
    {"acr_repository_info", "@{API,repo_id=\"crr-1\"} 1\n@{UI,repo_id=\"crr-1\"} 1\n"},
    {"swr_up", "@{registry=\"swr-prod\"} 0\n"},
    {"swr_retention_deletions_total",
     "@{APP,template=\"date_rule\"} 5\n@{APP,template=\"tag_rule\"} 0\n"
     "@{APP,template=\"other\"} 1\n"},
    {"swr_retention_deletions_recent", "@{APP,window=\"1h\"} 2\n@{APP,window=\"24h\"} 4\n"},
    {"swr_last_retention_deletion_timestamp_seconds", "@{APP} 1732400000\n"},
    {"swr_repository_tags", "@{APP} 12\n"},
    {"swr_repository_size_bytes", "@{APP} 34567890123\n"},
    {"swr_repository_downloads", "@{APP} 7\n"},
    {"swr_retention_rule_info",
     "@{APP,retention_id=\"1\",template=\"date_rule\",keep=\"30\"} 1\n"
     "@{APP,retention_id=\"2\",template=\"tag_rule\",keep=\"10\"} 1\n"},
};

const Expected kOwnFamilies[] = {
    {"registry_exporter_rate_limit_requests_per_second",
     "@{registry=\"acr-prod\"} 2.5\n@{registry=\"swr-prod\"} 0\n"},
    {"registry_exporter_credentials_expiry_timestamp_seconds",
     "@{registry=\"acr-prod\"} 1732503600\n"},
    {"registry_exporter_clock_offset_seconds", "@{registry=\"acr-prod\"} -1.5\n"},
    {"registry_exporter_collection_duration_seconds", "@{registry=\"acr-prod\"} 1.25\n"},
    {"registry_exporter_collection_last_success_timestamp_seconds",
     "@{registry=\"acr-prod\"} 1732499999\n"},
    {"registry_exporter_repositories",
     "@{registry=\"acr-prod\",state=\"fresh\"} 1\n@{registry=\"acr-prod\",state=\"stale\"} 0\n"
     "@{registry=\"acr-prod\",state=\"failing\"} 1\n@{registry=\"acr-prod\",state=\"pending\"} 0\n"
     "@{registry=\"acr-prod\",state=\"dropped\"} 0\n"
     "@{registry=\"swr-prod\",state=\"fresh\"} 0\n@{registry=\"swr-prod\",state=\"stale\"} 0\n"
     "@{registry=\"swr-prod\",state=\"failing\"} 0\n@{registry=\"swr-prod\",state=\"pending\"} 0\n"
     "@{registry=\"swr-prod\",state=\"dropped\"} 0\n"},
    {"registry_exporter_repository_last_read_timestamp_seconds",
     "@{API} 1732499999\n@{APP} 1732499998\n"},
    {"registry_exporter_repository_failing", "@{UI,reason=\"forbidden\"} 1\n"},
    {"registry_exporter_repository_labels", "@{API,label_team=\"a\\\"b\",label_tier=\"1\"} 1\n"},
    {"registry_exporter_repository_first_unreadable_row", "@{UI} 500\n"},
    {"registry_exporter_records_total",
     "@{registry=\"acr-prod\",class=\"baseline\"} 10\n"
     "@{registry=\"acr-prod\",class=\"counted\"} 3\n"
     "@{registry=\"acr-prod\",class=\"late\"} 1\n"
     "@{registry=\"acr-prod\",class=\"vanished\"} 2\n"
     "@{registry=\"acr-prod\",class=\"rejected\"} 5\n"
     "@{registry=\"swr-prod\",class=\"baseline\"} 0\n"
     "@{registry=\"swr-prod\",class=\"counted\"} 0\n"
     "@{registry=\"swr-prod\",class=\"late\"} 0\n"
     "@{registry=\"swr-prod\",class=\"vanished\"} 0\n"
     "@{registry=\"swr-prod\",class=\"rejected\"} 0\n"},
    {"registry_exporter_records_rejected_total",
     "@{registry=\"acr-prod\",reason=\"id_missing\"} 4\n"
     "@{registry=\"acr-prod\",reason=\"id_invalid\"} 1\n"
     "@{registry=\"swr-prod\",reason=\"id_missing\"} 0\n"
     "@{registry=\"swr-prod\",reason=\"id_invalid\"} 0\n"},
    {"registry_exporter_unknown_statuses_total", "@{registry=\"acr-prod\"} 5\n"},
    {"registry_exporter_durations_invalid_total",
     "@{registry=\"acr-prod\",reason=\"negative\"} 1\n"
     "@{registry=\"acr-prod\",reason=\"missing\"} 2\n"},
    {"registry_exporter_history_gaps_total",
     "@{registry=\"acr-prod\"} 6\n@{registry=\"swr-prod\"} 0\n"},
    {"registry_exporter_ledger_imbalance",
     "@{registry=\"acr-prod\"} 0\n@{registry=\"swr-prod\"} 0\n"},
    {"registry_exporter_state_size_bytes", "@ 4096\n"},
    {"registry_exporter_state_created_timestamp_seconds", "@ 1700000000\n"},
    {"registry_exporter_state_recovered", "@ 0\n"},
    {"registry_exporter_shard_ordinal", "@ 0\n"},
    {"registry_exporter_total_shards", "@ 1\n"},
    {"registry_exporter_config_last_reload_successful", "@ 1\n"},
    {"registry_exporter_config_last_reload_success_timestamp_seconds", "@ 1732000000\n"},
};

}  // namespace

TEST_CASE("exposition: each family shows exactly what the snapshot and the moment say") {
  Bench bench;
  const std::string text = bench.text(full_snapshot());
  const auto check = [&](const Expected& expected) {
    CAPTURE(expected.family);
    const Family* family = find_family(expected.family);
    REQUIRE(family != nullptr);
    const std::string type = "# TYPE @ " + std::string(name(family->type)) + "\n";
    CHECK(family_of(text, expected.family) == filled(type + expected.lines, expected.family));
  };
  for (const Expected& expected : kCloudFamilies) check(expected);
  for (const Expected& expected : kOwnFamilies) check(expected);
}

TEST_CASE("exposition: synchronisations and the list that they come from") {
  Bench bench;
  const std::string text = bench.text({{syncs()}});
  const std::string labels = R"({registry="syncs",repo_namespace="team-a",repo="api")";
  const auto has = [&](const std::string& line) {
    return text.find("\n" + line + "\n") != std::string::npos;
  };
  CHECK(has("acr_syncs_total" + labels + ",status=\"failed\"} 3"));
  CHECK(has("acr_syncs_total" + labels + ",status=\"success\"} 0"));
  CHECK(has("acr_sync_duration_seconds_count" + labels + ",status=\"failed\"} 3"));
  CHECK(has("acr_sync_duration_seconds_sum" + labels + ",status=\"failed\"} 120"));
  CHECK(has("acr_syncs_in_progress" + labels + "} 2"));
  CHECK(has("acr_sync_oldest_in_progress_start_timestamp_seconds" + labels + "} 1732499000"));
  CHECK(has("acr_last_sync_success" + labels + "} 0"));
  CHECK(has(
      R"(registry_exporter_list_last_read_timestamp_seconds{registry="syncs",list="syncs"} 1732499990)"));
  CHECK(
      has(R"(registry_exporter_list_failing{registry="syncs",list="syncs",reason="forbidden"} 1)"));
  CHECK(has(R"(registry_exporter_list_first_unreadable_row{registry="syncs",list="syncs"} 200)"));
  CHECK(text.find("acr_builds_total") == std::string::npos);
  CHECK(text.find("registry_exporter_repository_last_read") == std::string::npos);
}

TEST_CASE("exposition: every family of the catalog can be seen, in both formats, and no other") {
  Bench bench;
  bench.text({});  // From now on the size of an answer is known.
  bench.self.call_finished("acr-prod", "ListRepository", "ok", Millis{5});
  std::set<std::string> known, known_without_total;
  for (const Family& family : families()) {
    known.emplace(family.name);
    std::string_view shown = family.name;
    if (family.type == FamilyType::counter) shown.remove_suffix(std::string("_total").size());
    known_without_total.emplace(shown);
  }
  for (const ExpositionFormat format : {kText, kOpenMetrics}) {
    std::set<std::string> seen;
    for (const auto& family :
         parse_exposition(bench.text(everything(), format), format == kOpenMetrics)) {
      seen.insert(family.name);
      CHECK(!family.type.empty());
      CHECK(!family.help.empty());
      CHECK(!family.samples.empty());
    }
    CHECK(seen == (format == kText ? known : known_without_total));
  }
}

TEST_CASE("exposition: labels are those of the catalog") {
  // The list of a namespace has the series of a repository's list, without its name.
  const std::map<std::string, std::string> namespace_list = {{"registry", "ee"},
                                                             {"repo_namespace", "apps"}};
  Bench bench;
  bench.text({});
  bench.self.call_finished("acr-prod", "ListRepository", "ok", Millis{5});
  for (const auto& parsed : parse_exposition(bench.text(everything()), false)) {
    CAPTURE(parsed.name);
    const Family& family = *find_family(parsed.name);
    std::set<std::string> wanted;
    if (family.scope != FamilyScope::process) wanted.insert("registry");
    const bool of_repository = family.scope == FamilyScope::repository;
    if (of_repository) wanted.insert("repo");
    if (of_repository || family.scope == FamilyScope::repo_namespace) {
      wanted.insert("repo_namespace");
    }
    if (family.scope == FamilyScope::policy) wanted.insert("policy");
    std::string more;
    for (const char c : std::string(family.labels) + ",") {
      if (c != ',') {
        more.push_back(c);
      } else if (!more.empty()) {
        wanted.insert(std::exchange(more, {}));
      }
    }
    for (const auto& sample : parsed.samples) {
      std::set<std::string> labels;
      for (const auto& [label_name, value] : sample.labels) {
        if (label_name == "le") continue;
        labels.insert(label_name.starts_with("label_") ? "label_*" : label_name);
      }
      const bool of_namespace_list = sample.labels == namespace_list && family.kind == nullptr;
      if (of_namespace_list) labels.insert("repo");
      CHECK(labels == wanted);
    }
  }
}

TEST_CASE("exposition: OpenMetrics has exemplars on shown buckets, the text format has none") {
  Bench bench;
  const std::string text = bench.text(full_snapshot(), kOpenMetrics);
  CHECK(family_of(text, "acr_build_duration_seconds") ==
        filled("# TYPE @ histogram\n# UNIT @ seconds\n"
               "@_bucket{API,status=\"success\",le=\"60.0\"} 1 "
               "# {build_record_id=\"b-1\"} 30.5 1732400000\n"
               "@_bucket{API,status=\"success\",le=\"300.0\"} 2\n"
               "@_bucket{API,status=\"success\",le=\"+Inf\"} 2\n"
               "@_sum{API,status=\"success\"} 130.5\n@_count{API,status=\"success\"} 2\n",
               "acr_build_duration_seconds"));
  CHECK(text.ends_with("\n# EOF\n"));
  CHECK(bench.text(full_snapshot(), kText).find("build_record_id") == std::string::npos);
}

TEST_CASE("exposition: _created lines come only when asked for, and only in OpenMetrics") {
  ExpositionOptions options = sample::options();
  CHECK(Bench(options).text(full_snapshot(), kOpenMetrics).find("_created{") == std::string::npos);
  options.created_timestamps = true;
  CHECK(Bench(options).text(full_snapshot(), kText).find("_created{") == std::string::npos);
  const std::string text = Bench(options).text(full_snapshot(), kOpenMetrics);
  CHECK_NOTHROW(parse_exposition(text, true));
  CHECK(family_of(text, "acr_builds")
            .starts_with(filled("# TYPE @ counter\n@_total{API,status=\"success\"} 2\n"
                                "@_created{API,status=\"success\"} 1700000500\n"
                                "@_total{API,status=\"failed\"} 1\n",
                                "acr_builds")));
  CHECK(family_of(text, "acr_build_duration_seconds")
            .ends_with(filled("@_created{API,status=\"success\"} 1700000600\n",
                              "acr_build_duration_seconds")));
  CHECK(family_of(text, "registry_exporter_history_gaps")
            .find("_created{registry=\"acr-prod\"} 1699999880\n") != std::string::npos);
  CHECK(text.find("_created{registry=\"swr-prod\"") == std::string::npos);  // It has not begun.
}

TEST_CASE("exposition: a repository whose counters don't show yet has no cloud series at all") {
  RepositoryRow hidden = built_row();
  hidden.cells[0].shown = nullptr;
  Bench bench;
  for (const auto& family : parse_exposition(bench.text({{acr({hidden})}}), false)) {
    CAPTURE(family.name);
    const bool own = family.name.starts_with("registry_exporter_repository_");
    for (const auto& sample : family.samples) CHECK((own || !sample.labels.contains("repo")));
  }
}

TEST_CASE("exposition: a repository without an id has no information about it") {
  RepositoryRow row = built_row();
  RepositoryView view = *row.cells[0].view;
  view.ref.cloud_id.clear();
  row.cells[0].view = std::make_shared<const RepositoryView>(view);
  const std::string text = Bench().text({{acr({row})}});
  CHECK(text.find("acr_builds_total{") != std::string::npos);
  CHECK(text.find("acr_repository_info{") == std::string::npos);
}

TEST_CASE("exposition: what is shown is `shown`, not what is already counted") {
  RepositoryRow held = built_row();
  held.cells[0].shown = std::make_shared<const EventCounters>();
  Bench bench;
  const std::string text = bench.text({{acr({held})}}, kOpenMetrics);
  CHECK(family_of(text, "acr_builds").find("status=\"success\"} 0\n") != std::string::npos);
  CHECK(text.find("acr_build_duration_seconds") == std::string::npos);
  auto zero = std::make_shared<EventCounters>();
  zero->durations[Outcome::success] = DurationHistogram{{0, 0, 0}, 0};
  held.cells[0].shown = zero;
  const std::string zeros = bench.text({{acr({held})}}, kOpenMetrics);
  CHECK(zeros.find("# {") == std::string::npos);  // No exemplar in an empty bucket.
  CHECK(zeros.find("le=\"+Inf\"} 0\n") != std::string::npos);
}

TEST_CASE("exposition: canceled and other builds are recent ones once seen") {
  RepositoryRow row = built_row();
  auto view = std::make_shared<RepositoryView>(*row.cells[0].view);
  view->seen[Outcome::canceled] = true;
  row.cells[0].view = view;
  Bench bench;
  const std::string recent = family_of(bench.text({{acr({row})}}), "acr_builds_recent");
  CHECK(recent.find("status=\"canceled\",window=\"1h\"} 0\n") != std::string::npos);
  CHECK(recent.find("status=\"other\"") == std::string::npos);
}

TEST_CASE("exposition: asked for one registry, it tells of that one alone and not of the process") {
  Bench bench;
  bench.self.call_finished("acr-prod", "op", "ok", Millis{5});
  bench.self.call_finished("swr-prod", "op", "ok", Millis{5});
  for (const ExpositionFormat format : {kText, kOpenMetrics}) {
    const auto parsed =
        parse_exposition(bench.text(full_snapshot(), format, {"swr-prod"}), format == kOpenMetrics);
    CHECK(sample::find(parsed, "swr_up") != nullptr);
    CHECK(sample::find(parsed, "acr_up") == nullptr);
    for (const auto& family : parsed) {
      CAPTURE(family.name);
      for (const auto& sample : family.samples) {
        CHECK(sample.labels.contains("registry"));
        if (sample.labels.contains("registry")) {
          CHECK(sample.labels.at("registry") == "swr-prod");
        }
      }
    }
  }
}

TEST_CASE("exposition: a disabled family vanishes whole, wherever it comes from") {
  ExpositionOptions options = sample::options();
  for (const Family& family : families()) options.disabled.emplace_back(family.name);
  CHECK(Bench(options).text(full_snapshot()) == "");
  CHECK(Bench(options).text(full_snapshot(), kOpenMetrics) == "# EOF\n");
  options.disabled = {"acr_builds_total", "acr_up", "process_open_fds",
                      "registry_exporter_scrapes_total"};
  const std::string all = Bench(sample::options()).text(full_snapshot());
  const std::string some = Bench(options).text(full_snapshot());
  for (const std::string& family : options.disabled) {
    CHECK(all.find(family) != std::string::npos);
    CHECK(some.find(family) == std::string::npos);
  }
  CHECK(is_known_family("acr_builds_total"));
  CHECK_FALSE(is_known_family("acr_builds"));
  CHECK_FALSE(is_known_family("acr_build_duration_seconds_bucket"));
}

TEST_CASE("exposition: asked for families, it shows those alone, as they are without the filter") {
  Bench bench;
  for (const ExpositionFormat format : {kText, kOpenMetrics}) {
    const std::string all = bench.text(full_snapshot(), format);
    const auto some = [&](std::vector<std::string> registries, std::vector<std::string> names) {
      return sample::joined(bench.exposition.render(
          full_snapshot(), live_state(),
          {.registries = std::move(registries), .families = std::move(names), .format = format}));
    };
    const std::string end = format == kOpenMetrics ? "# EOF\n" : "";
    const std::string two = some({}, {"process_max_fds", "acr_build_duration_seconds"});
    const auto parsed = parse_exposition(two, format == kOpenMetrics);
    REQUIRE(parsed.size() == 2);
    CHECK(parsed[0].name == "acr_build_duration_seconds");
    CHECK(parsed[1].name == "process_max_fds");
    CHECK(family_of(two, "acr_build_duration_seconds") ==
          family_of(all, "acr_build_duration_seconds"));
    CHECK(some({"acr-prod"}, {"swr_up", "process_max_fds"}) == end);
    CHECK(some({"swr-prod"}, {"swr_up", "acr_up"}).find("swr_up{") != std::string::npos);
  }
}

TEST_CASE("exposition: the size of the last answer is told by format, before compression") {
  Bench bench;
  const auto told = [&bench] {
    std::string lines = family_of(bench.text({}), "registry_exporter_exposition_bytes");
    return lines.substr(lines.find('\n') + 1);
  };
  CHECK(family_of(bench.text({}), "registry_exporter_exposition_bytes") == "");
  const auto line = [](const char* format, std::size_t bytes) {
    return std::string("registry_exporter_exposition_bytes{format=\"") + format + "\"} " +
           std::to_string(bytes) + "\n";
  };
  std::size_t text = bench.text(full_snapshot()).size();
  CHECK(told() == line("text", text));
  const Snapshot busy{{sample::busy_registry(400, 1)}};
  const std::size_t openmetrics = bench.text(busy, kOpenMetrics).size();
  const auto packed = bench.exposition.render(busy, live_state(), {.gzip = true});
  text = sample::gunzip_one_member(sample::joined(packed)).size();
  CHECK(told() == line("openmetrics", openmetrics) + line("text", text));
}

TEST_CASE("exposition: hostile names come back as they were") {
  const std::string names[] = {"a\"b",        "back\\slash",   "line\nfeed", "} 1\nfake 2\n# x",
                               "仓库",        "\t tab",        "quote\\\"",  "\\n",
                               "# {a=\"b\"}", " # {x=\"y\"} 1"};
  std::vector<RepositoryRow> rows;
  for (const std::string& name : names) rows.push_back(sample::shown(sample::view(name, name), {}));
  Bench bench;
  for (const ExpositionFormat format : {kText, kOpenMetrics}) {
    const auto parsed = parse_exposition(bench.text({{acr(rows)}}, format), format == kOpenMetrics);
    const auto* family = sample::find(parsed, "acr_builds_in_progress");
    REQUIRE(family != nullptr);
    REQUIRE(family->samples.size() == std::size(names));
    for (std::size_t i = 0; i < std::size(names); ++i) {
      CHECK(family->samples[i].labels.at("repo") == names[i]);
      CHECK(family->samples[i].labels.at("repo_namespace") == names[i]);
    }
  }
}

TEST_CASE("exposition: the compressed answer unpacks to the plain one") {
  for (const std::size_t repositories : {0UL, 1UL, 400UL}) {
    CAPTURE(repositories);
    Bench bench(steady_options());
    const Snapshot snapshot{{sample::busy_registry(repositories, 1)}};
    const auto plain = sample::joined(bench.exposition.render(snapshot, live_state(), {}));
    const auto packed =
        sample::joined(bench.exposition.render(snapshot, live_state(), {.gzip = true}));
    CHECK(sample::gunzip_one_member(packed) == plain);
    CHECK_NOTHROW(parse_exposition(plain, false));
  }
}

TEST_CASE("exposition: a new snapshot that changes little shares nearly all of the old one") {
  for (const bool gzip : {false, true}) {
    CAPTURE(gzip);
    Bench bench(steady_options());
    const auto before = sample::busy_registry(2'000, 1);
    const auto first = bench.exposition.render({{before}}, live_state(), {.gzip = gzip});
    const auto again = bench.exposition.render({{before}}, live_state(), {.gzip = gzip});

    auto after = std::make_shared<RegistrySnapshot>(*before);
    after->version = 2;
    auto view = std::make_shared<RepositoryView>(*after->rows[1'000].cells[0].view);
    view->open += 12'345;
    after->rows[1'000].cells[0].view = view;
    after->rows.insert(after->rows.begin() + 3,
                       sample::shown(sample::view("payments-platform-0", "aaa"), {}));
    const auto second = bench.exposition.render({{after}}, live_state(), {.gzip = gzip});

    const std::set<Chunk> known(first.begin(), first.end());
    const auto shared_bytes = [&](const std::vector<Chunk>& chunks) {
      std::size_t shared = 0, all = 0;
      for (const Chunk& chunk : chunks) {
        all += chunk->size();
        if (known.contains(chunk)) shared += chunk->size();
      }
      return static_cast<double>(shared) / static_cast<double>(all);
    };
    CHECK(shared_bytes(again) > 0.95);
    CHECK(shared_bytes(second) > 0.70);
    Bench fresh(steady_options());
    const auto lines_without_process = [](std::string text) {
      return text.substr(0, text.find("# HELP process_"));
    };
    if (!gzip) {
      CHECK(lines_without_process(sample::joined(second)) ==
            lines_without_process(fresh.text({{after}})));
    }
  }
}

/// The same repositories, each with a thousand more builds under way.
std::shared_ptr<RegistrySnapshot> with_more_open(const RegistrySnapshot& registry) {
  auto changed = std::make_shared<RegistrySnapshot>(registry);
  for (RepositoryRow& row : changed->rows) {
    auto view = std::make_shared<RepositoryView>(*row.cells[0].view);
    view->open += 1'000;
    row.cells[0].view = std::move(view);
  }
  return changed;
}

/// The same repositories, each with a million more successful builds.
std::shared_ptr<RegistrySnapshot> with_more_counted(const RegistrySnapshot& registry) {
  auto changed = std::make_shared<RegistrySnapshot>(registry);
  for (RepositoryRow& row : changed->rows) {
    EventCounters counters = *row.cells[0].shown;
    counters.events[Outcome::success] += 1'000'000;
    row = sample::shown(std::make_shared<RepositoryView>(*row.cells[0].view), counters);
  }
  return changed;
}

TEST_CASE("exposition: however rows change, what is reused is what would be rendered") {
  using Part = std::tuple<std::string_view, std::size_t, std::size_t, std::uint64_t>;
  const auto parts = [](const RenderedRegistry& rendered) {
    std::map<std::string_view, std::vector<Part>> by_family;
    for (const auto& [family, lines] : rendered.families) {
      for (std::size_t i = 0; i < lines.blocks.size(); ++i) {
        const Block& block = *lines.blocks[i];
        by_family[family->name].emplace_back(block.text(), lines.rows[i].begin, lines.rows[i].end,
                                             block.key());
      }
    }
    return by_family;
  };
  const auto options = steady_options();
  std::map<ExpositionFormat, std::optional<RenderedRegistry>> before;
  std::uint64_t dice = 42;
  const auto roll = [&dice](std::uint64_t limit) {
    dice = dice * 6364136223846793005U + 1442695040888963407U;
    return (dice >> 33) % limit;
  };
  auto now = sample::busy_registry(1'500, 1);
  for (std::uint64_t version = 2; version < 40; ++version) {
    CAPTURE(version);
    auto next = std::make_shared<RegistrySnapshot>(*now);
    next->version = version;
    for (std::uint64_t changes = roll(9) == 0 ? 3'000 : roll(4); changes > 0; --changes) {
      RepositoryRow& row = next->rows[roll(next->rows.size())];
      auto view = std::make_shared<RepositoryView>(*row.cells[0].view);
      view->open += static_cast<std::uint32_t>(roll(1'000));
      if (roll(3) == 0) view->last_end = {};
      if (roll(3) == 0) view->failing = ErrorKind::timeout;
      if (roll(3) == 0) view->failing = std::nullopt;
      EventCounters counters = *view->counters;
      counters.events[Outcome::failed] += roll(1'000'000);
      row = roll(5) == 0 ? sample::row(view, nullptr) : sample::shown(view, counters);
    }
    if (roll(3) == 0) {  // The last rows get lines, or lose them.
      const bool shown = roll(2) == 0;
      for (std::size_t i = next->rows.size() - roll(700); i < next->rows.size(); ++i) {
        StreamCell& cell = next->rows[i].cells[0];
        cell.shown = shown ? cell.view->counters : nullptr;
        auto view = std::make_shared<RepositoryView>(*cell.view);
        view->failing = shown ? std::optional(ErrorKind::timeout) : std::nullopt;
        cell.view = view;
      }
    }
    const auto any_row = [&] {
      return next->rows.begin() + static_cast<std::ptrdiff_t>(roll(next->rows.size()));
    };
    if (roll(8) == 0) next->rows.erase(any_row());
    if (roll(8) == 0) {
      const auto view = sample::view("team", "new-" + std::to_string(version));
      next->rows.insert(any_row(), sample::shown(view, {}));
    }
    next->repositories[0] = roll(2);
    for (const auto format :
         {ExpositionFormat::text, ExpositionFormat::openmetrics, ExpositionFormat::protobuf}) {
      CAPTURE(name(format));
      before[format] = render_registry(next, std::move(before[format]), options, format);
      const auto fresh = render_registry(next, std::nullopt, options, format);
      REQUIRE(parts(*before[format]) == parts(fresh));
    }
    now = next;
  }
}

TEST_CASE("exposition: where all rows have changed, what says the same is kept") {
  const auto first = sample::busy_registry(500, 1);
  const auto second = with_more_open(*first);
  for (const auto format : {ExpositionFormat::text, ExpositionFormat::protobuf}) {
    const auto before = render_registry(first, std::nullopt, sample::options(), format);
    const auto after = render_registry(second, before, sample::options(), format);
    const auto blocks = [](const RenderedRegistry& rendered, std::string_view family) {
      return rendered.find(*find_family(family))->blocks;
    };
    CHECK(blocks(before, "acr_build_duration_seconds").size() > 10);
    CHECK(blocks(before, "acr_build_duration_seconds") ==
          blocks(after, "acr_build_duration_seconds"));
    CHECK(blocks(before, "acr_builds_in_progress") != blocks(after, "acr_builds_in_progress"));
  }
}

TEST_CASE("exposition: old lines that no scrape sends are let go while new ones are rendered") {
  const auto first = sample::busy_registry(2'000, 1);
  const auto second = with_more_counted(*first);
  second->version = 2;
  std::vector<std::weak_ptr<const std::string>> old_lines;
  std::size_t alive = 0;
  ExpositionOptions options = sample::options();
  const std::string late = full_name(first->rows[1'900].ref());
  options.labels_of_repository = [&](const std::string& repository) {
    if (repository == late) {
      alive = static_cast<std::size_t>(std::count_if(
          old_lines.begin(), old_lines.end(), [](const auto& each) { return !each.expired(); }));
    }
    return std::vector<std::pair<std::string, std::string>>();
  };
  Bench bench(options);
  ScrapeRequest counters_only;
  counters_only.families = {"acr_builds_total"};
  for (const Chunk& chunk : bench.exposition.render({{first}}, live_state(), counters_only)) {
    if (chunk->size() >= kSharedBytesMin) old_lines.emplace_back(chunk);
  }
  REQUIRE(old_lines.size() > 20);
  bench.exposition.render({{second}}, live_state(), counters_only);
  CHECK(alive > 0);
  CHECK(alive < old_lines.size() / 4);
}

TEST_CASE("exposition: after a rendering that failed, the next one is whole") {
  bool fails = false;
  ExpositionOptions options = steady_options();
  options.labels_of_repository = [&](const std::string&) {
    if (fails) throw std::runtime_error("no labels");
    return std::vector<std::pair<std::string, std::string>>();
  };
  Bench bench(options);
  auto first = acr({built_row()});
  auto second = acr({failing_row()});
  second->version = 2;
  bench.text({{first}});
  fails = true;
  CHECK_THROWS_AS(bench.text({{second}}), std::runtime_error);
  fails = false;
  CHECK(family_of(bench.text({{second}}), "acr_builds_total") ==
        family_of(Bench(steady_options()).text({{second}}), "acr_builds_total"));
}

TEST_CASE("exposition: lines of last time are let go while their rows are rendered anew") {
  const auto first = sample::busy_registry(2'000, 1);
  const Family& family = *find_family("acr_builds_total");
  RenderedRegistry before =
      render_registry(first, std::nullopt, sample::options(), ExpositionFormat::text);
  RenderedFamily& known = before.families.at(&family);
  const auto second = with_more_counted(*first);
  std::vector<std::size_t> changed(second->rows.size());
  std::iota(changed.begin(), changed.end(), 0);  // Each row is itself the next changed one.
  const ExpositionOptions options = sample::options();
  const SnapshotSource source{*second, *before.labels, options, ExpositionFormat::text};
  Lines lines(family, source, {&known, &changed});
  lines.render_rows(second->rows.size() / 2);
  const auto held = std::count_if(known.blocks.begin(), known.blocks.end(),
                                  [](const auto& block) { return block != nullptr; });
  const auto all = static_cast<std::ptrdiff_t>(known.blocks.size());
  CHECK(all > 20);
  CHECK(held < all * 2 / 3);
  CHECK(held > all / 3);
}

TEST_CASE("exposition: scrapes at once see each its snapshot whole, whatever is let go meanwhile") {
  const auto first = sample::busy_registry(300, 1);
  const std::shared_ptr<const RegistrySnapshot> states[] = {first, with_more_open(*first)};
  const std::string family = "acr_builds_in_progress";
  std::string wanted[2];
  for (std::size_t i = 0; i < 2; ++i) {
    wanted[i] = family_of(Bench(steady_options()).text({{states[i]}}), family);
  }
  Bench bench(steady_options());
  std::atomic<std::uint64_t> version{1};
  std::atomic<int> wrong{0};
  std::vector<std::thread> scrapers;
  for (std::size_t scraper = 0; scraper < 4; ++scraper) {
    scrapers.emplace_back([&, scraper] {
      for (std::size_t round = 0; round < 30; ++round) {
        const std::size_t which = (scraper + round) % 2;
        auto now = std::make_shared<RegistrySnapshot>(*states[which]);
        now->version = ++version;
        wrong += family_of(bench.text({{now}}), family) != wanted[which];
      }
    });
  }
  for (std::thread& each : scrapers) each.join();
  CHECK(wrong == 0);
}

TEST_CASE("exposition: an older snapshot is answered as it is and does not displace the newer") {
  Bench bench;
  auto old_one = acr({built_row()});
  auto new_one = acr({built_row(), failing_row()});
  new_one->version = 2;
  const std::string new_text = family_of(bench.text({{new_one}}), "acr_builds_total");
  const std::string old_text = family_of(bench.text({{old_one}}), "acr_builds_total");
  CHECK(old_text != new_text);
  CHECK(family_of(bench.text({{new_one}}), "acr_builds_total") == new_text);
}

TEST_CASE("exposition: the newest lines are still there after a scrape of an older snapshot") {
  Bench bench(steady_options());
  const auto old_one = sample::busy_registry(90, 1);
  const auto new_one = sample::busy_registry(100, 2);
  const auto shared = [&](const std::shared_ptr<const RegistrySnapshot>& registry) {
    std::set<Chunk> chunks;
    for (const Chunk& chunk : bench.exposition.render({{registry}}, live_state(), {})) {
      if (chunk->size() >= 4 * kSharedBytesMin) chunks.insert(chunk);
    }
    return chunks;
  };
  const std::set<Chunk> before = shared(new_one);
  REQUIRE(before.size() > 3);
  shared(old_one);
  std::set<Chunk> after = shared(new_one);
  for (const Chunk& chunk : before) {
    if (chunk->starts_with("acr_")) CHECK(after.contains(chunk));
  }
}

TEST_CASE("exposition: the process' own figures are plausible") {
  Bench bench;
  const auto parsed = parse_exposition(bench.text({}), false);
  const auto value = [&](const char* name) {
    const auto* family = sample::find(parsed, name);
    REQUIRE(family != nullptr);
    return std::stod(family->samples.at(0).value);
  };
  CHECK(value("process_threads") >= 1);
  CHECK(value("process_open_fds") >= 3);
  CHECK(value("process_max_fds") >= value("process_open_fds"));
  CHECK(value("process_resident_memory_bytes") > 1e6);
  CHECK(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
  CHECK(value("process_start_time_seconds") > 1.6e9);
  CHECK(value("process_cpu_seconds_total") >= 0);
}

TEST_CASE("exposition: all blocks but the last of a family are long enough to be shared") {
  for (const auto format : {ExpositionFormat::text, ExpositionFormat::protobuf}) {
    const auto rendered =
        render_registry(sample::busy_registry(2000, 1), std::nullopt, sample::options(), format);
    std::size_t blocks = 0;
    for (const auto& [family, lines] : rendered.families) {
      blocks += lines.blocks.size();
      for (std::size_t i = 0; i + 1 < lines.blocks.size(); ++i) {
        CHECK(lines.blocks[i]->text().size() >= kSharedBytesMin);
      }
    }
    CHECK(blocks > 200);
  }
}
