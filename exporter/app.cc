#include "exporter/app.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <system_error>

#include "exporter/backfill.h"
#include "exporter/base/duration.h"
#include "exporter/base/inherited.h"
#include "exporter/base/last_words.h"
#include "exporter/config/secret_files.h"
#include "exporter/doctor.h"

namespace registry_exporter {
namespace {

constexpr int kRunTimeFailure = 1;
constexpr int kWrongUsage = 2;
constexpr Millis kStopGrace{3'000};
/// --once has no scraper that would give up.
constexpr std::chrono::hours kOnceTimeout{24};

void print_problems(std::FILE* to, const std::string& file,
                    const std::vector<config::ConfigProblem>& problems) {
  std::fputs(config::lines_of(file, problems).c_str(), to);
}

int refused(const std::string& file, const std::vector<config::ConfigProblem>& problems) {
  print_problems(stderr, file, problems);
  return kWrongUsage;
}

int failed(const std::string& message, int code) {
  std::fprintf(stderr, "registry_exporter: %s\n", message.c_str());
  return code;
}

tl::expected<config::Config, std::vector<config::ConfigProblem>> load(const Options& options) {
  return config::load_config(options.config_file, [](const std::string& family) {
    return exposition::is_known_family(family);
  });
}

/// A failure in here, for example because no thread can be started, leaves no engine that collects.
/// The program exits rather than show old values; restarted, it continues from the state file.
void hand_over(Engine& from, Engine& to) {
  try {
    to.start(from.stop());
  } catch (const std::exception& problem) {
    limit_last_words();
    const std::string words = "reload failed halfway: " + std::string(problem.what());
    std::_Exit(failed(words + "; exiting, restart it", kRunTimeFailure));
  }
}

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, each);
  return signals;
}

web::WebOptions web_options(const Options& options) {
  web::WebOptions web;
  web.site = options.site;
  web.telemetry_path = options.telemetry_path;
  web.enable_lifecycle = options.enable_lifecycle;
  web.max_requests = options.max_requests;
  web.timeout_offset = options.timeout_offset;
  return web;
}

}  // namespace

// --- What it is started for

App::App(Runtime runtime, Options options, CloudFactory connect)
    : runtime_(runtime),
      started_at_(runtime.clock.now()),
      options_(std::move(options)),
      connect_(std::move(connect)),
      supervisor_(options_.notify_socket),
      self_(runtime.clock),
      active_(runtime) {
  log::configure(options_.log_level, options_.log_format);
}

App::~App() = default;

int App::run() {
  if (options_.config_check) return check_config();
  if (options_.doctor) return diagnose();
  if (options_.backfill) return print_history();
  if (!options_.once) {
    if (const auto code = open_web_access()) return *code;
  }
  if (const auto code = load_everything()) return *code;
  return options_.once ? collect_once() : serve();
}

int App::check_config() const {
  const auto config = load(options_);
  if (!config) print_problems(stdout, options_.config_file, config.error());
  bool good = config.has_value();
  if (!options_.web_config_file.empty()) {
    const auto access = web::WebAccess::open(runtime_, options_.web_config_file);
    if (!access) print_problems(stdout, options_.web_config_file, access.error());
    good &= access.has_value();
  }
  if (config) config::warn_of_secret_files(config::secret_files(*config, options_.config_file));
  if (good) std::puts("OK");
  return good ? 0 : kRunTimeFailure;
}

int App::diagnose() {
  const auto config = load(options_);
  if (!config) return refused(options_.config_file, config.error());
  return run_doctor(runtime_, *config, engine_options(), connect_) ? 0 : kRunTimeFailure;
}

int App::print_history() {
  const auto config = load(options_);
  if (!config) return refused(options_.config_file, config.error());
  BackfillOptions backfill;
  backfill.engine = engine_options();
  backfill.labels = options_.backfill_labels;
  backfill.step = options_.backfill_step;
  backfill.until = options_.backfill_until;
  backfill.state_path = options_.state_path.value_or(config->state_path);
  const Result<Done> printed = run_backfill(runtime_, *config, backfill, connect_);
  return printed ? 0 : failed(printed.error().detail, kRunTimeFailure);
}

int App::collect_once() {
  const std::shared_ptr<Engine> engine = this->engine();
  state_.books->shown = false;  // No exposition was seen before.
  engine->start(std::move(*state_.books));
  ScrapeRequest request;
  request.timeout = kOnceTimeout;
  request.client = "--once";
  const Engine::Scrape scrape = engine->scrape(request, live_state());
  const bool complete = engine->everything_read() && scrape.complete;
  for (const Chunk& chunk : scrape.chunks) std::fwrite(chunk->data(), 1, chunk->size(), stdout);
  const bool written = !stdout_problem();  // main() reports it.
  if (written) engine->answered(scrape);
  engine->stop();
  if (!written) return kRunTimeFailure;
  return complete ? 0 : failed("not everything could be read; see the log above", kRunTimeFailure);
}

int App::serve() {
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // Inherited by all threads started from here on.
  log::hold_nobody_up();
  tasks_ = std::make_unique<web::TaskThreads>(runtime_.threads,
                                              static_cast<std::size_t>(options_.max_requests) + 4);
  web::Routes routes(web_options(options_), *this);
  const std::unique_ptr<web::Server> server = make_web_server(routes);
  const std::size_t registries = active_.config.registries.size();
  engine()->start(std::move(*state_.books));
  // From here on a request may reload: the configuration and the engine need their mutexes.
  if (const auto started = server->start(); !started) {
    engine()->stop();
    return failed(started.error().detail, started.error().kind == ErrorKind::invalid_config
                                              ? kWrongUsage
                                              : kRunTimeFailure);
  }
  ready_ = true;
  log_addresses(*server, registries);
  watch_configurations();
  supervisor_.ready("collecting on scrape of " + server->addresses().front());
  wait_for_stop_signal();
  supervisor_.stopping();
  stop(*server);
  return 0;
}

// --- Start

std::optional<int> App::open_web_access() {
  if (options_.web_config_file.empty()) return std::nullopt;
  auto access = web::WebAccess::open(runtime_, options_.web_config_file);
  if (!access) return refused(options_.web_config_file, {access.error().front()});
  web_access_ = std::move(*access);
  return std::nullopt;
}

std::optional<int> App::load_everything() {
  FileDigests files = config::config_digests(options_.config_file);
  auto config = load(options_);
  if (!config) return refused(options_.config_file, config.error());
  active_.config = std::move(*config);
  note_loaded(std::move(files));
  config::warn_of_secret_files(config::secret_files(active_.config, options_.config_file));
  active_.reload.succeeded(runtime_.clock.now());
  if (const auto code = open_state()) return code;
  auto engine =
      Engine::make(runtime_, *state_.store, active_.config, engine_options(), self_, connect_);
  if (!engine) return failed(engine.error().detail, kWrongUsage);
  const MutexLock lock(mutex_);
  engine_ = std::move(*engine);
  return std::nullopt;
}

std::optional<int> App::open_state() {
  const std::string path = options_.state_path.value_or(active_.config.state_path);
  state_.store = store::make_sqlite_state_store({.path = path, .vfs = {}}, runtime_.clock.now());
  Result<store::LoadedState> loaded = state_.store->load();
  if (!loaded) return failed(loaded.error().detail, kRunTimeFailure);
  state_.created_at = loaded->created_at;
  state_.recovered = loaded->damaged_moved_to.has_value();
  if (state_.recovered) {
    log::error("the state file was damaged: it was moved aside and counting starts from zero",
               {{"path", path}, {"moved_to", *loaded->damaged_moved_to}});
  }
  state_.history_counts = !loaded->follows_damage && !state_.recovered;
  state_.books = engine_books_of(std::move(*loaded));
  return std::nullopt;
}

EngineOptions App::engine_options() const {
  return {.shard = options_.shard,
          .total_shards = options_.total_shards,
          .history_counts = state_.history_counts,
          .read_everything = options_.once,
          .process_started_at = started_at_};
}

std::unique_ptr<web::Server> App::make_web_server(web::Routes& routes) {
  web::ServerOptions server_options;
  server_options.listen_addresses = options_.listen_addresses;
  server_options.systemd_socket = options_.systemd_socket;
  web::WebHandler handler = [&routes](web::WebRequest request, web::Routes::Reply reply) {
    routes.handle(std::move(request), std::move(reply));
  };
  if (web_access_) {
    handler = web_access_->guard(std::move(handler), options_.site);
    server_options.tls = [this] { return web_access_->tls(); };
  }
  return web::make_server(server_options, std::move(handler));
}

void App::log_addresses(const web::Server& server, std::size_t registries) const {
  for (const std::string& address : server.addresses()) {
    log::info("listening", {{"address", address},
                            {"version", REGISTRY_EXPORTER_VERSION},
                            {"revision", options_.revision},
                            {"registries", std::to_string(registries)}});
  }
}

// --- While it runs

void App::wait_for_stop_signal() {
  const sigset_t signals = handled_signals();
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) {
      log::info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      return;
    }
    reload();
  }
}

/// Finishes running responses while the engine aborts its calls to the clouds; if no thread can be
/// started for that, one after the other.
void App::stop(web::Server& server) {
  ready_ = false;
  active_.watch.stop();
  std::unique_ptr<Thread> closing;
  try {
    closing = runtime_.threads.start("stop", [&server] { server.stop(kStopGrace); });
  } catch (const std::system_error& problem) {
    log::warn("cannot start a thread to close connections", {{"reason", problem.what()}});
  }
  engine()->stop();
  if (!closing) server.stop(kStopGrace);
  tasks_->stop();
}

std::shared_ptr<Engine> App::engine() const {
  const MutexLock lock(mutex_);
  return engine_;
}

exposition::LiveState App::live_state() const {
  exposition::LiveState live;
  live.state_created_at = state_.created_at;
  live.state_recovered = state_.recovered;
  live.shard = options_.shard;
  live.total_shards = options_.total_shards;
  live.config_reload_successful = refused_configurations().empty();
  live.config_reloaded_at = active_.reload.succeeded_at();
  live.revision = options_.revision;
  return live;
}

std::optional<std::string> App::reload() {
  const MutexLock one_at_a_time(active_.mutex);
  supervisor_.reloading();
  FileDigests files = config::config_digests(options_.config_file);
  const std::optional<std::string> error = replace_engine();
  note_loaded(std::move(files));
  if (error) {
    active_.reload.failed(*error);
    supervisor_.ready("configuration not reloaded: " + *error);
    log::error("configuration not reloaded: the previous one stays in effect",
               {{"file", options_.config_file}, {"error", *error}});
    return error;
  }
  config::warn_of_secret_files(config::secret_files(active_.config, options_.config_file));
  active_.reload.succeeded(runtime_.clock.now());
  supervisor_.ready("configuration reloaded");
  log::info("configuration reloaded", {{"file", options_.config_file}});
  return std::nullopt;
}

/// `files`: the configuration as it was before it was read, so that a change meanwhile is noticed.
void App::note_loaded(FileDigests files) {
  if (active_.config.is_from_pipe) return;
  const FileDigests certificates = config::certificate_digests(active_.config);
  files.insert(files.end(), certificates.begin(), certificates.end());
  active_.watch.loaded(std::move(files));
}

void App::watch_configurations() {
  if (options_.auto_reload_interval == Millis{0}) return;
  const MutexLock lock(active_.mutex);
  if (active_.config.is_from_pipe) {
    log::warn("--config.auto-reload-interval: a pipe can't be read again; use a file",
              {{"file", options_.config_file}});
  }
  const auto look = [this] {
    if (web_access_) web_access_->look();
  };
  active_.watch.start(options_.auto_reload_interval, look, [this] { reload(); });
}

/// Loads the configuration and starts an engine for it in place of the current one. On error the
/// current one keeps running.
std::optional<std::string> App::replace_engine() {
  if (active_.config.is_from_pipe) {
    return options_.config_file +
           ": it came through a pipe, which can't be read again; restart with the new one, or use "
           "a file";
  }
  auto config = load(options_);
  if (!config) return config::summary_of(options_.config_file, config.error());
  if (!options_.state_path && config->state_path != active_.config.state_path) {
    log::warn("state.path has changed: restart to apply it", {{"state.path", config->state_path}});
  }
  auto next = Engine::make(runtime_, *state_.store, *config, engine_options(), self_, connect_);
  if (!next) return next.error().detail;
  hand_over(*engine(), **next);  // Scrapes meanwhile get the old engine's latest snapshots.
  {
    const MutexLock lock(mutex_);
    engine_ = std::move(*next);
  }
  active_.config = std::move(*config);
  return std::nullopt;
}

// --- WebServices

bool App::registry_exists(const std::string& registry) const {
  return engine()->has_registry(registry);
}

ScrapeResponse App::scrape(const ScrapeRequest& request) {
  const std::shared_ptr<Engine> engine = this->engine();
  auto scrape = std::make_shared<Engine::Scrape>(engine->scrape(request, live_state()));
  ScrapeResponse response;
  response.chunks = scrape->chunks;
  response.when_done = [engine, scrape](bool sent) {
    if (sent) engine->answered(*scrape);
  };
  return response;
}

RepositoryOverview App::repositories() const { return engine()->repositories(); }

std::vector<std::string> App::refused_configurations() const {
  std::vector<std::string> reasons;
  if (auto error = web_access_ ? web_access_->problem() : std::nullopt) reasons.push_back(*error);
  if (auto error = active_.reload.error()) reasons.push_back(*error);
  return reasons;
}

bool App::ready() const { return ready_; }

Millis App::scrape_timeout() const { return engine()->scrape_timeout(); }

bool App::run_task(std::function<void()> task) { return tasks_->run(std::move(task)); }

}  // namespace registry_exporter
