#include "exporter/swr/sync_codec.h"

#include <doctest/doctest.h>

#include <string>

#include "exporter/base/time_text.h"

namespace registry_exporter::swr {
namespace {

const RepositoryRef kRepository{"team-a", "web/api", ""};

net::HttpResponse answer(const std::string& body, net::HttpHeaders headers = {}) {
  return {200, std::move(headers), body};
}

std::string row_of(const std::string& id, const std::string& status) {
  return R"({"id":)" + id +
         R"(,"namespace":"team-a","repoName":"web/api","tag":"v1","remoteNamespace":"mirror",)"
         R"("remoteRegionId":"cn-east-3","override":true,"status":")" +
         status +
         R"(","createdAt":"2026-03-04T02:11:09Z","updatedAt":"2026-03-04T02:12:39.5Z",)"
         R"("domainID":"d","domainName":"acme","syncOperatorId":"u","syncOperatorName":"ann"})";
}

Record record_of(const std::string& status) {
  const auto page = parse_sync_page(answer("[" + row_of("51", status) + "]"), kRepository);
  REQUIRE(page.has_value());
  REQUIRE(page->records.size() == 1);
  return page->records[0];
}

TEST_CASE("swr sync page: a job lasts from its creation to its last change") {
  const Record ended = record_of("success");
  CHECK(ended.id == "51");
  CHECK_FALSE(ended.open);
  CHECK(ended.outcome == Outcome::success);
  CHECK(ended.started_at == parse_rfc3339("2026-03-04T02:11:09Z"));
  CHECK(*ended.ended_at - *ended.started_at == Millis{90'500});
  const Record runs = record_of("running");
  CHECK(runs.open);
  CHECK_FALSE(runs.ended_at);
}

TEST_CASE("swr sync page: every documented status, whatever its case and blanks") {
  struct Row {
    const char* status;
    bool open;
    Outcome outcome;
  };
  for (const Row& row :
       {Row{"waiting", true, Outcome::other}, Row{"running", true, Outcome::other},
        Row{"success", false, Outcome::success}, Row{"failed", false, Outcome::failed},
        Row{"timeout", false, Outcome::failed}, Row{"cancel", false, Outcome::canceled},
        Row{"existed", false, Outcome::other}, Row{" Success ", false, Outcome::success}}) {
    CAPTURE(row.status);
    const Record record = record_of(row.status);
    CHECK(record.open == row.open);
    CHECK(record.outcome == row.outcome);
  }
}

TEST_CASE("swr sync page: a status that nobody knows is no end, and is told") {
  const auto page = parse_sync_page(answer("[" + row_of("51", "paused") + "]"), kRepository);
  REQUIRE(page.has_value());
  CHECK(page->records[0].open);
  CHECK(page->unknown_statuses == std::vector<std::string>{"paused"});
}

TEST_CASE("swr sync page: the total stands in the header") {
  const auto page =
      parse_sync_page(answer("[" + row_of("51", "success") + "," + row_of("\"50\"", "failed") + "]",
                             {{"content-range", "0-2/17"}}),
                      kRepository);
  REQUIRE(page.has_value());
  CHECK(page->rows == 2);
  CHECK(page->total == 17U);
  CHECK(page->records[1].id == "50");
  for (const char* nothing : {"[]", "null"}) {
    const auto empty = parse_sync_page(answer(nothing), kRepository);
    REQUIRE(empty.has_value());
    CHECK(empty->rows == 0);
    CHECK_FALSE(empty->total);
  }
}

TEST_CASE("swr sync page: what can't be right is refused, what lacks an id is told") {
  const auto refused = [](const net::HttpResponse& response) {
    const auto page = parse_sync_page(response, kRepository);
    return !page && page.error().kind == ErrorKind::malformed;
  };
  CHECK(refused(answer("{}")));
  CHECK(refused(answer("[")));
  CHECK(refused(answer("[]", {{"content-range", "0-0/17"}})));
  std::string other = row_of("51", "success");
  other.replace(other.find("web/api"), 7, "web/app");
  CHECK(refused(answer("[" + other + "]")));
  const auto page = parse_sync_page(
      answer("[7," + row_of("\"\"", "success") + "," + row_of("-1", "success") + "]"), kRepository);
  REQUIRE(page.has_value());
  CHECK(page->rows == 3);
  CHECK(page->records.empty());
  CHECK(page->rejected == std::vector<Rejection>{Rejection::id_missing, Rejection::id_missing,
                                                 Rejection::id_invalid});
}

TEST_CASE("swr sync page: behind the last page there is nothing, whatever the total says") {
  const auto page =
      parse_sync_page(answer("[]", {{"content-range", "20-0/17"}}), kRepository, {2, 10});
  REQUIRE(page.has_value());
  CHECK(page->rows == 0);
}

}  // namespace
}  // namespace registry_exporter::swr
