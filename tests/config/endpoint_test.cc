#include "exporter/config/endpoint.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::config;

TEST_CASE("endpoint: scheme, host and port stay, blanks and slashes at the end go") {
  struct Row {
    const char* text;
    const char* endpoint;
  };
  const Row rows[] = {
      {"https://cr.cn-hangzhou.aliyuncs.com", "https://cr.cn-hangzhou.aliyuncs.com"},
      {" https://host/ ", "https://host"},
      {"https://host//", "https://host"},
      {"http://127.0.0.1:10068/", "http://127.0.0.1:10068"},
      {"http://[::1]:80", "http://[::1]:80"},
      {"http://[fe80::1]", "http://[fe80::1]"},
      {"HTTPS://Host", "https://Host"},
      {"https://a_b:65535", "https://a_b:65535"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(read_endpoint(row.text) == std::string(row.endpoint));
  }
}

TEST_CASE("endpoint: everything else is refused, without repeating it") {
  for (const char* text : {"",
                           "host",
                           "//host",
                           "ftp://host",
                           "https://",
                           "https:///",
                           "https://:443",
                           "https://a b",
                           "https://host/path",
                           "https://host?query",
                           "https://host#part",
                           "https://user:CANARY@host",
                           "https://host:",
                           "https://host:0",
                           "https://host:65536",
                           "https://host:-1",
                           "https://host:1x",
                           "https://[::1",
                           "https://[]",
                           "https://[g::1]",
                           "https://[::1]x",
                           "https://host\n",
                           "https://a\nb"}) {
    CAPTURE(text);
    const auto endpoint = read_endpoint(text);
    if (std::string(text) == "https://host\n") {
      CHECK(endpoint == std::string("https://host"));
      continue;
    }
    REQUIRE_FALSE(endpoint);
    CHECK(endpoint.error().find("CANARY") == std::string::npos);
  }
}

TEST_CASE("endpoint: European regions of Huawei have a domain of their own, and no global IAM") {
  CHECK(iam_endpoint("eu-west-101") == "https://iam.eu-west-101.myhuaweicloud.eu");
  CHECK(global_iam_endpoint("eu-west-101").empty());
  CHECK(iam_endpoint("eu-west-0") == "https://iam.eu-west-0.myhuaweicloud.com");
  CHECK(global_iam_endpoint("eu-west-0") == "https://iam.myhuaweicloud.com");
}
