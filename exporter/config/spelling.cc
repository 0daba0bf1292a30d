#include "exporter/config/spelling.h"

#include <algorithm>
#include <utility>

#include "exporter/base/text.h"

namespace registry_exporter::config {
namespace {

constexpr std::size_t kMistakesMax = 3;
constexpr std::size_t kWordMax = 64;  ///< Longer words are no spelling mistakes.
constexpr std::size_t kShownMax = 80;

/// Letters that are wrong, missing or too many, and neighbours that have changed places (the
/// optimal string alignment distance).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_before;
  std::vector<std::size_t> before;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    two_before = std::exchange(before, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t wrong = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({before[j] + 1, row[j - 1] + 1, before[j - 1] + wrong});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_spelling(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > kWordMax) return {};
  std::size_t least = std::min(kMistakesMax, word.size() / 3) + 1;
  std::string nearest;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string nearest = nearest_spelling(word, candidates);
  return nearest.empty() ? "" : "; did you mean " + nearest + "?";
}

std::string in_one_line(std::string_view text) {
  const std::string_view shown = cut_utf8(text, kShownMax);
  std::string line;
  for (const char c : shown) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    line.push_back(control ? '?' : c);
  }
  return shown.size() < text.size() ? line + "…" : line;
}

std::string in_quotes(std::string_view text) { return "\"" + in_one_line(text) + "\""; }

}  // namespace registry_exporter::config
