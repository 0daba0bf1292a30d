#include "exporter/exposition/lines.h"

#include <algorithm>

namespace registry_exporter::exposition {

Lines::Lines(const Family& family, const SnapshotSource& source, const KnownLines& known)
    : source_(source), writer_(source.format), known_(known) {
  if (const auto* registry = std::get_if<RenderRegistry>(&family.render)) {
    (*registry)(family, source, writer_);
  } else if (const auto* rows = std::get_if<RenderRows>(&family.render)) {
    write_row_ = (*rows)(family, source);
  }
  if (write_row_) next_row_ = go_on_from(0);
}

void Lines::render_rows(std::size_t end) {
  if (!write_row_) return;
  while (next_row_ < end) {
    write_row_(source_.snapshot.rows[next_row_], source_.labels[next_row_].text, writer_);
    if (!changed_row_) close_row(next_row_);
    next_row_ = go_on_from(next_row_ + 1);
  }
}

/// Of a known block only the rows that have changed are rendered. Where they say the same, it is
/// kept; otherwise its other rows are copied. The rows behind the last block had no lines.
std::size_t Lines::go_on_from(std::size_t row) {
  if (known_.changed == nullptr || row < rendered_until_) return row;
  if (changed_row_) end_changed_row(*std::exchange(changed_row_, std::nullopt));
  const std::size_t all = known_.changed->size();
  for (;;) {
    const bool is_behind = is_behind_known();
    const std::size_t end = is_behind ? all : known_.family->rows[next_known_].end;
    const std::size_t changed = row < end ? (*known_.changed)[row] : end;
    if (changed < end) {
      if (!begins_known_block(row) || !most_changed(row, end)) {
        changed_row_ = changed;
        return changed;
      }
      ++next_known_;
      rendered_until_ = end;
      return row;
    }
    if (is_behind) return all;
    end_known_block();
    row = end;
  }
}

bool Lines::is_behind_known() const {
  return known_.family == nullptr || next_known_ == known_.family->blocks.size();
}

bool Lines::begins_known_block(std::size_t row) const {
  return !is_behind_known() && known_.family->rows[next_known_].begin == row;
}

/// Copying would cost more than it saves.
bool Lines::most_changed(std::size_t begin, std::size_t end) const {
  std::size_t changed = 0;
  for (std::size_t row = begin; row < end && (row = (*known_.changed)[row]) < end; ++row) ++changed;
  return 2 * changed > end - begin;
}

void Lines::end_changed_row(std::size_t row) {
  if (is_behind_known()) return close_row(row);
  const Block& block = *known_.family->blocks[next_known_];
  const std::string_view now = writer_.text().substr(row_begins_);
  if (now != block.row(row - known_.family->rows[next_known_].begin)) {
    changed_rows_.push_back({row, std::string(now)});
  }
  writer_.shrink(row_begins_);
}

void Lines::end_known_block() {
  const RowRange rows = known_.family->rows[next_known_];
  const std::shared_ptr<Block> block = known_.family->blocks[next_known_++];
  // The last block goes on where rows behind it have lines now.
  const bool goes_on = is_behind_known() && rows.end < known_.changed->size() &&
                       (*known_.changed)[rows.end] < known_.changed->size();
  const bool fits = writer_.size() == 0 && rows_done_ == rows.begin;
  if (changed_rows_.empty() && fits && !goes_on) {
    return add(block, rows);
  }
  auto changed = changed_rows_.begin();
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    const bool has_changed = changed != changed_rows_.end() && changed->row == row;
    writer_.append(has_changed ? (changed++)->text : block->row(row - rows.begin));
    close_row(row);
  }
  changed_rows_.clear();
}

void Lines::close_row(std::size_t row) {
  const std::uint64_t row_hash = source_.labels[row].hash;
  const std::size_t row_bytes = writer_.size() - row_begins_;
  if (row_bytes == 0) return;
  if (row_begins_ == 0) key_ = row_hash;
  while (row_ends_.size() < row - rows_done_) {
    row_ends_.push_back(static_cast<std::uint32_t>(row_begins_));
  }
  row_begins_ = writer_.size();
  row_ends_.push_back(static_cast<std::uint32_t>(row_begins_));
  const std::size_t most =
      source_.format == ExpositionFormat::protobuf ? kProtobufBlockBytes : kBlockBytes;
  const std::size_t usual = std::clamp(kBlockRows * row_bytes, most / 4, most);
  // One row in (usual / row_bytes) is a border, always the same ones.
  const std::size_t least = std::max(usual / 4, kSharedBytesMin);
  const bool border = writer_.size() >= least && (row_hash >> 32) * usual >> 32 < row_bytes;
  if (border || writer_.size() >= 4 * usual) cut();
}

void Lines::cut() {
  const RowRange rows{rows_done_, rows_done_ + row_ends_.size()};
  std::shared_ptr<Block> block = known_block();
  if (block == nullptr || !block->says(writer_.text(), row_ends_)) {
    // Copied, so that the memory of both serves the next block.
    block = std::make_shared<Block>(key_, std::string(writer_.text()), row_ends_);
  }
  writer_.shrink(0);
  row_ends_.clear();
  row_begins_ = 0;
  key_ = 0;
  add(std::move(block), rows);
}

/// The block of last time that began with the same row.
std::shared_ptr<Block> Lines::known_block() const {
  if (known_.family == nullptr) return nullptr;
  const auto& [blocks, rows] = *known_.family;
  const bool same_row = first_known_ < rows.size() && rows[first_known_].begin == rows_done_;
  return same_row ? blocks[first_known_] : nullptr;
}

/// Lets go of the blocks of last time whose rows are done: old and new lines take no more memory
/// together than they have to.
void Lines::add(std::shared_ptr<Block> block, RowRange rows) {
  done_.blocks.push_back(std::move(block));
  done_.rows.push_back(rows);
  rows_done_ = rows.end;
  for (; first_known_ < next_known_; ++first_known_) known_.family->blocks[first_known_] = nullptr;
}

RenderedFamily Lines::finish() {
  if (writer_.size() > 0) cut();
  return std::move(done_);
}

}  // namespace registry_exporter::exposition
