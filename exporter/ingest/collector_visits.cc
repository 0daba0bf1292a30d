// One repository being read by a collector: its pages, what comes of them, and what goes wrong.
#include <algorithm>
#include <utility>

#include "exporter/base/log.h"
#include "exporter/ingest/collector.h"

namespace registry_exporter {
namespace {

/// Nothing answers: after this many calls in a row (and one a worker) the cycle is given up.
constexpr int kUnreachableMax = 3;
constexpr std::size_t kUnknownStatusesMax = 32;
/// Where less news than this is expected, a small page from the head of the list tells it all.
constexpr double kLittleNews = 2;
constexpr int kSmallHeadPage = 10;
/// A first page that fails so often may have a row that breaks it.
constexpr int kFailuresBeforeProbe = 4;
constexpr int kFailuresBetweenProbes = 10;
constexpr int kIdsRefusedMax = 3;

bool concerns_all(ErrorKind kind) {
  return kind == ErrorKind::unauthorized || kind == ErrorKind::throttled ||
         kind == ErrorKind::canceled;
}

bool is_unreachable(ErrorKind kind) {
  return kind == ErrorKind::timeout || kind == ErrorKind::transport;
}

/// One row could be the reason.
bool may_concern_one_row(ErrorKind kind) {
  return !concerns_all(kind) && kind != ErrorKind::not_found && kind != ErrorKind::transport;
}

}  // namespace

ReadingOptions Collector::reading_options(const Repository& repository, SteadyTime now) const {
  ReadingOptions options;
  options.page_size = options_.page_size;
  options.lookback = options_.lookback;
  options.sweep_due = sweep_due(repository, now);
  options.try_unreadable = unreadable_due(repository, now);
  const bool off = point_reads_off_until_ && now < *point_reads_off_until_;
  options.point_reads = options_.type == RegistryType::acr && !off;
  options.short_below = page_limit_.short_below(now);
  options.failed_before = repository.failures > 0;
  const bool little = expected_news(pace_of(repository, now), hints_) < kLittleNews;
  if (little) options.head_page_size = kSmallHeadPage;
  // One row that breaks its page must not hide the others.
  const bool page_may_be_to_blame =
      repository.failing && may_concern_one_row(repository.failing->kind);
  const bool often = repository.failures == kFailuresBeforeProbe ||
                     (repository.failures > 0 && repository.failures % kFailuresBetweenProbes == 0);
  options.first_page_fails = page_may_be_to_blame && often;
  return options;
}

void Collector::visit(Repository& repository, std::uint64_t demand) {
  std::unique_lock lock(mutex_);
  Reading reading(repository.state.ledger, reading_options(repository, runtime_.clock.steady_now()),
                  std::move(repository.sweep));
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
    repository.learn_from(*record);
    news.oldest = std::min(news.oldest.value_or(record->ended_at), record->ended_at);
  }
}

std::optional<Error> Collector::read(Repository& repository, Reading& reading, News& news) {
  for (;;) {
    std::optional<Ask> ask;
    RepositoryRef asked;  // A discovery may change the repository's own meanwhile.
    {
      const std::lock_guard lock(mutex_);
      asked = repository.state.ref;
      if (stopping_) return Error{ErrorKind::canceled, "stopping", {}, {}};
      if (!repository.state.ledger.halted) ask = reading.next(repository.state.ledger);
    }
    if (!ask) return std::nullopt;
    const bool ask_page = ask->what == Ask::What::page;
    Result<Page> page = ask_page ? cloud_.list_records(asked, ask->page) : Page{};
    const Result<Record> record = ask_page ? Record{} : cloud_.read_record(asked, ask->record_id);
    const std::lock_guard lock(mutex_);
    if (!page) {
      MergeEffects effects;
      if (!reading.apply_page_error(repository.state.ledger, page.error(), effects)) {
        return page.error();
      }
      absorb(repository, effects);
      continue;
    }
    unreachable_in_a_row_ = 0;
    if (ask_page) page_limit_.saw(page->rows, runtime_.clock.steady_now());
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
      note_point_read(record);
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
    repository.swept_clean = *reading.sweep_ok() || ledger.unread_from;
    hooks_.sweep_finished(*reading.sweep_ok());
  }
  if (error) {
    if (!stopping_) note_failure(repository, *error);
    react_to(*error);
    return;
  }
  note_success(repository, reading);
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
  RepositoryRef asked;
  {
    const std::lock_guard lock(mutex_);
    asked = repository.state.ref;
    const SteadyTime now = runtime_.clock.steady_now();
    if (repository.rules_read_at && now - *repository.rules_read_at < options_.discovery_interval) {
      return;
    }
  }
  Result<std::vector<RetentionRule>> rules = cloud_.retention_rules(asked);
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

void Collector::note_success(Repository& repository, const Reading& reading) {
  repository.failures = 0;
  repository.retry_at.reset();
  if (repository.failing) {
    log::info("repository read again",
              {{"registry", options_.name}, {"repository", full_name(repository.state.ref)}});
  }
  repository.failing.reset();
  note_unreadable(repository, reading);
}

/// Rows that are out of reach, while all others are read.
void Collector::note_unreadable(Repository& repository, const Reading& reading) {
  if (!repository.state.ledger.unread_from) {
    repository.unreadable.reset();
    repository.unreadable_tries = 0;
  }
  if (!reading.unreadable()) return;
  ++failures_;  // Something was due and is left unread.
  const Millis wait = options_.max_staleness * (1 << std::min(repository.unreadable_tries++, 10));
  repository.unreadable_retry_at =
      runtime_.clock.steady_now() + std::min(wait, options_.sweep_interval);
  const Error& error = *reading.unreadable();
  if (!repository.unreadable) {
    log::warn("part of a list can't be read; what is before it counts as ever",
              {{"registry", options_.name},
               {"repository", full_name(repository.state.ref)},
               {"first_unreadable_row", std::to_string(*repository.state.ledger.unread_from)},
               {"reason", std::string(registry_exporter::name(error.kind))},
               {"error", error.detail}});
  }
  repository.unreadable = error;
}

/// Where three ids in a row are refused, none may be asked for. It is tried again now and then.
void Collector::note_point_read(const Result<Record>& record) {
  const bool refused =
      !record && is_lasting(record.error().kind) && record.error().kind != ErrorKind::not_found;
  ids_refused_in_a_row_ = refused ? ids_refused_in_a_row_ + 1 : 0;
  if (ids_refused_in_a_row_ < kIdsRefusedMax) return;
  ids_refused_in_a_row_ = 0;
  point_reads_off_until_ = runtime_.clock.steady_now() + options_.sweep_interval;
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
