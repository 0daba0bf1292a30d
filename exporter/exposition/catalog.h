#pragma once

#include <span>
#include <string_view>

#include "exporter/exposition/family.h"

/// Every metric family of the exporter: the one list behind the exposition, `metrics.disabled` and
/// the documentation. Pure.
namespace registry_exporter::exposition {

/// All families, in the order of the exposition.
std::span<const Family> families();
/// Returns nullptr if there is no family of this name.
const Family* find_family(std::string_view name);

// The parts of families().
std::span<const Family> acr_families();
std::span<const Family> swr_families();
std::span<const Family> sync_families();
std::span<const Family> swr_ee_families();
std::span<const Family> exporter_families();
std::span<const Family> process_families();

}  // namespace registry_exporter::exposition
