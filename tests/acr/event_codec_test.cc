#include "exporter/acr/event_codec.h"

#include <doctest/doctest.h>

#include <string>

namespace registry_exporter::acr {
namespace {

std::string row_of(const std::string& more) {
  return R"({"RecordId":"crecrr-1","RuleId":"crecr-1","InstanceId":"cri-x1","Namespace":"shop","RepoName":"api",)" +
         more + "}";
}

std::string page_of(const std::string& rows) {
  return R"({"Code":"success","IsSuccess":true,"PageNo":1,"PageSize":30,"TotalCount":7,"Records":[)" +
         rows + "]}";
}

TEST_CASE("event page: the documented answer reads as documented") {
  const auto page = parse_event_page(
      R"({"RequestId":"0A1B2C3D-0000-4000-8000-00000000000c","Code":"success","IsSuccess":true,"PageNo":1,"PageSize":30,"TotalCount":1,"Records":[{"RecordId":"crecrr-rec000000001","RuleId":"crecr-rule000000001","RuleName":"builds","InstanceId":"cri-x1","Namespace":"shop","RepoName":"api","Tag":"v2","EventChannel":"EVENT_BRIDGE","EventType":"cr:Artifact:BuildCompleted","EventNotifyMethod":"http","EventNotifyId":"44444444-4444-4444-8444-444444444444","CreateTime":1767319705000,"UpdateTime":1767319705000}]})",
      {});
  REQUIRE(page.has_value());
  CHECK(page->rows == 1);
  CHECK(page->total == 1U);
  REQUIRE(page->notices.size() == 1);
  const Notice& notice = page->notices[0];
  CHECK(notice.id == "crecrr-rec000000001");
  CHECK(notice.kind == &kBuilds);
  CHECK(notice.of.repo_namespace == "shop");
  CHECK(notice.of.name == "api");
  CHECK(notice.at == UnixMillis(Millis(1'767'319'705'000)));
}

TEST_CASE("event page: only builds and synchronisations are of use, but all rows count") {
  const auto page = parse_event_page(
      page_of(row_of(R"("EventType":"cr:Artifact:ScanCompleted")") + "," +
              row_of(R"("EventType":"cr:Artifact:SynchronizationCompleted","CreateTime":"0")") +
              "," + row_of(R"("EventType":null)") + R"(,{"RecordId":"x"},null,5)"),
      {});
  REQUIRE(page.has_value());
  CHECK(page->rows == 6);
  CHECK(page->total == 7U);
  REQUIRE(page->notices.size() == 1);
  CHECK(page->notices[0].kind == &kAcrSyncs);
  CHECK_FALSE(page->notices[0].at);
}

TEST_CASE("event page: an instance without event rules has no records") {
  for (const char* body : {R"({"IsSuccess":true,"TotalCount":0,"Records":[]})",
                           R"({"IsSuccess":true,"TotalCount":0})", R"({"IsSuccess":true})"}) {
    const auto page = parse_event_page(body, {});
    REQUIRE(page.has_value());
    CHECK(page->notices.empty());
    CHECK(page->rows == 0);
  }
  CHECK_FALSE(parse_event_page("<html>", {}).has_value());
}

}  // namespace
}  // namespace registry_exporter::acr
