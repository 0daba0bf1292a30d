#include "exporter/web/html.h"

#include <algorithm>
#include <cstddef>

#include "exporter/base/digest.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/base/text.h"
#include "exporter/base/time_text.h"

namespace registry_exporter::web {
namespace {

constexpr char kStyle[] = R"(
:root { color-scheme: light dark; --text: #1c2024; --soft: #57606a; --line: #d8dde2;
  --page: #f6f7f9; --card: #fff; --link: #0b57d0; --good: #146c2e; --bad: #b3261e; --warn: #7a4d00;
  --good-back: #e3f4e7; --bad-back: #fce8e6; --warn-back: #fdf0d5; --soft-back: #eceff2; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --soft: #a0a8b1; --line: #363c43; --page: #14171a; --card: #1d2125;
    --link: #8ab4f8; --good: #7bd88f; --bad: #ff9d94; --warn: #f2c063; --good-back: #17301f;
    --bad-back: #3d1d1b; --warn-back: #38290e; --soft-back: #2a2f35; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.5rem; }
header nav { display: flex; gap: 1.1rem; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 1.9rem 0 .6rem; font-size: 1.1rem; }
p { margin: .45rem 0; max-width: 46rem; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, input:focus-visible, select:focus-visible, button:focus-visible {
  outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
[aria-current] { color: var(--text); text-decoration: none; font-weight: 600; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
bdi { overflow-wrap: anywhere; }
small, .soft { color: var(--soft); }
small { font-size: .84rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  overflow-x: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.25rem; margin: 0;
  padding: .9rem 1rem; }
dd { margin: 0; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .6rem .9rem; color: var(--soft); font-size: .9rem; }
th, td { padding: .5rem .9rem; text-align: left; vertical-align: top;
  border-top: 1px solid var(--line); }
td small, th small { display: block; font-weight: 400; }
thead th { white-space: nowrap; color: var(--soft); font-size: .85rem; font-weight: 600; }
table:not(:has(caption)) thead th { border-top: 0; }
thead a { color: inherit; text-decoration: none; }
thead a:hover { text-decoration: underline; }
tbody th { font-weight: 600; }
tbody tr:hover { background: color-mix(in srgb, var(--link) 4%, transparent); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
time, .nowrap { white-space: nowrap; }
.tag { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; font-size: .85rem;
  font-weight: 600; white-space: nowrap; background: var(--soft-back); color: var(--soft); }
.good { background: var(--good-back); color: var(--good); }
.bad { background: var(--bad-back); color: var(--bad); }
.warn { background: var(--warn-back); color: var(--warn); }
.reason { min-width: 15rem; }
.number small { white-space: nowrap; }
.stacked tbody th { min-width: 14rem; }
.chips { display: flex; flex-wrap: wrap; gap: .4rem .5rem; margin: .8rem 0; padding: 0;
  list-style: none; }
.chips a { display: inline-block; padding: .2rem .7rem; border: 1px solid var(--line);
  border-radius: 1rem; background: var(--card); color: var(--text); text-decoration: none;
  font-size: .92rem; }
.chips a:hover { border-color: var(--link); }
.chips [aria-current] { border-color: var(--link); box-shadow: inset 0 0 0 1px var(--link); }
form { display: flex; flex-wrap: wrap; gap: .6rem .9rem; align-items: end; margin: 1rem 0; }
label { display: grid; gap: .15rem; font-size: .85rem; color: var(--soft); }
input, select, button { height: 2.3rem; font: inherit; color: var(--text); background: var(--card); min-width: 0;
  border: 1px solid var(--line); border-radius: .4rem; padding: 0 .6rem; max-width: 100%; }
button { cursor: pointer; border-color: var(--link); color: var(--link); font-weight: 600; }
.pages { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: .9rem 0; }
footer { margin-top: 1.8rem; font-size: .9rem; }
@media (max-width: 48rem) {
  body { padding: 1.1rem .8rem; }
  .stacked, .stacked tbody, .stacked tr, .stacked th, .stacked td { display: block; }
  .stacked thead { display: none; }
  .stacked caption { display: block; }
  .stacked tr { border-top: 1px solid var(--line); padding: .55rem .9rem; }
  .stacked th, .stacked td { border: 0; padding: .12rem 0; text-align: left; }
  .stacked tbody th, .reason { min-width: 0; }
  .stacked td { display: grid; grid-template-columns: 6.5rem 1fr; gap: .5rem; }
  .stacked td::before { content: attr(data-label); color: var(--soft); font-size: .85rem; }
  .stacked td:empty { display: none; }
  label.wide { flex: 1 1 100%; }
  dl { grid-template-columns: 1fr; gap: .1rem; }
  dd { margin: 0 0 .55rem; }
}
)";

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Characters that change the direction of the text after them: one name could look like another.
bool turns_text(std::string_view sequence) {
  return (sequence.starts_with("\xE2\x80") && sequence[2] >= '\xAA' && sequence[2] <= '\xAE') ||
         (sequence.starts_with("\xE2\x81") && sequence[2] >= '\xA6' && sequence[2] <= '\xA9');
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

std::string with_commas(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t i = digits.size(); i > 3;) {
    i -= 3;
    digits.insert(i, 1, ',');
  }
  return digits;
}

}  // namespace

Html escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    std::string_view instead = length == 1 ? escaped_char(text[0]) : std::string_view{};
    if (length == 3 && turns_text(text)) instead = kReplacement;
    if (length == 0) {
      escaped += kReplacement;
    } else if (!instead.empty()) {
      escaped += instead;
    } else {
      escaped += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return Html(std::move(escaped));
}

Html isolated(std::string_view text) { return "<bdi>" + escape(text) + "</bdi>"; }

Html link_target(std::string_view path) {
  std::string target;
  for (const char c : path) {
    target += c == '/' ? std::string(1, '/') : percent_encode(std::string_view(&c, 1));
  }
  return escape(target);
}

Html html_number(std::uint64_t number) { return escape(with_commas(number)); }

std::string in_one_unit(Millis duration) {
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  constexpr Unit kUnits[] = {{86'400, " d"}, {3'600, " h"}, {60, " min"}};
  const std::int64_t seconds = std::max<std::int64_t>(0, duration.count() / 1000);
  for (const Unit& unit : kUnits) {
    if (seconds >= 2 * unit.seconds)
      return with_commas(static_cast<std::uint64_t>(seconds / unit.seconds)) + unit.name;
  }
  return std::to_string(seconds) + " s";
}

Html html_ago(UnixMillis time, UnixMillis now) {
  const Html exact = escape(format_rfc3339(time));
  return "<time datetime=\"" + exact + "\" title=\"" + exact + "\">" +
         escape(in_one_unit(now - time)) + " ago</time>";
}

Html html_page(std::string_view title, const Html& main) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
         escape(title) + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n" + main +
         "</body>\n</html>\n";
}

std::string pages_policy() {
  const Sha256 digest = sha256(kStyle);
  const std::string raw(digest.begin(), digest.end());
  return "default-src 'none'; style-src 'sha256-" + base64(raw) +
         "'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
}

}  // namespace registry_exporter::web
