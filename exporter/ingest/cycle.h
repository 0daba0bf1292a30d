#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/result.h"
#include "exporter/ingest/plan.h"
#include "exporter/ingest/schedule.h"

namespace registry_exporter::ingest {

/// A scrape's share in a cycle.
struct ScrapeTicket {
  enum class Kind : std::uint8_t {
    joined,   ///< The scrape waits for what was due when it came.
    cached,   ///< It came within min_interval: nothing is called for it.
    refused,  ///< Nothing may be called now: the answer is not complete.
  } kind = Kind::refused;
  std::uint64_t demand = 0;    ///< What was due up to this demand belongs to it.
  std::uint64_t failures = 0;  ///< As counted when it came.
};

/// What a worker does next.
struct CycleTask {
  enum class Work : std::uint8_t { none, discovery, notices, visit } work = Work::none;
  TrackedList* list = nullptr;  ///< Of a visit.
  std::uint64_t demand = 0;
};

/// How a cycle ended.
struct CycleEnd {
  double seconds = 0;
  bool complete = false;  ///< Nothing failed.
};

struct CycleOptions {
  Millis min_interval{15'000};
  Millis discovery_interval{0};
  Millis max_staleness{0};
  int unreachable_max = 3;  ///< Calls in a row that nothing answers: the cycle is given up.
};

/// One collection over the lists of a registry: which scrapes wait for it, what is planned, what is
/// under way, and how it ended. Each scrape that asks has a number, its demand; what is due when it
/// asks is planned for that demand, and the scrape waits until nothing of it is left. Pure.
class Cycle {
 public:
  explicit Cycle(const CycleOptions& options);

  /// Joins the cycle under way, or begins one. Afterwards the caller plans what is due.
  ScrapeTicket begin_scrape(SteadyTime now, bool must_discover);
  ScrapeTicket refuse() const { return {ScrapeTicket::Kind::refused, demand_, failures_}; }
  /// Something that the scrape waits for is left.
  bool is_waiting(const ScrapeTicket& ticket) const;
  /// Nothing has failed since the scrape came.
  bool succeeded(const ScrapeTicket& ticket) const;

  std::uint64_t demand() const { return demand_; }
  /// The notices are to be read. `in_time`: before the newest scrape is answered.
  void want_notices(bool in_time) { want(notices_, in_time ? demand_ : kNobodys); }
  /// The lists that become overdue within this time are due now: nothing is read before the next
  /// cycle.
  Millis look_ahead() const;
  void plan(std::vector<Plan::Item> items) { plan_.renew(std::move(items)); }
  /// Besides: lists that were never visited.
  void plan_first(const std::vector<TrackedList*>& lists);
  /// A long walk goes on when the others had their turn.
  void plan_rest(TrackedList& list, std::uint64_t demand, SteadyTime now);

  CycleTask take_task();
  void finish_task(const CycleTask& task);
  void discovered(SteadyTime now, bool whole) { last_discovery_ = {now, whole}; }
  bool listed_whole() const { return last_discovery_ && last_discovery_->whole; }

  /// Ends the cycle if nothing is left; nullopt: it goes on, or none is under way.
  std::optional<CycleEnd> end_if_done(SteadyTime now);

  void note_failure() { ++failures_; }
  void note_answer() { unreachable_in_a_row_ = 0; }
  /// What an error means for the whole registry: the cycle may be given up, or pause.
  void react_to(const Error& error, SteadyTime now);
  /// While nothing can be saved nothing more is read.
  void saved(bool ok);
  bool can_save() const { return can_save_; }

 private:
  /// What is done once for the registry, before its lists are visited.
  struct Errand {
    std::optional<std::uint64_t> wanted;  ///< For this demand.
    bool running = false;
  };
  struct LastDiscovery {
    SteadyTime at;
    bool whole = false;  ///< Everything was listed.
  };
  /// Of what no scrape waits for.
  static constexpr auto kNobodys = std::numeric_limits<std::uint64_t>::max();
  static void want(Errand& errand, std::uint64_t demand);
  std::optional<CycleTask> take(Errand& errand, CycleTask::Work work);
  void abandon();

  const CycleOptions options_;
  std::uint64_t demand_ = 0;  ///< Of the newest scrape that asked.
  Plan plan_;
  std::vector<std::uint64_t> in_flight_;  ///< Demands of the tasks under way.
  Errand discovery_;
  Errand notices_;
  std::optional<LastDiscovery> last_discovery_;
  std::optional<SteadyTime> started_;  ///< nullopt: no cycle is under way.
  std::optional<SteadyTime> ended_;
  LongestCycle longest_;
  std::uint64_t failures_ = 0;
  std::uint64_t failures_at_start_ = 0;
  std::optional<SteadyTime> paused_until_;
  int unreachable_in_a_row_ = 0;
  bool can_save_ = true;
};

}  // namespace registry_exporter::ingest
