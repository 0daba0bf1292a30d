#include "exporter/swr/refusal.h"

#include <doctest/doctest.h>

using namespace registry_exporter;

TEST_CASE(
    "classify_response: every costume of an error is recognised, the code before the status") {
  struct Row {
    const char* name;
    int status;
    const char* body;
    ErrorKind kind;
    const char* code;
  };
  const Row rows[] = {
      {"both formats", 403,
       R"({"errors":[{"errorCode":"SVCSTG.SWR.4030170"}],"error_code":"SVCSTG.SWR.4030170","error_msg":"no"})",
       ErrorKind::forbidden, "SVCSTG.SWR.4030170"},
      {"errors list", 404, R"({"errors":[{"errorCode":"SVCSTG.SWR.4040010"}]})",
       ErrorKind::not_found, "SVCSTG.SWR.4040010"},
      {"bare list", 400, R"([{"errorCode":"SVCSTG.SWR.4000014","errorMessage":"x"}])",
       ErrorKind::bad_request, "SVCSTG.SWR.4000014"},
      {"code at the top", 404, R"({"errorCode":"SVCSTG.SWR.4040058"})", ErrorKind::not_found,
       "SVCSTG.SWR.4040058"},
      {"gateway", 429, R"({"error_code":"APIGW.0308","error_msg":"throttled"})",
       ErrorKind::throttled, "APIGW.0308"},
      {"the other gateway prefix", 401, R"({"error_code":"APIG.0301","error_msg":"x"})",
       ErrorKind::unauthorized, "APIG.0301"},
      {"IAM", 401, R"({"error":{"code":401,"message":"bad","title":"Unauthorized"}})",
       ErrorKind::unauthorized, "401"},
      {"throttled as 403", 403, R"({"error_code":"SVCSTG.SWR.4031032"})", ErrorKind::throttled,
       "SVCSTG.SWR.4031032"},
      {"throttled as 403, the other code", 403, R"({"error_code":"SVCSTG.SWR.4031042"})",
       ErrorKind::throttled, "SVCSTG.SWR.4031042"},
      {"busy", 409, R"({"error_code":"SVCSTG.SWR.4090023"})", ErrorKind::server_error,
       "SVCSTG.SWR.4090023"},
      {"gone as 400", 400, R"({"error_code":"SVCSTG.SWR.4000306"})", ErrorKind::not_found,
       "SVCSTG.SWR.4000306"},
      {"plain 404 of the cloud", 404, "{}", ErrorKind::not_found, ""},
      {"404 of a proxy", 404, "<html>", ErrorKind::malformed, ""},
      {"a path that isn't there", 404, R"({"error_code":"APIGW.0101","error_msg":"no such API"})",
       ErrorKind::bad_request, "APIGW.0101"},
      {"HTML 502", 502, "<html>bad gateway</html>", ErrorKind::server_error, ""},
      {"empty 503", 503, "", ErrorKind::server_error, ""},
      {"plain 429", 429, "slow down", ErrorKind::throttled, ""},
      {"plain 401", 401, "", ErrorKind::unauthorized, ""},
      {"backend timeout", 504, R"({"error_code":"APIGW.0201"})", ErrorKind::server_error,
       "APIGW.0201"},
      {"redirect", 302, "", ErrorKind::malformed, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto refusal = swr::classify_response({row.status, {}, row.body});
    REQUIRE(refusal);
    CHECK(refusal->error.kind == row.kind);
    CHECK(refusal->error.code == row.code);
  }
}

TEST_CASE("classify_response: any 2xx is an answer") {
  for (const int status : {200, 201, 204}) CHECK_FALSE(swr::classify_response({status, {}, "{}"}));
}

TEST_CASE(
    "classify_response: an expired token is renewed, a wrong clock signed again, and neither is "
    "quoted") {
  const auto expired = swr::classify_response(
      {401, {}, R"({"error_code":"APIGW.0307","error_msg":"The token must be updated: SECRET"})"});
  CHECK(expired->credentials_expired);
  CHECK(expired->error.detail.find("SECRET") == std::string::npos);
  const auto skewed = swr::classify_response(
      {401, {}, R"({"error_code":"APIGW.0301","error_msg":"x-sdk-date expired"})"});
  CHECK(skewed->sign_again);
  const auto wrong = swr::classify_response(
      {401,
       {},
       R"({"error_code":"APIGW.0301","error_msg":"verify aksk signature fail: AKSECRET"})"});
  CHECK_FALSE(wrong->sign_again);
  CHECK_FALSE(wrong->credentials_expired);
  CHECK(wrong->error.detail.find("AKSECRET") == std::string::npos);
}

TEST_CASE("classify_response: a 401 that doesn't say why may come from a token that has expired") {
  for (const std::string body : {"", "<html>401</html>", R"({"error_code":"APIGW.0307","error_)"}) {
    CAPTURE(body);
    CHECK(swr::classify_response({401, {}, body})->credentials_expired);
  }
}

TEST_CASE("classify_response: what a refusal of credentials comes from is told in own words") {
  struct Row {
    const char* message;
    const char* words;
    bool sign_again;
    bool expired;
  };
  const Row rows[] = {
      {"Incorrect IAM authentication information: AK access failed to reach the limit, forbidden",
       "locked for some minutes", false, false},
      {"decrypt token fail", "token has expired", false, true},
      {"token expires", "token has expired", false, true},
      {"The token must be updated", "token has expired", false, true},
      {"signature expired, signature time:1,server time:2", "clock is off", true, false},
      {"X-Sdk-Date is wrong", "clock is off", true, false},
      {"verify aksk signature fail", "secret key is wrong", false, false},
      {"verify aksk signature fail, canonicalRequest:GET|/|x-sdk-date:20230301T084422Z||x-sdk-date",
       "secret key is wrong", false, false},
      {"ak LTAIEXAMPLE not exist", "access key is not known", false, true},
      {"a break does not exist", "", false, true},
      {"The account is locked.", "locked", false, false},
      {"Get secretKey failed, err: ak not exist", "access key is not known", false, true},
      {"the project does not exist", "project is not known", false, false},
      {"The username or password is wrong.", "password is wrong", false, false},
      {"something else", "", false, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.message);
    const auto refusal = swr::classify_response(
        {401,
         {},
         R"({"error_code":"APIGW.0301","error_msg":")" + std::string(row.message) + R"("})"});
    REQUIRE(refusal);
    CHECK(refusal->error.kind == ErrorKind::unauthorized);
    CHECK(refusal->error.detail.find(row.words) != std::string::npos);
    CHECK(refusal->sign_again == row.sign_again);
    CHECK(refusal->credentials_expired == row.expired);
  }
}

TEST_CASE("classify_response: a message is one short clean line, and never what authenticates us") {
  const auto plain = swr::classify_response(
      {400,
       {},
       R"({"error_code":"X\n1","error_msg":"bad\nlimit )" + std::string(5000, 'x') + R"("})"});
  REQUIRE(plain);
  CHECK(plain->error.code == "X 1");
  CHECK(plain->error.detail.find("bad limit") != std::string::npos);
  CHECK(plain->error.detail.find('\n') == std::string::npos);
  CHECK(plain->error.detail.size() < 300);
  const auto quoting = swr::classify_response(
      {400, {}, R"({"error_msg":"Authorization: SDK-HMAC-SHA256 Access=AK, Signature=SECRET"})"});
  REQUIRE(quoting);
  CHECK(quoting->error.detail.find("SECRET") == std::string::npos);
}
