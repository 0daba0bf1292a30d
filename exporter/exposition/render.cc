#include "exporter/exposition/render.h"

#include <algorithm>

#include "exporter/base/hash.h"
#include "exporter/exposition/encode.h"

namespace registry_exporter {
namespace {

constexpr std::size_t kLabelsBytes = 160;  // Enough for most rows.

/// FNV-1a, then mixed so that every bit decides.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = fnv1a(text);
  hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15U;
  return hash ^ (hash >> 29);
}

template <class Number>
void add_line(std::string& out, std::string_view family, std::string_view labels, Number value) {
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

void registry_live(std::string& out, std::string_view family, const RegistrySnapshot& registry,
                   const CloudHealth& health) {
  const std::string labels = label("registry", registry.name);
  if (family == "acr_up" || family == "swr_up") {
    const bool ours = family.substr(0, 3) == name(registry.type);
    if (ours) add_line(out, family, labels, std::uint64_t{health.up});
  } else if (family == "registry_exporter_rate_limit_requests_per_second") {
    add_line(out, family, labels, health.requests_per_second);
  } else if (family == "registry_exporter_credentials_expiry_timestamp_seconds") {
    if (health.credentials_expire_at) {
      add_line(out, family, labels, seconds(*health.credentials_expire_at));
    }
  } else if (family == "registry_exporter_clock_offset_seconds") {
    if (health.clock_offset) {
      add_line(out, family, labels, Thousandths{health.clock_offset->count()});
    }
  }
}

void process_live(std::string& out, std::string_view family, const LiveState& live) {
  constexpr std::string_view kPrefix = "registry_exporter_";
  if (!family.starts_with(kPrefix)) return;
  const std::string_view what = family.substr(kPrefix.size());
  const auto add = [&](auto value) { add_line(out, family, {}, value); };
  if (what == "build_info") {
    const std::string labels =
        label("version", REGISTRY_EXPORTER_VERSION) + "," + label("compiler", __VERSION__);
    add_line(out, family, labels, std::uint64_t{1});
  }
  if (what == "state_size_bytes") add(live.state_size_bytes);
  if (what == "state_created_timestamp_seconds") add(seconds(live.state_created_at));
  if (what == "state_recovered") add(std::uint64_t{live.state_recovered});
  if (what == "shard_ordinal") add(double{1} * live.shard);
  if (what == "total_shards") add(double{1} * live.total_shards);
  if (what == "config_last_reload_successful") add(std::uint64_t{live.config_reload_successful});
  if (what == "config_last_reload_success_timestamp_seconds") {
    add(seconds(live.config_reloaded_at));
  }
}

}  // namespace

std::vector<RowLabels> make_row_labels(const RegistrySnapshot& snapshot) {
  const std::string registry = label("registry", snapshot.name);
  std::vector<RowLabels> labels;
  labels.reserve(snapshot.rows.size());
  for (const RepositoryRow& row : snapshot.rows) {
    std::string text;
    text.reserve(kLabelsBytes);
    text += registry;
    text.push_back(',');
    append_label(text, "repo_namespace", row.view->ref.repo_namespace);
    text.push_back(',');
    append_label(text, "repo", row.view->ref.name);
    const std::uint64_t hash = hash_of(text);
    labels.push_back({LinePart(std::move(text)), hash});
  }
  return labels;
}

std::optional<UnixMillis> created_at(const RenderSource& source) {
  const bool wanted =
      source.format == ExpositionFormat::openmetrics && source.options.created_timestamps;
  return wanted ? source.snapshot.state.created_at : std::nullopt;
}

std::vector<LineBlock> render_family(const Family& family, const RenderSource& source,
                                     Lines& lines) {
  for (const FamilyRenderers* renderers : {&repository_renderers(), &registry_renderers()}) {
    const auto found = renderers->find(family.name);
    if (found == renderers->end()) continue;
    const auto& [type, render] = found->second;
    if (type && *type != source.snapshot.type) return {};
    render(family, source, lines);
    return lines.finish();
  }
  return {};
}

std::string render_live(const Family& family, const LiveState& live,
                        const std::vector<std::shared_ptr<const RegistrySnapshot>>& registries,
                        bool process_wide) {
  std::string out;
  if (family.scope == FamilyScope::process && process_wide) process_live(out, family.name, live);
  if (family.scope != FamilyScope::registry) return out;
  for (const auto& registry : registries) {
    const auto health =
        std::find_if(live.registries.begin(), live.registries.end(),
                     [&](const auto& each) { return each.first == registry->name; });
    if (health != live.registries.end()) {
      registry_live(out, family.name, *registry, health->second);
    }
  }
  return out;
}

}  // namespace registry_exporter
