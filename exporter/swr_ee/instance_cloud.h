#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/mutex.h"
#include "exporter/model/cloud.h"
#include "exporter/swr_ee/client.h"

namespace registry_exporter::swr_ee {

/// What ingestion asks of an instance of SWR Enterprise Edition. Thread-safe.
///
///  - Discovery finds the repositories, the namespaces that have a retention policy, and the
///    replication policies, as far as they are collected.
///  - An execution of retention does not tell what it deleted. Its tasks do: they are read with it
///    by its id, once it has ended. A dry run deleted nothing; one that does not say whether it was
///    one counts, and its deletions do not.
///  - Replications name their policies by id.
class InstanceCloud final : public Cloud {
 public:
  /// `config.cloud` holds a SwrConfig. What comes by reference must outlive it.
  InstanceCloud(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
                const config::RegistryConfig& config);

  Result<Discovery> discover(const PartFound& part_found) override;
  Result<Page> list_records(const ListRef& list, const PageRequest& page) override;
  Result<Record> read_record(const ListRef& list, const std::string& id) override;
  Result<Record> read_details(const ListRef& list, const Record& listed) override;
  Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef& repository) override;
  void keep_to_project(const std::string& instance_id) override { kept_to_ = instance_id; }
  void abort() override { client_.abort(); }
  CloudHealth health() const override { return client_.health(); }

 private:
  /// The instance; an error where the state is of another one.
  Result<std::string> instance();
  Result<Done> list_retention(Discovery& discovery);
  Result<Done> list_replication(Discovery& discovery);
  Result<Record> with_details(const RetentionPolicy& policy, const Record& record);
  Result<Record> with_details(const RetentionPolicy& policy, std::optional<Outcome> rule,
                              Record record);
  std::optional<Outcome> known_rule_of(const RetentionPolicy& policy) const;
  /// `all_told`: all that there is to know of its deletions.
  bool waits(bool all_told, const Record& record);
  UnixMillis server_time() const;
  Result<std::optional<Outcome>> rule_of(const RetentionPolicy& policy);
  Result<Done> learn_policies(const std::vector<ReplicationExecution>& executions);
  bool know_policies_of(const std::vector<ReplicationExecution>& executions) const;
  void remember(const std::vector<ReplicationPolicy>& policies);
  RepositoryRef owner_of(const ReplicationExecution& execution) const;

  const Runtime runtime_;
  const bool retentions_, replications_;
  std::string kept_to_;  ///< Set before any call.
  Client client_;

  mutable Mutex mutex_;
  /// What retention policies, by id, went by when they were discovered.
  std::map<std::string, Outcome> rules_ GUARDED_BY(mutex_);
  /// Replication policies by id; those that are not listed have no name.
  std::map<std::string, std::string> policies_ GUARDED_BY(mutex_);
  /// Executions, by id, whose deletions are not all told.
  std::map<std::string, UnixMillis> asked_first_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter::swr_ee
