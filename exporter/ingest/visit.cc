#include "exporter/ingest/visit.h"

#include <algorithm>
#include <utility>

namespace registry_exporter::ingest {
namespace {

/// Where less news than this is expected, a small page from the head of the list tells it all.
constexpr double kLittleNews = 2;
constexpr int kSmallHeadPage = 10;
/// A first page that fails so often may have a row that breaks it.
constexpr int kFailuresBeforeProbe = 4;
constexpr int kFailuresBetweenProbes = 10;

bool first_page_may_be_to_blame(const ReadFailures& failures) {
  const bool often = failures.in_a_row == kFailuresBeforeProbe ||
                     (failures.in_a_row > 0 && failures.in_a_row % kFailuresBetweenProbes == 0);
  return often && failures.newest && traits(failures.newest->kind).concerns_row;
}

MergeContext merge_context(const TrackedList& list, const ReadRules& rules, UnixMillis wall) {
  MergeContext context;
  context.kind = list.state.kind;
  context.seen_at = wall;
  context.bucket_bounds = rules.bucket_bounds;
  context.hold_new_series = !list.state.hidden;
  return context;
}

}  // namespace

ListReaderOptions list_reader_options(const TrackedList& list, const ReadRules& rules,
                                      const ListLessons& lessons, SteadyTime now, UnixMillis wall) {
  ListReaderOptions options;
  options.page_size = rules.page_size;
  options.lookback = rules.lookback;
  options.own_time = wall;
  options.sweep_due = sweep_due(list, rules, now);
  options.try_unreadable = unreadable_due(list, now);
  const bool only_by_id = list.kind().parts != nullptr;  // No list tells the details.
  options.point_reads =
      list.kind().has_point_reads && (only_by_id || lessons.point_reads.allowed(now));
  options.short_below = lessons.page_limit.short_below(now);
  options.failed_before = list.failures.in_a_row > 0;
  options.first_page_fails = first_page_may_be_to_blame(list.failures);
  options.retry_ids = refused_ids_due(list, rules, now);
  const bool little = expected_news(pace_of(list, rules, now, wall), lessons.hints) < kLittleNews;
  if (little) options.head_page_size = kSmallHeadPage;
  return options;
}

ListAnswer ask_cloud(Cloud& cloud, const ListRef& list, const ListRequest& request) {
  if (request.what == ListRequest::What::page) return cloud.list_records(list, request.page);
  return cloud.read_record(list, request.record_id);
}

Visit::Visit(TrackedList& list, const ListReaderOptions& options)
    : list_(list),
      of_(list.state.ref),
      reader_(list.state.ledger, options, std::move(list.sweep)),
      hinted_(std::exchange(list.schedule.hinted, false)),
      noticed_(std::exchange(list.schedule.noticed, false)),
      listed_at_(list.schedule.listed_at),
      last_read_(list.state.ledger.last_read) {}

std::optional<ListRequest> Visit::next() const {
  if (error_ || is_void() || list_.state.ledger.halted) return std::nullopt;
  return reader_.next(list_.state.ledger);
}

MergeEffects Visit::take(const ListAnswer& answer, const ReadRules& rules, UnixMillis wall) {
  if (is_void()) return {};
  const MergeContext context = merge_context(list_, rules, wall);
  if (const auto* page = std::get_if<Result<Page>>(&answer)) return take_page(*page, context);
  return take_record(std::get<Result<Record>>(answer), context);
}

MergeEffects Visit::take_page(const Result<Page>& page, MergeContext context) {
  MergeEffects effects;
  Ledger& ledger = list_.state.ledger;
  if (!page) {
    if (!reader_.apply_page_error(ledger, page.error(), effects)) fail(page.error());
    return effects;
  }
  context.seen_at = effects.seen_at = page->server_time.value_or(context.seen_at);
  const std::uint64_t known = ledger.known;
  reader_.apply_page(ledger, *page, context, effects);
  learn(effects, ledger.known != known);
  return effects;
}

MergeEffects Visit::take_record(const Result<Record>& record, const MergeContext& context) {
  MergeEffects effects;
  effects.seen_at = context.seen_at;
  Ledger& ledger = list_.state.ledger;
  const std::uint64_t known = ledger.known;
  reader_.apply_record(ledger, record, context, effects);
  if (!record && traits(record.error().kind).concerns_registry) {
    fail(record.error());
  } else {
    learn(effects, ledger.known != known);
  }
  return effects;
}

void Visit::learn(const MergeEffects& effects, bool more_known) {
  news_ |= more_known || !effects.closed.empty();
  // Pages come newest first, and what is newest is to weigh most.
  for (auto record = effects.closed.rbegin(); record != effects.closed.rend(); ++record) {
    list_.schedule.learn_from(*record);
    oldest_news_ = std::min(oldest_news_.value_or(record->ended_at), record->ended_at);
  }
}

void Visit::judge_hints(Hints& hints) const {
  if (!last_read_) return;  // A first reading finds what has always been there.
  if (hinted_ && !error_) hints.listing.followed(news_);
  if (noticed_ && !error_) hints.notices.followed(news_);
  const bool should_hint = listed_at_ > last_read_ && oldest_news_ && oldest_news_ < listed_at_;
  if (should_hint) hints.listing.judged(hinted_);
}

VisitResult Visit::finish(ListLessons& lessons) {
  judge_hints(lessons.hints);
  VisitResult result;
  result.error = error_ ? error_ : reader_.error();
  result.complete = reader_.complete() && !is_void();
  result.sweep_ok = reader_.sweep_ok();
  result.unreadable = reader_.unreadable();
  list_.sweep = reader_.take_progress();
  const auto& walk = list_.state.ledger.walk;
  if (!walk || walk->goal != Walk::Goal::sweep) list_.sweep.met = {};
  return result;
}

}  // namespace registry_exporter::ingest
