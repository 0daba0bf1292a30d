#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/observer.h"
#include "exporter/base/runtime.h"
#include "exporter/cloud/signed_client.h"
#include "exporter/config/config.h"
#include "exporter/model/cloud.h"
#include "exporter/model/repository.h"
#include "exporter/net/http_transport.h"
#include "exporter/swr/asked_once.h"
#include "exporter/swr/project.h"
#include "exporter/swr_ee/executions.h"
#include "exporter/swr_ee/requests.h"

namespace registry_exporter::swr_ee {

/// Which instance to read: by its id, or by its name.
struct InstanceOptions {
  std::string id, name;
};

/// One instance of SWR Enterprise Edition. Thread-safe.
///
/// Its project and its id are looked up, if they are not configured, by the first call. An answer
/// that can't be read counts as a refused call. Errors: the cloud kinds of ErrorKind, canceled, and
/// invalid_config where the project or the instance can't be told.
class Client {
 public:
  /// What comes by reference must outlive the client.
  Client(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
         const config::RegistryConfig& config, const InstanceOptions& instance);

  /// The id of the instance that is read.
  Result<std::string> instance();
  /// All of the instance; an error if not all could be listed.
  Result<std::vector<ListedRepository>> repositories();
  Result<std::vector<RetentionPolicy>> retention_policies();
  Result<std::vector<ReplicationPolicy>> replication_policies();

  Result<cloud::Answer<ListPage<RetentionExecution>>> retention_executions(
      const RetentionPolicy& policy, const PageRequest& page);
  /// All tasks of an execution; an error if not all could be listed.
  Result<std::vector<RetentionTask>> retention_tasks(const RetentionPolicy& policy,
                                                     const std::string& execution_id);
  /// Of all replication policies.
  Result<cloud::Answer<ListPage<ReplicationExecution>>> replication_executions(
      const PageRequest& page);

  void abort();
  CloudHealth health() const;

 private:
  using Question = std::function<net::HttpRequest(const Target& target)>;

  Result<std::string> find_instance();
  Result<Target> target();
  /// Signs and sends a request to the instance, and reads the answer.
  template <class T>
  Result<cloud::Answer<T>> ask(std::string_view operation, const Question& question,
                               const std::function<Result<T>(std::string_view body)>& parse);
  template <class T>
  Result<cloud::Answer<T>> ask_project(
      std::string_view operation, const Target& target, const Question& question,
      const std::function<Result<T>(std::string_view body)>& parse);

  const std::string origin_;
  const InstanceOptions configured_;
  cloud::SignedClient client_;
  swr::Project project_;
  swr::AskedOnce instance_;
};

}  // namespace registry_exporter::swr_ee
