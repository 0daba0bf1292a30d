#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "exporter/ingest/list_reader.h"

namespace registry_exporter::ingest {

inline UnixMillis at(std::int64_t seconds) { return UnixMillis{Millis{seconds * 1000}}; }

inline Record done(const std::string& id, std::int64_t start_seconds,
                   Outcome outcome = Outcome::success, std::int64_t span_seconds = 5) {
  return {id, record_key(id), at(start_seconds), at(start_seconds + span_seconds), false, outcome};
}

inline Record runs(const std::string& id, std::int64_t start_seconds) {
  return {id, record_key(id), at(start_seconds), std::nullopt, true, Outcome::other};
}

/// What a list's total is said to be.
enum class Totals { right, missing, zero, low, page_rows, high, wild };
inline constexpr Totals kAllTotals[] = {Totals::right, Totals::missing,   Totals::zero,
                                        Totals::low,   Totals::page_rows, Totals::high,
                                        Totals::wild};

/// One repository's list in a cloud that does what a test tells it to.
struct FakeList {
  std::vector<Record> newest_first;
  bool oldest_first = false;
  bool knows_ids = true;    ///< Point reads are answered.
  bool may_ask_ids = true;  ///< The reader tries.
  std::string refuses_id;   ///< This one alone.
  ErrorKind refuses_with = ErrorKind::forbidden;
  Totals totals = Totals::right;
  int empty_call = 0;          ///< This call is answered without rows; the total stays.
  std::int64_t total_lie = 0;  ///< Added to the total.
  int page_size_min = 1;
  int page_size_max = 1000;
  /// A page begins at index times the size that was asked for, however few rows it gets (as SWR's
  /// offsets do); else at index times the size that is given (as ACR's page numbers do).
  bool by_offset = false;
  bool tells_size = false;  ///< Echoes the page size that it used.
  /// Pages that touch one of these rows fail, for good.
  std::function<std::optional<Error>(std::size_t row)> refuses;
  int calls = 0;
  int failed_calls = 0;  ///< Of those.
  int record_calls = 0;
  std::vector<int> sizes_asked;  ///< Of each page.
  UnixMillis now = at(1'000'000);
  std::function<void(FakeList&)> between_calls;

  Result<Page> page(const PageRequest& request) {
    ++calls;
    sizes_asked.push_back(request.size);
    std::vector<Record> listed = newest_first;
    if (oldest_first) std::reverse(listed.begin(), listed.end());
    const int size = std::clamp(request.size, page_size_min, page_size_max);
    const auto step = static_cast<std::size_t>(by_offset ? request.size : size);
    const auto first = static_cast<std::size_t>(request.index) * step;
    const auto begin = std::min(listed.size(), first);
    const auto end = std::min(listed.size(), begin + static_cast<std::size_t>(size));
    for (std::size_t row = first; refuses && row < first + static_cast<std::size_t>(size); ++row) {
      const auto error = refuses(row);
      if (!error) continue;
      ++failed_calls;
      return tl::unexpected(*error);
    }
    Page answer;
    answer.records.assign(listed.begin() + static_cast<std::ptrdiff_t>(begin),
                          listed.begin() + static_cast<std::ptrdiff_t>(end));
    if (calls == empty_call) answer.records.clear();
    answer.rows = answer.records.size();
    answer.total = total_of(listed.size(), answer.rows);
    if (tells_size) answer.page_size = size;
    if (between_calls) between_calls(*this);
    return answer;
  }

  std::optional<std::uint64_t> total_of(std::size_t all, std::size_t rows) const {
    switch (totals) {
      case Totals::right:
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(all) + total_lie);
      case Totals::missing:
        return std::nullopt;
      case Totals::zero:
        return 0;
      case Totals::low:
        return all / 2;
      case Totals::page_rows:
        return rows;
      case Totals::high:
        return all + 1000;
      case Totals::wild:
        return record_key(std::to_string(calls)) % 2000;
    }
    return std::nullopt;
  }

  Result<Record> record(const std::string& id) {
    ++record_calls;
    if (!knows_ids) return fail(ErrorKind::forbidden, "no");
    if (id == refuses_id) return fail(refuses_with, "no");
    for (const Record& each : newest_first) {
      if (each.id != id) continue;
      Record whole = each;
      whole.needs_details = false;
      return whole;
    }
    return fail(ErrorKind::not_found, "gone");
  }
};

struct FakeVisit {
  bool complete = false;
  MergeEffects effects;
  std::optional<bool> sweep_ok;
  std::optional<Error> error;
  std::optional<Error> unreadable;
  int pages = 0;
};

/// Visits until the reading is over; `calls_max` cuts it as a crash or an outage would.
inline FakeVisit visit(FakeList& list, Ledger& ledger, ListReaderOptions options = {},
                       SweepProgress* progress = nullptr, int calls_max = 1'000'000) {
  SweepProgress own;
  SweepProgress& kept = progress != nullptr ? *progress : own;
  options.point_reads = list.may_ask_ids;
  if (options.lookback == Millis{0}) options.lookback = std::chrono::hours(24 * 30);
  static const std::vector<double> kBounds{10, 60};
  FakeVisit result;
  ListReader reader(ledger, options, std::move(kept));
  while (const auto ask = reader.next(ledger)) {
    if (result.pages++ >= calls_max) break;
    const MergeContext context{&kBuilds, list.now, kBounds, true};
    if (ask->what == ListRequest::What::page) {
      const Result<Page> page = list.page(ask->page);
      if (page) {
        reader.apply_page(ledger, *page, context, result.effects);
      } else if (!reader.apply_page_error(ledger, page.error(), result.effects)) {
        result.error = page.error();
        break;
      }
    } else {
      reader.apply_record(ledger, list.record(ask->record_id), context, result.effects);
    }
  }
  result.complete = !result.error && reader.complete();
  result.sweep_ok = reader.sweep_ok();
  if (reader.error()) result.error = reader.error();
  result.unreadable = reader.unreadable();
  kept = reader.take_progress();
  return result;
}

inline std::uint64_t counted(const Ledger& ledger) {
  return ledger.present[static_cast<std::size_t>(RecordClass::counted)];
}
inline std::uint64_t late(const Ledger& ledger) {
  return ledger.present[static_cast<std::size_t>(RecordClass::late)];
}

}  // namespace registry_exporter::ingest
