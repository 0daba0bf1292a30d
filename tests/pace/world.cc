#include "tests/pace/world.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "exporter/cloud/found_parts.h"

namespace registry_exporter::pace {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// SplitMix64 with own arithmetic: the same on every library.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U) {}
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) / 9007199254740992.0; }
  double exponential(double mean) { return -mean * std::log(uniform()); }
  double lognormal(double median, double sigma) {
    const double normal =
        std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    return median * std::exp(sigma * normal);
  }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

Millis of_seconds(double value) {
  return duration_cast<Millis>(std::chrono::duration<double>(value));
}

constexpr double kDay = 86'400;
constexpr double kBurst = 4;
constexpr double kBurstGap = 480;
constexpr double kAtNight = 0.2;  ///< Of the daytime's activity.
constexpr double kBusiest = 150;  ///< Events a day.
constexpr int kWorkingHours = 10;
constexpr hours kDayBegins{7};
/// The calls of one visit follow one another; the next visit is further away than this.
constexpr seconds kVisitsApart{3};

bool at_night(UnixMillis time) {
  const auto in_day = time.time_since_epoch() % hours(24);
  return in_day < kDayBegins || in_day >= kDayBegins + hours(kWorkingHours);
}

/// Bursts as they come, thinned at night.
void add_builds(Listed& repository, double per_day, UnixMillis begin, UnixMillis end, Dice& dice) {
  const double typical = std::clamp(dice.lognormal(240, 0.8), 20.0, 7200.0);
  constexpr double kBusyShare = (kWorkingHours + kAtNight * (24 - kWorkingHours)) / 24.0;
  const double mean_gap = kDay / per_day * kBurst * kBusyShare;
  for (UnixMillis at = begin + of_seconds(dice.exponential(mean_gap)); at < end;
       at += of_seconds(dice.exponential(mean_gap))) {
    if (at_night(at) && dice.uniform() > kAtNight) continue;
    UnixMillis start = at;
    do {
      const bool failed = dice.uniform() < 0.1;
      const Millis span = of_seconds(typical * dice.lognormal(1, 0.3) * (failed ? 0.3 : 1));
      repository.events.push_back({start, start + span, failed, {}});
      start += of_seconds(dice.exponential(kBurstGap));
    } while (dice.uniform() < 1 - 1 / kBurst);
  }
}

/// Retention runs once a day, at the repository's own time, and deletes a handful of tags.
void add_deletions(Listed& repository, double per_day, UnixMillis begin, UnixMillis end,
                   Dice& dice) {
  const Millis time_of_day = of_seconds(dice.uniform() * kDay);
  for (UnixMillis at = begin + time_of_day; at < end; at += hours(24)) {
    const UnixMillis run = at + of_seconds(dice.exponential(120));
    for (double left = dice.exponential(per_day); left > 0.5; --left) {
      repository.events.push_back({run, run, false, {}});
    }
  }
}

void add_hints(Listed& repository, const WorldOptions& options, UnixMillis begin, UnixMillis end,
               Dice& dice) {
  repository.modified.push_back(begin);
  if (options.hints == Hints::silent) return;
  for (const Event& event : repository.events) {
    if (options.hints == Hints::lying && dice.uniform() < 2.0 / 3) continue;
    repository.modified.push_back(event.start);
    repository.modified.push_back(event.end);
  }
  if (options.hints == Hints::lying) {
    for (UnixMillis at = begin; at < end; at += of_seconds(dice.exponential(6 * 3600))) {
      repository.modified.push_back(at);
    }
  }
  std::sort(repository.modified.begin(), repository.modified.end());
}

}  // namespace

std::vector<Listed> make_repositories(const WorldOptions& options, UnixMillis now) {
  Dice dice(options.seed);
  const UnixMillis begin = now - options.history;
  const UnixMillis end = now + options.future;
  const auto share_of = [&](int rank) { return std::pow(rank, -options.concentration); };
  double harmonic = 0;
  for (int rank = 1; rank <= options.repositories; ++rank) harmonic += share_of(rank);
  const double all = options.events_per_day * options.repositories;
  std::vector<Listed> repositories;
  std::vector<int> ranks;
  for (int i = 0; i < options.repositories; ++i) ranks.push_back(i + 1);
  for (std::size_t i = ranks.size(); i > 1; --i) {
    std::swap(ranks[i - 1],
              ranks[static_cast<std::size_t>(dice.uniform() * static_cast<double>(i))]);
  }
  for (int i = 0; i < options.repositories; ++i) {
    Listed repository;
    repository.ref = {"team", std::to_string(100'000 + i), "crr-" + std::to_string(i)};
    const double per_day =
        std::min(kBusiest, all / harmonic * share_of(ranks[static_cast<std::size_t>(i)]));
    if (options.kind == &kBuilds) {
      add_builds(repository, per_day, begin, end, dice);
    } else {
      add_deletions(repository, per_day, begin, end, dice);
    }
    std::sort(repository.events.begin(), repository.events.end(),
              [](const Event& a, const Event& b) { return a.start < b.start; });
    add_hints(repository, options, begin, end, dice);
    repositories.push_back(std::move(repository));
  }
  return repositories;
}

PacedCloud::PacedCloud(Baton& baton, std::vector<Listed>& repositories, const StreamKind& kind,
                       Options options)
    : baton_(baton),
      repositories_(repositories),
      kind_(kind),
      options_(options),
      next_call_(baton.now()) {
  Dice dice(1);
  const bool lying = options.notices == Notices::lying;
  for (std::size_t i = 0; i < repositories.size(); ++i) {
    const auto anyone =
        static_cast<std::size_t>(dice.uniform() * static_cast<double>(repositories.size()));
    for (const Event& event : repositories[i].events) {
      ended_.emplace_back(event.end, lying ? anyone : i);
    }
  }
  std::sort(ended_.begin(), ended_.end());
}

void PacedCloud::call() {
  ++calls;
  const UnixMillis at = std::max(next_call_, baton_.now());
  next_call_ = at + of_seconds(1 / options_.requests_per_second);
  baton_.sleep(at - baton_.now() + options_.latency);
}

Result<Discovery> PacedCloud::discover(const PartFound& part_found) {
  Discovery discovery;
  discovery.complete = true;
  discovery.server_time = baton_.now();
  cloud::FoundParts parts(part_found);
  for (std::size_t i = 0; i < repositories_.size(); ++i) {
    if (i % static_cast<std::size_t>(options_.list_page_size) == 0) {
      parts.tell(discovery);
      call();
      ++discovery_calls;
    }
    const Listed& repository = repositories_[i];
    const auto after =
        std::upper_bound(repository.modified.begin(), repository.modified.end(), baton_.now());
    ListedRepository listed;
    listed.ref = repository.ref;
    listed.created_at = repository.modified.front();
    listed.modified_at = *std::prev(after);
    discovery.repositories.push_back(std::move(listed));
  }
  return discovery;
}

Notice PacedCloud::notice_of(const Ended& ended, std::size_t number) const {
  return {std::to_string(number), &kind_, repositories_[ended.second].ref, ended.first};
}

/// Newest first.
Result<NoticePage> PacedCloud::list_notices(const PageRequest& request) {
  call();
  ++notice_calls;
  if (options_.notices == Notices::forbidden) return fail(ErrorKind::forbidden, "no permission");
  NoticePage page;
  page.server_time = baton_.now();
  if (options_.notices == Notices::silent) return page;
  const auto after =
      std::upper_bound(ended_.begin(), ended_.end(), Ended{baton_.now(), repositories_.size()});
  const auto total = static_cast<std::size_t>(after - ended_.begin());
  const auto size = static_cast<std::size_t>(request.size);
  const std::size_t first = std::min(total, static_cast<std::size_t>(request.index) * size);
  for (std::size_t row = first; row < std::min(total, first + size); ++row) {
    page.notices.push_back(notice_of(ended_[total - 1 - row], total - 1 - row));
  }
  page.rows = page.notices.size();
  page.total = total;
  return page;
}

Listed& PacedCloud::visited(const RepositoryRef& repository) {
  Listed& listed = repositories_[std::stoul(repository.name) - 100'000];
  if (baton_.now() - listed.called_at > kVisitsApart) ++reads;
  listed.called_at = baton_.now();
  ++listed.calls;
  return listed;
}

Record PacedCloud::hand_out(Listed& repository, std::size_t index) {
  Event& event = repository.events[index];
  const bool open = event.end > baton_.now();
  if (!open && !event.seen_at) event.seen_at = baton_.now();
  Record record;
  record.id = repository.ref.name + "-" + std::to_string(index);
  record.key = record_key(record.id);
  record.started_at = event.start;
  record.open = open;
  if (!open) record.ended_at = event.end;
  record.outcome = &kind_ == &kDeletions ? Outcome::date_rule
                   : event.failed        ? Outcome::failed
                                         : Outcome::success;
  return record;
}

Result<Page> PacedCloud::list_records(const ListRef& list, const PageRequest& request) {
  const RepositoryRef& ref = list.of;
  Listed& repository = visited(ref);
  call();
  const auto after =
      std::upper_bound(repository.events.begin(), repository.events.end(), baton_.now(),
                       [](UnixMillis now, const Event& event) { return now < event.start; });
  const auto total = static_cast<std::size_t>(after - repository.events.begin());
  const auto size = static_cast<std::size_t>(request.size);
  const std::size_t first = std::min(total, static_cast<std::size_t>(request.index) * size);
  const std::size_t last = std::min(total, first + size);
  Page page;
  for (std::size_t row = first; row < last; ++row) {
    page.records.push_back(hand_out(repository, total - 1 - row));
  }
  page.rows = page.records.size();
  page.total = total;
  page.server_time = baton_.now();
  rows += page.rows;
  return page;
}

Result<Record> PacedCloud::read_record(const ListRef& list, const std::string& id) {
  const RepositoryRef& ref = list.of;
  Listed& repository = visited(ref);
  call();
  return hand_out(repository, std::stoul(id.substr(id.find('-') + 1)));
}

Result<std::vector<RetentionRule>> PacedCloud::retention_rules(const RepositoryRef&) {
  return std::vector<RetentionRule>{};
}

}  // namespace registry_exporter::pace
