#include "exporter/web/status_page.h"

#include <algorithm>
#include <utility>

#include "exporter/base/duration.h"
#include "exporter/base/time_text.h"
#include "exporter/web/html.h"

namespace registry_exporter::web {
namespace {

/// The most urgent first.
constexpr Freshness kStates[] = {Freshness::failing, Freshness::stale, Freshness::pending,
                                 Freshness::fresh};

struct Column {
  RepositorySort sort;
  const char* title;
  bool newest_first;  ///< Order after the first click on the column.
};
constexpr Column kColumns[] = {
    {RepositorySort::repository, "Repository", false},
    {RepositorySort::state, "State", false},
    {RepositorySort::last_read, "Last read", false},
    {RepositorySort::open_builds, "Open builds", true},
    {RepositorySort::last_event, "Last build or deletion", true},
};

Html link_to(const RepositoryQuery& query) {
  const std::string text = format_repository_query(query, kStatusRowsPerPage);
  return escape(text.empty() ? "status" : text);
}

Html counted(std::uint64_t number, const Html& one, const Html& many) {
  return html_number(number) + " " + (number == 1 ? one : many);
}

Html tag_class(Freshness freshness) {
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

// --- Above the table

Html chip(const RepositoryQuery& query, std::optional<Freshness> state, const Html& words) {
  RepositoryQuery target = query;
  target.state = state;
  target.page = 1;
  return "<li><a href=\"" + link_to(target) + "\"" +
         (query.state == state ? Html(" aria-current=\"true\"") : Html()) + ">" + words +
         "</a></li>\n";
}

Html chips(const RepositoryListPage& page, const RepositoryQuery& query) {
  std::size_t all = 0;
  for (const Freshness state : kStates) all += page.by_state[static_cast<std::size_t>(state)];
  Html html = "<ul class=\"chips\" aria-label=\"By state\">\n";
  html += chip(query, std::nullopt, "all " + html_number(all));
  for (const Freshness state : kStates) {
    const std::uint64_t count = page.by_state[static_cast<std::size_t>(state)];
    html += chip(query, state, escape(name(state)) + " " + html_number(count));
  }
  return html + "</ul>\n";
}

Html option(std::string_view value, std::string_view words, bool selected) {
  return "<option value=\"" + escape(value) + "\"" + (selected ? Html(" selected") : Html()) + ">" +
         escape(words) + "</option>";
}

Html hidden(const char* key, const std::string& value) {
  return "<input type=\"hidden\" name=\"" + escape(key) + "\" value=\"" + escape(value) + "\">";
}

Html filter_form(const RepositoryOverview& overview, const RepositoryQuery& query) {
  Html html =
      "<form method=\"get\" action=\"status\" role=\"search\">\n"
      "<label class=\"wide\">Part of the name<input type=\"search\" name=\"q\" value=\"" +
      escape(query.text) + "\"></label>\n<label>Registry<select name=\"registry\">" +
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

Html failure(const RepositoryView& view) {
  if (!view.failing) return {};
  Html html = "<div><strong>" + escape(name(*view.failing)) + "</strong>";
  if (!view.failing_detail.empty()) html += ": " + isolated(view.failing_detail);
  return html + "<small>" + escape(advice(*view.failing)) + "</small></div>";
}

/// A list of which only the first rows can be read.
Html unreadable(const RepositoryView& view) {
  if (!view.first_unreadable_row) return {};
  Html html = "<div>can't be read from row " + html_number(*view.first_unreadable_row) + " on";
  if (!view.unreadable_detail.empty()) html += ": " + isolated(view.unreadable_detail);
  return html +
         "<small>Rows before it are counted as usual; the next sweep tries again.</small></div>";
}

/// Registries with a problem.
Html registry_notes(const RepositoryOverview& overview) {
  Html html;
  for (const auto& registry : overview.registries) {
    const RegistrySnapshot& snapshot = *registry.snapshot;
    const std::uint64_t dropped =
        snapshot.repositories[static_cast<std::size_t>(Freshness::dropped)];
    if (!registry.up) {
      html +=
          "<p><span class=\"tag bad\">down</span> Registry " + isolated(snapshot.name) +
          ": no recent call was answered, or the credentials were refused. Its data below is old."
          "</p>\n";
    }
    for (const FeedView& feed : snapshot.feeds) {
      if (!feed.view->failing && !feed.view->first_unreadable_row) continue;
      html += "<p><span class=\"tag bad\">failing</span> Registry " + isolated(snapshot.name) +
              ": the list of " + escape(feed.kind->name) + ".</p>\n" + failure(*feed.view) +
              unreadable(*feed.view);
    }
    if (dropped > 0) {
      html += "<p><span class=\"tag warn\">dropped</span> Registry " + isolated(snapshot.name) +
              ": " + counted(dropped, "repository is", "repositories are") +
              " beyond <code>metrics.max_repositories</code> and not read.</p>\n";
    }
  }
  return html;
}

// --- The table

Html column_head(const Column& column, const RepositoryQuery& query) {
  const bool sorted = query.sort == column.sort;
  RepositoryQuery target = query;
  target.sort = column.sort;
  target.descending = sorted ? !query.descending : column.newest_first;
  target.page = 1;
  const bool number = column.sort == RepositorySort::open_builds;
  Html html = "<th scope=\"col\"";
  if (number) html += " class=\"number\"";
  if (sorted) {
    html += query.descending ? Html(" aria-sort=\"descending\"") : Html(" aria-sort=\"ascending\"");
  }
  html += "><a href=\"" + link_to(target) + "\">" + escape(column.title);
  if (sorted) {
    html += query.descending ? Html(" <span aria-hidden=\"true\">▼</span>")
                             : Html(" <span aria-hidden=\"true\">▲</span>");
  }
  return html + "</a></th>";
}

Html cell(const Html& label, const Html& content, const Html& attributes = {}) {
  return "<td role=\"cell\" data-label=\"" + label + "\"" + attributes + ">" + content + "</td>";
}

Html open_builds(const RepositoryView& view, UnixMillis now) {
  Html html = html_number(view.open);
  if (view.oldest_open_started_at) {
    html +=
        "<small>oldest for " + escape(in_one_unit(now - *view.oldest_open_started_at)) + "</small>";
  }
  return html;
}

Html last_build(const RepositoryView& view, UnixMillis now) {
  const std::optional<UnixMillis> newest = last_event(view);
  if (!newest) return "<span class=\"soft\">none known</span>";
  if (!view.last_build) return html_ago(*newest, now) + "<small>canceled or other</small>";
  const LastBuild& build = *view.last_build;
  Html html = "<div>";
  html += build.succeeded ? Html("<span class=\"tag good\">success</span> ")
                          : Html("<span class=\"tag bad\">failed</span> ");
  html += html_ago(build.ended_at, now);
  if (build.duration) html += "<small>took " + escape(in_one_unit(*build.duration)) + "</small>";
  if (view.consecutive_failed > 1) {
    html += "<small>" + html_number(view.consecutive_failed) + " failed in a row</small>";
  }
  return html + "</div>";
}

Html last_sync(const RepositoryView& view, UnixMillis now) {
  Html html = "<small>synchronised: " + last_build(view, now);
  if (view.open > 0) html += " " + html_number(view.open) + " in progress";
  return html + "</small>";
}

Html last_deletion(const RepositoryView& view, UnixMillis now) {
  const std::optional<UnixMillis> newest = last_event(view);
  return newest ? "<span>deleted " + html_ago(*newest, now) + "</span>"
                : Html("<span class=\"soft\">none known</span>");
}

/// Executions of retention or of a replication policy.
Html last_execution(const RepositoryView& view, UnixMillis now) {
  Html html = last_build(view, now);
  if (view.open > 0) html += "<small>" + html_number(view.open) + " in progress</small>";
  return html;
}

/// A namespace or a policy, too, has lists and series of its own.
Html name_of(const RepositoryRef& ref) {
  switch (owner_type(ref)) {
    case OwnerType::repo_namespace:
      return isolated(ref.repo_namespace) + " <span class=\"soft\">retention</span>";
    case OwnerType::policy:
      return isolated(ref.name) + " <span class=\"soft\">replication</span>";
    case OwnerType::repository:
      break;
  }
  return isolated(full_name(ref));
}

Html table_row(const ListedRow& row, UnixMillis now) {
  const RepositoryView& view = *row.view;
  const RepositoryView* const builds = view_of(row, kBuilds);
  const RepositoryView* const deletions = view_of(row, kDeletions);
  const RepositoryView* const syncs = syncs_of(row);
  Html html = "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">" + name_of(view.ref) +
              "<small>" + isolated(row.registry->name) + ", " + escape(row.registry->type) +
              "</small></th>";
  html += cell("State", "<span><span class=\"" + tag_class(row.freshness) + "\">" +
                            escape(name(row.freshness)) + "</span></span>");
  html += cell("Last read", view.last_read ? html_ago(*view.last_read, now)
                                           : Html("<span class=\"soft\">never</span>"));
  html += cell("Open builds",
               builds != nullptr ? "<span>" + open_builds(*builds, now) + "</span>" : Html(),
               " class=\"number\"");
  Html last;
  if (builds != nullptr) last += last_build(*builds, now);
  if (deletions != nullptr) last += last_deletion(*deletions, now);
  for (const StreamKind* kind : {&kRetentions, &kReplications}) {
    const RepositoryView* const executions = view_of(row, *kind);
    if (executions != nullptr) last += last_execution(*executions, now);
  }
  if (syncs != nullptr) last += last_sync(*syncs, now);
  html += cell(builds != nullptr      ? Html("Last build")
               : deletions != nullptr ? Html("Last deletion")
                                      : Html("Last synchronisation"),
               last);
  return html + cell("Problem", failure(view) + unreadable(view), " class=\"reason\"") + "</tr>\n";
}

Html table(const RepositoryOverview& overview, const RepositoryListPage& page,
           const RepositoryQuery& query) {
  const std::uint64_t listed = count_listed(page.by_state);
  if (page.total == 0 && listed > 0) {
    return "<p class=\"soft\">" + counted(listed, "repository", "repositories") +
           " discovered; no record of any was read yet.</p>\n";
  }
  if (page.total == 0) {
    return "<p class=\"soft\">No repositories yet: the first scrape of the metrics discovers "
           "them.</p>\n";
  }
  if (page.rows.empty()) return "<p class=\"soft\">No repository matches.</p>\n";
  Html html = "<div class=\"card\"><table class=\"stacked\" role=\"table\">\n<caption>" +
              html_number(page.first + 1) + "–" + html_number(page.first + page.rows.size()) +
              " of " + counted(page.matched, "repository", "repositories") +
              "</caption>\n<thead><tr role=\"row\">\n";
  for (const Column& column : kColumns) html += column_head(column, query) + "\n";
  html += "<th scope=\"col\">Problem and what to do</th></tr></thead>\n<tbody>\n";
  for (const ListedRow& row : page.rows) html += table_row(row, overview.now);
  return html + "</tbody></table></div>\n";
}

Html page_links(const RepositoryListPage& page, RepositoryQuery query) {
  if (page.pages == 1) return {};
  const auto link = [&](std::size_t number, const Html& words, bool usable) {
    query.page = number;
    return usable ? "<a href=\"" + link_to(query) + "\">" + words + "</a>\n"
                  : "<span class=\"soft\">" + words + "</span>\n";
  };
  const bool back = page.page > 1;
  const bool on = page.page < page.pages;
  return "<nav class=\"pages\" aria-label=\"Pages of the list\">\n" + link(1, "First", back) +
         link(page.page - 1, "Previous", back) + "<span>Page " + html_number(page.page) + " of " +
         html_number(page.pages) + "</span>\n" + link(page.page + 1, "Next", on) +
         link(page.pages, "Last", on) + "</nav>\n";
}

/// Statuses that the exporter does not know.
Html unknown_statuses(const RepositoryOverview& overview) {
  Html rows;
  for (const auto& registry : overview.registries) {
    for (const auto& [status, times] : registry.snapshot->unknown_statuses) {
      rows += "<tr><th scope=\"row\"><code>" + isolated(status) + "</code></th><td>" +
              isolated(registry.snapshot->name) + "</td><td class=\"number\">" +
              html_number(times) + "</td></tr>\n";
    }
  }
  if (rows.empty()) return {};
  return "<h2>Unknown statuses</h2>\n<p>Statuses the exporter does not know. Those of builds "
         "can be mapped with <code>metrics.build_statuses</code>; until then such a build counts "
         "as <code>other</code> if it has an end time, and is in progress otherwise. A "
         "synchronisation is in progress until its status is known, an execution until it has an "
         "end time.</p>\n<div class=\"card\"><table><thead>"
         "<tr><th scope=\"col\">Status</th><th scope=\"col\">Registry</th>"
         "<th scope=\"col\" class=\"number\">Count</th></tr></thead><tbody>\n" +
         rows + "</tbody></table></div>\n";
}

}  // namespace

Html status_page(const RepositoryOverview& overview, const RepositoryQuery& query,
                 std::string_view links) {
  const RepositoryListPage page = list_repositories(overview, query);
  RepositoryQuery same = query;
  same.per_page = 0;
  same.page = 1;
  Html html = "<header><h1>Repositories</h1><nav aria-label=\"Exporter\"><a href=\"" +
              escape(links) +
              "\">registry_exporter</a></nav></header>\n<main>\n<p class=\"soft\">As of <time>" +
              escape(format_rfc3339(overview.now)) +
              "</time>. A repository is fresh if it was read within the last <code>" +
              escape(format_duration(overview.max_staleness)) +
              "</code>. Repositories are read only when the metrics are scraped.</p>\n";
  html += registry_notes(overview) + chips(page, query) + filter_form(overview, query);
  html += table(overview, page, query) + page_links(page, query) + unknown_statuses(overview);
  html += "</main>\n<footer class=\"soft\">Also available as <a href=\"" + escape(links) +
          "api/v1/repositories" + escape(format_repository_query(same, 0)) +
          "\">JSON</a>. For troubleshooting see <code>docs/operations.md</code>.</footer>\n";
  return html_page("Repositories – registry_exporter", html);
}

}  // namespace registry_exporter::web
