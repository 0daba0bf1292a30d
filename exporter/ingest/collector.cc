#include "exporter/ingest/collector.h"

#include <algorithm>
#include <new>
#include <utility>

#include "exporter/ingest/shares.h"

namespace registry_exporter::ingest {
namespace {

/// Nothing answers: after this many calls in a row (and one a worker) the cycle is given up.
constexpr int kUnreachableMax = 3;

CycleOptions cycle_options(const CollectorOptions& options) {
  return {options.min_interval, options.discovery_interval, options.reading.max_staleness,
          std::max(kUnreachableMax, options.concurrency)};
}

TrackedRegistry& prepare(TrackedRegistry& registry, const CollectorOptions& options,
                         const RegistryLog& log, const Clock& clock) {
  const ConfigurationChange change{options.reading, options.discovery, options.read_everything,
                                   clock.steady_now(), clock.now()};
  if (adopt_configuration(registry, change)) log.buckets_changed();
  return registry;
}

}  // namespace

Collector::Collector(Runtime runtime, Cloud& cloud, CollectorOptions options, CollectorHooks hooks,
                     std::unique_ptr<TrackedRegistry> registry)
    : runtime_(runtime),
      cloud_(cloud),
      options_(std::move(options)),
      hooks_(std::move(hooks)),
      log_(options_.name),
      changed_(runtime.threads.make_waiter()),
      registry_(std::move(registry)),
      cycle_(cycle_options(options_)),
      publisher_(runtime.clock, prepare(*registry_, options_, log_, runtime.clock),
                 options_.reading,
                 {options_.name, options_.type, options_.discovery.kinds, options_.windows,
                  options_.has_past}),
      lessons_(options_.discovery.kinds,
               PageLimit(options_.reading.sweep_interval + options_.reading.max_staleness)),
      notices_({cloud.has_notices(), options_.discovery_interval, options_.reading.sweep_interval,
                options_.notices_from}),
      rate_warning_(options_.requests_per_second, options_.reading.max_staleness) {}

Collector::~Collector() { stop(); }

void Collector::start() {
  for (int i = 0; i < options_.concurrency; ++i) {
    workers_.push_back(
        runtime_.threads.start(options_.name + "/" + std::to_string(i), [this] { work(); }));
  }
}

void Collector::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  cloud_.abort();
  changed_->notify_all();
  workers_.clear();
}

std::unique_ptr<TrackedRegistry> Collector::take_registry() {
  const MutexLock lock(mutex_);
  publisher_.snapshot();  // For scrapes under way: none can be made without the registry.
  return std::move(registry_);
}

// ── Scrapes ──────────────────────────────────────────────────────────────────────────────────────

ScrapeTicket Collector::begin_scrape(const std::string& client) {
  const MutexLock lock(mutex_);
  if (stopping_) return cycle_.refuse();
  if (publisher_.scrape_begins(client)) hooks_.dirty();
  if (!cycle_.can_save()) hooks_.dirty();  // Try again; until it works nothing more is read.
  const SteadyTime now = runtime_.clock.steady_now();
  const ScrapeTicket ticket = cycle_.begin_scrape(now, !registry_->state.discovered);
  if (ticket.kind != ScrapeTicket::Kind::joined) return ticket;
  if (notices_.due(lists_read(*registry_), lessons_.notices_help(), now)) {
    cycle_.want_notices(notices_.answers());
  }
  plan_due();
  end_cycle_if_done();
  changed_->notify_all();
  return ticket;
}

bool Collector::wait(const ScrapeTicket& ticket, SteadyTime deadline) {
  MutexLock lock(mutex_);
  while (!stopping_ && cycle_.is_waiting(ticket)) {
    if (runtime_.clock.steady_now() >= deadline) return false;
    changed_->wait_until(mutex_, deadline);
  }
  return !stopping_ && cycle_.succeeded(ticket);
}

bool Collector::everything_read() const {
  const MutexLock lock(mutex_);
  bool all = cycle_.listed_whole();
  if (!all) log_.not_listed();
  for (const auto& [key, list] : registry_->lists) {
    const bool read = list->schedule.read_at && !list->state.ledger.halted;
    if (read || !list->is_read()) continue;
    all = false;
    if (!list->failures.newest) log_.list_unread(*list);  // A failure is in the log already.
  }
  return all;
}

void Collector::answered(const std::string& client, std::uint64_t version) {
  const MutexLock lock(mutex_);
  if (registry_ && publisher_.answered(client, version)) hooks_.dirty();
}

std::shared_ptr<const RegistrySnapshot> Collector::snapshot() {
  const MutexLock lock(mutex_);
  return publisher_.snapshot();
}

std::shared_ptr<CommitBatch> Collector::collect(store::StateChanges& changes) {
  const MutexLock lock(mutex_);
  return publisher_.collect(changes);
}

void Collector::committed(const CommitBatch& batch, bool ok) {
  const MutexLock lock(mutex_);
  publisher_.committed(batch, ok);
  cycle_.saved(ok);
  if (!ok) end_cycle_if_done();
  if (!ok || !batch.empty()) changed_->notify_all();
}

// ── The cycle ────────────────────────────────────────────────────────────────────────────────────

/// Everything that is due, as urgent as it is now.
void Collector::plan_due() {
  DueLists due = due_lists(*registry_, options_.reading, lessons_, cycle_.look_ahead(),
                           cycle_.demand(), runtime_.clock.steady_now(), runtime_.clock.now());
  cycle_.plan(std::move(due.items));
  const auto enough = rate_warning_.take(due.of, due.overdue, runtime_.clock.steady_now());
  if (enough) log_.rate_too_low(due.of, due.overdue, *enough);
}

void Collector::work() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    const CycleTask task = cycle_.take_task();
    if (task.work == CycleTask::Work::none) {
      changed_->wait_until(mutex_, SteadyTime::max());
      continue;
    }
    lock.unlock();
    run_task(task);
    lock.lock();
    cycle_.finish_task(task);
    end_cycle_if_done();
    changed_->notify_all();
  }
}

void Collector::run_task(const CycleTask& task) {
  try {
    if (task.work == CycleTask::Work::discovery) discover();
    if (task.work == CycleTask::Work::notices) read_notices();
    if (task.work == CycleTask::Work::visit) visit(*task.list, task.demand);
  } catch (const std::bad_alloc&) {
    throw;  // Half-merged pages are worth nothing: what is on the disk is whole.
  } catch (const std::exception& problem) {
    log_.task_failed(problem.what());
  }
}

void Collector::end_cycle_if_done() {
  const std::optional<CycleEnd> ended = cycle_.end_if_done(runtime_.clock.steady_now());
  if (!ended) return;
  if (ended->complete) {
    registry_->state.last_success = runtime_.clock.now();
    registry_->dirty = true;
  }
  publisher_.cycle_ended(ended->seconds);
  hooks_.dirty();
}

// ── Discovery ────────────────────────────────────────────────────────────────────────────────────

void Collector::discover() {
  MutexLock lock(mutex_);
  const UnixMillis begun = runtime_.clock.now();
  const bool nothing_known = registry_->lists.empty();
  lock.unlock();
  FirstParts parts;
  const auto take_part = [&](const Discovery& part) { take_first_part(part, begun, parts); };
  const Result<Discovery> discovery =
      cloud_.discover(nothing_known ? PartFound(take_part) : nullptr);
  lock.lock();
  const bool whole = discovery && discovery->complete && discovery->failed_namespaces.empty();
  cycle_.discovered(runtime_.clock.steady_now(), whole);
  if (discovery) {
    take_discovery(*discovery, begun, parts.found);
    return;
  }
  cycle_.note_failure();
  if (!stopping_) log_.discovery_failed(discovery.error());
  cycle_.react_to(discovery.error(), runtime_.clock.steady_now());
}

/// The first discovery goes on: what it has found so far can be read already.
void Collector::take_first_part(const Discovery& part, UnixMillis begun, FirstParts& before) {
  const MutexLock lock(mutex_);
  cycle_.plan_first(apply_first_part(*registry_, part, begun, options_.discovery, before));
  registry_->dirty = true;
  hooks_.dirty();
  changed_->notify_all();
}

void Collector::take_discovery(const Discovery& discovery, UnixMillis begun,
                               std::size_t found_before) {
  const bool first = !registry_->state.discovered;
  DiscoveryEffects effects = apply_discovery(*registry_, discovery, begun, options_.discovery);
  effects.found += found_before;
  registry_->dirty = true;
  const std::size_t over_before = std::exchange(registry_->over_limit, effects.over_limit);
  if (effects.over_limit != over_before && effects.over_limit > 0) {
    log_.over_limit(effects.over_limit);
  }
  if (first || effects.found + effects.dropped > 0) log_.discovered(effects, discovery.complete);
  if (discovery.part_failed) {
    cycle_.note_failure();
    log_.discovery_failed(*discovery.part_failed);
  }
  plan_due();
  hooks_.dirty();
  changed_->notify_all();
}

/// What the cloud tells of is due at once.
void Collector::read_notices() {
  MutexLock lock(mutex_);
  notices_.begin(runtime_.clock.steady_now());
  while (notices_.next() && !stopping_) {
    const PageRequest request = *notices_.next();
    lock.unlock();
    const Result<NoticePage> page = cloud_.list_notices(request);
    lock.lock();
    const UnixMillis now = runtime_.clock.now();
    const Millis ahead = page ? page->server_time.value_or(now) - now : Millis{0};
    for (const Notice& notice : notices_.take(page, runtime_.clock.steady_now())) {
      take_notice(*registry_, notice, ahead);
    }
  }
  plan_due();
}

// ── Visits ───────────────────────────────────────────────────────────────────────────────────────

void Collector::visit(TrackedList& list, std::uint64_t demand) {
  MutexLock lock(mutex_);
  ListLessons& lessons = lessons_.of(list.kind());
  Visit visit(list, list_reader_options(list, options_.reading, lessons,
                                        runtime_.clock.steady_now(), runtime_.clock.now()));
  for (;;) {
    if (stopping_) visit.fail(Error{ErrorKind::canceled, "stopping", {}, {}});
    const std::optional<ListRequest> request = visit.next();
    if (!request) break;
    const ListRef asked{list.state.kind, list.state.ref};  // A discovery may change it meanwhile.
    lock.unlock();
    ListAnswer answer = ask_cloud(cloud_, asked, *request);
    lock.lock();
    merge(visit, list, std::move(answer));
  }
  if (!visit.failed() && rules_due(list)) {
    const RepositoryRef asked = list.state.ref;
    lock.unlock();
    Result<std::vector<RetentionRule>> rules = cloud_.retention_rules(asked);
    lock.lock();
    take_rules(list, std::move(rules));
  }
  finish_visit(list, visit.finish(lessons), demand);
}

void Collector::merge(Visit& visit, TrackedList& list, ListAnswer answer) {
  if (auto* page = std::get_if<Result<Page>>(&answer); page != nullptr && *page) {
    mark_owners(*registry_, list, options_.discovery, **page);
  }
  const MergeEffects effects = visit.take(answer, options_.reading, runtime_.clock.now());
  note_answer(list, answer);
  if (visit.failed() && !effects.changed) return;
  absorb(*registry_, list, effects, options_.reading.bucket_bounds.size());
  feed(list, effects);
  show_history(*registry_, list, visit.awaits_details());
  if (effects.history_gaps > 0) log_.history_gap(list);
  if (effects.changed) hooks_.dirty();
  check_books(list);
}

/// What was merged into a list brings the shares that hang on it along.
void Collector::feed(const TrackedList& list, const MergeEffects& merged) {
  for (const TrackedList* share :
       feed_shares(*registry_, list, merged, options_.reading, options_.discovery)) {
    log_.out_of_balance(*share);
  }
}

void Collector::note_answer(TrackedList& list, const ListAnswer& answer) {
  lessons_.of(list.kind())
      .learn(answer, options_.reading.sweep_interval, runtime_.clock.steady_now());
  const auto* page = std::get_if<Result<Page>>(&answer);
  if (page == nullptr || *page) cycle_.note_answer();
  if (page == nullptr || !*page) return;
  for (const std::string& status : absorb_oddities(*registry_, **page)) {
    log_.unknown_status(list, status);
  }
}

void Collector::finish_visit(TrackedList& list, const VisitResult& result, std::uint64_t demand) {
  const SteadyTime now = runtime_.clock.steady_now();
  list.schedule.visited_at = now;
  note_refused_ids(list, options_.reading, now);
  if (result.sweep_ok) {
    list.schedule.swept_at = now;
    list.schedule.swept_clean = *result.sweep_ok || list.state.ledger.unread_from;
    hooks_.sweep_finished(*result.sweep_ok);
  }
  if (result.error) {
    if (!stopping_) note_failed_visit(list, *result.error);
    cycle_.react_to(*result.error, now);
    return;
  }
  note_read_visit(list, result);
  if (result.complete) {
    list.schedule.read_at = now;
    list.state.ledger.last_read = runtime_.clock.now();
  } else if (list.is_read()) {
    cycle_.plan_rest(list, demand, now);
  }
}

void Collector::note_failed_visit(TrackedList& list, const Error& error) {
  cycle_.note_failure();
  const bool news = note_failure(list.failures, error, !traits(error.kind).concerns_registry,
                                 options_.reading, runtime_.clock.steady_now());
  if (news) log_.list_failed(list, error);
  mark_dirty(list);
}

void Collector::note_read_visit(TrackedList& list, const VisitResult& result) {
  ReadFailures& failures = list.failures;
  if (note_success(failures)) log_.list_recovered(list);
  if (!list.state.ledger.unread_from) {
    failures.unreadable.reset();
    failures.unreadable_tries = 0;
  }
  if (result.unreadable) {
    cycle_.note_failure();  // Something was due and is left unread.
    const bool news = note_unreadable(failures, *result.unreadable, options_.reading,
                                      runtime_.clock.steady_now());
    if (news) log_.rows_unreadable(list, *result.unreadable);
  }
  mark_dirty(list);
}

/// Rules are read with the lists of the first kind: once for each repository.
bool Collector::rules_due(const TrackedList& list) const {
  if (!options_.collect_rules || list.state.kind != options_.discovery.kinds.front()) {
    return false;
  }
  const SteadyTime now = runtime_.clock.steady_now();
  return !list.rules_read_at || now - *list.rules_read_at >= options_.discovery_interval;
}

void Collector::take_rules(TrackedList& list, Result<std::vector<RetentionRule>> rules) {
  if (!rules) {
    log_.rules_not_read(list, rules.error());
    return;
  }
  list.rules = std::move(*rules);
  list.rules_read_at = runtime_.clock.steady_now();
}

/// Books that don't balance must not grow any further.
void Collector::check_books(TrackedList& list) {
  Ledger& ledger = list.state.ledger;
  if (ledger.halted || imbalance(ledger) == 0) return;
  ledger.halted = true;
  mark_dirty(list);
  log_.out_of_balance(list);
}

void Collector::mark_dirty(TrackedList& list) {
  list.mark_dirty();
  hooks_.dirty();
}

}  // namespace registry_exporter::ingest
