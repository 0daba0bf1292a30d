#include "exporter/swr/refusal.h"

#include <algorithm>
#include <array>
#include <initializer_list>
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

/// Whether `message` has one of `parts` (in lower case), whatever its own case.
bool says(std::string_view message, std::initializer_list<std::string_view> parts) {
  std::string text(message.substr(0, kMessageReadMax));
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::any_of(parts.begin(), parts.end(), [&text](std::string_view part) {
    return text.find(part) != std::string::npos;
  });
}

/// What a refusal of the credentials comes from: own words, since the server's may quote them.
struct Reason {
  std::string_view words;
  bool sign_again = false;
  bool expired = false;
};

Reason reason_of(const Said& said) {
  // A locked key first: the message of a lock may speak of signatures too.
  if (says(said.message, {"failed to reach the limit"})) {
    return {"the access key is locked for some minutes: too many bad signatures"};
  }
  if (said.code.ends_with(".0307") || said.code.ends_with("SWR.4010000") ||
      says(said.message, {"must be updated", "token expire", "decrypt token fail"})) {
    return {"the token has expired", false, true};
  }
  if (says(said.message, {"x-sdk-date", "signature expired", "signature time"})) {
    return {"the clock is off", true, false};
  }
  if (says(said.message, {"signature fail"})) return {"the secret key is wrong"};
  if (says(said.message, {"project does not exist", "project not exist"})) {
    return {"the project is not known"};
  }
  if (says(said.message, {"secretkey fail", "ak not exist"})) {
    return {"the access key is not known", false, true};  // Temporary ones are forgotten.
  }
  if (says(said.message, {"username or password", "user name or password"})) {
    return {"the user name or password is wrong"};
  }
  // It doesn't say why, or what it said was lost on the way: a token may have expired.
  return {{}, false, true};
}

/// The message, unless it quotes what authenticates us.
std::string shown(const std::string& message) {
  const bool quotes =
      says(message, {"authorization", "signature", "x-auth-token", "password", "x-security-token"});
  return quotes ? "" : clean(message, kMessageBytesMax);
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
  Error& error = refusal.error;
  error.kind = kind_by_code(said.code).value_or(kind_by_status(status, said.is_json));
  error.code = clean(said.code, kCodeBytesMax);
  error.detail = where;
  if (!error.code.empty()) error.detail += " " + error.code;
  if (error.kind == ErrorKind::unauthorized) {
    const Reason reason = reason_of(said);
    refusal.sign_again = reason.sign_again;
    refusal.credentials_expired = reason.expired;
    if (!reason.words.empty()) error.detail += ": " + std::string(reason.words);
  } else if (const std::string message = shown(said.message); !message.empty()) {
    error.detail += ": " + message;
  }
  if (!said.is_json) error.detail += ": no JSON";
  return refusal;
}

}  // namespace registry_exporter::swr
