#pragma once

#include <map>
#include <string>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// When what is no longer shown afterwards came about first, as far as an oracle goes by it.
struct Milestones {
  std::map<std::string, UnixMillis, std::less<>> discovered;  ///< By registry: committed whole.
  std::map<std::string, UnixMillis, std::less<>> read_whole;  ///< By key of list: committed.

  /// The registry's first discovery had not been committed then.
  bool before_discovery(const std::string& registry, UnixMillis time) const {
    const auto found = discovered.find(registry);
    return found == discovered.end() || time < found->second;
  }
};

}  // namespace registry_exporter
