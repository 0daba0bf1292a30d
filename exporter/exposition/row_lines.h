#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/exposition/render.h"

/// Lines of families that have series for each repository: what several of them share. Pure.
namespace registry_exporter::exposition {

/// Calls `each(view, shown counters, labels)` for every row that has series of the family's kind.
template <class Each>
void for_rows(const Family& family, const SnapshotSource& source, Lines& lines, Each each) {
  const auto& rows = source.snapshot.rows;
  const auto index = source.snapshot.cell_of(family.kind);
  if (!index) return;
  for (std::size_t i = lines.skip(0); i < rows.size(); i = lines.skip(i + 1)) {
    const StreamCell& cell = rows[i].cells[*index];
    if (!cell.shown) continue;
    each(*cell.view, *cell.shown, source.labels[i].text);
    lines.end_row(i, source.labels[i].hash);
  }
}

/// Calls `each(row, labels)` for every row, also for those whose cloud series don't show yet.
template <class Each>
void for_all_rows(const SnapshotSource& source, Lines& lines, Each each) {
  const auto& rows = source.snapshot.rows;
  for (std::size_t i = lines.skip(0); i < rows.size(); i = lines.skip(i + 1)) {
    each(rows[i], source.labels[i].text);
    lines.end_row(i, source.labels[i].hash);
  }
}

/// A family with one value for each row; `Value(view)` returns nullopt for a row without one.
template <auto Value>
void row_value(const Family& family, const SnapshotSource& source, Lines& lines) {
  const LineFrame frame = line_frame(source.format, family.name);
  for_rows(family, source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             const auto value = Value(view);
             if (value) lines.add(frame, labels, *value);
           });
}

/// The same for all rows, also for those whose cloud series don't show yet: `Value(row)`.
template <auto Value>
void any_row_value(const Family& family, const SnapshotSource& source, Lines& lines) {
  const LineFrame frame = line_frame(source.format, family.name);
  for_all_rows(source, lines, [&](const RepositoryRow& row, const LinePart& labels) {
    const auto value = Value(row);
    if (value) lines.add(frame, labels, *value);
  });
}

/// One frame for each configured window, after the labels in `labels_before`.
std::vector<LineFrame> frames_by_window(std::string_view sample, const SnapshotSource& source,
                                        const Labels& labels_before = {});
/// The counter of events by outcome, which the label `label_name` tells.
void events_by(std::string_view label_name, const Family& family, const SnapshotSource& source,
               Lines& lines);
/// The histogram of durations by status.
void durations_by_status(const Family& family, const SnapshotSource& source, Lines& lines);

/// 1 or 0: whether the last record that ended success or failed was a success.
std::optional<std::uint64_t> last_success(const RepositoryView& view);

}  // namespace registry_exporter::exposition
