#pragma once

#include <functional>
#include <set>
#include <string>
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

}  // namespace registry_exporter::swr_ee
