#pragma once

#include <string_view>

#include "exporter/base/clock.h"

namespace registry_exporter {

/// What metering reports to. Thread-safe, quick, never throws.
class CallObserver {
 public:
  virtual ~CallObserver() = default;
  /// One attempt of one call ended. `operation` is the cloud's own name ("ListRepoBuildRecord");
  /// `outcome` is "ok" or the name of an ErrorKind.
  virtual void call_finished(std::string_view registry, std::string_view operation,
                             std::string_view outcome, Millis duration) = 0;
};

}  // namespace registry_exporter
