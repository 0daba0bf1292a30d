#include "exporter/model/record.h"

#include "exporter/base/hash.h"

namespace registry_exporter {

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::success:
      return "success";
    case Outcome::failed:
      return "failed";
    case Outcome::canceled:
      return "canceled";
    case Outcome::other:
      return "other";
    case Outcome::date_rule:
      return "date_rule";
    case Outcome::tag_rule:
      return "tag_rule";
    case Outcome::stopped:
      return "stopped";
  }
  return "other";
}

std::string_view name(Rejection rejection) {
  return rejection == Rejection::id_missing ? "id_missing" : "id_invalid";
}

RecordKey record_key(std::string_view id) {
  constexpr RecordKey kHashed = RecordKey{1} << 63;
  const bool decimal = !id.empty() && id.size() <= 18 && (id[0] != '0' || id.size() == 1) &&
                       id.find_first_not_of("0123456789") == std::string_view::npos;
  RecordKey key = 0;
  if (decimal) {
    for (const char digit : id) key = key * 10 + static_cast<RecordKey>(digit - '0');
    return key;
  }
  return mix(fnv1a(id)) | kHashed;
}

}  // namespace registry_exporter
