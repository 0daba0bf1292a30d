#include "exporter/exposition/family.h"

namespace registry_exporter::exposition {

std::string_view name(FamilyType type) {
  switch (type) {
    case FamilyType::counter:
      return "counter";
    case FamilyType::gauge:
      return "gauge";
    case FamilyType::histogram:
      return "histogram";
  }
  return "gauge";
}

std::string help_of(const Family& family) {
  std::string help(family.help);
  if (is_of_owner(family.scope)) {
    help += " Updated when scraped, kept in between.";
  }
  return help;
}

std::string_view unit_of(const Family& family) {
  std::string_view name = family.name;
  if (name.ends_with("_total")) name.remove_suffix(6);
  for (const std::string_view each : {"seconds", "bytes"}) {
    if (name.ends_with(each)) return each;
  }
  return {};
}

}  // namespace registry_exporter::exposition
