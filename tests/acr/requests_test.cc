#include "exporter/acr/requests.h"

#include <doctest/doctest.h>

namespace registry_exporter::acr {
namespace {

TEST_CASE("requests: each one is a POST of its action with the parameters in the query alone") {
  const Target target{
      .origin = "https://cr.example", .instance_id = "cri-1", .request_timeout = Millis(1234)};
  struct Row {
    net::HttpRequest request;
    const char* action;
    const char* target;
  };
  const Row rows[] = {
      {list_repositories(target, "", {0, 100}), "ListRepository",
       "/?InstanceId=cri-1&RepoStatus=NORMAL&PageNo=1&PageSize=100"},
      {list_repositories(target, "a b/&", {2, 100}), "ListRepository",
       "/?InstanceId=cri-1&RepoNamespaceName=a%20b%2F%26&RepoStatus=NORMAL&PageNo=3&PageSize=100"},
      {list_namespaces(target, {1, 30}), "ListNamespace",
       "/?InstanceId=cri-1&PageNo=2&PageSize=30"},
      {get_repository(target, "shop", "api*"), "GetRepository",
       "/?InstanceId=cri-1&RepoNamespaceName=shop&RepoName=api%2A"},
      {list_build_records(target, "crr-9", {.index = 0, .size = 50}), "ListRepoBuildRecord",
       "/?InstanceId=cri-1&RepoId=crr-9&PageNo=1&PageSize=50"},
      {get_build_record(target, "x=y"), "GetRepoBuildRecord",
       "/?InstanceId=cri-1&BuildRecordId=x%3Dy"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    CHECK(row.request.method == "POST");
    CHECK(row.request.origin == "https://cr.example");
    CHECK(row.request.target == row.target);
    CHECK(row.request.body.empty());
    CHECK(row.request.timeout == Millis(1234));
    const net::HttpHeaders expected{{"x-acs-action", row.action},
                                    {"x-acs-version", "2018-12-01"},
                                    {"accept", "application/json"}};
    CHECK(row.request.headers == expected);
  }
}

TEST_CASE("requests: event records are asked for by GET, which is all that the operation knows") {
  const net::HttpRequest request =
      list_event_records({"https://cr.example", "cri-1", {}}, {1, 100});
  CHECK(request.method == "GET");
  CHECK(request.target == "/?InstanceId=cri-1&PageNo=2&PageSize=100");
  CHECK(request.headers.front().second == "ListEventCenterRecord");
}

}  // namespace
}  // namespace registry_exporter::acr
