#include "exporter/app.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <system_error>

#include "exporter/base/duration.h"
#include "exporter/base/inherited.h"
#include "exporter/config/secret_files.h"
#include "exporter/doctor.h"

namespace registry_exporter {
namespace {

constexpr int kFailed = 1;
constexpr int kMistake = 2;
constexpr Millis kStopGrace{3'000};
/// --once has no scraper that would leave.
constexpr std::chrono::hours kOnceTimeout{24};

void print_problems(std::FILE* to, const std::string& file,
                    const std::vector<ConfigProblem>& problems) {
  for (const ConfigProblem& problem : problems) {
    const std::string line = problem.line > 0 ? ":" + std::to_string(problem.line) : "";
    std::fprintf(to, "%s%s: %s\n", file.c_str(), line.c_str(), problem.message.c_str());
  }
}

/// What helps most: an unknown key rather than one that seems to be missing because of it.
std::string in_one_line_of_the_log(const std::string& file,
                                   const std::vector<ConfigProblem>& problems) {
  const auto unknown = std::find_if(problems.begin(), problems.end(), [](const auto& problem) {
    return problem.message.find("unknown") != std::string::npos;
  });
  const ConfigProblem& told = unknown == problems.end() ? problems.front() : *unknown;
  const std::string line = told.line > 0 ? ":" + std::to_string(told.line) : "";
  const std::size_t others = problems.size() - 1;
  return file + line + ": " + told.message +
         (others == 0 ? "" : " (and " + std::to_string(others) + " more: see --config.check)");
}

int failed(const std::string& message, int code) {
  std::fprintf(stderr, "registry_exporter: %s\n", message.c_str());
  return code;
}

tl::expected<Config, std::vector<ConfigProblem>> load(const Options& options) {
  return load_config(options.config_file,
                     [](const std::string& family) { return is_known_family(family); });
}

/// Between two engines nobody collects, and to go on so would be silence: what fails here, as when
/// no thread is to be had, ends the program. Started again, it goes on from what is on the disk.
void take_over(Engine& from, Engine& next) {
  try {
    next.start(from.stop());
  } catch (const std::exception& problem) {
    std::fprintf(stderr,
                 "registry_exporter: reloading failed halfway: %s; ending, start it again\n",
                 problem.what());
    std::_Exit(kFailed);
  }
}

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, each);
  return signals;
}

}  // namespace

App::App(Runtime runtime, Options options, CloudFactory connect)
    : runtime_(runtime),
      options_(std::move(options)),
      connect_(std::move(connect)),
      supervisor_(options_.notify_socket) {
  log::configure(options_.log_level, options_.log_format);
}

App::~App() = default;

int App::run() {
  if (options_.config_check) return check_config();
  if (options_.doctor) return examine_registries();
  if (!options_.once && !options_.web_config_file.empty()) {
    auto gate = Gate::open(runtime_, options_.web_config_file);
    if (!gate) {
      print_problems(stderr, options_.web_config_file, {gate.error().front()});
      return kMistake;
    }
    gate_ = std::move(*gate);
  }
  if (const auto code = load_everything()) return *code;
  return options_.once ? collect_once() : serve();
}

int App::check_config() const {
  const auto config = load(options_);
  if (!config) print_problems(stdout, options_.config_file, config.error());
  bool good = config.has_value();
  if (!options_.web_config_file.empty()) {
    const auto gate = Gate::open(runtime_, options_.web_config_file);
    if (!gate) print_problems(stdout, options_.web_config_file, gate.error());
    good &= gate.has_value();
  }
  if (config) warn_of_secret_files(secret_files(*config, options_.config_file));
  if (good) std::puts("OK");
  return good ? 0 : kFailed;
}

int App::examine_registries() {
  const auto config = load(options_);
  if (!config) {
    print_problems(stderr, options_.config_file, config.error());
    return kMistake;
  }
  return run_doctor(runtime_, *config, engine_options(), connect_) ? 0 : kFailed;
}

std::optional<int> App::load_everything() {
  auto config = load(options_);
  if (!config) {
    print_problems(stderr, options_.config_file, config.error());
    return kMistake;
  }
  config_ = std::move(*config);
  warn_of_secret_files(secret_files(config_, options_.config_file));
  reloaded_at_ = runtime_.clock.now();
  const std::string path = options_.state_path.value_or(config_.state_path);
  store_ = make_sqlite_state_store({.path = path, .vfs = {}}, runtime_.clock.now());
  Result<LoadedState> state = store_->load();
  if (!state) return failed(state.error().detail, kFailed);
  state_created_at_ = state->created_at;
  if (state->damaged_moved_to) {
    state_recovered_ = true;
    log::error("the state was damaged: it was set aside and counting starts anew",
               {{"path", path}, {"moved_to", *state->damaged_moved_to}});
  }
  history_counts_ = !state->follows_damage && !state->damaged_moved_to;
  data_ = engine_books_of(std::move(*state));
  auto engine = Engine::make(runtime_, *store_, config_, engine_options(), self_, connect_);
  if (!engine) return failed(engine.error().detail, kMistake);
  engine_ = std::move(*engine);
  return std::nullopt;
}

EngineOptions App::engine_options() const {
  return {.shard = options_.shard,
          .total_shards = options_.total_shards,
          .history_counts = history_counts_,
          .read_everything = options_.once};
}

int App::collect_once() {
  data_->past = {};  // One exposition has no before.
  engine_->start(std::move(*data_));
  ScrapeRequest request;
  request.timeout = kOnceTimeout;
  request.client = "--once";
  const Engine::Scrape scrape = engine_->scrape(request, live_state());
  const bool complete = engine_->everything_read() && scrape.complete;
  for (const Chunk& chunk : scrape.chunks) std::fwrite(chunk->data(), 1, chunk->size(), stdout);
  const bool written = !stdout_problem();  // main() tells of one.
  if (written) engine_->answered(scrape);
  engine_->stop();
  if (!written) return kFailed;
  return complete ? 0 : failed("not everything could be read; see the log above", kFailed);
}

int App::serve() {
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // For every thread that is started from here on.
  tasks_ = std::make_unique<TaskThreads>(runtime_.threads,
                                         static_cast<std::size_t>(options_.max_requests) + 4);
  WebOptions web;
  web.telemetry_path = options_.telemetry_path;
  web.enable_lifecycle = options_.enable_lifecycle;
  web.max_requests = options_.max_requests;
  web.timeout_offset = options_.timeout_offset;
  Routes routes(web, web_services());
  ServerOptions server_options;
  server_options.listen_addresses = options_.listen_addresses;
  server_options.systemd_socket = options_.systemd_socket;
  WebHandler handler = [&](WebRequest request, Routes::Reply reply) {
    routes.handle(std::move(request), std::move(reply));
  };
  if (gate_) {
    handler = gate_->guard(std::move(handler));
    server_options.tls = [this] { return gate_->tls(); };
  }
  const auto server = make_server(server_options, std::move(handler));
  const std::string registries = std::to_string(config_.registries.size());
  engine_->start(std::move(*data_));
  // From here on a request may reload: config_ and engine_ are then another thread's.
  if (const auto started = server->start(); !started) {
    engine()->stop();
    return failed(started.error().detail,
                  started.error().kind == ErrorKind::invalid_config ? kMistake : kFailed);
  }
  ready_ = true;
  for (const std::string& address : server->addresses()) {
    log::info(
        "listening",
        {{"address", address}, {"version", REGISTRY_EXPORTER_VERSION}, {"registries", registries}});
  }
  supervisor_.ready("collecting on scrape of " + server->addresses().front());
  wait_for_signals();
  supervisor_.stopping();
  stop(*server);
  return 0;
}

void App::wait_for_signals() {
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

/// The answers under way are finished while the calls to the clouds are ended; after that where no
/// thread is to be had.
void App::stop(Server& server) {
  ready_ = false;
  std::unique_ptr<Thread> closing;
  try {
    closing = runtime_.threads.start("stop", [&server] { server.stop(kStopGrace); });
  } catch (const std::system_error& problem) {
    log::warn("no thread to end connections with", {{"reason", problem.what()}});
  }
  engine()->stop();
  if (!closing) server.stop(kStopGrace);
  tasks_->stop();
}

std::shared_ptr<Engine> App::engine() const {
  const std::lock_guard lock(mutex_);
  return engine_;
}

/// Why what now stands in the files is not in force; of the web configuration, too.
std::vector<std::string> App::refused_configurations() const {
  std::vector<std::string> reasons;
  if (auto problem = gate_ ? gate_->problem() : std::nullopt) reasons.push_back(*problem);
  const std::lock_guard lock(mutex_);
  if (reload_problem_) reasons.push_back(*reload_problem_);
  return reasons;
}

LiveState App::live_state() const {
  LiveState live;
  live.state_created_at = state_created_at_;
  live.state_recovered = state_recovered_;
  live.shard = options_.shard;
  live.total_shards = options_.total_shards;
  live.config_reload_successful = refused_configurations().empty();
  live.config_reloaded_at = reloaded_at_;
  return live;
}

ScrapeAnswer App::scrape(const ScrapeRequest& request) {
  const std::shared_ptr<Engine> engine = this->engine();
  auto scrape = std::make_shared<Engine::Scrape>(engine->scrape(request, live_state()));
  ScrapeAnswer answer;
  answer.chunks = scrape->chunks;
  answer.when_done = [engine, scrape](bool sent) {
    if (sent) engine->answered(*scrape);
  };
  if (!request.collect) answer.when_done = nullptr;
  return answer;
}

WebServices App::web_services() {
  WebServices services;
  services.registry_exists = [this](const std::string& name) {
    return engine()->has_registry(name);
  };
  services.scrape = [this](const ScrapeRequest& request) { return scrape(request); };
  services.health = [this] { return engine()->health(); };
  services.repositories = [this] { return engine()->repositories(); };
  services.refused_configurations = [this] { return refused_configurations(); };
  services.ready = [this] { return ready_.load(); };
  services.scrape_timeout = [this] { return engine()->scrape_timeout(); };
  services.reload = [this] { return reload(); };
  services.run = [this](std::function<void()> task) { return tasks_->run(std::move(task)); };
  return services;
}

/// nullopt: done. Else why the old configuration keeps running.
std::optional<std::string> App::reload() {
  const std::lock_guard one_at_a_time(reload_mutex_);
  supervisor_.reloading();
  const auto refuse = [&](const std::string& why) {
    {
      const std::lock_guard lock(mutex_);
      reload_problem_ = why;
    }
    supervisor_.ready("configuration not reloaded: " + why);
    log::error("configuration not reloaded: the old one keeps running",
               {{"file", options_.config_file}, {"error", why}});
    return std::optional<std::string>(why);
  };
  if (config_.is_from_pipe) {
    return refuse(options_.config_file +
                  ": it came through a pipe, which can't be read again; start anew with the new "
                  "one, or give it as a file");
  }
  auto config = load(options_);
  if (!config) {
    return refuse(in_one_line_of_the_log(options_.config_file, config.error()));
  }
  if (!options_.state_path && config->state_path != config_.state_path) {
    log::warn("state.path changed: that needs a restart", {{"state.path", config->state_path}});
  }
  auto next = Engine::make(runtime_, *store_, *config, engine_options(), self_, connect_);
  if (!next) return refuse(next.error().detail);
  // Scrapes that come meanwhile are answered from the old engine's last snapshots.
  take_over(*engine(), **next);
  {
    const std::lock_guard lock(mutex_);
    engine_ = std::move(*next);
    reload_problem_.reset();
  }
  config_ = std::move(*config);
  warn_of_secret_files(secret_files(config_, options_.config_file));
  reloaded_at_ = runtime_.clock.now();
  supervisor_.ready("configuration reloaded");
  log::info("configuration reloaded", {{"file", options_.config_file}});
  return std::nullopt;
}

}  // namespace registry_exporter
