#include "exporter/exposition/history.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::exposition;

namespace {

UnixMillis at(std::int64_t ms) { return UnixMillis{Millis{ms}}; }

std::vector<SamplePoint> points(const std::vector<UnixMillis>& events, UnixMillis until) {
  const UnixMillis first = events.empty() ? at(600'000) : events.front();
  return sample_points(events, first, until, Millis{60'000});
}

std::string written(const std::vector<RegistryHistory>& registries, HistoryOptions options = {}) {
  if (options.bucket_bounds.empty()) options.bucket_bounds = {10, 60};
  std::string text;
  write_history(registries, options, [&](std::string_view piece) { text += piece; });
  return text;
}

std::string without_comments(const std::string& text) {
  std::string kept;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin) + 1;
    if (text[begin] != '#') kept += text.substr(begin, end - begin);
    begin = end;
  }
  return kept;
}

}  // namespace

TEST_CASE("history: when a series is sampled") {
  struct Row {
    const char* name;
    std::vector<UnixMillis> events;
    UnixMillis until;
    std::vector<SamplePoint> wanted;
  };
  const Row rows[] = {
      {"no event of this outcome", {}, at(900'000), {{at(540'000), 0}, {at(900'000), 0}}},
      {"one event",
       {at(600'123)},
       at(900'000),
       {{at(540'123), 0}, {at(600'123), 1}, {at(900'000), 1}}},
      {"one step has one sample, at its last event",
       {at(600'001), at(600'002), at(659'999)},
       at(900'000),
       {{at(540'001), 0}, {at(659'999), 3}, {at(900'000), 3}}},
      {"the next step needs none before it",
       {at(600'000), at(660'000)},
       at(900'000),
       {{at(540'000), 0}, {at(600'000), 1}, {at(660'000), 2}, {at(900'000), 2}}},
      {"after a silence the old value comes first",
       {at(600'000), at(800'000)},
       at(900'000),
       {{at(540'000), 0}, {at(600'000), 1}, {at(740'000), 1}, {at(800'000), 2}, {at(900'000), 2}}},
      {"neighbours of one millisecond are one sample",
       {at(659'999), at(660'000)},
       at(900'000),
       {{at(599'999), 0}, {at(660'000), 2}, {at(900'000), 2}}},
      {"the last event is at the end",
       {at(900'000)},
       at(900'000),
       {{at(840'000), 0}, {at(900'000), 1}}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(points(row.events, row.until) == row.wanted);
  }
}

TEST_CASE("history: counters have all outcomes, histograms those that were seen") {
  RegistryHistory registry{"prod", &kBuilds, at(900'500), {}};
  registry.repositories.push_back({{"team", "a\"b", "1"},
                                   {{at(600'123), Outcome::failed, Millis{30'500}},
                                    {at(600'456), Outcome::failed, std::nullopt}}});
  registry.repositories.push_back({{"team", "silent", "2"}, {}});
  HistoryOptions options;
  options.labels = {{"job", "re"}};
  const std::string text = written({registry}, options);
  CHECK(text.starts_with("# HELP acr_builds "));
  CHECK(text.ends_with("# EOF\n"));
  const std::string labels =
      R"({registry="prod",repo_namespace="team",repo="a\"b",job="re",status=")";
  const std::string builds = "acr_builds_total" + labels;
  const std::string bucket = "acr_build_duration_seconds_bucket" + labels + "failed\",le=\"";
  const std::string sum = "acr_build_duration_seconds_sum" + labels + "failed\"} ";
  const std::string count = "acr_build_duration_seconds_count" + labels + "failed\"} ";
  std::string wanted = builds + "success\"} 0 540.123\n" + builds + "success\"} 0 900.5\n";
  wanted += builds + "failed\"} 0 540.123\n" + builds + "failed\"} 2 600.456\n" + builds +
            "failed\"} 2 900.5\n";
  for (const std::string outcome : {"canceled", "other"}) {
    wanted += builds + outcome + "\"} 0 540.123\n" + builds + outcome + "\"} 0 900.5\n";
  }
  for (const std::string time : {"540.123", "600.123", "900.5"}) {
    const std::string seen = time == "540.123" ? "0 " : "1 ";
    wanted += bucket + "10.0\"} 0 " + time + "\n" + bucket + "60.0\"} " + seen + time + "\n";
    wanted += bucket + "+Inf\"} " + seen + time + "\n";
    wanted += sum + (seen == "0 " ? "0 " : "30.5 ") + time + "\n" + count + seen + time + "\n";
  }
  CHECK(without_comments(text) == wanted);
}

TEST_CASE("history: families are grouped over registries, and may be disabled") {
  const std::vector<PastEvent> build{{at(600'000), Outcome::success, Millis{1'000}}};
  const std::vector<PastEvent> deletion{{at(600'000), Outcome::tag_rule, std::nullopt}};
  std::vector<RegistryHistory> registries;
  for (const char* name : {"one", "two"}) {
    registries.push_back({name, &kBuilds, at(900'000), {{{"n", "r", ""}, build}}});
    registries.push_back(
        {std::string(name) + "-swr", &kDeletions, at(900'000), {{{"n", "r", ""}, deletion}}});
  }
  const std::string text = written(registries);
  std::vector<std::string> heads;
  for (std::size_t begin = text.find("# TYPE "); begin != std::string::npos;
       begin = text.find("# TYPE ", begin + 1)) {
    heads.push_back(text.substr(begin + 7, text.find('\n', begin) - begin - 7));
  }
  CHECK(heads == std::vector<std::string>{"acr_builds counter",
                                          "acr_build_duration_seconds histogram",
                                          "swr_retention_deletions counter"});
  CHECK(text.find("template=\"tag_rule\"} 1 600\n") != std::string::npos);
  HistoryOptions options;
  options.disabled = {"acr_build_duration_seconds"};
  CHECK(written(registries, options).find("duration") == std::string::npos);
}

TEST_CASE("history: series have the labels of what they belong to, as live ones have") {
  const std::vector<PastEvent> run{{at(600'000), Outcome::stopped, Millis{1'500}}};
  const std::vector<PastEvent> none_timed{{at(600'000), Outcome::failed, std::nullopt}};
  const std::string text = written({
      {"ee", &kRetentions, at(900'000), {{{"apps", "", "7"}, run}}},
      {"ee", &kReplications, at(900'000), {{{"", "to-paris", "3"}, run}}},
      {"acr", &kAcrSyncs, at(900'000), {{{"n", "r", "1"}, run}}},
      {"swr", &kSwrSyncs, at(900'000), {{{"n", "r/s", ""}, none_timed}}},
  });
  const std::string space = R"({registry="ee",repo_namespace="apps",status="stopped")";
  const std::string policy = R"({registry="ee",policy="to-paris",status="stopped")";
  for (const std::string& line :
       {"swr_retention_executions_total" + space + "} 1 600",
        "swr_retention_execution_duration_seconds_sum" + space + "} 1.5 600",
        "swr_replication_executions_total" + policy + "} 1 600",
        "swr_replication_execution_duration_seconds_bucket" + policy + ",le=\"10.0\"} 1 600",
        std::string(R"(swr_syncs_total{registry="swr",repo_namespace="n",repo="r/s",)") +
            R"(status="failed"} 1 600)",
        std::string(R"(acr_syncs_total{registry="acr",repo_namespace="n",repo="r",)") +
            R"(status="success"} 0 540)"}) {
    CAPTURE(line);
    CHECK(text.find("\n" + line + "\n") != std::string::npos);
  }
  CHECK(text.find("swr_sync_duration_seconds_bucket") == std::string::npos);
}

TEST_CASE("history: one record may add more than one to a counter") {
  const std::vector<PastEvent> deletions{{at(600'000), Outcome::tag_rule, std::nullopt, 12},
                                         {at(610'000), Outcome::tag_rule, std::nullopt, 1},
                                         {at(800'000), Outcome::tag_rule, std::nullopt, 30}};
  const std::vector<PastEvent> artifacts{{at(600'000), Outcome::failed, std::nullopt, 5}};
  const std::string text = without_comments(written({
      {"ee", &kRetentionDeletions, at(900'000), {{{"apps", "web", ""}, deletions}}},
      {"ee", &kReplicatedArtifacts, at(900'000), {{{"", "to-paris", "3"}, artifacts}}},
  }));
  const std::string web =
      "swr_retention_deletions_total"
      R"({registry="ee",repo_namespace="apps",repo="web",template="tag_rule"} )";
  CHECK(text.find(web + "0 540\n" + web + "13 610\n" + web + "13 740\n" + web + "43 800\n" + web +
                  "43 900\n") != std::string::npos);
  const std::string copied =
      R"(swr_replicated_artifacts_total{registry="ee",policy="to-paris",result="failed"} )";
  CHECK(text.find(copied + "0 540\n" + copied + "5 600\n" + copied + "5 900\n") !=
        std::string::npos);
}

TEST_CASE("history: deletions of both editions are one family") {
  const std::vector<PastEvent> deletion{{at(600'000), Outcome::tag_rule, std::nullopt}};
  const std::string text = written({
      {"ee", &kRetentionDeletions, at(900'000), {{{"n", "r", ""}, deletion}}},
      {"swr", &kDeletions, at(900'000), {{{"n", "r", ""}, deletion}}},
  });
  const std::string type = "# TYPE swr_retention_deletions counter";
  CHECK(text.find(type) != std::string::npos);
  CHECK(text.find(type) == text.rfind(type));
  for (const char* registry : {"registry=\"ee\"", "registry=\"swr\""}) {
    CHECK(text.find(registry) != std::string::npos);
  }
}

TEST_CASE("history: labels of its own are known") {
  for (const char* name :
       {"registry", "repo", "repo_namespace", "policy", "status", "template", "result", "le"}) {
    CHECK(is_history_label(name));
  }
  CHECK_FALSE(is_history_label("job"));
  CHECK_FALSE(is_history_label("instance"));
}
