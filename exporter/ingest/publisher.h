#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/ingest/scraper_visibility.h"
#include "exporter/ingest/tracked_registry.h"

namespace registry_exporter::ingest {

struct PublisherOptions {
  std::string name;
  std::string type;  ///< As configured: "acr".
  std::vector<const StreamKind*> kinds;
  std::vector<Millis> windows;
  bool has_past = false;  ///< There are values that an earlier process may have shown.
};

/// What went into one commit, to be shown once it is on disk.
struct CommitBatch {
  struct Item {
    TrackedList* list = nullptr;
    std::shared_ptr<const RepositoryView> view;
    std::vector<ClosedRecord> closed;
    bool replaced_closed = false;
  };
  std::vector<Item> items;
  std::optional<RegistryState> registry;
  bool windows_moved = false;
  bool empty() const { return items.empty() && !registry && !windows_moved; }
};

/// What scrapes see of one registry. What was merged is collected for a commit and shows only when
/// that is on disk; new series show 0 first, and old values show once more after a pause. Not
/// thread-safe: guarded by the collector's lock.
class Publisher {
 public:
  Publisher(const Clock& clock, TrackedRegistry& registry, const ReadRules& rules,
            PublisherOptions options);

  /// Made when somebody asks, not with each commit: it takes time with each repository.
  std::shared_ptr<const RegistrySnapshot> snapshot();

  /// A scrape begins. Returns true if there is something to save.
  bool scrape_begins(const std::string& client);
  /// A scrape was answered wholly with the snapshot of this version. Returns true as above.
  bool answered(const std::string& client, std::uint64_t version);
  /// A cycle ended, after so many seconds: windows are to be counted again.
  void cycle_ended(double seconds);

  /// Adds what is to be saved; then what became of it.
  std::shared_ptr<CommitBatch> collect(store::StateChanges& changes);
  void committed(const CommitBatch& batch, bool ok);

 private:
  std::shared_ptr<const RepositoryView> view_of(const TrackedList& list) const;
  CommitBatch::Item collect_list(TrackedList& list, store::StateChanges& changes);
  void freeze();
  bool let_go_of_holds();
  void move_windows();
  std::shared_ptr<const EventCounters> counters_to_show(TrackedList& list);
  void hold_zeros(TrackedList& list, const EventCounters& shown, std::uint64_t version);
  void withdraw_zeros(TrackedList& list);
  StreamCell cell_of(TrackedList& list, std::uint64_t version);
  void add_to_rows(TrackedList& list, RegistrySnapshot& snapshot);
  std::uint64_t count_without_row(const RegistrySnapshot& snapshot) const;
  std::shared_ptr<const RegistrySnapshot> make_snapshot();

  const Clock& clock_;
  TrackedRegistry& registry_;
  const ReadRules& rules_;
  const PublisherOptions options_;
  ScraperVisibility visibility_;
  RegistryState committed_;  ///< What may be shown of `registry_.state`.
  std::optional<double> last_cycle_seconds_;
  bool windows_moved_ = false;
  std::uint64_t version_ = 0;
  std::shared_ptr<const RegistrySnapshot> snapshot_;  ///< nullptr: it is out of date.
};

}  // namespace registry_exporter::ingest
