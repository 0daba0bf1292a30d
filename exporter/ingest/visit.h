#pragma once

#include <optional>

#include "exporter/ingest/lessons.h"
#include "exporter/ingest/list_reader.h"
#include "exporter/ingest/tracked_list.h"
#include "exporter/model/cloud.h"

namespace registry_exporter::ingest {

ListReaderOptions list_reader_options(const TrackedList& list, const ReadRules& rules,
                                      const ListLessons& lessons, SteadyTime now, UnixMillis wall);

/// Asks for what the request says.
ListAnswer ask_cloud(Cloud& cloud, const ListRef& list, const ListRequest& request);

/// What a visit came to.
struct VisitResult {
  std::optional<Error> error;       ///< The visit could not be finished.
  bool complete = false;            ///< The list is up to date.
  std::optional<bool> sweep_ok;     ///< Set when a sweep ended: was it clean?
  std::optional<Error> unreadable;  ///< Why rows were left unread, though others were read.
};

/// One visit to one list: asks for pages and records until its ListReader is done, and merges the
/// answers into the list. The caller asks the cloud between next() and take(), without the lock
/// that guards the list. Pure but for the list, and, in finish(), the lessons.
class Visit {
 public:
  Visit(TrackedList& list, const ListReaderOptions& options);

  /// nullopt: the visit is over.
  std::optional<ListRequest> next() const;
  /// Merges an answer. `wall`: the time of it where the answer has none of its own.
  MergeEffects take(const ListAnswer& answer, const ReadRules& rules, UnixMillis wall);
  void fail(const Error& error) { error_ = error; }
  bool failed() const { return error_.has_value(); }
  bool awaits_details() const { return reader_.awaits_details(list_.state.ledger); }

  VisitResult finish(ListLessons& lessons);

 private:
  MergeEffects take_page(const Result<Page>& page, MergeContext context);
  MergeEffects take_record(const Result<Record>& record, const MergeContext& context);
  void learn(const MergeEffects& effects, bool more_known);
  void judge_hints(Hints& hints) const;

  /// True if another repository has this name now: pending answers are about the old one.
  bool is_void() const { return list_.state.ref != of_; }

  TrackedList& list_;
  const RepositoryRef of_;
  ListReader reader_;
  std::optional<Error> error_;
  const bool hinted_;   ///< The listing had changed.
  const bool noticed_;  ///< There was a notice.
  const std::optional<UnixMillis> listed_at_;
  const std::optional<UnixMillis> last_read_;
  bool news_ = false;                      ///< Anything that was not known before.
  std::optional<UnixMillis> oldest_news_;  ///< When the first of it happened.
};

}  // namespace registry_exporter::ingest
