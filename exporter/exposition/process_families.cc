#include "exporter/exposition/catalog.h"
#include "exporter/exposition/process_metrics.h"
#include "exporter/exposition/render.h"
#include "exporter/exposition/sample_writer.h"

namespace registry_exporter::exposition {
namespace {

template <std::optional<double> ProcessMetrics::*Value>
void process_value(const Family& family, const ScrapeSource& source, SampleWriter& writer) {
  if (const auto& value = source.process.*Value) {
    writer.add(family.name, family.type, {}, *value, process_created_at(source));
  }
}

using enum FamilyType;
using enum FamilyScope;
using Metrics = ProcessMetrics;

constexpr Family kFamilies[] = {
    {"process_cpu_seconds_total", counter, process, "",
     "Total user and system CPU time spent in seconds.", process_value<&Metrics::cpu_seconds>},
    {"process_open_fds", gauge, process, "", "Number of open file descriptors.",
     process_value<&Metrics::open_fds>},
    {"process_max_fds", gauge, process, "", "Maximum number of open file descriptors.",
     process_value<&Metrics::max_fds>},
    {"process_virtual_memory_bytes", gauge, process, "", "Virtual memory size in bytes.",
     process_value<&Metrics::virtual_bytes>},
    {"process_resident_memory_bytes", gauge, process, "", "Resident memory size in bytes.",
     process_value<&Metrics::resident_bytes>},
    {"process_start_time_seconds", gauge, process, "",
     "Start time of the process, in seconds since 1970.", process_value<&Metrics::started_at>},
    {"process_threads", gauge, process, "", "Number of threads in the process.",
     process_value<&Metrics::threads>},
};

}  // namespace

std::span<const Family> process_families() { return kFamilies; }

}  // namespace registry_exporter::exposition
