#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"
#include "tests/simulator/dice.h"
#include "tests/simulator/script.h"
#include "tests/simulator/sync_tasks.h"
#include "tests/simulator/world_time.h"

/// One seeded world of both clouds: what happened, without any wire format. Pure: time is an
/// argument, chance comes from the seed.
namespace registry_exporter::simulator {

/// How the world is hard on readers of its lists. Shares are of all records; rates are repositories
/// of each cloud per day of life. The truth tells of everything all the same.
struct Tricks {
  double deaths_per_day = 0;    ///< That vanish, the truth about them included.
  double rebirths_per_day = 0;  ///< That vanish and come again at once: same name, empty list.
  double renames_per_day = 0;   ///< acr alone.
  double denials_per_day = 0;   ///< Whose lists are refused for some minutes.
  double flips_per_day = 0;     ///< Whose lists change their order.
  /// Records a list keeps; 0: all. Older finished ones leave it.
  std::size_t history_max = 0;
  double late = 0;        ///< Are listed only some minutes after they came, in their place.
  double flickering = 0;  ///< Leave the list for some minutes.
  double removed = 0;     ///< Leave it for ever, some time after they ended.
  double same_start = 0;  ///< Started in the very moment in which the one before did.
  double long_builds = 0;

  bool operator==(const Tricks&) const = default;
};

/// What the total of a list is said to be.
enum class Totals : std::uint8_t { right, missing, null, zero, low, page_rows, high, wild };
inline constexpr std::size_t kTotals = 8;

/// What a place that is broken for good answers.
enum class Broken : std::uint8_t { bad_request, forbidden, server_error, never };
inline constexpr std::size_t kBroken = 4;

/// What is wrong with a cloud for good, at certain places or in every answer.
struct LastingFaults {
  Totals totals = Totals::right;
  /// acr: pages begin where the size that was asked for says, though the server cuts them short.
  bool cuts_by_offset = false;
  bool echoes_asked_size = false;  ///< acr: whatever size it used.
  Broken answer = Broken::bad_request;
  int depth = 0;                ///< Rows of a list of records from this one on; 0: none.
  int broken_records = 0;       ///< Every so many-th record breaks each page that shows it.
  int broken_ids = 0;           ///< acr: every so many-th build can't be read by its id.
  int broken_repositories = 0;  ///< The list of every so many-th repository.

  bool breaks_record(std::uint32_t number) const { return hits(broken_records, number); }
  bool breaks_id(std::uint32_t number) const { return hits(broken_ids, number); }
  bool breaks_repository(std::uint32_t number) const { return hits(broken_repositories, number); }
  /// Whether a page of rows [first, end) of a list can't be read for its depth.
  bool is_too_deep(std::size_t first, std::size_t end) const {
    const auto rows = static_cast<std::size_t>(depth);
    return depth > 0 && (first >= rows || end > rows);
  }

 private:
  static bool hits(int every, std::uint32_t number) {
    return every > 0 && number % static_cast<std::uint32_t>(every) == 0;
  }
};

/// What ACR's event centre tells of builds and synchronisations that ended.
enum class Events : std::uint8_t { newest_first, oldest_first, none, lies, forbidden };
inline constexpr std::size_t kEvents = 5;

struct WorldOptions {
  std::uint64_t seed = 1;
  /// Repositories of each cloud at the start.
  int repositories = 20;
  /// The same of the instance of SWR Enterprise Edition; 0: as many.
  int ee_repositories = 0;
  /// How many times faster than life things happen; 0 freezes the world.
  double speed = 1;
  Order order = Order::newest_first;
  /// How long the first repositories' lists are, against a life-like one.
  double history = 1;
  /// Builds are listed with the spans that they have in life, by an earlier start, so that they
  /// seem to have ended earlier than they did. Else with the wall's times, which are true and
  /// short.
  bool lifelike_spans = true;
  /// Repositories of each cloud that appear per day of life.
  double births_per_day = 2;
  /// The longest page of records, whatever is asked for; 0: as the clouds have it.
  int page_size_max = 0;
  /// Replications of SWR Enterprise Edition tell their times: not all instances may.
  bool replications_tell_times = true;
  Tricks tricks{};
  LastingFaults lasting{};
  Events events = Events::newest_first;
  /// Outlives the world; nullptr: none.
  const Script* script = nullptr;
};

enum class BuildEnd : std::uint8_t { success, failed, canceled, other };

/// One image build. A build's StartTime never changes, and new builds are always the newest.
struct Build {
  std::string id;  ///< A UUID.
  UnixMillis started_at;
  Millis span{0};                      ///< How long it will have taken when it ends.
  std::optional<UnixMillis> ended_at;  ///< nullopt while it runs.
  UnixMillis over_at;                  ///< When it was really over; listed spans are lifelike.
  Absence absence;
  Life born{0};
  std::uint32_t tag = 0;
  BuildEnd end = BuildEnd::success;
  std::string_view final_status;  ///< As the cloud spells it; a literal.
};

struct AcrRepository {
  std::string id;  ///< "crr-…"
  std::string repo_namespace;
  std::string name;
  UnixMillis created_at;
  UnixMillis modified_at;
  std::deque<Build> builds;                 ///< Those still listed, oldest first.
  std::uint64_t trimmed = 0;                ///< How many left the list.
  std::array<std::uint64_t, 4> finished{};  ///< By BuildEnd, trimmed ones included.
  std::vector<std::uint64_t> open;          ///< Numbers of running builds.
  Order order = Order::newest_first;
  Life denied_until = Life::min();
  std::vector<std::string> former_names;
  // How it goes on:
  std::uint32_t index = 0;
  Dice dice{0};
  Life next_start{0};
  double interval_us = 0;  ///< Mean wait between starts.
  double base_span_ms = 0;
  double success_share = 0;
};

struct RetentionRuleText {
  std::int64_t id = 0;
  std::string rule_template;  ///< date_rule, tag_rule or something newer.
  int keep = 0;               ///< Days or tags.
  int selectors = 0;          ///< Which of a few lists of exceptions.
};

/// One tag deleted by retention.
struct Deletion {
  std::int64_t id = 0;
  UnixMicros created_at;
  Absence absence;
  std::uint32_t tag = 0;
  std::uint32_t rule = 0;  ///< Index in `rules`.
};

struct SwrRepository {
  std::string repo_namespace;
  std::string name;  ///< May contain '/'.
  UnixMillis created_at;
  UnixMillis updated_at;
  std::vector<RetentionRuleText> rules;  ///< The last one is in force; empty: none.
  std::deque<Deletion> deletions;        ///< Those still listed, oldest first.
  std::uint64_t trimmed = 0;
  std::array<std::uint64_t, 3> deleted_by{};  ///< date_rule, tag_rule, other.
  std::uint32_t pushed = 0;                   ///< Tags ever pushed, numbered from 1.
  std::uint32_t deleted = 0;                  ///< The oldest go first.
  std::uint64_t downloads = 0;
  Order order = Order::newest_first;
  Life denied_until = Life::min();
  // How it goes on:
  std::uint32_t index = 0;
  Dice dice{0};
  Life next_push{0};
  Life next_run{0};
  std::deque<Life> due;  ///< Deletions of a run under way.
  double interval_us = 0;
  std::uint32_t keep = 0;

  std::uint32_t tags() const { return pushed - deleted; }
  std::uint64_t size_bytes() const { return std::uint64_t{tags()} * 48'231'424 + 1'048'576; }
};

class EeWorld;

class World {
 public:
  World(const WorldOptions& options, UnixMillis now);
  World(World&& other) noexcept;
  ~World();

  /// Lets everything happen that is due by now. The same seed, start and speeds give the same
  /// world, however often this is called. A `now` in the past changes nothing.
  void advance_to(UnixMillis now);
  /// From now on; what has happened stays.
  void set_speed(double speed, UnixMillis now);
  /// From now on. Without tricks, what was away or denied for a while is there again.
  void set_tricks(const Tricks& tricks);

  const WorldOptions& options() const { return options_; }
  const std::vector<std::string>& acr_namespaces() const { return acr_namespaces_; }
  const std::vector<std::string>& swr_namespaces() const { return swr_namespaces_; }
  const std::deque<AcrRepository>& acr() const { return acr_; }
  const std::deque<SwrRepository>& swr() const { return swr_; }
  /// Those that vanished, as they were then.
  const std::vector<AcrRepository>& gone_acr() const { return gone_acr_; }
  const std::vector<SwrRepository>& gone_swr() const { return gone_swr_; }
  /// The instance of SWR Enterprise Edition.
  const EeWorld& ee() const { return *ee_; }

  const AcrRepository* find_acr(std::string_view id) const;
  const SwrRepository* find_swr(std::string_view repo_namespace, std::string_view name) const;
  struct FoundBuild {
    const AcrRepository* repository = nullptr;
    const Build* build = nullptr;
  };
  /// Both null if there is no such build (any more).
  FoundBuild find_build(std::string_view id) const;

  /// What a list shows, in its order; without the `newest_hidden` newest.
  std::vector<const Build*> listed(const AcrRepository& repository,
                                   std::size_t newest_hidden = 0) const;
  std::vector<const Deletion*> listed(const SwrRepository& repository,
                                      std::size_t newest_hidden = 0) const;
  /// The synchronisation tasks of the whole instance.
  const SyncTasks& syncs() const { return syncs_; }
  std::vector<const SyncTask*> listed_syncs(std::size_t newest_hidden = 0) const;
  /// The synchronisation jobs of all SWR repositories, and those of one.
  const SyncTasks& swr_syncs() const { return swr_syncs_; }
  std::vector<const SyncTask*> listed_syncs(const SwrRepository& repository,
                                            std::size_t newest_hidden = 0) const;
  bool is_removed(const Absence& absence) const;
  bool is_calm() const { return options_.tricks == Tricks{}; }
  template <class AnyRepository>
  bool is_denied(const AnyRepository& repository) const {
    return life_ < repository.denied_until && !is_calm();
  }
  /// How often each trick came about, by its name.
  std::vector<std::pair<std::string_view, std::uint64_t>> tricks_played() const;

  /// PENDING, BUILDING or the final status, as of the last advance.
  std::string_view status_of(const Build& build) const;

 private:
  UnixMicros wall_of(Life life) const;
  Life life_at(UnixMillis now) const;
  Millis start_lag() const;
  void advance_ee();
  AcrRepository make_acr(Life born, Life history);
  SwrRepository make_swr(Life born, Life history);
  /// Both return when something happens next.
  Life advance(AcrRepository& repository);
  Life advance(SwrRepository& repository);
  const Script& script() const { return script_or_none(options_.script); }
  void start_build(AcrRepository& repository, Life at);
  void finish_builds(AcrRepository& repository);
  void delete_tag(SwrRepository& repository, Life at);
  void start_run(SwrRepository& repository, Life at);
  template <class AnyRepository, class Records>
  void trim(AnyRepository& repository, Records& records);
  /// Births, deaths and what else befalls whole repositories.
  enum class Turn { birth, death, rebirth, rename, denial, flip };
  static constexpr std::size_t kTurns = 6;
  double rate(Turn turn) const;
  Life wait_for(Turn turn);
  bool take_turns();
  void take(Turn turn, Life at);
  template <class Repositories, class Gone>
  void take(Turn turn, Repositories& repositories, Gone& gone);
  void rename(AcrRepository& repository);
  Absence draw_absence(std::uint64_t stream, Life born, Life over);
  bool is_away(const Absence& absence) const;
  void index_repositories();
  SyncTasks make_syncs(SyncCloud cloud) const;
  Life advance_syncs();

  WorldOptions options_;
  UnixMicros anchor_wall_;  ///< Where life stood at this wall time: the last change of speed.
  Life anchor_life_{0};
  Life life_{0};
  Life next_event_{0};  ///< Nothing happens before.
  Millis lag_{0};
  Dice fate_;
  std::array<Life, kTurns> next_turn_{};
  std::array<std::uint64_t, kTurns> turns_{};
  struct Played {
    std::uint64_t trimmed = 0;
    std::uint64_t late = 0;
    std::uint64_t flickering = 0;
    std::uint64_t removed = 0;
    std::uint64_t same_start = 0;
    std::uint64_t long_builds = 0;
  } played_;
  std::uint32_t acr_count_ = 0;  ///< Ever made.
  std::uint32_t swr_count_ = 0;
  std::vector<std::string> acr_namespaces_;
  std::vector<std::string> swr_namespaces_;
  std::deque<AcrRepository> acr_;
  std::deque<SwrRepository> swr_;
  std::vector<AcrRepository> gone_acr_;
  std::vector<SwrRepository> gone_swr_;
  SyncTasks syncs_;
  SyncTasks swr_syncs_;
  std::unordered_map<std::string, std::size_t> acr_at_;  ///< By id.
  std::unordered_map<std::string, std::size_t> swr_at_;  ///< By "namespace/name".
  std::unique_ptr<EeWorld> ee_;
};

}  // namespace registry_exporter::simulator
