#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/observer.h"
#include "exporter/base/runtime.h"
#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/model/cloud.h"
#include "exporter/net/api_caller.h"
#include "exporter/swr/project.h"
#include "exporter/swr/requests.h"

namespace registry_exporter::swr {

/// One region of Huawei Cloud SoftWare Repository for Container. Thread-safe.
///
/// Discovery lists all repositories in sight; where that is forbidden, each organisation, and
/// remembers it. A page that can't be read counts as a refused call.
class Client final : public Cloud {
 public:
  /// `config.cloud` holds a SwrConfig. What comes by reference must outlive the client.
  Client(Runtime runtime, HttpTransport& transport, CallObserver& observer,
         const RegistryConfig& config);

  Result<Discovery> discover(const PartFound& part_found = {}) override;
  Result<Page> list_records(const RepositoryRef& repository, const PageRequest& page) override;
  Result<Record> read_record(const RepositoryRef& repository, const std::string& id) override;
  Result<std::vector<RetentionRule>> retention_rules(const RepositoryRef& repository) override;
  void keep_to_project(const std::string& project_id) override { project_.keep_to(project_id); }
  void abort() override;
  CloudHealth health() const override;

 private:
  struct Found;

  /// Signs, sends and reads one question; once more when the credentials had expired.
  template <class T>
  Result<T> ask(std::string_view operation, const HttpRequest& question,
                const std::function<Result<T>(const HttpResponse& response)>& parse);

  Result<Discovery> discover_in(const std::string& project_id, const PartFound& part_found);
  Result<Discovery> discover_by_namespace(const std::string& project_id,
                                          const PartFound& part_found);
  /// One listing: of all, or of one organisation. True: it came to its end.
  Result<bool> list_into(Found& found, const std::string& repo_namespace);

  HttpTransport& transport_;
  Target target_;
  std::string registry_;
  std::optional<std::vector<StaticRepository>> static_repositories_;
  ApiCaller caller_;
  Credentials credentials_;
  Project project_;

  std::atomic<bool> by_namespace_ = false;  ///< Repositories may not be listed all at once.
};

}  // namespace registry_exporter::swr
