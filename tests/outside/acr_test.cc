// What Alibaba Cloud's regions, editions and policies are like.
#include <doctest/doctest.h>

#include <string>

#include "exporter/acr/hosts.h"
#include "exporter/doctor_report.h"

namespace registry_exporter {
namespace {

std::optional<std::string> no_variables(const std::string&) { return std::nullopt; }

config::RegistryConfig registry_in(const std::string& region, bool vpc) {
  config::RegistryConfig registry;
  registry.name = "r";
  registry.region = region;
  registry.endpoint = (vpc ? "https://cr-vpc." : "https://cr.") + region + ".aliyuncs.com";
  registry.cloud = config::AcrConfig{.instance_id = "cri-1", .credentials = {}};
  return registry;
}

// Source: aliyun-openapi-meta @2563691, products.json; alibabacloud.com/help/en/acr/
// developer-reference/api-cr-2018-12-01-endpoint.
TEST_CASE("acr: hosts that no list has are told where they are used") {
  struct Row {
    const char* region;
    bool vpc;
    const char* told;  ///< "": nothing.
  };
  const Row rows[] = {
      {"cn-hangzhou", true, ""},
      {"cn-wulanchabu", true, "network: public"},
      {"cn-huhehaote", true, "network: public"},
      {"cn-heyuan", true, "network: public"},
      {"cn-heyuan", false, ""},
      {"cn-hangzhou-finance", true, "https://sts.aliyuncs.com is asked instead"},
      {"ap-southeast-6", true, "https://sts.aliyuncs.com is asked instead"},
      {"us-southeast-1", true, "https://sts.aliyuncs.com is asked instead"},
      {"us-southeast-1", false, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.region);
    Exam exam;
    exam.registry = registry_in(row.region, row.vpc);
    exam.notes = acr::host_notes(exam.registry, no_variables);
    const std::string text = diagnose(exam).text;
    CHECK(exam.notes.size() == (*row.told == '\0' ? 0 : 1));
    CHECK((*row.told == '\0' || text.find(row.told) != std::string::npos));
  }
  config::RegistryConfig named = registry_in("us-southeast-1", true);
  named.key_endpoints.sts = "https://sts.example.com";
  CHECK(acr::host_notes(named, no_variables).empty());
}

// Source: alibabacloud.com/help/doc-detail/144229: cr:ListNamespace is granted on
// repository/<instance>/* alone.
TEST_CASE("acr: rights on single namespaces can't list the namespaces, and that is told") {
  Exam exam;
  exam.registry = registry_in("cn-hangzhou", false);
  exam.outcomes = {{"ListRepository", "forbidden"}, {"ListNamespace", "forbidden"}};
  exam.failures = {
      {ErrorKind::forbidden, "ListNamespace: HTTP 403 NoPrivilege", "NoPrivilege", {}}};
  const Diagnosis limited = diagnose(exam);
  CHECK_FALSE(limited.is_well);
  CHECK(limited.text.find("static_repositories") != std::string::npos);
  CHECK(limited.text.find("cr:ListNamespace on acs:cr:*:*:repository/cri-1/*") !=
        std::string::npos);

  exam.outcomes = {{"ListRepository", "ok"}, {"ListNamespace", "ok"}};
  exam.failures.clear();
  CHECK(diagnose(exam).text.find("static_repositories") == std::string::npos);
}

// Source: the console's ids: cri-… of Enterprise, crpi-… of Personal instances.
TEST_CASE("acr: an instance of the Personal Edition is refused by the name of its edition") {
  const auto problems_of = [](const std::string& id) {
    const auto config = config::parse_config(
        "registries:\n  - name: r\n    type: acr\n"
        "    region: cn-hangzhou\n    instance_id: " +
            id + "\n",
        no_variables, [](const std::string&) { return true; });
    return config ? std::string() : config.error().front().message;
  };
  CHECK(problems_of("cri-0123456789abcdef").empty());
  const std::string told = problems_of("crpi-0123456789abcdef");
  CHECK(told.find("Personal Edition") != std::string::npos);
  CHECK(told.find("cri-") != std::string::npos);
}

}  // namespace
}  // namespace registry_exporter
