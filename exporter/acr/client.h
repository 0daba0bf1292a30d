#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/acr/build_status.h"
#include "exporter/acr/requests.h"
#include "exporter/base/mutex.h"
#include "exporter/base/observer.h"
#include "exporter/base/result.h"
#include "exporter/base/runtime.h"
#include "exporter/cloud/namespace_discovery.h"
#include "exporter/cloud/signed_client.h"
#include "exporter/config/config.h"
#include "exporter/model/cloud.h"
#include "exporter/net/http_transport.h"

namespace registry_exporter::acr {

/// One instance of Alibaba Cloud Container Registry Enterprise Edition. Thread-safe.
///
/// An answer that can't be read counts as a refused call.
class Client final : public Cloud {
 public:
  /// `config.cloud` holds an AcrConfig. What comes by reference must outlive the client.
  Client(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
         const config::RegistryConfig& config, const config::MetricsConfig& metrics);
  /// With other sources of credentials.
  Client(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
         const config::RegistryConfig& config, const config::MetricsConfig& metrics,
         const cloud::SignedClient::MakeSources& make_sources);

  Result<Discovery> discover(const PartFound& part_found = {}) override;
  Result<Page> list_records(const ListRef& list, const PageRequest& page) override;
  Result<Record> read_record(const ListRef& list, const std::string& id) override;
  Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef& repository) override;
  /// A list of repositories that is given is short enough to be read without.
  bool has_notices() const override { return !static_repositories_; }
  Result<NoticePage> list_notices(const PageRequest& page) override;
  void abort() override;

  CloudHealth health() const override;

 private:
  /// Signs and sends a request, and reads the body of the answer.
  template <class T>
  Result<cloud::Answer<T>> ask(std::string_view operation, const net::HttpRequest& question,
                               const std::function<Result<T>(std::string_view body)>& parse,
                               bool optional = false);

  Result<Page> list_builds(const RepositoryRef& repository, const PageRequest& page);
  Result<Page> list_syncs(const PageRequest& page);
  cloud::RepositoryLists repository_lists();
  Result<cloud::ListedNamespaces> all_namespaces();
  Result<Discovery> discover_static(const std::vector<config::StaticRepository>& wanted);
  Result<ListedRepository> look_up(const RepositoryRef& ref, Discovery& discovery);
  Error why_without_id(const RepositoryRef& repository);
  void forget(const RepositoryRef& repository);

  Runtime runtime_;
  const Target target_;
  const std::string registry_;
  const std::optional<std::vector<config::StaticRepository>> static_repositories_;
  const BuildStatusMap statuses_;
  cloud::SignedClient client_;
  cloud::NamespaceDiscovery discovery_;

  Mutex mutex_;
  /// By full name. Look-ups that failed are repeated with each discovery.
  std::map<std::string, Result<ListedRepository>> looked_up_ GUARDED_BY(mutex_);
};

}  // namespace registry_exporter::acr
