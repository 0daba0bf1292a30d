#include "exporter/ingest/registry_log.h"

#include <cmath>

#include "exporter/base/log.h"
#include "exporter/ingest/ledger_rules.h"

namespace registry_exporter::ingest {
namespace {

std::string reason(const Error& error) { return std::string(name(error.kind)); }

/// A feed is of all repositories: it is called by what it lists.
std::string repository(const TrackedList& list) {
  return list.is_feed() ? std::string(list.kind().name) : full_name(list.state.ref);
}

}  // namespace

void RegistryLog::discovery_failed(const Error& error) const {
  log::warn("discovery failed",
            {{"registry", registry_}, {"reason", reason(error)}, {"error", error.detail}});
}

void RegistryLog::discovered(const DiscoveryEffects& effects, bool complete) const {
  log::info("repositories discovered", {{"registry", registry_},
                                        {"new", std::to_string(effects.found)},
                                        {"gone", std::to_string(effects.dropped)},
                                        {"complete", complete ? "true" : "false"}});
}

void RegistryLog::over_limit(std::size_t repositories) const {
  log::warn("more repositories than metrics.max_repositories: the rest is not read",
            {{"registry", registry_}, {"over", std::to_string(repositories)}});
}

void RegistryLog::not_listed() const {
  log::error("not every repository could be listed", {{"registry", registry_}});
}

void RegistryLog::rate_too_low(std::size_t repositories, std::size_t overdue, double enough) const {
  log::warn("requests_per_second is too low to read every repository within max_staleness",
            {{"registry", registry_},
             {"repositories", std::to_string(repositories)},
             {"overdue", std::to_string(overdue)},
             {"enough", std::to_string(static_cast<std::int64_t>(std::ceil(enough)))}});
}

void RegistryLog::buckets_changed() const {
  log::info("metrics.build_duration_buckets changed: duration histograms start again at 0",
            {{"registry", registry_}});
}

void RegistryLog::list_failed(const TrackedList& list, const Error& error) const {
  log::warn("repository not read", {{"registry", registry_},
                                    {"repository", repository(list)},
                                    {"reason", reason(error)},
                                    {"error", error.detail}});
}

void RegistryLog::list_recovered(const TrackedList& list) const {
  log::info("repository read again", {{"registry", registry_}, {"repository", repository(list)}});
}

void RegistryLog::list_unread(const TrackedList& list) const {
  log::error("repository not read",
             {{"registry", registry_},
              {"repository", repository(list)},
              {"reason", list.state.ledger.halted ? "its books are out of balance" : "given up"}});
}

void RegistryLog::rows_unreadable(const TrackedList& list, const Error& error) const {
  log::warn("part of a list can't be read; rows before it are counted as usual",
            {{"registry", registry_},
             {"repository", repository(list)},
             {"first_unreadable_row", std::to_string(list.state.ledger.unread_from.value_or(0))},
             {"reason", reason(error)},
             {"error", error.detail}});
}

void RegistryLog::rules_not_read(const TrackedList& list, const Error& error) const {
  log::debug("retention rules not read",
             {{"registry", registry_}, {"repository", repository(list)}, {"error", error.detail}});
}

void RegistryLog::history_gap(const TrackedList& list) const {
  log::warn("history gap: records may have come and gone between two readings",
            {{"registry", registry_}, {"repository", repository(list)}});
}

void RegistryLog::unknown_status(const TrackedList& list, const std::string& status) const {
  log::warn(list.state.kind == &kBuilds
                ? "unknown build status; map it with metrics.build_statuses"
                : "unknown status; treated as running: a synchronisation until it is known, an "
                  "execution until it has an end time",
            {{"registry", registry_}, {"repository", repository(list)}, {"status", status}});
}

void RegistryLog::out_of_balance(const TrackedList& list) const {
  log::error("books out of balance: this repository is no longer read",
             {{"registry", registry_},
              {"repository", repository(list)},
              {"imbalance", std::to_string(imbalance(list.state.ledger))}});
}

void RegistryLog::task_failed(const std::string& problem) const {
  log::error("collection failed", {{"registry", registry_}, {"error", problem}});
}

}  // namespace registry_exporter::ingest
