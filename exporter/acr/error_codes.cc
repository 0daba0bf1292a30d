#include "exporter/acr/error_codes.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "exporter/base/text.h"

namespace registry_exporter::acr {
namespace {

constexpr std::size_t kMessageReadMax = 4096;

enum class Match { prefix, anywhere };

struct Rule {
  std::string_view pattern;  ///< Folded as by fold().
  Match match;
  CodeMeaning meaning;
};

constexpr CodeMeaning kThrottled{ErrorKind::throttled, false};
constexpr CodeMeaning kUsedNonce{ErrorKind::bad_request, true};
// A refused time says nothing about the keys, but no request is answered either.
constexpr CodeMeaning kWrongTime{ErrorKind::unauthorized, true, false, ErrorCause::clock_skew};
constexpr CodeMeaning kUnauthorized{ErrorKind::unauthorized, false};
constexpr CodeMeaning kWrongSecret{ErrorKind::unauthorized, false, false, ErrorCause::wrong_secret};
constexpr CodeMeaning kTokenMissing{ErrorKind::unauthorized, false, false,
                                    ErrorCause::token_expired};
constexpr CodeMeaning kExpired{ErrorKind::unauthorized, false, true, ErrorCause::token_expired};
// Expired temporary keys are unknown after a while.
constexpr CodeMeaning kUnknownKey{ErrorKind::unauthorized, false, true, ErrorCause::unknown_key};
constexpr CodeMeaning kForbidden{ErrorKind::forbidden, false};
constexpr CodeMeaning kNotFound{ErrorKind::not_found, false};
constexpr CodeMeaning kNoInstance{ErrorKind::not_found, false, false, ErrorCause::unknown_instance};
constexpr CodeMeaning kServerError{ErrorKind::server_error, false};
constexpr CodeMeaning kBadRequest{ErrorKind::bad_request, false};

/// The first match wins, so that InvalidAccessKeyId.NotFound is not a missing repository.
constexpr Rule kRules[] = {
    {"throttl", Match::anywhere, kThrottled},  // Throttling.User, Rejected.Throttling
    {"toomanyrequest", Match::anywhere, kThrottled},
    {"requestlimitexceeded", Match::anywhere, kThrottled},
    {"signaturenonceused", Match::prefix, kUsedNonce},
    {"invalidtimestamp", Match::prefix, kWrongTime},
    {"illegaltimestamp", Match::prefix, kWrongTime},
    {"invalidsecuritytoken", Match::prefix, kExpired},
    {"securitytokenexpired", Match::anywhere, kExpired},
    {"missingsecuritytoken", Match::prefix, kTokenMissing},
    {"invalidaccesskey", Match::prefix, kUnknownKey},
    {"missingaccesskey", Match::prefix, kUnauthorized},
    {"signaturedoesnotmatch", Match::prefix, kWrongSecret},
    {"incompletesignature", Match::prefix, kWrongSecret},
    {"invalidsignature", Match::prefix, kWrongSecret},
    {"noprivilege", Match::prefix, kForbidden},
    {"nopermission", Match::prefix, kForbidden},
    {"forbidden", Match::prefix, kForbidden},  // Forbidden.RAM
    {"accessdenied", Match::prefix, kForbidden},
    {"invalidapi", Match::prefix, kBadRequest},  // InvalidApi.NotFound
    {"invalidproduct", Match::prefix, kBadRequest},
    {"invalidaction", Match::prefix, kBadRequest},
    {"invalidversion", Match::prefix, kBadRequest},
    {"unsupported", Match::prefix, kBadRequest},
    {"statusnotsupport", Match::anywhere, kBadRequest},  // INSTANCE_STATUS_NOT_SUPPORT
    {"instancenotexist", Match::anywhere, kNoInstance},
    {"instancenotfound", Match::anywhere, kNoInstance},
    {"notexist", Match::anywhere, kNotFound},  // REPO_NOT_EXIST
    {"notfound", Match::anywhere, kNotFound},
    {"serviceunavailable", Match::prefix, kServerError},
    {"systemerror", Match::prefix, kServerError},
    {"systembusy", Match::prefix, kServerError},
    {"internal", Match::prefix, kServerError},        // InternalError
    {"serviceerror", Match::anywhere, kServerError},  // SLB_SERVICE_ERROR
    {"unknownerror", Match::anywhere, kServerError},
    {"timeout", Match::anywhere, kServerError},
    {"missing", Match::prefix, kBadRequest},  // MissingInstanceId
    {"invalidparameter", Match::prefix, kBadRequest},
};

/// Lower case, letters and digits alone.
std::string fold(std::string_view code) {
  std::string folded;
  for (const char c : code) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) folded += lower(c);
  }
  return folded;
}

}  // namespace

std::optional<CodeMeaning> meaning_of(std::string_view code) {
  const std::string folded = fold(code);
  for (const Rule& rule : kRules) {
    const auto found = folded.find(rule.pattern);
    const bool matches = rule.match == Match::prefix ? found == 0 : found != std::string::npos;
    if (matches) return rule.meaning;
  }
  return std::nullopt;
}

std::optional<CodeMeaning> meaning_within(std::string_view message) {
  const auto is_of_code = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
  };
  std::string_view rest = message.substr(0, kMessageReadMax);
  while (!rest.empty()) {
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_of_code);
    const std::string_view word = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    rest.remove_prefix(std::max<std::size_t>(1, word.size()));
    // Not the end of a sentence, and not a repository, whose name is in lower case.
    const std::size_t dot = word.find('.');
    const bool is_code = dot != std::string_view::npos && dot + 1 < word.size() &&
                         word.front() >= 'A' && word.front() <= 'Z';
    const auto meaning = is_code ? meaning_of(word) : std::nullopt;
    if (meaning && meaning->kind == ErrorKind::unauthorized) return meaning;
  }
  return std::nullopt;
}

bool is_success_code(std::string_view code) {
  const std::string folded = fold(code);
  return folded == "success" || folded == "ok" || folded == "200";
}

}  // namespace registry_exporter::acr
