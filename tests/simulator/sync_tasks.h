#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulator/dice.h"
#include "tests/simulator/script.h"
#include "tests/simulator/world_time.h"

namespace registry_exporter::simulator {

/// One image synchronisation. What it says of its repository never changes,
/// whatever becomes of that.
struct SyncTask {
  std::string id;        ///< "rst-…"; SWR has its number instead.
  std::string batch_id;  ///< Shared by the tasks of one image.
  std::string rule_id;
  std::string repo_namespace, repo;  ///< Ours.
  bool incoming = false;             ///< From another instance to ours.
  UnixMillis created_at;
  Millis span{0};                      ///< How long it will have taken when it ends.
  std::optional<UnixMillis> ended_at;  ///< nullopt while it runs.
  UnixMillis over_at;                  ///< When it was really over; listed spans are lifelike.
  Absence absence;
  Life born{0};
  std::uint32_t tag = 0;  ///< Its number, from 1.
  std::size_t end = 0;    ///< By the order of SyncCounts::finished.
  std::size_t owner = 0;  ///< Its place in SyncTasks::Options::owners.
  std::string_view final_status;
};

struct SyncCounts {
  std::array<std::uint64_t, 4> finished{};  ///< success, failed, canceled, other.
  std::uint64_t open = 0;
};

/// How the synchronisations of an ACR instance, or of an SWR region, go on: of the repositories of
/// its beginning, and of some that are made later, whose tasks come before they do. ACR has one
/// list for all, SWR one for each repository.
class SyncTasks {
 public:
  struct Options {
    SyncCloud cloud = SyncCloud::acr;
    std::uint64_t seed = 1;
    std::vector<std::pair<std::string, std::string>> owners;  ///< Namespace and name.
    Order order = Order::newest_first;
    const Script* script = nullptr;  ///< Outlives the tasks; nullptr: none.
  };
  /// The world around them.
  struct Surroundings {
    std::function<UnixMicros(Life)> wall_of;
    Millis lag{0};  ///< Listed times are earlier than they are by this.
    std::function<Absence(std::uint64_t stream, Life born, Life over)> draw_absence;
  };

  explicit SyncTasks(Options options);

  /// Lets everything happen by then. Returns when something happens next.
  Life advance(Life life, const Surroundings& around);
  /// Older finished ones leave the list when it has more; 0: none ever does.
  void trim(std::size_t most);

  const std::vector<std::pair<std::string, std::string>>& owners() const { return options_.owners; }
  const std::deque<SyncTask>& all() const { return tasks_; }
  Order order() const { return options_.order; }
  /// What the cloud says of it, as of the last advance.
  std::string_view status_of(const SyncTask& task) const;
  /// As of the last advance; of what was trimmed, too.
  SyncCounts counts_of(const std::string& repo_namespace, const std::string& repo) const;

 private:
  void start_batch(Life at, const Surroundings& around);
  void start_task(const std::string& batch_id, std::size_t owner, std::size_t rule, Life at,
                  const Surroundings& around);
  Life finish(const Surroundings& around);

  Options options_;
  Dice dice_;
  Life life_{0};
  Life next_start_{0};
  double interval_us_ = 0;
  std::uint64_t started_ = 0;
  std::uint64_t trimmed_ = 0;
  std::deque<SyncTask> tasks_;                ///< Those still listed, oldest first.
  std::vector<std::uint64_t> open_;           ///< Numbers, from 0.
  std::map<std::string, SyncCounts> counts_;  ///< By "namespace/name".
};

}  // namespace registry_exporter::simulator
