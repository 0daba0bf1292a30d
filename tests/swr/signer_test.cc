#include "exporter/swr/signer.h"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "exporter/base/percent_encoding.h"

using namespace registry_exporter;

namespace {

std::string encoded_path(const std::string& path) {
  std::string encoded;
  for (const char c : path) {
    encoded += c == '/' ? "/" : percent_encode(std::string_view(&c, 1));
  }
  return encoded;
}

std::string encoded_query(const nlohmann::json& query) {
  std::string encoded;
  const auto add = [&](const std::string& key, const std::string& value) {
    encoded += (encoded.empty() ? "?" : "&") + percent_encode(key) + "=" + percent_encode(value);
  };
  for (const auto& [key, value] : query.items()) {
    if (!value.is_array()) {
      add(key, value.get<std::string>());
      continue;
    }
    for (const auto& each : value) add(key, each.get<std::string>());
  }
  return encoded;
}

}  // namespace

TEST_CASE("signer: every vector of the official clients and guides is reproduced") {
  std::ifstream file(TEST_DATA "/swr_vectors.json");
  const auto vectors = nlohmann::json::parse(file);
  REQUIRE(vectors.size() == 22);
  for (const auto& vector : vectors) {
    CAPTURE(vector["name"].get<std::string>());
    const auto& inputs = vector["inputs"];
    net::HttpRequest request;
    request.method = inputs["method"];
    request.origin = inputs["scheme_host"];
    request.target = encoded_path(inputs["path"]) + encoded_query(inputs["query"]);
    request.body = inputs["body"];
    for (const auto& [name, value] : inputs["headers"].items()) {
      request.headers.emplace_back(name, value);
    }
    cloud::Keys keys;
    keys.access_key = inputs["access_key"];
    keys.secret_key = Secret(inputs["secret_key"].get<std::string>());
    CHECK(swr::canonical_request(request) == vector["canonical_request"].get<std::string>());
    CHECK(swr::authorization(request, keys, inputs["x_sdk_date"].get<std::string>()) ==
          vector["headers"]["Authorization"].get<std::string>());
  }
}

TEST_CASE("signer: a whole request carries host, date, project and token, all of them signed") {
  net::HttpRequest request;
  request.origin = "http://127.0.0.1:10068";
  request.target = "/v2/manage/namespaces";
  cloud::Keys keys;
  keys.access_key = "AK";
  keys.secret_key = Secret("SK");
  keys.security_token = Secret("ST");
  const net::HttpRequest signed_request =
      swr::sign(request, keys, "project", UnixMillis{Millis{1'767'323'045'000}});
  std::string authorization;
  for (const auto& [name, value] : signed_request.headers) {
    if (name == "host") CHECK(value == "127.0.0.1:10068");
    if (name == "x-sdk-date") CHECK(value == "20260102T030405Z");
    if (name == "authorization") authorization = value;
  }
  CHECK(authorization.find("SignedHeaders=host;x-project-id;x-sdk-date;x-security-token,") !=
        std::string::npos);
}

TEST_CASE("signer: a token of IAM is sent, and nothing is signed") {
  cloud::Keys keys;
  keys.iam_token = Secret("token");
  const net::HttpRequest request = swr::sign({}, keys, "project", {});
  CHECK(request.headers == net::HttpHeaders{{"x-auth-token", "token"}});
}
