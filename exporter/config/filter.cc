#include "exporter/config/filter.h"

#include <re2/re2.h>

#include <algorithm>

namespace registry_exporter::config {
namespace {

using Compiled = std::vector<std::unique_ptr<RE2>>;

RE2::Options quiet() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

Compiled compile(const std::vector<std::string>& patterns) {
  Compiled compiled;
  for (const std::string& pattern : patterns) {
    compiled.push_back(std::make_unique<RE2>(pattern, quiet()));
  }
  return compiled;
}

bool matches(const RE2& pattern, const std::string& text) {
  return pattern.ok() && RE2::FullMatch(text, pattern);
}

bool any_matches(const Compiled& patterns, const std::string& text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return matches(*pattern, text); });
}

}  // namespace

struct RepositoryFilter::Patterns {
  Compiled include, exclude;
};

RepositoryFilter::RepositoryFilter(const RepositoryFilters& filters)
    : patterns_(std::make_unique<const Patterns>(
          Patterns{compile(filters.include), compile(filters.exclude)})) {}

RepositoryFilter::~RepositoryFilter() = default;

bool RepositoryFilter::matches(const std::string& full_name) const {
  const bool included = patterns_->include.empty() || any_matches(patterns_->include, full_name);
  return included && !any_matches(patterns_->exclude, full_name);
}

struct PatternList::Patterns {
  Compiled compiled;
};

PatternList::PatternList(const std::vector<std::string>& patterns)
    : patterns_(std::make_unique<const Patterns>(Patterns{compile(patterns)})) {}

PatternList::~PatternList() = default;

std::optional<std::size_t> PatternList::first_match(const std::string& full_name) const {
  const Compiled& compiled = patterns_->compiled;
  for (std::size_t i = 0; i < compiled.size(); ++i) {
    if (matches(*compiled[i], full_name)) return i;
  }
  return std::nullopt;
}

std::string pattern_error(const std::string& pattern) {
  const RE2 compiled(pattern, quiet());
  return compiled.ok() ? "" : compiled.error();
}

}  // namespace registry_exporter::config
