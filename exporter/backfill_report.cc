// Shell: writes to the log.
#include "exporter/backfill_report.h"

#include <algorithm>

#include "exporter/base/log.h"
#include "exporter/base/time_text.h"

namespace registry_exporter {
namespace {

constexpr std::chrono::seconds kProgressEvery{10};

std::string time_or_unknown(const std::optional<UnixMillis>& time) {
  return time ? format_rfc3339_millis(*time) : "unknown";
}

std::string repository(const ListRef& list) {
  return list.kind->feeds_shares() ? "all" : full_name(list.of);
}

}  // namespace

void BackfillReport::failed(const Error& error) {
  const MutexLock lock(mutex_);
  is_whole_ = names_time_ = false;
  log::error("backfill: the registry could not be read",
             {{"registry", registry_}, {"reason", error.detail}});
}

void BackfillReport::state_unknown(const std::string& path) const {
  log::warn("backfill: the state does not know the registry: its past ends now",
            {{"registry", registry_}, {"state", path}});
}

void BackfillReport::found(std::size_t lists, std::size_t over_limit) {
  const MutexLock lock(mutex_);
  lists_ = lists;
  if (over_limit == 0) return;
  log::warn("backfill: repositories over metrics.max_repositories are left out",
            {{"registry", registry_}, {"repositories", std::to_string(over_limit)}});
}

void BackfillReport::not_all_listed(const std::optional<Error>& reason) {
  const MutexLock lock(mutex_);
  is_whole_ = names_time_ = false;
  log::warn("backfill: not all repositories could be listed",
            {{"registry", registry_}, {"reason", reason ? reason->detail : "unknown"}});
}

void BackfillReport::read(const ListOutcome& outcome) {
  const MutexLock lock(mutex_);
  ++read_;
  events_ += outcome.events;
  live_is_behind_ += outcome.live_is_behind ? 1 : 0;
  const ingest::ListHistory& history = outcome.history;
  if (history.cut_off) {
    tell_missing(outcome.list, "a list could not be read to its end", history.cut_off->detail,
                 history.whole_since);
  }
  const ingest::MissingDetails& missing = outcome.missing;
  if (missing.records > 0) {
    const std::string more =
        missing.records > 1 ? ", and " + std::to_string(missing.records - 1) + " more" : "";
    tell_missing(outcome.list, "the details of some records could not be read",
                 missing.reason + more, missing.whole_since);
  }
  if (outcome.undecided > 0) {
    tell_missing(outcome.list, "records without any time are left out",
                 std::to_string(outcome.undecided) + " records", std::nullopt);
  }
  tell_progress();
}

void BackfillReport::tell_missing(const ListRef& list, const std::string& what,
                                  const std::string& reason,
                                  const std::optional<UnixMillis>& whole_since) {
  is_whole_ = false;
  names_time_ &= whole_since.has_value();
  whole_since_ = std::max(whole_since_, whole_since);
  log::warn("backfill: " + what, {{"registry", registry_},
                                  {"list", std::string(list.kind->name)},
                                  {"repository", repository(list)},
                                  {"reason", reason},
                                  {"whole_since", time_or_unknown(whole_since)}});
}

void BackfillReport::tell_progress() {
  const SteadyTime now = clock_.steady_now();
  if (now - told_at_ < kProgressEvery) return;
  told_at_ = now;
  log::info("backfill: reading", {{"registry", registry_},
                                  {"lists", std::to_string(read_) + "/" + std::to_string(lists_)},
                                  {"events", std::to_string(events_)}});
}

void BackfillReport::ended(UnixMillis until) const {
  const MutexLock lock(mutex_);
  if (live_is_behind_ > 0) {
    log::warn("backfill: the exporter has not read all lists once; run it again when it has",
              {{"registry", registry_}, {"unread", std::to_string(live_is_behind_)}});
  }
  const auto since = names_time_ ? whole_since_ : std::nullopt;
  log::info("backfill: read",
            {{"registry", registry_},
             {"lists", std::to_string(read_)},
             {"events", std::to_string(events_)},
             {"until", format_rfc3339_millis(until)},
             {"whole_since", is_whole_ ? "the beginning of each list" : time_or_unknown(since)}});
}

bool BackfillReport::is_whole() const {
  const MutexLock lock(mutex_);
  return is_whole_;
}

}  // namespace registry_exporter
