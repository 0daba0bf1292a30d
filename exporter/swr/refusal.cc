#include "exporter/swr/refusal.h"

#include <algorithm>
#include <array>
#include <string>

#include "exporter/net/json.h"

namespace registry_exporter::swr {
namespace {

constexpr std::size_t kMessageBytesMax = 200;
constexpr std::size_t kMessageReadMax = 4096;
constexpr std::size_t kCodeBytesMax = 64;

struct Said {
  bool is_json = false;
  std::string code;
  std::string message;
};

struct CodeMeaning {
  std::string_view suffix;  ///< Of the code: prefixes differ by region and gateway.
  ErrorKind kind;
};

// Sources: SWR error codes, API gateway error table.
constexpr std::array kMeanings{
    CodeMeaning{"SWR.4031032", ErrorKind::throttled},
    CodeMeaning{"SWR.4031042", ErrorKind::throttled},
    CodeMeaning{"SWR.4090023", ErrorKind::server_error},  // System busy.
    CodeMeaning{"SWR.4000306", ErrorKind::not_found},     // Retention rule gone.
    CodeMeaning{"SWR.4040058", ErrorKind::not_found},
    CodeMeaning{"SWR.4041061", ErrorKind::not_found},
    CodeMeaning{"SWR.4040010", ErrorKind::not_found},
    CodeMeaning{"SWR.4040113", ErrorKind::not_found},
    CodeMeaning{"SWR.4010000", ErrorKind::unauthorized},
    // A wrong endpoint or path, which tells nothing of what was asked for.
    CodeMeaning{"SWR.4040083", ErrorKind::bad_request},
    CodeMeaning{".0101", ErrorKind::bad_request},
    CodeMeaning{".0308", ErrorKind::throttled},
    CodeMeaning{".0301", ErrorKind::unauthorized},
    CodeMeaning{".0303", ErrorKind::unauthorized},
    CodeMeaning{".0305", ErrorKind::unauthorized},
    CodeMeaning{".0307", ErrorKind::unauthorized},
    CodeMeaning{".0302", ErrorKind::forbidden},
    CodeMeaning{".0306", ErrorKind::forbidden},
    CodeMeaning{".0201", ErrorKind::server_error},
    CodeMeaning{".0705", ErrorKind::server_error},
    CodeMeaning{".0801", ErrorKind::server_error},
};

std::string clean(std::string_view text, std::size_t bytes_max) {
  std::string result(text.substr(0, bytes_max));
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = ' ';
  }
  return result;
}

void take(Said& said, const json::Object& object, const char* code, const char* message) {
  if (said.code.empty()) said.code = json::text_at(object, code);
  if (said.message.empty()) said.message = json::text_at(object, message);
}

void take_first(Said& said, const json::Element& list) {
  simdjson::dom::array array;
  json::Object first;
  if (list.get(array)) return;
  for (const json::Element element : array) {
    if (!element.get(first)) take(said, first, "errorCode", "errorMessage");
    return;
  }
}

Said read_error(std::string_view body) {
  Said said;
  const Result<json::AnyDocument> document = json::parse_any(body);
  if (!document) return said;
  said.is_json = true;
  json::Object root;
  if (document->root.get(root)) {
    take_first(said, document->root);
    return said;
  }
  take(said, root, "error_code", "error_msg");
  take(said, root, "errorCode", "errorMessage");
  take(said, root, "error_code", "error_message");
  if (const auto errors = json::field(root, "errors")) take_first(said, *errors);
  if (const auto iam = json::object_at(root, "error")) take(said, *iam, "code", "message");
  return said;
}

std::optional<ErrorKind> kind_by_code(std::string_view code) {
  const auto found =
      std::find_if(kMeanings.begin(), kMeanings.end(),
                   [code](const CodeMeaning& each) { return code.ends_with(each.suffix); });
  return found == kMeanings.end() ? std::nullopt : std::optional<ErrorKind>(found->kind);
}

ErrorKind kind_by_status(int status, bool is_json) {
  if (status == 429) return ErrorKind::throttled;
  if (status >= 500 || status == 408) return ErrorKind::server_error;
  if (status == 401) return ErrorKind::unauthorized;
  if (status == 403) return ErrorKind::forbidden;
  // A proxy's page must not pass for the cloud saying that something is gone.
  if (status == 404) return is_json ? ErrorKind::not_found : ErrorKind::malformed;
  if (status == 407) return ErrorKind::transport;
  return ErrorKind::bad_request;
}

std::string lower(std::string_view message) {
  std::string text(message.substr(0, kMessageReadMax));
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Without the request that is quoted to whoever signed it badly: its words are our own.
std::string_view unquoted(std::string_view text) {
  return text.substr(0, text.find("canonicalrequest"));
}

/// What a message stands for, whatever its code and status.
struct Saying {
  std::string_view phrase;  ///< In lower case; no name that may be repeated looks like it.
  ErrorCause cause;
  bool is_of_gateway;  ///< It says so of credentials alone.
};

// Sources: API Gateway and IAM FAQs, people's reports. The first that fits is meant: a lock may
// speak of signatures, and a key that is not known or a clock that is off of a bad one.
constexpr Saying kSayings[] = {
    {"failed to reach the limit", ErrorCause::locked, true},
    {"account is locked", ErrorCause::locked, true},
    {"signature expired", ErrorCause::clock, true},
    {"signature time", ErrorCause::clock, true},
    {"must be updated", ErrorCause::token_expired, false},
    {"token expire", ErrorCause::token_expired, false},
    {"decrypt token fail", ErrorCause::token_expired, true},
    {"project does not exist", ErrorCause::unknown_project, false},
    {"project not exist", ErrorCause::unknown_project, false},
    {"get secretkey fail", ErrorCause::unknown_key, true},
    {"signature fail", ErrorCause::wrong_secret, true},
    {"x-sdk-date", ErrorCause::clock, false},
    {"username or password", ErrorCause::wrong_password, false},
    {"user name or password", ErrorCause::wrong_password, false},
};

/// "ak LTAI… not exist"
bool names_unknown_key(std::string_view text) {
  const std::size_t key = text.find("ak ");
  const bool starts_a_word = key == 0 || (key != std::string_view::npos &&
                                          !(text[key - 1] >= 'a' && text[key - 1] <= 'z'));
  return starts_a_word && has(text.substr(key), " not exist");
}

struct Heard {
  ErrorCause cause = ErrorCause::unknown;
  bool is_of_gateway = false;
};

/// `text`: the message, in lower case.
Heard hear(std::string_view text) {
  const std::string_view said = unquoted(text);
  if (names_unknown_key(said) || said.ends_with("information: unauthorized")) {
    return {ErrorCause::unknown_key, true};
  }
  const bool is_of_gateway = has(said, "authentication information");
  for (const Saying& saying : kSayings) {
    if (has(said, saying.phrase)) return {saying.cause, saying.is_of_gateway || is_of_gateway};
  }
  return {ErrorCause::unknown, is_of_gateway};
}

/// The message, unless it quotes what authenticates us.
std::string shown(const Said& said, std::string_view text) {
  for (const char* word : {"authorization", "signature", "x-auth-token", "password",
                           "x-security-token", "canonicalrequest"}) {
    if (has(text, word)) return "";
  }
  return clean(said.message, kMessageBytesMax);
}

ErrorKind kind_of(const Said& said, const Heard& heard, std::string_view text, int status) {
  if (const auto kind = kind_by_code(said.code)) return *kind;
  if (heard.is_of_gateway) return ErrorKind::unauthorized;
  if (has(text, "over ratelimit")) return ErrorKind::throttled;
  return kind_by_status(status, said.is_json);
}

ErrorCause cause_of(const Said& said, const Heard& heard) {
  const bool by_code = said.code.ends_with(".0307") || said.code.ends_with("SWR.4010000");
  return by_code && heard.cause == ErrorCause::unknown ? ErrorCause::token_expired : heard.cause;
}

/// What a refusal of the credentials comes from, in own words: the server's may quote them.
void tell_cause(Refusal& refusal, ErrorCause cause) {
  refusal.error.cause = cause;
  refusal.sign_again = cause == ErrorCause::clock;
  // Temporary keys are forgotten in the end; and one that doesn't say why, or whose reason was lost
  // on the way, may mean a token that has expired.
  refusal.credentials_expired = cause == ErrorCause::token_expired ||
                                cause == ErrorCause::unknown_key || cause == ErrorCause::unknown;
  const std::string_view words = describe(cause);
  if (!words.empty()) refusal.error.detail += ": " + std::string(words);
}

}  // namespace

std::optional<Refusal> judge(const HttpResponse& response) {
  const int status = response.status;
  if (status >= 200 && status < 300) return std::nullopt;
  const std::string where = "HTTP " + std::to_string(status);
  Refusal refusal;
  if (status < 400) {
    refusal.error = {ErrorKind::malformed, where + ": redirect: not followed", {}, {}};
    return refusal;
  }
  const Said said = read_error(response.body);
  const std::string text = lower(said.message);
  const Heard heard = hear(text);
  Error& error = refusal.error;
  error.kind = kind_of(said, heard, text, status);
  error.code = clean(said.code, kCodeBytesMax);
  error.detail = where;
  if (!error.code.empty()) error.detail += " " + error.code;
  if (error.kind == ErrorKind::throttled) refusal.quota = quota_named_in(said.message);
  if (error.kind == ErrorKind::unauthorized) {
    tell_cause(refusal, cause_of(said, heard));
  } else if (const std::string message = shown(said, text); !message.empty()) {
    error.detail += ": " + message;
  }
  if (!said.is_json) error.detail += ": no JSON";
  return refusal;
}

}  // namespace registry_exporter::swr
