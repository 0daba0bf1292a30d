#include "exporter/exposition/rendered_registry.h"

#include <algorithm>
#include <unordered_map>

namespace registry_exporter {
namespace {

bool same_repositories(const RegistrySnapshot& a, const RegistrySnapshot& b) {
  return std::equal(a.rows.begin(), a.rows.end(), b.rows.begin(), b.rows.end(),
                    [](const RepositoryRow& x, const RepositoryRow& y) {
                      return x.view == y.view || x.view->ref == y.view->ref;
                    });
}

Blocks to_blocks(std::vector<LineBlock> texts, const Blocks* before) {
  std::unordered_map<std::uint64_t, std::shared_ptr<Block>> known;
  if (before != nullptr) {
    for (const auto& block : *before) known.emplace(block->key(), block);
  }
  Blocks blocks;
  blocks.reserve(texts.size());
  for (LineBlock& lines : texts) {
    const auto found = known.find(lines.key);
    const bool same = found != known.end() && *found->second->text() == lines.text;
    blocks.push_back(same ? found->second : std::make_shared<Block>(std::move(lines)));
  }
  return blocks;
}

}  // namespace

const DeflatedPiece& Block::deflated() {
  std::call_once(once_, [this] { deflated_ = deflate_piece(*text_); });
  return deflated_;
}

std::shared_ptr<const RenderedRegistry> render_registry(
    std::shared_ptr<const RegistrySnapshot> snapshot, const RenderedRegistry* before,
    const ExpositionOptions& options, ExpositionFormat format) {
  auto rendered = std::make_shared<RenderedRegistry>();
  const bool same_labels = before != nullptr && same_repositories(*before->snapshot, *snapshot);
  rendered->labels =
      same_labels ? before->labels
                  : std::make_shared<const std::vector<RowLabels>>(make_row_labels(*snapshot));
  const RenderSource source{*snapshot, *rendered->labels, options, format};
  const auto& disabled = options.disabled;
  Lines lines;
  for (const Family& family : families()) {
    if (std::find(disabled.begin(), disabled.end(), family.name) != disabled.end()) continue;
    const Blocks* blocks_before = nullptr;
    if (before != nullptr) {
      const auto found = before->families.find(family.name);
      if (found != before->families.end()) blocks_before = &found->second;
    }
    Blocks blocks = to_blocks(render_family(family, source, lines), blocks_before);
    if (!blocks.empty()) rendered->families.emplace(family.name, std::move(blocks));
  }
  rendered->snapshot = std::move(snapshot);
  return rendered;
}

}  // namespace registry_exporter
