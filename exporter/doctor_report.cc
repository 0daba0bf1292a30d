#include "exporter/doctor_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "exporter/base/duration.h"
#include "exporter/base/time_text.h"
#include "exporter/base/url.h"
#include "exporter/doctor_operations.h"
#include "exporter/doctor_remedies.h"

namespace registry_exporter {
namespace {

constexpr double kSecondsOfHour = 3600;
constexpr double kListPageSize = 100;
/// With a larger offset, requests are signed with the server's time.
constexpr Millis kClockTolerance{60'000};

/// Text for each repository: of acr with two statuses seen, and with all of them; of swr.
constexpr double kAcrBytes = 4'100;
constexpr double kAcrBytesMost = 8'000;
constexpr double kSwrBytes = 1'100;
/// vmagent's -promscrape.maxScrapeSize, decompressed. Prometheus has no limit of its own.
constexpr double kVmagentBytes = 16.0 * 1024 * 1024;

/// "1.5", "0.04", "1234".
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value >= 10 ? "%.0f" : value >= 1 ? "%.1f" : "%.2g", value);
  return text;
}

/// Escapes control characters as \\xNN, also those of Unicode (U+0080 to U+009F): foreign text must
/// not control a terminal or forge a line.
std::string escaped(std::string_view text) {
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
    text_ += "  " + label + escaped(words) + "\n";
  }
  /// `policy`: to be copied, on a line of its own.
  void remedy(std::string words, const std::string& policy = "") {
    words = escaped(words);
    if (!policy.empty()) words += "\n      " + escaped(policy);
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
      const std::string outcome = exam_.outcome_of(operation.name);
      return operation.service == Service::registry && !outcome.empty() &&
             outcome != name(ErrorKind::transport) && outcome != name(ErrorKind::timeout) &&
             outcome != name(ErrorKind::canceled);
    });
  }

  void title() {
    const config::RegistryConfig& registry = exam_.registry;
    text_ = registry.name + " (" + registry.type() + ", " + registry.region + ", " +
            (registry.is_acr() || registry.is_swr_ee() ? "instance " + instance() : project()) +
            ")";
    text_ = escaped(text_) + "\n";
  }
  std::string instance() const {
    const auto* acr = std::get_if<config::AcrConfig>(&exam_.registry.cloud);
    if (acr != nullptr) return acr->instance_id;
    const auto& swr = std::get<config::SwrConfig>(exam_.registry.cloud);
    if (!swr.instance_id.empty()) return swr.instance_id;
    return swr.instance_name + (exam_.project_id.empty() ? "" : " (" + exam_.project_id + ")");
  }
  std::string project() const {
    const std::string& configured = std::get<config::SwrConfig>(exam_.registry.cloud).project_id;
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
    remedy(
        "set this machine's clock (NTP); until then, requests are signed with the server's time");
  }

  void endpoint() {
    const std::string& endpoint = exam_.registry.endpoint;
    const std::string way = exam_.proxy.empty() ? "" : ", through the proxy " + exam_.proxy;
    if (answered()) {
      const bool secure = parse_origin(endpoint).is_secure();
      return line("endpoint", "ok: " + endpoint + way +
                                  (secure ? "; TLS: the certificate is good"
                                          : "; TLS: none, the endpoint is http://"));
    }
    bool tried = false;
    for (const Error& error : exam_.failures) {
      if (!traits(error.kind).unreachable) continue;
      const Place place = place_of(exam_, error);
      tried |= place == registry_place(exam_);
      line(place.topic, "PROBLEM: " + place.url + way + ": " + error.detail);
    }
    if (!tried) line("endpoint", endpoint + way + ": not tried");
  }

  void permissions() {
    for (const Operation& operation : operations_of(exam_)) {
      const std::string outcome = exam_.outcome_of(operation.name);
      const bool optional = operation.need == Operation::Need::optional;
      if (outcome.empty() && (optional || operation.need == Operation::Need::sometimes)) continue;
      const std::string action =
          *operation.action == '\0' ? "" : std::string(" (") + operation.action + ")";
      std::string words = "ok";
      if (optional && outcome != "ok") {
        words = "optional, " + outcome + ": without it new records show later";
      } else if (outcome == name(ErrorKind::forbidden)) {
        words = "MISSING";
      } else if (outcome.empty()) {
        words = operation.need == Operation::Need::fallback ? "not needed" : "not tried";
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
    if (exam_.outcome_of("ListNamespace") == name(ErrorKind::forbidden)) namespace_rights();
  }

  /// Without the right to list the instance, namespaces are listed; that needs a right, too.
  void namespace_rights() {
    const std::string& id = std::get<config::AcrConfig>(exam_.registry.cloud).instance_id;
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
          !exam_.registry.collects(config::Collected::retentions) && exam_.registry.is_swr_ee() ? ""
          : exam_.registry.is_acr() || exam_.registry.is_swr_ee()
              ? "the instance lists no repository: check instance_id, or push one"
              : "no repository is visible: check region and project_id, and give read permission "
                "on the organisations");
    } else if (exam_.matched == 0) {
      remedy(
          "no repository matches: check repositories.include and exclude (anchored, on "
          "\"namespace/name\"), and the shards");
    }
  }

  void cost() {
    const bool reads_nothing = exam_.matched == 0 && !exam_.registry.is_swr_ee();
    if (reads_nothing || (!exam_.pages_each && !exam_.pages_of_feeds)) return;
    const auto seconds = [](Millis time) { return static_cast<double>(time.count()) / 1000; };
    const config::CollectionConfig& collection = exam_.collection;
    const auto matched = static_cast<double>(exam_.matched);
    const double rate = exam_.registry.requests_per_second;
    const bool fixed = exam_.registry.static_repositories.has_value();
    const double listing = fixed ? 0 : std::ceil(static_cast<double>(exam_.found) / kListPageSize);
    const auto* swr = std::get_if<config::SwrConfig>(&exam_.registry.cloud);
    const double rules = swr != nullptr && swr->collect_rules ? matched : 0;
    const auto reads =
        matched * static_cast<double>(exam_.lists_each) + static_cast<double>(exam_.feeds);
    const double all_pages =
        matched * static_cast<double>(exam_.lists_each) * exam_.pages_each.value_or(0) +
        exam_.pages_of_feeds.value_or(0);
    const double cold = listing + rules + all_pages;
    const double hour =
        reads * kSecondsOfHour / seconds(collection.max_staleness) +
        (listing + rules) * kSecondsOfHour / seconds(collection.discovery_interval) +
        all_pages * kSecondsOfHour / seconds(collection.sweep_interval);
    line("requests", "about " + number(cold) + " for a cold start, about " + number(hour) +
                         " in an hour of steady state");
    const double pass = reads / rate;
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

std::string note_on_size(std::size_t acr_repositories, std::size_t swr_repositories) {
  const double of_swr = static_cast<double>(swr_repositories) * kSwrBytes;
  const double least = static_cast<double>(acr_repositories) * kAcrBytes + of_swr;
  const double most = static_cast<double>(acr_repositories) * kAcrBytesMost + of_swr;
  if (most <= kVmagentBytes) return "";
  const std::string size = acr_repositories == 0
                               ? number(most / 1e6)
                               : number(least / 1e6) + " to " + number(most / 1e6);
  return "Scrapes: an answer with all registries has about " + size +
         " MB of text. vmagent drops what is above 16 MiB: raise max_scrape_size of its job, or "
         "ask "
         "for less (?registry=NAME, ?collect[]=FAMILY). Prometheus takes it.";
}

}  // namespace registry_exporter
