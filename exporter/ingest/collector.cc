#include "exporter/ingest/collector.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

#include "exporter/base/log.h"

namespace registry_exporter {
namespace {

/// Nothing answers: after this many calls in a row (and one a worker) the cycle is given up.
constexpr int kUnreachableMax = 3;
constexpr std::size_t kUnknownStatusesMax = 32;
/// A repository unread for so many max_staleness is one that the rate is too low for.
constexpr int kFarOverdue = 2;
/// Where less news than this is expected, a small page from the head of the list tells it all.
constexpr double kLittleNews = 2;
constexpr int kSmallHeadPage = 10;
/// Sweeps and open builds included.
constexpr double kCallsPerRead = 1.1;
constexpr std::chrono::minutes kTellAgain{30};
/// A sweep that a total asked for, or that was not clean, comes at most this often a
/// sweep_interval.
constexpr int kExtraSweeps = 12;

Millis since(SteadyTime then, SteadyTime now) {
  return std::chrono::duration_cast<Millis>(now - then);
}

bool concerns_all(ErrorKind kind) {
  return kind == ErrorKind::unauthorized || kind == ErrorKind::throttled ||
         kind == ErrorKind::canceled;
}

/// What a closed record tells of when to read its repository.
void observe(Repository& repository, const ClosedRecord& record) {
  repository.activity.happened(record.ended_at);
  repository.spans.took(record.ended_at - record.placed_at);
}

bool is_unreachable(ErrorKind kind) {
  return kind == ErrorKind::timeout || kind == ErrorKind::transport;
}

bool is_lasting(ErrorKind kind) {
  return kind == ErrorKind::forbidden || kind == ErrorKind::not_found ||
         kind == ErrorKind::bad_request;
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
      showing_(options_.shown_before) {
  const SteadyTime now = runtime_.clock.steady_now();
  const UnixMillis wall = runtime_.clock.now();
  data_->type = options_.type;
  apply_scope(*data_, options_.discovery);
  committed_ = data_->state;
  adopt_bucket_bounds();
  for (const auto& [key, repository] : data_->repositories) {
    const Ledger& ledger = repository->state.ledger;
    repository->in_flight = false;
    repository->planned.reset();
    // Learned anew: what is remembered tells as much as a memory of its own would.
    repository->activity = {};
    repository->spans = {};
    for (const ClosedRecord& record : ledger.closed) observe(*repository, record);
    repository->holds_known = 0;
    // Monotonic times from the wall's; a wall that went back makes them due at worst.
    const auto steady = [&](UnixMillis then) { return now - std::max(wall - then, Millis{0}); };
    if (ledger.last_read && !repository->read_at) repository->read_at = steady(*ledger.last_read);
    if (ledger.last_sweep && !repository->swept_at) {
      repository->swept_at = steady(*ledger.last_sweep);
      repository->swept_clean = true;
    }
    repository->view = view_of(*repository);
  }
  if (options_.shown_before) freeze();
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

Collector::Ticket Collector::begin_scrape() {
  const std::lock_guard lock(mutex_);
  if (stopping_) return {demand_, failures_ - 1, false};
  const SteadyTime now = runtime_.clock.steady_now();
  if (showing_.scrape_begins(now)) freeze();
  release_holds();
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

void Collector::answered(const std::string& client, std::uint64_t version) {
  const std::lock_guard lock(mutex_);
  if (!data_) return;
  if (showing_.answered(client, version, runtime_.clock.steady_now())) publish();
  release_holds();
}

std::shared_ptr<const RegistrySnapshot> Collector::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

// ── The cycle ────────────────────────────────────────────────────────────────────────────────────

bool Collector::sweep_due(const Repository& repository, SteadyTime now) const {
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
  pace.failed = repository.failing.has_value();
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
  std::size_t overdue = 0;
  std::vector<Plan::Item> items;
  for (const auto& [key, repository] : data_->repositories) {
    const std::optional<std::uint64_t> planned = std::exchange(repository->planned, std::nullopt);
    const bool readable = repository->has_series() && !repository->state.ledger.halted;
    if (!readable || repository->in_flight) continue;
    const RepositoryPace pace = pace_of(*repository, now);
    const std::optional<Due> urgency = due(pace, hints_, options_.max_staleness);
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
  last_cycle_seconds_ = std::chrono::duration<double>(now - *cycle_started_).count();
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

// ── One repository ───────────────────────────────────────────────────────────────────────────────

void Collector::visit(Repository& repository, std::uint64_t demand) {
  std::unique_lock lock(mutex_);
  ReadingOptions reading_options;
  reading_options.page_size = options_.page_size;
  reading_options.lookback = options_.lookback;
  const SteadyTime now = runtime_.clock.steady_now();
  reading_options.sweep_due = sweep_due(repository, now);
  reading_options.point_reads = options_.type == RegistryType::acr && point_reads_;
  const RepositoryPace pace = pace_of(repository, now);
  const bool little = expected_news(pace, hints_) < kLittleNews;
  if (little) reading_options.head_page_size = kSmallHeadPage;
  Reading reading(repository.state.ledger, reading_options, std::move(repository.sweep));
  const bool hinted = std::exchange(repository.hinted, false);
  const std::optional<UnixMillis> listed_at = repository.listed_at;
  const std::optional<UnixMillis> last_read = repository.state.ledger.last_read;
  lock.unlock();

  News news;
  std::optional<Error> error = read(repository, reading, news);
  if (!error && options_.collect_rules) read_rules(repository);
  lock.lock();
  if (last_read) {  // A first reading finds what has always been there.
    if (hinted && !error) hints_.followed(news.any);
    const bool should_hint = listed_at > last_read && news.oldest && news.oldest < listed_at;
    if (should_hint) hints_.judged(hinted);
  }
  finish_visit(repository, reading, error ? error : reading.error(), demand);
}

void Collector::learn(Repository& repository, const MergeEffects& effects, News& news) {
  // Pages come newest first, and what is newest is to weigh most.
  for (auto record = effects.closed.rbegin(); record != effects.closed.rend(); ++record) {
    observe(repository, *record);
    news.oldest = std::min(news.oldest.value_or(record->ended_at), record->ended_at);
  }
}

std::optional<Error> Collector::read(Repository& repository, Reading& reading, News& news) {
  for (;;) {
    std::optional<Ask> ask;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return Error{ErrorKind::canceled, "stopping", {}, {}};
      if (!repository.state.ledger.halted) ask = reading.next(repository.state.ledger);
    }
    if (!ask) return std::nullopt;
    const bool ask_page = ask->what == Ask::What::page;
    Result<Page> page = ask_page ? cloud_.list_records(repository.state.ref, ask->page) : Page{};
    const Result<Record> record =
        ask_page ? Record{} : cloud_.read_record(repository.state.ref, ask->record_id);
    if (!page) return page.error();

    const std::lock_guard lock(mutex_);
    unreachable_in_a_row_ = 0;
    MergeContext context;
    context.type = options_.type;
    context.seen_at = page->server_time.value_or(runtime_.clock.now());
    context.bucket_bounds = options_.bucket_bounds;
    context.hold_new_series = !repository.state.hidden;
    MergeEffects effects;
    const std::uint64_t known = repository.state.ledger.known;
    if (ask_page) {
      reading.apply_page(repository.state.ledger, *page, context, effects);
      absorb_page_oddities(*page, repository);
    } else {
      reading.apply_record(repository.state.ledger, record, context, effects);
      const bool lasting =
          !record && is_lasting(record.error().kind) && record.error().kind != ErrorKind::not_found;
      if (lasting) point_reads_ = false;
      if (!record && concerns_all(record.error().kind)) return record.error();
    }
    news.any |= repository.state.ledger.known != known || !effects.closed.empty();
    learn(repository, effects, news);
    absorb(repository, effects);
  }
}

void Collector::finish_visit(Repository& repository, Reading& reading,
                             const std::optional<Error>& error, std::uint64_t demand) {
  const SteadyTime now = runtime_.clock.steady_now();
  Ledger& ledger = repository.state.ledger;
  repository.visited_at = now;
  repository.sweep = reading.take_progress();
  const bool sweeping = ledger.walk && ledger.walk->goal == Walk::Goal::sweep;
  if (!sweeping) repository.sweep.met = {};
  if (reading.sweep_ok()) {
    repository.swept_at = now;
    repository.swept_clean = *reading.sweep_ok();
    hooks_.sweep_finished(*reading.sweep_ok());
  }
  if (error) {
    if (!stopping_) note_failure(repository, *error);
    react_to(*error);
    return;
  }
  repository.failures = 0;
  repository.retry_at.reset();
  if (repository.failing) {
    log::info("repository read again",
              {{"registry", options_.name}, {"repository", full_name(repository.state.ref)}});
  }
  repository.failing.reset();
  if (ledger.read_whole) repository.state.hidden = false;
  mark_dirty(repository);
  if (reading.complete()) {
    repository.read_at = now;
    ledger.last_read = runtime_.clock.now();
    return;
  }
  // A long walk goes on when the others had their turn.
  repository.planned = demand;
  plan_.put_last({&repository, demand, {Urgency::unfinished, 0}, now});
}

void Collector::read_rules(Repository& repository) {
  {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = runtime_.clock.steady_now();
    if (repository.rules_read_at &&
        since(*repository.rules_read_at, now) < options_.discovery_interval) {
      return;
    }
  }
  Result<std::vector<RetentionRule>> rules = cloud_.retention_rules(repository.state.ref);
  const std::lock_guard lock(mutex_);
  if (!rules) {
    log::debug("retention rules not read", {{"registry", options_.name},
                                            {"repository", full_name(repository.state.ref)},
                                            {"error", rules.error().detail}});
    return;
  }
  repository.rules = std::move(*rules);
  repository.rules_read_at = runtime_.clock.steady_now();
}

void Collector::absorb(Repository& repository, MergeEffects& effects) {
  RegistryState& state = data_->state;
  for (std::size_t i = 0; i < kRecordClasses; ++i) state.records[i] += effects.records[i];
  for (std::size_t i = 0; i < kInvalidDurations; ++i) {
    state.invalid_durations[i] += effects.invalid_durations[i];
  }
  state.history_gaps += effects.history_gaps;
  if (effects.history_gaps > 0) {
    log::warn("history gap: records may have come and gone between two readings",
              {{"registry", options_.name}, {"repository", full_name(repository.state.ref)}});
  }
  for (const Observation& seen : effects.observations) {
    auto& buckets = repository.exemplars[seen.outcome];
    buckets.resize(options_.bucket_bounds.size() + 1);
    auto& exemplar = buckets[seen.bucket];
    if (exemplar && exemplar->ended_at > seen.ended_at) continue;  // They must not go back in time.
    exemplar =
        Exemplar{seen.id, static_cast<double>(seen.duration.count()) / 1000.0, seen.ended_at};
  }
  repository.replaces_closed |= effects.closed_removed;
  repository.unsaved.insert(repository.unsaved.end(), effects.closed.begin(), effects.closed.end());
  data_->dirty = true;
  if (effects.changed) mark_dirty(repository);
  check_books(repository);
}

void Collector::absorb_page_oddities(const Page& page, const Repository& repository) {
  for (const Rejection rejection : page.rejected) {
    ++data_->state.rejected[static_cast<std::size_t>(rejection)];
    data_->dirty = true;
  }
  for (const std::string& status : page.unknown_statuses) {
    const bool known = unknown_statuses_.contains(status);
    if (!known && unknown_statuses_.size() >= kUnknownStatusesMax) {
      ++unknown_statuses_["(others)"];
      continue;
    }
    if (!known) {
      log::warn("unknown build status; map it with metrics.build_statuses",
                {{"registry", options_.name},
                 {"repository", full_name(repository.state.ref)},
                 {"status", status}});
    }
    ++unknown_statuses_[status];
  }
}

void Collector::check_books(Repository& repository) {
  Ledger& ledger = repository.state.ledger;
  if (ledger.halted || imbalance(ledger) == 0) return;
  ledger.halted = true;
  mark_dirty(repository);
  log::error("books out of balance: this repository is no longer read",
             {{"registry", options_.name},
              {"repository", full_name(repository.state.ref)},
              {"imbalance", std::to_string(imbalance(ledger))}});
}

void Collector::note_failure(Repository& repository, const Error& error) {
  ++failures_;
  ++repository.failures;
  if (!concerns_all(error.kind)) {
    const Millis delay =
        retry_delay(repository.failures, is_lasting(error.kind), options_.max_staleness);
    repository.retry_at = runtime_.clock.steady_now() + delay;
  }
  const bool news = !repository.failing || repository.failing->kind != error.kind;
  if (news) {
    log::warn("repository not read", {{"registry", options_.name},
                                      {"repository", full_name(repository.state.ref)},
                                      {"reason", std::string(registry_exporter::name(error.kind))},
                                      {"error", error.detail}});
  }
  repository.failing = error;
  mark_dirty(repository);
}

/// What an error means for the registry as a whole.
void Collector::react_to(const Error& error) {
  if (is_unreachable(error.kind)) {
    if (++unreachable_in_a_row_ >= std::max(kUnreachableMax, options_.concurrency)) {
      abandon_cycle();
    }
    return;
  }
  if (error.kind == ErrorKind::throttled && !error.retry_after) return;
  if (!concerns_all(error.kind)) return;
  abandon_cycle();
  if (error.kind == ErrorKind::throttled) {
    paused_until_ = runtime_.clock.steady_now() + *error.retry_after;
  }
}

}  // namespace registry_exporter
