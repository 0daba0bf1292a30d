#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "exporter/engine.h"
#include "exporter/options.h"
#include "exporter/supervisor.h"
#include "exporter/web/gate.h"
#include "exporter/web/server.h"
#include "exporter/web/task_threads.h"

namespace registry_exporter {

/// The program: what it owns, in the order it is started, and the ways it ends. Exit codes: 0 done,
/// 1 failed at run time, 2 usage or configuration.
class App {
 public:
  App(Runtime runtime, Options options, CloudFactory connect);
  ~App();

  /// Starts, serves until SIGTERM or SIGINT (SIGHUP reloads), ends. Or one of the short ways:
  /// --config.check, --once.
  int run();

 private:
  int check_config() const;
  int examine_registries();
  std::optional<int> load_everything();
  int collect_once();
  int serve();
  void wait_for_signals();
  void stop(Server& server);

  ScrapeAnswer scrape(const ScrapeRequest& request);
  LiveState live_state() const;
  WebServices web_services();
  std::optional<std::string> reload();
  std::shared_ptr<Engine> engine() const;
  std::vector<std::string> refused_configurations() const;
  EngineOptions engine_options() const;

  Runtime runtime_;
  const Options options_;
  const CloudFactory connect_;
  const Supervisor supervisor_;
  SelfMetrics self_;
  Config config_;
  std::unique_ptr<StateStore> store_;
  UnixMillis state_created_at_;
  bool state_recovered_ = false;
  bool history_counts_ = true;  ///< Not in a state that began after damage.

  mutable std::mutex mutex_;  ///< Guards the next two.
  std::shared_ptr<Engine> engine_;
  std::optional<std::string> reload_problem_;  ///< Of the last reload.
  std::optional<EngineBooks> data_;            ///< Loaded, until the first engine has it.
  std::mutex reload_mutex_;
  std::atomic<UnixMillis> reloaded_at_;
  std::atomic<bool> ready_{false};
  std::unique_ptr<TaskThreads> tasks_;
  std::unique_ptr<Gate> gate_;  ///< nullptr: plain HTTP for everyone.
};

}  // namespace registry_exporter
