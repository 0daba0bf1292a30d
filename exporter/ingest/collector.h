#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/runtime.h"
#include "exporter/ingest/discovery.h"
#include "exporter/ingest/plan.h"
#include "exporter/ingest/registry_books.h"
#include "exporter/ingest/schedule.h"
#include "exporter/ingest/showing.h"
#include "exporter/model/cloud.h"

namespace registry_exporter {

struct CollectorOptions {
  std::string name;
  RegistryType type = RegistryType::acr;
  Millis min_interval{15'000};
  Millis lookback{0};
  Millis sweep_interval{0};
  Millis discovery_interval{0};
  Millis max_staleness{0};
  std::vector<Millis> windows;
  std::vector<double> bucket_bounds;  ///< Seconds.
  int page_size = 100;
  int concurrency = 4;
  double requests_per_second = 5;
  bool collect_rules = false;
  bool read_everything = false;  ///< Each list is due, whatever the state says was read before.
  Showing::Past past;            ///< Of this registry.
  DiscoveryRules discovery;
};

/// What a collector tells the rest of the program. Called with the collector's lock held: quick.
struct CollectorHooks {
  std::function<void()> dirty;  ///< There is something to commit or to publish.
  std::function<void(bool ok)> sweep_finished;
};

/// One registry's collection: what is known of it, which repository is read next, by how many
/// workers, and the snapshot that scrapes see. Thread-safe.
///
/// A cycle is started or joined by a scrape and goes on without it; it ends when nothing that was
/// due when a scrape asked is left. There is no timer: nothing is called unless somebody scraped.
/// Lists are read without the lock; pages are merged under it; what is merged shows only after a
/// commit (`collect`, then `committed`).
class Collector {
 public:
  Collector(Runtime runtime, Cloud& cloud, CollectorOptions options, CollectorHooks hooks,
            std::unique_ptr<RegistryBooks> data);
  ~Collector();

  void start();
  /// Ends the calls under way and the workers. Afterwards only collect/committed/take_data.
  void stop();
  /// After stop(): the data, for a collector with another configuration.
  std::unique_ptr<RegistryBooks> take_data();

  /// A scrape's stake in the cycle.
  struct Ticket {
    std::uint64_t demand = 0;    ///< Everything due up to this demand belongs to it.
    std::uint64_t failures = 0;  ///< As counted when it began.
    bool cached = false;         ///< Sooner than min_interval: nothing is called for it.
  };
  Ticket begin_scrape(const std::string& client);
  /// Waits until nothing of the ticket is left unread, or until the deadline. True: complete.
  bool wait(const Ticket& ticket, SteadyTime deadline);
  /// By this process, with `read_everything`: the repositories were listed, and each of their lists
  /// was read. What was not is in the log.
  bool everything_read() const;
  /// A scrape of this registry was answered wholly with the given snapshot.
  void answered(const std::string& client, std::uint64_t version);

  std::shared_ptr<const RegistrySnapshot> snapshot() const;
  const std::string& name() const { return options_.name; }

  /// The committer's side: adds what is to be saved; then what became of it. These and all that
  /// publishes are in collector_snapshots.cc.
  struct Batch;
  std::shared_ptr<Batch> collect(StateChanges& changes);
  void committed(const Batch& batch, bool ok);

 private:
  enum class Work { none, discovery, repository };
  struct Task {
    Work work = Work::none;
    Repository* repository = nullptr;
    std::uint64_t demand = 0;
  };

  void work();
  Task take_task();
  void finish_task(const Task& task);
  void plan_due();
  void tell_of_low_rate(std::size_t overdue, SteadyTime now);
  RepositoryPace pace_of(const Repository& repository, SteadyTime now) const;
  bool sweep_due(const Repository& repository, SteadyTime now) const;
  bool unreadable_due(const Repository& repository, SteadyTime now) const;
  bool outstanding(std::uint64_t demand) const;
  void end_cycle_if_done();
  void abandon_cycle();

  void discover();
  void visit(Repository& repository, std::uint64_t demand);
  /// What a visit brought that was not known before, for the schedule to learn from.
  struct News {
    bool any = false;
    std::optional<UnixMillis> oldest;  ///< When the first of it happened.
  };
  ReadingOptions reading_options(const Repository& repository, SteadyTime now) const;
  std::optional<Error> read(Repository& repository, Reading& reading, News& news);
  void note_point_read(const Result<Record>& record);
  void learn(Repository& repository, const MergeEffects& effects, News& news);
  void finish_visit(Repository& repository, Reading& reading, const std::optional<Error>& error,
                    std::uint64_t demand);
  void read_rules(Repository& repository);
  void absorb(Repository& repository, MergeEffects& effects);
  void absorb_page_oddities(const Page& page, const Repository& repository);
  void note_failure(Repository& repository, const Error& error);
  void note_success(Repository& repository, const Reading& reading);
  void note_unreadable(Repository& repository, const Reading& reading);
  void react_to(const Error& error);
  void check_books(Repository& repository);

  void mark_dirty(Repository& repository);
  std::shared_ptr<const RepositoryView> view_of(Repository& repository);
  void adopt_bucket_bounds();
  void freeze();
  /// `beginning`: the client whose scrape begins now.
  void let_go_of_holds(const std::optional<std::string>& beginning);
  void move_windows();
  void publish();
  RepositoryRow row_of(Repository& repository, std::uint64_t version);

  Runtime runtime_;
  Cloud& cloud_;
  const CollectorOptions options_;
  const CollectorHooks hooks_;

  mutable std::mutex mutex_;
  std::unique_ptr<Waiter> changed_;  ///< A task, a cycle or a snapshot changed.
  std::unique_ptr<RegistryBooks> data_;
  std::vector<std::unique_ptr<Thread>> workers_;
  bool stopping_ = false;

  std::uint64_t demand_ = 0;  ///< Of the newest scrape that asked.
  Plan plan_;
  HintTrust hints_;
  std::optional<SteadyTime> low_rate_told_at_;
  std::vector<std::uint64_t> in_flight_;
  std::optional<std::uint64_t> discovery_wanted_;
  bool discovery_running_ = false;
  std::optional<SteadyTime> discovered_at_;  ///< Tried, too.
  bool discovered_whole_ = false;            ///< By the newest discovery.
  std::size_t over_limit_ = 0;

  std::optional<SteadyTime> cycle_started_;
  std::optional<SteadyTime> cycle_ended_;
  std::optional<double> last_cycle_seconds_;
  LongestCycle longest_cycle_;
  std::uint64_t failures_ = 0;
  std::uint64_t failures_at_cycle_start_ = 0;
  std::optional<SteadyTime> paused_until_;
  int unreachable_in_a_row_ = 0;
  bool commit_failed_ = false;
  PageLimit page_limit_;  ///< Of the lists of records.
  int ids_refused_in_a_row_ = 0;
  std::optional<SteadyTime> point_reads_off_until_;  ///< No record may be asked for by its id.

  std::map<std::string, std::uint64_t> unknown_statuses_;
  Showing showing_;
  bool windows_moved_ = false;
  std::uint64_t version_ = 0;
  RegistryState committed_;  ///< What may be shown of `data_->state`.
  std::shared_ptr<const RegistrySnapshot> snapshot_;
};

}  // namespace registry_exporter
