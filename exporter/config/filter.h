#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/config/config.h"

namespace registry_exporter::config {

/// Which repositories the user wants. Patterns are RE2, fully anchored, on "namespace/name"; no
/// include pattern means all. Patterns that don't compile (parse_config refuses them) match
/// nothing.
class RepositoryFilter {
 public:
  explicit RepositoryFilter(const RepositoryFilters& filters);
  ~RepositoryFilter();
  bool matches(const std::string& full_name) const;

 private:
  struct Patterns;
  std::unique_ptr<const Patterns> patterns_;
};

/// Patterns in order; each as above.
class PatternList {
 public:
  explicit PatternList(const std::vector<std::string>& patterns);
  ~PatternList();
  std::optional<std::size_t> first_match(const std::string& full_name) const;

 private:
  struct Patterns;
  std::unique_ptr<const Patterns> patterns_;
};

/// What is wrong with a pattern, or "".
std::string pattern_error(const std::string& pattern);

}  // namespace registry_exporter::config
