#include "exporter/exposition/catalog.h"

#include <algorithm>
#include <vector>

namespace registry_exporter::exposition {

std::span<const Family> families() {
  static const std::vector<Family> all = [] {
    std::vector<Family> joined;
    for (const auto part : {acr_families(), swr_families(), sync_families(), swr_ee_families(),
                            exporter_families(), process_families()}) {
      joined.insert(joined.end(), part.begin(), part.end());
    }
    return joined;
  }();
  return all;
}

const Family* find_family(std::string_view name) {
  const auto found = std::find_if(families().begin(), families().end(),
                                  [name](const Family& family) { return family.name == name; });
  return found == families().end() ? nullptr : &*found;
}

}  // namespace registry_exporter::exposition
