#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "exporter/model/registry_state.h"
#include "exporter/model/snapshot.h"

namespace registry_exporter::ingest {

/// What a repository's records say as of `now`, in the windows asked for. Pure.
/// `before`: its earlier view, whose counters are shared when they are the same.
/// What isn't in the state (listing facts, rules, exemplars, failures) is left for the caller.
RepositoryView make_view(const RepositoryState& state, std::span<const Millis> windows,
                         UnixMillis now, const RepositoryView* before);

/// Only the windows again: time went on, nothing else changed. nullptr: they are the same.
std::shared_ptr<const RepositoryView> with_windows_moved(
    const std::shared_ptr<const RepositoryView>& view, const Ledger& ledger,
    std::span<const Millis> windows, UnixMillis now);

/// Series of a repository as a set of bits: counters by outcome, then histograms.
using SeriesSet = std::uint16_t;
SeriesSet held_series(const RepositoryView& view);
/// Those that are there and show 0.
SeriesSet series_at_zero(const EventCounters& shown);
/// The counters with these series at 0.
EventCounters with_holds(const EventCounters& counters, SeriesSet held);
/// They need show 0 no more.
void clear_holds(Ledger& ledger, SeriesSet series);

}  // namespace registry_exporter::ingest
