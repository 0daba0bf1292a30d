#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/model/repository.h"

namespace registry_exporter {

/// How a record ended: a build's status or the template of the rule that deleted a tag. Stored in
/// the state by number: append only.
enum class Outcome : std::uint8_t {
  success,
  failed,
  canceled,
  other,
  date_rule,
  tag_rule,
  stopped
};
inline constexpr std::size_t kOutcomes = 7;
/// Label value: "success", …, "date_rule".
std::string_view name(Outcome outcome);

/// One number per outcome.
template <class T>
struct PerOutcome {
  std::array<T, kOutcomes> values{};
  T& operator[](Outcome outcome) { return values[static_cast<std::size_t>(outcome)]; }
  const T& operator[](Outcome outcome) const { return values[static_cast<std::size_t>(outcome)]; }
  bool operator==(const PerOutcome&) const = default;
};

/// Recognises a record within its repository: a decimal id below 2^63 itself (SWR), or a 64-bit
/// hash of the text (ACR), with the top bit set.
using RecordKey = std::uint64_t;
RecordKey record_key(std::string_view id);

/// What a record adds to something else when it counts: the tags that an execution deleted from one
/// repository, the artifacts that a replication copied.
struct Part {
  RepositoryRef owner;
  Outcome outcome = Outcome::other;
  std::uint64_t amount = 0;
  bool operator==(const Part&) const = default;
};

/// One build, or one tag deleted by retention, as a page lists it. A build changes until it has
/// finished, then never again; a deletion is finished when it is born.
struct Record {
  std::string id;  ///< Never empty. Unique within the repository; says nothing about order.
  RecordKey key = 0;
  std::optional<UnixMillis> started_at;  ///< nullopt: missing, empty, 0 or implausible.
  std::optional<UnixMillis> ended_at;    ///< The same; a deletion's created_at in both.
  bool open = false;                     ///< Still pending or running.
  Outcome outcome = Outcome::other;      ///< Meaningless while open.
  std::optional<RepositoryRef> owner{};  ///< Of a feed: whose it is.
  bool counts = true;  ///< False: its owner is none of ours, and the record is only remembered.
  /// It has ended, and the list does not tell its parts: it counts when it has been read by its id.
  bool needs_details = false;
  /// Read by its id, and the answer tells nothing of its state: it stays as its list shows it.
  bool tells_nothing = false;
  std::vector<Part> parts{};  ///< Of StreamKind::parts.
  bool operator==(const Record&) const = default;
};

/// A row that can't be recognised again.
enum class Rejection : std::uint8_t { id_missing, id_invalid };
inline constexpr std::size_t kRejections = 2;
std::string_view name(Rejection rejection);

/// One answer of a listing.
struct Page {
  std::vector<Record> records;
  std::size_t rows = 0;                ///< All rows of the answer, rejected ones included.
  std::optional<std::uint64_t> total;  ///< What the server says the list has: a hint, never proof.
  std::optional<int> page_size;        ///< What the server says it used (acr).
  std::vector<Rejection> rejected;
  std::vector<std::string> unknown_statuses;  ///< Raw, at most 64 bytes each.
  std::optional<UnixMillis> server_time;      ///< The answer's `Date`.
};

}  // namespace registry_exporter
