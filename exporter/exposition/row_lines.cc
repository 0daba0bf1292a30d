#include "exporter/exposition/row_lines.h"

#include "exporter/base/duration.h"
#include "exporter/exposition/encode.h"

namespace registry_exporter {

PerOutcome<LineFrame> frames_by_outcome(std::string_view sample, std::string_view label_name,
                                        const StreamKind& kind) {
  PerOutcome<LineFrame> frames;
  for (const Outcome outcome : kind.outcomes) {
    frames[outcome] = line_frame(sample, label(label_name, name(outcome)));
  }
  return frames;
}

std::vector<LineFrame> frames_by_window(std::string_view sample, const SnapshotSource& source,
                                        const std::string& labels_before) {
  std::vector<LineFrame> frames;
  for (const Millis window : source.options.windows) {
    const auto written = source.options.window_names.find(window);
    const std::string window_name =
        written == source.options.window_names.end() ? format_duration(window) : written->second;
    frames.push_back(line_frame(sample, labels_before + label("window", window_name)));
  }
  return frames;
}

void events_by(std::string_view label_name, const Family& family, const SnapshotSource& source,
               Lines& lines) {
  const StreamKind& kind = *source.snapshot.kind;
  const auto created = created_at(source);
  const std::string created_name =
      std::string(without_total(family.name, family.type)) + "_created";
  const auto frames = frames_by_outcome(family.name, label_name, kind);
  const auto created_frames = frames_by_outcome(created_name, label_name, kind);
  for_rows(source, lines,
           [&](const RepositoryView&, const EventCounters& shown, const LinePart& labels) {
             for (const Outcome outcome : kind.outcomes) {
               lines.add(frames[outcome], labels, shown.events[outcome]);
               if (created) lines.add(created_frames[outcome], labels, seconds(*created));
             }
           });
}

}  // namespace registry_exporter
