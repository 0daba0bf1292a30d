#pragma once

#include <cstddef>

#include "exporter/model/list_end.h"

namespace registry_exporter::cloud {

/// Turns the pages of one listing to its end: which page comes next, and whether all was seen. Rows
/// may appear, go and move meanwhile. Pure.
class ListPages {
 public:
  /// `short_below`: as of list_end().
  ListPages(int page_size, std::size_t short_below) : size_(page_size), short_below_(short_below) {}

  PageRequest next() const { return {index_, size_}; }
  /// The answer to next(). `fresh`: rows not met on earlier pages.
  void take(PageSeen page, std::size_t fresh);
  bool over() const { return over_; }
  /// The end was reached: nothing that is listed is missing.
  bool whole() const { return whole_; }

 private:
  int index_ = 0;
  int size_;
  std::size_t short_below_;
  SignsOfEnd signs_;
  std::optional<std::uint64_t> total_;  ///< As told last.
  std::size_t first_rows_ = 0;          ///< Of the first page.
  int empty_lists_ = 0;                 ///< Times that the first page had no rows.
  int stale_pages_ = 0;
  bool whole_ = false;
  bool over_ = false;
};

}  // namespace registry_exporter::cloud
