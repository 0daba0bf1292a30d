#include "exporter/ingest/open_record_search.h"

#include <doctest/doctest.h>

using namespace registry_exporter;
using namespace registry_exporter::ingest;

namespace {

Ledger with_open(const std::string& id) {
  Ledger ledger;
  OpenRecord open;
  open.id = id;
  open.key = record_key(id);
  ledger.open.push_back(open);
  return ledger;
}

/// The record is asked for in a visit of its own, and the answer is an error.
void visit_fails(Ledger& ledger, SweepProgress& progress, ErrorKind kind) {
  OpenRecordSearch search(true);
  REQUIRE(search.next_id(ledger, progress) == "b-1");
  MergeEffects effects;
  search.apply(ledger, progress, fail(kind, "test"), {}, effects);
}

}  // namespace

TEST_CASE("open records: one that fails for a passing reason is asked for once more by its id") {
  Ledger ledger = with_open("b-1");
  SweepProgress progress;
  visit_fails(ledger, progress, ErrorKind::server_error);
  CHECK(OpenRecordSearch(true).missing_in_list(ledger, progress).empty());
  visit_fails(ledger, progress, ErrorKind::server_error);
  const OpenRecordSearch third(true);
  CHECK_FALSE(third.next_id(ledger, progress));
  CHECK(third.missing_in_list(ledger, progress).size() == 1);
}

TEST_CASE("open records: one that is refused for good is looked for in the list at once") {
  Ledger ledger = with_open("b-1");
  SweepProgress progress;
  visit_fails(ledger, progress, ErrorKind::forbidden);
  const OpenRecordSearch next(true);
  CHECK_FALSE(next.next_id(ledger, progress));
  CHECK(next.missing_in_list(ledger, progress).size() == 1);
}

TEST_CASE("open records: one of which the answer tells nothing is looked for in the list at once") {
  Ledger ledger = with_open("b-1");
  SweepProgress progress;
  OpenRecordSearch search(true);
  REQUIRE(search.next_id(ledger, progress) == "b-1");
  Record record;
  record.id = "b-1";
  record.key = record_key(record.id);
  record.tells_nothing = true;
  MergeEffects effects;
  search.apply(ledger, progress, record, {}, effects);
  CHECK(ledger.open.size() == 1);  // Not ended, though `open` is false.
  CHECK_FALSE(search.next_id(ledger, progress));
  CHECK(search.missing_in_list(ledger, progress).size() == 1);
}
