#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/model/repository_overview.h"
#include "exporter/model/scrape.h"
#include "exporter/web/http_message.h"
#include "exporter/web/site.h"

namespace registry_exporter::web {

/// What the pages need of the program. Implementations must be thread-safe.
class WebServices {
 public:
  virtual ~WebServices() = default;
  virtual bool registry_exists(const std::string& registry) const = 0;
  /// Collects and renders. May block until the deadline of the request.
  virtual ScrapeResponse scrape(const ScrapeRequest& request) = 0;
  virtual RepositoryOverview repositories() const = 0;
  /// Why a changed configuration is not in effect; one for each file that could not be loaded.
  virtual std::vector<std::string> refused_configurations() const = 0;
  virtual bool ready() const = 0;
  /// For scrapes that come without a timeout.
  virtual Millis scrape_timeout() const = 0;
  /// Reloads the configuration. May block. Returns the error, or nullopt on success.
  virtual std::optional<std::string> reload() = 0;
  /// Runs a blocking task on another thread than the server's. Returns false if none is available.
  virtual bool run_task(std::function<void()> task) = 0;
};

struct WebOptions {
  Site site{};
  std::string telemetry_path = "/metrics";  ///< Under the site's prefix, as every path here.
  bool enable_lifecycle = false;
  int max_requests = 40;  ///< Concurrent scrapes; more get 503 with Retry-After.
  Millis timeout_offset{500};
};

/// Maps requests to responses: paths, methods, negotiation, deadlines. Thread-safe. Never blocks
/// its caller: what might block goes through `WebServices::run_task`. Such tasks may outlive this
/// object, but not `services`.
class Routes {
 public:
  using Reply = std::function<void(WebResponse)>;
  struct Shared;  ///< Shared with the tasks: options, services, the number of running scrapes.

  Routes(WebOptions options, WebServices& services);
  void handle(WebRequest request, Reply reply);

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace registry_exporter::web
