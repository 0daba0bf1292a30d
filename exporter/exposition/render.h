#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/exposition/exposition.h"
#include "exporter/exposition/family.h"
#include "exporter/exposition/line_part.h"
#include "exporter/exposition/process_metrics.h"

/// Renders families as lines of text. Pure.
namespace registry_exporter::exposition {

/// `registry="…",repo_namespace="…",repo="…"`, or the same in protobuf.
struct RowLabels {
  LinePart text;
  std::uint64_t hash = 0;  ///< Of the text.
};
/// For each row of the snapshot, in its order.
std::vector<RowLabels> make_row_labels(const RegistrySnapshot& snapshot, ExpositionFormat format);

/// What RenderRows and RenderRegistry functions read.
struct SnapshotSource {
  const RegistrySnapshot& snapshot;
  const std::vector<RowLabels>& labels;
  const ExpositionOptions& options;
  ExpositionFormat format;
};

/// What RenderScrape functions read.
struct ScrapeSource {
  const LiveState& live;
  const std::vector<std::shared_ptr<const RegistrySnapshot>>& registries;  ///< Those asked for.
  const SelfMetrics& self;
  const ProcessMetrics& process;
  const ExpositionOptions& options;
  ExpositionFormat format;
};

/// Whether a registry has series of a family.
bool concerns(const Family& family, const RegistrySnapshot& registry);

/// The lines that the scrape itself contributes to a family. `writer` is
/// empty before and after: callers reuse it, so that its memory serves all families.
std::string render_scrape(const Family& family, const ScrapeSource& source, SampleWriter& writer);

/// Whether it is shown when series of snapshots began.
bool shows_beginnings(const SnapshotSource& source);
/// When the series of a registry itself began, which is before any scrape that shows them; nullopt:
/// not to be shown, or not known yet.
std::optional<UnixMillis> created_at(const SnapshotSource& source);

/// When the series began that start at 0 with the process. Only protobuf shows it: there it costs
/// no series of its own.
template <class Source>
std::optional<UnixMillis> process_created_at(const Source& source) {
  const bool wanted = source.format == ExpositionFormat::protobuf;
  return wanted ? std::optional(source.options.process_started_at) : std::nullopt;
}

}  // namespace registry_exporter::exposition
