#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/observer.h"
#include "exporter/base/runtime.h"
#include "exporter/cloud/namespace_discovery.h"
#include "exporter/cloud/signed_client.h"
#include "exporter/config/config.h"
#include "exporter/model/cloud.h"
#include "exporter/net/http_transport.h"
#include "exporter/swr/project.h"
#include "exporter/swr/requests.h"

namespace registry_exporter::swr {

/// One region of Huawei Cloud SoftWare Repository for Container. Thread-safe.
///
/// An answer that can't be read counts as a refused call.
class Client final : public Cloud {
 public:
  /// `config.cloud` holds a SwrConfig. What comes by reference must outlive the client.
  Client(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
         const config::RegistryConfig& config);

  Result<Discovery> discover(const PartFound& part_found = {}) override;
  Result<Page> list_records(const ListRef& list, const PageRequest& page) override;
  Result<Record> read_record(const ListRef& list, const std::string& id) override;
  Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef& repository) override;
  void keep_to_project(const std::string& project_id) override { project_.keep_to(project_id); }
  void abort() override;
  CloudHealth health() const override;

 private:
  /// Signs and sends a request, and reads the answer.
  template <class T>
  Result<cloud::Answer<T>> ask(
      std::string_view operation, const net::HttpRequest& question,
      const std::function<Result<T>(const net::HttpResponse& response)>& parse);
  Result<Page> list_deletions(const RepositoryRef& repository, const PageRequest& page);
  Result<Page> list_syncs(const RepositoryRef& repository, const PageRequest& page);
  cloud::RepositoryLists repository_lists(const std::string& registry);

  const Target target_;
  const std::optional<std::vector<config::StaticRepository>> static_repositories_;
  cloud::SignedClient client_;
  Project project_;
  cloud::NamespaceDiscovery discovery_;
};

}  // namespace registry_exporter::swr
