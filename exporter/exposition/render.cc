#include "exporter/exposition/render.h"

#include <algorithm>
#include <variant>

#include "exporter/base/hash.h"
#include "exporter/base/prefetch.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/sample_writer.h"

namespace registry_exporter::exposition {
namespace {

constexpr std::size_t kLabelsBytes = 160;  // Enough for most rows.
constexpr std::size_t kRowsAhead = 16;     // To prefetch.

/// FNV-1a, then mixed so that every bit decides.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = fnv1a(text);
  hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15U;
  return hash ^ (hash >> 29);
}

}  // namespace

std::vector<RowLabels> make_row_labels(const RegistrySnapshot& snapshot, ExpositionFormat format) {
  const std::string registry = written({{"registry", snapshot.name}}, format);
  std::vector<RowLabels> labels;
  const auto& rows = snapshot.rows;
  labels.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kRowsAhead < rows.size()) prefetch(&rows[i + kRowsAhead].ref());
    std::string text;
    text.reserve(kLabelsBytes);
    text += registry;
    append_owner(text, rows[i].ref(), format);
    const std::uint64_t hash = hash_of(text);
    labels.push_back({LinePart(std::move(text)), hash});
  }
  return labels;
}

bool concerns(const Family& family, const RegistrySnapshot& registry) {
  const auto& kinds = registry.kinds;
  if (family.kind != nullptr && !registry.cell_of(family.kind)) return false;
  // "swr_ee" has what is of "swr".
  if (!registry.type.starts_with(family.registry_type)) return false;
  return !family.of_spans || std::any_of(kinds.begin(), kinds.end(), [](const StreamKind* kind) {
    return kind->has_durations;
  });
}

bool shows_beginnings(const SnapshotSource& source) {
  return source.format == ExpositionFormat::protobuf ||
         (source.format == ExpositionFormat::openmetrics && source.options.created_timestamps);
}

std::optional<UnixMillis> created_at(const SnapshotSource& source) {
  const auto& created = source.snapshot.state.created_at;
  if (!created || !shows_beginnings(source)) return std::nullopt;
  return *created - kScrapeLongest;
}

std::string render_scrape(const Family& family, const ScrapeSource& source, SampleWriter& writer) {
  if (const auto* render = std::get_if<RenderScrape>(&family.render)) {
    (*render)(family, source, writer);
  }
  return writer.take();
}

}  // namespace registry_exporter::exposition
