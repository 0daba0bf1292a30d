#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/model/cloud.h"
#include "exporter/model/scrape.h"
#include "exporter/model/snapshot.h"

namespace registry_exporter {

class SelfMetrics;

/// The value of Content-Type.
std::string_view content_type(ExpositionFormat format);

struct ExpositionOptions {
  std::vector<Millis> windows;
  std::map<Millis, std::string> window_names;  ///< As the user wrote them; else the shortest way.
  std::vector<double> bucket_bounds;           ///< Seconds, strictly increasing, without +Inf.
  Millis max_staleness{120'000};               ///< What separates fresh from stale.
  bool created_timestamps = false;
  std::vector<std::string> disabled;  ///< Families left out.
};

/// What is true of the process at the moment of a scrape, besides the snapshot.
struct LiveState {
  std::vector<std::pair<std::string, CloudHealth>> registries;  ///< By name, in configured order.
  UnixMillis now;
  std::uint64_t state_size_bytes = 0;
  UnixMillis state_created_at;
  bool state_recovered = false;  ///< Damage was set aside at this start.
  int shard = 0;
  int total_shards = 1;
  bool config_reload_successful = true;
  UnixMillis config_reloaded_at;
};

/// Turns snapshots into answers. Thread-safe. What a registry's snapshot contributes is rendered
/// (and compressed) once, whoever asks and however often.
class Exposition {
 public:
  Exposition(ExpositionOptions options, SelfMetrics& self);
  ~Exposition();

  /// The whole exposition, or with `only` not empty the series of those registries alone, without
  /// the process-wide ones. Families are grouped; OpenMetrics ends in "# EOF\n".
  /// `gzip`: the chunks together are one gzip stream.
  std::vector<Chunk> render(const Snapshot& snapshot, const LiveState& live,
                            const std::vector<std::string>& only, ExpositionFormat format,
                            bool gzip);

 private:
  struct Cache;
  ExpositionOptions options_;
  SelfMetrics& self_;
  std::unique_ptr<Cache> cache_;
};

/// Whether there is a family of this name (as in TYPE lines of the text format): for
/// `metrics.disabled`.
bool is_known_family(std::string_view family);

}  // namespace registry_exporter
