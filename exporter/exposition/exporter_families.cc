#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/row_lines.h"
#include "exporter/exposition/scrape_lines.h"
#include "exporter/exposition/self_metrics.h"

namespace registry_exporter::exposition {
namespace {

using Registry = RegistrySnapshot;

/// One line per registry for each value of one label, or without one.
class RegistryLines {
 public:
  RegistryLines(const Family& family, const SnapshotSource& source, SampleWriter& writer)
      : family_(family),
        writer_(writer),
        format_(source.format),
        labels_(written({{"registry", source.snapshot.name}}, source.format)),
        created_(created_at(source)) {}

  template <class Number>
  void add(const Labels& more, Number value) {
    if (family_.type == FamilyType::counter) {
      writer_.add(counter_frame(format_, family_.name, more), labels_, value, created_);
    } else {
      writer_.add(line_frame(format_, family_.name, more), labels_, value);
    }
  }

 private:
  const Family& family_;
  SampleWriter& writer_;
  ExpositionFormat format_;
  LinePart labels_;
  std::optional<UnixMillis> created_;
};

/// A family with one value for each registry; `Value(snapshot)` returns nullopt if there is none.
template <auto Value>
void registry_value(const Family& family, const SnapshotSource& source, SampleWriter& writer) {
  const auto value = Value(source.snapshot);
  if (value) RegistryLines(family, source, writer).add({}, *value);
}

template <class Counts>
std::uint64_t sum(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

void repositories(const Family& family, const SnapshotSource& source, SampleWriter& writer) {
  RegistryLines registry(family, source, writer);
  for (std::size_t i = 0; i < kFreshness; ++i) {
    registry.add({{"state", std::string(name(static_cast<Freshness>(i)))}},
                 source.snapshot.repositories[i]);
  }
}

void records(const Family& family, const SnapshotSource& source, SampleWriter& writer) {
  const RegistryState& state = source.snapshot.state;
  RegistryLines registry(family, source, writer);
  for (std::size_t i = 0; i < kRecordClasses; ++i) {
    registry.add({{"class", std::string(name(static_cast<RecordClass>(i)))}}, state.records[i]);
  }
  registry.add({{"class", "rejected"}}, sum(state.rejected));
}

void records_rejected(const Family& family, const SnapshotSource& source, SampleWriter& writer) {
  RegistryLines registry(family, source, writer);
  for (std::size_t i = 0; i < kRejections; ++i) {
    registry.add({{"reason", std::string(name(static_cast<Rejection>(i)))}},
                 source.snapshot.state.rejected[i]);
  }
}

void durations_invalid(const Family& family, const SnapshotSource& source, SampleWriter& writer) {
  const auto& counts = source.snapshot.state.invalid_durations;
  RegistryLines registry(family, source, writer);
  registry.add({{"reason", "negative"}},
               counts[static_cast<std::size_t>(InvalidDuration::negative)]);
  registry.add({{"reason", "missing"}}, counts[static_cast<std::size_t>(InvalidDuration::missing)]);
}

/// It starts at 0 with the process, unlike the registry's other counters.
void unknown_statuses(const Family& family, const SnapshotSource& source, SampleWriter& writer) {
  std::uint64_t all = 0;
  for (const auto& [status, count] : source.snapshot.unknown_statuses) all += count;
  writer.add(counter_frame(source.format, family.name),
             LinePart(written({{"registry", source.snapshot.name}}, source.format)), all,
             process_created_at(source));
}

WriteRow failing(const Family& family, const SnapshotSource& source) {
  return [&family, format = source.format](const RepositoryRow& row, const LinePart& labels,
                                           SampleWriter& writer) {
    std::set<ErrorKind> reasons;  // Two lists may fail for the same.
    row.for_lists([&](const RepositoryView& view) {
      if (!view.failing || !reasons.insert(*view.failing).second) return;
      const Labels reason{{"reason", std::string(name(*view.failing))}};
      writer.add(line_frame(format, family.name, reason), labels, std::uint64_t{1});
    });
  };
}

/// Of all its lists the one that was read longest ago.
std::optional<Thousandths> last_read(const RepositoryRow& row) {
  std::optional<UnixMillis> oldest;
  bool all = true;
  row.for_lists([&](const RepositoryView& view) {
    all &= view.last_read.has_value();
    if (view.last_read) oldest = std::min(oldest.value_or(*view.last_read), *view.last_read);
  });
  return all ? seconds(oldest) : std::nullopt;
}

std::optional<std::uint64_t> first_unreadable_row(const RepositoryRow& row) {
  std::optional<std::uint64_t> first;
  row.for_lists([&](const RepositoryView& view) {
    const auto& here = view.first_unreadable_row;
    if (here) first = std::min(first.value_or(*here), *here);
  });
  return first;
}

/// A family with one value for each list that is read for all repositories; `Value(view)` returns
/// nullopt if there is none.
template <auto Value>
void feed_value(const Family& family, const SnapshotSource& source, SampleWriter& writer) {
  for (const FeedView& feed : source.snapshot.feeds) {
    const auto value = Value(*feed.view);
    const Labels list{{"list", std::string(feed.kind->name)}};
    if (value) RegistryLines(family, source, writer).add(list, *value);
  }
}

void feed_failing(const Family& family, const SnapshotSource& source, SampleWriter& writer) {
  for (const FeedView& feed : source.snapshot.feeds) {
    if (!feed.view->failing) continue;
    RegistryLines(family, source, writer)
        .add({{"list", std::string(feed.kind->name)},
              {"reason", std::string(name(*feed.view->failing))}},
             std::uint64_t{1});
  }
}

WriteRow repository_labels(const Family& family, const SnapshotSource& source) {
  const auto& labels_of = source.options.labels_of_repository;
  if (!labels_of) return {};
  return [&family, &labels_of, format = source.format](
             const RepositoryRow& row, const LinePart& labels, SampleWriter& writer) {
    if (!row.is_repository()) return;
    auto own = labels_of(full_name(row.ref()));
    if (own.empty()) return;
    for (auto& each : own) each.first.insert(0, "label_");
    const Labels more(own.begin(), own.end());  // Views of the names in `own`.
    writer.add(line_frame(format, family.name, more), labels, std::uint64_t{1});
  };
}

void build_info(const Family& family, const ScrapeSource& source, SampleWriter& writer) {
  writer.add(family.name, family.type,
             {{"version", REGISTRY_EXPORTER_VERSION},
              {"revision", source.live.revision},
              {"compiler", __VERSION__}},
             std::uint64_t{1});
}

std::vector<std::string> names_of(const std::vector<std::shared_ptr<const Registry>>& registries) {
  std::vector<std::string> names;
  for (const auto& registry : registries) names.push_back(registry->name);
  return names;
}

/// A family whose numbers the exporter keeps of itself.
template <SelfMetric Metric>
void counted(const Family& family, const ScrapeSource& source, SampleWriter& writer) {
  const bool with_beginning = source.format == ExpositionFormat::protobuf;
  for (const auto& [labels, number] : source.self.collect(Metric, names_of(source.registries))) {
    writer.add(family.name, family.type, Labels(labels.begin(), labels.end()), number.value,
               with_beginning ? std::optional(number.created_at) : std::nullopt);
  }
}

void call_durations(const Family& family, const ScrapeSource& source, SampleWriter& writer) {
  const auto bounds = call_duration_bounds();
  const HistogramFrame frame =
      histogram_frame(source.format, family.name, {bounds.begin(), bounds.end()}, {});
  const bool with_beginning = source.format == ExpositionFormat::protobuf;
  for (const auto& [labels, calls] : source.self.call_durations(names_of(source.registries))) {
    std::vector<std::uint64_t> cumulative(calls.counts.size());
    std::partial_sum(calls.counts.begin(), calls.counts.end(), cumulative.begin());
    writer.add(
        frame, LinePart(written(Labels(labels.begin(), labels.end()), source.format)),
        HistogramSample<Thousandths>{.cumulative = cumulative,
                                     .sum = Thousandths{static_cast<std::int64_t>(calls.sum_ms)},
                                     .created = with_beginning ? calls.created_at : std::nullopt,
                                     .native = &calls.native});
  }
}

/// A family with one value for the process.
template <auto Value>
void live_value(const Family& family, const ScrapeSource& source, SampleWriter& writer) {
  writer.add(family.name, family.type, {}, Value(source.live));
}

std::optional<Thousandths> clock_offset(const CloudHealth& health) {
  if (!health.clock_offset) return std::nullopt;
  return Thousandths{health.clock_offset->count()};
}

using View = RepositoryView;
using enum FamilyType;
using enum FamilyScope;
constexpr Family kFamilies[] = {
    {"registry_exporter_build_info", gauge, process, "version,revision,compiler",
     "Version and commit of the exporter, and the compiler it was built with. Always 1.",
     build_info},
    {"registry_exporter_api_requests_total", counter, registry, "operation,outcome",
     "API requests sent to the cloud by outcome. Retries are counted too.",
     counted<SelfMetric::api_requests>},
    {"registry_exporter_api_request_duration_seconds", histogram, registry, "operation",
     "Duration of API requests in seconds, from sending the request to the last byte of the "
     "response.",
     call_durations},
    {"registry_exporter_rate_limit_requests_per_second", gauge, registry, "",
     "Current limit on API requests per second. Below the configured limit after throttling.",
     health_value<[](const CloudHealth& health) {
       return std::optional(health.requests_per_second);
     }>},
    {"registry_exporter_credentials_expiry_timestamp_seconds", gauge, registry, "",
     "Expiry time of the credentials in use, in seconds since 1970. Absent if they do not expire.",
     health_value<[](const CloudHealth& health) { return seconds(health.credentials_expire_at); }>},
    {"registry_exporter_clock_offset_seconds", gauge, registry, "",
     "Clock of the cloud (Date header) minus the local clock, in seconds.",
     health_value<clock_offset>},
    {"registry_exporter_collection_duration_seconds", gauge, registry, "",
     "Duration of the last collection cycle in seconds.",
     registry_value<[](const Registry& registry) { return registry.last_cycle_seconds; }>},
    {"registry_exporter_collection_last_success_timestamp_seconds", gauge, registry, "",
     "End time of the last collection cycle that read everything that was due, in seconds since "
     "1970.",
     registry_value<[](const Registry& registry) { return seconds(registry.state.last_success); }>},
    {"registry_exporter_scrapes_total", counter, process, "result",
     "Scrapes by result: complete, partial (the deadline came before everything was read), cached "
     "(within min_interval of the last collection).",
     counted<SelfMetric::scrapes>},
    {"registry_exporter_repositories", gauge, registry, "state",
     "Repositories matched by the filters, by state: fresh, stale, failing, pending, dropped.",
     repositories},
    {"registry_exporter_repository_last_read_timestamp_seconds", gauge, repository, "",
     "Time when the list of the repository was last read to its end, in seconds since 1970.",
     any_row_value<last_read>},
    {"registry_exporter_repository_failing", gauge, repository, "reason",
     "1 if the last attempt to read the repository failed, by reason. Absent otherwise.", failing},
    {"registry_exporter_repository_labels", gauge, repository, "label_*",
     "Labels of the repository by the rules in metrics.repository_labels. Always 1. Absent if no "
     "rule matches.",
     repository_labels},
    {"registry_exporter_repository_first_unreadable_row", gauge, repository, "",
     "Index, from 0, of the first row that cannot be read in the list of the repository, where "
     "earlier rows can. Absent if all rows can be read.",
     any_row_value<first_unreadable_row>},
    {"registry_exporter_list_last_read_timestamp_seconds", gauge, registry, "list",
     "Time when a list of the whole registry was last read to its end, in seconds since 1970.",
     feed_value<[](const View& view) { return seconds(view.last_read); }>},
    {"registry_exporter_list_failing", gauge, registry, "list,reason",
     "1 if the last attempt to read a list of the whole registry failed, by reason. Absent "
     "otherwise.",
     feed_failing},
    {"registry_exporter_list_first_unreadable_row", gauge, registry, "list",
     "Index, from 0, of the first row that cannot be read in a list of the whole registry, where "
     "earlier rows can. Absent if all rows can be read.",
     feed_value<[](const View& view) { return view.first_unreadable_row; }>},
    {"registry_exporter_records_total", counter, registry, "class",
     "Records by class: baseline (from before counting began), counted, late (listed too late to "
     "be counted), vanished (removed while running), rejected (no usable id).",
     records},
    {"registry_exporter_records_rejected_total", counter, registry, "reason",
     "Records without a usable id, counted each time one is read.", records_rejected},
    {"registry_exporter_unknown_statuses_total", counter, registry, "",
     "Statuses the exporter does not know, counted each time one is read. Map those of builds with "
     "metrics.build_statuses.",
     unknown_statuses, nullptr, "", true},
    {"registry_exporter_durations_invalid_total", counter, registry, "reason",
     "Counted builds, synchronisations and executions without a valid duration, by reason: "
     "negative, missing. They are not in the histogram.",
     durations_invalid, nullptr, "", true},
    {"registry_exporter_history_gaps_total", counter, registry, "",
     "Times that records may have been added and removed between two reads of a list, and so were "
     "missed.",
     registry_value<[](const Registry& registry) {
       return std::optional(registry.state.history_gaps);
     }>},
    {"registry_exporter_sweeps_total", counter, registry, "result",
     "Complete reads of a list by result: ok, or error (rows may have been missed; the list is "
     "read again).",
     counted<SelfMetric::sweeps>},
    {"registry_exporter_ledger_imbalance", gauge, registry, "",
     "Records by which the internal counts disagree. Any value but 0 is a bug in the exporter.",
     registry_value<[](const Registry& registry) {
       return std::optional(registry.ledger_imbalance);
     }>},
    {"registry_exporter_state_commits_total", counter, process, "result",
     "Commits to the state file by result.", counted<SelfMetric::state_commits>},
    {"registry_exporter_state_size_bytes", gauge, process, "",
     "Size of the state file and its write-ahead log in bytes.",
     live_value<[](const LiveState& live) { return live.state_size_bytes; }>},
    {"registry_exporter_state_created_timestamp_seconds", gauge, process, "",
     "Creation time of the state file, in seconds since 1970.",
     live_value<[](const LiveState& live) { return seconds(live.state_created_at); }>},
    {"registry_exporter_state_recovered", gauge, process, "",
     "1 if this start found a damaged state file, moved it away and began a new one, else 0.",
     live_value<[](const LiveState& live) { return std::uint64_t{live.state_recovered}; }>},
    {"registry_exporter_exposition_bytes", gauge, process, "format",
     "Size of the last answer to a scrape in bytes before compression, by format. Absent for "
     "formats that were not asked for.",
     counted<SelfMetric::exposition_bytes>},
    {"registry_exporter_shard_ordinal", gauge, process, "",
     "Number of the shard of this process, from 0.",
     live_value<[](const LiveState& live) { return double{1} * live.shard; }>},
    {"registry_exporter_total_shards", gauge, process, "",
     "Number of shards that the repositories are distributed over.",
     live_value<[](const LiveState& live) { return double{1} * live.total_shards; }>},
    {"registry_exporter_config_last_reload_successful", gauge, process, "",
     "1 if the last reload of the configuration and the web configuration was successful, else 0.",
     live_value<[](const LiveState& live) {
       return std::uint64_t{live.config_reload_successful};
     }>},
    {"registry_exporter_config_last_reload_success_timestamp_seconds", gauge, process, "",
     "Time of the last successful reload of the configuration, in seconds since 1970.",
     live_value<[](const LiveState& live) { return seconds(live.config_reloaded_at); }>},
};

}  // namespace

std::span<const Family> exporter_families() { return kFamilies; }

}  // namespace registry_exporter::exposition
