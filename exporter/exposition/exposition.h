#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/model/cloud.h"
#include "exporter/model/scrape.h"
#include "exporter/model/snapshot.h"

namespace registry_exporter::exposition {

class SelfMetrics;

/// "text", "openmetrics" or "protobuf".
std::string_view name(ExpositionFormat format);
/// The value of Content-Type.
std::string_view content_type(ExpositionFormat format);

struct ExpositionOptions {
  std::vector<Millis> windows;
  std::map<Millis, std::string> window_names;  ///< As the user wrote them; default: shortest form.
  std::vector<double> bucket_bounds;           ///< Seconds, strictly increasing, without +Inf.
  Millis max_staleness{120'000};               ///< Older data is stale.
  bool created_timestamps = false;             ///< In OpenMetrics; protobuf always has them.
  UnixMillis process_started_at;
  std::vector<std::string> disabled;  ///< Families left out.
  /// The user's labels for a repository, by "namespace/name"; empty if there are none for it.
  std::function<std::vector<std::pair<std::string, std::string>>(const std::string&)>
      labels_of_repository;
};

/// The state of the process at the moment of a scrape, besides the snapshot.
struct LiveState {
  std::vector<std::pair<std::string, CloudHealth>> registries;  ///< By name, in configured order.
  UnixMillis now;
  std::uint64_t state_size_bytes = 0;
  UnixMillis state_created_at;
  bool state_recovered = false;  ///< This start found a damaged state and moved it away.
  int shard = 0;
  int total_shards = 1;
  bool config_reload_successful = true;
  UnixMillis config_reloaded_at;
  std::string revision;  ///< The commit that was built.
};

/// Turns snapshots into response bodies. Thread-safe. The lines of a registry's snapshot are
/// rendered (and compressed) only once for all scrapes.
class Exposition {
 public:
  Exposition(ExpositionOptions options, SelfMetrics& self);
  ~Exposition();

  /// The exposition that `request` asks for: its format, whether it is one gzip stream, and which
  /// families. If it names registries: only the series of those, without the series of the
  /// process. Families are grouped; OpenMetrics ends in "# EOF\n", in protobuf each family
  /// begins with its length.
  std::vector<Chunk> render(const Snapshot& snapshot, const LiveState& live,
                            const ScrapeRequest& request);

 private:
  struct Cache;
  ExpositionOptions options_;
  SelfMetrics& self_;
  std::unique_ptr<Cache> cache_;
};

/// Whether there is a family of this name, as in TYPE lines of the text format. Checks
/// `metrics.disabled` and `collect[]`.
bool is_known_family(std::string_view family);

/// Whether a scrape of these families (empty: all) shows events that are counted for a repository:
/// such a scrape has seen the zero that has to be seen before any increment.
bool shows_events(const std::vector<std::string>& families);

}  // namespace registry_exporter::exposition
