#include "exporter/model/snapshot.h"

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
  for (const FeedView& feed : registry.feeds) take(*feed.view);
  return worst.value_or(Freshness::pending);
}

}  // namespace registry_exporter
