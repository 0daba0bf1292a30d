#include "exporter/model/snapshot.h"

#include <algorithm>

namespace registry_exporter {

std::string_view name(Freshness freshness) {
  switch (freshness) {
    case Freshness::fresh:
      return "fresh";
    case Freshness::stale:
      return "stale";
    case Freshness::failing:
      return "failing";
    case Freshness::pending:
      return "pending";
    case Freshness::dropped:
      return "dropped";
  }
  return "pending";
}

namespace {

const RepositoryRow* find_namespace(const RegistrySnapshot& registry,
                                    const std::string& repo_namespace) {
  const auto at = std::lower_bound(registry.rows.begin(), registry.rows.end(), repo_namespace,
                                   [](const RepositoryRow& row, const std::string& wanted) {
                                     return row.ref().repo_namespace < wanted;
                                   });
  if (at == registry.rows.end() || !at->is_of({repo_namespace, "", ""})) return nullptr;
  return &*at;
}

}  // namespace

Freshness freshness_of(const RepositoryView& view, Millis max_staleness, UnixMillis now) {
  if (view.failing) return Freshness::failing;
  if (!view.last_read) return Freshness::pending;
  return now - *view.last_read <= max_staleness ? Freshness::fresh : Freshness::stale;
}

Freshness freshness_of(const RegistrySnapshot& registry, const RepositoryRow& row,
                       Millis max_staleness, UnixMillis now) {
  std::optional<Freshness> worst;
  const auto take = [&](const RepositoryView& view) {
    constexpr Freshness kWorstFirst[] = {Freshness::failing, Freshness::pending, Freshness::stale,
                                         Freshness::fresh};
    const Freshness here = freshness_of(view, max_staleness, now);
    for (const Freshness each : kWorstFirst) {
      if (here != each && worst != each) continue;
      worst = each;
      return;
    }
  };
  row.for_lists(take);
  if (worst) return *worst;
  const auto is_of_namespaces = [](const StreamKind* kind) {
    return kind->owner == OwnerType::repo_namespace;
  };
  if (std::any_of(registry.kinds.begin(), registry.kinds.end(), is_of_namespaces)) {
    const RepositoryRow* const space = find_namespace(registry, row.ref().repo_namespace);
    if (space != nullptr) space->for_lists(take);
    return worst.value_or(Freshness::fresh);  // Without a policy there is nothing to read.
  }
  for (const FeedView& feed : registry.feeds) take(*feed.view);
  return worst.value_or(Freshness::pending);
}

RepositoryCounts count_states(const RegistrySnapshot& registry, Millis max_staleness,
                              UnixMillis now) {
  RepositoryCounts counts{};
  const auto count_of = [&](Freshness state) -> auto& {
    return counts[static_cast<std::size_t>(state)];
  };
  for (const RepositoryRow& row : registry.rows) {
    if (row.is_repository()) ++count_of(freshness_of(registry, row, max_staleness, now));
  }
  if (!registry.feeds.empty()) {
    const RepositoryView& feed = *registry.feeds.front().view;
    count_of(freshness_of(feed, max_staleness, now)) += registry.without_row;
  }
  const auto dropped = static_cast<std::size_t>(Freshness::dropped);
  counts[dropped] = registry.repositories[dropped];
  return counts;
}

}  // namespace registry_exporter
