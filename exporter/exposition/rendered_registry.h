#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "exporter/exposition/block.h"
#include "exporter/exposition/exposition.h"
#include "exporter/exposition/render.h"

namespace registry_exporter::exposition {

/// One registry's snapshot as lines in one format. Immutable but for the compressed forms.
struct RenderedRegistry {
  std::shared_ptr<const RegistrySnapshot> snapshot;
  std::shared_ptr<const std::vector<RowLabels>> labels;
  std::map<const Family*, RenderedFamily> families;  ///< Without empty ones.

  /// nullptr: it has no lines.
  const RenderedFamily* find(const Family& family) const;
};

/// Renders all families that are not disabled. Blocks that say the same as in `before`, the lines
/// of last time, are kept, and with them their compressed form. The others are let go on the way,
/// if nobody else has them.
std::shared_ptr<RenderedRegistry> render_registry(std::shared_ptr<const RegistrySnapshot> snapshot,
                                                  std::optional<RenderedRegistry> before,
                                                  const ExpositionOptions& options,
                                                  ExpositionFormat format);

}  // namespace registry_exporter::exposition
