#include <doctest/doctest.h>

#include <string>

#include "exporter/exposition/exposition.h"
#include "exporter/exposition/self_metrics.h"
#include "tests/exposition/sample_snapshot.h"

using namespace registry_exporter;
using namespace registry_exporter::exposition;

TEST_CASE("swr_ee families: each has the labels of what it belongs to") {
  SelfMetrics self{sample::kStillClock};
  Exposition exposition(sample::options(), self);
  LiveState live;
  live.registries = {{"ee", {}}};
  live.now = sample::at(1'732'500'000);
  const std::string text = sample::joined(
      exposition.render({{sample::enterprise()}}, live, {.format = ExpositionFormat::text}));
  const auto has = [&](const std::string& line) {
    return text.find("\n" + line + "\n") != std::string::npos;
  };
  const std::string space = R"({registry="ee",repo_namespace="apps")";
  CHECK(has("swr_retention_executions_total" + space + ",status=\"success\"} 2"));
  CHECK(has("swr_retention_executions_total" + space + ",status=\"stopped\"} 0"));
  CHECK(has("swr_retention_executions_total" + space + ",status=\"other\"} 0"));
  CHECK(text.find("status=\"canceled\"") == std::string::npos);
  CHECK(has("swr_retention_execution_duration_seconds_sum" + space + ",status=\"success\"} 90.5"));
  CHECK(has("swr_last_retention_execution_success" + space + "} 1"));
  CHECK(has("swr_retention_executions_in_progress" + space + "} 1"));

  const std::string repository = R"({registry="ee",repo_namespace="apps",repo="web/shop")";
  CHECK(has("swr_retention_deletions_total" + repository + ",template=\"tag_rule\"} 40"));
  CHECK(has("swr_retention_deletions_total" + repository + ",template=\"date_rule\"} 0"));

  const std::string policy = R"({registry="ee",policy="to-paris")";
  CHECK(has("swr_replication_executions_total" + policy + ",status=\"stopped\"} 2"));
  CHECK(
      has("swr_replication_execution_duration_seconds_count" + policy + ",status=\"stopped\"} 2"));
  CHECK(has("swr_replicated_artifacts_total" + policy + ",result=\"success\"} 17"));
  CHECK(has("swr_replicated_artifacts_total" + policy + ",result=\"failed\"} 0"));

  CHECK(has("registry_exporter_repository_last_read_timestamp_seconds" + space + "} 1732499997"));
  CHECK(has(R"(swr_up{registry="ee"} 0)"));
  CHECK(text.find("acr_") == std::string::npos);
}
