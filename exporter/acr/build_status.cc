#include "exporter/acr/build_status.h"

#include "exporter/base/text.h"

namespace registry_exporter::acr {

std::optional<config::StatusMeaning> BuildStatusMap::find(std::string_view raw) const {
  const std::string status = upper(trim(raw));
  const auto configured = configured_.find(status);
  if (configured != configured_.end()) return configured->second;
  if (status == "SUCCESS") return config::StatusMeaning::success;
  if (status == "FAILED") return config::StatusMeaning::failed;
  if (status == "CANCELED" || status == "CANCELLED") return config::StatusMeaning::canceled;
  if (status == "PENDING" || status == "BUILDING") return config::StatusMeaning::open;
  return std::nullopt;
}

BuildState state_of(std::optional<config::StatusMeaning> meaning, bool has_end) {
  if (!meaning) return {.open = !has_end, .outcome = Outcome::other};
  switch (*meaning) {
    case config::StatusMeaning::success:
      return {.open = false, .outcome = Outcome::success};
    case config::StatusMeaning::failed:
      return {.open = false, .outcome = Outcome::failed};
    case config::StatusMeaning::canceled:
      return {.open = false, .outcome = Outcome::canceled};
    case config::StatusMeaning::other:
      return {.open = false, .outcome = Outcome::other};
    case config::StatusMeaning::open:
      break;
  }
  return {.open = true, .outcome = Outcome::other};
}

}  // namespace registry_exporter::acr
