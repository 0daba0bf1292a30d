#pragma once

#include <memory>
#include <string>
#include <utility>

#include "exporter/web/repository_list.h"

/// Two registries in which everything occurs, for the tests of the pages.
namespace registry_exporter::sample {

inline constexpr UnixMillis kNow{Millis{1'767'323'045'000}};
inline constexpr Millis kMinute{60'000};

inline std::shared_ptr<RepositoryView> repository(std::string repo_namespace, std::string name) {
  auto view = std::make_shared<RepositoryView>();
  view->ref = {std::move(repo_namespace), std::move(name), "crr-1"};
  return view;
}

inline RepositoryRow row_of(std::shared_ptr<const RepositoryView> view) {
  RepositoryRow row;
  row.cells[0].view = std::move(view);
  return row;
}

/// Fresh, stale, failing and pending builds, one list of images, seven repositories dropped.
inline RepositoryOverview overview() {
  const auto fresh = repository("a", "fresh");
  fresh->last_read = kNow - kMinute / 2;
  fresh->open = 2;
  fresh->oldest_open_started_at = kNow - 5 * kMinute;
  fresh->last_build = LastBuild{kNow - 10 * kMinute, false, Millis{90'000}};
  fresh->last_end[Outcome::failed] = fresh->last_build->ended_at;
  fresh->consecutive_failed = 3;
  const auto stale = repository("a", "stale");
  stale->last_read = kNow - 3 * kMinute;
  const auto failing = repository("b", "failing");
  failing->last_read = kNow - 4 * kMinute;
  failing->failing = ErrorKind::forbidden;
  failing->failing_detail = "403 NO_PERMISSION";
  const auto pending = repository("d", "pending");

  auto acr = std::make_shared<RegistrySnapshot>();
  acr->name = "acr-prod";
  acr->type = "acr";
  acr->kinds = {&kBuilds};
  for (const auto& each : {stale, fresh, failing, pending}) acr->rows.push_back(row_of(each));

  const auto images = repository("c", "images");
  images->ref.cloud_id.clear();
  images->last_read = kNow - kMinute;
  images->last_end[Outcome::tag_rule] = kNow - kMinute;
  images->last_end[Outcome::date_rule] = kNow - 2 * kMinute;
  images->tags = 12;
  auto swr = std::make_shared<RegistrySnapshot>();
  swr->name = "swr-prod";
  swr->type = "swr";
  swr->kinds = {&kDeletions};
  swr->rows.push_back(row_of(images));
  swr->repositories[static_cast<std::size_t>(Freshness::dropped)] = 7;

  RepositoryOverview overview;
  overview.registries = {{acr, true}, {swr, false}};
  overview.max_staleness = 2 * kMinute;
  overview.now = kNow;
  return overview;
}

}  // namespace registry_exporter::sample
