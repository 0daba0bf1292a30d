#pragma once

#include <span>
#include <string_view>
#include <vector>

/// Every metric family as data: the single truth for HELP and TYPE lines, for `metrics.disabled`
/// and for the documentation. Pure.
namespace registry_exporter {

enum class FamilyType { counter, gauge, histogram };
std::string_view name(FamilyType type);

/// Whose series a family has.
enum class FamilyScope { repository, registry, process };

struct Family {
  std::string_view name;  ///< As in the text format: counters end in _total.
  FamilyType type = FamilyType::gauge;
  FamilyScope scope = FamilyScope::process;
  std::string_view labels;  ///< Besides registry, repo_namespace, repo; comma-separated.
  std::string_view help;
};

/// All families, in the order of the exposition.
std::span<const Family> families();
/// nullptr: there is none of this name.
const Family* find_family(std::string_view name);

}  // namespace registry_exporter
