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

}  // namespace registry_exporter
