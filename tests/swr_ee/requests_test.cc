#include "exporter/swr_ee/requests.h"

#include <doctest/doctest.h>

#include <string>

using namespace registry_exporter;

namespace {

const swr_ee::Target kTarget{"https://swr-api.test", "p1", "i1"};
const swr_ee::RetentionPolicy kPolicy{"7", "team-a", Outcome::other, false};

}  // namespace

TEST_CASE("requests: every list is asked for with limit and an offset that is a multiple of it") {
  struct Row {
    net::HttpRequest request;
    const char* target;
  };
  const PageRequest page{3, 50};
  const std::string query = "?limit=50&offset=150";
  const std::string below = "/v2/p1/instances/i1";
  const std::string executions = below + "/namespaces/team-a/retention/policies/7/executions";
  const Row rows[] = {
      {swr_ee::list_instances(kTarget, page), "/v2/p1/instances"},
      {swr_ee::list_repositories(kTarget, page), "/v2/p1/instances/i1/repositories"},
      {swr_ee::list_retention_policies(kTarget, page), "/v2/p1/instances/i1/retention/policies"},
      {swr_ee::list_retention_executions(kTarget, kPolicy, page), executions.c_str()},
      {swr_ee::list_replication_policies(kTarget, page),
       "/v2/p1/instances/i1/replication/policies"},
      {swr_ee::list_replication_executions(kTarget, page),
       "/v2/p1/instances/i1/replication/executions"},
  };
  for (const Row& row : rows) {
    CHECK(row.request.target == row.target + query);
    CHECK(row.request.method == "GET");
    CHECK(row.request.origin == "https://swr-api.test");
  }
  CHECK(swr_ee::list_retention_tasks(kTarget, kPolicy, "912", {0, 100}).target ==
        executions + "/912/tasks?limit=100&offset=0");
}

TEST_CASE("requests: no name climbs out of its place in the path") {
  swr_ee::RetentionPolicy policy = kPolicy;
  const auto target_of = [&](const std::string& repo_namespace) {
    policy.repo_namespace = repo_namespace;
    return swr_ee::list_retention_executions(kTarget, policy, {0, 10}).target;
  };
  CHECK(target_of("..").find("/namespaces/%2E%2E/retention/") != std::string::npos);
  CHECK(target_of("a/b?c").find("/namespaces/a%2Fb%3Fc/retention/") != std::string::npos);
}
