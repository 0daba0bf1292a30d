#include "exporter/ingest/history_details.h"

#include <algorithm>

namespace registry_exporter::ingest {
namespace {

constexpr int kTriesMax = 4;
constexpr Millis kFirstPause{500};
/// Records in a row that can't be read before the rest is not asked for any more.
constexpr int kGivenUpMax = 5;

Record as_listed(const PastRecord& past) {
  Record record;
  record.id = past.id_of_details;
  record.key = past.key;
  record.started_at = past.started_at;
  record.ended_at = past.ended_at;
  record.outcome = past.outcome;
  record.needs_details = true;
  return record;
}

Result<std::vector<Part>> parts_of(Cloud& cloud, const ListRef& list, const Record& listed,
                                   const std::function<void(Millis)>& pause) {
  for (int tries = 1;; ++tries) {
    Result<Record> record = cloud.read_details(list, listed);
    if (record && !record->needs_details) return std::move(record->parts);
    if (record) return fail(ErrorKind::not_found, "not all of what it did is known yet");
    const Error& error = record.error();
    const ErrorTraits it = traits(error.kind);
    if (it.lasting || it.fails_every_call || tries == kTriesMax)
      return tl::unexpected<Error>(error);
    // The nth failure is followed by 2^n times the pause.
    pause(kFirstPause * (1 << tries));
  }
}

void add(MissingDetails& missing, const PastRecord& record, const std::string& reason) {
  const bool names_time = record.started_at && (missing.records == 0 || missing.whole_since);
  if (missing.records++ == 0) missing.reason = "record " + record.id_of_details + ": " + reason;
  if (!names_time) return missing.whole_since.reset();
  const UnixMillis behind = *record.started_at + Millis{1};
  missing.whole_since = std::max(missing.whole_since.value_or(behind), behind);
}

}  // namespace

MissingDetails read_details(Cloud& cloud, const ListRef& list, std::vector<PastRecord>& records,
                            const std::function<void(Millis)>& pause) {
  std::vector<PastRecord*> wanted;
  for (PastRecord& record : records) {
    if (!record.id_of_details.empty()) wanted.push_back(&record);
  }
  std::sort(wanted.begin(), wanted.end(), [](const PastRecord* a, const PastRecord* b) {
    return std::pair(a->started_at, a->key) > std::pair(b->started_at, b->key);
  });
  MissingDetails missing;
  int given_up = 0;  // In a row.
  for (PastRecord* record : wanted) {
    if (given_up >= kGivenUpMax) {
      add(missing, *record, "not tried");
      continue;
    }
    auto parts = parts_of(cloud, list, as_listed(*record), pause);
    if (parts) {
      record->parts = std::move(*parts);
      given_up = 0;
      continue;
    }
    given_up = traits(parts.error().kind).fails_every_call ? kGivenUpMax : given_up + 1;
    add(missing, *record, parts.error().detail);
  }
  return missing;
}

}  // namespace registry_exporter::ingest
