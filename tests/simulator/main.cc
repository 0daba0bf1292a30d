#include <charconv>
#include <csignal>
#include <cstdio>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "exporter/base/duration.h"
#include "exporter/base/inherited.h"
#include "tests/simulator/server.h"
#include "tests/simulator/simulator.h"

namespace registry_exporter::simulator {
namespace {

constexpr std::string_view kUsage =
    R"(registry_simulator: both clouds on one port, for demos and tests.

  --listen-address HOST:PORT  default 127.0.0.1:10068; port 0 takes a free one and prints it
  --seed N                    which world; default 1
  --repositories N            of each cloud at the start; default 20
  --speed X                   how many times faster than life things happen; 0 freezes; default 1
  --latency DURATION          every answer takes at least this long, e.g. 50ms; default 0s
  --order desc|asc            newest or oldest records first; default desc
  --replication-times yes|no  whether the Enterprise Edition tells when replications ran; default yes
  --faults MIX                none, mild, nasty, or a list such as mild,throttle:20,slow:0; the
                              words: throttle server_error html_error business_error truncate
                              malformed cut lose slow stale total token (percent of the requests),
                              churn (repositories vanish), trim (lists are cut); default none
  --deny OPERATION[,…]        these are forbidden, e.g. ListRepoBuildRecord,ListRetentionHistories
  --credentials-ttl DURATION  temporary keys and tokens live no longer; default 24h
  --quota CALLS/DURATION      how much SWR takes, e.g. 200/5m; what exceeds it is told so in words
  --clock-ahead DURATION      the clouds' clock before ours, or behind it (-20m); default 0s

Temporary keys: STS of both clouds, IAM, instance metadata of both clouds, a credentials URI at
/credentials, and pod identity at /pod-credentials.
GET /truth tells what a perfect exporter would have counted by now.
POST /control {"speed": 0, "faults": "none"} changes the world while it runs.
ACR: demo-access-key-id / demo-access-key-secret, instance cri-demo. SWR: demo-access-key /
demo-secret-key, project 0123456789abcdef0123456789abcdef, region demo-region; instance demo-enterprise of the
Enterprise Edition. IAM: demo-user / demo-password, domain demo-domain, project demo-region.
)";

struct Options {
  std::string listen_address = "127.0.0.1:10068";
  WorldOptions world;
  FaultMix faults;
  AccountOptions account;
  Millis latency{0};
  bool help = false;
};

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Puts one flag's value where it belongs; false: the value is no good or the flag not known.
bool put(Options& options, std::string_view flag, const std::string& value) {
  if (flag == "--listen-address") {
    options.listen_address = value;
    return true;
  }
  if (flag == "--seed") {
    const auto seed = number<std::uint64_t>(value);
    options.world.seed = seed.value_or(0);
    return seed.has_value();
  }
  if (flag == "--repositories") {
    const auto count = number<int>(value);
    options.world.repositories = count.value_or(0);
    return count && *count >= 1 && *count <= 100'000;
  }
  if (flag == "--speed") {
    const auto speed = number<double>(value);
    options.world.speed = speed.value_or(0);
    return speed && *speed >= 0 && *speed <= 1e6;
  }
  if (flag == "--latency") {
    const auto latency = parse_duration(value);
    options.latency = latency.value_or(Millis{0});
    return latency.has_value();
  }
  if (flag == "--order") {
    options.world.order = value == "desc" ? Order::newest_first : Order::oldest_first;
    return value == "desc" || value == "asc";
  }
  if (flag == "--replication-times") {
    options.world.replications_tell_times = value == "yes";
    return value == "yes" || value == "no";
  }
  if (flag == "--deny") {
    std::istringstream words(value);
    for (std::string word; std::getline(words, word, ',');) options.account.denied.push_back(word);
    return true;
  }
  if (flag == "--credentials-ttl") {
    const auto life = parse_duration(value);
    options.account.credentials_life_max = life.value_or(Millis{0});
    return life && *life > Millis{0};
  }
  if (flag == "--quota") {
    options.account.quota = parse_quota(value);
    return options.account.quota.has_value();
  }
  if (flag == "--clock-ahead") {
    const bool behind = value.starts_with('-');
    const auto ahead = parse_duration(behind ? value.substr(1) : value);
    options.account.clock_ahead = ahead.value_or(Millis{0}) * (behind ? -1 : 1);
    return ahead.has_value();
  }
  if (flag == "--faults") {
    const auto faults = parse_faults(value);
    if (faults) options.faults = *faults;
    return faults.has_value();
  }
  return false;
}

/// nullopt, after a line on stderr: a flag that is not known or a value that is no good.
std::optional<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    if (flag == "--help" || flag == "-h") {
      options.help = true;
      return options;
    }
    const std::size_t equals = flag.find('=');
    std::optional<std::string> value;
    if (equals != std::string::npos) {
      value = flag.substr(equals + 1);
      flag.resize(equals);
    } else if (i + 1 < argc) {
      value = argv[++i];
    }
    if (value && put(options, flag, *value)) continue;
    std::fprintf(stderr, "registry_simulator: bad flag or value: %s %s\n", flag.c_str(),
                 value.value_or("").c_str());
    return std::nullopt;
  }
  return options;
}

UnixMillis wall_now() { return std::chrono::floor<Millis>(std::chrono::system_clock::now()); }

int run(const Options& options, const sigset_t& signals) {
  Simulator simulator(options.world, options.faults, wall_now(), options.account);
  Server server(simulator, options.latency);
  const auto port = server.start(options.listen_address);
  if (!port) {
    std::fprintf(stderr, "registry_simulator: %s\n", port.error().detail.c_str());
    return 1;
  }
  const std::string host = options.listen_address.substr(0, options.listen_address.rfind(':'));
  std::printf("registry_simulator listening on http://%s:%d\n",
              host.empty() ? "127.0.0.1" : host.c_str(), *port);
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  server.stop();
  return 0;
}

}  // namespace
}  // namespace registry_exporter::simulator

int main(int argc, char** argv) {
  namespace sim = registry_exporter::simulator;
  registry_exporter::mend_what_was_inherited();
  const auto options = sim::parse(argc, argv);
  if (!options) {
    std::fputs(sim::kUsage.data(), stderr);
    return 2;
  }
  if (options->help) {
    std::fputs(sim::kUsage.data(), stdout);
    return 0;
  }
  // Blocked before any thread starts, so that only the wait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return sim::run(*options, signals);
}
