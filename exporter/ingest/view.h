#pragma once

#include <memory>
#include <span>

#include "exporter/model/registry_state.h"
#include "exporter/model/snapshot.h"

namespace registry_exporter {

/// What a repository's records say as of `now`, in the windows asked for. Pure.
/// `before`: its earlier view, whose counters are shared when they are the same.
/// What isn't in the state (listing facts, rules, exemplars, failures) is left for the caller.
RepositoryView make_view(const RepositoryState& state, std::span<const Millis> windows,
                         UnixMillis now, const RepositoryView* before);

/// Only the windows again: time went on, nothing else changed. nullptr: they are the same.
std::shared_ptr<const RepositoryView> with_windows_moved(
    const std::shared_ptr<const RepositoryView>& view, const Ledger& ledger,
    std::span<const Millis> windows, UnixMillis now);

/// The counters with held series at 0.
EventCounters with_holds(const EventCounters& counters, const PerOutcome<bool>& events_held,
                         const PerOutcome<bool>& durations_held);

}  // namespace registry_exporter
