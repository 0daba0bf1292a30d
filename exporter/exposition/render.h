#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/exposition/exposition.h"
#include "exporter/exposition/family.h"
#include "exporter/exposition/lines.h"
#include "exporter/exposition/process_metrics.h"

/// Renders families as lines of text. Pure.
namespace registry_exporter {

/// `registry="…",repo_namespace="…",repo="…"`
struct RowLabels {
  LinePart text;
  std::uint64_t hash = 0;  ///< Of the text.
};
/// For each row of the snapshot, in its order.
std::vector<RowLabels> make_row_labels(const RegistrySnapshot& snapshot);

/// What RenderSnapshot functions read.
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
};

/// The lines that a registry's snapshot contributes to a family; empty if it has no series there.
/// `lines` is empty before and after: callers reuse it, so that its memory serves all families.
std::vector<LineBlock> render_snapshot(const Family& family, const SnapshotSource& source,
                                       Lines& lines);

/// The lines that the scrape itself contributes to a family. `writer` is reused as `lines` above.
std::string render_scrape(const Family& family, const ScrapeSource& source, SampleWriter& writer);

/// When the series began; nullopt if there are to be no `_created` lines.
std::optional<UnixMillis> created_at(const SnapshotSource& source);

}  // namespace registry_exporter
