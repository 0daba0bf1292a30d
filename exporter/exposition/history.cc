#include "exporter/exposition/history.h"

#include <algorithm>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/sample_writer.h"

namespace registry_exporter::exposition {
namespace {

constexpr Millis kApart{2};
constexpr std::size_t kPieceBytes = 1U << 18U;

/// Adds a sample; where one is too near to the one before, it takes its place.
void add_point(std::vector<SamplePoint>& points, SamplePoint point) {
  const bool near = !points.empty() && point.at - points.back().at < kApart;
  if (near) points.pop_back();
  points.push_back(point);
}

constexpr ExpositionFormat kFormat = ExpositionFormat::openmetrics;

/// The texts that the lines of one outcome have in common.
struct Frames {
  LineFrame count;                 ///< The counter itself, or `_count`.
  LineFrame sum;                   ///< Histograms only.
  std::vector<LineFrame> buckets;  ///< The same; the last is +Inf.
};

Labels outcome_label(const Family& family, Outcome outcome) {
  return {{family.labels, std::string(name(outcome))}};
}

Frames counter_frames(const Family& family, Outcome outcome) {
  return {line_frame(kFormat, family.name, outcome_label(family, outcome)), {}, {}};
}

Frames histogram_frames(const Family& family, Outcome outcome, const std::vector<double>& bounds) {
  HistogramFrame frame =
      histogram_frame(kFormat, family.name, bounds, outcome_label(family, outcome));
  return {std::move(frame.count), std::move(frame.sum), std::move(frame.buckets)};
}

std::string time_after_value(UnixMillis at) {
  std::string text = " ";
  append_number(text, seconds(at));
  return text;
}

/// Writes the series of one family and registry.
class FamilyWriter {
 public:
  FamilyWriter(const Family& family, const RegistryHistory& registry, const HistoryOptions& options,
               SampleWriter& lines)
      : family_(family), registry_(registry), options_(options), lines_(lines) {
    for (const Outcome outcome : registry.kind->outcomes) {
      frames_[outcome] = is_histogram() ? histogram_frames(family, outcome, options.bucket_bounds)
                                        : counter_frames(family, outcome);
    }
  }

  void add(const RepositoryHistory& repository) {
    if (repository.events.empty()) return;
    const LinePart labels(labels_of(repository.ref));
    for (const Outcome outcome : registry_.kind->outcomes) add(repository, outcome, labels);
  }

 private:
  bool is_histogram() const { return family_.type == FamilyType::histogram; }

  std::string labels_of(const RepositoryRef& ref) const {
    std::string text = written({{"registry", registry_.name}}, kFormat);
    append_owner(text, ref, kFormat);
    for (const auto& [name, value] : options_.labels) append_written(text, name, value, kFormat);
    return text;
  }

  /// As in a scrape: a repository's counters are there for all outcomes, from the first event of
  /// any on; a histogram from the first duration on.
  void add(const RepositoryHistory& repository, Outcome outcome, const LinePart& labels) {
    times_.clear();
    durations_.clear();
    totals_.assign(1, 0);
    for (const PastEvent& event : repository.events) {
      if (event.outcome != outcome || (is_histogram() && !event.duration)) continue;
      times_.push_back(event.at);
      totals_.push_back(totals_.back() + event.amount);
      if (is_histogram()) durations_.push_back(*event.duration);
    }
    if (is_histogram() && times_.empty()) return;
    const UnixMillis first = is_histogram() ? times_.front() : repository.events.front().at;
    const auto points = sample_points(times_, first, registry_.until, options_.step);
    if (is_histogram()) return add_histogram(frames_[outcome], labels, points);
    for (const SamplePoint& point : points) {
      lines_.add_line(frames_[outcome].count, labels, totals_[point.events],
                      time_after_value(point.at));
    }
  }

  void add_histogram(const Frames& frames, const LinePart& labels,
                     const std::vector<SamplePoint>& points) {
    std::vector<std::uint64_t> counts(frames.buckets.size(), 0);
    std::int64_t sum_ms = 0;
    std::size_t observed = 0;
    for (const SamplePoint& point : points) {
      for (; observed < point.events; ++observed) {
        const Millis duration = durations_[observed];
        const double taken = static_cast<double>(duration.count()) / 1000.0;
        const auto& bounds = options_.bucket_bounds;
        const auto bound = std::lower_bound(bounds.begin(), bounds.end(), taken);
        ++counts[static_cast<std::size_t>(bound - bounds.begin())];
        sum_ms += duration.count();
      }
      const std::string time = time_after_value(point.at);
      std::uint64_t cumulative = 0;
      for (std::size_t i = 0; i < counts.size(); ++i) {
        cumulative += counts[i];
        lines_.add_line(frames.buckets[i], labels, cumulative, time);
      }
      lines_.add_line(frames.sum, labels, Thousandths{sum_ms}, time);
      lines_.add_line(frames.count, labels, cumulative, time);
    }
  }

  const Family& family_;
  const RegistryHistory& registry_;
  const HistoryOptions& options_;
  SampleWriter& lines_;
  PerOutcome<Frames> frames_;
  std::vector<UnixMillis> times_;  ///< Of the series that is written.
  std::vector<Millis> durations_;
  std::vector<std::uint64_t> totals_;  ///< After so many events.
};

bool counts_events(const Family& family) {
  const bool grows = family.type == FamilyType::counter || family.type == FamilyType::histogram;
  return grows && family.kind != nullptr && is_of_owner(family.scope);
}

bool shows(const Family& family, const StreamKind& kind) {
  return &kind == family.kind || kind.shown_as == family.kind;
}

}  // namespace

std::vector<SamplePoint> sample_points(std::span<const UnixMillis> events, UnixMillis first,
                                       UnixMillis until, Millis step) {
  std::vector<SamplePoint> points;
  add_point(points, {first - step, 0});
  for (std::size_t begin = 0; begin < events.size();) {
    const auto step_of = [&](UnixMillis time) { return time.time_since_epoch() / step; };
    std::size_t end = begin;
    while (end < events.size() && step_of(events[end]) == step_of(events[begin])) ++end;
    const UnixMillis before = events[begin] - step;
    if (before >= points.back().at + kApart) add_point(points, {before, begin});
    add_point(points, {events[end - 1], end});
    begin = end;
  }
  if (until >= points.back().at + kApart) add_point(points, {until, events.size()});
  return points;
}

bool is_history_label(std::string_view name) {
  constexpr std::string_view kOfAll[] = {"registry", "repo_namespace", "repo", "policy",
                                         "le",       "quantile"};
  if (std::find(std::begin(kOfAll), std::end(kOfAll), name) != std::end(kOfAll)) return true;
  return std::any_of(families().begin(), families().end(), [name](const Family& family) {
    return counts_events(family) && family.labels == name;
  });
}

void write_history(const std::vector<RegistryHistory>& registries, const HistoryOptions& options,
                   const std::function<void(std::string_view)>& write) {
  for (const Family& family : families()) {
    const auto& disabled = options.disabled;
    const bool wanted = std::find(disabled.begin(), disabled.end(), family.name) == disabled.end();
    if (!counts_events(family) || !wanted) continue;
    SampleWriter lines;
    bool begun = false;
    for (const RegistryHistory& registry : registries) {
      if (!shows(family, *registry.kind)) continue;
      if (!std::exchange(begun, true)) write(head(family, ExpositionFormat::openmetrics));
      FamilyWriter series(family, registry, options, lines);
      for (const RepositoryHistory& repository : registry.repositories) {
        series.add(repository);
        if (lines.size() >= kPieceBytes) write(lines.take());
      }
    }
    if (lines.size() > 0) write(lines.take());
  }
  write("# EOF\n");
}

}  // namespace registry_exporter::exposition
