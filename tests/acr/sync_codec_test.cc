#include "exporter/acr/sync_codec.h"

#include <doctest/doctest.h>

#include <string>

namespace registry_exporter::acr {
namespace {

constexpr const char* kInstance = "cri-x1";
const RepositoryRef kApi{"shop", "api", ""};

UnixMillis at(std::int64_t millis) { return UnixMillis(Millis(millis)); }

std::string page_of(const std::string& rows, const std::string& more = R"("TotalCount":"1")") {
  return R"({"Code":"success","IsSuccess":true,"PageNo":1,"PageSize":100,)" + more +
         R"(,"SyncTasks":[)" + rows + "]}";
}

/// One end of a task.
std::string image(const std::string& instance, const std::string& repository) {
  return R"({"RegionId":"r","InstanceId":")" + instance +
         R"(","RepoNamespaceName":"shop","RepoName":")" + repository + R"(","ImageTag":"v1"})";
}

/// A row with this id (as JSON), from api of ours to that of another instance.
std::string row_of(const std::string& id, const std::string& more) {
  return R"({"SyncTaskId":)" + id + R"(,"SyncBatchTaskId":"b","ImageFrom":)" +
         image(kInstance, "api") + R"(,"ImageTo":)" + image("cri-y1", "copy") + "," + more + "}";
}

Result<Page> parse(const std::string& body, PageRequest request = {}) {
  return parse_sync_page(body, kInstance, request);
}

Record record_of(const std::string& more) {
  const auto page = parse(page_of(row_of(R"("a")", more)));
  REQUIRE(page.has_value());
  REQUIRE(page->records.size() == 1);
  return page->records[0];
}

TEST_CASE("sync page: the documented answer reads as documented") {
  const auto page = parse(
      R"({"RequestId":"R","Code":"success","IsSuccess":true,"PageNo":1,"PageSize":100,"TotalCount":"3","SyncTasks":[
 {"SyncTaskId":"rst-3","SyncBatchTaskId":"33","SyncRuleId":"crsr-1","TaskStatus":"SYNCHRONIZING","TaskTrigger":"PASSIVE","CreateTime":1767323045000,"ModifedTime":1767323050000,"ModifiedTime":1767323050000,"CrossUser":false,"CustomLink":false,"SyncTransAccelerate":false,"ImageFrom":{"RegionId":"cn-hangzhou","InstanceId":"cri-x1","RepoNamespaceName":"shop","RepoName":"api","ImageTag":"v3"},"ImageTo":{"RegionId":"eu-central-1","InstanceId":"cri-y1","RepoNamespaceName":"shop","RepoName":"api","ImageTag":"v3"}},
 {"SyncTaskId":"rst-2","SyncBatchTaskId":"22","SyncRuleId":"crsr-2","TaskStatus":"ERROR","TaskIssue":"TAG_CONFLICT","TaskTrigger":"PASSIVE","CreateTime":1767319445000,"ModifedTime":1767319470000,"CrossUser":true,"ImageFrom":{"RegionId":"cn-hangzhou","InstanceId":"cri-x1","RepoNamespaceName":"shop","RepoName":"api","ImageTag":"v2"},"ImageTo":{"RegionId":"cn-shenzhen","InstanceId":"cri-z1","RepoNamespaceName":"mirror","RepoName":"api","ImageTag":"v2"}},
 {"SyncTaskId":"rst-1","SyncBatchTaskId":"22","SyncRuleId":"crsr-1","TaskStatus":"SUCCESS","TaskTrigger":"PASSIVE","CreateTime":1767319445000,"ModifiedTime":1767319502000,"CrossUser":false,"ImageFrom":{"RegionId":"cn-hangzhou","InstanceId":"cri-x1","RepoNamespaceName":"shop","RepoName":"api","ImageTag":"v2"},"ImageTo":{"RegionId":"eu-central-1","InstanceId":"cri-y1","RepoNamespaceName":"shop","RepoName":"api","ImageTag":"v2"}}]})");
  REQUIRE(page.has_value());
  CHECK(page->rows == 3);
  CHECK(page->total == 3U);
  CHECK(page->page_size == 100);
  CHECK(page->rejected.empty());
  CHECK(page->unknown_statuses.empty());
  REQUIRE(page->records.size() == 3);
  const Record& running = page->records[0];
  CHECK(running.id == "rst-3");
  CHECK(running.open);
  CHECK(running.started_at == at(1'767'323'045'000));
  CHECK_FALSE(running.ended_at);
  CHECK(running.owner == kApi);
  const Record& failed = page->records[1];
  CHECK_FALSE(failed.open);
  CHECK(failed.outcome == Outcome::failed);
  CHECK(failed.ended_at == at(1'767'319'470'000));
  CHECK(page->records[2].outcome == Outcome::success);
  CHECK(page->records[2].ended_at == at(1'767'319'502'000));
}

TEST_CASE("sync page: every status has its meaning, an unknown one is no end") {
  struct Row {
    const char* status;
    bool open;
    Outcome outcome;
    bool known;
  };
  const Row rows[] = {
      {R"("PENDING")", true, Outcome::other, true},
      {R"("SYNCHRONIZING")", true, Outcome::other, true},
      {R"("SUCCESS")", false, Outcome::success, true},
      {R"(" success ")", false, Outcome::success, true},
      {R"("ERROR")", false, Outcome::failed, true},
      {R"("FAILED")", false, Outcome::failed, true},
      {R"("CANCELED")", false, Outcome::canceled, true},
      {R"("CANCELLED")", false, Outcome::canceled, true},
      {R"("PAUSED")", true, Outcome::other, false},
      {R"("")", true, Outcome::other, false},
      {"null", true, Outcome::other, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status);
    const std::string more = std::string(R"("TaskStatus":)") + row.status +
                             R"(,"CreateTime":1767319445000,"ModifiedTime":1767319502000)";
    const auto page = parse(page_of(row_of(R"("a")", more)));
    REQUIRE(page.has_value());
    REQUIRE(page->records.size() == 1);
    CHECK(page->records[0].open == row.open);
    CHECK(page->records[0].outcome == row.outcome);
    CHECK(page->records[0].ended_at.has_value() == !row.open);
    CHECK(page->unknown_statuses.size() == (row.known ? 0 : 1));
  }
}

TEST_CASE("sync page: the last change is read in both spellings, the right one first") {
  const std::string done = R"("TaskStatus":"SUCCESS","CreateTime":"1767319445000",)";
  CHECK(record_of(done + R"("ModifedTime":1767319446000)").ended_at == at(1'767'319'446'000));
  CHECK(record_of(done + R"("ModifiedTime":"1767319447000")").ended_at == at(1'767'319'447'000));
  CHECK(record_of(done + R"("ModifedTime":1767319446000,"ModifiedTime":1767319447000)").ended_at ==
        at(1'767'319'447'000));
  CHECK(record_of(done + R"("ModifedTime":1767319446000,"ModifiedTime":0)").ended_at ==
        at(1'767'319'446'000));
  CHECK_FALSE(record_of(done + R"("ModifedTime":"")").ended_at);
  CHECK(record_of(done + R"("ModifedTime":"")").started_at == at(1'767'319'445'000));
}

TEST_CASE("sync page: a task is of the repository it comes from where that is ours") {
  const auto owner = [](const std::string& ends) {
    const auto page = parse(page_of(R"({"SyncTaskId":"a","TaskStatus":"SUCCESS")" + ends + "}"));
    REQUIRE(page.has_value());
    return page->records.empty() ? RepositoryRef{} : page->records[0].owner.value();
  };
  const std::string from = R"(,"ImageFrom":)";
  const std::string to = R"(,"ImageTo":)";
  CHECK(owner(from + image("cri-x1", "api") + to + image("cri-y1", "copy")).name == "api");
  CHECK(owner(from + image("cri-y1", "api") + to + image("cri-x1", "copy")).name == "copy");
  CHECK(owner(from + image("cri-x1", "api") + to + image("cri-x1", "copy")).name == "api");
  CHECK(owner(from + image("", "api") + to + image("cri-x1", "copy")).name == "copy");
  CHECK(owner(from + image("", "api") + to + image("", "copy")).name == "api");
  CHECK(owner(to + image("cri-x1", "copy")).name == "copy");
}

TEST_CASE("sync page: rows without a usable id or repository are rejected, the others stay") {
  const std::string done = R"("TaskStatus":"SUCCESS","CreateTime":1767319445000)";
  const std::string nobody = R"({"SyncTaskId":"b","TaskStatus":"SUCCESS"})";
  const auto page = parse(page_of("7," + row_of(R"("")", done) + "," + row_of("[]", done) + "," +
                                  nobody + "," + row_of(R"("a")", done)));
  REQUIRE(page.has_value());
  CHECK(page->rows == 5);
  CHECK(page->rejected == std::vector<Rejection>{Rejection::id_missing, Rejection::id_missing,
                                                 Rejection::id_invalid, Rejection::id_invalid});
  REQUIRE(page->records.size() == 1);
  CHECK(page->records[0].id == "a");
}

TEST_CASE("sync page: two tasks of one batch are two, one task listed twice is one") {
  const auto page = parse(
      page_of(row_of(R"("a")", R"("TaskStatus":"SYNCHRONIZING","CreateTime":1767319445000)") + "," +
              row_of(R"("b")", R"("TaskStatus":"ERROR","ModifedTime":1767319446000)") + "," +
              row_of(R"("a")", R"("TaskStatus":"SUCCESS","ModifedTime":1767319446000)")));
  REQUIRE(page.has_value());
  REQUIRE(page->records.size() == 2);
  CHECK(page->records[0].outcome == Outcome::success);
  CHECK_FALSE(page->records[0].open);
  CHECK(page->rows == 3);
}

TEST_CASE("sync page: an empty list may be null or missing, a list of another kind is malformed") {
  CHECK(parse(R"({"IsSuccess":true,"TotalCount":"0","SyncTasks":null})")->rows == 0);
  CHECK(parse(R"({"IsSuccess":true,"TotalCount":0})")->rows == 0);
  CHECK(parse(R"({"IsSuccess":true,"TotalCount":"9"})", {1, 100})->rows == 0);
  CHECK_FALSE(parse(R"({"IsSuccess":true,"TotalCount":"9"})"));
  CHECK_FALSE(parse(R"({"IsSuccess":true,"SyncTasks":7})"));
  CHECK_FALSE(parse("[]"));
}

}  // namespace
}  // namespace registry_exporter::acr
