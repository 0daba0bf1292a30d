// What becomes of a collector's books: commits, and the snapshots that scrapes see.
#include <algorithm>
#include <map>
#include <utility>

#include "exporter/base/log.h"
#include "exporter/ingest/collector.h"
#include "exporter/ingest/view.h"

namespace registry_exporter {
/// What went into one commit, to be shown once it is on disk.
struct Collector::Batch {
  struct Item {
    Repository* repository = nullptr;
    std::shared_ptr<const RepositoryView> view;
    std::vector<ClosedRecord> closed;
    bool replaced_closed = false;
  };
  std::vector<Item> items;
  std::optional<RegistryState> registry;
  bool windows_moved = false;
  bool empty() const { return items.empty() && !registry && !windows_moved; }
};

void Collector::mark_dirty(Repository& repository) {
  if (!repository.dirty) repository.dirty = true;
  hooks_.dirty();
}

std::shared_ptr<const RepositoryView> Collector::view_of(Repository& repository) {
  RepositoryView view =
      make_view(repository.state, options_.windows, runtime_.clock.now(), repository.view.get());
  view.exemplars = repository.exemplars;
  view.tags = repository.listed.tags;
  view.size_bytes = repository.listed.size_bytes;
  view.downloads = repository.listed.downloads;
  view.rules = repository.rules;
  if (repository.failing) {
    view.failing = repository.failing->kind;
    view.failing_detail = repository.failing->detail;
  }
  if (repository.unreadable) view.unreadable_detail = repository.unreadable->detail;
  return std::make_shared<const RepositoryView>(std::move(view));
}

std::shared_ptr<Collector::Batch> Collector::collect(StateChanges& changes) {
  const std::lock_guard lock(mutex_);
  auto batch = std::make_shared<Batch>();
  batch->windows_moved = std::exchange(windows_moved_, false);
  if (batch->windows_moved) move_windows();
  for (const auto& [key, repository] : data_->repositories) {
    if (!repository->dirty) continue;
    repository->dirty = false;
    Batch::Item item;
    item.repository = repository.get();
    item.view = view_of(*repository);
    item.replaced_closed = std::exchange(repository->replaces_closed, false);
    std::vector<ClosedRecord> unsaved = std::exchange(repository->unsaved, {});
    RepositoryChange change;
    change.number = repository->number;
    change.registry = data_->number;
    change.replaces_closed = item.replaced_closed;
    Ledger& ledger = repository->state.ledger;
    std::vector<ClosedRecord> closed = std::move(ledger.closed);
    ledger.closed = {};
    change.head = repository->state;
    ledger.closed = std::move(closed);
    change.closed = item.replaced_closed ? ledger.closed : unsaved;
    item.closed = std::move(unsaved);
    changes.repositories.push_back(std::move(change));
    batch->items.push_back(std::move(item));
  }
  if (std::exchange(data_->dirty, false)) {
    batch->registry = data_->state;
    changes.registries.push_back({data_->number, data_->state});
  }
  return batch;
}

void Collector::committed(const Batch& batch, bool ok) {
  const std::lock_guard lock(mutex_);
  commit_failed_ = !ok;
  if (ok && batch.empty()) return;
  if (ok) {
    for (const Batch::Item& item : batch.items) {
      item.repository->view = item.view;
      item.repository->held.reset();
    }
    if (batch.registry) committed_ = *batch.registry;
    publish();
  } else {
    data_->dirty |= batch.registry.has_value();
    for (const Batch::Item& item : batch.items) {
      Repository& repository = *item.repository;
      repository.dirty = true;
      repository.replaces_closed |= item.replaced_closed;
      repository.unsaved.insert(repository.unsaved.begin(), item.closed.begin(), item.closed.end());
    }
    ++failures_;
    abandon_cycle();
    end_cycle_if_done();
  }
  changed_->notify_all();
}

void Collector::adopt_bucket_bounds() {
  if (options_.type != RegistryType::acr || data_->state.bucket_bounds == options_.bucket_bounds) {
    return;
  }
  const bool changed = !data_->state.bucket_bounds.empty();
  data_->state.bucket_bounds = options_.bucket_bounds;
  data_->dirty = true;
  if (!changed) return;
  log::info("metrics.build_duration_buckets changed: duration histograms start again at 0",
            {{"registry", options_.name}});
  for (const auto& [key, repository] : data_->repositories) {
    for (auto& histogram : repository->state.ledger.counters.durations.values) {
      if (!histogram) continue;
      histogram = empty_histogram(options_.bucket_bounds);
      repository->dirty = true;
    }
    repository->exemplars = {};
  }
}

void Collector::freeze() {
  for (const auto& [key, repository] : data_->repositories) {
    repository->frozen.reset();
    if (!repository->view || repository->view->hidden) continue;
    repository->frozen = std::make_shared<const EventCounters>(
        with_holds(*repository->view->counters, repository->shown_as_zero()));
  }
}

void Collector::let_go_of_holds(const std::optional<std::string>& beginning) {
  const auto [seen, released] = showing_.let_go(runtime_.clock.steady_now(), beginning);
  if (seen.empty() && released.empty()) return;
  struct Series {
    unsigned seen = 0;
    unsigned released = 0;
  };
  std::map<RepositoryNumber, Series> series;
  for (const Showing::Hold& hold : seen) series[hold.repository].seen |= hold.series;
  for (const Showing::Hold& hold : released) series[hold.repository].released |= hold.series;
  for (const auto& [key, repository] : data_->repositories) {
    const auto found = series.find(repository->number);
    if (found == series.end()) continue;
    const Series& let_go = found->second;
    repository->lingering =
        static_cast<SeriesSet>((repository->lingering | let_go.seen) & ~let_go.released);
    repository->held.reset();
    if (let_go.seen == 0) continue;
    clear_holds(repository->state.ledger, static_cast<SeriesSet>(let_go.seen));
    mark_dirty(*repository);
  }
  if (!released.empty()) publish();
}

void Collector::move_windows() {
  const UnixMillis now = runtime_.clock.now();
  for (const auto& [key, repository] : data_->repositories) {
    if (repository->dirty || !repository->view || !repository->has_series()) continue;
    auto moved =
        with_windows_moved(repository->view, repository->state.ledger, options_.windows, now);
    if (moved) repository->view = std::move(moved);
  }
}

RepositoryRow Collector::row_of(Repository& repository, std::uint64_t version) {
  const RepositoryView& view = *repository.view;
  if (view.hidden) return {repository.view, nullptr};
  RepositoryRow row{repository.view, view.counters};
  const SeriesSet zeros = repository.shown_as_zero();
  if (showing_.frozen() && repository.frozen) {
    row.shown = repository.frozen;
  } else if (zeros != 0) {
    if (!repository.held) {
      repository.held = std::make_shared<const EventCounters>(with_holds(*view.counters, zeros));
    }
    row.shown = repository.held;
  }
  if (!showing_.frozen()) repository.frozen.reset();
  // An old value may be the zero that has to be seen, too.
  const unsigned asked = held_series(view) & ~unsigned{repository.holds_known};
  const auto shows = static_cast<SeriesSet>(asked & series_at_zero(*row.shown));
  if (shows != 0) {
    showing_.hold(version, {repository.number, shows});
    repository.holds_known = static_cast<SeriesSet>(repository.holds_known | shows);
  }
  return row;
}

void Collector::publish() {
  auto snapshot = std::make_shared<RegistrySnapshot>();
  snapshot->version = ++version_;
  snapshot->name = options_.name;
  snapshot->type = options_.type;
  snapshot->taken_at = runtime_.clock.now();
  snapshot->state = committed_;
  snapshot->unknown_statuses = unknown_statuses_;
  snapshot->last_cycle_seconds = last_cycle_seconds_;
  auto& count = snapshot->repositories;
  count[static_cast<std::size_t>(Freshness::dropped)] = over_limit_;
  for (const auto& [key, repository] : data_->repositories) {
    if (!repository->view || !repository->has_series()) continue;
    const RepositoryView& view = *repository->view;
    const bool fresh =
        view.last_read && snapshot->taken_at - *view.last_read <= options_.max_staleness;
    const Freshness freshness = view.failing      ? Freshness::failing
                                : !view.last_read ? Freshness::pending
                                : fresh           ? Freshness::fresh
                                                  : Freshness::stale;
    ++count[static_cast<std::size_t>(freshness)];
    snapshot->ledger_imbalance += imbalance(repository->state.ledger);
    snapshot->rows.push_back(row_of(*repository, snapshot->version));
  }
  snapshot_ = std::move(snapshot);
}

}  // namespace registry_exporter
