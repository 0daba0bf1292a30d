#include "exporter/swr/refusal.h"

#include <algorithm>
#include <array>
#include <string>

#include "exporter/base/text.h"
#include "exporter/net/json.h"

namespace registry_exporter::swr {
namespace {

constexpr std::size_t kMessageBytesMax = 200;
constexpr std::size_t kMessageReadMax = 4096;
constexpr std::size_t kCodeBytesMax = 64;
constexpr int kErrorDepthMax = 4;

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
    CodeMeaning{"SWR.400003", ErrorKind::not_found},      // The same of the Enterprise Edition.
    CodeMeaning{"SWR.4040058", ErrorKind::not_found},
    CodeMeaning{"SWR.4041061", ErrorKind::not_found},
    CodeMeaning{"SWR.4040010", ErrorKind::not_found},
    CodeMeaning{"SWR.4040113", ErrorKind::not_found},
    CodeMeaning{"SWR.4010000", ErrorKind::unauthorized},
    // A wrong endpoint or path: says nothing about the repository.
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

std::string first_text(const net::json::Object& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (std::string text = net::json::text_at(object, key); !text.empty()) return text;
  }
  return "";
}

/// A code without a message is replaced by a nested one with a message.
void take(Said& said, const net::json::Object& object) {
  const std::string code = first_text(object, {"error_code", "errorCode", "code"});
  said.message =
      first_text(object, {"error_msg", "errorMsg", "error_message", "errorMessage", "message"});
  if (!code.empty() && (said.code.empty() || !said.message.empty())) said.code = code;
}

void find_error(Said& said, const net::json::Element& element, int depth) {
  net::json::Object object;
  simdjson::dom::array array;
  if (depth > kErrorDepthMax || !said.message.empty()) return;
  if (!element.get(object)) {
    take(said, object);
    for (const auto& [key, value] : object) find_error(said, value, depth + 1);
  } else if (!element.get(array) && array.begin() != array.end()) {
    find_error(said, *array.begin(), depth + 1);
  }
}

bool is_markup(std::string_view body) {
  for (const char c : body) {
    const bool is_before = c <= ' ' || static_cast<unsigned char>(c) >= 0x80;  // A byte order mark.
    if (!is_before) return c == '<';
  }
  return false;
}

/// A body that is not JSON is the message, unless it is markup (a proxy's page).
Said read_error(std::string_view body) {
  Said said;
  const Result<net::json::AnyDocument> document = net::json::parse_any(body);
  if (!document) {
    const std::size_t begin = std::min(body.size(), body.find_first_not_of(" \t\r\n"));
    if (!is_markup(body)) said.message = body.substr(begin, kMessageReadMax);
    return said;
  }
  said.is_json = true;
  find_error(said, document->root, 0);
  if (document->root.is_string()) said.message = net::json::text_of(document->root).value_or("");
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
  // A proxy's page does not mean that the cloud knows no such repository.
  if (status == 404) return is_json ? ErrorKind::not_found : ErrorKind::malformed;
  if (status == 407) return ErrorKind::transport;
  return ErrorKind::bad_request;
}

/// Without the quoted request that follows a bad signature: its words are ours, not the server's.
std::string_view unquoted(std::string_view text) {
  return text.substr(0, text.find("canonicalrequest"));
}

/// A phrase in a message, and its meaning whatever the code and status.
struct Saying {
  std::string_view phrase;  ///< In lower case.
  ErrorCause cause;
};

// Sources: API Gateway and IAM FAQs, people's reports. The first match wins: the
// message of a lock, an unknown key or a wrong clock may mention signatures, too.
constexpr Saying kSayings[] = {
    {"failed to reach the limit", ErrorCause::key_locked},
    {"account is locked", ErrorCause::key_locked},
    {"signature expired", ErrorCause::clock_skew},
    {"signature time", ErrorCause::clock_skew},
    {"must be updated", ErrorCause::token_expired},
    {"token expire", ErrorCause::token_expired},
    {"decrypt token fail", ErrorCause::token_expired},
    {"project does not exist", ErrorCause::unknown_project},
    {"project not exist", ErrorCause::unknown_project},
    {"get secretkey fail", ErrorCause::unknown_key},
    {"signature fail", ErrorCause::wrong_secret},
    {"x-sdk-date", ErrorCause::clock_skew},
    {"username or password", ErrorCause::wrong_password},
    {"user name or password", ErrorCause::wrong_password},
};

/// Phrases that only the gateway uses, and only about credentials, whatever the code and status. No
/// name in a message can look like them: they contain blanks and begin outside of a name.
constexpr std::string_view kOfGateway[] = {
    "verify aksk signature fail",
    "verify ak sk signature fail",
    "calc aksk signature fail",
    "calc ak sk signature fail",
    "ak access failed to reach the limit",
    "the account is locked",
    "signature expired, signature",
    "get secretkey fail",
    "decrypt token fail",
};

bool begins_in_a_name(std::string_view text, std::size_t at) {
  if (at == 0) return false;
  const char before = text[at - 1];
  return (before >= 'a' && before <= 'z') || (before >= '0' && before <= '9') || before == '/' ||
         before == '-' || before == '_' || before == '.';
}

bool is_of_gateway(std::string_view code, std::string_view text) {
  if (contains(code, "SWR.")) return false;  // The service's own error, not the gateway's.
  const std::size_t incorrect = text.find("incorrect ");  // "… IAM", "… app"
  if (incorrect != std::string_view::npos &&
      contains(text.substr(incorrect), "authentication information")) {
    return true;
  }
  return std::any_of(std::begin(kOfGateway), std::end(kOfGateway), [text](std::string_view words) {
    const std::size_t at = text.find(words);
    return at != std::string_view::npos && !begins_in_a_name(text, at);
  });
}

std::string_view without_end(std::string_view text, std::string_view these) {
  return text.substr(0, text.find_last_not_of(these) + 1);
}

/// "ak not exist", "ak LTAI… not exist": as the gateway says it, not after a name that ends in
/// "ak".
bool names_unknown_key(std::string_view text) {
  constexpr std::string_view kKey = "ak ";
  for (std::size_t at = text.find(kKey); at != std::string_view::npos;
       at = text.find(kKey, at + 1)) {
    const std::string_view before = without_end(text.substr(0, at), " ");
    const bool is_the_gateways = before.empty() || before.ends_with("information:") ||
                                 before.ends_with("signature fail,") || before.ends_with("err:");
    const std::string_view after = text.substr(at + kKey.size());
    const std::size_t word = std::min(after.size(), after.find(' '));
    const bool is_gone =
        after.starts_with("not exist") || after.substr(word).starts_with(" not exist");
    if (is_the_gateways && is_gone) return true;
  }
  return false;
}

struct Heard {
  ErrorCause cause = ErrorCause::unknown;
  bool is_of_gateway = false;
};

/// `text`: the message, in lower case.
Heard hear(std::string_view code, std::string_view text) {
  const std::string_view said = unquoted(text);
  Heard heard{ErrorCause::unknown, is_of_gateway(code, said)};
  if (names_unknown_key(said) ||
      without_end(said, " .\r\n").ends_with("information: unauthorized")) {
    heard.cause = ErrorCause::unknown_key;
    return heard;
  }
  const auto saying =
      std::find_if(std::begin(kSayings), std::end(kSayings),
                   [said](const Saying& each) { return contains(said, each.phrase); });
  if (saying != std::end(kSayings)) heard.cause = saying->cause;
  return heard;
}

/// The message, unless it quotes credentials.
std::string shown(const Said& said, std::string_view text) {
  for (const char* word : {"authorization", "signature", "x-auth-token", "password",
                           "x-security-token", "canonicalrequest"}) {
    if (contains(text, word)) return "";
  }
  return clean(said.message, kMessageBytesMax);
}

ErrorKind kind_of(const Said& said, const Heard& heard, std::string_view text, int status) {
  if (const auto kind = kind_by_code(said.code)) return *kind;
  if (heard.is_of_gateway) return ErrorKind::unauthorized;
  if (contains(text, "over ratelimit")) return ErrorKind::throttled;
  return kind_by_status(status, said.is_json);
}

ErrorCause cause_of(const Said& said, const Heard& heard) {
  const bool by_code = said.code.ends_with(".0307") || said.code.ends_with("SWR.4010000");
  return by_code && heard.cause == ErrorCause::unknown ? ErrorCause::token_expired : heard.cause;
}

/// Adds the cause of refused credentials in our words: the server's may quote them.
void tell_cause(net::Refusal& refusal, ErrorCause cause) {
  refusal.error.cause = cause;
  refusal.sign_again = cause == ErrorCause::clock_skew;
  // Expired temporary keys are unknown after a while. A refusal without a reason may mean an
  // expired token.
  refusal.credentials_expired = cause == ErrorCause::token_expired ||
                                cause == ErrorCause::unknown_key || cause == ErrorCause::unknown;
  const std::string_view words = describe(cause);
  if (!words.empty()) refusal.error.detail += ": " + std::string(words);
}

}  // namespace

std::optional<net::Refusal> classify_response(const net::HttpResponse& response) {
  const int status = response.status;
  if (status >= 200 && status < 300) return std::nullopt;
  const std::string where = "HTTP " + std::to_string(status);
  net::Refusal refusal;
  if (status < 400) {
    refusal.error = {ErrorKind::malformed, where + ": redirect: not followed", {}, {}};
    return refusal;
  }
  const Said said = read_error(response.body);
  const std::string text = lower(std::string_view(said.message).substr(0, kMessageReadMax));
  const Heard heard = hear(said.code, text);
  Error& error = refusal.error;
  error.kind = kind_of(said, heard, text, status);
  error.code = clean(said.code, kCodeBytesMax);
  error.detail = where;
  if (!error.code.empty()) error.detail += " " + error.code;
  if (error.kind == ErrorKind::throttled) refusal.quota = net::quota_named_in(said.message);
  if (error.kind == ErrorKind::unauthorized) {
    tell_cause(refusal, cause_of(said, heard));
  } else if (const std::string message = shown(said, text); !message.empty()) {
    error.detail += ": " + message;
  }
  if (!said.is_json) error.detail += ": no JSON";
  return refusal;
}

}  // namespace registry_exporter::swr
