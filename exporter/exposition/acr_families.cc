#include <algorithm>
#include <optional>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/row_lines.h"
#include "exporter/exposition/scrape_lines.h"

namespace registry_exporter {
namespace {

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
std::string bucket_exemplar(const SnapshotSource& source, const RepositoryView& view,
                            Outcome outcome, const DurationHistogram& histogram,
                            std::size_t bucket) {
  const auto& exemplars = view.exemplars[outcome];
  const bool has_one = source.format == ExpositionFormat::openmetrics &&
                       bucket < exemplars.size() && exemplars[bucket] &&
                       bucket < histogram.counts.size() && histogram.counts[bucket] > 0;
  return has_one ? exemplar_text(*exemplars[bucket]) : std::string();
}

void durations(const Family& family, const SnapshotSource& source, Lines& lines) {
  const auto created = created_at(source);
  std::vector<HistogramFrames> frames;
  for (const Outcome outcome : source.snapshot.kind->outcomes) {
    frames.emplace_back(family.name, outcome, source.options.bucket_bounds);
  }
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters& shown, const LinePart& labels) {
             auto frame = frames.cbegin();
             for (const Outcome outcome : source.snapshot.kind->outcomes) {
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

void success_ratio(const Family& family, const SnapshotSource& source, Lines& lines) {
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

void builds_recent(const Family& family, const SnapshotSource& source, Lines& lines) {
  PerOutcome<std::vector<LineFrame>> frames;
  for (const Outcome outcome : source.snapshot.kind->outcomes) {
    frames[outcome] = frames_by_window(family.name, source, label("status", name(outcome)) + ",");
  }
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             for (const Outcome outcome : source.snapshot.kind->outcomes) {
               const bool always = outcome == Outcome::success || outcome == Outcome::failed;
               if (!always && !view.seen[outcome]) continue;
               const auto& windows = frames[outcome];
               for (std::size_t i = 0; i < std::min(view.recent.size(), windows.size()); ++i) {
                 lines.add(windows[i], labels, std::uint64_t{view.recent[i][outcome]});
               }
             }
           });
}

void last_ends(const Family& family, const SnapshotSource& source, Lines& lines) {
  const auto frames = frames_by_outcome(family.name, "status", *source.snapshot.kind);
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             for (const Outcome outcome : source.snapshot.kind->outcomes) {
               const auto& end = view.last_end[outcome];
               if (end) lines.add(frames[outcome], labels, seconds(*end));
             }
           });
}

void repository_info(const Family& family, const SnapshotSource& source, Lines& lines) {
  for_rows(source, lines,
           [&](const RepositoryView& view, const EventCounters&, const LinePart& labels) {
             lines.add(line_frame(family.name, label("repo_id", view.ref.cloud_id)), labels,
                       std::uint64_t{1});
           });
}

using View = RepositoryView;
using Whole = std::optional<std::uint64_t>;

Whole last_build_success(const View& view) {
  if (!view.last_build) return std::nullopt;
  return view.last_build->succeeded ? 1 : 0;
}

std::optional<Thousandths> last_build_duration(const View& view) {
  if (!view.last_build || !view.last_build->duration) return std::nullopt;
  return Thousandths{view.last_build->duration->count()};
}

using enum FamilyType;
using enum FamilyScope;
constexpr Family kFamilies[] = {
    {"acr_up", gauge, registry, "",
     "1 if the last API call to Alibaba Cloud got a response and the credentials were accepted, "
     "else 0.",
     health_value<up>, &kBuilds},
    {"acr_builds_total", counter, repository, "status",
     "Finished image builds by status (BuildStatus of ListRepoBuildRecord). Each build is counted "
     "once.",
     [](const Family& family, const SnapshotSource& source, Lines& lines) {
       events_by("status", family, source, lines);
     },
     &kBuilds},
    {"acr_build_duration_seconds", histogram, repository, "status",
     "Duration of finished image builds in seconds (EndTime minus StartTime of "
     "ListRepoBuildRecord).",
     durations, &kBuilds},
    {"acr_build_success_ratio", gauge, repository, "window",
     "Share of successful builds, 0 to 1: success / (success + failed) of the builds that ended "
     "within the window.",
     success_ratio, &kBuilds},
    {"acr_builds_recent", gauge, repository, "status,window",
     "Finished builds that ended within the window (EndTime of ListRepoBuildRecord).",
     builds_recent, &kBuilds},
    {"acr_builds_in_progress", gauge, repository, "",
     "Builds that are pending or running (ListRepoBuildRecord, GetRepoBuildRecord).",
     row_value<[](const View& view) { return Whole{view.open}; }>, &kBuilds},
    {"acr_build_oldest_in_progress_start_timestamp_seconds", gauge, repository, "",
     "Start time of the oldest build in progress, in seconds since 1970.",
     row_value<[](const View& view) { return seconds(view.oldest_open_started_at); }>, &kBuilds},
    {"acr_last_build_success", gauge, repository, "",
     "1 if the last finished build succeeded, 0 if it failed. Other statuses are ignored.",
     row_value<last_build_success>, &kBuilds},
    {"acr_last_build_duration_seconds", gauge, repository, "",
     "Duration of the last successful or failed build in seconds.", row_value<last_build_duration>,
     &kBuilds},
    {"acr_consecutive_failed_builds", gauge, repository, "",
     "Failed builds since the last successful one.",
     row_value<[](const View& view) { return Whole{view.consecutive_failed}; }>, &kBuilds},
    {"acr_last_build_end_timestamp_seconds", gauge, repository, "status",
     "End time of the last build with the status, in seconds since 1970.", last_ends, &kBuilds},
    {"acr_repository_info", gauge, repository, "repo_id",
     "RepoId of the repository (ListRepository). Always 1.", repository_info, &kBuilds},
};

}  // namespace

std::span<const Family> acr_families() { return kFamilies; }

}  // namespace registry_exporter
