#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Help for mistyped words. Pure.
namespace registry_exporter::config {

/// The candidate that `word` was probably meant to be, or "": at most a third of its letters (three
/// at most) are wrong, missing or too many.
std::string nearest_spelling(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean X?", or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// A foreign text for one line of a message: without control characters, and shortened.
std::string in_one_line(std::string_view text);
std::string in_quotes(std::string_view text);  ///< The same in double quotes.

}  // namespace registry_exporter::config
