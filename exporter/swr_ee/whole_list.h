#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/cloud/list_pages.h"
#include "exporter/cloud/signed_client.h"
#include "exporter/swr_ee/executions.h"

namespace registry_exporter::swr_ee {

inline constexpr int kPageSizeMax = 100;  // The cloud's own.
inline constexpr int kPagesMax = 1000;

/// Reads a list from its first page to its end: each item once, as it was met first. Rows may
/// appear, go and move meanwhile. `key_of` tells items apart. Errors: those of `ask`; malformed for
/// a list that comes to no end.
template <class Item>
Result<std::vector<Item>> read_whole(
    const std::function<Result<cloud::Answer<ListPage<Item>>>(const PageRequest& page)>& ask,
    const std::function<std::string(const Item& item)>& key_of) {
  std::vector<Item> items;
  std::set<std::string> met;
  cloud::ListPages pages(kPageSizeMax, 0);
  for (int read = 0; read < kPagesMax && !pages.over(); ++read) {
    const PageRequest asked = pages.next();
    auto answer = ask(asked);
    if (!answer) return tl::unexpected<Error>(answer.error());
    ListPage<Item>& page = answer->value;
    std::size_t fresh = page.rows - page.items.size();
    for (Item& item : page.items) {
      if (!met.insert(key_of(item)).second) continue;
      ++fresh;
      items.push_back(std::move(item));
    }
    pages.take({asked, page.rows, page.total, std::nullopt}, fresh);
  }
  if (!pages.whole()) return fail(ErrorKind::malformed, "shape: a list without an end");
  return items;
}

/// Reads a list that is not read again: until its total confirms what was read, or two readings in
/// a row agree (where totals are missing or wrong, or nothing is listed). Errors besides: malformed
/// for a list that differs each time.
template <class Item>
Result<std::vector<Item>> read_whole_confirmed(
    const std::function<Result<cloud::Answer<ListPage<Item>>>(const PageRequest& page)>& ask,
    const std::function<std::string(const Item& item)>& key_of) {
  constexpr int kReadingsMax = 4;
  std::optional<std::set<std::string>> before;
  for (int read = 0; read < kReadingsMax; ++read) {
    std::optional<std::uint64_t> total;
    auto items = read_whole<Item>(
        [&](const PageRequest& page) {
          auto answer = ask(page);
          if (answer && answer->value.total) total = answer->value.total;
          return answer;
        },
        key_of);
    if (!items || (!items->empty() && total == items->size())) return items;
    std::set<std::string> keys;
    for (const Item& item : *items) keys.insert(key_of(item));
    if (before == keys) return items;
    before = std::move(keys);
  }
  return fail(ErrorKind::malformed, "shape: a list that differs each time it is read");
}

}  // namespace registry_exporter::swr_ee
