#include "exporter/web/pages.h"

#include "exporter/base/percent_encoding.h"
#include "exporter/web/html.h"

namespace registry_exporter {
namespace {

std::string registry_row(const RegistryHealth& registry) {
  std::string row =
      "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\"><a href=\"status?registry=" +
      html_escape(percent_encode(registry.name)) + "\">" + foreign_html(registry.name) +
      "</a></th><td role=\"cell\" data-label=\"Type\">" + html_escape(registry.type) + "</td>";
  row += "<td role=\"cell\" data-label=\"Health\"><span>";
  row += registry.up ? "<span class=\"tag good\">up</span>" : "<span class=\"tag bad\">down</span>";
  row += "</span></td><td role=\"cell\" data-label=\"Repositories\" class=\"number\">" +
         html_number(registry.repositories) + "</td><td role=\"cell\" data-label=\"Details\">" +
         foreign_html(registry.words) + "</td></tr>\n";
  return row;
}

std::string registry_table(std::span<const RegistryHealth> registries) {
  if (registries.empty()) return "<p class=\"soft\">No registry is known yet.</p>\n";
  std::string table =
      "<div class=\"card\"><table class=\"stacked\" role=\"table\"><thead><tr role=\"row\">"
      "<th scope=\"col\">Registry</th><th scope=\"col\">Type</th><th scope=\"col\">Health</th>"
      "<th scope=\"col\" class=\"number\">Repositories</th><th scope=\"col\">Details</th>"
      "</tr></thead><tbody>\n";
  for (const RegistryHealth& registry : registries) table += registry_row(registry);
  return table + "</tbody></table></div>\n";
}

std::string refusals(std::span<const std::string> reasons) {
  std::string html;
  for (const std::string& reason : reasons) {
    html += "<p role=\"alert\"><span class=\"tag bad\">configuration not in force</span> " +
            foreign_html(reason) + "<br>The one before it still is; a restart would fail.</p>\n";
  }
  return html;
}

std::string link_row(std::string_view path, std::string_view words) {
  return "<dt><a href=\"" + link_target(path) + "\"><code>" + html_escape(path) +
         "</code></a></dt><dd>" + std::string(words) + "</dd>\n";
}

}  // namespace

std::string landing_page(const LandingPage& page) {
  std::string html =
      "<header><h1>registry_exporter</h1></header>\n<main>\n<p class=\"soft\">Version " +
      html_escape(page.version) + (page.ready ? ", ready" : ", not ready") +
      "</p>\n<p>Prometheus metrics of what container registries do in the background: image builds "
      "in Alibaba Cloud ACR and retention deletions in Huawei Cloud SWR.</p>\n";
  html += refusals(page.refused_configurations);
  html += "<h2>Registries</h2>\n";
  html += registry_table(page.registries);
  html += "<h2>Pages</h2>\n<div class=\"card\"><dl>\n";
  html += link_row(page.telemetry_path,
                   "the metrics; <code>?registry=NAME</code> for one registry alone");
  html += link_row("/status", "every repository: when it was read, what it does, what is wrong");
  html += link_row("/api/v1/repositories", "the same as JSON");
  html += link_row("/-/healthy", "200 while the process lives");
  html += link_row("/-/ready", "200 once configuration and state are loaded");
  html +=
      "</dl></div>\n</main>\n<footer class=\"soft\">What each metric means stands in its "
      "<code>HELP</code> line and in <code>docs/metrics.md</code>; what to do when something is "
      "wrong, in <code>docs/operations.md</code>.</footer>\n";
  return html_page("registry_exporter", html);
}

}  // namespace registry_exporter
