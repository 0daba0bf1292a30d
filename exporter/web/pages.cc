#include "exporter/web/pages.h"

#include <cstddef>

#include "exporter/base/digest.h"
#include "exporter/base/percent_encoding.h"

namespace registry_exporter {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --text: #1c2024; --soft: #5b646d; --line: #d8dde2;
  --page: #f7f8fa; --card: #fff; --link: #0b57d0; --good: #146c2e; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --soft: #a0a8b1; --line: #383e45; --page: #15181b; --card: #1e2226;
    --link: #8ab4f8; --good: #7bd88f; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem; background: var(--page);
  color: var(--text); font: 1rem/1.55 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 2rem 0 .6rem; font-size: 1.1rem; }
p { margin: .4rem 0; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
code { font: .92em ui-monospace, monospace; }
.soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  overflow-x: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.25rem; margin: 0;
  padding: .9rem 1rem; }
dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .55rem 1rem; text-align: left; vertical-align: baseline;
  border-top: 1px solid var(--line); }
bdi { overflow-wrap: anywhere; }
footer { margin-top: 1.5rem; }
thead th { border-top: 0; white-space: nowrap; color: var(--soft); font-size: .85rem; font-weight: 600; }
tbody th { font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.up { color: var(--good); white-space: nowrap; }
.down { color: var(--bad); font-weight: 600; white-space: nowrap; }
)";

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Length of the valid UTF-8 sequence that `text` begins with; 0: it is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  const bool too_long = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool too_high = first == 0xF4 && byte(1) >= 0x90;
  return too_long || surrogate || too_high ? 0 : length;
}

std::string_view escaped_char(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? kReplacement : "";
  }
}

/// A path as a link's target: only its slashes keep a meaning.
std::string link_target(std::string_view path) {
  std::string target;
  for (const char c : path) {
    target += c == '/' ? std::string(1, '/') : percent_encode(std::string_view(&c, 1));
  }
  return target;
}

/// Foreign text, kept apart from the direction of the text around it.
std::string foreign(std::string_view text) { return "<bdi>" + html_escape(text) + "</bdi>"; }

std::string registry_row(const RegistryHealth& registry) {
  std::string row = "<tr><th scope=\"row\">" + foreign(registry.name) + "</th><td>" +
                    html_escape(registry.type) + "</td>";
  row += registry.up ? "<td class=\"up\">✓ up</td>" : "<td class=\"down\">✗ down</td>";
  row += "<td class=\"number\">" + std::to_string(registry.repositories) + "</td><td>" +
         foreign(registry.words) + "</td></tr>\n";
  return row;
}

std::string registry_table(std::span<const RegistryHealth> registries) {
  if (registries.empty()) return "<p class=\"soft\">No registry is known yet.</p>\n";
  std::string table =
      "<div class=\"card\"><table><thead><tr><th scope=\"col\">Registry</th>"
      "<th scope=\"col\">Type</th><th scope=\"col\">Health</th>"
      "<th scope=\"col\" class=\"number\">Repositories</th><th scope=\"col\">Details</th>"
      "</tr></thead><tbody>\n";
  for (const RegistryHealth& registry : registries) table += registry_row(registry);
  return table + "</tbody></table></div>\n";
}

std::string link_row(std::string_view path, std::string_view words) {
  return "<dt><a href=\"" + link_target(path) + "\"><code>" + html_escape(path) +
         "</code></a></dt><dd>" + std::string(words) + "</dd>\n";
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view instead = length == 1 ? escaped_char(text[0]) : std::string_view{};
    if (length == 0) {
      escaped += kReplacement;
    } else if (!instead.empty()) {
      escaped += instead;
    } else {
      escaped += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return escaped;
}

std::string landing_page(const LandingPage& page) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>registry_exporter</title>\n<style>";
  html += kStyle;
  html +=
      "</style>\n</head>\n<body>\n<main>\n<h1>registry_exporter</h1>\n<p class=\"soft\">Version ";
  html += html_escape(page.version);
  html += page.ready ? ", ready" : ", not ready";
  html +=
      "</p>\n<p>Prometheus metrics of what container registries do in the background: image builds "
      "in Alibaba Cloud ACR and retention deletions in Huawei Cloud SWR.</p>\n"
      "<h2>Registries</h2>\n";
  html += registry_table(page.registries);
  html += "<h2>Pages</h2>\n<div class=\"card\"><dl>\n";
  html += link_row(page.telemetry_path,
                   "the metrics; <code>?registry=NAME</code> for one registry alone");
  html += link_row("/-/healthy", "200 while the process lives");
  html += link_row("/-/ready", "200 once configuration and state are loaded");
  return html +
         "</dl></div>\n</main>\n<footer class=\"soft\">What each metric means stands in its "
         "<code>HELP</code> "
         "line and in <code>docs/metrics.md</code>; what to do when something is wrong, in "
         "<code>docs/operations.md</code>.</footer>\n</body>\n</html>\n";
}

std::string pages_policy() {
  const Sha256 digest = sha256(kStyle);
  const std::string raw(digest.begin(), digest.end());
  return "default-src 'none'; style-src 'sha256-" + base64(raw) +
         "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace registry_exporter
