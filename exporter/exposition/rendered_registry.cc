#include "exporter/exposition/rendered_registry.h"

#include <algorithm>
#include <unordered_map>

#include "exporter/base/prefetch.h"
#include "exporter/exposition/catalog.h"
#include "exporter/exposition/lines.h"

namespace registry_exporter::exposition {
namespace {

/// Rows are rendered for all families, so many at a time: they stay in the processor's cache.
constexpr std::size_t kRowsTogether = 64;

/// A family while it is rendered.
struct FamilyLines {
  const Family* family;
  RenderedFamily* before;  ///< nullptr: it had no lines.
  Lines lines;
};

bool is_disabled(const Family& family, const ExpositionOptions& options) {
  const auto& disabled = options.disabled;
  return std::find(disabled.begin(), disabled.end(), family.name) != disabled.end();
}

bool same_rows(const RegistrySnapshot& a, const RegistrySnapshot& b) {
  return a.kinds == b.kinds &&
         std::equal(a.rows.begin(), a.rows.end(), b.rows.begin(), b.rows.end(),
                    [](const RepositoryRow& x, const RepositoryRow& y) {
                      return x == y || x.ref() == y.ref();
                    });
}

/// For each row, the first changed row from there on.
std::vector<std::size_t> next_changed(const RegistrySnapshot& before, const RegistrySnapshot& now) {
  std::vector<std::size_t> next(now.rows.size());
  std::size_t changed = now.rows.size();
  for (std::size_t i = now.rows.size(); i-- > 0;) {
    const RepositoryRow& row = now.rows[i];
    if (row != before.rows[i]) changed = i;
    next[i] = changed;
  }
  return next;
}

/// Of the rows [begin, end), those that are rendered. `changed`: empty, or that of next_changed().
void prefetch_rows(const RegistrySnapshot& snapshot, const std::vector<std::size_t>& changed,
                   std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    if (!changed.empty()) i = changed[i];  // Passes over those that have not changed.
    if (i >= end) return;
    for (const StreamCell& cell : snapshot.rows[i].cells) {
      prefetch(cell.view.get());
      prefetch(cell.shown.get());
    }
  }
}

/// Puts blocks of last time, found by their keys, in the place of new ones that say the same.
void keep_same(RenderedFamily& family, const RenderedFamily& before) {
  std::unordered_map<std::uint64_t, std::shared_ptr<Block>> known;
  known.reserve(before.blocks.size());
  for (const auto& block : before.blocks) known.emplace(block->key(), block);
  for (std::shared_ptr<Block>& block : family.blocks) {
    const auto found = known.find(block->key());
    if (found != known.end() && found->second->says(block->text(), block->row_ends())) {
      block = found->second;
    }
  }
}

/// All families that a registry has, before any row is rendered.
std::vector<FamilyLines> begin_families(const SnapshotSource& source, RenderedRegistry* before,
                                        const std::vector<std::size_t>* changed) {
  std::vector<FamilyLines> all;
  for (const Family& family : families()) {
    if (!concerns(family, source.snapshot) || is_disabled(family, source.options)) continue;
    RenderedFamily* family_before = before == nullptr ? nullptr : before->find(family);
    const KnownLines known = changed == nullptr ? KnownLines{} : KnownLines{family_before, changed};
    all.push_back({&family, family_before, Lines(family, source, known)});
  }
  return all;
}

}  // namespace

const RenderedFamily* RenderedRegistry::find(const Family& family) const {
  const auto found = families.find(&family);
  return found == families.end() ? nullptr : &found->second;
}

RenderedFamily* RenderedRegistry::find(const Family& family) {
  const auto found = families.find(&family);
  return found == families.end() ? nullptr : &found->second;
}

RenderedRegistry render_registry(std::shared_ptr<const RegistrySnapshot> snapshot,
                                 std::optional<RenderedRegistry> before,
                                 const ExpositionOptions& options, ExpositionFormat format) {
  RenderedRegistry rendered;
  const bool known_rows = before && same_rows(*before->snapshot, *snapshot);
  rendered.labels =
      known_rows
          ? before->labels
          : std::make_shared<const std::vector<RowLabels>>(make_row_labels(*snapshot, format));
  std::vector<std::size_t> changed;
  if (known_rows) changed = next_changed(*before->snapshot, *snapshot);
  const SnapshotSource source{*snapshot, *rendered.labels, options, format};
  std::vector<FamilyLines> all =
      begin_families(source, before ? &*before : nullptr, known_rows ? &changed : nullptr);
  const std::size_t rows = snapshot->rows.size();
  for (std::size_t end = 0; end < rows;) {
    end = std::min(end + kRowsTogether, rows);
    prefetch_rows(*snapshot, changed, end, std::min(end + kRowsTogether, rows));
    for (FamilyLines& each : all) each.lines.render_rows(end);
  }
  for (FamilyLines& each : all) {
    RenderedFamily family = each.lines.finish();
    if (!known_rows && each.before != nullptr) keep_same(family, *each.before);
    if (!family.blocks.empty()) rendered.families.emplace(each.family, std::move(family));
  }
  rendered.snapshot = std::move(snapshot);
  return rendered;
}

}  // namespace registry_exporter::exposition
