#include "exporter/options.h"

#include <doctest/doctest.h>

using namespace registry_exporter;

namespace {

Options options_of(const std::vector<std::string>& arguments, const std::string& pod = "host") {
  const CommandLine line = parse_command_line(arguments, pod);
  CAPTURE(line.text);
  REQUIRE(line.options);
  return *line.options;
}

}  // namespace

TEST_CASE("options: without flags everything has its default") {
  const Options options = options_of({});
  CHECK(options.config_file == "registry_exporter.yml");
  CHECK(options.listen_addresses == std::vector<std::string>{":10067"});
  CHECK(options.auto_reload_interval == Millis{0});
  CHECK(options.site == web::Site{});
  CHECK(options.telemetry_path == "/metrics");
  CHECK(options.max_requests == 40);
  CHECK(options.timeout_offset == Millis{500});
  CHECK(options.shard == 0);
  CHECK(options.total_shards == 1);
  CHECK_FALSE(options.state_path);
  CHECK_FALSE(options.once);
  CHECK_FALSE(options.config_check);
  CHECK_FALSE(options.doctor);
  CHECK_FALSE(options.enable_lifecycle);
  CHECK_FALSE(options.systemd_socket);
}

TEST_CASE("options: every flag is understood with = and with a blank") {
  const std::vector<std::pair<std::string, std::string>> values{
      {"--config.file", "c.yml"},
      {"--web.listen-address", "127.0.0.1:1"},
      {"--web.listen-address", "[::1]:2"},
      {"--web.telemetry-path", "/m"},
      {"--config.auto-reload-interval", "30s"},
      {"--web.external-url", "https://example.com/e"},
      {"--web.route-prefix", "/p"},
      {"--web.config.file", "w.yml"},
      {"--web.max-requests", "7"},
      {"--web.timeout-offset", "0.5s"},
      {"--state.path", ":memory:"},
      {"--shard", "2"},
      {"--total-shards", "3"},
      {"--log.level", "warn"},
      {"--log.format", "json"}};
  for (const bool equals : {true, false}) {
    CAPTURE(equals);
    std::vector<std::string> arguments{"--config.check", "--web.enable-lifecycle",
                                       "--web.systemd-socket", equals ? "--once" : "--doctor"};
    for (const auto& [flag, value] : values) {
      arguments.push_back(equals ? flag + "=" + value : flag);
      if (!equals) arguments.push_back(value);
    }
    const Options options = options_of(arguments);
    CHECK(options.config_file == "c.yml");
    CHECK(options.listen_addresses == std::vector<std::string>{"127.0.0.1:1", "[::1]:2"});
    CHECK(options.telemetry_path == "/m");
    CHECK(options.auto_reload_interval == Millis{30'000});
    CHECK(options.site == web::Site{"/p", "https://example.com/e"});
    CHECK(options.web_config_file == "w.yml");
    CHECK(options.max_requests == 7);
    CHECK(options.timeout_offset == Millis{500});
    CHECK(options.state_path == ":memory:");
    CHECK(options.shard == 2);
    CHECK(options.total_shards == 3);
    CHECK(options.log_level == log::Level::warn);
    CHECK(options.log_format == log::Format::json);
    CHECK(options.config_check);
    CHECK(options.enable_lifecycle);
    CHECK(options.systemd_socket);
    CHECK(options.once == equals);
    CHECK(options.doctor != equals);
  }
}

TEST_CASE("options: a mistake ends in 2, tells what is wrong, and shows the usage") {
  struct Row {
    std::vector<std::string> arguments;
    const char* told;
  };
  const Row rows[] = {
      {{"--nope"}, "unknown flag --nope"},
      {{"--config.fiel=x"}, "unknown flag --config.fiel; did you mean --config.file?"},
      {{"--secret=CANARY"}, "unknown flag --secret"},
      {{"-x"}, "unknown flag -x"},
      {{"serve"}, "unexpected argument \"serve\""},
      {{"--config.file"}, "--config.file"},
      {{"--config.file="}, "--config.file"},
      {{"--config.file=a", "--config.file=b"}, "--config.file"},
      {{"--state.path="}, "--state.path: must not be empty"},
      {{"--state.path=", "--log.level=debug"}, "--state.path: must not be empty"},
      {{"--config.file=", "--once"}, "--config.file: must not be empty"},
      {{"--log.level=", "--once"}, "--log.level: must be one of"},
      {{"--once="}, "unexpected argument"},
      {{"--once=maybe"}, "--once"},
      {{"--web.listen-address=10067"}, "--web.listen-address: listen address \"10067\": no port"},
      {{"--web.listen-address=:99999"}, "bad port"},
      {{"--web.listen-address=:1", "--web.listen-address=::1:2"}, "needs brackets"},
      {{"--web.telemetry-path=metrics"}, "--web.telemetry-path: must begin with /"},
      {{"--web.telemetry-path=/-/ready"}, "/-/ready is another page's path"},
      {{"--web.telemetry-path=/a?b"}, "must be a plain path"},
      {{"--config.auto-reload-interval=1"},
       "--config.auto-reload-interval: \"1\" is not a duration"},
      {{"--config.auto-reload-interval=1ms"}, "must be 0s (off) or at least 100ms"},
      {{"--web.external-url=example.com"},
       "--web.external-url: must be https://host[:port][/path]"},
      {{"--web.external-url=https://u:CANARY@h/"}, "--web.external-url: must be https://host"},
      {{"--web.route-prefix=/a?b"}, "--web.route-prefix: must be a plain path such as /team/"},
      {{"--web.max-requests=0"}, "--web.max-requests: must be a whole number from 1 to"},
      {{"--web.max-requests=many"}, "--web.max-requests: must be a whole number"},
      {{"--web.max-requests=1.5"}, "--web.max-requests: must be a whole number"},
      {{"--web.timeout-offset=1"}, "\"1\" is not a duration"},
      {{"--web.timeout-offset=-1s"}, "\"-1s\" is not a duration"},
      {{"--shard=-1", "--total-shards=3"}, "--shard: must be a whole number from 0"},
      {{"--shard=1"}, "--shard: 1 is not below --total-shards (1)"},
      {{"--shard=3", "--total-shards=3"}, "--shard: 3 is not below"},
      {{"--total-shards=0"}, "--total-shards: must be a whole number from 1"},
      {{"--total-shards=2"}, "\"host\" has no ordinal at its end"},
      {{"--log.level=loud"}, "--log.level: must be one of debug, info, warn, error"},
      {{"--log.format=xml"}, "--log.format: must be one of logfmt, json"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.told);
    const CommandLine line = parse_command_line(row.arguments, "host");
    CAPTURE(line.text);
    CHECK_FALSE(line.options);
    CHECK(line.exit_code == 2);
    CHECK(line.text.substr(0, line.text.find('\n')).find(row.told) != std::string::npos);
    CHECK(line.text.find(usage()) != std::string::npos);
    CHECK(line.text.find("CANARY") == std::string::npos);
  }
}

TEST_CASE("options: what may be left out may be empty, and takes no other argument for its value") {
  const Options options =
      options_of({"--web.external-url=", "--web.route-prefix=", "--web.config.file=", "--once"});
  CHECK_FALSE(options.site.external);
  CHECK(options.site.prefix.empty());
  CHECK(options.web_config_file.empty());
  CHECK(options.once);
}

TEST_CASE("options: with several shards a pod's ordinal is its shard") {
  CHECK(options_of({"--total-shards=3"}, "exporter-2").shard == 2);
  CHECK(options_of({"--total-shards=3", "--shard=1"}, "exporter-2").shard == 1);
  CHECK(options_of({}, "exporter-2").shard == 0);
  CHECK(parse_command_line({"--total-shards=2"}, "exporter-2").exit_code == 2);
}

TEST_CASE("options: help and usage name every flag") {
  for (const char* flag :
       {"--config.file", "--config.check", "--web.listen-address", "--web.telemetry-path",
        "--web.config.file", "--web.enable-lifecycle", "--web.max-requests", "--web.timeout-offset",
        "--web.systemd-socket", "--state.path", "--once", "--doctor", "--shard", "--total-shards",
        "--log.level", "--log.format", "--version", "--help"}) {
    CAPTURE(flag);
    CHECK(usage().find(flag) != std::string::npos);
    CHECK(help().find("\n  " + std::string(flag)) != std::string::npos);
  }
  CHECK(parse_command_line({"--help"}, "").text == help());
  CHECK(parse_command_line({"-h"}, "").exit_code == 0);
  CHECK(parse_command_line({"--version"}, "").text.starts_with("registry_exporter "));
}

TEST_CASE("options: --backfill with its labels, its step and its end") {
  const Options none = options_of({});
  CHECK_FALSE(none.backfill);
  CHECK(none.backfill_labels.empty());
  CHECK(none.backfill_step == std::chrono::minutes(1));
  CHECK_FALSE(none.backfill_until);
  const Options given =
      options_of({"--backfill", "--backfill.label=job=a=b", "--backfill.label", "_zone2=\u00e9",
                  "--backfill.step=90s", "--backfill.until=2026-01-02T03:04:05Z"});
  CHECK(given.backfill);
  CHECK(given.backfill_labels ==
        std::vector<std::pair<std::string, std::string>>{{"job", "a=b"}, {"_zone2", "\u00e9"}});
  CHECK(given.backfill_step == std::chrono::seconds(90));
  CHECK(given.backfill_until == UnixMillis{Millis{1'767'323'045'000}});
  const Options seconds = options_of({"--backfill", "--backfill.until=1767323045.5"});
  CHECK(seconds.backfill_until == UnixMillis{Millis{1'767'323'045'500}});
}

TEST_CASE("options: a wrong --backfill flag is a mistake that is named") {
  const std::pair<std::string, std::string> rows[] = {
      {"--backfill.label==x", "name of a label"},
      {"--backfill.label=1a=x", "name of a label"},
      {"--backfill.label=a-b=x", "name of a label"},
      {"--backfill.label=job", "has no value"},
      {"--backfill.label=job=", "has no value"},
      {"--backfill.label=registry=x", "of the exporter"},
      {"--backfill.label=template=x", "of the exporter"},
      {"--backfill.label=le=x", "of the exporter"},
      {"--backfill.label=__name__=x", "of the exporter"},
      {"--backfill.label=job=\xff", "not UTF-8"},
      {"--backfill.step=999ms", "1s or more"},
      {"--backfill.step=often", "1s or more"},
      {"--backfill.step=25h", "1d at most"},
      {"--backfill.until=yesterday", "is no time"},
      {"--backfill.until=-5", "is no time"},
      {"--backfill.until=nan", "is no time"},
      {"--backfill.until=1e300", "is no time"},
  };
  for (const auto& [flag, told] : rows) {
    CAPTURE(flag);
    const CommandLine line = parse_command_line({"--backfill", flag}, "host");
    CHECK(line.exit_code == 2);
    CHECK(line.text.find(told) != std::string::npos);
  }
  const CommandLine twice = parse_command_line(
      {"--backfill", "--backfill.label=job=a", "--backfill.label=job=a"}, "host");
  CHECK(twice.exit_code == 2);
  CHECK(twice.text.find("given twice") != std::string::npos);
}

TEST_CASE("options: what only --backfill has, without it, is a mistake") {
  for (const std::string flag :
       {"--backfill.label=job=a", "--backfill.step=1m", "--backfill.until=1767323045"}) {
    const std::string name = flag.substr(0, flag.find('='));
    for (const auto& arguments : {std::vector{flag}, std::vector{std::string("--once"), flag}}) {
      const CommandLine line = parse_command_line(arguments, "host");
      CHECK(line.exit_code == 2);
      CHECK(line.text.starts_with("registry_exporter: " + name + " requires --backfill\n"));
    }
  }
}

TEST_CASE("options: --once, --doctor and --backfill exclude each other") {
  const std::pair<std::string, std::string> rows[] = {
      {"--once", "--doctor"}, {"--once", "--backfill"}, {"--doctor", "--backfill"}};
  for (const auto& [one, other] : rows) {
    for (const auto& arguments : {std::vector{one, other}, std::vector{other, one}}) {
      const CommandLine line = parse_command_line(arguments, "host");
      CHECK(line.exit_code == 2);
      const bool is_told =
          line.text.starts_with("registry_exporter: " + one + " excludes " + other) ||
          line.text.starts_with("registry_exporter: " + other + " excludes " + one);
      CHECK(is_told);
    }
  }
  CHECK(options_of({"--config.check", "--once"}).config_check);
}
