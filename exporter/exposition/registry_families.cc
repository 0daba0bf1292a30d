#include "exporter/exposition/render.h"

namespace registry_exporter {
namespace {

LinePart registry_labels(const RenderSource& source) {
  return LinePart(label("registry", source.snapshot.name));
}

/// One line per registry for each value of one label, or without one.
class RegistryLines {
 public:
  RegistryLines(const Family& family, const RenderSource& source, Lines& lines)
      : family_(family),
        lines_(lines),
        labels_(registry_labels(source)),
        created_(family.type == FamilyType::counter ? created_at(source) : std::nullopt) {}

  template <class Number>
  void add(std::string_view more, Number value) {
    lines_.add(line_frame(family_.name, more), labels_, value);
    if (!created_) return;
    const std::string name(without_total(family_.name, family_.type));
    lines_.add(line_frame(name + "_created", more), labels_, seconds(*created_));
  }

 private:
  const Family& family_;
  Lines& lines_;
  LinePart labels_;
  std::optional<UnixMillis> created_;
};

void collection_duration(const Family& family, const RenderSource& source, Lines& lines) {
  const auto& took = source.snapshot.last_cycle_seconds;
  if (took) RegistryLines(family, source, lines).add({}, *took);
}

void collection_last_success(const Family& family, const RenderSource& source, Lines& lines) {
  const auto& time = source.snapshot.state.last_success;
  if (time) RegistryLines(family, source, lines).add({}, seconds(*time));
}

void repositories(const Family& family, const RenderSource& source, Lines& lines) {
  RegistryLines registry(family, source, lines);
  for (std::size_t i = 0; i < kFreshness; ++i) {
    registry.add(label("state", name(static_cast<Freshness>(i))), source.snapshot.repositories[i]);
  }
}

void records(const Family& family, const RenderSource& source, Lines& lines) {
  const RegistryState& state = source.snapshot.state;
  RegistryLines registry(family, source, lines);
  for (std::size_t i = 0; i < kRecordClasses; ++i) {
    registry.add(label("class", name(static_cast<RecordClass>(i))), state.records[i]);
  }
  std::uint64_t rejected = 0;
  for (const std::uint64_t count : state.rejected) rejected += count;
  registry.add(label("class", "rejected"), rejected);
}

void records_rejected(const Family& family, const RenderSource& source, Lines& lines) {
  RegistryLines registry(family, source, lines);
  for (std::size_t i = 0; i < kRejections; ++i) {
    registry.add(label("reason", name(static_cast<Rejection>(i))),
                 source.snapshot.state.rejected[i]);
  }
}

void durations_invalid(const Family& family, const RenderSource& source, Lines& lines) {
  const auto& counts = source.snapshot.state.invalid_durations;
  RegistryLines registry(family, source, lines);
  registry.add(label("reason", "negative"),
               counts[static_cast<std::size_t>(InvalidDuration::negative)]);
  registry.add(label("reason", "missing"),
               counts[static_cast<std::size_t>(InvalidDuration::missing)]);
}

/// It lives with the process, unlike the registry's other counters: no `_created`.
void unknown_statuses(const Family& family, const RenderSource& source, Lines& lines) {
  std::uint64_t all = 0;
  for (const auto& [status, count] : source.snapshot.unknown_statuses) all += count;
  lines.add(line_frame(family.name), registry_labels(source), all);
}

void history_gaps(const Family& family, const RenderSource& source, Lines& lines) {
  RegistryLines(family, source, lines).add({}, source.snapshot.state.history_gaps);
}

void ledger_imbalance(const Family& family, const RenderSource& source, Lines& lines) {
  RegistryLines(family, source, lines).add({}, source.snapshot.ledger_imbalance);
}

}  // namespace

const FamilyRenderers& registry_renderers() {
  static const FamilyRenderers table{
      {"registry_exporter_collection_duration_seconds", {{}, collection_duration}},
      {"registry_exporter_collection_last_success_timestamp_seconds",
       {{}, collection_last_success}},
      {"registry_exporter_repositories", {{}, repositories}},
      {"registry_exporter_records_total", {{}, records}},
      {"registry_exporter_records_rejected_total", {{}, records_rejected}},
      {"registry_exporter_unknown_statuses_total", {RegistryType::acr, unknown_statuses}},
      {"registry_exporter_durations_invalid_total", {RegistryType::acr, durations_invalid}},
      {"registry_exporter_history_gaps_total", {{}, history_gaps}},
      {"registry_exporter_ledger_imbalance", {{}, ledger_imbalance}},
  };
  return table;
}

}  // namespace registry_exporter
