#include "exporter/ingest/publisher.h"

#include <algorithm>
#include <map>
#include <utility>

#include "exporter/base/check.h"
#include "exporter/ingest/beginnings.h"
#include "exporter/ingest/ledger_rules.h"
#include "exporter/ingest/recent_scrapers.h"
#include "exporter/ingest/view.h"
#include "exporter/model/scrape.h"

namespace registry_exporter::ingest {
namespace {

/// As committed, with the series that are held at 0.
std::shared_ptr<const EventCounters> counters_with_holds(Publication& publication) {
  const SeriesSet zeros = held_series(*publication.view);
  if (zeros == 0) return publication.view->counters;
  if (!publication.held) {
    publication.held =
        std::make_shared<const EventCounters>(with_holds(*publication.view->counters, zeros));
  }
  return publication.held;
}

}  // namespace

Publisher::Publisher(const Clock& clock, TrackedRegistry& registry, const ReadRules& rules,
                     PublisherOptions options)
    : clock_(clock),
      registry_(registry),
      rules_(rules),
      options_(std::move(options)),
      visibility_(options_.has_past,
                  waited_for(registry.state.scrapers, clock.now(), clock.steady_now())),
      committed_(registry.state) {
  CHECK_RULE(options_.kinds.size() <= kKindsMax);
  for (const auto& [key, list] : registry_.lists) {
    Publication& publication = list->publication;
    publication.holds_known = 0;
    publication.view = view_of(*list);
  }
  if (options_.has_past) freeze();
}

std::shared_ptr<const RegistrySnapshot> Publisher::snapshot() {
  if (!snapshot_) snapshot_ = make_snapshot();
  return snapshot_;
}

bool Publisher::scrape_begins(const std::string& client) {
  if (visibility_.scrape_begins(clock_.steady_now())) freeze();
  const bool noted = note_scraper(registry_.state.scrapers, scraper_id(client), clock_.now());
  registry_.dirty |= noted;
  return let_go_of_holds() || noted;
}

bool Publisher::answered(const std::string& client, std::uint64_t version) {
  CHECK_RULE(version <= version_);  // Nobody was answered with what is not made yet.
  if (visibility_.answered(scraper_id(client), version, clock_.steady_now())) {
    snapshot_.reset();
  }
  return let_go_of_holds();
}

void Publisher::cycle_ended(double seconds) {
  last_cycle_seconds_ = seconds;
  windows_moved_ = true;
}

// ── Commits ──────────────────────────────────────────────────────────────────────────────────────

std::shared_ptr<const RepositoryView> Publisher::view_of(const TrackedList& list) const {
  // The records of a feed belong to many; of its shares there are none here.
  const bool has_windows = list.kind().has_own_lists();
  const std::span<const Millis> windows =
      has_windows ? std::span<const Millis>(options_.windows) : std::span<const Millis>();
  RepositoryView view = make_view(list.state, windows, clock_.now(), list.publication.view.get());
  view.exemplars = list.exemplars;
  view.tags = list.listed.tags;
  view.size_bytes = list.listed.size_bytes;
  view.downloads = list.listed.downloads;
  view.rules = list.rules;
  const ReadFailures& failures = list.failures;
  if (failures.newest) {
    view.failing = failures.newest->kind;
    view.failing_detail = failures.newest->detail;
  }
  if (failures.unreadable) view.unreadable_detail = failures.unreadable->detail;
  return std::make_shared<const RepositoryView>(std::move(view));
}

CommitBatch::Item Publisher::collect_list(TrackedList& list, store::StateChanges& changes) {
  const PendingChanges pending = list.take_pending();
  note_beginnings(list.state, clock_.now() - kScrapeLongest);
  CommitBatch::Item item{&list, view_of(list), pending.unsaved, pending.replaces_closed};
  store::RepositoryChange change;
  change.number = list.number;
  change.registry = registry_.number;
  change.replaces_closed = pending.replaces_closed;
  // The head is saved without the closed records: they have a table of their own.
  Ledger& ledger = list.state.ledger;
  std::vector<ClosedRecord> closed = std::exchange(ledger.closed, {});
  change.head = list.state;
  ledger.closed = std::move(closed);
  change.closed = pending.replaces_closed ? ledger.closed : pending.unsaved;
  changes.repositories.push_back(std::move(change));
  return item;
}

std::shared_ptr<CommitBatch> Publisher::collect(store::StateChanges& changes) {
  auto batch = std::make_shared<CommitBatch>();
  batch->windows_moved = std::exchange(windows_moved_, false);
  if (batch->windows_moved) move_windows();
  DirtyLists dirty = std::exchange(*registry_.dirty_lists, {});
  std::sort(dirty.begin(), dirty.end(), [](const TrackedList* a, const TrackedList* b) {
    return a->number < b->number;  // As the state file has them.
  });
  for (TrackedList* list : dirty) batch->items.push_back(collect_list(*list, changes));
  if (std::exchange(registry_.dirty, false)) {
    batch->registry = registry_.state;
    changes.registries.push_back({registry_.number, registry_.state});
  }
  return batch;
}

void Publisher::committed(const CommitBatch& batch, bool ok) {
  if (ok) {
    for (const CommitBatch::Item& item : batch.items) {
      item.list->publication.view = item.view;
      item.list->publication.held.reset();
    }
    if (batch.registry) committed_ = *batch.registry;
    if (!batch.empty()) snapshot_.reset();
    return;
  }
  registry_.dirty |= batch.registry.has_value();
  for (const CommitBatch::Item& item : batch.items) {
    PendingChanges& pending = item.list->pending;
    item.list->mark_dirty();
    pending.replaces_closed |= item.replaced_closed;
    pending.unsaved.insert(pending.unsaved.begin(), item.closed.begin(), item.closed.end());
  }
}

// ── What is seen ─────────────────────────────────────────────────────────────────────────────────

/// From now on the values shown last are shown, until one scrape is answered.
void Publisher::freeze() {
  for (const auto& [key, list] : registry_.lists) {
    Publication& publication = list->publication;
    publication.frozen.reset();
    // What has never been shown has no old value.
    if (!publication.view || publication.view->hidden) continue;
    publication.frozen = counters_with_holds(publication);
  }
}

bool Publisher::let_go_of_holds() {
  std::map<store::RepositoryNumber, unsigned> series;
  for (const auto& hold : visibility_.let_go(clock_.steady_now())) {
    series[hold.repository] |= hold.series;
  }
  if (series.empty()) return false;
  for (const auto& [key, list] : registry_.lists) {
    const auto found = series.find(list->number);
    if (found == series.end()) continue;
    clear_holds(list->state.ledger, static_cast<SeriesSet>(found->second));
    list->mark_dirty();
  }
  return true;
}

void Publisher::move_windows() {
  const UnixMillis now = clock_.now();
  for (const auto& [key, list] : registry_.lists) {
    Publication& publication = list->publication;
    if (list->is_dirty() || !publication.view || !list->has_series()) continue;
    auto moved = with_windows_moved(publication.view, list->state.ledger, options_.windows, now);
    if (moved) publication.view = std::move(moved);
  }
}

std::shared_ptr<const EventCounters> Publisher::counters_to_show(TrackedList& list) {
  Publication& publication = list.publication;
  if (visibility_.frozen() && publication.frozen) return publication.frozen;
  return counters_with_holds(publication);
}

/// An old value may be the zero that has to be seen, too.
void Publisher::hold_zeros(TrackedList& list, const EventCounters& shown, std::uint64_t version) {
  Publication& publication = list.publication;
  const unsigned asked = held_series(*publication.view) & ~unsigned{publication.holds_known};
  const auto zeros = static_cast<SeriesSet>(asked & series_at_zero(shown));
  if (zeros == 0) return;
  visibility_.hold(version, {list.number, zeros});
  publication.holds_known = static_cast<SeriesSet>(publication.holds_known | zeros);
}

/// A list that is hidden now must show its zeros again when it returns.
void Publisher::withdraw_zeros(TrackedList& list) {
  if (std::exchange(list.publication.holds_known, 0) != 0) visibility_.withdraw(list.number);
}

StreamCell Publisher::cell_of(TrackedList& list, std::uint64_t version) {
  Publication& publication = list.publication;
  if (publication.view->hidden) return {publication.view, nullptr};
  StreamCell cell{publication.view, counters_to_show(list)};
  if (!visibility_.frozen()) publication.frozen.reset();
  hold_zeros(list, *cell.shown, version);
  return cell;
}

/// What is known of one repository comes one after the other, and makes one row.
void Publisher::add_to_rows(TrackedList& list, RegistrySnapshot& snapshot) {
  const auto index = snapshot.cell_of(list.state.kind);
  if (!index) return;
  auto& rows = snapshot.rows;
  const bool same = !rows.empty() && rows.back().is_of(list.state.ref);
  if (!same) rows.emplace_back();
  rows.back().cells[*index] = cell_of(list, snapshot.version);
}

/// Listed repositories that have no row of their own.
std::uint64_t Publisher::count_without_row(const RegistrySnapshot& snapshot) const {
  const bool only_feeds =
      std::none_of(snapshot.kinds.begin(), snapshot.kinds.end(),
                   [](const StreamKind* kind) { return kind->has_own_lists(); });
  if (!only_feeds || snapshot.feeds.empty()) return 0;
  const auto is_repository = [](const auto& each) {
    return !each.first.first.empty() && !each.first.second.empty();
  };
  const auto has_row = [&](const RepositoryRow& row) {
    return row.is_repository() &&
           registry_.listed.contains({row.ref().repo_namespace, row.ref().name});
  };
  return static_cast<std::uint64_t>(
      std::count_if(registry_.listed.begin(), registry_.listed.end(), is_repository) -
      std::count_if(snapshot.rows.begin(), snapshot.rows.end(), has_row));
}

std::shared_ptr<const RegistrySnapshot> Publisher::make_snapshot() {
  auto snapshot = std::make_shared<RegistrySnapshot>();
  snapshot->version = ++version_;
  snapshot->name = options_.name;
  snapshot->type = options_.type;
  snapshot->kinds = options_.kinds;
  snapshot->taken_at = clock_.now();
  snapshot->state = committed_;
  snapshot->unknown_statuses = registry_.unknown_statuses;
  snapshot->last_cycle_seconds = last_cycle_seconds_;
  for (const auto& [key, list] : registry_.lists) {
    if (!list->publication.view || !(list->has_series() || list->is_read())) {
      withdraw_zeros(*list);
      continue;
    }
    snapshot->ledger_imbalance += imbalance(list->state.ledger);
    if (list->is_feed()) {
      snapshot->feeds.push_back({list->state.kind, list->publication.view});
    } else {
      add_to_rows(*list, *snapshot);
    }
  }
  snapshot->repositories[static_cast<std::size_t>(Freshness::dropped)] = registry_.over_limit;
  snapshot->without_row = count_without_row(*snapshot);
  snapshot->repositories = count_states(*snapshot, rules_.max_staleness, snapshot->taken_at);
  return snapshot;
}

}  // namespace registry_exporter::ingest
