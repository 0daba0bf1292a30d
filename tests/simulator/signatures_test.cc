#include "tests/simulator/signatures.h"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::json;

Json read_json(const std::string& name) {
  std::ifstream file(std::string(TEST_DATA) + "/" + name);
  REQUIRE(file.good());
  return Json::parse(file);
}

std::string text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string lower(std::string name) {
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return name;
}

QueryPairs pairs_of(const Json& object) {
  QueryPairs pairs;
  for (const auto& [name, value] : object.items()) {
    if (value.is_array()) {
      for (const Json& one : value) pairs.emplace_back(name, text(one));
    } else {
      pairs.emplace_back(name, text(value));
    }
  }
  return pairs;
}

std::string query_of(const QueryPairs& pairs) {
  std::string query;
  for (const auto& [name, value] : pairs) {
    query += (query.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(value);
  }
  return query;
}

/// Path and query of an absolute URL.
std::string target_of(const std::string& url) { return url.substr(url.find('/', 8)); }

}  // namespace

TEST_CASE("sign_acs3: agrees with every vector of the official clients") {
  int checked = 0;
  const Json file = read_json("acr_vectors.json");
  for (const Json& vector : file["vectors"]) {
    if (vector["scheme"] != "ACS3-HMAC-SHA256") continue;
    const Json& inputs = vector["inputs"];
    const Json& expected = vector["expected"];
    CAPTURE(text(vector["name"]));
    WireRequest request{.method = inputs["method"], .target = "/", .headers = {}, .body = {}};
    const std::string query = query_of(pairs_of(inputs["query"]));
    if (!query.empty()) request.target += "?" + query;
    for (const auto& [name, value] : inputs["headersToSign"].items()) {
      request.headers.emplace_back(lower(name), text(value));
    }
    request.body = text(expected["bodySent"]);
    const auto authorization = parse_authorization(text(expected["authorization"]));
    REQUIRE(authorization);
    const auto signature = sign_acs3(request, *authorization, text(inputs["accessKeySecret"]));
    REQUIRE(signature);
    CHECK(signature->to_sign == text(expected["stringToSign"]));
    CHECK(signature->signature == authorization->signature);
    ++checked;
    // What the client really put on the wire has to give the same.
    if (!expected.contains("wireUrlFromOfficialClient")) continue;
    request.target = target_of(text(expected["wireUrlFromOfficialClient"]));
    const auto on_wire = sign_acs3(request, *authorization, text(inputs["accessKeySecret"]));
    REQUIRE(on_wire);
    CHECK(on_wire->signature == authorization->signature);
  }
  CHECK(checked == 18);
}

TEST_CASE("sign_rpc: agrees with every vector of the official clients, as they send it") {
  int checked = 0;
  const Json file = read_json("acr_vectors.json");
  for (const Json& vector : file["vectors"]) {
    if (vector["scheme"] == "ACS3-HMAC-SHA256") continue;
    const Json& inputs = vector["inputs"];
    const Json& expected = vector["expected"];
    CAPTURE(text(vector["name"]));
    QueryPairs parameters;
    if (expected.contains("wireUrlFromOfficialClient")) {
      const std::string target = target_of(text(expected["wireUrlFromOfficialClient"]));
      const std::size_t mark = target.find('?');
      if (mark != std::string::npos) parameters = *parse_query(target.substr(mark + 1));
      if (expected.contains("wireBodyFromOfficialClient") &&
          expected["wireBodyFromOfficialClient"].is_string()) {
        const auto form = parse_query(text(expected["wireBodyFromOfficialClient"]));
        parameters.insert(parameters.end(), form->begin(), form->end());
      }
      if (inputs.contains("bodyParams") && inputs["bodyParams"].is_object()) {
        for (auto& pair : pairs_of(inputs["bodyParams"])) parameters.push_back(std::move(pair));
      }
    } else {
      for (const char* source : {"allParams", "queryWithoutSignature", "bodyParams"}) {
        if (!inputs.contains(source)) continue;
        for (auto& pair : pairs_of(inputs[source])) parameters.push_back(std::move(pair));
      }
    }
    const auto signature =
        sign_rpc(text(inputs["method"]), parameters, text(inputs["accessKeySecret"]));
    CHECK(signature.to_sign == text(expected["stringToSign"]));
    CHECK(signature.signature == text(expected["signatureBase64"]));
    ++checked;
  }
  CHECK(checked == 11);
}

TEST_CASE("sign_sdk: agrees with every vector of the official clients") {
  int checked = 0;
  const Json file = read_json("swr_vectors.json");
  for (const Json& vector : file) {
    const Json& inputs = vector["inputs"];
    CAPTURE(text(vector["name"]));
    WireRequest request{.method = inputs["method"], .target = {}, .headers = {}, .body = {}};
    request.target = inputs["path"];
    const std::string query = query_of(pairs_of(inputs["query"]));
    if (!query.empty()) request.target += "?" + query;
    for (const auto& [name, value] : inputs["headers"].items()) {
      request.headers.emplace_back(lower(name), text(value));
    }
    request.body = text(inputs["body"]);
    const std::string header = text(vector["headers"]["Authorization"]);
    const auto authorization = parse_authorization(header);
    REQUIRE(authorization);
    const auto signature = sign_sdk(request, *authorization, text(inputs["secret_key"]));
    REQUIRE(signature);
    CHECK(signature->to_sign == text(vector["string_to_sign"]));
    CHECK(signature->signature == text(vector["signature"]));
    ++checked;
    if (!vector.contains("js_sdk_wire_target")) continue;
    request.target = text(vector["js_sdk_wire_target"]);
    const auto on_wire = sign_sdk(request, *authorization, text(inputs["secret_key"]));
    REQUIRE(on_wire);
    CHECK(on_wire->signature == text(vector["signature"]));
  }
  CHECK(checked == 22);
}

TEST_CASE("parse_authorization: refuses what lacks a part") {
  for (const char* header :
       {"", "ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host",
        "ACS3-HMAC-SHA256 Credential=a,Signature=b", "ACS3-HMAC-SHA256 SignedHeaders=h,Signature=b",
        "Bearer abc"}) {
    CAPTURE(header);
    CHECK_FALSE(parse_authorization(header));
  }
}

}  // namespace registry_exporter::simulator
