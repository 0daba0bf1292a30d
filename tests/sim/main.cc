// sim [--seeds A..B] [--step N] [--jobs N] [--fail-fast] [--verbose] [--watch SERIES]: histories of
// the whole exporter, one per seed: A, A + N, … With a step, those that once failed are left out.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "exporter/base/log.h"
#include "tests/sim/simulation.h"

using registry_exporter::History;
using registry_exporter::live_through;

namespace {

/// Seeds that once found a mistake: lived through again for ever.
constexpr std::uint64_t kOnceFailed[] = {1,      930,    1221,    2363,    3987,    6101,    6995,
                                         10779,  41102,  41427,   100935,  200296,  201080,  205638,
                                         205825, 205989, 206894,  207518,  208266,  301335,  400421,
                                         604403, 444,    820,     700140,  700244,  701688,  901113,
                                         905340, 908106, 1002093, 1002776, 1003691, 1305184, 178};
/// Every so often a seed is lived through twice: it has to come out the same.
constexpr std::uint64_t kTwice = 100;

struct Options {
  std::uint64_t first = 1;
  std::uint64_t last = 100;
  std::uint64_t step = 1;
  std::uint64_t jobs = 2;
  bool fail_fast = false;
  bool verbose = false;
  std::string watch;
};

struct Sum {
  std::uint64_t seeds = 0;
  History all;
  std::map<std::string, std::uint64_t> seeds_with;  ///< By fault.
  int failures = 0;
};

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    std::istringstream value(i + 1 < argc ? argv[i + 1] : "");
    char dot = 0;
    if (flag == "--verbose" || flag == "--fail-fast") {
      (flag == "--verbose" ? options.verbose : options.fail_fast) = true;
      continue;
    }
    ++i;
    if (flag == "--seeds") value >> options.first >> dot >> dot >> options.last;
    if (flag == "--step") value >> options.step;
    if (flag == "--jobs") value >> options.jobs;
    if (flag == "--watch") value >> options.watch;
    const bool known =
        flag == "--seeds" || flag == "--step" || flag == "--jobs" || flag == "--watch";
    if (!known || value.fail() || options.step == 0 || options.jobs == 0) return false;
  }
  return options.first <= options.last;
}

/// One line per seed: what a child tells its parent.
std::string line_of(std::uint64_t seed, const History& history) {
  std::ostringstream line;
  line << seed << ' ' << history.trace << ' ' << history.scrapes << ' ' << history.cycles << ' '
       << history.calls << ' ' << history.counted;
  for (const auto& [fault, times] : history.faults) line << ' ' << fault << '=' << times;
  if (!history.failure.empty()) line << " FAILED " << history.failure;
  line << '\n';
  return line.str();
}

void add(Sum& sum, const std::string& text) {
  std::istringstream line(text);
  std::uint64_t seed = 0;
  History history;
  line >> seed >> history.trace >> history.scrapes >> history.cycles >> history.calls >>
      history.counted;
  ++sum.seeds;
  sum.all.trace += history.trace * (seed * 2 + 1);  // Whatever the order of the seeds.
  sum.all.scrapes += history.scrapes;
  sum.all.cycles += history.cycles;
  sum.all.calls += history.calls;
  sum.all.counted += history.counted;
  for (std::string word; line >> word;) {
    if (word == "FAILED") {
      std::getline(line, word);
      std::cout << "seed " << seed << ":" << word << std::endl;
      ++sum.failures;
      return;
    }
    const std::size_t equals = word.find('=');
    const std::uint64_t times = std::stoull(word.substr(equals + 1));
    sum.all.faults[word.substr(0, equals)] += times;
    sum.seeds_with[word.substr(0, equals)] += times > 0 ? 1 : 0;
  }
}

void live(std::uint64_t seed, const std::string& watch, std::FILE* out) {
  History history = live_through(seed, watch);
  if (seed % kTwice == 0 && history.trace != live_through(seed).trace) {
    history.failure = "another history of the same seed";
  }
  std::fputs(line_of(seed, history).c_str(), out);
  std::fflush(out);
}

/// Lives through every `jobs`-th seed in a process of its own, and writes lines to the pipe.
int start_child(const Options& options, std::uint64_t number) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  if (fork() != 0) {
    close(ends[1]);
    return ends[0];
  }
  close(ends[0]);
  if (!options.verbose && options.watch.empty()) dup2(open("/dev/null", O_WRONLY), 2);
  std::FILE* out = fdopen(ends[1], "w");
  if (number == 0 && options.step == 1 && options.watch.empty()) {
    for (const std::uint64_t seed : kOnceFailed) live(seed, options.watch, out);
  }
  const std::uint64_t step = options.step;
  for (std::uint64_t seed = options.first + number * step; seed <= options.last;
       seed += options.jobs * step) {
    live(seed, options.watch, out);
  }
  std::fflush(out);
  _exit(0);
}

Sum run(const Options& options) {
  std::vector<std::FILE*> pipes;
  for (std::uint64_t i = 0; i < options.jobs; ++i) {
    pipes.push_back(fdopen(start_child(options, i), "r"));
  }
  Sum sum;
  std::mutex mutex;
  // One reader each: a child whose pipe is full waits.
  const auto read = [&](std::FILE* pipe) {
    char buffer[4096];
    bool enough = false;
    while (!enough && std::fgets(buffer, sizeof buffer, pipe) != nullptr) {
      const std::lock_guard lock(mutex);
      add(sum, buffer);
      enough = options.fail_fast && sum.failures > 0;
    }
    std::fclose(pipe);  // A child that has more to say dies of it.
  };
  std::vector<std::thread> readers;
  for (std::FILE* pipe : pipes) readers.emplace_back(read, pipe);
  for (std::thread& reader : readers) reader.join();
  for (std::size_t i = 0; i < pipes.size(); ++i) {
    int status = 0;
    wait(&status);
    if (status == 0 || (options.fail_fast && sum.failures > 0)) continue;
    std::cout << "a process of the simulation died" << std::endl;
    ++sum.failures;
  }
  return sum;
}

void print(const Sum& sum, std::chrono::duration<double> took) {
  std::printf("%-18s %12s %10s\n", "fault", "times", "of seeds");
  for (const auto& [fault, times] : sum.all.faults) {
    const double share = 100.0 * static_cast<double>(sum.seeds_with.at(fault)) /
                         static_cast<double>(std::max<std::uint64_t>(sum.seeds, 1));
    std::printf("%-18s %12llu %8.1f %%\n", fault.c_str(), static_cast<unsigned long long>(times),
                share);
  }
  std::cout << sum.seeds << " seeds, " << sum.all.cycles << " cycles, " << sum.all.scrapes
            << " scrapes, " << sum.all.calls << " calls, " << sum.all.counted
            << " records counted, trace " << std::hex << sum.all.trace << std::dec << ", "
            << took.count() << " s, " << sum.failures << " failed" << std::endl;
}

/// A world that has grown kind proves nothing.
bool is_nasty_enough(const Sum& sum) {
  bool enough = true;
  for (const auto& [fault, seeds] : sum.seeds_with) {
    if (seeds * 100 >= sum.seeds) continue;
    std::cout << "too rare: " << fault << std::endl;
    enough = false;
  }
  return enough;
}

}  // namespace

int main(int argc, char** argv) {
  namespace log = registry_exporter::log;
  Options options;
  if (!parse(argc, argv, options)) {
    std::cerr
        << "usage: sim [--seeds A..B] [--step N] [--jobs N] [--fail-fast] [--verbose] [--watch "
           "SERIES]\n";
    return 2;
  }
  log::configure(options.verbose ? log::Level::debug : log::Level::error, log::Format::logfmt);
  const auto begun = std::chrono::steady_clock::now();
  const Sum sum = run(options);
  print(sum, std::chrono::steady_clock::now() - begun);
  const bool judged = (options.last - options.first) / options.step >= 99;
  return sum.failures == 0 && (!judged || is_nasty_enough(sum)) ? 0 : 1;
}
