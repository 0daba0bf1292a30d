#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exporter/base/clock.h"
#include "tests/simulator/dice.h"

/// One seeded world of both clouds: what happened, without any wire format. Pure: time is an
/// argument, chance comes from the seed.
namespace registry_exporter::simulator {

/// The world's own time since it began; negative is history. Runs `speed` times faster than the
/// wall clock.
using Life = std::chrono::microseconds;
using UnixMicros = std::chrono::sys_time<std::chrono::microseconds>;

struct WorldOptions {
  std::uint64_t seed = 1;
  /// Repositories of each cloud at the start.
  int repositories = 20;
  /// How many times faster than life things happen; 0 freezes the world.
  double speed = 1;
  /// Newest first; else oldest first.
  bool newest_first = true;
  /// Repositories of each cloud that appear per day of life.
  double births_per_day = 2;
  /// Repositories of each cloud that vanish per day of life, the truth about them included.
  double deaths_per_day = 0;
  /// Records a list keeps; 0: all. Older finished ones leave the list and stay in the truth.
  std::size_t history_max = 0;
};

enum class BuildEnd : std::uint8_t { success, failed, canceled, other };

/// One image build. A build's StartTime never changes, and new builds are always the newest.
struct Build {
  std::string id;  ///< A UUID.
  UnixMillis started_at;
  Millis span{0};                      ///< How long it will have taken when it ends.
  std::optional<UnixMillis> ended_at;  ///< nullopt while it runs.
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

class World {
 public:
  World(const WorldOptions& options, UnixMillis now);

  /// Lets everything happen that is due by now. The same seed, start and speeds give the same
  /// world, however often this is called. A `now` in the past changes nothing.
  void advance_to(UnixMillis now);
  /// From now on; what has happened stays.
  void set_speed(double speed, UnixMillis now);
  void set_churn(double deaths_per_day, std::size_t history_max);

  const WorldOptions& options() const { return options_; }
  const std::vector<std::string>& acr_namespaces() const { return acr_namespaces_; }
  const std::vector<std::string>& swr_namespaces() const { return swr_namespaces_; }
  const std::deque<AcrRepository>& acr() const { return acr_; }
  const std::deque<SwrRepository>& swr() const { return swr_; }

  const AcrRepository* find_acr(std::string_view id) const;
  const SwrRepository* find_swr(std::string_view repo_namespace, std::string_view name) const;
  struct FoundBuild {
    const AcrRepository* repository = nullptr;
    const Build* build = nullptr;
  };
  /// Both null if there is no such build (any more).
  FoundBuild find_build(std::string_view id) const;

  /// PENDING, BUILDING or the final status, as of the last advance.
  std::string_view status_of(const Build& build) const;

 private:
  UnixMicros wall_of(Life life) const;
  Life life_at(UnixMillis now) const;
  Millis start_lag() const;
  void add_acr(Life born, Life history);
  void add_swr(Life born, Life history);
  /// Both return when something happens next.
  Life advance(AcrRepository& repository);
  Life advance(SwrRepository& repository);
  void start_build(AcrRepository& repository, Life at);
  void finish_builds(AcrRepository& repository);
  void delete_tag(SwrRepository& repository, Life at);
  void start_run(SwrRepository& repository, Life at);
  void trim(AcrRepository& repository) const;
  void trim(SwrRepository& repository) const;
  bool be_born_and_die();
  void index_repositories();

  WorldOptions options_;
  UnixMicros anchor_wall_;  ///< Where life stood at this wall time: the last change of speed.
  Life anchor_life_{0};
  Life life_{0};
  Life next_event_{0};  ///< Nothing happens before.
  Millis lag_{0};
  Dice fate_;
  Life next_birth_{0};
  Life next_death_{0};
  std::uint32_t acr_count_ = 0;  ///< Ever made.
  std::uint32_t swr_count_ = 0;
  std::vector<std::string> acr_namespaces_;
  std::vector<std::string> swr_namespaces_;
  std::deque<AcrRepository> acr_;
  std::deque<SwrRepository> swr_;
  std::unordered_map<std::string, std::size_t> acr_at_;  ///< By id.
  std::unordered_map<std::string, std::size_t> swr_at_;  ///< By "namespace/name".
};

}  // namespace registry_exporter::simulator
