#include "exporter/acr/signer.h"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "exporter/acr/requests.h"
#include "exporter/base/time_text.h"

namespace registry_exporter::acr {
namespace {

using nlohmann::json;

json vectors() {
  std::ifstream file(TEST_DATA "/acr_vectors.json");
  return json::parse(file).at("vectors");
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Decoded pairs of an object; none for null or a missing one.
QueryPairs pairs_of(const json& inputs, const char* key) {
  QueryPairs pairs;
  if (!inputs.contains(key) || inputs[key].is_null()) return pairs;
  for (const auto& [name, value] : inputs[key].items()) pairs.emplace_back(name, text_of(value));
  return pairs;
}

std::string text_or_empty(const json& inputs, const char* key) {
  return inputs.contains(key) && inputs[key].is_string() ? inputs[key].get<std::string>() : "";
}

net::HttpRequest v3_request(const json& vector) {
  const json& inputs = vector["inputs"];
  net::HttpRequest request;
  request.method = inputs["method"];
  request.origin = "https://" + inputs["host"].get<std::string>();
  request.target = rpc_target(pairs_of(inputs, "query"));
  request.body = text_or_empty(vector["expected"], "bodySent");
  for (const auto& [name, value] : inputs["headersToSign"].items()) {
    // What the signature adds itself must come from the signer.
    const bool own = name == "host" || name == "x-acs-date" || name == "x-acs-signature-nonce" ||
                     name == "x-acs-content-sha256" || name == "x-acs-security-token";
    if (!own) request.headers.emplace_back(name, value.get<std::string>());
  }
  return request;
}

cloud::Keys keys_of(const json& inputs) {
  return {.access_key = inputs["accessKeyId"],
          .secret_key = Secret(inputs["accessKeySecret"]),
          .security_token = Secret(text_or_empty(inputs, "securityToken")),
          .iam_token = {},
          .expires_at = std::nullopt,
          .generation = 0};
}

std::string header_of(const net::HttpRequest& request, std::string_view name) {
  std::string found;
  for (const auto& [header, value] : request.headers) {
    if (header == name) found += (found.empty() ? "" : "|") + value;
  }
  return found;
}

TEST_CASE("signer: V3 agrees with every vector of the official clients") {
  int checked = 0;
  for (const json& vector : vectors()) {
    if (vector["scheme"] != "ACS3-HMAC-SHA256") continue;
    CAPTURE(vector["name"].get<std::string>());
    const json& inputs = vector["inputs"];
    const auto now = parse_rfc3339(inputs["date"].get<std::string>());
    REQUIRE(now.has_value());
    const net::HttpRequest request =
        sign_v3(v3_request(vector), keys_of(inputs), *now, inputs["nonce"].get<std::string>());
    const json& expected = vector["expected"];
    CHECK(header_of(request, "authorization") == expected["authorization"].get<std::string>());
    CHECK(header_of(request, "x-acs-content-sha256") ==
          expected["hashedPayload"].get<std::string>());
    ++checked;
  }
  CHECK(checked == 18);
}

TEST_CASE("signer: signing again replaces date, nonce and signature instead of adding to them") {
  const cloud::Keys keys{.access_key = "id",
                         .secret_key = Secret("secret"),
                         .security_token = Secret("token"),
                         .iam_token = {},
                         .expires_at = std::nullopt,
                         .generation = 0};
  const net::HttpRequest plain =
      list_namespaces({.origin = "http://127.0.0.1:81", .instance_id = "cri-1"}, {0, 100});
  const net::HttpRequest direct = sign_v3(plain, keys, UnixMillis(Millis(5'000)), "n2");
  const net::HttpRequest again = sign_v3(sign_v3(plain, keys, UnixMillis(Millis(0)), "n1"), keys,
                                         UnixMillis(Millis(5'000)), "n2");
  CHECK(header_of(again, "x-acs-date") == "1970-01-01T00:00:05Z");
  CHECK(header_of(again, "x-acs-signature-nonce") == "n2");
  CHECK(header_of(again, "authorization") == header_of(direct, "authorization"));
}

}  // namespace
}  // namespace registry_exporter::acr
