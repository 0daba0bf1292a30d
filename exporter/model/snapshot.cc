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

}  // namespace registry_exporter
