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

}  // namespace

void BackfillReport::failed(const Error& error) {
  const MutexLock lock(mutex_);
  is_whole_ = names_time_ = false;
  log::error("backfill: the registry could not be read",
             {{"registry", registry_}, {"reason", error.detail}});
}

void BackfillReport::found(std::size_t repositories, std::size_t over_limit, bool all) {
  const MutexLock lock(mutex_);
  repositories_ = repositories;
  if (!all) {
    is_whole_ = names_time_ = false;
    log::warn("backfill: not all repositories could be listed", {{"registry", registry_}});
  }
  if (over_limit > 0) {
    log::warn("backfill: repositories over metrics.max_repositories are left out",
              {{"registry", registry_}, {"repositories", std::to_string(over_limit)}});
  }
}

void BackfillReport::read(const RepositoryRef& ref, const ingest::ListHistory& list,
                          std::size_t events, bool live_is_behind) {
  const MutexLock lock(mutex_);
  ++read_;
  events_ += events;
  live_is_behind_ += live_is_behind ? 1 : 0;
  if (list.cut_off) tell_cut_off(ref, list);
  tell_progress();
}

void BackfillReport::tell_cut_off(const RepositoryRef& ref, const ingest::ListHistory& list) {
  is_whole_ = false;
  names_time_ &= list.whole_since.has_value();
  whole_since_ = std::max(whole_since_, list.whole_since);
  log::warn("backfill: a list could not be read to its end",
            {{"registry", registry_},
             {"repository", full_name(ref)},
             {"reason", list.cut_off->detail},
             {"whole_since", time_or_unknown(list.whole_since)}});
}

void BackfillReport::tell_progress() {
  const SteadyTime now = clock_.steady_now();
  if (now - told_at_ < kProgressEvery) return;
  told_at_ = now;
  log::info("backfill: reading",
            {{"registry", registry_},
             {"repositories", std::to_string(read_) + "/" + std::to_string(repositories_)},
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
             {"repositories", std::to_string(read_)},
             {"events", std::to_string(events_)},
             {"until", format_rfc3339_millis(until)},
             {"whole_since", is_whole_ ? "the beginning of each list" : time_or_unknown(since)}});
}

bool BackfillReport::is_whole() const {
  const MutexLock lock(mutex_);
  return is_whole_;
}

}  // namespace registry_exporter
