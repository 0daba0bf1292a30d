#pragma once

#include <string>

#include "exporter/ingest/discovery.h"
#include "exporter/ingest/tracked_list.h"

namespace registry_exporter::ingest {

/// The log lines of one registry's collection. docs/operations.md explains each.
class RegistryLog {
 public:
  explicit RegistryLog(std::string registry) : registry_(std::move(registry)) {}

  void discovery_failed(const Error& error) const;
  void discovered(const DiscoveryEffects& effects, bool complete) const;
  void over_limit(std::size_t repositories) const;
  void not_listed() const;
  void rate_too_low(std::size_t repositories, std::size_t overdue, double enough) const;
  void buckets_changed() const;

  void list_failed(const TrackedList& list, const Error& error) const;
  void list_recovered(const TrackedList& list) const;
  void list_unread(const TrackedList& list) const;
  void rows_unreadable(const TrackedList& list, const Error& error) const;
  void rules_not_read(const TrackedList& list, const Error& error) const;
  void history_gap(const TrackedList& list) const;
  void unknown_status(const TrackedList& list, const std::string& status) const;
  void out_of_balance(const TrackedList& list) const;
  void task_failed(const std::string& problem) const;

 private:
  std::string registry_;
};

}  // namespace registry_exporter::ingest
