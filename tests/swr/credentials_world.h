#pragma once

#include <string>

#include "exporter/swr/credentials.h"
#include "tests/support/fake_host.h"
#include "tests/support/fake_runtime.h"

/// Huawei's services as tests of credentials play them.
namespace registry_exporter::swr {

inline net::HttpResponse ok(std::string body, net::HttpHeaders headers = {}) {
  return {.status = 200, .headers = std::move(headers), .body = std::move(body)};
}

inline net::HttpResponse temporary_keys() {
  return ok(R"({"credential":{"access":"T","secret":"temporary","securitytoken":"token",)"
            R"("expires_at":"2026-01-02T09:04:05.678000Z"}})");
}

inline net::HttpResponse iam_token() {
  return ok(R"({"token":{"issued_at":"2026-01-02T03:04:05.000000Z",)"
            R"("expires_at":"2026-01-03T03:04:05.000000Z"}})",
            {{"x-subject-token", "iam-token"}});
}

struct World : FakeHost {
  FakeRuntime fake;

  cloud::Credentials credentials(const config::RegistryConfig& config) {
    return {fake.runtime(), credential_sources(config, services(), host()), [] {}};
  }
  std::string used(const config::RegistryConfig& config) {
    const Result<cloud::Keys> keys = credentials(config).get();
    return keys ? keys->access_key + keys->iam_token.reveal() : keys.error().detail;
  }
};

inline config::RegistryConfig config_of(const config::SwrCredentials& credentials,
                                        bool given = true) {
  config::RegistryConfig config;
  config.region = "cn-north-4";
  config.credentials_given = given;
  config::SwrConfig swr;
  swr.iam_endpoint = "https://iam.cn-north-4.myhuaweicloud.com";
  swr.credentials = credentials;
  config.cloud = swr;
  return config;
}

}  // namespace registry_exporter::swr
