#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/model/record.h"

/// What an instance of SWR Enterprise Edition does in the background, as values.
namespace registry_exporter::swr_ee {

struct Instance {
  std::string id;
  std::string name;
  bool operator==(const Instance&) const = default;
};

/// How an execution or a task ended.
enum class RunEnd { success, failed, stopped, other };

/// An execution of a policy, or one task of an execution. It changes until it has ended; Harbor,
/// which it descends from, may even take an end back when a task is tried again.
struct Run {
  std::string id;  ///< Decimal digits. Unique within its kind and instance; says nothing of order.
  std::optional<UnixMillis> started_at;
  std::optional<UnixMillis> ended_at;  ///< nullopt while it is open, whatever the cloud shows.
  std::optional<RunEnd> end;           ///< nullopt: it is open.
  bool operator==(const Run&) const = default;
};

/// A namespace has one at the most.
struct RetentionPolicy {
  std::string id;
  std::string repo_namespace;
  /// What all of its rules in force go by: time or number. A mixture is `other`.
  Outcome rule = Outcome::other;
  bool is_scheduled = false;  ///< It is in force and runs by itself.
  bool operator==(const RetentionPolicy&) const = default;
};

struct RetentionExecution {
  Run run;
  /// A dry run has tasks and totals like any other, and deletes nothing. nullopt: not told.
  std::optional<bool> dry_run;
  bool operator==(const RetentionExecution&) const = default;
};

/// What an execution did in one repository.
struct RetentionTask {
  Run run;
  std::string repository;  ///< Its name within the namespace.
  /// Versions found and not kept: deleted, if it was no dry run and the task succeeded. nullopt:
  /// not told, or more were kept than found.
  std::optional<std::uint64_t> removed;
  bool operator==(const RetentionTask&) const = default;
};

struct ReplicationPolicy {
  std::string id;
  std::string name;
  bool operator==(const ReplicationPolicy&) const = default;
};

struct ReplicationExecution {
  Run run;
  std::string policy_id;
  /// Its tasks by how they ended, one for each artifact. nullopt: not told.
  std::optional<std::uint64_t> succeeded, failed, stopped;
  bool operator==(const ReplicationExecution&) const = default;
};

/// One page of a list.
template <class Item>
struct ListPage {
  std::vector<Item> items;             ///< Those that can be recognised again, each once.
  std::size_t rows = 0;                ///< All of the answer.
  std::optional<std::uint64_t> total;  ///< What the server says the list has: a hint.
  std::vector<Rejection> rejected;
  std::vector<std::string> unknown_statuses;  ///< Raw, at most 64 bytes each.
};

}  // namespace registry_exporter::swr_ee
