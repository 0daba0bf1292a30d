#include "exporter/doctor_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "exporter/base/duration.h"
#include "exporter/base/proxy_url.h"
#include "exporter/base/time_text.h"
#include "exporter/cloud/commands.h"

namespace registry_exporter {
namespace {

constexpr double kSecondsOfHour = 3600;
constexpr double kListPageSize = 100;
/// The signing clock follows the server's from here on.
constexpr Millis kClockTolerance{60'000};

/// An operation, and what a policy has to allow for it; "" where no policy has a say.
struct Operation {
  const char* name;
  const char* action;
  enum class Need { always, fallback, sometimes } need = Need::always;
  bool of_registry = true;  ///< Else of STS or IAM.
};
using Need = Operation::Need;

constexpr Operation kAcrOperations[] = {
    {"ListRepository", "cr:ListRepository"},
    {"ListNamespace", "cr:ListNamespace", Need::fallback},
    {"ListRepoBuildRecord", "cr:ListRepositoryBuild"},
    {"GetRepoBuildRecord", "cr:GetRepositoryBuildRecord"},
    {"GetRepository", "cr:GetRepository", Need::sometimes},
    {"AssumeRole", "sts:AssumeRole", Need::sometimes, false},
    {"AssumeRoleWithOIDC", "", Need::sometimes, false},
};
constexpr Operation kSwrOperations[] = {
    {"ListReposDetails", "swr:repo:listRepos"},
    {"ListNamespaces", "swr:namespace:listNamespaces", Need::fallback},
    {"ListRetentionHistories", "swr:repo:listRetentionHistories"},
    {"ListRetentions", "swr:repo:listRetentions", Need::sometimes},
    {"CreateToken", "", Need::sometimes, false},
    {"CreateTokenWithIdToken", "", Need::sometimes, false},
    {"CreateTemporaryAccessKeyByToken", "", Need::sometimes, false},
    {"CreateTemporaryAccessKeyByAgency", "iam:agencies:assume", Need::sometimes, false},
    {"AssumeAgency", "sts:agencies:assume", Need::sometimes, false},
    {"AssumeAgencyWithOIDC", "", Need::sometimes, false},
    {"KeystoneListProjects", "iam:projects:listProjects", Need::sometimes, false},
};

std::vector<Operation> operations_of(const Exam& exam) {
  if (exam.registry.is_acr()) return {std::begin(kAcrOperations), std::end(kAcrOperations)};
  return {std::begin(kSwrOperations), std::end(kSwrOperations)};
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string outcome_of(const Exam& exam, const char* operation) {
  if (exam.made_up_record && operation == std::string_view("GetRepoBuildRecord")) return "ok";
  const auto found = exam.outcomes.find(operation);
  return found == exam.outcomes.end() ? "" : found->second;
}

/// "1.5", "0.04", "1234".
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value >= 10 ? "%.0f" : value >= 1 ? "%.1f" : "%.2g", value);
  return text;
}

/// What others wrote must not paint a terminal or forge a line: control characters as \\xNN, those
/// of Unicode too (U+0080 to U+009F).
std::string in_plain_sight(std::string_view text) {
  std::string shown;
  const auto escape = [&](unsigned char c) {
    char code[5];
    std::snprintf(code, sizeof code, "\\x%02x", c);
    shown += code;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
      escape(c);
      escape(static_cast<unsigned char>(next));
      ++i;
    } else if (c < 0x20 || c == 0x7f) {
      escape(c);
    } else {
      shown += text[i];
    }
  }
  return shown;
}

std::string count(std::size_t n, const char* what) { return std::to_string(n) + " " + what; }

// ── What each failure means ──────────────────────────────────────────────────────────────────────

/// In the words of OpenSSL and libcurl.
std::string of_certificate(const std::string& detail) {
  if (contains(detail, "has expired")) {
    return " has expired: it has to be renewed there, unless this machine's clock is wrong";
  }
  if (contains(detail, "not yet valid")) {
    return " is not valid yet: set this machine's clock, unless it was made too early";
  }
  if (contains(detail, "subject name") || contains(detail, "hostname mismatch")) {
    return " is for another name: check endpoint, or give that name by tls.server_name";
  }
  if (contains(detail, "certificate required") || contains(detail, "handshake failure")) {
    return " is fine, but it asks for ours: tls.cert_file and tls.key_file";
  }
  return " is not accepted: name its authority by tls.ca_file, or its name by tls.server_name";
}

/// Who was called, and the key that says where it is.
struct Place {
  std::string url;
  const char* key;
  bool operator==(const Place&) const = default;
};

Place cloud_of(const Exam& exam) { return {exam.registry.endpoint, "endpoint"}; }

/// By the operation that the failure names.
Place place_of(const Exam& exam, const Error& error) {
  if (contains(error.detail, "AssumeRole") || contains(error.detail, "AssumeAgency")) {
    const std::string& url = exam.registry.sts_endpoint;
    return {url.empty() ? "STS" : url, "sts_endpoint"};
  }
  const auto* swr = std::get_if<SwrConfig>(&exam.registry.cloud);
  const bool asked_iam = contains(error.detail, "CreateToken") ||
                         contains(error.detail, "CreateTemporaryAccessKey") ||
                         contains(error.detail, "KeystoneListProjects");
  if (swr != nullptr && asked_iam) return {swr->iam_endpoint, "iam_endpoint"};
  return cloud_of(exam);
}

/// "host:port (where it is set)" of a failure at a proxy.
std::string failing_proxy(const std::string& detail) {
  constexpr std::string_view kWord = "proxy: ";
  const std::size_t begin = detail.find(kWord) + kWord.size();
  return detail.substr(begin, detail.find(')', begin) - begin + 1);
}

std::string of_transport(const Exam& exam, const Error& error) {
  const std::string& detail = error.detail;
  const Place place = place_of(exam, error);
  const std::string& endpoint = place.url;
  if (error.cause == ErrorCause::proxy && contains(detail, kProxyForm)) {
    return "the proxy is " + failing_proxy(detail) + ": " + kProxyForm;
  }
  if (error.cause == ErrorCause::proxy) {
    return "the proxy " + failing_proxy(detail) +
           " can't be reached or refuses: check that setting, or what the proxy allows; NO_PROXY "
           "takes hosts out of the environment's proxies";
  }
  if (contains(detail, "dns: ")) {
    return "the name of " + endpoint + " doesn't resolve: check " + place.key +
           " and region, and the DNS of this machine";
  }
  if (contains(detail, "tls: ")) return "the certificate of " + endpoint + of_certificate(detail);
  if (contains(detail, "truncated: ")) {
    return "answers of " + endpoint +
           " break off in the middle: look at what is between (proxy, firewall), or lower "
           "page_size";
  }
  if (contains(detail, "instance metadata")) {
    return "instance metadata can't be reached: is this an instance (or pod) of the cloud? Else "
           "configure another form of credentials";
  }
  const std::string way = exam.proxy.empty() ? "" : " through the proxy " + exam.proxy;
  if (error.kind == ErrorKind::timeout) {
    return endpoint + " doesn't answer within request_timeout" + way + ": check " + place.key +
           ", routes and firewalls, or whether a proxy is needed (proxy_url)";
  }
  return endpoint + " can't be reached" + way + ": check " + place.key + ", routes and firewalls";
}

std::string of_lock(const Exam& exam) {
  const auto* swr = std::get_if<SwrConfig>(&exam.registry.cloud);
  if (swr != nullptr && swr->credentials.iam_user) {
    return "the user is locked for a quarter of an hour after too many wrong passwords: correct "
           "the password wherever it is used, then wait";
  }
  return "the access key is locked for five minutes after too many bad signatures: correct "
         "secret_key wherever it is used, then wait";
}

std::string of_cause(const Exam& exam, ErrorCause cause) {
  const bool is_acr = exam.registry.is_acr();
  switch (cause) {
    case ErrorCause::clock:
      return "requests are refused for their time: set this machine's clock";
    case ErrorCause::wrong_secret:
      return is_acr ? "the secret does not belong to the access key: check access_key_secret"
                    : "the secret key does not belong to the access key: check secret_key";
    case ErrorCause::unknown_key:
      return is_acr ? "the access key is not known or disabled: check access_key_id"
                    : "the access key is not known (or its security token is wrong): check "
                      "access_key";
    case ErrorCause::locked:
      return of_lock(exam);
    case ErrorCause::token_expired:
      return is_acr ? "the security token has expired or belongs to other keys: renew "
                      "access_key_id, access_key_secret and security_token together"
                    : "the token or security token has expired: renew it";
    case ErrorCause::wrong_password:
      return "IAM refuses the user: check iam_user (domain_name is the account's name, Huawei IDs "
             "can't sign in), password and project_name";
    case ErrorCause::unknown_project:
      return "the project is not known in this region: check project_id and region";
    case ErrorCause::proxy:
    case ErrorCause::unknown:
      break;
  }
  return "";
}

std::string of_acr_refusal(const Exam& exam, const Error& error) {
  if (contains(error.detail, "AssumeRoleWithOIDC")) {
    return "STS refuses the OIDC token: check oidc.role_arn, oidc.provider_arn, the trust policy "
           "of the role, and that the token's audience is sts.aliyuncs.com";
  }
  if (std::string words = of_cause(exam, error.cause); !words.empty()) return words;
  if (contains(error.detail, "AssumeRole")) {
    return "the role can't be assumed: check assume_role.role_arn, its trust policy, external_id, "
           "and that the keys have sts:AssumeRole on it";
  }
  return "the credentials are refused: check them";
}

std::string of_swr_refusal(const Exam& exam, const Error& error) {
  if (contains(error.detail, "CreateTokenWithIdToken")) {
    return "IAM refuses the id token: check oidc.idp_id, that this identity provider knows the "
           "token's issuer, keys and audience, and its conversion rules";
  }
  if (contains(error.detail, "AssumeAgencyWithOIDC")) {
    return "STS refuses the id token: check oidc.agency_urn and oidc.provider_urn, and the trust "
           "policy of the agency (issuer, audience and subject of the token)";
  }
  if (contains(error.detail, "pod identity")) {
    return "pod identity gives no keys: bind an agency to the pod's service account (CCE console)";
  }
  if (std::string words = of_cause(exam, error.cause); !words.empty()) return words;
  if (contains(error.detail, "AssumeAgency")) {
    return "the agency can't be assumed: check assume_agency.agency_urn, its trust policy, "
           "external_id, and that the keys have sts:agencies:assume on it";
  }
  if (contains(error.detail, "ByAgency")) {
    return "the agency can't be assumed: check assume_agency, and that the account is delegated to";
  }
  return "the credentials are refused: check them, project_id and region";
}

std::string of_not_found(const Exam& exam, const Error& error) {
  if (!exam.registry.is_acr()) {
    return "not found: check project_id, region and static_repositories (" + error.detail + ")";
  }
  if (contains(error.code, "INSTANCE")) {
    return "there is no instance " + std::get<AcrConfig>(exam.registry.cloud).instance_id + " at " +
           exam.registry.endpoint + ": check instance_id and region";
  }
  return "not found: check static_repositories (" + error.detail + ")";
}

/// What can't be read, or isn't there, on this machine.
std::string of_credentials(const std::string& detail) {
  constexpr std::string_view kBegin = "credentials: ";
  const std::size_t begin = detail.find(kBegin);
  if (begin == std::string::npos) return detail;
  const std::string what = detail.substr(begin + kBegin.size());
  if (contains(what, kNotStarted) && contains(what, "Permission denied")) {
    return "let the user that this runs as start the program (chmod +x, and x on every folder on "
           "the way): " +
           what;
  }
  if (contains(what, kNotStarted)) {
    return "install this program, or correct process_command: " + what;
  }
  if (contains(what, "Permission denied")) {
    return "let the user that this runs as read the file (chgrp, chmod g+r): " + what;
  }
  if (contains(what, "No such file")) return "write this file, or correct its name: " + what;
  return "set up one form of credentials: " + what;
}

/// What to change because of one failure; "" when something else tells it already.
std::string remedy_for(const Exam& exam, const Error& error) {
  switch (error.kind) {
    case ErrorKind::transport:
    case ErrorKind::timeout:
      return of_transport(exam, error);
    case ErrorKind::unauthorized:
      if (contains(error.detail, "instance metadata")) {
        return "instance metadata gives no keys: attach a role (acr: RAM role, swr: agency) to the "
               "instance";
      }
      return exam.registry.is_acr() ? of_acr_refusal(exam, error) : of_swr_refusal(exam, error);
    case ErrorKind::forbidden:
      if (contains(error.detail, "KeystoneListProjects")) {
        return "or write project_id: then IAM is not asked for projects";
      }
      return "";  // The policy tells.
    case ErrorKind::not_found:
      return of_not_found(exam, error);
    case ErrorKind::throttled:
      return "the cloud throttles: lower requests_per_second, ask for a higher quota, or see who "
             "else calls with this account";
    case ErrorKind::invalid_config:
      return of_credentials(error.detail);
    case ErrorKind::malformed:
      if (contains(error.detail, "wrong_repo")) {
        return "the cloud gives pages of other repositories: try again later, then ask its support";
      }
      return "what answers at " + exam.registry.endpoint +
             " is not the registry's API (a proxy's page?): check endpoint";
    case ErrorKind::server_error:
      return "the cloud fails by itself: try again later";
    default:
      return error.detail;
  }
}

// ── Policies ─────────────────────────────────────────────────────────────────────────────────────

std::string quoted(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "\"" : ",\"") + word + "\"";
  return text;
}

std::vector<std::string> missing_actions(const Exam& exam) {
  std::vector<std::string> actions;
  for (const Operation& operation : operations_of(exam)) {
    const bool denied = outcome_of(exam, operation.name) == "forbidden";
    if (denied && *operation.action != '\0') actions.emplace_back(operation.action);
  }
  return actions;
}

std::string policy_for(const Exam& exam, const std::vector<std::string>& actions) {
  if (!exam.registry.is_acr()) {
    return R"({"Version":"5.0","Statement":[{"Effect":"Allow","Action":[)" + quoted(actions) +
           "]}]}";
  }
  const std::string resource =
      "acs:cr:*:*:repository/" + std::get<AcrConfig>(exam.registry.cloud).instance_id;
  return R"({"Version":"1","Statement":[{"Effect":"Allow","Action":[)" + quoted(actions) +
         R"(],"Resource":[)" + quoted({resource, resource + "/*"}) + "]}]}";
}

// ── The report ───────────────────────────────────────────────────────────────────────────────────

class Report {
 public:
  explicit Report(const Exam& exam) : exam_(exam) {}

  Diagnosis make() {
    title();
    credentials();
    clock();
    endpoint();
    for (const std::string& note : exam_.notes) line("note", note);
    permissions();
    repositories();
    cost();
    changes();
    return {std::move(text_), remedies_.empty()};
  }

 private:
  void line(const char* topic, const std::string& words) {
    std::string label = topic;
    label.resize(14, ' ');
    text_ += "  " + label + in_plain_sight(words) + "\n";
  }
  /// `policy`: to be copied, on a line of its own.
  void remedy(std::string words, const std::string& policy = "") {
    words = in_plain_sight(words);
    if (!policy.empty()) words += "\n      " + in_plain_sight(policy);
    const bool told = std::find(remedies_.begin(), remedies_.end(), words) != remedies_.end();
    if (!words.empty() && !told) remedies_.push_back(std::move(words));
  }
  bool failed_with(std::initializer_list<ErrorKind> kinds) const {
    return std::any_of(exam_.failures.begin(), exam_.failures.end(), [&](const Error& error) {
      return std::find(kinds.begin(), kinds.end(), error.kind) != kinds.end();
    });
  }
  bool answered() const {
    const std::vector<Operation> operations = operations_of(exam_);
    return std::any_of(operations.begin(), operations.end(), [&](const Operation& operation) {
      const std::string outcome = outcome_of(exam_, operation.name);
      return operation.of_registry && !outcome.empty() && outcome != "transport" &&
             outcome != "timeout" && outcome != "canceled";
    });
  }

  void title() {
    const RegistryConfig& registry = exam_.registry;
    text_ = registry.name + " (" + (registry.is_acr() ? "acr, " : "swr, ") + registry.region +
            ", " +
            (registry.is_acr() ? "instance " + std::get<AcrConfig>(registry.cloud).instance_id
                               : project()) +
            ")";
    text_ = in_plain_sight(text_) + "\n";
  }
  std::string project() const {
    const std::string& configured = std::get<SwrConfig>(exam_.registry.cloud).project_id;
    if (!configured.empty()) return "project " + configured;
    if (exam_.project_id.empty()) return "the region's project";
    return "project " + exam_.project_id + ", as found";
  }

  void credentials() {
    const CloudHealth& health = exam_.health;
    if (health.credentials_source.empty()) {
      line("credentials", "PROBLEM: there are none");
    } else {
      const bool refused = failed_with({ErrorKind::unauthorized});
      line("credentials",
           (refused      ? "PROBLEM, refused: from "
            : answered() ? "ok: from "
                         : "from ") +
               health.credentials_source +
               (health.credentials_expire_at
                    ? "; renewed before " + format_rfc3339(*health.credentials_expire_at)
                    : ""));
    }
  }

  void clock() {
    if (!exam_.health.clock_offset) return line("clock", "not known: nothing has answered");
    const Millis offset = *exam_.health.clock_offset;
    const std::string seconds = number(std::abs(static_cast<double>(offset.count())) / 1000);
    const std::string words = "this machine is " + seconds + " s " +
                              (offset.count() > 0 ? "behind" : "ahead of") + " the server";
    if (std::chrono::abs(offset) <= kClockTolerance) return line("clock", "ok: " + words);
    line("clock", "PROBLEM: " + words);
    remedy("set this machine's clock (NTP): requests are signed by the server's until then");
  }

  void endpoint() {
    const std::string& endpoint = exam_.registry.endpoint;
    const std::string way = exam_.proxy.empty() ? "" : ", through the proxy " + exam_.proxy;
    if (answered()) {
      const bool secure = endpoint.starts_with("https://");
      return line("endpoint", "ok: " + endpoint + way +
                                  (secure ? "; TLS: the certificate is good"
                                          : "; TLS: none, the endpoint is http://"));
    }
    bool tried = false;
    for (const Error& error : exam_.failures) {
      if (error.kind != ErrorKind::transport && error.kind != ErrorKind::timeout) continue;
      const Place place = place_of(exam_, error);
      tried |= place == cloud_of(exam_);
      line(place.key, "PROBLEM: " + place.url + way + ": " + error.detail);
    }
    if (!tried) line("endpoint", endpoint + way + ": not tried");
  }

  void permissions() {
    for (const Operation& operation : operations_of(exam_)) {
      const std::string outcome = outcome_of(exam_, operation.name);
      if (outcome.empty() && operation.need == Need::sometimes) continue;
      const std::string action =
          *operation.action == '\0' ? "" : std::string(" (") + operation.action + ")";
      std::string words = "ok";
      if (outcome == "forbidden") {
        words = "MISSING";
      } else if (outcome.empty()) {
        words = operation.need == Need::fallback ? "not needed" : "not tried";
      } else if (outcome != "ok") {
        words = "PROBLEM, " + outcome;
      }
      line("permission", words + ": " + operation.name + action);
    }
    const std::vector<std::string> missing = missing_actions(exam_);
    if (missing.empty()) return;
    std::string list;
    for (const std::string& action : missing) list += (list.empty() ? "" : ", ") + action;
    remedy((exam_.registry.is_acr()
                ? "allow " + list + " by a RAM policy:"
                : "allow " + list +
                      " by an identity policy (or give the system policy SWR ReadOnlyAccess in the "
                      "region's project, and read permission on the organisations):"),
           policy_for(exam_, missing));
    if (outcome_of(exam_, "ListNamespace") == "forbidden") namespace_rights();
  }

  /// Namespaces are listed where the whole instance may not be; that too is a right on all of it.
  void namespace_rights() {
    const std::string& id = std::get<AcrConfig>(exam_.registry.cloud).instance_id;
    remedy(
        "where only single namespaces may be read: name their repositories by static_repositories, "
        "or allow, beside cr:ListRepository on the namespaces, cr:ListNamespace on "
        "acs:cr:*:*:repository/" +
        id + "/* (there is no narrower right to it)");
  }

  void repositories() {
    line("repositories", count(exam_.found, "found, ") + count(exam_.matched, "to be read"));
    if (!exam_.denied_namespaces.empty()) {
      std::string names;
      for (const std::string& name : exam_.denied_namespaces) names += " " + name;
      line("", "may not be listed:" + names);
    }
    if (!exam_.failures.empty() && exam_.found == 0) return;
    if (exam_.found == 0) {
      remedy(
          exam_.registry.is_acr()
              ? "the instance lists no repository: check instance_id, or push one"
              : "no repository is in sight: check region and project_id, and give read permission "
                "on the organisations");
    } else if (exam_.matched == 0) {
      remedy(
          "no repository matches: check repositories.include and exclude (anchored, on "
          "\"namespace/name\"), and the shards");
    }
  }

  void cost() {
    if (exam_.matched == 0 || !exam_.pages_each) return;
    const auto seconds = [](Millis time) { return static_cast<double>(time.count()) / 1000; };
    const CollectionConfig& collection = exam_.collection;
    const auto matched = static_cast<double>(exam_.matched);
    const double rate = exam_.registry.requests_per_second;
    const bool fixed = exam_.registry.static_repositories.has_value();
    const double listing = fixed ? 0 : std::ceil(static_cast<double>(exam_.found) / kListPageSize);
    const auto* swr = std::get_if<SwrConfig>(&exam_.registry.cloud);
    const double rules = swr != nullptr && swr->collect_rules ? matched : 0;
    const double all_pages = matched * *exam_.pages_each;
    const double cold = listing + rules + all_pages;
    const double hour =
        matched * kSecondsOfHour / seconds(collection.max_staleness) +
        (listing + rules) * kSecondsOfHour / seconds(collection.discovery_interval) +
        all_pages * kSecondsOfHour / seconds(collection.sweep_interval);
    line("requests", "about " + number(cold) + " for a cold start, about " + number(hour) +
                         " in an hour of steady state");
    const double pass = matched / rate;
    line("full pass", number(pass) + " s at " + number(rate) + " requests per second");
    const double needed = hour / kSecondsOfHour;
    if (needed <= rate) return;
    remedy("requests_per_second is too low for max_staleness (" +
           format_duration(collection.max_staleness) + "): raise it to " +
           number(std::ceil(needed * 10) / 10) +
           " if the cloud's quota allows, raise max_staleness, "
           "or split the repositories (--total-shards)");
  }

  void changes() {
    for (const Error& error : exam_.failures) remedy(remedy_for(exam_, error));
    if (remedies_.empty() && exam_.failures.empty()) return line("to change", "nothing");
    for (const Error& error : exam_.failures) line("failure", error.detail);
    for (const std::string& words : remedies_) text_ += "  to change     " + words + "\n";
  }

  const Exam& exam_;
  std::string text_;
  std::vector<std::string> remedies_;
};

}  // namespace

Diagnosis diagnose(const Exam& exam) {
  Diagnosis diagnosis = Report(exam).make();
  diagnosis.is_well = diagnosis.is_well && exam.failures.empty();
  return diagnosis;
}

}  // namespace registry_exporter
