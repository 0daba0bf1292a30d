#pragma once

#include <span>
#include <string>
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
  /// What it is, in which unit, which field of which operation it stems from.
  std::string_view help;
};

/// All families, in the order of the exposition.
std::span<const Family> families();
/// The text of HELP. Repository families are remembered between scrapes, which is said too.
std::string help_of(const Family& family);
/// "seconds" or "bytes" when the name says so ("cpu_seconds_total" too), else empty.
std::string_view unit_of(const Family& family);
/// nullptr: there is none of this name.
const Family* find_family(std::string_view name);

}  // namespace registry_exporter
