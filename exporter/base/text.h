#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Plain text, the same in every locale: case is that of ASCII. Pure.
namespace registry_exporter {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string lower(std::string_view text);
std::string upper(std::string_view text);

bool contains(std::string_view text, std::string_view part);
bool contains_ignoring_case(std::string_view text, std::string_view part);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

/// All that isspace() calls white space in the C locale.
inline constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";
/// `text` without `blanks` at both ends.
std::string_view trim(std::string_view text, std::string_view blanks = kWhiteSpace);

/// Length in bytes of the valid UTF-8 sequence that `text` starts with; 0: it starts with none.
/// `text` must not be empty.
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);
/// At most `bytes_max` bytes from the start of `text`; no UTF-8 sequence is cut in two.
std::string_view cut_utf8(std::string_view text, std::size_t bytes_max);

}  // namespace registry_exporter
