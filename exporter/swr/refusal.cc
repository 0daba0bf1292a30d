#include "exporter/swr/refusal.h"

#include <algorithm>
#include <array>
#include <string>

#include "exporter/net/json.h"

namespace registry_exporter::swr {
namespace {

constexpr std::size_t kMessageBytesMax = 200;
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

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_about_time(const Said& said) {
  return contains(said.message, "x-sdk-date") || contains(said.message, "X-Sdk-Date") ||
         contains(said.message, "expired, x-sdk") ||
         contains(said.message, "verify aksk signature fail, x-sdk-date");
}

bool is_about_expiry(const Said& said) {
  return said.code.ends_with(".0307") || contains(said.message, "must be updated") ||
         contains(said.message, "token expires") || contains(said.message, "token expired") ||
         contains(said.message, "decrypt token fail");
}

}  // namespace

std::optional<Refusal> judge(const HttpResponse& response) {
  const int status = response.status;
  if (status >= 200 && status < 300) return std::nullopt;
  const std::string where = "HTTP " + std::to_string(status);
  Refusal refusal;
  if (status < 200 || status < 400) {
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
    refusal.sign_again = is_about_time(said);
    refusal.credentials_expired = is_about_expiry(said);
  } else if (!said.message.empty()) {
    error.detail += ": " + clean(said.message, kMessageBytesMax);
  }
  if (!said.is_json) error.detail += ": no JSON";
  return refusal;
}

}  // namespace registry_exporter::swr
