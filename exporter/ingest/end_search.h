#pragma once

#include <cstddef>
#include <optional>

#include "exporter/model/list_end.h"

namespace registry_exporter::ingest {

/// Finds the end of a list in one walk. What list_end() says of one page is not enough: a short
/// page may be the last, or cut by a limit of the server. Then the row behind it is asked for.
/// Pure.
class EndSearch {
 public:
  /// What one page may prove.
  struct Rules {
    std::size_t short_below = 0;    ///< See list_end().
    bool proves_later_end = false;  ///< A short page after the first is never believed at once.
    bool may_ask_behind = true;
  };

  EndSearch() = default;
  /// Of a walk whose last page with rows was `last_page`.
  explicit EndSearch(int last_page) : last_page_(last_page) {}

  /// The last page that has rows, as far as known.
  void set_last_page(int index) { last_page_ = index; }
  int last_page() const { return last_page_; }

  /// Whether nothing is listed after this page. `fresh`: its records that are new to this walk.
  bool is_end(const PageSeen& page, std::size_t fresh, const Rules& rules);
  /// The page to ask for after this one, which is not the end.
  PageRequest next(const PageSeen& page);

  /// The row behind a short page is asked for; `short_page` is that one.
  bool asks_behind() const { return short_page_.has_value(); }
  const PageRequest& short_page() const { return short_page_->asked; }
  /// All of the list fits into its first page, which is shorter than was asked for.
  bool is_one_short_page() const { return first_rows_ && last_page_ == 0; }

 private:
  struct ShortPage {
    PageRequest asked;
    std::size_t rows = 0;
  };

  PageRequest next_behind_short_page(const PageSeen& page);

  int last_page_ = 0;
  std::optional<std::size_t> first_rows_;  ///< Of a first page that was short.
  std::optional<ShortPage> short_page_;    ///< A later one, which may be the last.
  SignsOfEnd signs_;
};

}  // namespace registry_exporter::ingest
