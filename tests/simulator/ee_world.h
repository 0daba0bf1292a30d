#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/clock.h"
#include "tests/simulator/dice.h"
#include "tests/simulator/world.h"

/// One seeded instance of SWR Enterprise Edition: what happened in it, without any wire format.
/// Pure: time is an argument, chance comes from the seed.
namespace registry_exporter::simulator {

/// Not all of them are in the cloud's documents.
enum class RunEnd : std::uint8_t { success, failed, stopped, other };
inline constexpr std::size_t kRunEnds = 4;

/// An execution of a policy. Its start never changes.
struct EeRun {
  std::int64_t id = 0;  ///< Of one sequence for all kinds of executions: rising, with gaps.
  UnixMillis started_at;
  Millis span{0};                      ///< How long it will have taken when it ends.
  std::optional<UnixMillis> ended_at;  ///< nullopt while it is under way.
  UnixMillis over_at;                  ///< When it was really over; listed spans are lifelike.
  Absence absence;
  Life born{0};
  RunEnd end = RunEnd::success;
};

/// What a retention execution does in one repository.
struct EeTask {
  std::int64_t id = 0;
  std::uint32_t repository = 0;  ///< Index in the namespace.
  std::uint32_t total = 0;       ///< Versions found when it began.
  std::uint32_t retained = 0;
  RunEnd end = RunEnd::success;
};

struct EeRetention {
  EeRun run;
  bool dry_run = false;
  bool scheduled = true;
  std::vector<EeTask> tasks;
};

struct EeReplication {
  EeRun run;
  std::int64_t policy_id = 0;
  /// Of its artifacts, by how they ended: success, failed, stopped.
  std::array<std::uint32_t, 3> artifacts{};
};

struct EeRepository {
  std::int64_t id = 0;
  std::string name;  ///< May contain '/'.
  UnixMillis created_at;
  std::uint32_t pushed = 0;  ///< Versions ever pushed.
  std::uint32_t deleted = 0;
  std::array<std::uint64_t, 3> deleted_by{};  ///< date_rule, tag_rule, other: the truth.
  // How it goes on:
  Dice dice{0};
  double interval_us = 0;  ///< Mean wait between pushes.
  Life next_push{0};

  std::uint32_t versions() const { return pushed - deleted; }
};

/// When something happens to the owner of a policy: a run begins, or the one under way ends.
struct EeSchedule {
  Dice dice{0};
  double interval_us = 0;
  Life next_run = Life::max();
  std::optional<Life> ends;  ///< Of the run under way; there is one at a time.
  /// The policy came while somebody watched: when its runs ended tells that they are no history.
  bool true_times = false;

  Life next() const { return ends.value_or(next_run); }
};

struct EeNamespace {
  std::string name;
  std::vector<EeRepository> repositories;
  // Its retention policy:
  std::int64_t policy_id = 0;          ///< 0: there is none (yet, or any more).
  UnixMillis policy_since;             ///< When the first one was made.
  bool had_no_policy = false;          ///< For a while, after it had one.
  std::vector<std::string> templates;  ///< Of its rules.
  std::uint32_t keep = 0;              ///< Versions that the rules keep.
  std::vector<std::int64_t> former_policies;
  std::deque<EeRetention> executions;           ///< Those still listed, oldest first.
  std::array<std::uint64_t, kRunEnds> ended{};  ///< By RunEnd: the truth.
  Order order = Order::newest_first;
  Life denied_until = Life::min();
  EeSchedule schedule;
};

struct EeReplicationPolicy {
  std::int64_t id = 0;
  std::string name;
  std::array<std::uint64_t, kRunEnds> ended{};  ///< The truth.
  std::array<std::uint64_t, 3> artifacts{};     ///< Of executions that ended: the truth.
  EeSchedule schedule;
};

/// What the policy's rules are counted as: date_rule, tag_rule, other.
std::size_t rule_index(const EeNamespace& repo_namespace);

class EeWorld {
 public:
  /// The wall time of a moment of life.
  using WallOf = std::function<UnixMicros(Life)>;
  struct Clock {
    WallOf wall_of;
    /// Executions are listed as having started earlier, all by as much, so that their spans are
    /// lifelike at any speed. They then end earlier, too.
    Millis lag{0};
  };

  /// `options` as of the world that the instance belongs to.
  EeWorld(const WorldOptions& options, const Clock& clock);

  /// Lets everything happen that is due by then.
  void advance_to(Life life, const Clock& clock);
  /// From now on.
  void set_tricks(const Tricks& tricks) { options_.tricks = tricks; }

  const std::string& instance_id() const { return instance_id_; }
  const std::vector<EeNamespace>& namespaces() const { return namespaces_; }
  const std::vector<EeReplicationPolicy>& replication_policies() const { return policies_; }
  const EeNamespace* find(std::string_view repo_namespace) const;

  /// What the lists show, in their order; without the `newest_hidden` newest.
  std::vector<const EeRetention*> listed(const EeNamespace& repo_namespace,
                                         std::size_t newest_hidden = 0) const;
  std::vector<const EeReplication*> listed_replications(std::size_t newest_hidden = 0) const;
  /// Of all policies, oldest first, those included that are away from the list.
  const std::deque<EeReplication>& replications() const { return replications_; }
  /// It has left its list for ever.
  bool is_removed(const EeRun& run) const;
  bool is_denied(const EeNamespace& repo_namespace) const {
    return life_ < repo_namespace.denied_until && !is_calm();
  }
  /// How often each trick came about, by its name.
  std::vector<std::pair<std::string_view, std::uint64_t>> tricks_played() const;

 private:
  void make_namespaces(const Clock& clock);
  void make_repository(EeNamespace& repo_namespace, Life born, const Clock& clock);
  void make_policy(EeNamespace& repo_namespace);
  void remove_policy(EeNamespace& repo_namespace);
  void make_replication_policies();
  std::int64_t next_id();
  bool is_calm() const { return options_.tricks == Tricks{}; }
  bool is_away(const EeRun& run) const;
  std::size_t kept_max() const;
  void draw_fate(EeRun& run, UnixMillis newest);
  template <class Execution>
  std::vector<const Execution*> in_order(const std::deque<Execution>& oldest_first, Order order,
                                         std::size_t newest_hidden) const;
  EeRun begin_run(EeSchedule& schedule, Millis span_max, double success_share, UnixMillis newest,
                  const Clock& clock);
  void befall(EeNamespace& repo_namespace, const Clock& clock);
  void begin(EeNamespace& repo_namespace, const Clock& clock);
  void begin(EeReplicationPolicy& policy, const Clock& clock);
  void end(EeNamespace& repo_namespace, const Clock& clock);
  void end(EeReplicationPolicy& policy, const Clock& clock);

  struct Played {
    std::uint64_t swept = 0;
    std::uint64_t policies_removed = 0;
    std::uint64_t policies_made = 0;
    std::uint64_t denials = 0;
    std::uint64_t flips = 0;
    std::uint64_t late = 0;
    std::uint64_t flickering = 0;
    std::uint64_t removed = 0;
    std::uint64_t same_start = 0;
    std::uint64_t long_runs = 0;
    std::uint64_t dry_runs = 0;
  };

  WorldOptions options_;
  Played played_;
  Life life_{0};
  Dice ids_;
  std::string instance_id_;
  std::int64_t last_id_ = 900;
  std::vector<EeNamespace> namespaces_;
  std::vector<EeReplicationPolicy> policies_;
  std::deque<EeReplication> replications_;  ///< Of all policies, oldest first.
};

}  // namespace registry_exporter::simulator
