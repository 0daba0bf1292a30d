#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/acr/build_status.h"
#include "exporter/acr/requests.h"
#include "exporter/base/observer.h"
#include "exporter/base/result.h"
#include "exporter/base/runtime.h"
#include "exporter/cloud/commands.h"
#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/model/cloud.h"
#include "exporter/net/api_caller.h"
#include "exporter/net/http_transport.h"

namespace registry_exporter::acr {

/// One instance of Alibaba Cloud Container Registry Enterprise Edition. Thread-safe.
///
/// Discovery lists the whole instance; where that is forbidden (rights by namespace), each
/// namespace, and remembers it. A page that can't be read counts as a refused call.
class Client final : public Cloud {
 public:
  /// `config.cloud` holds an AcrConfig. What comes by reference must outlive the client.
  Client(Runtime runtime, HttpTransport& transport, CallObserver& observer,
         const RegistryConfig& config, const MetricsConfig& metrics);
  /// With credentials from elsewhere.
  Client(Runtime runtime, HttpTransport& transport, CallObserver& observer,
         const RegistryConfig& config, const MetricsConfig& metrics, std::vector<Source> sources);

  Result<Discovery> discover(const PartFound& part_found = {}) override;
  Result<Page> list_records(const RepositoryRef& repository, const PageRequest& page) override;
  Result<Record> read_record(const RepositoryRef& repository, const std::string& id) override;
  Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef& repository) override;
  void abort() override;

  CloudHealth health() const override;

 private:
  struct Found;

  template <class T>
  struct Answer {
    T value;
    std::optional<UnixMillis> server_time;
  };

  /// Signs, sends and reads one question. `parse` is given the body of a good answer; when it
  /// fails, the attempt has failed.
  template <class T>
  Result<Answer<T>> ask(std::string_view operation, const HttpRequest& question,
                        const std::function<Result<T>(std::string_view body)>& parse);

  Result<Discovery> discover_static(const std::vector<StaticRepository>& wanted);
  Result<Discovery> discover_by_namespace(const PartFound& part_found);
  /// One listing: of the instance, or of one namespace. True: it came to its end.
  Result<bool> list_into(Found& found, const std::string& repo_namespace);
  Result<ListedRepository> look_up(const RepositoryRef& ref, Discovery& discovery);
  void forget(const RepositoryRef& repository);

  Runtime runtime_;
  HttpTransport& transport_;
  Target target_;
  std::string registry_;
  std::optional<std::vector<StaticRepository>> static_repositories_;
  BuildStatusMap statuses_;
  ApiCaller caller_;
  Commands commands_;
  Credentials credentials_;

  std::atomic<bool> by_namespace_ = false;  ///< The whole instance may not be listed.
  mutable std::mutex mutex_;
  std::map<std::string, ListedRepository> looked_up_;  ///< By full name.
};

}  // namespace registry_exporter::acr
