#include "exporter/acr/error_codes.h"

#include <string>

namespace registry_exporter::acr {
namespace {

enum class Match { prefix, anywhere };

struct Rule {
  std::string_view pattern;  ///< Folded as by fold().
  Match match;
  CodeMeaning meaning;
};

constexpr CodeMeaning kThrottled{ErrorKind::throttled, false};
constexpr CodeMeaning kUsedNonce{ErrorKind::bad_request, true};
// A time that is refused says nothing of the keys, but nothing is answered either.
constexpr CodeMeaning kWrongTime{ErrorKind::unauthorized, true};
constexpr CodeMeaning kUnauthorized{ErrorKind::unauthorized, false};
constexpr CodeMeaning kExpired{ErrorKind::unauthorized, false, true};
constexpr CodeMeaning kForbidden{ErrorKind::forbidden, false};
constexpr CodeMeaning kNotFound{ErrorKind::not_found, false};
constexpr CodeMeaning kServerError{ErrorKind::server_error, false};
constexpr CodeMeaning kBadRequest{ErrorKind::bad_request, false};

/// The first that matches wins, so that InvalidAccessKeyId.NotFound is no missing repository.
constexpr Rule kRules[] = {
    {"throttl", Match::anywhere, kThrottled},  // Throttling.User, Rejected.Throttling
    {"toomanyrequest", Match::anywhere, kThrottled},
    {"requestlimitexceeded", Match::anywhere, kThrottled},
    {"signaturenonceused", Match::prefix, kUsedNonce},
    {"invalidtimestamp", Match::prefix, kWrongTime},
    {"illegaltimestamp", Match::prefix, kWrongTime},
    {"invalidsecuritytoken", Match::prefix, kExpired},
    {"securitytokenexpired", Match::anywhere, kExpired},
    {"missingsecuritytoken", Match::prefix, kUnauthorized},
    {"invalidaccesskey", Match::prefix, kExpired},  // Temporary ones are forgotten in the end.
    {"missingaccesskey", Match::prefix, kUnauthorized},
    {"signaturedoesnotmatch", Match::prefix, kUnauthorized},
    {"incompletesignature", Match::prefix, kUnauthorized},
    {"invalidsignature", Match::prefix, kUnauthorized},
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
    {"notexist", Match::anywhere, kNotFound},            // REPO_NOT_EXIST
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
    if (c >= 'A' && c <= 'Z') folded += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) folded += c;
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

bool is_success_code(std::string_view code) {
  const std::string folded = fold(code);
  return folded == "success" || folded == "ok" || folded == "200";
}

}  // namespace registry_exporter::acr
