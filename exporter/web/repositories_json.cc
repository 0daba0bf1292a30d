#include <nlohmann/json.hpp>

#include "exporter/base/time_text.h"
#include "exporter/web/status_page.h"

namespace registry_exporter::web {
namespace {

using Json = nlohmann::ordered_json;

Json time(const std::optional<UnixMillis>& known) {
  return known ? Json(format_rfc3339_millis(*known)) : Json(nullptr);
}

template <class T>
Json value(const std::optional<T>& known) {
  return known ? Json(*known) : Json(nullptr);
}

Json last_record(const RepositoryView& view) {
  if (!view.last_build) return nullptr;
  const LastBuild& build = *view.last_build;
  Json duration;
  if (build.duration) duration = static_cast<double>(build.duration->count()) / 1000;
  return {{"status", build.succeeded ? "success" : "failed"},
          {"ended_at", time(build.ended_at)},
          {"duration_seconds", duration}};
}

Json failure(const RepositoryView& view) {
  if (!view.failing) return nullptr;
  return {{"reason", name(*view.failing)},
          {"error", view.failing_detail},
          {"advice", advice(*view.failing)}};
}

Json repository(const ListedRow& row) {
  const RepositoryView& view = *row.view;
  Json json = {{"registry", row.registry->name},
               {"type", row.registry->type},
               {"repo_namespace", view.ref.repo_namespace},
               {"repo", view.ref.name},
               {"state", name(row.freshness)},
               {"last_read", time(view.last_read)},
               {"failing", failure(view)},
               {"first_unreadable_row", value(view.first_unreadable_row)},
               {"unreadable_error", view.unreadable_detail}};
  if (const auto* const builds = view_of(row, kBuilds)) {
    json["repo_id"] = builds->ref.cloud_id;
    json["open_builds"] = builds->open;
    json["oldest_open_build_started_at"] = time(builds->oldest_open_started_at);
    json["last_build"] = last_record(*builds);
    json["last_build_ended_at"] = time(last_event(*builds));
    json["consecutive_failed_builds"] = builds->consecutive_failed;
  }
  if (const auto* const deletions = view_of(row, kDeletions)) {
    json["last_deletion_at"] = time(last_event(*deletions));
    json["tags"] = value(deletions->tags);
    json["size_bytes"] = value(deletions->size_bytes);
  }
  if (const auto* const syncs = syncs_of(row)) {
    json["open_syncs"] = syncs->open;
    json["oldest_open_sync_started_at"] = time(syncs->oldest_open_started_at);
    json["last_sync"] = last_record(*syncs);
    json["last_sync_ended_at"] = time(last_event(*syncs));
  }
  return json;
}

/// Those that are read for all repositories.
Json lists(const RegistrySnapshot& snapshot) {
  Json lists = Json::array();
  for (const FeedView& feed : snapshot.feeds) {
    lists.push_back({{"list", feed.kind->name},
                     {"last_read", time(feed.view->last_read)},
                     {"failing", failure(*feed.view)},
                     {"first_unreadable_row", value(feed.view->first_unreadable_row)},
                     {"unreadable_error", feed.view->unreadable_detail}});
  }
  return lists;
}

Json registry(const RepositoryOverview::Registry& source, const RepositoryOverview& overview) {
  const RegistrySnapshot& snapshot = *source.snapshot;
  Json unknown = Json::object();
  for (const auto& [status, times] : snapshot.unknown_statuses) unknown[status] = times;
  return {{"name", snapshot.name},
          {"type", snapshot.type},
          {"up", source.up},
          {"repositories", count_listed(count_states(snapshot, overview))},
          {"dropped", snapshot.repositories[static_cast<std::size_t>(Freshness::dropped)]},
          {"last_success", time(snapshot.state.last_success)},
          {"unknown_statuses", unknown},
          {"lists", lists(snapshot)}};
}

}  // namespace

std::string repositories_json(const RepositoryOverview& overview, const RepositoryQuery& query) {
  const RepositoryListPage page = list_repositories(overview, query);
  Json registries = Json::array();
  for (const auto& each : overview.registries) registries.push_back(registry(each, overview));
  Json repositories = Json::array();
  for (const ListedRow& row : page.rows) repositories.push_back(repository(row));
  const Json json = {{"now", time(overview.now)},
                     {"total", page.total},
                     {"matched", page.matched},
                     {"page", page.page},
                     {"pages", page.pages},
                     {"registries", std::move(registries)},
                     {"repositories", std::move(repositories)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace registry_exporter::web
