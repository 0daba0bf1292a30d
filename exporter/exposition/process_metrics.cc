// Shell: reads /proc/self.
#include "exporter/exposition/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

namespace registry_exporter::exposition {
namespace {

/// Fields of /proc/self/stat from the third on (the second may hold anything).
std::vector<double> stat_fields() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t after_name = text.rfind(") ");
  if (after_name == std::string::npos) return {};
  std::istringstream rest(text.substr(after_name + 4));  // Past the state's letter.
  return {std::istream_iterator<double>(rest), {}};
}

double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

}  // namespace

ProcessMetrics read_process_metrics() {
  ProcessMetrics metrics;
  const std::vector<double> stat = stat_fields();
  if (stat.size() > 20) {
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
    metrics.cpu_seconds = (stat[10] + stat[11]) / ticks;
    metrics.threads = stat[16];
    metrics.started_at = boot_time() + stat[18] / ticks;
    metrics.virtual_bytes = stat[19];
    metrics.resident_bytes = stat[20] * page;
  }
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (!error) {
    // One of them is the descriptor that reads the folder.
    metrics.open_fds =
        static_cast<double>(std::distance(begin(files), std::filesystem::directory_iterator{})) - 1;
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    metrics.max_fds = static_cast<double>(limit.rlim_cur);
  }
  return metrics;
}

}  // namespace registry_exporter::exposition
