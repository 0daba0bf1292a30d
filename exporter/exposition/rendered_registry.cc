#include "exporter/exposition/rendered_registry.h"

#include <algorithm>
#include <unordered_map>

#include "exporter/exposition/catalog.h"

namespace registry_exporter::exposition {
namespace {

/// Rows are rendered for all families, so many at a time: they stay in the processor's cache.
constexpr std::size_t kRowsTogether = 64;

/// A family while it is rendered.
struct FamilyLines {
  const Family* family;
  const RenderedFamily* before;  ///< nullptr: it had no lines.
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

std::unordered_map<std::uint64_t, std::shared_ptr<Block>> by_key(const RenderedFamily* family) {
  std::unordered_map<std::uint64_t, std::shared_ptr<Block>> blocks;
  if (family == nullptr) return blocks;
  blocks.reserve(family->blocks.size());
  for (const auto& block : family->blocks) blocks.emplace(block->key(), block);
  return blocks;
}

RenderedFamily to_family(std::vector<LineBlock> lines, const RenderedFamily* before) {
  const bool all_known =
      std::all_of(lines.begin(), lines.end(), [](const LineBlock& each) { return each.known; });
  const auto known = by_key(all_known ? nullptr : before);
  RenderedFamily family;
  family.blocks.reserve(lines.size());
  family.rows.reserve(lines.size());
  for (LineBlock& each : lines) {
    family.rows.push_back(each.rows);
    if (each.known) {
      family.blocks.push_back(std::move(each.known));
      continue;
    }
    const auto found = known.find(each.key);
    const bool same = found != known.end() && found->second->is_same(each);
    family.blocks.push_back(same ? found->second : std::make_shared<Block>(std::move(each)));
  }
  return family;
}

}  // namespace

const RenderedFamily* RenderedRegistry::find(const Family& family) const {
  const auto found = families.find(&family);
  return found == families.end() ? nullptr : &found->second;
}

const DeflatedPiece& Block::deflated() {
  std::call_once(once_, [this] { deflated_ = deflate_piece(*text_); });
  return deflated_;
}

std::shared_ptr<const RenderedRegistry> render_registry(
    std::shared_ptr<const RegistrySnapshot> snapshot, const RenderedRegistry* before,
    const ExpositionOptions& options, ExpositionFormat format) {
  auto rendered = std::make_shared<RenderedRegistry>();
  const bool known_rows = before != nullptr && same_rows(*before->snapshot, *snapshot);
  rendered->labels =
      known_rows
          ? before->labels
          : std::make_shared<const std::vector<RowLabels>>(make_row_labels(*snapshot, format));
  std::vector<std::size_t> changed;
  if (known_rows) changed = next_changed(*before->snapshot, *snapshot);
  const SnapshotSource source{*snapshot, *rendered->labels, options, format};
  std::vector<FamilyLines> lines;
  for (const Family& family : families()) {
    if (!concerns(family, *snapshot) || is_disabled(family, options)) continue;
    const RenderedFamily* family_before = before == nullptr ? nullptr : before->find(family);
    const KnownLines known = known_rows ? KnownLines{family_before, &changed} : KnownLines{};
    lines.push_back({&family, family_before, Lines(family, source, known)});
  }
  const std::size_t rows = snapshot->rows.size();
  for (std::size_t end = 0; end < rows;) {
    end = std::min(end + kRowsTogether, rows);
    for (FamilyLines& each : lines) each.lines.render_rows(end);
  }
  for (FamilyLines& each : lines) {
    RenderedFamily family = to_family(each.lines.finish(), each.before);
    if (!family.blocks.empty()) rendered->families.emplace(each.family, std::move(family));
  }
  rendered->snapshot = std::move(snapshot);
  return rendered;
}

}  // namespace registry_exporter::exposition
