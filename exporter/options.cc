#include "exporter/options.h"

#include <CLI/CLI.hpp>

#include "exporter/base/duration.h"
#include "exporter/config/shard.h"

namespace registry_exporter {
namespace {

constexpr const char* kAbout =
    "Prometheus exporter for image builds of Alibaba Cloud Container Registry EE and image\n"
    "retention deletions of Huawei Cloud SWR. A scrape of /metrics triggers collection.";

/// What CLI11 can't keep in Options itself.
struct Raw {
  std::string timeout_offset = "500ms";
  std::string log_level = "info";
  std::string log_format = "logfmt";
  std::string state_path;
  int shard = -1;
};

std::string check_duration(const std::string& text) {
  return parse_duration(text) ? ""
                              : "\"" + text + "\" is not a duration; write it like 500ms or 0.5s";
}

std::string check_path(const std::string& text) {
  return text.starts_with('/') ? "" : "must begin with /";
}

void add_options(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("--config.file", options.config_file, "Configuration file")->capture_default_str();
  app.add_flag("--config.check", options.config_check,
               "Check the configuration, print OK or every problem, and end");
  app.add_option("--web.listen-address", options.listen_addresses,
                 "Address to listen on; repeatable: host:port, :port, [::1]:port")
      ->capture_default_str()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--web.telemetry-path", options.telemetry_path, "Path of the metrics")
      ->capture_default_str()
      ->check(check_path);
  app.add_option("--web.config.file", options.web_config_file,
                 "TLS, passwords and headers, in the exporter-toolkit's format");
  app.add_flag("--web.enable-lifecycle", options.enable_lifecycle, "Allow POST /-/reload");
  app.add_option("--web.max-requests", options.max_requests,
                 "Scrapes under way at once; more are told to come again (503)")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  app.add_option("--web.timeout-offset", raw.timeout_offset,
                 "Subtracted from the scraper's timeout")
      ->capture_default_str()
      ->check(check_duration);
  app.add_flag("--web.systemd-socket", options.systemd_socket,
               "Take the listening socket from systemd");
  app.add_option("--state.path", raw.state_path,
                 "State file, instead of the configuration's; :memory: keeps nothing");
  app.add_flag("--once", options.once,
               "One complete collection, the exposition on stdout, and end");
  app.add_flag("--doctor", options.doctor, "Check every registry live and say what to change");
  app.add_option("--shard", raw.shard,
                 "This process's share of the repositories, from 0 (default: the pod's ordinal)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--total-shards", options.total_shards, "Processes that share the repositories")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  app.add_option("--log.level", raw.log_level, "debug, info, warn or error")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  app.add_option("--log.format", raw.log_format, "logfmt or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"logfmt", "json"}));
}

std::string complete(Options& options, const Raw& raw, const std::string& pod_name) {
  options.timeout_offset = *parse_duration(raw.timeout_offset);
  if (!raw.state_path.empty()) options.state_path = raw.state_path;
  options.log_level = raw.log_level == "debug"   ? log::Level::debug
                      : raw.log_level == "warn"  ? log::Level::warn
                      : raw.log_level == "error" ? log::Level::error
                                                 : log::Level::info;
  options.log_format = raw.log_format == "json" ? log::Format::json : log::Format::logfmt;
  options.shard = raw.shard;
  if (raw.shard < 0) {
    const auto ordinal = ordinal_of(pod_name);
    if (options.total_shards > 1 && !ordinal) {
      return "--shard: " + pod_name + " has no ordinal at its end; give --shard";
    }
    options.shard = options.total_shards > 1 ? *ordinal : 0;
  }
  if (options.shard >= options.total_shards) {
    return "--shard: " + std::to_string(options.shard) + " is not below --total-shards " +
           std::to_string(options.total_shards);
  }
  return "";
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments,
                               const std::string& pod_name) {
  Options options;
  Raw raw;
  CLI::App app(kAbout, "registry_exporter");
  app.set_help_flag("-h,--help", "Print this and end");
  app.set_version_flag("--version", "registry_exporter " REGISTRY_EXPORTER_VERSION);
  add_options(app, options, raw);
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return {{}, app.help(), 0};
  } catch (const CLI::CallForVersion& version) {
    return {{}, std::string(version.what()) + "\n", 0};
  } catch (const CLI::ParseError& error) {
    return {{}, std::string(error.what()) + "\n\n" + app.help(), 2};
  }
  const std::string problem = complete(options, raw, pod_name);
  if (!problem.empty()) return {{}, problem + "\n\n" + app.help(), 2};
  return {options, "", 0};
}

}  // namespace registry_exporter
