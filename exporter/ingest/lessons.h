#pragma once

#include <map>
#include <optional>
#include <span>
#include <variant>

#include "exporter/ingest/schedule.h"
#include "exporter/model/cloud.h"
#include "exporter/model/list_end.h"

namespace registry_exporter::ingest {

/// What the cloud answered to a ListRequest.
using ListAnswer = std::variant<Result<Page>, Result<Record>>;

/// Whether records can be read by their ids. Where three in a row are refused, none is asked for
/// until some time has passed.
class PointReads {
 public:
  void note(const Result<Record>& record, Millis pause, SteadyTime now);
  bool allowed(SteadyTime now) const { return !off_until_ || now >= *off_until_; }

 private:
  int refused_in_a_row_ = 0;
  std::optional<SteadyTime> off_until_;
};

/// What reading each list teaches about all lists of its kind.
struct ListLessons {
  Hints hints;
  PageLimit page_limit;
  PointReads point_reads;

  /// `pause`: how long point reads that are refused are left alone.
  void learn(const ListAnswer& answer, Millis pause, SteadyTime now);
};

/// Of each kind that a registry collects.
class Lessons {
 public:
  Lessons(std::span<const StreamKind* const> kinds, const PageLimit& page_limit);
  ListLessons& of(const StreamKind& kind) { return by_kind_.at(&kind); }
  const Hints& hints_of(const StreamKind& kind) const { return by_kind_.at(&kind).hints; }
  /// Notices of some kind have been worth following so far.
  bool notices_help() const;

 private:
  std::map<const StreamKind*, ListLessons> by_kind_;
};

}  // namespace registry_exporter::ingest
