#include "exporter/web/status_page.h"

#include <algorithm>
#include <utility>

#include "exporter/base/duration.h"
#include "exporter/base/time_text.h"
#include "exporter/web/html.h"

namespace registry_exporter {
namespace {

/// In the order of who needs a person first.
constexpr Freshness kStates[] = {Freshness::failing, Freshness::stale, Freshness::pending,
                                 Freshness::fresh};

struct Column {
  RepositorySort sort;
  const char* title;
  bool newest_first;  ///< How a first click sorts it.
};
constexpr Column kColumns[] = {
    {RepositorySort::repository, "Repository", false},
    {RepositorySort::state, "State", false},
    {RepositorySort::last_read, "Last read", false},
    {RepositorySort::open_builds, "Open builds", true},
    {RepositorySort::last_event, "Last build or deletion", true},
};

std::string link_to(const RepositoryQuery& query) {
  const std::string text = format_repository_query(query, kStatusRowsPerPage);
  return html_escape(text.empty() ? "status" : text);
}

std::string counted(std::uint64_t number, const std::string& one, const std::string& many) {
  return html_number(number) + " " + (number == 1 ? one : many);
}

const char* tag_class(Freshness freshness) {
  switch (freshness) {
    case Freshness::fresh:
      return "tag good";
    case Freshness::stale:
      return "tag warn";
    case Freshness::failing:
      return "tag bad";
    case Freshness::pending:
    case Freshness::dropped:
      break;
  }
  return "tag";
}

// --- What stands above the table

std::string chip(const RepositoryQuery& query, std::optional<Freshness> state,
                 const std::string& words) {
  RepositoryQuery target = query;
  target.state = state;
  target.page = 1;
  return "<li><a href=\"" + link_to(target) + "\"" +
         (query.state == state ? " aria-current=\"true\"" : "") + ">" + words + "</a></li>\n";
}

std::string chips(const RepositoryPage& page, const RepositoryQuery& query) {
  std::size_t all = 0;
  for (const Freshness state : kStates) all += page.by_state[static_cast<std::size_t>(state)];
  std::string html = "<ul class=\"chips\" aria-label=\"By state\">\n";
  html += chip(query, std::nullopt, "all " + html_number(all));
  for (const Freshness state : kStates) {
    const std::size_t count = page.by_state[static_cast<std::size_t>(state)];
    html += chip(query, state, std::string(name(state)) + " " + html_number(count));
  }
  return html + "</ul>\n";
}

std::string option(std::string_view value, std::string_view words, bool selected) {
  return "<option value=\"" + html_escape(value) + "\"" + (selected ? " selected" : "") + ">" +
         html_escape(words) + "</option>";
}

std::string hidden(const char* key, const std::string& value) {
  return "<input type=\"hidden\" name=\"" + std::string(key) + "\" value=\"" + html_escape(value) +
         "\">";
}

std::string filter_form(const RepositoryOverview& overview, const RepositoryQuery& query) {
  std::string html =
      "<form method=\"get\" action=\"status\" role=\"search\">\n"
      "<label class=\"wide\">Part of the name<input type=\"search\" name=\"q\" value=\"" +
      html_escape(query.text) + "\"></label>\n<label>Registry<select name=\"registry\">" +
      option("", "all", query.registry.empty());
  for (const auto& registry : overview.registries) {
    const std::string& registry_name = registry.snapshot->name;
    html += option(registry_name, registry_name, registry_name == query.registry);
  }
  html +=
      "</select></label>\n<label>State<select name=\"state\">" + option("", "all", !query.state);
  for (const Freshness state : kStates) {
    html += option(name(state), name(state), query.state == state);
  }
  html += "</select></label>\n";
  html += "<label>Sort by<select name=\"sort\">";
  for (const Column& column : kColumns) {
    html += option(kRepositorySorts[static_cast<std::size_t>(column.sort)], column.title,
                   column.sort == query.sort);
  }
  html += "</select></label>\n<label>Order<select name=\"order\">" +
          option("asc", "ascending", !query.descending) +
          option("desc", "descending", query.descending) + "</select></label>\n";
  if (query.per_page != kStatusRowsPerPage) {
    html += hidden("per_page", std::to_string(query.per_page));
  }
  return html + "<button>Show</button>\n</form>\n";
}

/// Registries that aren't well, in words.
std::string registry_notes(const RepositoryOverview& overview) {
  std::string html;
  for (const auto& registry : overview.registries) {
    const RegistrySnapshot& snapshot = *registry.snapshot;
    const std::uint64_t dropped =
        snapshot.repositories[static_cast<std::size_t>(Freshness::dropped)];
    if (!registry.up) {
      html +=
          "<p><span class=\"tag bad\">down</span> Registry " + foreign_html(snapshot.name) +
          ": no call was answered lately, or the credentials were refused. What is shown of it is "
          "from before.</p>\n";
    }
    if (dropped > 0) {
      html += "<p><span class=\"tag warn\">dropped</span> Registry " + foreign_html(snapshot.name) +
              ": " + counted(dropped, "repository is", "repositories are") +
              " over <code>metrics.max_repositories</code> and not read.</p>\n";
    }
  }
  return html;
}

// --- The table

std::string column_head(const Column& column, const RepositoryQuery& query) {
  const bool sorted = query.sort == column.sort;
  RepositoryQuery target = query;
  target.sort = column.sort;
  target.descending = sorted ? !query.descending : column.newest_first;
  target.page = 1;
  const bool number = column.sort == RepositorySort::open_builds;
  std::string html = std::string("<th scope=\"col\"") + (number ? " class=\"number\"" : "");
  if (sorted) html += query.descending ? " aria-sort=\"descending\"" : " aria-sort=\"ascending\"";
  html += "><a href=\"" + link_to(target) + "\">" + column.title;
  if (sorted)
    html += query.descending ? " <span aria-hidden=\"true\">▼</span>"
                             : " <span aria-hidden=\"true\">▲</span>";
  return html + "</a></th>";
}

std::string cell(const char* label, const std::string& content, const char* more = "") {
  return std::string("<td role=\"cell\" data-label=\"") + label + "\"" + more + ">" + content +
         "</td>";
}

std::string open_builds(const RepositoryView& view, UnixMillis now) {
  std::string html = html_number(view.open);
  if (view.oldest_open_started_at) {
    html += "<small>oldest for " + in_one_unit(now - *view.oldest_open_started_at) + "</small>";
  }
  return html;
}

std::string last_build(const RepositoryView& view, UnixMillis now) {
  const std::optional<UnixMillis> newest = last_event(view);
  if (!newest) return "<span class=\"soft\">none known</span>";
  if (!view.last_build) return html_ago(*newest, now) + "<small>canceled or other</small>";
  const LastBuild& build = *view.last_build;
  std::string html = std::string("<div>") +
                     (build.succeeded ? "<span class=\"tag good\">success</span> "
                                      : "<span class=\"tag bad\">failed</span> ") +
                     html_ago(build.ended_at, now);
  if (build.duration) html += "<small>took " + in_one_unit(*build.duration) + "</small>";
  if (view.consecutive_failed > 1) {
    html += "<small>" + html_number(view.consecutive_failed) + " failed in a row</small>";
  }
  return html + "</div>";
}

std::string last_deletion(const RepositoryView& view, UnixMillis now) {
  const std::optional<UnixMillis> newest = last_event(view);
  return newest ? "<span>deleted " + html_ago(*newest, now) + "</span>"
                : "<span class=\"soft\">none known</span>";
}

std::string failure(const RepositoryView& view) {
  if (!view.failing) return {};
  std::string html = "<div><strong>" + html_escape(name(*view.failing)) + "</strong>";
  if (!view.failing_detail.empty()) html += ": " + foreign_html(view.failing_detail);
  return html + "<small>" + html_escape(advice(*view.failing)) + "</small></div>";
}

/// Rows that can't be read though others can.
std::string unreadable(const RepositoryView& view) {
  if (!view.first_unreadable_row) return {};
  std::string html =
      "<div>can't be read from row " + html_number(*view.first_unreadable_row) + " on";
  if (!view.unreadable_detail.empty()) html += ": " + foreign_html(view.unreadable_detail);
  return html + "<small>Rows before it count as ever; the next sweep tries again.</small></div>";
}

std::string table_row(const ListedRow& row, UnixMillis now) {
  const RepositoryView& view = *row.view;
  const bool builds = row.registry->type == RegistryType::acr;
  std::string html = "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">" +
                     foreign_html(full_name(view.ref)) + "<small>" +
                     foreign_html(row.registry->name) + ", " +
                     std::string(name(row.registry->type)) + "</small></th>";
  html += cell("State", "<span><span class=\"" + std::string(tag_class(row.freshness)) + "\">" +
                            std::string(name(row.freshness)) + "</span></span>");
  html += cell("Last read", view.last_read ? html_ago(*view.last_read, now)
                                           : "<span class=\"soft\">never</span>");
  html += cell("Open builds", builds ? "<span>" + open_builds(view, now) + "</span>" : "",
               " class=\"number\"");
  html += builds ? cell("Last build", last_build(view, now))
                 : cell("Last deletion", last_deletion(view, now));
  return html + cell("Problem", failure(view) + unreadable(view), " class=\"reason\"") + "</tr>\n";
}

std::string table(const RepositoryOverview& overview, const RepositoryPage& page,
                  const RepositoryQuery& query) {
  if (page.total == 0) {
    return "<p class=\"soft\">No repository is known yet: the first scrape of the metrics looks "
           "for them.</p>\n";
  }
  if (page.rows.empty()) return "<p class=\"soft\">No repository fits.</p>\n";
  std::string html = "<div class=\"card\"><table class=\"stacked\" role=\"table\">\n<caption>" +
                     html_number(page.first + 1) + "–" +
                     html_number(page.first + page.rows.size()) + " of " +
                     counted(page.matched, "repository", "repositories") +
                     "</caption>\n<thead><tr role=\"row\">\n";
  for (const Column& column : kColumns) html += column_head(column, query) + "\n";
  html += "<th scope=\"col\">Problem and what to do</th></tr></thead>\n<tbody>\n";
  for (const ListedRow& row : page.rows) html += table_row(row, overview.now);
  return html + "</tbody></table></div>\n";
}

std::string page_links(const RepositoryPage& page, RepositoryQuery query) {
  if (page.pages == 1) return {};
  const auto link = [&](std::size_t number, const char* words, bool usable) {
    query.page = number;
    return usable ? "<a href=\"" + link_to(query) + "\">" + words + "</a>\n"
                  : "<span class=\"soft\">" + std::string(words) + "</span>\n";
  };
  const bool back = page.page > 1;
  const bool on = page.page < page.pages;
  return "<nav class=\"pages\" aria-label=\"Pages of the list\">\n" + link(1, "First", back) +
         link(page.page - 1, "Previous", back) + "<span>Page " + html_number(page.page) + " of " +
         html_number(page.pages) + "</span>\n" + link(page.page + 1, "Next", on) +
         link(page.pages, "Last", on) + "</nav>\n";
}

/// Whatever the cloud sent, as text.
std::string unknown_statuses(const RepositoryOverview& overview) {
  std::string rows;
  for (const auto& registry : overview.registries) {
    for (const auto& [status, times] : registry.snapshot->unknown_statuses) {
      rows += "<tr><th scope=\"row\"><code>" + foreign_html(status) + "</code></th><td>" +
              foreign_html(registry.snapshot->name) + "</td><td class=\"number\">" +
              html_number(times) + "</td></tr>\n";
    }
  }
  if (rows.empty()) return {};
  return "<h2>Unknown statuses</h2>\n<p>The cloud sent build statuses that are not known here. "
         "With an end they count as <code>other</code>, without one as open; "
         "<code>metrics.build_statuses</code> maps them.</p>\n<div class=\"card\"><table><thead>"
         "<tr><th scope=\"col\">Status</th><th scope=\"col\">Registry</th>"
         "<th scope=\"col\" class=\"number\">Times met</th></tr></thead><tbody>\n" +
         rows + "</tbody></table></div>\n";
}

}  // namespace

std::string status_page(const RepositoryOverview& overview, const RepositoryQuery& query) {
  const RepositoryPage page = list_repositories(overview, query);
  RepositoryQuery same = query;
  same.per_page = 0;
  same.page = 1;
  std::string html =
      "<header><h1>Repositories</h1><nav aria-label=\"Exporter\"><a href=\"./\">registry_exporter"
      "</a></nav></header>\n<main>\n<p class=\"soft\">As of <time>" +
      format_rfc3339(overview.now) + "</time>. Fresh is what was read within <code>" +
      format_duration(overview.max_staleness) +
      "</code>; nothing is read unless somebody scrapes the metrics.</p>\n";
  html += registry_notes(overview) + chips(page, query) + filter_form(overview, query);
  html += table(overview, page, query) + page_links(page, query) + unknown_statuses(overview);
  html += "</main>\n<footer class=\"soft\">The same for programs: <a href=\"api/v1/repositories" +
          html_escape(format_repository_query(same, 0)) +
          "\">JSON</a>. What to do when something is wrong stands in "
          "<code>docs/operations.md</code>.</footer>\n";
  return html_page("Repositories – registry_exporter", html);
}

}  // namespace registry_exporter
