#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/ingest/ledger_rules.h"
#include "exporter/ingest/sweep_progress.h"
#include "exporter/model/ledger.h"

namespace registry_exporter::ingest {

/// Which open records one visit has not met yet. Some can be asked for by id, in turns; the list
/// alone tells of the others.
class OpenRecordSearch {
 public:
  /// `by_id`: single records may be asked for.
  explicit OpenRecordSearch(bool by_id) : by_id_(by_id) {}

  /// The list showed it. One that has ended is asked for all the same: for its details.
  void note_met(RecordKey key) { met_.push_back(key); }
  std::vector<const OpenRecord*> missing_in_list(const Ledger& ledger,
                                                 const SweepProgress& progress) const;

  /// Some that have ended can be asked for, in this visit or the next.
  bool awaits_details(const Ledger& ledger, const SweepProgress& progress) const;

  /// The id to ask for next. nullopt: all are met, or enough were asked for in this visit.
  std::optional<std::string> next_id(const Ledger& ledger, const SweepProgress& progress) const;
  /// The answer to next_id().
  void apply(Ledger& ledger, SweepProgress& progress, const Result<Record>& record,
             const MergeContext& context, MergeEffects& effects);

 private:
  bool may_ask(RecordKey key, const SweepProgress& progress) const;
  std::vector<const OpenRecord*> missing(const Ledger& ledger, const SweepProgress& progress,
                                         bool by_id) const;
  void note_failed_id(SweepProgress& progress, RecordKey key, const Error& error);

  bool by_id_;
  std::vector<RecordKey> met_;
  std::vector<RecordKey> answered_;  ///< By id.
  int asked_ = 0;
  int failed_ = 0;
};

}  // namespace registry_exporter::ingest
