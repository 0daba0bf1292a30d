#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/exposition/exposition.h"
#include "exporter/web/message.h"
#include "exporter/web/repository_list.h"

namespace registry_exporter {

/// A scrape as `routes` understood it.
struct ScrapeRequest {
  std::vector<std::string> registries;  ///< `?registry=`; empty: all. Checked to exist.
  Millis timeout{10'000};               ///< Time left to answer in, the offset taken off.
  ExpositionFormat format = ExpositionFormat::text;
  bool gzip = false;
  std::string client;   ///< Address and User-Agent: who must have seen a zero.
  bool collect = true;  ///< False for HEAD: answered from the newest snapshot.
};

struct ScrapeAnswer {
  std::vector<Chunk> chunks;
  /// To be called once it is known whether the whole answer was handed to the socket.
  std::function<void(bool sent)> when_done;
};

/// One registry's row on the landing page.
struct RegistryHealth {
  std::string name;
  std::string type;
  bool up = false;
  std::size_t repositories = 0;
  std::string words;  ///< "312 repositories, 4 stale; last complete 12 s ago"
};

/// What the pages ask of the program. Functions may be called from any thread.
struct WebServices {
  std::function<bool(const std::string& registry)> registry_exists;
  /// May block until the deadline: called on a thread of the caller's choice.
  std::function<ScrapeAnswer(const ScrapeRequest&)> scrape;
  std::function<std::vector<RegistryHealth>()> health;
  std::function<RepositoryOverview()> repositories;
  /// Why a changed configuration is not in force, of each file that isn't.
  std::function<std::vector<std::string>()> refused_configurations;
  std::function<bool()> ready;
  std::function<Millis()> scrape_timeout;  ///< When the scraper sends none.
  /// Reloads the configuration: nullopt when done, else why not.
  std::function<std::optional<std::string>()> reload;
  /// Runs a blocking task on a thread that is not the server's; false: none is to be had.
  std::function<bool(std::function<void()>)> run;
};

struct WebOptions {
  std::string telemetry_path = "/metrics";
  bool enable_lifecycle = false;
  int max_requests = 40;  ///< Scrapes under way at once; more get 503 with Retry-After.
  Millis timeout_offset{500};
};

/// Maps requests to answers: paths, methods, negotiation, deadlines. Thread-safe. Never blocks its
/// caller: what might goes through `services.run`. Tasks it has given away may outlive it.
class Routes {
 public:
  using Reply = std::function<void(WebAnswer)>;
  struct Shared;  ///< What its tasks share: options, services, the scrapes under way.

  Routes(WebOptions options, WebServices services);
  void handle(WebRequest request, Reply reply);

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace registry_exporter
