#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exporter/base/runtime.h"
#include "exporter/config/config.h"
#include "exporter/engine_books.h"
#include "exporter/exposition/exposition.h"
#include "exporter/exposition/self_metrics.h"
#include "exporter/ingest/collector.h"
#include "exporter/ingest/committer.h"
#include "exporter/model/repository_overview.h"
#include "exporter/model/scrape.h"
#include "exporter/net/http_transport.h"

namespace registry_exporter {

/// A registry's cloud, what it is reached by, and what its lists hold.
struct CloudConnection {
  std::unique_ptr<net::HttpTransport> transport;
  std::unique_ptr<Cloud> cloud;
  std::vector<const StreamKind*> kinds;  ///< As collected.
};
using CloudFactory = std::function<Result<CloudConnection>(
    const config::RegistryConfig&, const config::MetricsConfig&, Runtime, CallObserver&)>;

struct EngineOptions {
  int shard = 0;
  int total_shards = 1;
  bool history_counts = true;  ///< False after damaged state: `initial_history: count` is ignored.
  bool read_everything = false;    ///< Not only what is due.
  std::size_t notices_from = 100;  ///< Lists of a registry, see NoticeFeed.
  UnixMillis process_started_at;
};

/// All that runs for one configuration: a cloud and a collector for each registry, the committer,
/// the exposition. Thread-safe between start() and stop().
class Engine {
 public:
  /// Errors: invalid_config (credentials that can't be used…).
  static Result<std::unique_ptr<Engine>> make(Runtime runtime, store::StateStore& store,
                                              const config::Config& config,
                                              const EngineOptions& options,
                                              exposition::SelfMetrics& self,
                                              const CloudFactory& connect);
  ~Engine();

  void start(EngineBooks data);
  /// Ends everything, saves what is left and gives the data back.
  EngineBooks stop();

  struct Scrape {
    std::vector<Chunk> chunks;
    bool complete = false;
    std::string client;
    std::vector<std::pair<std::string, std::uint64_t>> versions;  ///< Registry → snapshot shown.
  };
  /// Collects (when asked to) and renders. Back before `request.timeout` has passed, as far as the
  /// time for rendering, which has no limit of its own, is known from the scrapes before.
  Scrape scrape(const ScrapeRequest& request, exposition::LiveState live);
  /// The whole of `scrape` was handed to the client.
  void answered(const Scrape& scrape);
  /// Nothing that matches is unread, and nothing failed; see the collectors.
  bool everything_read() const;
  /// Saves what there is to save, before the deadline.
  bool flush(SteadyTime deadline) { return committer_.flush(deadline); }

  bool has_registry(const std::string& name) const;
  Millis scrape_timeout() const { return config_.collection.scrape_timeout; }
  RepositoryOverview repositories() const;
  std::vector<std::pair<std::string, CloudHealth>> cloud_health() const;
  std::uint64_t state_size_bytes() const { return committer_.state_size_bytes(); }

 private:
  struct Registry {
    config::RegistryConfig config;
    CloudConnection connection;
    std::unique_ptr<ingest::Collector> collector;
  };

  Engine(Runtime runtime, store::StateStore& store, const config::Config& config,
         const EngineOptions& options, exposition::SelfMetrics& self);
  ingest::CollectorOptions collector_options(const Registry& registry, bool has_past);
  ingest::CollectorHooks collector_hooks(const config::RegistryConfig& registry);
  bool collect(const std::vector<ingest::Collector*>& collectors, const ScrapeRequest& request);
  std::vector<ingest::Collector*> selected(const std::vector<std::string>& names) const;

  Runtime runtime_;
  const config::Config config_;
  const EngineOptions options_;
  exposition::SelfMetrics& self_;
  ingest::Committer committer_;
  exposition::Exposition exposition_;
  std::vector<Registry> registries_;
  EngineBooks books_;  ///< Of registries that this configuration does not have.
  std::atomic<store::RepositoryNumber> last_repository_{0};
  std::atomic<std::int64_t> last_render_ms_{0};
};

}  // namespace registry_exporter
