#include "exporter/swr/codec.h"

#include <doctest/doctest.h>

#include <string>

#include "exporter/swr/requests.h"

using namespace registry_exporter;

namespace {

const RepositoryRef kRepository{"team-a", "web/api", ""};

net::HttpResponse answer(const std::string& body, net::HttpHeaders headers = {}) {
  return {200, std::move(headers), body};
}

std::string row(const std::string& id, const std::string& more = "") {
  return R"({"created_at":"2026-03-04T02:11:09.120394Z","id":)" + id +
         R"(,"namespace":"team-a","repo":"web/api","retention_id":77,"tag":"v1",)"
         R"("rule_type":"{\"template\":\"date_rule\",\"params\":{\"days\":\"30\"}}")" +
         more + "}";
}

std::string page(const std::string& rows, const std::string& total) {
  return R"({"retention_log":[)" + rows + R"(],"total":)" + total + "}";
}

}  // namespace

TEST_CASE("history page: a row becomes a finished record, whatever its types") {
  for (const char* id : {"51234", "\"51234\"", "51234.0"}) {
    CAPTURE(id);
    const auto parsed = swr::parse_history_page(answer(page(row(id), "1")), kRepository);
    REQUIRE(parsed);
    REQUIRE(parsed->records.size() == 1);
    const Record& record = parsed->records[0];
    CHECK(record.id == "51234");
    CHECK(record.key == 51234);
    CHECK(record.started_at == UnixMillis{Millis{1'772'590'269'120}});
    CHECK(record.ended_at == record.started_at);
    CHECK_FALSE(record.open);
    CHECK(record.outcome == Outcome::date_rule);
    CHECK(parsed->total == 1);
  }
}

TEST_CASE("history page: ids beyond what a double holds stay apart") {
  const auto parsed =
      swr::parse_history_page(answer(page(row("9007199254740992") + "," + row("9007199254740993") +
                                              "," + row("\"9223372036854775807\""),
                                          "3")),
                              kRepository);
  REQUIRE(parsed);
  REQUIRE(parsed->records.size() == 3);
  CHECK(parsed->records[0].key == 9007199254740992);
  CHECK(parsed->records[1].key == 9007199254740993);
  CHECK(parsed->records[2].id == "9223372036854775807");
}

TEST_CASE("history page: ids that can't be used are rejected, the page stays") {
  struct Row {
    const char* id;
    Rejection rejection;
  };
  const Row rows[] = {{"null", Rejection::id_missing},
                      {"\"\"", Rejection::id_missing},
                      {"-5", Rejection::id_invalid},
                      {"1.5", Rejection::id_invalid},
                      {"\"abc\"", Rejection::id_invalid},
                      {"{}", Rejection::id_invalid},
                      {"99999999999999999999999", Rejection::id_missing}};
  for (const Row& each : rows) {
    CAPTURE(each.id);
    const auto parsed =
        swr::parse_history_page(answer(page(row(each.id) + "," + row("7"), "2")), kRepository);
    REQUIRE(parsed);
    CHECK(parsed->records.size() == 1);
    CHECK(parsed->rows == 2);
    REQUIRE(parsed->rejected.size() == 1);
    CHECK(parsed->rejected[0] == each.rejection);
  }
}

TEST_CASE("history page: an empty list has several faces, a missing one is malformed") {
  struct Row {
    const char* body;
    bool good;
  };
  const Row rows[] = {
      {R"({"retention_log":[],"total":0})", true},
      {R"({"retention_log":null,"total":0})", true},
      {R"({"retention_log":null})", true},
      {R"({"total":0})", true},
      {R"({"total":"0"})", true},
      {R"({"retention_log":null,"total":3})", false},
      {R"({"retention_log":{"retention_log":[]},"total":0})", false},
      {R"({"total":3})", false},
      {R"({})", false},
      {R"([])", false},
      {R"({"retention_log":{},"total":1})", false},
      {R"({"retention_log":[],"total":0}x)", false},
      {R"({"retention_log":[],"retention_log":[],"total":0})", false},
      {"<html>", false},
      {"", false},
  };
  for (const Row& each : rows) {
    CAPTURE(each.body);
    const auto parsed = swr::parse_history_page(answer(each.body), kRepository);
    CHECK(parsed.has_value() == each.good);
    if (!parsed) CHECK(parsed.error().kind == ErrorKind::malformed);
  }
}

TEST_CASE("history page: behind the last page a list may be null, whatever the total says") {
  for (const char* body : {R"({"retention_log":null,"total":37})", R"({"total":1000})"}) {
    const auto parsed =
        swr::parse_history_page(answer(body), kRepository, {.index = 1, .size = 37});
    REQUIRE(parsed);
    CHECK(parsed->rows == 0);
  }
}

TEST_CASE("history page: no list, and a header that tells of rows, is no empty list") {
  const auto parsed = swr::parse_history_page(
      answer(R"({"retention_log":null,"total":0})", {{"content-range", "0-3/3"}}), kRepository);
  CHECK_FALSE(parsed);
}

TEST_CASE("history page: a time outside the plausible is no time, the deletion stays") {
  for (const char* time : {"\"1999-12-31T23:59:59Z\"", "\"2100-01-01T00:00:00Z\"", "1767323045",
                           "null", "\"\"", "\"yesterday\"", "{}"}) {
    CAPTURE(time);
    const auto parsed = swr::parse_history_page(
        answer(page(R"({"id":1,"created_at":)" + std::string(time) + "}", "1")), kRepository);
    REQUIRE(parsed);
    REQUIRE(parsed->records.size() == 1);
    CHECK_FALSE(parsed->records[0].started_at);
    CHECK_FALSE(parsed->records[0].ended_at);
    CHECK(parsed->records[0].outcome == Outcome::other);
  }
}

TEST_CASE("history page: rows of another repository make it malformed, `$` and `/` are one") {
  std::string dollar = page(row("1"), "1");
  dollar.replace(dollar.find("web/api"), 7, "web$api");
  CHECK(swr::parse_history_page(answer(dollar), kRepository).has_value());
  std::string other = page(row("1"), "1");
  other.replace(other.find("web/api"), 7, "web/app");
  CHECK_FALSE(swr::parse_history_page(answer(other), kRepository));
}

TEST_CASE("history page: the total of body and header is a hint only where they agree") {
  struct Row {
    const char* total;
    const char* range;
    std::optional<std::uint64_t> hint;
  };
  const Row rows[] = {{"23", "20-3/23", 23}, {"23", "20-3 / 23", 23}, {"23", "", 23},
                      {"23", "20-3/24", {}}, {"\"23\"", "x", 23},     {"-1", "0-1/5", 5},
                      {"null", "0-1/5", 5}};
  for (const Row& each : rows) {
    CAPTURE(each.total);
    CAPTURE(each.range);
    const auto parsed = swr::parse_history_page(
        answer(page(row("1"), each.total), {{"content-range", each.range}}), kRepository);
    REQUIRE(parsed);
    CHECK(parsed->total == each.hint);
  }
}

TEST_CASE("rule: its template decides, anything odd is other") {
  CHECK(swr::outcome_of_rule(R"({"template":"tag_rule"})") == Outcome::tag_rule);
  CHECK(swr::outcome_of_rule(R"({"template":"new_rule"})") == Outcome::other);
  CHECK(swr::outcome_of_rule("date_rule") == Outcome::other);
  CHECK(swr::outcome_of_rule("") == Outcome::other);
}

TEST_CASE("repositories: the bare list with its facts") {
  const auto parsed = swr::parse_repository_page(
      R"([{"name":"web/api","size":200977474,"num_images":2,"num_download":"5",)"
      R"("created_at":"2024-01-01T00:00:00Z","updated_at":"2024-02-11T03:00:02.542841141Z",)"
      R"("namespace":"team-a","total_range":7},{"name":"","namespace":"x"}])");
  REQUIRE(parsed);
  CHECK(parsed->rows == 2);
  CHECK(parsed->total == 7);
  REQUIRE(parsed->repositories.size() == 1);
  const ListedRepository& repository = parsed->repositories[0];
  CHECK(repository.ref == kRepository);
  CHECK(repository.tags == 2);
  CHECK(repository.size_bytes == 200977474);
  CHECK(repository.downloads == 5);
  CHECK(repository.modified_at == UnixMillis{Millis{1'707'620'402'542}});
}

TEST_CASE("retentions: what a rule keeps") {
  const auto parsed = swr::parse_retentions(
      R"([{"algorithm":"or","id":77,"rules":[{"template":"tag_rule","params":{"num":"7"}},)"
      R"({"template":"date_rule","params":{"days":30}},{"template":"odd"}]}])");
  REQUIRE(parsed);
  CHECK(*parsed == std::vector<RetentionRule>{
                       {"77", "tag_rule", "7"}, {"77", "date_rule", "30"}, {"77", "other", ""}});
  CHECK(swr::parse_retentions("[]")->empty());
}

TEST_CASE("retentions: a rule listed twice is one, and a text too long for a label is none") {
  const std::string rule = R"({"template":"tag_rule","params":{"num":"7"}})";
  const auto parsed = swr::parse_retentions(
      R"([{"id":77,"rules":[)" + rule + "," + rule + R"(]},{"id":77,"rules":[)" + rule +
      R"(]},{"id":78,"rules":[{"template":"date_rule","params":{"days":")" + std::string(100, '9') +
      R"("}}]},{"id":")" + std::string(100, '1') + R"(","rules":[)" + rule +
      R"(]},{"id":79,"rules":null}])");
  REQUIRE(parsed);
  CHECK(*parsed == std::vector<RetentionRule>{{"77", "tag_rule", "7"}, {"78", "date_rule", ""}});
}

TEST_CASE("requests: both paging forms, and names with slashes, go as the cloud wants them") {
  const swr::Target plain{"http://h", config::SwrConfig::Paging::offset};
  const swr::Target filter{"http://h", config::SwrConfig::Paging::filter};
  CHECK(swr::list_retention_histories(plain, kRepository, {2, 100}).target ==
        "/v2/manage/namespaces/team-a/repos/web$api/retentions/histories?limit=100&offset=200");
  CHECK(swr::list_retention_histories(filter, kRepository, {0, 10}).target ==
        "/v2/manage/namespaces/team-a/repos/web$api/retentions/histories?"
        "filter=limit%3A%3A10%7Coffset%3A%3A0");
  CHECK(swr::list_repositories(plain, "a b", {0, 5}).target ==
        "/v2/manage/repos?namespace=a%20b&limit=5&offset=0");
  CHECK(swr::list_retentions(plain, {"t", "a b%c", ""}).target ==
        "/v2/manage/namespaces/t/repos/a%20b%25c/retentions");
}

TEST_CASE("parse lists: rows that are no objects are a broken page, not an empty list") {
  CHECK(swr::parse_repository_page("[1, 2, 3]").error().kind == ErrorKind::malformed);
  CHECK(swr::parse_namespaces(R"({"namespaces": ["team-a"]})").error().kind ==
        ErrorKind::malformed);
  CHECK(swr::parse_retentions("[null]").error().kind == ErrorKind::malformed);
}
