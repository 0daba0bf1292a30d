#include "exporter/ingest/collector.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "exporter/base/log.h"

namespace registry_exporter {
namespace {

/// A repository unread for so many max_staleness is one that the rate is too low for.
constexpr int kFarOverdue = 2;
/// Nothing is read sooner than this part of max_staleness before it is overdue.
constexpr int kAheadShare = 4;
/// Sweeps and open builds included.
constexpr double kCallsPerRead = 1.1;
constexpr std::chrono::minutes kTellAgain{30};
/// A sweep that a total asked for, or that was not clean, comes at most this often a
/// sweep_interval.
constexpr int kExtraSweeps = 12;

Millis since(SteadyTime then, SteadyTime now) {
  return std::chrono::duration_cast<Millis>(now - then);
}

}  // namespace

Collector::Collector(Runtime runtime, Cloud& cloud, CollectorOptions options, CollectorHooks hooks,
                     std::unique_ptr<RegistryBooks> data)
    : runtime_(runtime),
      cloud_(cloud),
      options_(std::move(options)),
      hooks_(std::move(hooks)),
      changed_(runtime.threads.make_waiter()),
      data_(std::move(data)),
      longest_cycle_(2 * options_.max_staleness),
      page_limit_(options_.sweep_interval + options_.max_staleness),
      showing_(options_.past, runtime.clock.steady_now()) {
  const SteadyTime now = runtime_.clock.steady_now();
  const UnixMillis wall = runtime_.clock.now();
  data_->type = options_.type;
  apply_scope(*data_, options_.discovery);
  committed_ = data_->state;
  adopt_bucket_bounds();
  for (const auto& [key, repository] : data_->repositories) {
    Ledger& ledger = repository->state.ledger;
    repository->in_flight = false;
    repository->planned.reset();
    // Learned anew: what is remembered tells as much as a memory of its own would.
    repository->activity = {};
    repository->spans = {};
    for (const ClosedRecord& record : ledger.closed) repository->learn_from(record);
    repository->holds_known = repository->lingering = 0;
    // Monotonic times from the wall's; a wall that went back makes them due at worst.
    const auto steady = [&](UnixMillis then) { return now - std::max(wall - then, Millis{0}); };
    const bool is_read = ledger.last_read && !options_.read_everything;
    if (is_read && !repository->read_at) repository->read_at = steady(*ledger.last_read);
    if (ledger.last_sweep && !repository->swept_at) {
      repository->swept_at = steady(*ledger.last_sweep);
      repository->swept_clean = true;
    }
    if (options_.type == RegistryType::acr) {  // The first release kept those of counted ones only.
      repository->dirty |=
          add_histograms(ledger, options_.bucket_bounds, !repository->state.hidden);
    }
    repository->view = view_of(*repository);
  }
  if (options_.past.shown) freeze();
  publish();
}

Collector::~Collector() { stop(); }

void Collector::start() {
  for (int i = 0; i < options_.concurrency; ++i) {
    workers_.push_back(
        runtime_.threads.start(options_.name + "/" + std::to_string(i), [this] { work(); }));
  }
}

void Collector::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  cloud_.abort();
  changed_->notify_all();
  workers_.clear();
}

std::unique_ptr<RegistryBooks> Collector::take_data() {
  const std::lock_guard lock(mutex_);
  return std::move(data_);
}

// ── Scrapes ──────────────────────────────────────────────────────────────────────────────────────

Collector::Ticket Collector::begin_scrape(const std::string& client) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return {demand_, failures_ - 1, false};
  const SteadyTime now = runtime_.clock.steady_now();
  if (showing_.scrape_begins(client, now)) freeze();
  let_go_of_holds(client);
  if (commit_failed_) hooks_.dirty();  // Try again; until it works nothing more is read.
  const bool soon = !cycle_started_ && cycle_ended_ && options_.min_interval > Millis{0} &&
                    since(*cycle_ended_, now) < options_.min_interval;
  const bool paused = paused_until_ && now < *paused_until_;
  if (soon || paused || commit_failed_) {
    return {demand_, failures_ - (soon ? 0 : 1), soon};
  }
  ++demand_;
  if (!cycle_started_) {
    cycle_started_ = now;
    failures_at_cycle_start_ = failures_;
    unreachable_in_a_row_ = 0;
  }
  const bool discovery_due = !discovered_at_ ||
                             since(*discovered_at_, now) >= options_.discovery_interval ||
                             !data_->state.discovered;
  if (discovery_due && !discovery_running_ && !discovery_wanted_) discovery_wanted_ = demand_;
  plan_due();
  end_cycle_if_done();
  changed_->notify_all();
  return {demand_, failures_, false};
}

bool Collector::wait(const Ticket& ticket, SteadyTime deadline) {
  std::unique_lock lock(mutex_);
  while (!stopping_ && !ticket.cached && outstanding(ticket.demand)) {
    if (runtime_.clock.steady_now() >= deadline) return false;
    changed_->wait_until(lock, deadline);
  }
  return !stopping_ && failures_ == ticket.failures;
}

bool Collector::everything_read() const {
  const std::lock_guard lock(mutex_);
  bool all = discovered_whole_;
  if (!all) log::error("not every repository could be listed", {{"registry", options_.name}});
  for (const auto& [key, repository] : data_->repositories) {
    const bool halted = repository->state.ledger.halted;
    const bool read = repository->read_at && !halted;
    if (read || !repository->has_series()) continue;
    all = false;
    if (repository->failing) continue;  // That was told.
    log::error("repository not read",
               {{"registry", options_.name},
                {"repository", full_name(repository->state.ref)},
                {"reason", halted ? "its books are out of balance" : "given up"}});
  }
  return all;
}

void Collector::answered(const std::string& client, std::uint64_t version) {
  const std::lock_guard lock(mutex_);
  if (!data_) return;
  if (showing_.answered(client, version, runtime_.clock.steady_now())) publish();
  let_go_of_holds(std::nullopt);
}

std::shared_ptr<const RegistrySnapshot> Collector::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

// ── The cycle ────────────────────────────────────────────────────────────────────────────────────

/// Rows that could not be read are to be tried again.
bool Collector::unreadable_due(const Repository& repository, SteadyTime now) const {
  const auto& retry_at = repository.unreadable_retry_at;
  return repository.state.ledger.unread_from && (!retry_at || now >= *retry_at);
}

bool Collector::sweep_due(const Repository& repository, SteadyTime now) const {
  if (unreadable_due(repository, now)) return true;
  if (!repository.swept_at) return repository.state.ledger.read_whole;
  const Millis age = since(*repository.swept_at, now);
  if (age >= options_.sweep_interval) return true;
  const bool wanted = repository.state.ledger.sweep_wanted || !repository.swept_clean;
  return wanted && age >= std::min(options_.sweep_interval / kExtraSweeps, options_.max_staleness);
}

RepositoryPace Collector::pace_of(const Repository& repository, SteadyTime now) const {
  const Ledger& ledger = repository.state.ledger;
  RepositoryPace pace;
  if (repository.read_at) pace.since_read = since(*repository.read_at, now);
  if (repository.retry_at) pace.retry_in = since(now, *repository.retry_at);
  pace.failed = repository.failures > 0;
  pace.unfinished = ledger.walk.has_value();
  pace.sweep_due = sweep_due(repository, now);
  const UnixMillis wall = runtime_.clock.now();
  for (const OpenRecord& open : ledger.open) {
    const Millis interval = follow_interval(wall - open.placed_at, repository.spans);
    pace.follow_every = std::min(pace.follow_every.value_or(interval), interval);
  }
  pace.events_per_second = repository.activity.per_second(wall);
  pace.hinted = repository.hinted;
  if (repository.listed_at) pace.since_listed = wall - *repository.listed_at;
  return pace;
}

/// Says which rate would do; nobody else knows how many repositories there are.
void Collector::tell_of_low_rate(std::size_t overdue, SteadyTime now) {
  const double seconds = std::chrono::duration<double>(options_.max_staleness).count();
  const double enough = static_cast<double>(data_->repositories.size()) * kCallsPerRead / seconds;
  const bool told = low_rate_told_at_ && since(*low_rate_told_at_, now) < kTellAgain;
  if (overdue == 0 || told || enough <= options_.requests_per_second) return;
  low_rate_told_at_ = now;
  log::warn("requests_per_second is too low to read every repository within max_staleness",
            {{"registry", options_.name},
             {"repositories", std::to_string(data_->repositories.size())},
             {"overdue", std::to_string(overdue)},
             {"enough", std::to_string(static_cast<std::int64_t>(std::ceil(enough)))}});
}

/// Everything that is due, as urgent as it is now.
void Collector::plan_due() {
  const SteadyTime now = runtime_.clock.steady_now();
  // What will be overdue by the end of the cycle is due now: nothing is read before the next one.
  const Millis until_read =
      std::min(longest_cycle_.longest(), options_.max_staleness / kAheadShare);
  std::size_t overdue = 0;
  std::vector<Plan::Item> items;
  for (const auto& [key, repository] : data_->repositories) {
    const std::optional<std::uint64_t> planned = std::exchange(repository->planned, std::nullopt);
    const bool readable = repository->has_series() && !repository->state.ledger.halted;
    if (!readable || repository->in_flight) continue;
    const RepositoryPace pace = pace_of(*repository, now);
    const std::optional<Due> urgency = due(pace, hints_, options_.max_staleness - until_read);
    if (!urgency) continue;
    if (pace.since_read >= kFarOverdue * options_.max_staleness) ++overdue;
    repository->planned = planned.value_or(demand_);
    items.push_back({repository.get(), *repository->planned, *urgency, repository->visited_at});
  }
  plan_.renew(std::move(items));
  tell_of_low_rate(overdue, now);
}

bool Collector::outstanding(std::uint64_t demand) const {
  if (discovery_wanted_ && *discovery_wanted_ <= demand) return true;
  return !plan_.done_for(demand) ||
         std::any_of(in_flight_.begin(), in_flight_.end(),
                     [demand](std::uint64_t each) { return each <= demand; });
}

Collector::Task Collector::take_task() {
  if (!cycle_started_ || commit_failed_) return {};
  if (discovery_wanted_ && !discovery_running_) {
    const std::uint64_t demand = *discovery_wanted_;
    discovery_wanted_.reset();
    discovery_running_ = true;
    in_flight_.push_back(demand);
    return {Work::discovery, nullptr, demand};
  }
  const std::optional<Plan::Item> next = plan_.take();
  if (!next) return {};
  next->repository->planned.reset();
  next->repository->in_flight = true;
  in_flight_.push_back(next->demand);
  return {Work::repository, next->repository, next->demand};
}

void Collector::finish_task(const Task& task) {
  in_flight_.erase(std::find(in_flight_.begin(), in_flight_.end(), task.demand));
  if (task.repository != nullptr) task.repository->in_flight = false;
  if (task.work == Work::discovery) discovery_running_ = false;
  end_cycle_if_done();
  changed_->notify_all();
}

void Collector::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Task task = take_task();
    if (task.work == Work::none) {
      changed_->wait_until(lock, SteadyTime::max());
      continue;
    }
    lock.unlock();
    try {
      if (task.work == Work::discovery) discover();
      if (task.work == Work::repository) visit(*task.repository, task.demand);
    } catch (const std::bad_alloc&) {
      throw;  // Half-merged pages are worth nothing: what is on the disk is whole.
    } catch (const std::exception& error) {
      log::error("collection failed", {{"registry", options_.name}, {"error", error.what()}});
    }
    lock.lock();
    finish_task(task);
  }
}

void Collector::end_cycle_if_done() {
  if (!cycle_started_ || !plan_.empty() || !in_flight_.empty() || discovery_wanted_) return;
  const SteadyTime now = runtime_.clock.steady_now();
  const Millis took = since(*cycle_started_, now);
  last_cycle_seconds_ = std::chrono::duration<double>(took).count();
  longest_cycle_.took(took, now);
  cycle_ended_ = now;
  cycle_started_.reset();
  if (failures_ == failures_at_cycle_start_) {
    data_->state.last_success = runtime_.clock.now();
    data_->dirty = true;
  }
  windows_moved_ = true;
  hooks_.dirty();
}

/// What is left stays due; the next scrape tries again.
void Collector::abandon_cycle() {
  for (const auto& [key, repository] : data_->repositories) repository->planned.reset();
  plan_.renew({});
  discovery_wanted_.reset();
}

// ── Discovery ────────────────────────────────────────────────────────────────────────────────────

void Collector::discover() {
  const UnixMillis begun = runtime_.clock.now();
  std::size_t found = 0;
  const auto take_in_part = [&](const Discovery& part) {
    const std::lock_guard lock(mutex_);
    found += apply_first_part(*data_, part, begun, options_.discovery).found;
    data_->dirty = true;
    plan_due();
    hooks_.dirty();
    changed_->notify_all();
  };
  std::unique_lock lock(mutex_);
  const bool nothing_known = data_->repositories.empty();
  lock.unlock();
  const Result<Discovery> discovery =
      cloud_.discover(nothing_known ? PartFound(take_in_part) : nullptr);
  lock.lock();
  discovered_at_ = runtime_.clock.steady_now();
  discovered_whole_ = discovery && discovery->complete && discovery->failed_namespaces.empty();
  if (!discovery) {
    ++failures_;
    if (!stopping_) {
      log::warn("discovery failed",
                {{"registry", options_.name},
                 {"reason", std::string(registry_exporter::name(discovery.error().kind))},
                 {"error", discovery.error().detail}});
    }
    react_to(discovery.error());
    return;
  }
  const bool first = !data_->state.discovered;
  DiscoveryEffects effects = apply_discovery(*data_, *discovery, begun, options_.discovery);
  effects.found += found;
  data_->dirty = true;
  if (effects.over_limit != over_limit_ && effects.over_limit > 0) {
    log::warn("more repositories than metrics.max_repositories: the rest is not read",
              {{"registry", options_.name}, {"over", std::to_string(effects.over_limit)}});
  }
  over_limit_ = effects.over_limit;
  if (first || effects.found + effects.dropped > 0) {
    log::info("repositories discovered", {{"registry", options_.name},
                                          {"new", std::to_string(effects.found)},
                                          {"gone", std::to_string(effects.dropped)},
                                          {"complete", discovery->complete ? "true" : "false"}});
  }
  plan_due();
  hooks_.dirty();
  changed_->notify_all();
}

}  // namespace registry_exporter
