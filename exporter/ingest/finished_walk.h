#pragma once

#include "exporter/ingest/ledger_rules.h"
#include "exporter/ingest/sweep_progress.h"
#include "exporter/ingest/walk_run.h"

namespace registry_exporter::ingest {

struct SweepResult {
  bool clean = false;       ///< All of the list was read, and nothing can have been jumped.
  bool read_again = false;  ///< It is not believed: the list is to be read from its start again.
};

/// A walk that came to its end, and what follows from it for the ledger. Pure.
class FinishedWalk {
 public:
  /// `list_ended`: it came to the end of the list. `run` and `options` have to outlive this.
  FinishedWalk(const WalkRun& run, const ListReaderOptions& options, bool list_ended)
      : run_(run), options_(options), list_ended_(list_ended) {}

  /// Records may have come and gone since the last reading, unseen.
  bool is_gap() const;
  /// What was taken for the tail of an oldest-first list did not hold its newest record.
  bool lost_tail(const Ledger& ledger) const;

  void close_head_walk(Ledger& ledger, const SweepProgress& progress) const;
  SweepResult close_sweep(Ledger& ledger, SweepProgress& progress, MergeEffects& effects) const;

 private:
  void remember_tail(Ledger& ledger) const;
  void judge_total(Ledger& ledger, const SweepProgress& progress) const;
  bool agrees_with_total(SweepProgress& progress) const;
  /// History that ended before then may not have been met.
  std::optional<UnixMillis> may_have_jumped(const Ledger& ledger) const;
  void end_first_reading(Ledger& ledger, MergeEffects& effects) const;
  void apply_findings(Ledger& ledger, const SweepProgress& progress, MergeEffects& effects) const;

  const WalkRun& run_;
  const ListReaderOptions& options_;
  bool list_ended_;
};

}  // namespace registry_exporter::ingest
