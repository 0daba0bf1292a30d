#include "exporter/web/pages.h"

#include <algorithm>

#include "exporter/base/duration.h"
#include "exporter/base/percent_encoding.h"
#include "exporter/web/repository_list.h"

namespace registry_exporter::web {
namespace {

/// "312 fresh, 4 stale; last read completely 12s ago"
std::string summary(const RegistrySnapshot& snapshot, const RepositoryOverview& overview) {
  const auto states = count_states(snapshot, overview);
  std::string words;
  for (const Freshness freshness : {Freshness::failing, Freshness::stale, Freshness::pending,
                                    Freshness::dropped, Freshness::fresh}) {
    const std::uint64_t count = states[static_cast<std::size_t>(freshness)];
    if (count == 0) continue;
    words +=
        (words.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(name(freshness));
  }
  if (words.empty()) words = "no repositories known";
  if (!snapshot.state.last_success) return words + "; not yet read completely";
  const auto age =
      std::chrono::floor<std::chrono::seconds>(overview.now - *snapshot.state.last_success);
  return words + "; last read completely " + format_duration(std::max(Millis{age}, Millis{0})) +
         " ago";
}

Html registry_row(const RepositoryOverview::Registry& registry, const LandingPage& page) {
  const RegistrySnapshot& snapshot = *registry.snapshot;
  Html row = "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\"><a href=\"" +
             escape(page.links) + "status?registry=" + escape(percent_encode(snapshot.name)) +
             "\">" + isolated(snapshot.name) + "</a></th><td role=\"cell\" data-label=\"Type\">" +
             escape(snapshot.type) + "</td><td role=\"cell\" data-label=\"Health\"><span>";
  row += registry.up ? Html("<span class=\"tag good\">up</span>")
                     : Html("<span class=\"tag bad\">down</span>");
  return row + "</span></td><td role=\"cell\" data-label=\"Repositories\" class=\"number\">" +
         html_number(count_listed(count_states(snapshot, page.overview))) +
         "</td><td role=\"cell\" data-label=\"Details\">" +
         isolated(summary(snapshot, page.overview)) + "</td></tr>\n";
}

Html registry_table(const LandingPage& page) {
  if (page.overview.registries.empty()) return "<p class=\"soft\">No registries yet.</p>\n";
  Html table =
      "<div class=\"card\"><table class=\"stacked\" role=\"table\"><thead><tr role=\"row\">"
      "<th scope=\"col\">Registry</th><th scope=\"col\">Type</th><th scope=\"col\">Health</th>"
      "<th scope=\"col\" class=\"number\">Repositories</th><th scope=\"col\">Details</th>"
      "</tr></thead><tbody>\n";
  for (const auto& registry : page.overview.registries) table += registry_row(registry, page);
  return table + "</tbody></table></div>\n";
}

Html refusals(std::span<const std::string> reasons) {
  Html html;
  for (const std::string& reason : reasons) {
    html += "<p role=\"alert\"><span class=\"tag bad\">configuration not in effect</span> " +
            isolated(reason) + "<br>The previous one is still used; a restart would fail.</p>\n";
  }
  return html;
}

Html link_row(std::string_view links, std::string_view path, const Html& description) {
  return "<dt><a href=\"" + escape(links) + link_target(path.substr(1)) + "\"><code>" +
         escape(path) + "</code></a></dt><dd>" + description + "</dd>\n";
}

}  // namespace

Html landing_page(const LandingPage& page) {
  Html html = "<header><h1>registry_exporter</h1></header>\n<main>\n<p class=\"soft\">Version " +
              escape(page.version) + (page.ready ? Html(", ready") : Html(", not ready")) +
              "</p>\n<p>Prometheus metrics for the background work of container registries: image "
              "builds and synchronisations in Alibaba Cloud ACR, retention, synchronisations and "
              "replications in Huawei Cloud SWR.</p>\n";
  html += refusals(page.refused_configurations);
  html += "<h2>Registries</h2>\n";
  html += registry_table(page);
  html += "<h2>Pages</h2>\n<div class=\"card\"><dl>\n";
  html += link_row(page.links, page.telemetry_path,
                   "metrics; add <code>?registry=NAME</code> for a single registry");
  html += link_row(page.links, "/status",
                   "all repositories: state, last read, latest events, problems");
  html += link_row(page.links, "/api/v1/repositories", "the same as JSON");
  html += link_row(page.links, "/api/v1/targets",
                   "the registries as targets, for Prometheus's <code>http_sd_configs</code>");
  html += link_row(page.links, "/-/healthy", "200 while the process is running");
  html += link_row(page.links, "/-/ready", "200 once configuration and state are loaded");
  html +=
      "</dl></div>\n</main>\n<footer class=\"soft\">Metrics are described in their "
      "<code>HELP</code> "
      "lines and in <code>docs/metrics.md</code>; for troubleshooting see "
      "<code>docs/operations.md</code>.</footer>\n";
  return html_page("registry_exporter", html);
}

}  // namespace registry_exporter::web
