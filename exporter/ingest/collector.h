#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/base/runtime.h"
#include "exporter/ingest/cycle.h"
#include "exporter/ingest/discovery.h"
#include "exporter/ingest/lessons.h"
#include "exporter/ingest/notice_feed.h"
#include "exporter/ingest/publisher.h"
#include "exporter/ingest/rate_warning.h"
#include "exporter/ingest/registry_log.h"
#include "exporter/ingest/tracked_registry.h"
#include "exporter/ingest/visit.h"
#include "exporter/model/cloud.h"

namespace registry_exporter::ingest {

struct CollectorOptions {
  std::string name;
  std::string type;  ///< As configured: "acr".
  ReadRules reading;
  Millis min_interval{15'000};
  Millis discovery_interval{0};
  std::vector<Millis> windows;
  int concurrency = 4;
  double requests_per_second = 5;
  bool collect_rules = false;
  std::size_t notices_from = 100;  ///< Lists, see NoticeFeed.
  bool read_everything = false;    ///< Each list is due, whatever the state says was read before.
  bool has_past = false;           ///< See PublisherOptions.
  DiscoveryRules discovery;
};

/// What a collector tells the rest of the program. Called with the collector's lock held: quick.
struct CollectorHooks {
  std::function<void()> dirty;  ///< There is something to commit or to publish.
  std::function<void(bool ok)> sweep_finished;
};

/// One registry's collection: workers that visit its lists, and the lock around what is known of
/// it. Thread-safe.
///
/// A cycle is started or joined by a scrape and goes on without it; it ends when nothing that was
/// due when a scrape asked is left. There is no timer: nothing is called unless somebody scraped.
/// Clouds are asked without the lock; answers are merged under it; what is merged shows only after
/// a commit (`collect`, then `committed`).
class Collector {
 public:
  Collector(Runtime runtime, Cloud& cloud, CollectorOptions options, CollectorHooks hooks,
            std::unique_ptr<TrackedRegistry> registry);
  ~Collector();

  void start();
  /// Ends the calls under way and the workers. Afterwards only collect/committed/take_registry.
  void stop();
  /// After stop(): what is known, for a collector with another configuration.
  std::unique_ptr<TrackedRegistry> take_registry();

  ScrapeTicket begin_scrape(const std::string& client);
  /// Waits until nothing of the ticket is left unread, or until the deadline. True: complete.
  bool wait(const ScrapeTicket& ticket, SteadyTime deadline);
  /// By this process, with `read_everything`: the repositories were listed, and each of their lists
  /// was read. What was not is in the log.
  bool everything_read() const;
  /// A scrape of this registry was answered wholly with the given snapshot.
  void answered(const std::string& client, std::uint64_t version);

  std::shared_ptr<const RegistrySnapshot> snapshot();
  const std::string& name() const { return options_.name; }

  /// The committer's side: adds what is to be saved; then what became of it.
  std::shared_ptr<CommitBatch> collect(store::StateChanges& changes);
  void committed(const CommitBatch& batch, bool ok);

 private:
  // Tasks: they take the lock themselves, and give it back while a cloud is asked.
  void work() EXCLUDES(mutex_);
  void run_task(const CycleTask& task) EXCLUDES(mutex_);
  void discover() EXCLUDES(mutex_);
  void take_first_part(const Discovery& part, UnixMillis begun, FirstParts& before)
      EXCLUDES(mutex_);
  void read_notices() EXCLUDES(mutex_);
  void visit(TrackedList& list, std::uint64_t demand) EXCLUDES(mutex_);

  void plan_due() REQUIRES(mutex_);
  void end_cycle_if_done() REQUIRES(mutex_);
  void take_discovery(const Discovery& discovery, UnixMillis begun, std::size_t found_before)
      REQUIRES(mutex_);
  void merge(Visit& visit, TrackedList& list, ListAnswer answer) REQUIRES(mutex_);
  void feed(const TrackedList& list, const MergeEffects& merged) REQUIRES(mutex_);
  void note_answer(TrackedList& list, const ListAnswer& answer) REQUIRES(mutex_);
  void finish_visit(TrackedList& list, const VisitResult& result, std::uint64_t demand)
      REQUIRES(mutex_);
  void note_failed_visit(TrackedList& list, const Error& error) REQUIRES(mutex_);
  void note_read_visit(TrackedList& list, const VisitResult& result) REQUIRES(mutex_);
  bool rules_due(const TrackedList& list) const REQUIRES(mutex_);
  void take_rules(TrackedList& list, Result<std::vector<RetentionRule>> rules) REQUIRES(mutex_);
  void check_books(TrackedList& list) REQUIRES(mutex_);
  void mark_dirty(TrackedList& list) REQUIRES(mutex_);

  Runtime runtime_;
  Cloud& cloud_;
  const CollectorOptions options_;
  const CollectorHooks hooks_;
  const RegistryLog log_;

  mutable Mutex mutex_;
  std::unique_ptr<Waiter> changed_;  ///< A task, a cycle or a snapshot changed.
  std::unique_ptr<TrackedRegistry> registry_ GUARDED_BY(mutex_);
  Cycle cycle_ GUARDED_BY(mutex_);
  Publisher publisher_ GUARDED_BY(mutex_);
  Lessons lessons_ GUARDED_BY(mutex_);
  NoticeFeed notices_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Thread>> workers_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  RateWarning rate_warning_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter::ingest
