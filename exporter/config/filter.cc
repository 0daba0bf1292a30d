#include "exporter/config/filter.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>

namespace registry_exporter::config {
namespace {

constexpr int kTogetherBytesMost = 64 << 20;

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

/// All at once: one by one, thousands of patterns for thousands of names take seconds. What is too
/// large for that is tried one by one.
struct PatternList::Patterns {
  explicit Patterns(const std::vector<std::string>& patterns)
      : compiled(compile(patterns)), together(roomy(), RE2::ANCHOR_BOTH) {
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (together.Add(patterns[i], nullptr) >= 0) positions.push_back(i);
    }
    is_together = together.Compile();
  }

  static RE2::Options roomy() {
    RE2::Options options = quiet();
    options.set_max_mem(kTogetherBytesMost);
    return options;
  }

  std::optional<std::size_t> first_of_each(const std::string& text) const {
    for (std::size_t i = 0; i < compiled.size(); ++i) {
      if (matches(*compiled[i], text)) return i;
    }
    return std::nullopt;
  }

  Compiled compiled;
  RE2::Set together;
  std::vector<std::size_t> positions;  ///< In the list, of those in `together`.
  bool is_together = false;
};

PatternList::PatternList(const std::vector<std::string>& patterns)
    : patterns_(std::make_unique<const Patterns>(patterns)) {}

PatternList::~PatternList() = default;

std::optional<std::size_t> PatternList::first_match(const std::string& full_name) const {
  if (!patterns_->is_together) return patterns_->first_of_each(full_name);
  std::vector<int> found;
  RE2::Set::ErrorInfo error{RE2::Set::kNoError};
  if (patterns_->together.Match(full_name, &found, &error)) {
    const int first = *std::min_element(found.begin(), found.end());
    return patterns_->positions[static_cast<std::size_t>(first)];
  }
  if (error.kind == RE2::Set::kNoError) return std::nullopt;
  return patterns_->first_of_each(full_name);
}

std::string pattern_error(const std::string& pattern) {
  const RE2 compiled(pattern, quiet());
  return compiled.ok() ? "" : compiled.error();
}

}  // namespace registry_exporter::config
