#include <algorithm>
#include <optional>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/row_lines.h"
#include "exporter/exposition/scrape_lines.h"

namespace registry_exporter::exposition {
namespace {

constexpr std::size_t kUsualLabelBytes = 64;

WriteRow success_ratio(const Family& family, const SnapshotSource& source) {
  const auto frames = frames_by_window(family.name, source);
  return for_rows(family, source,
                  [frames](const RepositoryView& view, const EventCounters&, const LinePart& labels,
                           SampleWriter& writer) {
                    for (std::size_t i = 0; i < std::min(view.recent.size(), frames.size()); ++i) {
                      const double succeeded = view.recent[i][Outcome::success];
                      const double ended = succeeded + view.recent[i][Outcome::failed];
                      if (ended > 0) writer.add(frames[i], labels, succeeded / ended);
                    }
                  });
}

WriteRow builds_recent(const Family& family, const SnapshotSource& source) {
  PerOutcome<std::vector<LineFrame>> frames;
  for (const Outcome outcome : family.kind->outcomes) {
    frames[outcome] =
        frames_by_window(family.name, source, {{"status", std::string(name(outcome))}});
  }
  return for_rows(family, source,
                  [&kind = *family.kind, frames = std::move(frames)](
                      const RepositoryView& view, const EventCounters&, const LinePart& labels,
                      SampleWriter& writer) {
                    for (const Outcome outcome : kind.outcomes) {
                      const bool always = outcome == Outcome::success || outcome == Outcome::failed;
                      if (!always && !view.seen[outcome]) continue;
                      const auto& windows = frames[outcome];
                      for (std::size_t i = 0; i < std::min(view.recent.size(), windows.size());
                           ++i) {
                        writer.add(windows[i], labels, std::uint64_t{view.recent[i][outcome]});
                      }
                    }
                  });
}

WriteRow last_ends(const Family& family, const SnapshotSource& source) {
  PerOutcome<LineFrame> frames;
  for (const Outcome outcome : family.kind->outcomes) {
    frames[outcome] =
        line_frame(source.format, family.name, {{"status", std::string(name(outcome))}});
  }
  return for_rows(family, source,
                  [&kind = *family.kind, frames = std::move(frames)](
                      const RepositoryView& view, const EventCounters&, const LinePart& labels,
                      SampleWriter& writer) {
                    for (const Outcome outcome : kind.outcomes) {
                      const auto& end = view.last_end[outcome];
                      if (end) writer.add(frames[outcome], labels, seconds(*end));
                    }
                  });
}

WriteRow repository_info(const Family& family, const SnapshotSource& source) {
  return for_rows(family, source,
                  [frame = line_frame(source.format, family.name), format = source.format](
                      const RepositoryView& view, const EventCounters&, const LinePart& labels,
                      SampleWriter& writer) mutable {
                    if (view.ref.cloud_id.empty()) return;  // The cloud has not told it.
                    std::string own;
                    own.reserve(kUsualLabelBytes);
                    append_written(own, "repo_id", view.ref.cloud_id, format);
                    frame.tail = frame_tail(format, std::move(own));
                    writer.add(frame, labels, std::uint64_t{1});
                  });
}

using View = RepositoryView;
using Whole = std::optional<std::uint64_t>;

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
     health_value<up>, nullptr, "acr"},
    {"acr_builds_total", counter, repository, "status",
     "Finished image builds by status (BuildStatus of ListRepoBuildRecord). Each build is counted "
     "once.",
     [](const Family& family, const SnapshotSource& source) {
       return events_by("status", family, source);
     },
     &kBuilds},
    {"acr_build_duration_seconds", histogram, repository, "status",
     "Duration of finished image builds in seconds (EndTime minus StartTime of "
     "ListRepoBuildRecord).",
     durations_by_status, &kBuilds},
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
     row_value<last_success>, &kBuilds},
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

}  // namespace registry_exporter::exposition
