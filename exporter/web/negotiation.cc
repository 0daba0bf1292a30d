#include "exporter/web/negotiation.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/text.h"

namespace registry_exporter::web {
namespace {

/// One element of a list like `text/plain;version=0.0.4;q=0.5`.
struct Choice {
  std::string name;      ///< Lower case.
  std::string version;   ///< Its `version` parameter, or "".
  std::string proto;     ///< The message, in protobuf.
  std::string encoding;  ///< How messages are joined, in protobuf.
  bool escaping = false;
  int q = 1000;  ///< Thousandths.
};

/// Splits at `separator` outside of quoted strings.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') ++i;
    if (i < text.size() && !quoted && text[i] == separator) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// "0", "0.5", "1.000" in thousandths; further digits are ignored.
std::optional<int> parse_q(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  int q = (text[0] - '0') * 1000;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int scale = 100;
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    q += (text[i] - '0') * scale;
    scale /= 10;
  }
  return q <= 1000 ? std::optional(q) : std::nullopt;
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

std::optional<Choice> parse_choice(std::string_view element) {
  const std::vector<std::string_view> parts = split(element, ';');
  Choice choice;
  choice.name = lower(trim(parts[0]));
  if (choice.name.empty()) return std::nullopt;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos) continue;
    const std::string key = lower(trim(parts[i].substr(0, equals)));
    const std::string_view value = trim(parts[i].substr(equals + 1));
    if (key == "version") choice.version = unquoted(value);
    if (key == "proto") choice.proto = unquoted(value);
    if (key == "encoding") choice.encoding = unquoted(value);
    if (key == "escaping") choice.escaping = !unquoted(value).empty();
    if (key != "q") continue;
    const std::optional<int> q = parse_q(value);
    if (!q) return std::nullopt;
    choice.q = *q;
  }
  return choice;
}

std::vector<Choice> parse_choices(std::string_view header) {
  std::vector<Choice> choices;
  for (const std::string_view element : split(header, ',')) {
    if (auto choice = parse_choice(element)) choices.push_back(std::move(*choice));
  }
  return choices;
}

/// The highest q among the elements with this name; nullopt: none.
std::optional<int> q_of(const std::vector<Choice>& choices, std::string_view name,
                        std::string_view version = {}) {
  std::optional<int> best;
  for (const Choice& choice : choices) {
    const bool same_version =
        version.empty() || choice.version.empty() || choice.version == version;
    if (choice.name == name && same_version) best = std::max(best.value_or(0), choice.q);
  }
  return best;
}

/// Of the one message and encoding that is spoken here.
int q_of_protobuf(const std::vector<Choice>& choices) {
  int best = 0;
  for (const Choice& choice : choices) {
    const bool spoken = choice.name == "application/vnd.google.protobuf" &&
                        choice.proto == "io.prometheus.client.MetricFamily" &&
                        choice.encoding == "delimited";
    if (spoken) best = std::max(best, choice.q);
  }
  return best;
}

}  // namespace

ExpositionFormat negotiate_format(std::string_view accept) {
  const std::vector<Choice> choices = parse_choices(accept);
  const int openmetrics = q_of(choices, "application/openmetrics-text", "1.0.0").value_or(0);
  std::optional<int> text = q_of(choices, "text/plain", "0.0.4");
  if (!text) text = q_of(choices, "text/*");
  if (!text) text = q_of(choices, "*/*");
  const int protobuf = q_of_protobuf(choices);
  if (protobuf > std::max(openmetrics, text.value_or(0))) return ExpositionFormat::protobuf;
  return openmetrics > text.value_or(0) ? ExpositionFormat::openmetrics : ExpositionFormat::text;
}

bool names_escaping(std::string_view accept) {
  const std::vector<Choice> choices = parse_choices(accept);
  return std::any_of(choices.begin(), choices.end(),
                     [](const Choice& choice) { return choice.escaping; });
}

bool accepts_gzip(std::string_view accept_encoding) {
  const std::vector<Choice> choices = parse_choices(accept_encoding);
  std::optional<int> gzip = q_of(choices, "gzip");
  if (!gzip) gzip = q_of(choices, "x-gzip");
  if (!gzip) gzip = q_of(choices, "*");
  return gzip.value_or(0) > 0 && *gzip >= q_of(choices, "identity").value_or(0);
}

}  // namespace registry_exporter::web
