#include "exporter/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "exporter/base/duration.h"
#include "exporter/base/text.h"
#include "exporter/base/time_text.h"
#include "exporter/config/shard.h"
#include "exporter/config/spelling.h"
#include "exporter/exposition/history.h"
#include "exporter/web/listen_address.h"

namespace registry_exporter {
namespace {

constexpr int kRequestsMost = 100'000;
constexpr int kShardsMost = 100'000;
constexpr Millis kReloadIntervalLeast{100};
constexpr Millis kStepLeast = std::chrono::seconds(1);
constexpr Millis kStepMost = std::chrono::hours(24);

constexpr const char* kUsage =
    R"(Usage: registry_exporter [--config.file=FILE] [--config.check]
         [--config.auto-reload-interval=DURATION]
         [--web.listen-address=ADDRESS]... [--web.telemetry-path=PATH]
         [--web.external-url=URL] [--web.route-prefix=PATH]
         [--web.config.file=FILE] [--web.enable-lifecycle] [--web.max-requests=N]
         [--web.timeout-offset=DURATION] [--web.systemd-socket]
         [--state.path=FILE] [--once] [--doctor]
         [--backfill] [--backfill.label=NAME=VALUE]... [--backfill.step=DURATION]
         [--backfill.until=TIME] [--shard=I] [--total-shards=N]
         [--log.level=LEVEL] [--log.format=FORMAT] [--version] [--help]
)";

constexpr const char* kAbout =
    R"(Prometheus exporter for what container registries do in the background: image builds and
synchronisations of Alibaba Cloud Container Registry EE, retention deletions and synchronisations
of Huawei Cloud SWR, executions of retention and replication of SWR Enterprise Edition. A scrape
of /metrics triggers collection; nothing is called otherwise.
)";

constexpr const char* kFlags =
    R"(
Configuration
  --config.file=FILE            The configuration, a file or a pipe (default: registry_exporter.yml)
  --config.auto-reload-interval=DURATION
                                Check it and the web configuration for changes this often, and
                                reload after one (default: 0s, off)
  --config.check                Check it, print OK or every problem with its line, and exit

Web
  --web.listen-address=ADDRESS  host:port, :port or [::1]:port; may be given several times
                                (default: :10067)
  --web.telemetry-path=PATH     Where the metrics are (default: /metrics)
  --web.external-url=URL        Where people reach this exporter, for links and redirects: a URL or
                                only its path, as behind a reverse proxy
  --web.route-prefix=PATH       Every path here is under it (default: the external URL's path)
  --web.config.file=FILE        TLS, passwords and headers, in the exporter-toolkit's format
  --web.enable-lifecycle        Allow POST /-/reload
  --web.max-requests=N          Scrapes under way at once; more get 503 (default: 40)
  --web.timeout-offset=DURATION Subtracted from the scraper's timeout (default: 500ms)
  --web.systemd-socket          Take the listening socket from systemd

State
  --state.path=FILE             Instead of the configuration's state.path; :memory: keeps nothing

Instead of serving
  --once                        One complete collection, the exposition on stdout, and exit
  --doctor                      Check every registry live and say what to change
  --backfill                    Print what the lists tell of the past as OpenMetrics with the
                                events' own times, for promtool tsdb create-blocks-from openmetrics
  --backfill.label=NAME=VALUE   Add a label to each series, as job and instance; may be given
                                several times
  --backfill.step=DURATION      Events within it share a sample, 1s to 1d (default: 1m)
  --backfill.until=TIME         Leave out later events; 2026-01-31T00:00:00Z or Unix seconds
                                (default: where the state begins, if there is a state, else now)

Several processes
  --total-shards=N              How many share the repositories (default: 1)
  --shard=I                     Which of them this is, from 0 (default: the ordinal at the end
                                of the pod's name when there are several, else 0)

Log, on stderr
  --log.level=LEVEL             debug, info, warn or error (default: info)
  --log.format=FORMAT           logfmt or json (default: logfmt)

  --version                     Print the version and exit
  --help                        Print this and exit

Exit codes: 0 done, 1 failed at run time, 2 mistake in flags or configuration (--config.check: 1).
SIGHUP reloads the configuration; SIGTERM and SIGINT stop the exporter cleanly.
)";

/// What needs a second look before it is in Options.
struct Raw {
  std::string auto_reload_interval = "0s";
  std::string timeout_offset = "500ms";
  std::string log_level = "info";
  std::string log_format = "logfmt";
  std::string shard;
  std::vector<std::string> backfill_labels;
  std::string backfill_step = "1m";
  std::string backfill_until;
  std::optional<std::string> external_url;
  std::optional<std::string> route_prefix;
};

// Checks for CLI11: "" for a good value, else what is wrong.

std::string check_filled(const std::string& text) {
  return text.empty() ? "must not be empty" : "";
}

std::string check_duration(const std::string& text) {
  if (parse_duration(text)) return {};
  return config::in_quotes(text) + " is not a duration; write it like 500ms or 0.5s";
}

std::string check_step(const std::string& text) {
  const auto step = parse_duration(text);
  if (step && *step >= kStepLeast && *step <= kStepMost) return {};
  return config::in_quotes(text) + " is not a duration of 1s or more, 1d at most; write it like 1m";
}

/// RFC 3339, or seconds since 1970 as promtool has them.
std::optional<UnixMillis> parse_time(const std::string& text) {
  double seconds = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, seconds);
  if (error != std::errc{} || end != last) return parse_rfc3339(text);
  if (!(seconds > 0 && seconds < 1e11)) return std::nullopt;
  return UnixMillis{Millis{static_cast<std::int64_t>(seconds * 1000)}};
}

std::string check_time(const std::string& text) {
  if (parse_time(text)) return {};
  return config::in_quotes(text) + " is no time; write it like 2026-01-31T00:00:00Z";
}

std::pair<std::string, std::string> label_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return {text, ""};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::string check_label(const std::string& text) {
  const auto [name, value] = label_of(text);
  const bool is_name =
      !name.empty() && (name[0] < '0' || name[0] > '9') &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return c == '_' || (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
      });
  if (!is_name) return config::in_quotes(text) + " does not begin with the name of a label and =";
  if (name.starts_with("__") || exposition::is_history_label(name)) {
    return config::in_quotes(name) + " is a label of the exporter or of Prometheus itself";
  }
  if (value.empty())
    return config::in_quotes(name) + " has no value; write it like job=registry_exporter";
  return is_utf8(value) ? "" : "the value of " + config::in_quotes(name) + " is not UTF-8";
}

std::string check_reload_interval(const std::string& text) {
  const auto interval = parse_duration(text);
  if (!interval) return check_duration(text);
  if (*interval == Millis{0} || *interval >= kReloadIntervalLeast) return {};
  return "must be 0s (off) or at least " + format_duration(kReloadIntervalLeast);
}

std::string check_address(const std::string& text) {
  const auto address = web::parse_listen_address(text);
  return address ? "" : address.error().detail;
}

/// The paths of the other pages stay theirs.
std::string check_path(const std::string& text) {
  if (!text.starts_with('/')) return "must begin with /";
  if (text.find_first_of("?#% \t\r\n") != std::string::npos) return "must be a plain path";
  if (text.starts_with("/-/") || text.starts_with("/api/") || text == "/status") {
    return text + " is another page's path";
  }
  return {};
}

std::function<std::string(const std::string&)> check_integer(int least, int most) {
  return [least, most](const std::string& text) {
    int value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    const bool number = error == std::errc{} && end == last;
    if (number && value >= least && value <= most) return std::string();
    return "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  };
}

std::function<std::string(const std::string&)> check_word(std::vector<std::string> words) {
  return [words = std::move(words)](const std::string& text) {
    if (std::find(words.begin(), words.end(), text) != words.end()) return std::string();
    std::string all;
    for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
    return "must be one of " + all;
  };
}

void add_flags(CLI::App& app, Options& options, Raw& raw) {
  app.add_flag("--config.check", options.config_check);
  app.add_flag("--web.enable-lifecycle", options.enable_lifecycle);
  app.add_flag("--web.systemd-socket", options.systemd_socket);
  CLI::Option* const once = app.add_flag("--once", options.once);
  CLI::Option* const doctor = app.add_flag("--doctor", options.doctor)->excludes(once);
  app.add_flag("--backfill", options.backfill)->excludes(once)->excludes(doctor);

  app.add_option("--config.file", options.config_file)->check(check_filled);
  app.add_option("--config.auto-reload-interval", raw.auto_reload_interval)
      ->check(check_reload_interval);
  app.add_option("--web.listen-address", options.listen_addresses)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(check_address);
  app.add_option("--web.telemetry-path", options.telemetry_path)->check(check_path);
  app.add_option("--web.external-url", raw.external_url);
  app.add_option("--web.route-prefix", raw.route_prefix);
  app.add_option("--web.config.file", options.web_config_file);
  app.add_option("--web.max-requests", options.max_requests)
      ->check(check_integer(1, kRequestsMost));
  app.add_option("--web.timeout-offset", raw.timeout_offset)->check(check_duration);
  app.add_option("--state.path", options.state_path)->check(check_filled);
  app.add_option("--backfill.label", raw.backfill_labels)
      ->needs("--backfill")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(check_label);
  app.add_option("--backfill.step", raw.backfill_step)->needs("--backfill")->check(check_step);
  app.add_option("--backfill.until", raw.backfill_until)->needs("--backfill")->check(check_time);
  app.add_option("--shard", raw.shard)->check(check_integer(0, kShardsMost - 1));
  app.add_option("--total-shards", options.total_shards)->check(check_integer(1, kShardsMost));
  app.add_option("--log.level", raw.log_level)
      ->check(check_word({"debug", "info", "warn", "error"}));
  app.add_option("--log.format", raw.log_format)->check(check_word({"logfmt", "json"}));
  for (CLI::Option* option : app.get_options()) option->type_name("value");
}

log::Level level_of(const std::string& word) {
  if (word == "debug") return log::Level::debug;
  if (word == "warn") return log::Level::warn;
  if (word == "error") return log::Level::error;
  return log::Level::info;
}

/// Fills the shard's number, or says why it can't be known.
std::string choose_shard(Options& options, const std::string& given, const std::string& pod_name) {
  if (!given.empty()) {
    options.shard = std::stoi(given);  // Checked before.
  } else if (options.total_shards > 1) {
    const std::optional<int> ordinal = config::ordinal_of(pod_name);
    if (!ordinal) {
      return "--shard: the host's name " + config::in_quotes(pod_name) +
             " has no ordinal at its end; give --shard or POD_NAME";
    }
    options.shard = *ordinal;
  }
  if (options.shard < options.total_shards) return {};
  return "--shard: " + std::to_string(options.shard) + " is not below --total-shards (" +
         std::to_string(options.total_shards) + ")";
}

/// Fills what --backfill is asked for, or says what is wrong.
std::string choose_backfill(Options& options, const Raw& raw) {
  options.backfill_step = *parse_duration(raw.backfill_step);  // Checked before, as all of it.
  if (!raw.backfill_until.empty()) options.backfill_until = parse_time(raw.backfill_until);
  for (const std::string& text : raw.backfill_labels) {
    auto label = label_of(text);
    for (const auto& [name, value] : options.backfill_labels) {
      if (name == label.first)
        return "--backfill.label: " + config::in_quotes(name) + " is given twice";
    }
    options.backfill_labels.push_back(std::move(label));
  }
  return {};
}

/// In the order that CLI11 wants. For the value of "--flag=" it would take the next argument.
std::vector<std::string> last_first(const std::vector<std::string>& arguments) {
  std::vector<std::string> reversed;
  for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument) {
    const bool has_empty_value =
        argument->starts_with("--") && argument->find('=') == argument->size() - 1;
    if (has_empty_value) reversed.emplace_back();
    reversed.push_back(has_empty_value ? argument->substr(0, argument->size() - 1) : *argument);
  }
  return reversed;
}

CommandLine mistake(const std::string& what) {
  return {std::nullopt,
          "registry_exporter: " + what + "\n\n" + usage() +
              "registry_exporter --help tells what each flag does.\n",
          2};
}

/// What follows a '=' may be secret, and is not what is wrong.
std::string unknown_argument(const CLI::App& app, const std::string& argument) {
  const std::string flag = argument.substr(0, argument.find('='));
  if (!flag.starts_with('-')) {
    return "unexpected argument " + config::in_quotes(flag) + ": every setting is a flag";
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) known.push_back(option->get_name());
  return "unknown flag " + config::in_one_line(flag) + config::did_you_mean(flag, known);
}

}  // namespace

std::string usage() { return kUsage; }

std::string help() { return std::string(kAbout) + "\n" + kUsage + kFlags; }

CommandLine parse_command_line(const std::vector<std::string>& arguments,
                               const std::string& pod_name) {
  Options options;
  Raw raw;
  CLI::App app("", "registry_exporter");
  app.set_help_flag("-h,--help");
  app.set_version_flag("--version", "registry_exporter " REGISTRY_EXPORTER_VERSION);
  app.allow_extras();  // Told in our words.
  add_flags(app, options, raw);
  try {
    app.parse(last_first(arguments));
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, help(), 0};
  } catch (const CLI::CallForVersion& version) {
    return {std::nullopt, std::string(version.what()) + "\n", 0};
  } catch (const CLI::ParseError& error) {
    return mistake(error.what());
  }
  const std::vector<std::string> unknown = app.remaining();
  if (!unknown.empty()) return mistake(unknown_argument(app, unknown.front()));
  std::string problem = choose_shard(options, raw.shard, pod_name);
  if (problem.empty()) problem = choose_backfill(options, raw);
  if (!problem.empty()) return mistake(problem);
  Result<web::Site> site = web::make_site(raw.external_url, raw.route_prefix);
  if (!site) return mistake(site.error().detail);
  options.site = *std::move(site);
  options.auto_reload_interval = *parse_duration(raw.auto_reload_interval);
  options.timeout_offset = *parse_duration(raw.timeout_offset);
  options.log_level = level_of(raw.log_level);
  options.log_format = raw.log_format == "json" ? log::Format::json : log::Format::logfmt;
  return {options, "", 0};
}

}  // namespace registry_exporter
