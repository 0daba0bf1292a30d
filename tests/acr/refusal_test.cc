#include "exporter/acr/refusal.h"

#include <doctest/doctest.h>

#include <string>

namespace registry_exporter::acr {
namespace {

net::HttpResponse answer(int status, std::string body, net::HttpHeaders headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = std::move(body)};
}

/// The gateway's own body.
std::string gateway(const std::string& code, const std::string& message = "said so") {
  return R"({"RequestId":"R","HostId":"cr.example","Code":")" + code + R"(","Message":")" +
         message + R"("})";
}

/// The API's way to say no on HTTP 200.
std::string business(const std::string& code) {
  return R"({"RequestId":"R","Code":")" + code + R"(","IsSuccess":false})";
}

TEST_CASE("classify_response: a successful answer is no refusal, in any spelling") {
  const char* bodies[] = {
      R"({"Code":"success","IsSuccess":true})",
      R"({"Code":"Success"})",
      R"({"IsSuccess":true})",
      R"({"IsSuccess":"true","Code":"success"})",
      R"({"IsSuccess":1})",
      R"({"IsSuccess":null,"Code":"SUCCESS"})",
      R"({"IsSuccess":true,"Code":"SomethingNew"})",
      R"(  {"IsSuccess":true}  )",
  };
  for (const char* body : bodies) {
    CAPTURE(body);
    CHECK_FALSE(classify_response(answer(200, body)).has_value());
    CHECK_FALSE(classify_response(answer(201, body)).has_value());
  }
}

TEST_CASE(
    "classify_response: every refusal is taken for what it means, by its code before its status") {
  using enum ErrorKind;
  struct Row {
    const char* name;
    net::HttpResponse response;
    ErrorKind kind;
    bool sign_again;
    const char* code;
  };
  const Row rows[] = {
      // Throttled, in all costumes.
      {"400", answer(400, gateway("Throttling")), throttled, false, "Throttling"},
      {"400 by user", answer(400, gateway("Throttling.User")), throttled, false, "Throttling.User"},
      {"503", answer(503, gateway("Throttling.Api")), throttled, false, "Throttling.Api"},
      {"rejected", answer(400, gateway("Rejected.Throttling")), throttled, false,
       "Rejected.Throttling"},
      {"429 without a body", answer(429, ""), throttled, false, ""},
      {"429 in HTML", answer(429, "<html>slow down</html>"), throttled, false, ""},
      {"429 with a new code", answer(429, gateway("Whatever")), throttled, false, "Whatever"},
      {"200", answer(200, business("Throttling")), throttled, false, "Throttling"},
      {"200 from the gateway", answer(200, gateway("Throttling.User")), throttled, false,
       "Throttling.User"},
      // Not allowed, though the keys are good.
      {"no privilege", answer(403, gateway("NoPrivilege")), forbidden, false, "NoPrivilege"},
      {"RAM", answer(403, gateway("Forbidden.RAM")), forbidden, false, "Forbidden.RAM"},
      {"RAM as 400", answer(400, gateway("Forbidden.RAM")), forbidden, false, "Forbidden.RAM"},
      {"200 no privilege", answer(200, business("NoPrivilege")), forbidden, false, "NoPrivilege"},
      {"403 without a body", answer(403, ""), forbidden, false, ""},
      // The keys themselves.
      {"unknown key 404", answer(404, gateway("InvalidAccessKeyId.NotFound")), unauthorized, false,
       "InvalidAccessKeyId.NotFound"},
      {"unknown key 400", answer(400, gateway("InvalidAccessKeyId.NotFound")), unauthorized, false,
       "InvalidAccessKeyId.NotFound"},
      {"inactive", answer(400, gateway("InvalidAccessKeyId.Inactive")), unauthorized, false,
       "InvalidAccessKeyId.Inactive"},
      {"signature 400", answer(400, gateway("SignatureDoesNotMatch")), unauthorized, false,
       "SignatureDoesNotMatch"},
      {"signature 403", answer(403, gateway("SignatureDoesNotMatch")), unauthorized, false,
       "SignatureDoesNotMatch"},
      {"incomplete", answer(400, gateway("IncompleteSignature")), unauthorized, false,
       "IncompleteSignature"},
      {"token", answer(403, gateway("InvalidSecurityToken.Expired")), unauthorized, false,
       "InvalidSecurityToken.Expired"},
      {"401", answer(401, "{}"), unauthorized, false, ""},
      {"a token, named in the message alone",
       answer(400, gateway("InvalidParameter",
                           R"(The specified parameter \"SecurityToken.Expired\" is not valid.)")),
       unauthorized, false, "InvalidParameter"},
      {"a repository that is called so",
       answer(400,
              gateway("InvalidParameter", "The repository securitytoken.expired is not valid.")),
       bad_request, false, "InvalidParameter"},
      {"the end of a sentence",
       answer(400, gateway("InvalidParameter", "No SecurityTokenExpired. At all.")), bad_request,
       false, "InvalidParameter"},
      // Worth signing anew.
      {"nonce", answer(400, gateway("SignatureNonceUsed")), bad_request, true,
       "SignatureNonceUsed"},
      {"old", answer(400, gateway("InvalidTimeStamp.Expired")), unauthorized, true,
       "InvalidTimeStamp.Expired"},
      {"illegal time", answer(400, gateway("IllegalTimestamp")), unauthorized, true,
       "IllegalTimestamp"},
      // Gone.
      {"repository", answer(200, business("REPO_NOT_EXIST")), not_found, false, "REPO_NOT_EXIST"},
      {"instance 404", answer(404, gateway("INSTANCE_NOT_EXIST")), not_found, false,
       "INSTANCE_NOT_EXIST"},
      {"namespace 500", answer(500, gateway("NAMESPACE_NOT_EXIST")), not_found, false,
       "NAMESPACE_NOT_EXIST"},
      {"build record", answer(200, business("BUILD_RECORD_NOT_EXIST")), not_found, false,
       "BUILD_RECORD_NOT_EXIST"},
      {"404 without a body", answer(404, ""), not_found, false, ""},
      {"a proxy's 404", answer(404, "<html>no such page</html>"), malformed, false, ""},
      // Our own mistake, or an instance that can't be used.
      {"api", answer(404, gateway("InvalidApi.NotFound")), bad_request, false,
       "InvalidApi.NotFound"},
      {"product", answer(404, gateway("InvalidProduct.NotFound")), bad_request, false,
       "InvalidProduct.NotFound"},
      {"missing", answer(400, gateway("MissingInstanceId")), bad_request, false,
       "MissingInstanceId"},
      {"status", answer(200, business("INSTANCE_STATUS_NOT_SUPPORT")), bad_request, false,
       "INSTANCE_STATUS_NOT_SUPPORT"},
      {"a new code", answer(400, gateway("Brand.New")), bad_request, false, "Brand.New"},
      {"a new code on 200", answer(200, business("BRAND_NEW")), bad_request, false, "BRAND_NEW"},
      {"400 without a body", answer(400, ""), bad_request, false, ""},
      // Later, perhaps.
      {"503", answer(503, gateway("ServiceUnavailable")), server_error, false,
       "ServiceUnavailable"},
      {"500", answer(500, gateway("SystemError")), server_error, false, "SystemError"},
      {"internal on 200", answer(200, business("InternalError")), server_error, false,
       "InternalError"},
      {"SLB", answer(200, business("SLB_SERVICE_ERROR")), server_error, false, "SLB_SERVICE_ERROR"},
      {"HTML 502", answer(502, "<html><body>Bad Gateway</body></html>"), server_error, false, ""},
      {"empty 504", answer(504, ""), server_error, false, ""},
      {"cut JSON 500", answer(500, R"({"Code":"Sys)"), server_error, false, ""},
      {"no reason on 200", answer(200, R"({"IsSuccess":false})"), server_error, false, ""},
      {"a contradiction", answer(200, R"({"IsSuccess":false,"Code":"success"})"), server_error,
       false, "success"},
      {"proxy password", answer(407, "<html></html>"), transport, false, ""},
      // Other bodies of a gateway.
      {"lower-case keys", answer(400, R"({"code":"Throttling.User","message":"m"})"), throttled,
       false, "Throttling.User"},
      {"XML",
       answer(403,
              "<?xml version='1.0'?><Error><Code>NoPrivilege</Code><Message>m</Message>"
              "</Error>"),
       forbidden, false, "NoPrivilege"},
      {"XML on 200", answer(200, "<Error><Code>Throttling</Code></Error>"), throttled, false,
       "Throttling"},
      {"code in another case", answer(400, gateway("THROTTLING.USER")), throttled, false,
       "THROTTLING.USER"},
      {"code as a number", answer(400, R"({"Code":403})"), bad_request, false, "403"},
      // Not the API at all.
      {"captive portal", answer(200, "<!DOCTYPE html><html>log in</html>"), malformed, false, ""},
      {"XML success", answer(200, "<R><Code>success</Code></R>"), malformed, false, "success"},
      {"empty 200", answer(200, ""), malformed, false, ""},
      {"blank 200", answer(200, " \r\n"), malformed, false, ""},
      {"204", answer(204, ""), malformed, false, ""},
      {"text", answer(200, "OK"), malformed, false, ""},
      {"cut JSON", answer(200, R"({"Code":"success","IsSuccess":tr)"), malformed, false, ""},
      {"array", answer(200, "[]"), malformed, false, ""},
      {"neither code nor success", answer(200, R"({"BuildRecords":[]})"), malformed, false, ""},
      {"redirect", answer(302, "", {{"location", "http://169.254.169.254/"}}), malformed, false,
       ""},
      {"no final answer", answer(100, ""), malformed, false, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CAPTURE(row.response.body);
    const auto refusal = classify_response(row.response);
    REQUIRE(refusal.has_value());
    CHECK(name(refusal->error.kind) == name(row.kind));
    CHECK(refusal->sign_again == row.sign_again);
    CHECK(refusal->error.code == row.code);
    CHECK_FALSE(refusal->error.detail.empty());
  }
}

TEST_CASE(
    "classify_response: a 401 that doesn't say why may come from temporary keys that have "
    "expired") {
  for (const std::string body : {"", "<html>401</html>", "{\"Code\":\"InvalidSecurityTok"}) {
    CAPTURE(body);
    CHECK(acr::classify_response({401, {}, body})->credentials_expired);
    CHECK_FALSE(acr::classify_response({403, {}, body})->credentials_expired);
  }
}

TEST_CASE("classify_response: a detail never repeats what was said of a signature or a token") {
  const std::string message = "server string to sign is:POST&%2F&canary";
  for (const char* code : {"SignatureDoesNotMatch", "IncompleteSignature", "InvalidAccessKeyId",
                           "InvalidSecurityToken.Malformed", "SomethingNew"}) {
    CAPTURE(code);
    for (const std::string& body :
         {gateway(code, message), "<Error><Code>" + std::string(code) + "</Code><Message>" +
                                      message + "</Message></Error>"}) {
      const auto refusal = classify_response(answer(400, body));
      REQUIRE(refusal.has_value());
      CHECK(refusal->error.detail.find("canary") == std::string::npos);
      CHECK(refusal->error.detail.find(code) != std::string::npos);
    }
  }
  CHECK(classify_response(answer(200, "canary"))->error.detail.find("canary") == std::string::npos);
  CHECK(classify_response(answer(503, "<p>canary"))->error.detail.find("canary") ==
        std::string::npos);
}

TEST_CASE("classify_response: a message is one short line of whole characters") {
  const auto detail = [](const std::string& message) {
    return classify_response(answer(403, gateway("NoPrivilege", message)))->error.detail;
  };
  CHECK(detail("Access\\u0000 denied\\r\\n\\u001b[31mnow") ==
        "HTTP 403 NoPrivilege: Access  denied   [31mnow");
  std::string umlauts;
  for (int i = 0; i < 300; ++i) umlauts += "x\xC3\xA4";
  const std::string cut = detail(umlauts);
  CHECK(cut.size() <= std::string("HTTP 403 NoPrivilege: ").size() + 200);
  CHECK(cut.ends_with("\xC3\xA4x"));
  const auto odd =
      classify_response(answer(403, "<Code>No\xFFPrivilege\n</Code><Message>\xFF\xFE</Message>"));
  CHECK(odd->error.detail == "HTTP 403 NoPrivilege");
}

}  // namespace
}  // namespace registry_exporter::acr
