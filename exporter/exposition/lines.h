#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/exposition/block.h"
#include "exporter/exposition/render.h"
#include "exporter/exposition/sample_writer.h"

namespace registry_exporter::exposition {

/// One family's lines of last time, for the same rows in the same order.
struct KnownLines {
  /// nullptr: it had none. Its blocks are set to nullptr once their rows are done.
  RenderedFamily* family = nullptr;
  const std::vector<std::size_t>* changed = nullptr;  ///< For each row, the next changed one.
};

/// Renders one family of one snapshot into blocks of lines. Blocks end, as a rule, at rows that are
/// borders by their names. So a number that grows by a digit, or a new repository, changes one
/// block and not all blocks behind it.
class Lines {
 public:
  /// The usual size of a block. Smaller when a row has only one or two lines, so that a change
  /// affects few other rows. Not much smaller: larger blocks compress better.
  static constexpr std::size_t kBlockBytes = 16UL * 1024;
  static constexpr std::size_t kBlockRows = 32;
  /// A row in protobuf is a quarter of the text: as many rows are affected by a change.
  static constexpr std::size_t kProtobufBlockBytes = kBlockBytes / 4;

  /// All that is given outlives it. `known`: set if the rows are those of last time. Already writes
  /// what stands before the first row to render.
  Lines(const Family& family, const SnapshotSource& source, const KnownLines& known = {});

  /// Renders the rows that come next, those before number `end`.
  void render_rows(std::size_t end);
  /// Returns the lines, after all rows.
  RenderedFamily finish();

 private:
  /// Finishes what stands before the row to render next, which is returned: `row`, or, where lines
  /// are known, the next one that has changed.
  std::size_t go_on_from(std::size_t row);
  /// A row that is rendered anew, and differs from last time.
  struct ChangedRow {
    std::size_t row = 0;
    std::string text;
  };
  bool is_behind_known() const;
  bool begins_known_block(std::size_t row) const;
  bool most_changed(std::size_t begin, std::size_t end) const;
  void end_changed_row(std::size_t row);
  void end_known_block();
  void close_row(std::size_t row);
  void cut();
  std::shared_ptr<Block> known_block() const;
  void add(std::shared_ptr<Block> block, RowRange rows);

  const SnapshotSource& source_;
  SampleWriter writer_;
  WriteRow write_row_;        ///< Empty: the family has no rows.
  std::size_t next_row_ = 0;  ///< To render.
  // The block under way.
  std::uint64_t key_ = 0;
  std::size_t row_begins_ = 0;  ///< Where the row under way begins in the text.
  std::vector<std::uint32_t> row_ends_;
  std::size_t rows_done_ = 0;  ///< Those of the blocks before it.
  RenderedFamily done_;
  // What is known, while it is gone through.
  const KnownLines known_;
  std::size_t next_known_ = 0;              ///< The block that has the next row.
  std::size_t first_known_ = 0;             ///< The blocks before it are let go.
  std::size_t rendered_until_ = 0;          ///< Each row before it is rendered, changed or not.
  std::optional<std::size_t> changed_row_;  ///< It is being rendered.
  std::vector<ChangedRow> changed_rows_;    ///< Of the known block, those that differ.
};

}  // namespace registry_exporter::exposition
