#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "exporter/exposition/block.h"
#include "exporter/exposition/exposition.h"
#include "exporter/exposition/render.h"

namespace registry_exporter::exposition {

/// One registry's snapshot as lines in one format. Not changed while a scrape has it, but for the
/// compressed forms.
struct RenderedRegistry {
  std::shared_ptr<const RegistrySnapshot> snapshot;
  std::shared_ptr<const std::vector<RowLabels>> labels;
  std::map<const Family*, RenderedFamily> families;  ///< Without empty ones.

  /// nullptr: it has no lines.
  const RenderedFamily* find(const Family& family) const;
  RenderedFamily* find(const Family& family);
};

/// Renders all families that are not disabled. `before`: the lines of last time, in the same
/// format, by the same options. Blocks that say the same are kept, and with them their compressed
/// form. Where the rows are those of last time, the others are let go one by one, as new ones come.
RenderedRegistry render_registry(std::shared_ptr<const RegistrySnapshot> snapshot,
                                 std::optional<RenderedRegistry> before,
                                 const ExpositionOptions& options, ExpositionFormat format);

}  // namespace registry_exporter::exposition
