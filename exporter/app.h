#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/config/config_watch.h"
#include "exporter/engine.h"
#include "exporter/options.h"
#include "exporter/reload_state.h"
#include "exporter/supervisor.h"
#include "exporter/web/routes.h"
#include "exporter/web/server.h"
#include "exporter/web/task_threads.h"
#include "exporter/web/web_access.h"

namespace registry_exporter {

/// The program, and what its web pages ask of it. Exit codes: 0 success, 1 failure at run time,
/// 2 wrong usage or configuration.
class App final : private web::WebServices {
 public:
  App(Runtime runtime, Options options, CloudFactory connect);
  ~App() override;

  /// Serves until SIGTERM or SIGINT; SIGHUP reloads. With --config.check, --doctor, --backfill
  /// or --once: does that and returns.
  int run();

 private:
  /// The state file, and how it was found at the start.
  struct State {
    std::unique_ptr<store::StateStore> store;
    UnixMillis created_at;
    bool recovered = false;            ///< Damaged state was moved aside at this start.
    bool history_counts = true;        ///< False if the state was begun after damage.
    std::optional<EngineBooks> books;  ///< Loaded, until the first engine takes them.
  };

  /// The configuration in effect, and the watch over its files.
  struct ActiveConfig {
    explicit ActiveConfig(Runtime runtime) : watch(runtime) {}

    Mutex mutex;  ///< One reload at a time. Guards `config` once requests are served.
    config::Config config;
    ReloadState reload;
    config::ConfigWatch watch;
  };

  int check_config() const;
  int diagnose();
  int print_history();
  int collect_once();
  int serve();

  std::optional<int> open_web_access();
  std::optional<int> load_everything();
  std::optional<int> open_state();
  EngineOptions engine_options() const;

  std::unique_ptr<web::Server> make_web_server(web::Routes& routes);
  void log_addresses(const web::Server& server, std::size_t registries) const;
  void wait_for_stop_signal();
  void stop(web::Server& server);
  std::optional<std::string> replace_engine();
  void note_loaded(FileDigests files);
  void watch_configurations();
  std::shared_ptr<Engine> engine() const;
  exposition::LiveState live_state() const;

  // WebServices, called from the threads of requests.
  bool registry_exists(const std::string& registry) const override;
  ScrapeResponse scrape(const ScrapeRequest& request) override;
  RepositoryOverview repositories() const override;
  std::vector<std::string> refused_configurations() const override;
  bool ready() const override;
  Millis scrape_timeout() const override;
  std::optional<std::string> reload() override;
  bool run_task(std::function<void()> task) override;

  Runtime runtime_;
  const UnixMillis started_at_;
  const Options options_;
  const CloudFactory connect_;
  const Supervisor supervisor_;
  exposition::SelfMetrics self_;
  State state_;
  ActiveConfig active_;
  mutable Mutex mutex_;
  std::shared_ptr<Engine> engine_ GUARDED_BY(mutex_);
  std::atomic<bool> ready_{false};
  std::unique_ptr<web::TaskThreads> tasks_;
  std::unique_ptr<web::WebAccess> web_access_;  ///< nullptr: plain HTTP without passwords.
};

}  // namespace registry_exporter
