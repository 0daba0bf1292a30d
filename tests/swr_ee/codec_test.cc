#include "exporter/swr_ee/codec.h"

#include <doctest/doctest.h>

#include <string>

using namespace registry_exporter;
using swr_ee::RunEnd;

namespace {

const PageRequest kFirst{0, 100};
const PageRequest kSecond{1, 100};
const UnixMillis kMidnight{Millis{1'772'582'400'000}};  // 2026-03-04T00:00:00Z

/// A body of one list with its total.
std::string listed(const std::string& key, const std::string& rows, const std::string& total) {
  return R"({"total":)" + total + R"(,")" + key + R"(":[)" + rows + "]}";
}

auto executions(const std::string& rows, const std::string& total = "1") {
  return swr_ee::parse_retention_executions(listed("executions", rows, total), "7", kFirst);
}

auto tasks(const std::string& rows) {
  return swr_ee::parse_retention_tasks(listed("tasks", rows, "1"), "912", kFirst);
}

auto replications(const std::string& rows) {
  return swr_ee::parse_replication_executions(listed("executions", rows, "1"), kFirst);
}

auto policies(const std::string& rows) {
  return swr_ee::parse_retention_policies(listed("retentions", rows, "1"), kFirst);
}

/// A retention execution with these last fields.
std::string execution(const std::string& id, const std::string& more) {
  return R"({"id":)" + id + R"(,"policy_id":7,"trigger":"scheduled",)" + more + "}";
}

}  // namespace

TEST_CASE("retention executions: a finished one has its times, its end and whether it was dry") {
  for (const char* id : {"912", "\"912\"", "912.0"}) {
    CAPTURE(id);
    const auto page = executions(execution(
        id, R"("dry_run":false,"status":"Succeed","start_time":"2026-03-04T00:00:00.104Z",)"
            R"("end_time":"2026-03-04 08:00:11+08:00")"));
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    const swr_ee::RetentionExecution& execution = page->items[0];
    CHECK(execution.run.id == "912");
    CHECK(execution.run.started_at == kMidnight + Millis{104});
    CHECK(execution.run.ended_at == kMidnight + Millis{11'000});
    CHECK(execution.run.end == RunEnd::success);
    CHECK(execution.dry_run == false);
    CHECK(page->total == 1);
    CHECK(page->rows == 1);
  }
}

TEST_CASE("retention executions: whether a run was dry is told or not, never guessed") {
  struct Row {
    const char* field;
    std::optional<bool> dry_run;
  };
  const Row rows[] = {{R"("dry_run":true)", true}, {R"("dry_run":"True")", true},
                      {R"("dry_run":1)", true},    {R"("dry_run":false)", false},
                      {R"("dry_run":null)", {}},   {R"("dry_run":"no")", {}},
                      {R"("dryrun":false)", {}}};
  for (const Row& row : rows) {
    CAPTURE(row.field);
    const auto page = executions(execution("1", std::string(R"("status":"Succeed",)") + row.field));
    REQUIRE(page);
    CHECK(page->items.at(0).dry_run == row.dry_run);
  }
}

TEST_CASE("retention executions: the end of a run that is under way is no end") {
  for (const char* end :
       {R"("end_time":"0001-01-01T00:00:00.000Z")", R"("end_time":"")", R"("end_time":null)",
        R"("trigger_by":"")", R"("end_time":"2026-03-04T00:00:00Z")"}) {
    CAPTURE(end);
    const auto page = executions(execution(
        "1", std::string(R"("status":"InProgress","start_time":"2026-03-04T00:00:00Z",)") + end));
    REQUIRE(page);
    CHECK_FALSE(page->items.at(0).run.end);
    CHECK_FALSE(page->items[0].run.ended_at);
    CHECK(page->items[0].run.started_at == kMidnight);
  }
}

TEST_CASE("retention executions: times that are none leave the run as it is") {
  const auto page = executions(
      execution("1", R"("status":"Failed","start_time":"0001-01-01T00:00:00Z","end_time":"soon")"));
  REQUIRE(page);
  CHECK(page->items.at(0).run.end == RunEnd::failed);
  CHECK_FALSE(page->items[0].run.started_at);
  CHECK_FALSE(page->items[0].run.ended_at);
}

TEST_CASE("retention executions: an unknown status is told, and waits for an end time") {
  const auto page =
      executions(execution("1", R"("status":"Paused","end_time":"0001-01-01T00:00:00Z")") + "," +
                     execution("2", R"("status":"Expired","end_time":"2026-03-04T00:00:00Z")") +
                     "," + execution("3", R"("end_time":"")"),
                 "3");
  REQUIRE(page);
  REQUIRE(page->items.size() == 3);
  CHECK_FALSE(page->items[0].run.end);
  CHECK(page->items[1].run.end == RunEnd::other);
  CHECK(page->items[1].run.ended_at == kMidnight);
  CHECK_FALSE(page->items[2].run.end);
  CHECK(page->unknown_statuses == std::vector<std::string>{"Paused", "Expired", ""});
}

TEST_CASE("retention executions: ids that can't be used are rejected, the page stays") {
  struct Row {
    const char* id;
    Rejection rejection;
  };
  const Row rows[] = {{"null", Rejection::id_missing},     {"\"\"", Rejection::id_missing},
                      {"-5", Rejection::id_invalid},       {"1.5", Rejection::id_invalid},
                      {"\"9f8e\"", Rejection::id_invalid}, {"{}", Rejection::id_invalid}};
  for (const Row& row : rows) {
    CAPTURE(row.id);
    const auto page = executions(
        execution(row.id, R"("status":"Failed")") + ",17," + execution("7", R"("status":"Failed")"),
        "3");
    REQUIRE(page);
    CHECK(page->items.size() == 1);
    CHECK(page->rows == 3);
    CHECK(page->rejected == std::vector<Rejection>{Rejection::id_missing, row.rejection});
  }
}

TEST_CASE("retention executions: of one that is listed twice the most final stays") {
  const std::string open = execution("1", R"("status":"InProgress")");
  const std::string done = execution("1", R"("status":"Failed")");
  const std::string whole =
      execution("1", R"("status":"Succeed","end_time":"2026-03-04T00:00:00Z")");
  for (const auto& rows : {open + "," + done + "," + whole, whole + "," + done + "," + open}) {
    const auto page = executions(rows, "3");
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    CHECK(page->items[0].run.end == RunEnd::success);
    CHECK(page->rows == 3);
  }
}

TEST_CASE("retention executions: a page of another policy is no answer") {
  for (const char* other : {"8", "\"8\"", "\"x\"", "-7"}) {
    CAPTURE(other);
    const std::string row = std::string(R"({"id":1,"status":"Failed","policy_id":)") + other + "}";
    const auto page = executions(row);
    REQUIRE_FALSE(page);
    CHECK(page.error().kind == ErrorKind::malformed);
    CHECK(page.error().cause == ErrorCause::wrong_repository);
  }
  for (const char* same :
       {R"({"id":1,"policy_id":"7"})", R"({"id":1,"policy_id":null})", R"({"id":1})"}) {
    CAPTURE(same);
    CHECK(executions(same));
  }
}

TEST_CASE("every list: an empty one has several faces, a missing one is malformed") {
  struct Row {
    const char* body;
    bool first;   ///< Readable as the first page.
    bool second;  ///< Readable behind it.
  };
  const Row rows[] = {
      {R"({"executions":[],"total":0})", true, true},
      {R"({"executions":null,"total":0})", true, true},
      {R"({"executions":null})", true, true},
      {R"({"total":0})", true, true},
      {R"({"executions":[]})", true, true},
      {R"({"executions":null,"total":37})", false, true},
      {R"({"total":"37"})", false, true},
      {R"({"executions":{"id":1},"total":1})", false, false},
      {R"({})", false, false},
      {R"({"error_code":"SWR.400003"})", false, false},
      {R"([])", false, false},
      {"<html>", false, false},
      {"", false, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    CHECK(swr_ee::parse_retention_executions(row.body, "7", kFirst).has_value() == row.first);
    CHECK(swr_ee::parse_replication_executions(row.body, kFirst).has_value() == row.first);
    CHECK(swr_ee::parse_replication_executions(row.body, kSecond).has_value() == row.second);
  }
}

TEST_CASE("every list: a total that is no count is no hint") {
  for (const char* total : {"-1", "1.5", "\"many\"", "null", "[]", "99999999999999999999999"}) {
    CAPTURE(total);
    const auto page = executions(execution("1", R"("status":"Failed")"), total);
    REQUIRE(page);
    CHECK_FALSE(page->total);
    CHECK(page->items.size() == 1);
  }
}

TEST_CASE("retention tasks: what was not kept was removed") {
  struct Row {
    const char* counts;
    std::optional<std::uint64_t> removed;
  };
  const Row rows[] = {
      {R"("total":40,"retained":30)", 10},
      {R"("total":"40","retained":"40")", 0},
      {R"("total":0,"retained":0)", 0},
      {R"("total":40,"retained":41)", {}},
      {R"("total":40)", {}},
      {R"("retained":0)", {}},
      {R"("total":null,"retained":0)", {}},
      {R"("total":-4,"retained":-8)", {}},
      {R"("total":4.5,"retained":1)", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.counts);
    const auto page = tasks(std::string(R"({"id":4401,"execution_id":"912","repository":"web/api",)"
                                        R"("job_id":17,"status":"Success","status_code":3,)") +
                            row.counts + "}");
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    CHECK(page->items[0].run.id == "4401");
    CHECK(page->items[0].run.end == RunEnd::success);
    CHECK(page->items[0].repository == "web/api");
    CHECK(page->items[0].removed == row.removed);
  }
}

TEST_CASE("retention tasks: a page of another execution is no answer") {
  const auto page = tasks(R"({"id":1,"execution_id":913,"repository":"api"})");
  REQUIRE_FALSE(page);
  CHECK(page.error().cause == ErrorCause::wrong_repository);
}

TEST_CASE("retention tasks: a name that can't be used is left empty") {
  const auto page = tasks(R"({"id":1},{"id":2,"repository":")" + std::string(300, 'a') + "\"}");
  REQUIRE(page);
  REQUIRE(page->items.size() == 2);
  CHECK(page->items[0].repository.empty());
  CHECK(page->items[1].repository.empty());
}

TEST_CASE("retention policies: each with its namespace, and what its rules go by") {
  struct Row {
    const char* rules;
    Outcome rule;
  };
  const Row rows[] = {
      {R"([{"template":"nDaysSinceLastPush"}])", Outcome::date_rule},
      {R"([{"template":"nDaysSinceLastPull"},{"template":"NDAYSSINCELASTPUSH"}])",
       Outcome::date_rule},
      {R"([{"template":"latestPushedK"},{"template":"latestPulledN"}])", Outcome::tag_rule},
      {R"([{"template":"latestPushedK"},{"template":"nDaysSinceLastPush"}])", Outcome::other},
      {R"([{"template":"latestPushedK"},{"template":"nDaysSinceLastPush","disabled":true}])",
       Outcome::tag_rule},
      {R"([{"template":"always"}])", Outcome::other},
      {R"([17])", Outcome::other},
      {R"([])", Outcome::other},
      {R"(null)", Outcome::other},
      {R"("rules")", Outcome::other},
  };
  for (const Row& row : rows) {
    CAPTURE(row.rules);
    const auto page = policies(
        std::string(R"({"id":7,"name":"p","namespace_name":"team-a","namespace_id":1,"rules":)") +
        row.rules + "}");
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    CHECK(page->items[0] == swr_ee::RetentionPolicy{"7", "team-a", row.rule, false});
  }
}

TEST_CASE("retention policies: one that is in force and has a schedule runs by itself") {
  struct Row {
    const char* fields;
    bool scheduled;
  };
  const Row rows[] = {
      {R"("enabled":true,"trigger":{"type":"scheduled","trigger_settings":{"cron":"x"}})", true},
      {R"("trigger":{"type":"Schedule"})", true},
      {R"("enabled":"false","trigger":{"type":"scheduled"})", false},
      {R"("enabled":true,"trigger":{"type":"manual"})", false},
      {R"("enabled":true,"trigger":null)", false},
      {R"("enabled":true)", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.fields);
    const auto page =
        policies(std::string(R"({"id":7,"namespace_name":"team-a",)") + row.fields + "}");
    REQUIRE(page);
    CHECK(page->items.at(0).is_scheduled == row.scheduled);
  }
}

TEST_CASE("retention policies: one without a namespace can't be asked for, the others stay") {
  const auto page = policies(R"({"id":7},{"id":8,"namespace_name":"team-b"})");
  REQUIRE(page);
  REQUIRE(page->items.size() == 1);
  CHECK(page->items[0].id == "8");
  CHECK(page->rows == 2);
}

TEST_CASE("replication executions: times under either name, or none") {
  struct Row {
    const char* times;
    std::optional<UnixMillis> started_at, ended_at;
  };
  const UnixMillis end = kMidnight + Millis{31'000};
  const Row rows[] = {
      {R"("created_at":"2026-03-04T00:00:00Z","updated_at":"2026-03-04T00:00:31Z")", kMidnight,
       end},
      {R"("start_time":"2026-03-04T00:00:00Z","end_time":"2026-03-04T00:00:31Z")", kMidnight, end},
      {R"("created_at":"2026-03-04T00:00:00Z","end_time":"2026-03-04T00:00:31Z")", kMidnight, end},
      {R"("start_time":"2026-03-04T00:00:00Z","end_time":"2026-03-04T00:00:31Z",)"
       R"("created_at":"2026-03-03T00:00:00Z","updated_at":"2026-03-05T00:00:00Z")",
       kMidnight, end},
      {R"("start_time":"","end_time":"0001-01-01T00:00:00Z")", {}, {}},
      {R"("status_text":"")", {}, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.times);
    const auto page = replications(std::string(R"({"id":930,"policy_id":"12","status":"Failed",)") +
                                   row.times + "}");
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    CHECK(page->items[0].policy_id == "12");
    CHECK(page->items[0].run.end == RunEnd::failed);
    CHECK(page->items[0].run.started_at == row.started_at);
    CHECK(page->items[0].run.ended_at == row.ended_at);
  }
}

TEST_CASE("replication executions: a record's last change is no end of a run with an odd status") {
  const auto page = replications(
      R"({"id":1,"policy_id":12,"status":"Waiting","updated_at":"2026-03-04T00:00:00Z"})");
  REQUIRE(page);
  CHECK_FALSE(page->items.at(0).run.end);
  CHECK_FALSE(page->items[0].run.ended_at);
}

TEST_CASE("replication executions: counts are taken as they are, each for itself") {
  const auto page =
      replications(R"({"id":1,"policy_id":12,"status":"Failed","total":2,"failed":"1","succeed":4,)"
                   R"("in_progress":9,"stopped":-1})");
  REQUIRE(page);
  const auto& execution = page->items.at(0);
  CHECK(execution.succeeded == 4);
  CHECK(execution.failed == 1);
  CHECK_FALSE(execution.stopped);
}

TEST_CASE("replication executions: one that does not say whose it is is rejected, and told of") {
  for (const char* policy : {R"("policy_id":null,)", R"("policy_id":"x",)", ""}) {
    CAPTURE(policy);
    const auto page = replications(std::string(R"({"id":1,)") + policy +
                                   R"("status":"Succeed"},{"id":2,"policy_id":12})");
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    CHECK(page->items[0].run.id == "2");
    CHECK(page->rows == 2);
    CHECK(page->rejected == std::vector<Rejection>{Rejection::id_invalid});
  }
}

TEST_CASE("replication policies: one without a name goes by its id") {
  const auto page = swr_ee::parse_replication_policies(
      listed("policies", R"({"id":12,"name":"to-paris"},{"id":13},{"id":"x","name":"y"})", "3"),
      kFirst);
  REQUIRE(page);
  CHECK(page->items == std::vector<swr_ee::ReplicationPolicy>{{"12", "to-paris"}, {"13", "13"}});
  CHECK(page->rejected == std::vector<Rejection>{Rejection::id_invalid});
}

TEST_CASE("repositories: each with its namespace, and what the list tells for nothing") {
  const auto page = swr_ee::parse_repositories(
      listed("repositories",
             R"({"id":9,"name":"web/api","namespace_id":1,"namespace_name":"team-a",)"
             R"("tag_count":12,"artifact_count":11,"pull_count":"40",)"
             R"("created_at":"2026-03-04T00:00:00.000Z","updated_at":""},)"
             R"({"id":10,"name":"lost"},17)",
             "3"),
      kFirst);
  REQUIRE(page);
  CHECK(page->rows == 3);
  CHECK(page->total == 3);
  REQUIRE(page->items.size() == 1);
  CHECK(page->items[0] == ListedRepository{{"team-a", "web/api", ""}, kMidnight, {}, 12, {}, 40});
}

TEST_CASE("instances: by id and name") {
  const auto page = swr_ee::parse_instances(
      listed("instances",
             R"({"id":"5a1f","name":"main","status":"Running"},{"id":"","name":"x"},{"id":"6b"})",
             "3"),
      kFirst);
  REQUIRE(page);
  CHECK(page->items == std::vector<swr_ee::Instance>{{"5a1f", "main"}, {"6b", ""}});
  CHECK(page->rows == 3);
}
