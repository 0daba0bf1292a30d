#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "exporter/base/clock.h"
#include "exporter/model/cloud.h"

/// Where a numbered listing ends. No cloud documents the largest page it gives, and totals may be
/// missing or wrong: both are hints. Pure.
namespace registry_exporter {

inline std::uint64_t first_row(const PageRequest& page) {
  return static_cast<std::uint64_t>(page.index) * static_cast<std::uint64_t>(page.size);
}

/// One answer of a listing, as far as its end is concerned.
struct PageSeen {
  PageRequest asked;
  std::size_t rows = 0;
  std::optional<std::uint64_t> total;  ///< What the server says the list has.
  std::optional<int> size_told;        ///< The page size that the server says it used.
};

enum class ListEnd {
  here,
  not_yet,   ///< The page is full, or the total promises more.
  unproven,  ///< Ask once more: a page without rows though the total promises some, or a first
             ///< page shorter than asked for, which a limit of the server may have cut.
};

/// `short_below`: a page of fewer rows is known not to be cut by a limit of the server (see
/// PageLimit). A page after the first is compared with the size that the pages before it had.
ListEnd list_end(const PageSeen& page, std::size_t short_below);

/// The size to go on with. A first page that was cut short tells the server's own limit: with that
/// limit as the size, the next page begins where this one ended, on every kind of server.
int next_page_size(const PageSeen& page);

/// How sure it is that a list has ended where a total promises more, from page to page. A short
/// page and one without rows are enough, or three without rows: the same again, in case it was a
/// mistake, and the one behind it.
class SignsOfEnd {
 public:
  /// True: believed.
  bool saw(const PageSeen& page);
  /// The page without rows is read once more before the next one is.
  bool same_again() const { return empty_ == 1; }

 private:
  bool short_ = false;  ///< The page before.
  int empty_ = 0;       ///< In a row.
};

/// Whether the second page repeats a short first one of `rows` that its total says was all: a
/// server that ignores the page's number shows everything at once.
bool shows_all_at_once(const PageSeen& second, std::size_t rows, std::size_t fresh);

/// The largest page that a server gave lately. A page of fewer rows is short because its list ends
/// there. Servers change: what was seen too long ago proves nothing. Not thread-safe.
class PageLimit {
 public:
  explicit PageLimit(Millis trusted_for) : trusted_for_(trusted_for) {}
  void saw(std::size_t rows, SteadyTime now);
  std::size_t short_below(SteadyTime now) const;

 private:
  Millis trusted_for_;
  std::size_t rows_ = 0;
  SteadyTime seen_at_{};
};

}  // namespace registry_exporter
