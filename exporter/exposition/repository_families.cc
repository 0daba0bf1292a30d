#include <algorithm>
#include <set>

#include "exporter/base/duration.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/render.h"

namespace registry_exporter {
namespace {

/// Calls `each(view, shown counters, labels)` for every row that has series.
template <class Each>
void for_rows(const RenderSource& source, Lines& lines, Each each) {
  const auto& rows = source.snapshot.rows;
  for (std::size_t i = lines.skip(0); i < rows.size(); i = lines.skip(i + 1)) {
    if (!rows[i].shown) continue;
    each(*rows[i].view, *rows[i].shown, source.labels[i].text);
    lines.end_row(i, source.labels[i].hash);
  }
}

/// The same for all rows, also those whose cloud series don't show yet.
template <class Each>
void for_all_rows(const RenderSource& source, Lines& lines, Each each) {
  const auto& rows = source.snapshot.rows;
  for (std::size_t i = lines.skip(0); i < rows.size(); i = lines.skip(i + 1)) {
    each(*rows[i].view, source.labels[i].text);
    lines.end_row(i, source.labels[i].hash);
  }
}

PerOutcome<LineFrame> frames_by_outcome(std::string_view sample, std::string_view label_name,
                                        RegistryType type) {
  PerOutcome<LineFrame> frames;
  for (const Outcome outcome : outcomes_of(type)) {
    frames[outcome] = line_frame(sample, label(label_name, name(outcome)));
  }
  return frames;
}

std::vector<LineFrame> frames_by_window(std::string_view sample, const RenderSource& source,
                                        const std::string& labels_before = {}) {
  std::vector<LineFrame> frames;
  for (const Millis window : source.options.windows) {
    const auto written = source.options.window_names.find(window);
    const std::string window_name =
        written == source.options.window_names.end() ? format_duration(window) : written->second;
    frames.push_back(line_frame(sample, labels_before + label("window", window_name)));
  }
  return frames;
}

void events_by(std::string_view label_name, const Family& family, const RenderSource& source,
               Lines& lines) {
  const RegistryType type = source.snapshot.type;
  const auto created = created_at(source);
  const std::string created_name =
      std::string(without_total(family.name, family.type)) + "_created";
  const auto frames = frames_by_outcome(family.name, label_name, type);
  const auto created_frames = frames_by_outcome(created_name, label_name, type);
  for_rows(source, lines,
           [&](const RepositoryView&, const EventCounters& shown, const LinePart& labels) {
             for (const Outcome outcome : outcomes_of(type)) {
               lines.add(frames[outcome], labels, shown.events[outcome]);
               if (created) lines.add(created_frames[outcome], labels, seconds(*created));
             }
           });
}

/// The lines of one status' histogram, bound by bound.
struct HistogramFrames {
  std::vector<LineFrame> buckets;  ///< The last is +Inf.
  LineFrame sum, count, created;

  HistogramFrames(std::string_view family, Outcome outcome, const std::vector<double>& bounds) {
    const std::string status = label("status", name(outcome));
    const std::string bucket = std::string(family) + "_bucket";
    for (const double bound : bounds) {
      buckets.push_back(line_frame(bucket, status + "," + label("le", bucket_bound(bound))));
    }
    buckets.push_back(line_frame(bucket, status + "," + label("le", "+Inf")));
    sum = line_frame(std::string(family) + "_sum", status);
    count = line_frame(std::string(family) + "_count", status);
    created = line_frame(std::string(family) + "_created", status);
  }
};

/// The exemplar of a bucket, where the format has them and the shown bucket isn't empty.
std::string bucket_exemplar(const RenderSource& source, const RepositoryView& view, Outcome outcome,
                            const DurationHistogram& histogram, std::size_t bucket) {
  const auto& exemplars = view.exemplars[outcome];
  const bool has_one = source.format == ExpositionFormat::openmetrics &&
                       bucket < exemplars.size() && exemplars[bucket] &&
                       bucket < histogram.counts.size() && histogram.counts[bucket] > 0;
  return has_one ? exemplar_text(*exemplars[bucket]) : std::string();
}

void durations(const Family& family, const RenderSource& source, Lines& lines) {
  const auto created = created_at(source);
  std::vector<HistogramFrames> frames;
  for (const Outcome outcome : outcomes_of(source.snapshot.type)) {
    frames.emplace_back(family.name, outcome, source.options.bucket_bounds);
  }
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters& shown, const LinePart& labels) {
             auto frame = frames.cbegin();
             for (const Outcome outcome : outcomes_of(source.snapshot.type)) {
               const HistogramFrames& frames_here = *frame++;
               if (!shown.durations[outcome]) continue;
               const DurationHistogram& histogram = *shown.durations[outcome];
               std::uint64_t cumulative = 0;
               for (std::size_t i = 0; i < frames_here.buckets.size(); ++i) {
                 if (i < histogram.counts.size()) cumulative += histogram.counts[i];
                 lines.add(frames_here.buckets[i], labels, cumulative,
                           bucket_exemplar(source, view, outcome, histogram, i));
               }
               lines.add(frames_here.sum, labels,
                         Thousandths{static_cast<std::int64_t>(histogram.sum_ms)});
               lines.add(frames_here.count, labels, cumulative);
               if (created) lines.add(frames_here.created, labels, seconds(*created));
             }
           });
}

void success_ratio(const Family& family, const RenderSource& source, Lines& lines) {
  const auto frames = frames_by_window(family.name, source);
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             for (std::size_t i = 0; i < std::min(view.recent.size(), frames.size()); ++i) {
               const double succeeded = view.recent[i][Outcome::success];
               const double ended = succeeded + view.recent[i][Outcome::failed];
               if (ended > 0) lines.add(frames[i], labels, succeeded / ended);
             }
           });
}

void builds_recent(const Family& family, const RenderSource& source, Lines& lines) {
  PerOutcome<std::vector<LineFrame>> frames;
  for (const Outcome outcome : outcomes_of(source.snapshot.type)) {
    frames[outcome] = frames_by_window(family.name, source, label("status", name(outcome)) + ",");
  }
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             for (const Outcome outcome : outcomes_of(source.snapshot.type)) {
               const bool always = outcome == Outcome::success || outcome == Outcome::failed;
               if (!always && !view.seen[outcome]) continue;
               const auto& windows = frames[outcome];
               for (std::size_t i = 0; i < std::min(view.recent.size(), windows.size()); ++i) {
                 lines.add(windows[i], labels, std::uint64_t{view.recent[i][outcome]});
               }
             }
           });
}

void deletions_recent(const Family& family, const RenderSource& source, Lines& lines) {
  const auto frames = frames_by_window(family.name, source);
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             for (std::size_t i = 0; i < std::min(view.recent.size(), frames.size()); ++i) {
               std::uint64_t all = 0;
               for (const std::uint32_t count : view.recent[i].values) all += count;
               lines.add(frames[i], labels, all);
             }
           });
}

void last_ends(const Family& family, const RenderSource& source, Lines& lines) {
  const auto frames = frames_by_outcome(family.name, "status", source.snapshot.type);
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             for (const Outcome outcome : outcomes_of(source.snapshot.type)) {
               const auto& end = view.last_end[outcome];
               if (end) lines.add(frames[outcome], labels, seconds(*end));
             }
           });
}

void repository_info(const Family& family, const RenderSource& source, Lines& lines) {
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             lines.add(line_frame(family.name, label("repo_id", view.ref.cloud_id)), labels,
                       std::uint64_t{1});
           });
}

void rule_info(const Family& family, const RenderSource& source, Lines& lines) {
  for_rows(
      source, lines, [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
        std::set<std::string> told;  // A list that names a rule twice makes one series.
        for (const RetentionRule& rule : view.rules) {
          std::string more = label("retention_id", rule.retention_id) + "," +
                             label("template", rule.rule_template) + "," + label("keep", rule.keep);
          if (!told.insert(more).second) continue;
          lines.add(line_frame(family.name, more), labels, std::uint64_t{1});
        }
      });
}

void failing(const Family& family, const RenderSource& source, Lines& lines) {
  for_all_rows(source, lines, [&](const RepositoryView& view, const LinePart& labels) {
    if (!view.failing) return;
    lines.add(line_frame(family.name, label("reason", name(*view.failing))), labels,
              std::uint64_t{1});
  });
}

void last_reads(const Family& family, const RenderSource& source, Lines& lines) {
  const LineFrame frame = line_frame(family.name);
  for_all_rows(source, lines, [&](const RepositoryView& view, const LinePart& labels) {
    if (view.last_read) lines.add(frame, labels, seconds(*view.last_read));
  });
}

void first_unreadable_rows(const Family& family, const RenderSource& source, Lines& lines) {
  const LineFrame frame = line_frame(family.name);
  for_all_rows(source, lines, [&](const RepositoryView& view, const LinePart& labels) {
    if (view.first_unreadable_row) lines.add(frame, labels, *view.first_unreadable_row);
  });
}

/// A family whose rows have one value each, or none.
template <auto Value>
void one_value(const Family& family, const RenderSource& source, Lines& lines) {
  const LineFrame frame = line_frame(family.name);
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             const auto value = Value(view);
             if (value) lines.add(frame, labels, *value);
           });
}

using Whole = std::optional<std::uint64_t>;
using Seconds = std::optional<Thousandths>;

Whole open_builds(const RepositoryView& view) { return view.open; }
Whole consecutive_failed(const RepositoryView& view) { return view.consecutive_failed; }
Whole tags(const RepositoryView& view) { return view.tags; }
Whole size_bytes(const RepositoryView& view) { return view.size_bytes; }
Whole downloads(const RepositoryView& view) { return view.downloads; }

Whole last_build_success(const RepositoryView& view) {
  if (!view.last_build) return std::nullopt;
  return view.last_build->succeeded ? 1 : 0;
}

Seconds last_build_duration(const RepositoryView& view) {
  if (!view.last_build || !view.last_build->duration) return std::nullopt;
  return Thousandths{view.last_build->duration->count()};
}

Seconds oldest_open(const RepositoryView& view) {
  if (!view.oldest_open_started_at) return std::nullopt;
  return seconds(*view.oldest_open_started_at);
}

Seconds last_deletion(const RepositoryView& view) {
  // An empty optional is less than any time.
  const auto newest = std::max_element(view.last_end.values.begin(), view.last_end.values.end());
  if (!*newest) return std::nullopt;
  return seconds(**newest);
}

}  // namespace

const FamilyRenderers& repository_renderers() {
  constexpr auto kAcr = RegistryType::acr;
  constexpr auto kSwr = RegistryType::swr;
  static const FamilyRenderers table{
      {"acr_builds_total",
       {kAcr,
        [](const Family& f, const RenderSource& s, Lines& l) { events_by("status", f, s, l); }}},
      {"acr_build_duration_seconds", {kAcr, durations}},
      {"acr_build_success_ratio", {kAcr, success_ratio}},
      {"acr_builds_recent", {kAcr, builds_recent}},
      {"acr_builds_in_progress", {kAcr, one_value<open_builds>}},
      {"acr_build_oldest_in_progress_start_timestamp_seconds", {kAcr, one_value<oldest_open>}},
      {"acr_last_build_success", {kAcr, one_value<last_build_success>}},
      {"acr_last_build_duration_seconds", {kAcr, one_value<last_build_duration>}},
      {"acr_consecutive_failed_builds", {kAcr, one_value<consecutive_failed>}},
      {"acr_last_build_end_timestamp_seconds", {kAcr, last_ends}},
      {"acr_repository_info", {kAcr, repository_info}},
      {"swr_retention_deletions_total",
       {kSwr,
        [](const Family& f, const RenderSource& s, Lines& l) { events_by("template", f, s, l); }}},
      {"swr_retention_deletions_recent", {kSwr, deletions_recent}},
      {"swr_last_retention_deletion_timestamp_seconds", {kSwr, one_value<last_deletion>}},
      {"swr_repository_tags", {kSwr, one_value<tags>}},
      {"swr_repository_size_bytes", {kSwr, one_value<size_bytes>}},
      {"swr_repository_downloads", {kSwr, one_value<downloads>}},
      {"swr_retention_rule_info", {kSwr, rule_info}},
      {"registry_exporter_repository_last_read_timestamp_seconds", {{}, last_reads}},
      {"registry_exporter_repository_failing", {{}, failing}},
      {"registry_exporter_repository_first_unreadable_row", {{}, first_unreadable_rows}},
  };
  return table;
}

}  // namespace registry_exporter
