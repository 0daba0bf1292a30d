#include "exporter/exposition/exposition.h"

#include <prometheus/metric_family.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "exporter/exposition/answer.h"
#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/process_metrics.h"
#include "exporter/exposition/render.h"
#include "exporter/exposition/rendered_registry.h"
#include "exporter/exposition/self_metrics.h"

namespace registry_exporter {
namespace {

/// A format or a registry that nobody asked for so long gives its memory back.
constexpr Millis kUnused = std::chrono::minutes{10};

using Registries = std::vector<std::shared_ptr<const RegistrySnapshot>>;
using Rendered = std::vector<std::shared_ptr<const RenderedRegistry>>;
using OwnText = std::map<std::string, std::string, std::less<>>;  // By family.

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string value_line(const std::string& family, double value) {
  std::string line = family + " ";
  append_number(line, value);
  line.push_back('\n');
  return line;
}

/// What the scrape itself adds: what is true now, the exporter's own counters, the process.
OwnText own_text(const Registries& registries, const LiveState& live, const SelfMetrics& self,
                 bool process_wide) {
  OwnText own;
  std::vector<std::string> names;
  for (const auto& registry : registries) names.push_back(registry->name);
  for (const auto& family : self.collect(names, process_wide)) {
    own[family.name] = encode_self(family);
  }
  for (const Family& family : families()) {
    std::string text = render_live(family, live, registries, process_wide);
    if (!text.empty()) own[std::string(family.name)] += text;
  }
  if (!process_wide) return own;
  for (const auto& [family, value] : read_process_metrics())
    own[family] = value_line(family, value);
  return own;
}

void add_family(Answer& answer, const Family& family, const Rendered& registries,
                const OwnText& own, ExpositionFormat format) {
  std::vector<const Blocks*> parts;
  for (const auto& registry : registries) {
    const auto found = registry->families.find(family.name);
    if (found != registry->families.end()) parts.push_back(&found->second.blocks);
  }
  const auto own_part = own.find(family.name);
  const bool has_own = own_part != own.end() && !own_part->second.empty();
  if (parts.empty() && !has_own) return;
  answer.add(head(family, format));
  for (const Blocks* blocks : parts) {
    for (const auto& block : *blocks) answer.add(block);
  }
  if (has_own) answer.add(own_part->second);
}

}  // namespace

/// What was rendered last, by registry and format.
struct Exposition::Cache {
  struct Entry {
    std::shared_ptr<const RenderedRegistry> rendered;
    UnixMillis used_at;
  };
  std::mutex mutex;
  std::map<std::pair<std::string, ExpositionFormat>, Entry> entries;

  /// Rendered once: who comes while it is being done waits and finds it.
  std::shared_ptr<const RenderedRegistry> get(
      const std::shared_ptr<const RegistrySnapshot>& registry, const ExpositionOptions& options,
      ExpositionFormat format, UnixMillis now) {
    const std::lock_guard lock(mutex);
    Entry& entry = entries[{registry->name, format}];
    entry.used_at = now;
    if (entry.rendered && entry.rendered->snapshot == registry) return entry.rendered;
    auto rendered = render_registry(registry, entry.rendered.get(), options, format);
    const bool newer_is_kept =
        entry.rendered && entry.rendered->snapshot->version > registry->version;
    if (!newer_is_kept) entry.rendered = rendered;
    return rendered;
  }

  void drop_unused(UnixMillis now) {
    const std::lock_guard lock(mutex);
    std::erase_if(entries, [&](const auto& each) { return now - each.second.used_at > kUnused; });
  }
};

Exposition::Exposition(ExpositionOptions options, SelfMetrics& self)
    : options_(std::move(options)), self_(self), cache_(std::make_unique<Cache>()) {}

Exposition::~Exposition() = default;

bool is_known_family(std::string_view family) { return find_family(family) != nullptr; }

std::vector<Chunk> Exposition::render(const Snapshot& snapshot, const LiveState& live,
                                      const std::vector<std::string>& only, ExpositionFormat format,
                                      bool gzip) {
  Registries registries;
  Rendered rendered;
  for (const auto& registry : snapshot.registries) {
    if (!only.empty() && !contains(only, registry->name)) continue;
    registries.push_back(registry);
    rendered.push_back(cache_->get(registry, options_, format, live.now));
  }
  cache_->drop_unused(live.now);

  const OwnText own = own_text(registries, live, self_, only.empty());
  Answer answer(gzip);
  for (const Family& family : families()) {
    if (!contains(options_.disabled, family.name)) {
      add_family(answer, family, rendered, own, format);
    }
  }
  if (format == ExpositionFormat::openmetrics) answer.add("# EOF\n");
  return answer.finish();
}

}  // namespace registry_exporter
