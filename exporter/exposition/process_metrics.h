#pragma once

#include <optional>

namespace registry_exporter::exposition {

/// The standard `process_*` values. nullopt: it can't be read.
struct ProcessMetrics {
  std::optional<double> cpu_seconds;
  std::optional<double> open_fds;
  std::optional<double> max_fds;
  std::optional<double> virtual_bytes;
  std::optional<double> resident_bytes;
  std::optional<double> started_at;  ///< Seconds since 1970.
  std::optional<double> threads;
};

/// Reads /proc/self. Shell.
ProcessMetrics read_process_metrics();

}  // namespace registry_exporter::exposition
