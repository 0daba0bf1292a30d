#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/config/config.h"
#include "exporter/model/record.h"

/// What the raw `BuildStatus` of a record means. Pure.
namespace registry_exporter::acr {

/// The cloud documents no list of the values. Those seen so far are built in; the user's
/// (`metrics.build_statuses`) win over them; any other value is unknown.
class BuildStatusMap {
 public:
  /// `configured`: keys in upper case.
  explicit BuildStatusMap(std::map<std::string, config::StatusMeaning> configured = {})
      : configured_(std::move(configured)) {}

  /// Ignores case and surrounding blanks. nullopt: unknown.
  std::optional<config::StatusMeaning> find(std::string_view raw) const;

 private:
  std::map<std::string, config::StatusMeaning> configured_;
};

struct BuildState {
  bool open = false;
  Outcome outcome = Outcome::other;  ///< Meaningless while open.
  bool operator==(const BuildState&) const = default;
};

/// A known status decides alone; an unknown one (nullopt) is open until the build has an end.
BuildState state_of(std::optional<config::StatusMeaning> meaning, bool has_end);

}  // namespace registry_exporter::acr
