#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/exposition/render.h"
#include "exporter/exposition/sample_writer.h"

/// Lines of families that have series for each repository: what several of them share. Pure.
namespace registry_exporter::exposition {

/// `each(view, shown counters, labels, writer)` writes a row that has series of the family's kind.
template <class Each>
WriteRow for_rows(const Family& family, const SnapshotSource& source, Each each) {
  const auto index = source.snapshot.cell_of(family.kind);
  if (!index) return {};
  return [index = *index, each = std::move(each)](const RepositoryRow& row, const LinePart& labels,
                                                  SampleWriter& writer) mutable {
    const StreamCell& cell = row.cells[index];
    if (cell.shown) each(*cell.view, *cell.shown, labels, writer);
  };
}

/// A family with one value for each row; `Value(view)` returns nullopt for a row without one.
template <auto Value>
WriteRow row_value(const Family& family, const SnapshotSource& source) {
  return for_rows(family, source,
                  [frame = line_frame(source.format, family.name)](
                      const RepositoryView& view, const EventCounters&, const LinePart& labels,
                      SampleWriter& writer) {
                    const auto value = Value(view);
                    if (value) writer.add(frame, labels, *value);
                  });
}

/// The same for all rows, also for those whose cloud series don't show yet: `Value(row)`.
template <auto Value>
WriteRow any_row_value(const Family& family, const SnapshotSource& source) {
  return [frame = line_frame(source.format, family.name)](
             const RepositoryRow& row, const LinePart& labels, SampleWriter& writer) {
    const auto value = Value(row);
    if (value) writer.add(frame, labels, *value);
  };
}

/// One frame for each configured window, after the labels in `labels_before`.
std::vector<LineFrame> frames_by_window(std::string_view sample, const SnapshotSource& source,
                                        const Labels& labels_before = {});
/// The counter of events by outcome, which the label `label_name` tells.
WriteRow events_by(std::string_view label_name, const Family& family, const SnapshotSource& source);
/// The histogram of durations by status.
WriteRow durations_by_status(const Family& family, const SnapshotSource& source);

/// 1 or 0: whether the last record that ended success or failed was a success.
std::optional<std::uint64_t> last_success(const RepositoryView& view);

}  // namespace registry_exporter::exposition
