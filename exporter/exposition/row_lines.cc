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

WriteRow events_by(std::string_view label_name, const Family& family,
                   const SnapshotSource& source) {
  const StreamKind& kind = *family.kind;
  const bool with_beginning = shows_beginnings(source);
  PerOutcome<CounterFrame> frames;
  for (const Outcome outcome : kind.outcomes) {
    frames[outcome] =
        counter_frame(source.format, family.name, {{label_name, std::string(name(outcome))}});
  }
  return for_rows(family, source,
                  [&kind, with_beginning, frames = std::move(frames)](
                      const RepositoryView&, const EventCounters& shown, const LinePart& labels,
                      SampleWriter& writer) {
                    const auto created = with_beginning ? shown.created_at : std::nullopt;
                    for (const Outcome outcome : kind.outcomes) {
                      writer.add(frames[outcome], labels, shown.events[outcome], created);
                    }
                  });
}

WriteRow durations_by_status(const Family& family, const SnapshotSource& source) {
  const bool with_beginning = shows_beginnings(source);
  const auto& bounds = source.options.bucket_bounds;
  PerOutcome<HistogramFrame> frames;
  for (const Outcome outcome : family.kind->outcomes) {
    frames[outcome] = histogram_frame(source.format, family.name, bounds,
                                      {{"status", std::string(name(outcome))}});
  }
  return for_rows(family, source,
                  [&kind = *family.kind, with_beginning, frames = std::move(frames),
                   cumulative = std::vector<std::uint64_t>(bounds.size() + 1)](
                      const RepositoryView& view, const EventCounters& shown,
                      const LinePart& labels, SampleWriter& writer) mutable {
                    for (const Outcome outcome : kind.outcomes) {
                      if (!shown.durations[outcome]) continue;
                      const DurationHistogram& histogram = *shown.durations[outcome];
                      std::uint64_t all = 0;
                      for (std::size_t i = 0; i < cumulative.size(); ++i) {
                        if (i < histogram.counts.size()) all += histogram.counts[i];
                        cumulative[i] = all;
                      }
                      const auto& exemplars = view.exemplars[outcome];
                      const Thousandths sum{static_cast<std::int64_t>(histogram.sum_ms)};
                      writer.add(
                          frames[outcome], labels,
                          HistogramSample<Thousandths>{
                              .cumulative = cumulative,
                              .sum = sum,
                              .created = with_beginning ? histogram.created_at : std::nullopt,
                              .exemplars = exemplars ? std::span(*exemplars)
                                                     : std::span<const std::optional<Exemplar>>(),
                              .native = &histogram.native});
                    }
                  });
}

std::optional<std::uint64_t> last_success(const RepositoryView& view) {
  if (!view.last_build) return std::nullopt;
  return view.last_build->succeeded ? 1 : 0;
}

}  // namespace registry_exporter::exposition
