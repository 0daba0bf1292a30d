#include "exporter/exposition/exposition.h"

#include <algorithm>
#include <map>

#include "exporter/base/mutex.h"
#include "exporter/base/prefetch.h"
#include "exporter/exposition/body_builder.h"
#include "exporter/exposition/catalog.h"
#include "exporter/exposition/encode.h"
#include "exporter/exposition/process_metrics.h"
#include "exporter/exposition/protobuf_writer.h"
#include "exporter/exposition/render.h"
#include "exporter/exposition/rendered_registry.h"
#include "exporter/exposition/sample_writer.h"
#include "exporter/exposition/self_metrics.h"

namespace registry_exporter::exposition {
namespace {

/// Lines of a format or a registry that were not scraped for so long are freed.
constexpr Millis kUnused = std::chrono::minutes{10};
constexpr std::size_t kBlocksAhead = 16;  ///< To prefetch.

using Registries = std::vector<std::shared_ptr<const RegistrySnapshot>>;
using Rendered = std::vector<std::shared_ptr<const RenderedRegistry>>;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether a scrape that asks for `names` (empty: all) wants this one.
bool wanted(const std::vector<std::string>& names, std::string_view name) {
  return names.empty() || contains(names, name);
}

std::size_t bytes_in(const std::vector<const Blocks*>& parts) {
  std::size_t bytes = 0;
  for (const Blocks* blocks : parts) {
    for (const auto& block : *blocks) bytes += block->text().size();
  }
  return bytes;
}

void add_blocks(BodyBuilder& body, const Blocks& blocks) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i + kBlocksAhead < blocks.size()) prefetch(blocks[i + kBlocksAhead].get());
    body.add(blocks[i]);
  }
}

/// The lines of a family: those of each registry's snapshot, then the scrape's own.
void add_family(BodyBuilder& body, const Family& family, const Rendered& registries,
                const std::string& own, ExpositionFormat format) {
  std::vector<const Blocks*> parts;
  for (const auto& registry : registries) {
    if (const RenderedFamily* found = registry->find(family)) parts.push_back(&found->blocks);
  }
  if (parts.empty() && own.empty()) return;
  body.add(format == ExpositionFormat::protobuf
               ? protobuf_head(family, bytes_in(parts) + own.size())
               : head(family, format));
  for (const Blocks* blocks : parts) add_blocks(body, *blocks);
  body.add(own);
}

}  // namespace

/// The last rendered lines, by registry and format.
struct Exposition::Cache {
  struct Entry {
    std::shared_ptr<RenderedRegistry> rendered;
    UnixMillis used_at;
  };
  Mutex mutex;
  std::map<std::pair<std::string, ExpositionFormat>, Entry> entries GUARDED_BY(mutex);

  /// Renders once: concurrent callers wait for the result.
  std::shared_ptr<const RenderedRegistry> get(
      const std::shared_ptr<const RegistrySnapshot>& registry, const ExpositionOptions& options,
      ExpositionFormat format, UnixMillis now) {
    const MutexLock lock(mutex);
    Entry& entry = entries[{registry->name, format}];
    entry.used_at = now;
    if (entry.rendered && entry.rendered->snapshot == registry) return entry.rendered;
    const bool newer_is_kept =
        entry.rendered && entry.rendered->snapshot->version > registry->version;
    std::optional<RenderedRegistry> before;
    if (entry.rendered && entry.rendered.use_count() == 1 && !newer_is_kept) {
      before = std::move(*entry.rendered);
      entry.rendered = nullptr;
    } else if (entry.rendered) {
      before = *entry.rendered;
    }
    auto rendered = std::make_shared<RenderedRegistry>(
        render_registry(registry, std::move(before), options, format));
    if (!newer_is_kept) entry.rendered = rendered;
    return rendered;
  }

  /// What get() returned, when it is done with. Under the lock: where get() finds that nobody else
  /// has the old lines, their last reader is done with them.
  void give_back(Rendered rendered) {
    const MutexLock lock(mutex);
    rendered.clear();
  }

  void drop_unused(UnixMillis now) {
    const MutexLock lock(mutex);
    std::erase_if(entries, [&](const auto& each) { return now - each.second.used_at > kUnused; });
  }
};

Exposition::Exposition(ExpositionOptions options, SelfMetrics& self)
    : options_(std::move(options)), self_(self), cache_(std::make_unique<Cache>()) {}

Exposition::~Exposition() = default;

bool is_known_family(std::string_view family) { return find_family(family) != nullptr; }

bool shows_events(const std::vector<std::string>& names) {
  return std::any_of(families().begin(), families().end(), [&names](const Family& family) {
    return is_of_owner(family.scope) && family.type != FamilyType::gauge &&
           wanted(names, family.name);
  });
}

std::vector<Chunk> Exposition::render(const Snapshot& snapshot, const LiveState& live,
                                      const ScrapeRequest& request) {
  const ExpositionFormat format = request.format;
  Registries registries;
  Rendered rendered;
  for (const auto& registry : snapshot.registries) {
    if (!wanted(request.registries, registry->name)) continue;
    registries.push_back(registry);
    rendered.push_back(cache_->get(registry, options_, format, live.now));
  }
  cache_->drop_unused(live.now);

  const bool process_wide = request.registries.empty();
  const ProcessMetrics process = process_wide ? read_process_metrics() : ProcessMetrics{};
  const ScrapeSource source{live, registries, self_, process, options_, format};
  SampleWriter writer(format);
  BodyBuilder body(request.gzip);
  for (const Family& family : families()) {
    if (contains(options_.disabled, family.name) || !wanted(request.families, family.name))
      continue;
    if (family.scope == FamilyScope::process && !process_wide) continue;
    add_family(body, family, rendered, render_scrape(family, source, writer), format);
  }
  if (format == ExpositionFormat::openmetrics) body.add("# EOF\n");
  self_.exposition_rendered(name(format), body.bytes());
  std::vector<Chunk> chunks = body.finish();
  cache_->give_back(std::move(rendered));
  return chunks;
}

}  // namespace registry_exporter::exposition
