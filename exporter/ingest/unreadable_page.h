#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "exporter/base/error.h"
#include "exporter/model/list_end.h"

namespace registry_exporter::ingest {

/// The row behind the last one of a page.
inline std::uint64_t row_behind(const PageRequest& page) {
  return first_row({page.index + 1, page.size});
}
inline bool contains_row(const PageRequest& page, std::uint64_t row) {
  return first_row(page) <= row && row < row_behind(page);
}

/// A page that could not be read, and the search for the rows in it that are to blame. It says what
/// to ask for next, and is told which of that failed and which could be read. Pure.
///
///  - First, single rows of the head may show that anything of the list can be read at all.
///  - Then smaller and smaller pages find the rows that fail; the others are read.
///  - If that would take too long, or many rows fail: a row behind the page, which shows whether
///    the list goes on; or the page behind it, and the rest of this one is left out.
class UnreadablePage {
 public:
  UnreadablePage(const PageRequest& page, Error error);

  const PageRequest& page() const { return page_; }
  const Error& error() const { return error_; }
  /// The first row that can't be read, as far as known.
  std::uint64_t first_failed_row() const { return row_; }
  bool has_failed_rows() const { return rows_failed_ > 0; }

  bool is_probing() const { return step_ == Step::probe; }
  bool asks_behind() const { return step_ == Step::behind; }
  bool asks_beyond() const { return step_ == Step::beyond; }

  /// One row, asked for alone to see whether anything of the list can be read.
  PageRequest probe() const;
  /// That row failed: it may be unreadable itself. Returns false if enough were asked for.
  bool probe_another_row();

  /// The page alone is to blame: what to ask for first. `usual_rows`: of the longest page that
  /// lists of this registry had, 0 if not known. `try_slow`: parts of a page that takes too long
  /// are asked for, too.
  PageRequest begin_search(std::size_t usual_rows, bool try_slow);
  /// What to ask for when `asked` failed; nullopt: nothing more of the list can be read.
  std::optional<PageRequest> after_failure(const PageRequest& asked);
  /// A row behind the page could be read: what to ask for within the page.
  PageRequest go_on_within();
  /// What to ask for when `asked`, a part of the page or the page behind it, was read.
  PageRequest after_success(const PageRequest& asked) const;
  /// `next` is the page behind this one, and the search is over.
  bool is_passed_by(const PageRequest& next) const;

 private:
  enum class Step {
    probe,   ///< Whether another part of the list can be read.
    behind,  ///< Whether a row behind the page can be read.
    within,  ///< Smaller pages within the page.
    beyond,  ///< The page behind it.
  };

  int size_to_search(std::size_t usual_rows) const;
  bool is_slow() const;
  PageRequest ask_behind(const PageRequest& failed);
  PageRequest probe_behind() const;
  PageRequest ask_beyond();
  PageRequest divide(const PageRequest& failed);
  PageRequest ask_from(std::uint64_t row) const;

  Step step_ = Step::probe;
  PageRequest page_;  ///< As it was asked for first; later the page behind it, if that fails, too.
  PageRequest failed_;  ///< The part of it that failed last, while a row behind is asked for.
  std::size_t probes_failed_ = 0;  ///< Of the head, or behind the page.
  std::uint64_t row_ = 0;
  int rows_failed_ = 0;            ///< That can't be divided any more.
  std::uint64_t fails_until_ = 0;  ///< Where the smallest part that failed so far ends.
  Error error_;
};

}  // namespace registry_exporter::ingest
