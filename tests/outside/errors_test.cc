#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "exporter/acr/client.h"
#include "exporter/base/time_text.h"
#include "exporter/doctor_report.h"
#include "exporter/swr/client.h"
#include "tests/support/fake_runtime.h"

/// What clouds said when they refused a call, as people reported it in public, and what has to
/// follow from it. Names and numbers are others; the words stand as they were.
namespace registry_exporter {
namespace {

using namespace std::chrono_literals;
using enum ErrorKind;

enum class From { swr, acr };

struct Row {
  const char* fact;
  const char* source;
  From cloud;
  int status;
  const char* body;
  ErrorKind kind;
  ErrorCause cause;
  std::size_t calls_at_once;  ///< By one question.
  /// By a question every ten seconds for less than six minutes.
  std::size_t calls_in_six_minutes;
  const char* remedy;  ///< A piece of what the doctor says.
};

constexpr const char* kSecretWrong = "the secret key does not belong to the access key";
constexpr const char* kKeyUnknown = "the access key is not known";
constexpr const char* kLocked = "too many bad signatures: correct secret_key";
constexpr const char* kTokenOld = "the token or security token has expired: renew it";
constexpr const char* kClockOff = "refused for their time: set this machine's clock";
constexpr const char* kThrottles = "the cloud throttles";

// Each bad signature counts towards a lock of the key for everyone who uses it.
const Row kRows[] = {
    {"a wrong secret quotes the request, with the words x-sdk-date", "huaweicloud-sdk-nodejs-v3#2",
     From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|/v2/manage/namespaces/team-a/repos/api/retentions/histories/|limit=100&offset=0|host:swr-api.cn-north-4.myhuaweicloud.com|x-project-id:0bcc05efb100|x-sdk-date:20230301T084422Z||host;x-project-id;x-sdk-date|e3b0c44298fc","error_code":"APIGW.0301","request_id":"5a63"})",
     unauthorized, ErrorCause::wrong_secret, 1, 1, kSecretWrong},
    {"a wrong secret without a quotation", "huaweicloud-sdk-python#13", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: verify aksk signature fail","error_code":"APIGW.0301"})",
     unauthorized, ErrorCause::wrong_secret, 1, 1, kSecretWrong},
    {"a wrong secret, written apart", "api-sign-0001", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: verify ak sk signature fail, canonicalRequest:GET|/|X-Sdk-Date:20230301T084422Z","error_code":"APIG.0301"})",
     unauthorized, ErrorCause::wrong_secret, 1, 1, kSecretWrong},
    {"the request that is quoted may hold every other reason", "made up of the above", From::swr,
     401,
     R"({"error_msg":"Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|/|q=signature expired, signature time:1,server time:2 token expire ak x not exist AK access failed to reach the limit","error_code":"APIGW.0301"})",
     unauthorized, ErrorCause::wrong_secret, 1, 1, kSecretWrong},
    {"the clock is off", "huaweicloud-sdk-java-v3#44", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: verify aksk signature fail:signature expired, signature time:20230301T084422Z,server time:20230301T104422Z","error_code":"APIGW.0301"})",
     unauthorized, ErrorCause::clock_skew, 2, 2, kClockOff},
    {"the clock is off, in a service's words", "Speech Interaction Service FAQ", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: calc ak sk signature fail:signature expired","error_code":"APIG.0301"})",
     unauthorized, ErrorCause::clock_skew, 2, 2, kClockOff},
    {"the clock is off, of an app", "API Gateway FAQ apig-faq-0009", From::swr, 401,
     R"({"error_msg":"Incorrect app authentication information: signature expired, signature time:20230527T000431Z,server time:20230527T020608Z","error_code":"APIG.0303"})",
     unauthorized, ErrorCause::clock_skew, 2, 2, kClockOff},
    {"an unknown key", "ddns-go#844", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: ak LTAIEXAMPLE not exist","error_code":"APIGW.0301","request_id":"8080"})",
     unauthorized, ErrorCause::unknown_key, 1, 1, kKeyUnknown},
    {"an unknown key, older words", "NewFuture/DDNS#136", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: Get secretKey failed,ak:zyczy123,err:ak not exist","error_code":"APIGW.0301"})",
     unauthorized, ErrorCause::unknown_key, 1, 1, kKeyUnknown},
    {"an unknown key that sounds like a wrong secret", "roma_08_1035", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: verify ak sk signature fail, ak HPUAEXAMPLE not exist","error_code":"APIC.0301"})",
     unauthorized, ErrorCause::unknown_key, 1, 1, kKeyUnknown},
    {"an unknown key, in one word", "KooCLI with keys that are gone", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: Unauthorized","error_code":"APIGW.0301"})",
     unauthorized, ErrorCause::unknown_key, 1, 1, kKeyUnknown},
    {"an unknown key, in one word and a dot", "KooCLI with keys that are gone", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: Unauthorized.","error_code":"APIGW.0301"})",
     unauthorized, ErrorCause::unknown_key, 1, 1, kKeyUnknown},
    {"a locked key", "API Gateway FAQ apig-faq-0003", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: AK access failed to reach the limit,forbidden.","error_code":"APIG.0301"})",
     unauthorized, ErrorCause::key_locked, 1, 1, kLocked},
    {"a locked key whose lock speaks of signatures", "made up of the above", From::swr, 401,
     R"({"error_msg":"verify aksk signature fail: AK access failed to reach the limit, forbidden","error_code":"APIGW.0301"})",
     unauthorized, ErrorCause::key_locked, 1, 1, kLocked},
    {"a locked user", "IAM FAQ iam_01_0130", From::swr, 401,
     R"({"error":{"code":401,"message":"The account is locked.","title":"Unauthorized"}})",
     unauthorized, ErrorCause::key_locked, 1, 1, kLocked},
    {"an expired token", "API Gateway FAQ apig-faq-0003", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: decrypt token fail","error_code":"APIG.0301"})",
     unauthorized, ErrorCause::token_expired, 1, 1, kTokenOld},
    {"an expired token, by its time", "huaweicloud-sdk-go-v3", From::swr, 401,
     R"({"error_msg":"Incorrect IAM authentication information: token expires","error_code":"APIGW.0301"})",
     unauthorized, ErrorCause::token_expired, 1, 1, kTokenOld},
    {"an expired token, by its code", "API Gateway error codes", From::swr, 401,
     R"({"error_msg":"The token must be updated.","error_code":"APIGW.0307"})", unauthorized,
     ErrorCause::token_expired, 1, 1, kTokenOld},
    {"a quota of five minutes", "terraform-provider-huaweicloud#1335", From::swr, 429,
     R"({"error_msg":"The throttling threshold has been reached: policy user over ratelimit,limit:200,time:5 minute","error_code":"APIGW.0308","request_id":"d4e8"})",
     throttled, ErrorCause::unknown, 1, 2, kThrottles},
    {"a quota of a minute", "dataartsstudio_03_0415", From::swr, 429,
     R"({"error_msg":"The throttling threshold has been reached: policy user over ratelimit,limit:60,time:1 minute.","error_code":"APIG.0308"})",
     throttled, ErrorCause::unknown, 1, 6, kThrottles},
    {"a quota of a week", "made up of the above", From::swr, 429,
     R"({"error_msg":"The throttling threshold has been reached: policy user over ratelimit,limit:1,time:1 week","error_code":"APIG.0308"})",
     throttled, ErrorCause::unknown, 1, 1, kThrottles},
    {"a quota by address", "dify#18378", From::swr, 429,
     R"({"error_msg":"The throttling threshold has been reached: policy ip over ratelimit,limit:5,time:1 minute","error_code":"APIG.0308"})",
     throttled, ErrorCause::unknown, 1, 6, kThrottles},
    {"a quota that comes as forbidden, without a code that is known", "SDKs' ServiceError",
     From::swr, 403,
     R"({"error_msg":"The throttling threshold has been reached: policy api over ratelimit,limit:5,time:1 minute","error_code":"APIG.9999"})",
     throttled, ErrorCause::unknown, 1, 6, kThrottles},
    {"an expired token whose code is in the message alone", "kubevela/terraform-controller#52",
     From::acr, 400,
     R"({"RequestId":"F61E","Code":"InvalidParameter","Message":"The specified parameter \"SecurityToken.Expired\" is not valid."})",
     unauthorized, ErrorCause::token_expired, 1, 6, "renew access_key_id"},
    {"the same on 200", "made up of the above", From::acr, 200,
     R"({"RequestId":"F61E","Code":"InvalidParameter","IsSuccess":false,"Message":"The specified parameter \"SecurityToken.Expired\" is not valid."})",
     unauthorized, ErrorCause::token_expired, 1, 6, "renew access_key_id"},
    {"keys that need a token", "kubevela/terraform-controller#191", From::acr, 400,
     R"({"Code":"MissingSecurityToken","Message":"SecurityToken is mandatory for this action."})",
     unauthorized, ErrorCause::token_expired, 1, 6, "renew access_key_id"},
    {"a wrong secret", "Alibaba Cloud error centre", From::acr, 400,
     R"({"Code":"SignatureDoesNotMatch","Message":"Specified signature does not match our calculation. server string to sign is:ACS3-HMAC-SHA256 x-acs-date:20260102T030405Z"})",
     unauthorized, ErrorCause::wrong_secret, 1, 6, "the secret does not belong to the access key"},
    {"an unknown key", "Alibaba Cloud error centre", From::acr, 404,
     R"({"Code":"InvalidAccessKeyId.NotFound","Message":"Specified access key is not found."})",
     unauthorized, ErrorCause::unknown_key, 1, 6, "the access key is not known or disabled"},
    {"the clock is off", "Alibaba Cloud error centre", From::acr, 400,
     R"({"Code":"InvalidTimeStamp.Expired","Message":"Specified time stamp or date value is expired."})",
     unauthorized, ErrorCause::clock_skew, 2, 12, kClockOff},
};

/// Says the same to everybody, in time.
class SameAnswer final : public net::HttpTransport {
 public:
  SameAnswer(const FakeRuntime& fake, int status, std::string body)
      : fake_(fake), status_(status), body_(std::move(body)) {}
  std::size_t sent = 0;
  Result<net::HttpResponse> send(const net::HttpRequest&) override {
    ++sent;
    return net::HttpResponse{status_, {{"date", format_http_date(fake_.wall())}}, body_};
  }
  void abort() override {}

 private:
  const FakeRuntime& fake_;
  int status_;
  std::string body_;
};

class Outcomes final : public CallObserver {
 public:
  std::map<std::string, std::string> last;
  void call_finished(std::string_view, std::string_view operation, std::string_view outcome,
                     Millis) override {
    last[std::string(operation)] = outcome;
  }
};

config::RegistryConfig config_for(From cloud) {
  config::RegistryConfig config;
  config.name = "r";
  config.endpoint = "http://127.0.0.1:10068";
  config.credentials_given = true;
  if (cloud == From::acr) {
    config::AcrConfig acr;
    acr.instance_id = "cri-1";
    acr.credentials.access_key_id.value = Secret("LTAIEXAMPLE");
    acr.credentials.access_key_secret.value = Secret("c4nary");
    config.cloud = acr;
  } else {
    config::SwrConfig swr;
    swr.project_id = "0bcc05efb100";
    swr.credentials.access_key.value = Secret("LTAIEXAMPLE");
    swr.credentials.secret_key.value = Secret("c4nary");
    config.cloud = swr;
  }
  return config;
}

struct World {
  World(From cloud, int status, std::string body)
      : config(config_for(cloud)), transport(fake, status, std::move(body)) {
    if (cloud == From::acr) {
      client = std::make_unique<acr::Client>(fake.runtime(), transport, outcomes, config,
                                             config::MetricsConfig{});
    } else {
      client = std::make_unique<swr::Client>(fake.runtime(), transport, outcomes, config);
    }
  }
  Error ask() {
    const auto discovery = client->discover({});
    REQUIRE_FALSE(discovery);
    return discovery.error();
  }
  std::string doctor_on(const Error& error) {
    Exam exam;
    exam.registry = config;
    exam.health = client->health();
    exam.outcomes = outcomes.last;
    exam.failures = {error};
    return diagnose(exam).text;
  }

  FakeRuntime fake;
  config::RegistryConfig config;
  Outcomes outcomes;
  SameAnswer transport;
  std::unique_ptr<Cloud> client;
};

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

/// With a code that says nothing.
std::string without_code(std::string body) {
  const std::size_t code = body.find("API");
  if (code != std::string::npos) body.replace(code, body.find('"', code) - code, "X.1");
  return body;
}

}  // namespace

TEST_CASE("errors: each is taken for what it is, costs few calls, and the doctor knows the cure") {
  for (const Row& row : kRows) {
    INFO(std::string(row.fact) << ": " << row.source);
    World world(row.cloud, row.status, row.body);
    const Error error = world.ask();
    CHECK(error.kind == row.kind);
    CHECK(error.cause == row.cause);
    CHECK(world.transport.sent == row.calls_at_once);
    const std::string report = world.doctor_on(error);
    CAPTURE(report);
    CHECK(contains(report, row.remedy));
    CHECK(contains(report, "set this machine's clock") == (row.cause == ErrorCause::clock_skew));
    for (const char* told : {"canonicalRequest", "string to sign", "c4nary", "LTAIEXAMPLE not"}) {
      CHECK_FALSE(contains(report, told));
    }
    for (int i = 0; i < 35; ++i) {
      world.fake.advance(10s);
      world.ask();
    }
    CHECK(world.transport.sent == row.calls_in_six_minutes);
  }
}

TEST_CASE("errors: the gateway's words are believed whatever status they come with") {
  for (const Row& row : kRows) {
    if (row.cloud != From::swr) continue;
    for (const int status : {400, 401, 403, 404, 429, 500, 503}) {
      INFO(std::string(row.fact) << " with " << status);
      World world(row.cloud, status, row.body);
      const Error error = world.ask();
      CHECK(error.kind == row.kind);
      CHECK(error.cause == row.cause);
      const bool is_told_by_code = contains(row.body, ".0307");
      World codeless(row.cloud, status, without_code(row.body));
      const Error same = codeless.ask();
      if (!is_told_by_code) CHECK(same.kind == row.kind);
      if (!is_told_by_code) CHECK(same.cause == row.cause);
    }
  }
}

namespace {

/// IAM, which gives tokens to whoever asks, before an SWR that says the same to all.
class TokensAndSameAnswer final : public net::HttpTransport {
 public:
  explicit TokensAndSameAnswer(std::string body) : body_(std::move(body)) {}
  int tokens = 0;
  int questions = 0;
  Result<net::HttpResponse> send(const net::HttpRequest& request) override {
    if (request.target.find("/v3/auth/tokens") != 0) {
      ++questions;
      return net::HttpResponse{401, {}, body_};
    }
    ++tokens;
    return net::HttpResponse{201,
                             {{"x-subject-token", "T" + std::to_string(tokens)}},
                             R"({"token":{"expires_at":"2026-01-03T03:04:05Z"}})"};
  }
  void abort() override {}

 private:
  std::string body_;
};

}  // namespace

TEST_CASE(
    "errors: a token is renewed where it may have expired, and where a lock is told it is not") {
  for (const Row& row : kRows) {
    if (row.cloud != From::swr || row.kind != unauthorized) continue;
    INFO(std::string(row.fact) << ": " << row.source);
    FakeRuntime fake;
    TokensAndSameAnswer transport(row.body);
    Outcomes outcomes;
    config::RegistryConfig config = config_for(From::swr);
    config::SwrCredentials user;
    user.iam_user = {"acme", "alice", "cn-north-4", {Secret("c4nary"), ""}};
    std::get<config::SwrConfig>(config.cloud).credentials = user;
    std::get<config::SwrConfig>(config.cloud).iam_endpoint = "http://iam";
    swr::Client client(fake.runtime(), transport, outcomes, config);
    for (int i = 0; i < 35; ++i) {
      CHECK_FALSE(client.discover());
      fake.advance(10s);
    }
    const bool renews =
        row.cause == ErrorCause::token_expired || row.cause == ErrorCause::unknown_key;
    CHECK(transport.tokens == (renews ? 2 : 1));
    CHECK(transport.questions == (renews || row.cause == ErrorCause::clock_skew ? 2 : 1));
  }
}

namespace {

/// How an error may look; @CODE and @TEXT stand for what it tells. The sources: what the clouds'
/// own clients read (huaweicloud-sdk-go-v3 @b292854 core/sdkerr/errors.go), SWR's and IAM's error
/// pages.
constexpr const char* kShapes[] = {
    R"({"error_code":"@CODE","error_msg":"@TEXT","request_id":"8080"})",
    R"({"error_msg":"@TEXT","encoded_authorization_message":"XyZ","error_code":"@CODE"})",
    R"({"code":"@CODE","message":"@TEXT"})",
    R"({"request_id":"8080","error":{"error_code":"@CODE","error_msg":"@TEXT"}})",
    R"({"error":{"code":"@CODE","message":"@TEXT"}})",
    R"({"code":401,"error":{"error_code":"@CODE","error_msg":"@TEXT"}})",
    R"({"answer":{"of":{"error_code":"@CODE","error_msg":"@TEXT"}}})",
    R"({"errorCode":"@CODE","errorMsg":"@TEXT"})",
    R"({"errorCode":"@CODE","errorMessage":"@TEXT"})",
    R"({"error_code":"@CODE","error_message":"@TEXT"})",
    R"({"error_code":"@CODE","message":"@TEXT"})",
    R"({"errors":[{"error_code":"@CODE","error_msg":"@TEXT"}]})",
    R"({"errors":[{"code":"@CODE","message":"@TEXT"}]})",
    R"({"errors":[{"errorCode":"@CODE","errorMessage":"@TEXT"}]})",
    R"([{"error_code":"@CODE","error_msg":"@TEXT"}])",
    R"("@TEXT")",
    "@TEXT",
    "\r\n@TEXT\r\n",
};

constexpr const char* kCodes[] = {"APIGW.0301", "APIG.9999", ""};

struct Text {
  const char* text;
  ErrorKind kind;
  ErrorCause cause;
  std::size_t calls_in_six_minutes;
};

constexpr Text kTexts[] = {
    {"Incorrect IAM authentication information: verify aksk signature fail", unauthorized,
     ErrorCause::wrong_secret, 1},
    {"verify ak sk signature fail, canonicalRequest:GET|/|x-sdk-date:1", unauthorized,
     ErrorCause::wrong_secret, 1},
    {"Incorrect IAM authentication information: AK access failed to reach the limit,forbidden.",
     unauthorized, ErrorCause::key_locked, 1},
    {"Incorrect IAM authentication information: ak LTAIEXAMPLE not exist", unauthorized,
     ErrorCause::unknown_key, 1},
    {"Incorrect IAM authentication information: ak not exist", unauthorized,
     ErrorCause::unknown_key, 1},
    {"Get secretKey failed,ak:LTAIEXAMPLE,err:ak not exist", unauthorized, ErrorCause::unknown_key,
     1},
    {"Incorrect IAM authentication information: Unauthorized.", unauthorized,
     ErrorCause::unknown_key, 1},
    {"Incorrect IAM authentication information: decrypt token fail", unauthorized,
     ErrorCause::token_expired, 1},
    {"The throttling threshold has been reached: policy user over ratelimit,limit:1,time:6 minute",
     throttled, ErrorCause::unknown, 1},
};

std::string filled(std::string shape, const char* mark, const std::string& text) {
  const std::size_t at = shape.find(mark);
  return at == std::string::npos ? shape : shape.replace(at, std::string(mark).size(), text);
}

}  // namespace

TEST_CASE("errors: what is told counts in every shape that the clouds' own clients read") {
  for (const char* shape : kShapes) {
    for (const Text& text : kTexts) {
      const char* const usual = text.kind == throttled ? "APIGW.0308" : kCodes[0];
      for (const char* code : {usual, kCodes[1], kCodes[2]}) {
        for (const int status : {400, 401, 403, 404, 429, 500, 503}) {
          if (status == 401 && text.kind == throttled) continue;  // Nobody says so.
          const std::string body = filled(filled(shape, "@CODE", code), "@TEXT", text.text);
          INFO(status << " " << body);
          World world(From::swr, status, body);
          const Error error = world.ask();
          CHECK(error.kind == text.kind);
          CHECK(error.cause == text.cause);
          if (contains(shape, "@CODE") && *code != '\0') CHECK(error.code == code);
          for (int i = 0; i < 35; ++i) {
            world.fake.advance(10s);
            world.ask();
          }
          CHECK(world.transport.sent == text.calls_in_six_minutes);
        }
      }
    }
  }
}

TEST_CASE("errors: a page of a proxy tells nothing, and a text is one short clean line") {
  for (const char* page : {"<html>verify aksk signature fail</html>",
                           "\xEF\xBB\xBF \n<!doctype html>verify aksk signature fail"}) {
    World world(From::swr, 403, page);
    CHECK(world.ask().kind == forbidden);
  }
  World world(From::swr, 400, "no\nsuch\x1Bpage" + std::string(9000, 'x'));
  const Error error = world.ask();
  CHECK(contains(error.detail, ": no such page"));
  CHECK(error.detail.size() < 300);
}

TEST_CASE("errors: what is named in a message never looks like a refusal of the keys") {
  const char* const messages[] = {
      "repository team/my-ak does not exist",
      "The namespace ak not exist.",
      "namespace: ak not exist",
      "namespace:ak not exist",
      "The repository ak production not exist",
      "ak not exist",
      "ak latest not exist",
      "team, ak latest not exist",
      "tag ak of repository team/ak does not exist",
      "repository ak LTAIEXAMPLE not exist",
      "retention of team/signature failed",
      "retention of signature failed",
      "retention of team/signature expired",
      "the question for signature timed out",
      "the namespace account is locked",
      "repository team/my-ak access failed to reach the limit",
      "team/verify aksk signature failed",
      "the authentication information of team/web",
      "project does not exist",
      "repository team/x-sdk-date does not exist",
      "repository team/token expired",
  };
  for (const char* message : messages) {
    for (const char* shape : kShapes) {
      for (const char* code : {"SWR.4040001", "SVCSTG.SWR.5000001", "APIG.9999", ""}) {
        for (const int status : {400, 403, 404, 500}) {
          const std::string body = filled(filled(shape, "@CODE", code), "@TEXT", message);
          INFO(status << " " << body);
          World world(From::swr, status, body);
          const Error error = world.ask();
          CHECK(error.kind != unauthorized);
          CHECK(error.kind != throttled);
          CHECK(error.cause == ErrorCause::unknown);
          const std::size_t sent = world.transport.sent;
          CHECK(world.client->retention_rules({"team", "other", ""}).error().kind == error.kind);
          CHECK(world.transport.sent > sent);  // Others are asked about as before.
        }
      }
    }
  }
}

TEST_CASE("errors: the service's own codes tell that no gateway speaks") {
  for (const Text& text : kTexts) {
    if (text.kind != unauthorized) continue;
    World world(From::swr, 404,
                filled(R"({"error_code":"SVCSTG.SWR.4040001","error_msg":"@"})", "@", text.text));
    CHECK(world.ask().kind == not_found);
  }
}

TEST_CASE("errors: a name does not give a 401 a cause") {
  for (const char* message : {"The namespace ak not exist.", "repository team/my-ak does not exist",
                              "namespace:ak not exist", "a tag of my-ak latest not exist"}) {
    World world(From::swr, 401, filled(R"({"error_code":"X","error_msg":"@"})", "@", message));
    CHECK(world.ask().cause == ErrorCause::unknown);
  }
}

}  // namespace registry_exporter
