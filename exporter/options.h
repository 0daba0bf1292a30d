#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/base/log.h"
#include "exporter/web/site.h"

namespace registry_exporter {

/// The command line.
struct Options {
  std::string config_file = "registry_exporter.yml";
  bool config_check = false;
  Millis auto_reload_interval{0};                       ///< 0: off; else ≥ 100 ms.
  std::vector<std::string> listen_addresses{":10067"};  ///< Each can be parsed.
  web::Site site{};
  std::string telemetry_path = "/metrics";  ///< Begins with '/'; no other page's.
  std::string web_config_file;              ///< Empty: plain HTTP for everyone.
  bool enable_lifecycle = false;
  int max_requests = 40;       ///< 1..100000
  Millis timeout_offset{500};  ///< ≥ 0
  bool systemd_socket = false;
  std::string revision = "unknown";  ///< The commit that was built, as git abbreviates it.
  std::string notify_socket;         ///< Of the supervisor, from the environment. Empty: none.
  std::optional<std::string> state_path;
  bool once = false;
  bool doctor = false;
  bool backfill = false;
  std::vector<std::pair<std::string, std::string>> backfill_labels;  ///< Valid, each name once.
  Millis backfill_step{60'000};                                      ///< ≥ 1 s
  std::optional<UnixMillis> backfill_until;
  int shard = 0;         ///< 0 ≤ shard < total_shards
  int total_shards = 1;  ///< 1..100000
  log::Level log_level = log::Level::info;
  log::Format log_format = log::Format::logfmt;
};

/// What the command line asks for: to run with options, or to print a text and end.
struct CommandLine {
  std::optional<Options> options;
  std::string text;   ///< For stdout when exit_code is 0, else for stderr.
  int exit_code = 0;  ///< 2: a mistake in the command line; the text has the usage.
};

/// Reads the arguments after the program's name. Pure.
/// `pod_name`: the host's name, or POD_NAME: its ordinal is the default shard when there are
/// several.
CommandLine parse_command_line(const std::vector<std::string>& arguments,
                               const std::string& pod_name);

/// Every flag, on a few lines: what follows a mistake.
std::string usage();
/// Every flag and what it does.
std::string help();

}  // namespace registry_exporter
