#include "exporter/exposition/row_lines.h"

#include "exporter/base/duration.h"
#include "exporter/exposition/encode.h"

namespace registry_exporter::exposition {

std::vector<LineFrame> frames_by_window(std::string_view sample, const SnapshotSource& source,
                                        const Labels& labels_before) {
  std::vector<LineFrame> frames;
  for (const Millis window : source.options.windows) {
    const auto written = source.options.window_names.find(window);
    const std::string window_name =
        written == source.options.window_names.end() ? format_duration(window) : written->second;
    Labels labels = labels_before;
    labels.emplace_back("window", window_name);
    frames.push_back(line_frame(source.format, sample, labels));
  }
  return frames;
}

void events_by(std::string_view label_name, const Family& family, const SnapshotSource& source,
               Lines& lines) {
  const StreamKind& kind = *source.snapshot.kind;
  const bool with_beginning = shows_beginnings(source);
  PerOutcome<CounterFrame> frames;
  for (const Outcome outcome : kind.outcomes) {
    frames[outcome] =
        counter_frame(source.format, family.name, {{label_name, std::string(name(outcome))}});
  }
  for_rows(source, lines,
           [&](const RepositoryView&, const EventCounters& shown, const LinePart& labels) {
             const auto created = with_beginning ? shown.created_at : std::nullopt;
             for (const Outcome outcome : kind.outcomes) {
               lines.add(frames[outcome], labels, shown.events[outcome], created);
             }
           });
}

}  // namespace registry_exporter::exposition
