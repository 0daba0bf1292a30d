#include "exporter/exposition/encode.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "exporter/base/hash.h"
#include "exporter/base/text.h"
#include "exporter/exposition/protobuf_writer.h"

namespace registry_exporter::exposition {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::string_view kTotal = "_total";
constexpr std::size_t kExemplarCharacters = 128;  // OpenMetrics: names and values together.
constexpr double kWholeBelow = 1e15;              // Every whole number below is exact.

std::string hash_suffix(std::string_view text) {
  const std::uint64_t hash = fnv1a(text);
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

void append_label(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += "=\"";
  const bool plain = std::none_of(value.begin(), value.end(), [](char c) {
    return c == '\\' || c == '"' || c == '\n' || static_cast<unsigned char>(c) >= 0x80;
  });
  if (plain) {
    out += value;
  } else {
    append_escaped(out, valid_utf8(value), true);
  }
  out.push_back('"');
}

}  // namespace

std::string_view name(ExpositionFormat format) {
  switch (format) {
    case ExpositionFormat::text:
      return "text";
    case ExpositionFormat::openmetrics:
      return "openmetrics";
    case ExpositionFormat::protobuf:
      return "protobuf";
  }
  return "text";
}

std::string_view content_type(ExpositionFormat format) {
  switch (format) {
    case ExpositionFormat::text:
      return "text/plain; version=0.0.4; charset=utf-8";
    case ExpositionFormat::openmetrics:
      return "application/openmetrics-text; version=1.0.0; charset=utf-8";
    case ExpositionFormat::protobuf:
      return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
             "encoding=delimited";
  }
  return {};
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  bool replaced = false;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t length = utf8_length(rest);
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

void append_written(std::string& out, std::string_view name, std::string_view value,
                    ExpositionFormat format) {
  if (format == ExpositionFormat::protobuf) return append_label_pair(out, name, value);
  if (!out.empty()) out.push_back(',');
  append_label(out, name, value);
}

void append_owner(std::string& out, const RepositoryRef& owner, ExpositionFormat format) {
  const OwnerType type = owner_type(owner);
  if (type == OwnerType::policy) return append_written(out, "policy", owner.name, format);
  append_written(out, "repo_namespace", owner.repo_namespace, format);
  if (type == OwnerType::repository) append_written(out, "repo", owner.name, format);
}

std::string written(const Labels& labels, ExpositionFormat format) {
  std::string out;
  for (const auto& [name, value] : labels) append_written(out, name, value, format);
  return out;
}

char* write_number(char* to, double value) {
  const auto word = [to](std::string_view text) { return to + text.copy(to, text.size()); };
  if (std::isnan(value)) return word("NaN");
  if (std::isinf(value)) return word(value > 0 ? "+Inf" : "-Inf");
  if (std::fabs(value) < kWholeBelow) {
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<double>(whole) == value) return std::to_chars(to, to + kNumberBytes, whole).ptr;
  }
  return std::to_chars(to, to + kNumberBytes, value).ptr;
}

char* write_number(char* to, Thousandths value) {
  const std::int64_t whole = value.value / 1000;
  auto rest = static_cast<int>(value.value % 1000);
  if (rest < 0) {
    rest = -rest;
    if (whole == 0) *to++ = '-';
  }
  to = std::to_chars(to, to + kNumberBytes - 5, whole).ptr;
  if (rest == 0) return to;
  *to++ = '.';
  for (int digit = 100; rest > 0; digit /= 10) {
    *to++ = static_cast<char>('0' + rest / digit);
    rest %= digit;
  }
  return to;
}

std::string bucket_bound(double seconds) {
  std::string text;
  append_number(text, seconds);
  if (text.find_first_of(".eI") == std::string::npos) text += ".0";
  return text;
}

std::string_view without_total(std::string_view family, FamilyType type) {
  const bool ends = type == FamilyType::counter && family.ends_with(kTotal);
  return ends ? family.substr(0, family.size() - kTotal.size()) : family;
}

std::string head(const Family& family, ExpositionFormat format) {
  const bool openmetrics = format == ExpositionFormat::openmetrics;
  const std::string_view shown =
      openmetrics ? without_total(family.name, family.type) : family.name;
  std::string out = "# HELP ";
  out += shown;
  out.push_back(' ');
  append_escaped(out, help_of(family), openmetrics);
  out += "\n# TYPE ";
  out += shown;
  out.push_back(' ');
  out += name(family.type);
  out.push_back('\n');
  const std::string_view unit = unit_of(family);
  if (openmetrics && !unit.empty()) {
    out += "# UNIT ";
    out += shown;
    out.push_back(' ');
    out += unit;
    out.push_back('\n');
  }
  return out;
}

std::optional<std::string> exemplar_id(const Exemplar& exemplar) {
  std::string id = valid_utf8(exemplar.build_record_id);
  const auto characters = static_cast<std::size_t>(std::count_if(id.begin(), id.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
  if (kExemplarLabel.size() + characters > kExemplarCharacters) return std::nullopt;
  return id;
}

std::string exemplar_text(const Exemplar& exemplar) {
  const auto id = exemplar_id(exemplar);
  if (!id) return {};
  std::string out = " # {";
  append_label(out, kExemplarLabel, *id);
  out += "} ";
  append_number(out, exemplar.seconds);
  out.push_back(' ');
  append_number(out, seconds(exemplar.ended_at));
  return out;
}

}  // namespace registry_exporter::exposition
