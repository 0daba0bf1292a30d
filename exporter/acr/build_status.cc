#include "exporter/acr/build_status.h"

#include "exporter/base/text.h"

namespace registry_exporter::acr {

std::optional<StatusMeaning> BuildStatusMap::find(std::string_view raw) const {
  const std::string status = upper(trim(raw));
  const auto configured = configured_.find(status);
  if (configured != configured_.end()) return configured->second;
  if (status == "SUCCESS") return StatusMeaning::success;
  if (status == "FAILED") return StatusMeaning::failed;
  if (status == "CANCELED" || status == "CANCELLED") return StatusMeaning::canceled;
  if (status == "PENDING" || status == "BUILDING") return StatusMeaning::open;
  return std::nullopt;
}

BuildState state_of(std::optional<StatusMeaning> meaning, bool has_end) {
  if (!meaning) return {.open = !has_end, .outcome = Outcome::other};
  switch (*meaning) {
    case StatusMeaning::success:
      return {.open = false, .outcome = Outcome::success};
    case StatusMeaning::failed:
      return {.open = false, .outcome = Outcome::failed};
    case StatusMeaning::canceled:
      return {.open = false, .outcome = Outcome::canceled};
    case StatusMeaning::other:
      return {.open = false, .outcome = Outcome::other};
    case StatusMeaning::open:
      break;
  }
  return {.open = true, .outcome = Outcome::other};
}

}  // namespace registry_exporter::acr
