#include "exporter/ingest/lessons.h"

#include <algorithm>

namespace registry_exporter::ingest {
namespace {

constexpr int kIdsRefusedMax = 3;

}  // namespace

void PointReads::note(const Result<Record>& record, Millis pause, SteadyTime now) {
  const bool refused =
      record ? record->tells_nothing
             : traits(record.error().kind).lasting && record.error().kind != ErrorKind::not_found;
  refused_in_a_row_ = refused ? refused_in_a_row_ + 1 : 0;
  if (refused_in_a_row_ < kIdsRefusedMax) return;
  refused_in_a_row_ = 0;
  off_until_ = now + pause;
}

void ListLessons::learn(const ListAnswer& answer, Millis pause, SteadyTime now) {
  if (const auto* record = std::get_if<Result<Record>>(&answer)) {
    point_reads.note(*record, pause, now);
  } else if (const auto& page = std::get<Result<Page>>(answer)) {
    page_limit.saw(page->rows, now);
  }
}

Lessons::Lessons(std::span<const StreamKind* const> kinds, const PageLimit& page_limit) {
  for (const StreamKind* kind : kinds) by_kind_.emplace(kind, ListLessons{{}, page_limit, {}});
}

bool Lessons::notices_help() const {
  return std::any_of(by_kind_.begin(), by_kind_.end(),
                     [](const auto& each) { return each.second.hints.notices.worth_following(); });
}

}  // namespace registry_exporter::ingest
