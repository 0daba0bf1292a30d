#include "exporter/exposition/encode.h"

#include <cmath>
#include <cstdint>

namespace registry_exporter {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kTotal = "_total";

/// Length of the valid UTF-8 sequence that `text` starts with; 0: none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) {
    return i < text.size() && (byte(i) & 0xC0U) == 0x80;
  };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;   // Overlong.
    if (first == 0xED && byte(1) >= 0xA0) return 0;  // A surrogate.
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) >= 0x90) return 0;
    return 4;
  }
  return 0;
}

std::string hash_suffix(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string suffix = "~";
  for (int shift = 60; shift >= 0; shift -= 4) suffix.push_back(kDigits[(hash >> shift) & 15U]);
  return suffix;
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

std::string_view content_type(ExpositionFormat format) {
  return format == ExpositionFormat::text
             ? "text/plain; version=0.0.4; charset=utf-8"
             : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  bool replaced = false;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t length = sequence_length(rest);
    if (length == 0) {
      valid += kReplacement;
      replaced = true;
      rest.remove_prefix(1);
    } else {
      valid += rest.substr(0, length);
      rest.remove_prefix(length);
    }
  }
  if (replaced) valid += hash_suffix(text);
  return valid;
}

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += "=\"";
  append_escaped(out, valid_utf8(value), true);
  out.push_back('"');
}

std::string label(std::string_view name, std::string_view value) {
  std::string out;
  append_label(out, name, value);
  return out;
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  char buffer[32];
  const bool whole = value == std::floor(value) && std::fabs(value) < 1e15;
  const auto end =
      whole ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<std::int64_t>(value)).ptr
            : std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  out.append(buffer, end);
}

std::string bucket_bound(double seconds) {
  if (std::isinf(seconds)) return "+Inf";
  std::string text;
  append_number(text, seconds);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void append_head(std::string& out, std::string_view family, FamilyType type, std::string_view help,
                 ExpositionFormat format) {
  const bool openmetrics = format == ExpositionFormat::openmetrics;
  if (openmetrics && type == FamilyType::counter && family.ends_with(kTotal)) {
    family.remove_suffix(kTotal.size());
  }
  out += "# HELP ";
  out += family;
  out.push_back(' ');
  append_escaped(out, help, openmetrics);
  out += "\n# TYPE ";
  out += family;
  out.push_back(' ');
  out += name(type);
  out.push_back('\n');
}

}  // namespace registry_exporter
