#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/exposition.h"
#include "exporter/exposition/lines.h"

/// From what is known to lines of text. Pure.
namespace registry_exporter {

/// `registry="…",repo_namespace="…",repo="…"`
struct RowLabels {
  LinePart text;
  std::uint64_t hash = 0;  ///< Of the text.
};
/// For each row of the snapshot, in its order.
std::vector<RowLabels> make_row_labels(const RegistrySnapshot& snapshot);

/// What the lines of one family are made of.
struct RenderSource {
  const RegistrySnapshot& snapshot;
  const std::vector<RowLabels>& labels;
  const ExpositionOptions& options;
  ExpositionFormat format;
};

/// The lines that a registry's snapshot contributes to a family. Empty: it has no series there.
/// `lines` is empty before and after; it is the caller's so that its memory serves all families.
std::vector<LineBlock> render_family(const Family& family, const RenderSource& source,
                                     Lines& lines);

/// The lines that a scrape adds to a family from what is true at its moment. `process_wide`: those
/// that belong to no registry too.
std::string render_live(const Family& family, const LiveState& live,
                        const std::vector<std::shared_ptr<const RegistrySnapshot>>& registries,
                        bool process_wide);

/// How the families of one scope are rendered, by name: the parts of render_family().
struct FamilyRenderer {
  std::optional<RegistryType> type;  ///< Set: for registries of this type alone.
  void (*render)(const Family&, const RenderSource&, Lines&) = nullptr;
};
using FamilyRenderers = std::unordered_map<std::string_view, FamilyRenderer>;
const FamilyRenderers& repository_renderers();
const FamilyRenderers& registry_renderers();

/// When the series began, where `_created` lines are wanted.
std::optional<UnixMillis> created_at(const RenderSource& source);

}  // namespace registry_exporter
