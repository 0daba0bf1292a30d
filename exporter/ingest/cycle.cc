#include "exporter/ingest/cycle.h"

#include <algorithm>

#include "exporter/base/check.h"
#include "exporter/ingest/tracked_list.h"

namespace registry_exporter::ingest {
namespace {

/// Nothing is read sooner than this part of max_staleness before it is overdue.
constexpr int kAheadShare = 4;

Millis since(SteadyTime then, SteadyTime now) {
  return std::chrono::duration_cast<Millis>(now - then);
}

}  // namespace

Cycle::Cycle(const CycleOptions& options)
    : options_(options), longest_(2 * options.max_staleness) {}

ScrapeTicket Cycle::begin_scrape(SteadyTime now, bool must_discover) {
  const bool soon = !started_ && ended_ && options_.min_interval > Millis{0} &&
                    since(*ended_, now) < options_.min_interval;
  if (soon) return {ScrapeTicket::Kind::cached, demand_, failures_};
  const bool paused = paused_until_ && now < *paused_until_;
  if (paused || !can_save_) return refuse();
  ++demand_;
  if (!started_) {
    started_ = now;
    failures_at_start_ = failures_;
    unreachable_in_a_row_ = 0;
  }
  const bool discovery_due = must_discover || !last_discovery_ ||
                             since(last_discovery_->at, now) >= options_.discovery_interval;
  if (discovery_due) want(discovery_, demand_);
  return {ScrapeTicket::Kind::joined, demand_, failures_};
}

bool Cycle::is_waiting(const ScrapeTicket& ticket) const {
  if (ticket.kind == ScrapeTicket::Kind::cached) return false;
  for (const Errand* errand : {&discovery_, &notices_}) {
    if (errand->wanted && *errand->wanted <= ticket.demand) return true;
  }
  return !plan_.done_for(ticket.demand) ||
         std::any_of(in_flight_.begin(), in_flight_.end(),
                     [&](std::uint64_t demand) { return demand <= ticket.demand; });
}

bool Cycle::succeeded(const ScrapeTicket& ticket) const {
  return ticket.kind != ScrapeTicket::Kind::refused && failures_ == ticket.failures;
}

Millis Cycle::look_ahead() const {
  return std::min(longest_.longest(), options_.max_staleness / kAheadShare);
}

void Cycle::plan_first(const std::vector<TrackedList*>& lists) {
  for (TrackedList* list : lists) {
    list->schedule.planned = demand_;
    plan_.add({list, demand_, {Urgency::first, 0}, {}});
  }
}

void Cycle::plan_rest(TrackedList& list, std::uint64_t demand, SteadyTime now) {
  list.schedule.planned = demand;
  plan_.put_last({&list, demand, {Urgency::unfinished, 0}, now});
}

void Cycle::want(Errand& errand, std::uint64_t demand) {
  if (!errand.running && !errand.wanted) errand.wanted = demand;
}

std::optional<CycleTask> Cycle::take(Errand& errand, CycleTask::Work work) {
  if (!errand.wanted || errand.running) return std::nullopt;
  const CycleTask task{work, nullptr, *errand.wanted};
  errand.wanted.reset();
  errand.running = true;
  in_flight_.push_back(task.demand);
  return task;
}

CycleTask Cycle::take_task() {
  if (!started_ || !can_save_) return {};
  if (const auto task = take(discovery_, CycleTask::Work::discovery)) return *task;
  if (const auto task = take(notices_, CycleTask::Work::notices)) return *task;
  const std::optional<Plan::Item> next = plan_.take();
  if (!next) return {};
  next->list->schedule.planned.reset();
  next->list->schedule.in_flight = true;
  in_flight_.push_back(next->demand);
  return {CycleTask::Work::visit, next->list, next->demand};
}

void Cycle::finish_task(const CycleTask& task) {
  const auto under_way = std::find(in_flight_.begin(), in_flight_.end(), task.demand);
  CHECK_RULE(under_way != in_flight_.end());
  in_flight_.erase(under_way);
  if (task.list != nullptr) task.list->schedule.in_flight = false;
  if (task.work == CycleTask::Work::discovery) discovery_.running = false;
  if (task.work == CycleTask::Work::notices) notices_.running = false;
}

std::optional<CycleEnd> Cycle::end_if_done(SteadyTime now) {
  const bool is_left =
      !plan_.empty() || !in_flight_.empty() || discovery_.wanted || notices_.wanted;
  if (!started_ || is_left) return std::nullopt;
  const Millis took = since(*started_, now);
  longest_.took(took, now);
  ended_ = now;
  started_.reset();
  return CycleEnd{std::chrono::duration<double>(took).count(), failures_ == failures_at_start_};
}

void Cycle::react_to(const Error& error, SteadyTime now) {
  if (traits(error.kind).unreachable) {
    if (++unreachable_in_a_row_ >= options_.unreachable_max) abandon();
    return;
  }
  if (error.kind == ErrorKind::throttled && !error.retry_after) return;
  if (!traits(error.kind).concerns_registry) return;
  abandon();
  if (error.kind == ErrorKind::throttled) paused_until_ = now + *error.retry_after;
}

void Cycle::saved(bool ok) {
  can_save_ = ok;
  if (ok) return;
  note_failure();
  abandon();
}

/// What is left stays due; the next scrape tries again.
void Cycle::abandon() {
  plan_.clear();
  discovery_.wanted.reset();
  notices_.wanted.reset();
}

}  // namespace registry_exporter::ingest
