#include "exporter/acr/refusal.h"

#include <algorithm>

#include "exporter/acr/error_codes.h"
#include "exporter/base/text.h"
#include "exporter/net/json.h"

namespace registry_exporter::acr {
namespace {

constexpr std::size_t kMessageBytesMax = 200;
constexpr std::size_t kCodeBytesMax = 64;

/// What a body says about success or failure.
struct Verdict {
  enum class Form { empty, json, xml, html, broken } form = Form::empty;
  std::optional<bool> is_success;
  std::string code;
  std::string message;
};

/// Letters, digits and ". _ -": what codes are made of.
std::string clean_code(std::string_view code) {
  std::string clean;
  for (const char c : code.substr(0, kCodeBytesMax)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (plain) clean += c;
  }
  return clean;
}

/// One line of at most kMessageBytesMax bytes, whole UTF-8 characters.
std::string clean_message(std::string_view message) {
  if (!is_utf8(message)) return {};
  std::string clean(cut_utf8(message, kMessageBytesMax));
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return clean;
}

std::string_view between(std::string_view text, std::string_view open, std::string_view close) {
  const auto begin = text.find(open);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = text.substr(begin + open.size());
  const auto end = rest.find(close);
  return end == std::string_view::npos ? std::string_view{} : rest.substr(0, end);
}

Verdict read_markup(std::string_view body) {
  Verdict verdict;
  verdict.code = between(body, "<Code>", "</Code>");
  if (verdict.code.empty()) verdict.code = between(body, "<code>", "</code>");
  verdict.message = between(body, "<Message>", "</Message>");
  verdict.form = verdict.code.empty() ? Verdict::Form::html : Verdict::Form::xml;
  return verdict;
}

Verdict read_verdict(std::string_view body) {
  const auto begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  if (body[begin] == '<') return read_markup(body);
  const Result<net::json::Document> document = net::json::parse(body);
  Verdict verdict;
  verdict.form = document ? Verdict::Form::json : Verdict::Form::broken;
  if (!document) {
    verdict.message = document.error().detail;
    return verdict;
  }
  const auto text = [&](const char* key) {
    const auto element = net::json::field_any_case(document->root, key);
    return element ? net::json::text_of(*element).value_or("") : "";
  };
  verdict.code = text("Code");
  verdict.message = text("Message");
  const auto is_success = net::json::field_any_case(document->root, "IsSuccess");
  if (is_success) verdict.is_success = net::json::bool_of(*is_success);
  return verdict;
}

/// For answers whose body names no code that we know.
ErrorKind kind_by_status(int status, const Verdict& verdict) {
  const bool from_elsewhere = verdict.form == Verdict::Form::html;
  if (status == 429) return ErrorKind::throttled;
  if (status >= 500) return ErrorKind::server_error;
  if (status == 401) return ErrorKind::unauthorized;
  if (status == 403) return ErrorKind::forbidden;
  // A proxy's page does not mean that the cloud knows no such repository.
  if (status == 404) return from_elsewhere ? ErrorKind::malformed : ErrorKind::not_found;
  if (status == 407) return ErrorKind::transport;
  if (status == 408) return ErrorKind::server_error;
  return ErrorKind::bad_request;
}

net::Refusal refusal(const net::HttpResponse& response, const Verdict& verdict, CodeMeaning meaning,
                     std::string why) {
  net::Refusal refusal;
  refusal.error.kind = meaning.kind;
  refusal.error.code = clean_code(verdict.code);
  refusal.error.cause = meaning.cause;
  refusal.error.detail = "HTTP " + std::to_string(response.status);
  refusal.sign_again = meaning.sign_again;
  refusal.credentials_expired = meaning.credentials_expired;
  if (!refusal.error.code.empty()) refusal.error.detail += " " + refusal.error.code;
  const bool is_told_by_code =
      meaning_of(verdict.code).value_or(CodeMeaning{}).cause == meaning.cause;
  if (why.empty() && !is_told_by_code) why = describe(meaning.cause);
  if (!why.empty()) refusal.error.detail += ": " + why;
  return refusal;
}

/// What the server says, where it can be shown.
std::string quotable(const Verdict& verdict, CodeMeaning meaning) {
  const bool from_the_cloud =
      verdict.form == Verdict::Form::json || verdict.form == Verdict::Form::xml;
  // Refused signatures come with the string to sign, refused tokens with the token.
  const bool may_echo_secrets = meaning.kind == ErrorKind::unauthorized ||
                                verdict.message.find("string to sign") != std::string::npos;
  return from_the_cloud && !may_echo_secrets ? clean_message(verdict.message) : std::string();
}

std::optional<CodeMeaning> meaning_told_by(const Verdict& verdict) {
  const auto by_code = meaning_of(verdict.code);
  const bool is_good = verdict.is_success.value_or(is_success_code(verdict.code));
  const bool says_much = by_code && by_code->kind != ErrorKind::server_error &&
                         (by_code->kind != ErrorKind::bad_request || by_code->sign_again);
  const auto by_message = is_good || says_much ? std::nullopt : meaning_within(verdict.message);
  return by_message ? by_message : by_code;
}

std::optional<net::Refusal> classify_success_status(const net::HttpResponse& response,
                                                    const Verdict& verdict) {
  const auto malformed = [&](std::string why) {
    return refusal(response, verdict, {ErrorKind::malformed, false}, std::move(why));
  };
  switch (verdict.form) {
    case Verdict::Form::empty:
      return malformed("json: empty body");
    case Verdict::Form::html:
      return malformed("content_type: markup instead of JSON");
    case Verdict::Form::broken:
      return malformed(verdict.message);
    case Verdict::Form::xml:
    case Verdict::Form::json:
      break;
  }
  const auto meaning = meaning_told_by(verdict);
  if (meaning) return refusal(response, verdict, *meaning, quotable(verdict, *meaning));
  if (verdict.form == Verdict::Form::xml) return malformed("content_type: XML instead of JSON");
  const bool code_is_success = is_success_code(verdict.code);
  if (verdict.is_success.value_or(code_is_success)) return std::nullopt;
  if (!verdict.is_success && verdict.code.empty()) {
    return malformed("shape: neither Code nor IsSuccess");
  }
  // Refused for an unknown reason. Without any code, the next attempt may succeed.
  const CodeMeaning unknown{
      verdict.code.empty() || code_is_success ? ErrorKind::server_error : ErrorKind::bad_request,
      false};
  return refusal(response, verdict, unknown, quotable(verdict, unknown));
}

}  // namespace

std::optional<net::Refusal> classify_response(const net::HttpResponse& response) {
  const int status = response.status;
  if (status < 200 || (status >= 300 && status < 400)) {
    const char* why = status < 200 ? "http: not an answer" : "redirect: not followed";
    return refusal(response, {}, {ErrorKind::malformed, false}, why);
  }
  const Verdict verdict = read_verdict(response.body);
  if (status < 300) return classify_success_status(response, verdict);
  // A 401 that doesn't say why may come from temporary keys that have expired.
  const CodeMeaning by_status{kind_by_status(status, verdict), false, status == 401};
  const CodeMeaning meaning = meaning_told_by(verdict).value_or(by_status);
  const bool elsewhere = verdict.form == Verdict::Form::html;
  return refusal(response, verdict, meaning,
                 elsewhere ? "content_type: markup instead of JSON" : quotable(verdict, meaning));
}

}  // namespace registry_exporter::acr
