#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/exposition.h"

namespace registry_exporter {

/// About this many bytes are compressed, and later reused, together.
inline constexpr std::size_t kBlockBytes = 64UL * 1024;

/// The lines of one family that a registry's snapshot contributes, cut into blocks of whole lines
/// of about kBlockBytes. Empty: the family has no series there. Pure.
std::vector<std::string> render_family(const Family& family, const RegistrySnapshot& snapshot,
                                       const std::vector<std::string>& row_labels,
                                       const ExpositionOptions& options, ExpositionFormat format);

/// For each row: `registry="…",repo_namespace="…",repo="…"`.
std::vector<std::string> row_labels(const RegistrySnapshot& snapshot);

/// The lines that a scrape adds to a family from what is true at its moment. Pure.
std::string render_live(const Family& family, const LiveState& live, const Snapshot& snapshot,
                        const std::vector<std::string>& only);

}  // namespace registry_exporter
