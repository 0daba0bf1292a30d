#include "exporter/exposition/render.h"

#include <algorithm>
#include <functional>
#include <unordered_map>

#include "exporter/base/duration.h"
#include "exporter/exposition/encode.h"

namespace registry_exporter {
namespace {

constexpr std::size_t kExemplarMax = 128;  ///< Characters of its labels (OpenMetrics).
constexpr std::string_view kExemplarLabel = "build_record_id";

/// Collects lines into blocks.
class Lines {
 public:
  explicit Lines(std::string_view family) : family_(family) {}

  /// `family{labels,more} `: then the caller appends the value and ends the line.
  std::string& begin(std::string_view suffix, std::string_view labels, std::string_view more = {}) {
    if (current_.size() >= kBlockBytes) cut();
    current_ += family_;
    current_ += suffix;
    current_.push_back('{');
    current_ += labels;
    if (!more.empty()) {
      current_.push_back(',');
      current_ += more;
    }
    current_ += "} ";
    return current_;
  }
  template <class Number>
  void add(std::string_view labels, std::string_view more, Number value) {
    append_number(begin({}, labels, more), value);
    current_.push_back('\n');
  }
  void end() { current_.push_back('\n'); }

  std::vector<std::string> finish() {
    if (!current_.empty()) cut();
    return std::move(blocks_);
  }

 private:
  void cut() { blocks_.push_back(std::exchange(current_, {})); }

  std::string_view family_;
  std::string current_;
  std::vector<std::string> blocks_;
};

struct Source {
  const RegistrySnapshot& snapshot;
  const std::vector<std::string>& row_labels;
  const ExpositionOptions& options;
  ExpositionFormat format;
  std::string registry_label;
};

using Render = void (*)(const Source&, Lines&);

/// Calls `each(view, shown counters, labels)` for every row that has series.
template <class Each>
void for_rows(const Source& source, Each each) {
  for (std::size_t i = 0; i < source.snapshot.rows.size(); ++i) {
    const RepositoryRow& row = source.snapshot.rows[i];
    if (row.shown) each(*row.view, *row.shown, source.row_labels[i]);
  }
}

bool wants_created(const Source& source) {
  return source.format == ExpositionFormat::openmetrics && source.options.created_timestamps &&
         source.snapshot.state.created_at;
}

void add_created(const Source& source, Lines& lines, std::string_view suffix,
                 std::string_view labels, std::string_view more) {
  append_number(lines.begin(suffix, labels, more), to_seconds(*source.snapshot.state.created_at));
  lines.end();
}

void events_by(std::string_view label_name, const Source& source, Lines& lines) {
  for_rows(source,
           [&](const RepositoryView&, const EventCounters& shown, const std::string& labels) {
             for (const Outcome outcome : outcomes_of(source.snapshot.type)) {
               lines.add(labels, label(label_name, name(outcome)), shown.events[outcome]);
             }
           });
}

void add_exemplar(std::string& line, const Exemplar& exemplar) {
  const std::string id = valid_utf8(exemplar.build_record_id);
  const auto characters = static_cast<std::size_t>(std::count_if(id.begin(), id.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
  if (kExemplarLabel.size() + characters > kExemplarMax) return;
  line += " # {";
  append_label(line, kExemplarLabel, id);
  line += "} ";
  append_number(line, exemplar.seconds);
  line.push_back(' ');
  append_number(line, to_seconds(exemplar.ended_at));
}

void histogram_of(const Source& source, const RepositoryView& view, const std::string& labels,
                  Outcome outcome, const DurationHistogram& histogram,
                  const std::vector<std::string>& bounds, Lines& lines) {
  const std::string status = label("status", name(outcome));
  const auto& exemplars = view.exemplars[outcome];
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (i < histogram.counts.size()) cumulative += histogram.counts[i];
    std::string& line = lines.begin("_bucket", labels, status);
    line.resize(line.size() - 2);  // Before "} ": the bound is one more label.
    line += ",le=\"" + bounds[i] + "\"} ";
    append_number(line, cumulative);
    const bool with_exemplar = source.format == ExpositionFormat::openmetrics &&
                               i < exemplars.size() && exemplars[i] &&
                               i < histogram.counts.size() && histogram.counts[i] > 0;
    if (with_exemplar) add_exemplar(line, *exemplars[i]);
    lines.end();
  }
  append_number(lines.begin("_sum", labels, status),
                static_cast<double>(histogram.sum_ms) / 1000.0);
  lines.end();
  append_number(lines.begin("_count", labels, status), cumulative);
  lines.end();
  if (wants_created(source)) add_created(source, lines, "_created", labels, status);
}

void durations(const Source& source, Lines& lines) {
  std::vector<std::string> bounds;
  for (const double bound : source.options.bucket_bounds) bounds.push_back(bucket_bound(bound));
  bounds.emplace_back("+Inf");
  for_rows(source,
           [&](const RepositoryView& view, const EventCounters& shown, const std::string& labels) {
             for (const Outcome outcome : outcomes_of(source.snapshot.type)) {
               const auto& histogram = shown.durations[outcome];
               if (histogram)
                 histogram_of(source, view, labels, outcome, *histogram, bounds, lines);
             }
           });
}

void success_ratio(const Source& source, Lines& lines) {
  for_rows(source,
           [&](const RepositoryView& view, const EventCounters&, const std::string& labels) {
             for (std::size_t i = 0; i < view.recent.size(); ++i) {
               const double succeeded = view.recent[i][Outcome::success];
               const double all = succeeded + view.recent[i][Outcome::failed];
               if (all == 0) continue;
               lines.add(labels, label("window", format_duration(source.options.windows[i])),
                         succeeded / all);
             }
           });
}

void builds_recent(const Source& source, Lines& lines) {
  for_rows(
      source, [&](const RepositoryView& view, const EventCounters&, const std::string& labels) {
        for (const Outcome outcome : outcomes_of(source.snapshot.type)) {
          const bool always = outcome == Outcome::success || outcome == Outcome::failed;
          if (!always && !view.seen[outcome]) continue;
          for (std::size_t i = 0; i < view.recent.size(); ++i) {
            const std::string more = label("status", name(outcome)) + "," +
                                     label("window", format_duration(source.options.windows[i]));
            lines.add(labels, more, static_cast<double>(view.recent[i][outcome]));
          }
        }
      });
}

void deletions_recent(const Source& source, Lines& lines) {
  for_rows(source,
           [&](const RepositoryView& view, const EventCounters&, const std::string& labels) {
             for (std::size_t i = 0; i < view.recent.size(); ++i) {
               std::uint64_t all = 0;
               for (const std::uint32_t count : view.recent[i].values) all += count;
               lines.add(labels, label("window", format_duration(source.options.windows[i])), all);
             }
           });
}

void last_ends(const Source& source, Lines& lines) {
  for_rows(
      source, [&](const RepositoryView& view, const EventCounters&, const std::string& labels) {
        for (const Outcome outcome : outcomes_of(source.snapshot.type)) {
          if (!view.last_end[outcome]) continue;
          lines.add(labels, label("status", name(outcome)), to_seconds(*view.last_end[outcome]));
        }
      });
}

void last_deletion(const Source& source, Lines& lines) {
  for_rows(source,
           [&](const RepositoryView& view, const EventCounters&, const std::string& labels) {
             std::optional<UnixMillis> newest;
             for (const auto& end : view.last_end.values) {
               if (end && (!newest || *newest < *end)) newest = end;
             }
             if (newest) lines.add(labels, {}, to_seconds(*newest));
           });
}

void rule_info(const Source& source, Lines& lines) {
  for_rows(source,
           [&](const RepositoryView& view, const EventCounters&, const std::string& labels) {
             for (const RetentionRule& rule : view.rules) {
               const std::string more = label("retention_id", rule.retention_id) + "," +
                                        label("template", rule.rule_template) + "," +
                                        label("keep", rule.keep);
               lines.add(labels, more, std::uint64_t{1});
             }
           });
}

/// A family whose rows have one value each, or none.
template <auto Value>
void one_value(const Source& source, Lines& lines) {
  for_rows(source,
           [&](const RepositoryView& view, const EventCounters&, const std::string& labels) {
             const std::optional<double> value = Value(view);
             if (value) lines.add(labels, {}, *value);
           });
}

template <class T>
std::optional<double> number_of(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return static_cast<double>(*value);
}
std::optional<double> seconds_of(const std::optional<UnixMillis>& time) {
  if (!time) return std::nullopt;
  return to_seconds(*time);
}

void repository_info(const Source& source, Lines& lines) {
  for_rows(source,
           [&](const RepositoryView& view, const EventCounters&, const std::string& labels) {
             lines.add(labels, label("repo_id", view.ref.cloud_id), std::uint64_t{1});
           });
}

void last_reads(const Source& source, Lines& lines) {
  for (std::size_t i = 0; i < source.snapshot.rows.size(); ++i) {
    const auto& last_read = source.snapshot.rows[i].view->last_read;
    if (last_read) lines.add(source.row_labels[i], {}, to_seconds(*last_read));
  }
}

void failing(const Source& source, Lines& lines) {
  for (std::size_t i = 0; i < source.snapshot.rows.size(); ++i) {
    const auto& reason = source.snapshot.rows[i].view->failing;
    if (reason) lines.add(source.row_labels[i], label("reason", name(*reason)), std::uint64_t{1});
  }
}

void repositories(const Source& source, Lines& lines) {
  for (std::size_t i = 0; i < kFreshness; ++i) {
    lines.add(source.registry_label, label("state", name(static_cast<Freshness>(i))),
              source.snapshot.repositories[i]);
  }
}

void records(const Source& source, Lines& lines) {
  const RegistryState& state = source.snapshot.state;
  for (std::size_t i = 0; i < kRecordClasses; ++i) {
    lines.add(source.registry_label, label("class", name(static_cast<RecordClass>(i))),
              state.records[i]);
  }
  std::uint64_t rejected = 0;
  for (const std::uint64_t count : state.rejected) rejected += count;
  lines.add(source.registry_label, label("class", "rejected"), rejected);
}

void records_rejected(const Source& source, Lines& lines) {
  for (std::size_t i = 0; i < kRejections; ++i) {
    lines.add(source.registry_label, label("reason", name(static_cast<Rejection>(i))),
              source.snapshot.state.rejected[i]);
  }
}

void durations_invalid(const Source& source, Lines& lines) {
  if (source.snapshot.type != RegistryType::acr) return;
  const auto& counts = source.snapshot.state.invalid_durations;
  lines.add(source.registry_label, label("reason", "negative"),
            counts[static_cast<std::size_t>(InvalidDuration::negative)]);
  lines.add(source.registry_label, label("reason", "missing"),
            counts[static_cast<std::size_t>(InvalidDuration::missing)]);
}

void unknown_statuses(const Source& source, Lines& lines) {
  if (source.snapshot.type != RegistryType::acr) return;
  std::uint64_t all = 0;
  for (const auto& [status, count] : source.snapshot.unknown_statuses) all += count;
  lines.add(source.registry_label, {}, all);
}

template <auto Value>
void registry_value(const Source& source, Lines& lines) {
  const std::optional<double> value = Value(source.snapshot);
  if (value) lines.add(source.registry_label, {}, *value);
}

struct Entry {
  std::optional<RegistryType> type;  ///< Set: for registries of this type only.
  Render render;
};

const std::unordered_map<std::string_view, Entry>& renderers() {
  using View = RepositoryView;
  using Snap = RegistrySnapshot;
  constexpr auto kAcr = RegistryType::acr;
  constexpr auto kSwr = RegistryType::swr;
  static const std::unordered_map<std::string_view, Entry> table{
      {"acr_builds_total", {kAcr, [](const Source& s, Lines& l) { events_by("status", s, l); }}},
      {"acr_build_duration_seconds", {kAcr, durations}},
      {"acr_build_success_ratio", {kAcr, success_ratio}},
      {"acr_builds_recent", {kAcr, builds_recent}},
      {"acr_builds_in_progress",
       {kAcr, one_value<[](const View& v) { return std::optional<double>(v.open); }>}},
      {"acr_build_oldest_in_progress_start_timestamp_seconds",
       {kAcr, one_value<[](const View& v) { return seconds_of(v.oldest_open_started_at); }>}},
      {"acr_last_build_success", {kAcr, one_value<[](const View& v) -> std::optional<double> {
                                    if (!v.last_build) return std::nullopt;
                                    return v.last_build->succeeded ? 1 : 0;
                                  }>}},
      {"acr_last_build_duration_seconds",
       {kAcr, one_value<[](const View& v) -> std::optional<double> {
          if (!v.last_build || !v.last_build->duration) return std::nullopt;
          return static_cast<double>(v.last_build->duration->count()) / 1000.0;
        }>}},
      {"acr_consecutive_failed_builds",
       {kAcr,
        one_value<[](const View& v) { return std::optional<double>(v.consecutive_failed); }>}},
      {"acr_last_build_end_timestamp_seconds", {kAcr, last_ends}},
      {"acr_repository_info", {kAcr, repository_info}},
      {"swr_retention_deletions_total",
       {kSwr, [](const Source& s, Lines& l) { events_by("template", s, l); }}},
      {"swr_retention_deletions_recent", {kSwr, deletions_recent}},
      {"swr_last_retention_deletion_timestamp_seconds", {kSwr, last_deletion}},
      {"swr_repository_tags", {kSwr, one_value<[](const View& v) { return number_of(v.tags); }>}},
      {"swr_repository_size_bytes",
       {kSwr, one_value<[](const View& v) { return number_of(v.size_bytes); }>}},
      {"swr_repository_downloads",
       {kSwr, one_value<[](const View& v) { return number_of(v.downloads); }>}},
      {"swr_retention_rule_info", {kSwr, rule_info}},
      {"registry_exporter_collection_duration_seconds",
       {{}, registry_value<[](const Snap& s) { return s.last_cycle_seconds; }>}},
      {"registry_exporter_collection_last_success_timestamp_seconds",
       {{}, registry_value<[](const Snap& s) { return seconds_of(s.state.last_success); }>}},
      {"registry_exporter_repositories", {{}, repositories}},
      {"registry_exporter_repository_last_read_timestamp_seconds", {{}, last_reads}},
      {"registry_exporter_repository_failing", {{}, failing}},
      {"registry_exporter_records_total", {{}, records}},
      {"registry_exporter_records_rejected_total", {{}, records_rejected}},
      {"registry_exporter_unknown_statuses_total", {kAcr, unknown_statuses}},
      {"registry_exporter_durations_invalid_total", {kAcr, durations_invalid}},
      {"registry_exporter_history_gaps_total", {{}, registry_value<[](const Snap& s) {
                                                  return std::optional<double>(
                                                      static_cast<double>(s.state.history_gaps));
                                                }>}},
      {"registry_exporter_ledger_imbalance", {{}, registry_value<[](const Snap& s) {
                                                return std::optional<double>(
                                                    static_cast<double>(s.ledger_imbalance));
                                              }>}},
  };
  return table;
}

void add_line(std::string& out, std::string_view family, std::string_view labels, double value) {
  out += family;
  if (!labels.empty()) {
    out.push_back('{');
    out += labels;
    out.push_back('}');
  }
  out.push_back(' ');
  append_number(out, value);
  out.push_back('\n');
}

std::optional<double> health_value(std::string_view family, RegistryType type,
                                   const CloudHealth& health) {
  const bool up_family = family == "acr_up" || family == "swr_up";
  if (up_family) {
    const bool ours = family.substr(0, 3) == name(type);
    return ours ? std::optional<double>(health.up ? 1 : 0) : std::nullopt;
  }
  if (family == "registry_exporter_rate_limit_requests_per_second") {
    return health.requests_per_second;
  }
  if (family == "registry_exporter_credentials_expiry_timestamp_seconds") {
    return seconds_of(health.credentials_expire_at);
  }
  if (family == "registry_exporter_clock_offset_seconds" && health.clock_offset) {
    return static_cast<double>(health.clock_offset->count()) / 1000.0;
  }
  return std::nullopt;
}

std::optional<double> process_value(std::string_view family, const LiveState& live) {
  constexpr std::string_view kPrefix = "registry_exporter_";
  if (!family.starts_with(kPrefix)) return std::nullopt;
  family.remove_prefix(kPrefix.size());
  if (family == "state_size_bytes") return static_cast<double>(live.state_size_bytes);
  if (family == "state_created_timestamp_seconds") return to_seconds(live.state_created_at);
  if (family == "state_recovered") return live.state_recovered ? 1 : 0;
  if (family == "shard_ordinal") return live.shard;
  if (family == "total_shards") return live.total_shards;
  if (family == "config_last_reload_successful") return live.config_reload_successful ? 1 : 0;
  if (family == "config_last_reload_success_timestamp_seconds") {
    return to_seconds(live.config_reloaded_at);
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> row_labels(const RegistrySnapshot& snapshot) {
  const std::string registry = label("registry", snapshot.name);
  std::vector<std::string> labels;
  labels.reserve(snapshot.rows.size());
  for (const RepositoryRow& row : snapshot.rows) {
    std::string text = registry;
    text.push_back(',');
    append_label(text, "repo_namespace", row.view->ref.repo_namespace);
    text.push_back(',');
    append_label(text, "repo", row.view->ref.name);
    labels.push_back(std::move(text));
  }
  return labels;
}

std::vector<std::string> render_family(const Family& family, const RegistrySnapshot& snapshot,
                                       const std::vector<std::string>& row_labels,
                                       const ExpositionOptions& options, ExpositionFormat format) {
  const auto found = renderers().find(family.name);
  if (found == renderers().end()) return {};
  const Entry& entry = found->second;
  if (entry.type && *entry.type != snapshot.type) return {};
  const Source source{snapshot, row_labels, options, format, label("registry", snapshot.name)};
  Lines lines(family.name);
  entry.render(source, lines);
  return lines.finish();
}

std::string render_live(const Family& family, const LiveState& live, const Snapshot& snapshot,
                        const std::vector<std::string>& only) {
  std::string out;
  if (family.scope == FamilyScope::registry) {
    for (const auto& registry : snapshot.registries) {
      const auto health =
          std::find_if(live.registries.begin(), live.registries.end(),
                       [&](const auto& each) { return each.first == registry->name; });
      if (health == live.registries.end()) continue;
      const auto value = health_value(family.name, registry->type, health->second);
      if (value) add_line(out, family.name, label("registry", registry->name), *value);
    }
  } else if (family.scope == FamilyScope::process && only.empty()) {
    if (family.name == "registry_exporter_build_info") {
      add_line(out, family.name,
               label("version", REGISTRY_EXPORTER_VERSION) + "," + label("compiler", __VERSION__),
               1);
    } else if (const auto value = process_value(family.name, live)) {
      add_line(out, family.name, {}, *value);
    }
  }
  return out;
}

}  // namespace registry_exporter
