#include "exporter/swr/client.h"

#include "exporter/base/check.h"
#include "exporter/swr/codec.h"
#include "exporter/swr/credentials.h"
#include "exporter/swr/refusal.h"
#include "exporter/swr/signer.h"
#include "exporter/swr/sync_codec.h"

namespace registry_exporter::swr {
namespace {

/// More than five bad signatures in a row lock the key for everyone, for five minutes.
constexpr std::chrono::minutes kProbeInterval{6};

Discovery static_discovery(const std::vector<config::StaticRepository>& repositories) {
  Discovery discovery;
  discovery.complete = true;
  for (const config::StaticRepository& each : repositories) {
    discovery.repositories.push_back({{each.repo_namespace, each.name, ""}, {}, {}, {}, {}, {}});
  }
  return discovery;
}

}  // namespace

Client::Client(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
               const config::RegistryConfig& config)
    : target_{config.endpoint, std::get<config::SwrConfig>(config.cloud).paging},
      static_repositories_(config.static_repositories),
      client_(runtime, transport, observer, config, kProbeInterval,
              [&config](const cloud::KeyServices& services) {
                return credential_sources(config, services, cloud::this_host());
              }),
      project_(runtime, config, iam_hosts(config, cloud::this_host()), client_),
      discovery_(repository_lists(config.name)) {}

cloud::RepositoryLists Client::repository_lists(const std::string& registry) {
  cloud::RepositoryLists lists;
  lists.registry = registry;
  lists.not_at_once = "repositories may not be listed all at once; listing each organisation";
  lists.repositories = [this](const std::string& repo_namespace, const PageRequest& page) {
    return ask<cloud::ListedRepositories>(
        "ListReposDetails", list_repositories(target_, repo_namespace, page),
        [](const net::HttpResponse& response) { return parse_repository_page(response.body); });
  };
  lists.namespaces = [this]() -> Result<cloud::ListedNamespaces> {
    auto names = ask<std::vector<std::string>>(
        "ListNamespaces", list_namespaces(target_),
        [](const net::HttpResponse& response) { return parse_namespaces(response.body); });
    if (!names) return tl::unexpected<Error>(names.error());
    return cloud::ListedNamespaces{std::move(names->value), true, std::nullopt};
  };
  lists.identity = full_name;
  return lists;
}

Result<Discovery> Client::discover(const PartFound& part_found) {
  const Result<std::string> project = project_.get();
  if (!project) return tl::unexpected<Error>(project.error());
  Result<Discovery> discovery = static_repositories_ ? static_discovery(*static_repositories_)
                                                     : discovery_.run(part_found, *project);
  if (discovery) discovery->project_id = *project;
  return discovery;
}

Result<Page> Client::list_records(const ListRef& list, const PageRequest& page) {
  if (list.kind == &kSwrSyncs) return list_syncs(list.of, page);
  CHECK_RULE(list.kind == &kDeletions);
  return list_deletions(list.of, page);
}

Result<Page> Client::list_syncs(const RepositoryRef& repository, const PageRequest& page) {
  auto answer = ask<Page>("ShowSyncJob", list_sync_jobs(target_, repository, page),
                          [&](const net::HttpResponse& response) {
                            return parse_sync_page(response, repository, page);
                          });
  const bool is_first = page.index == 0;  // What was listed a moment ago has not ended.
  if (!answer && is_first && has_no_sync_rule(answer.error())) return Page{};
  if (!answer) return tl::unexpected<Error>(answer.error());
  answer->value.server_time = answer->server_time;
  return std::move(answer->value);
}

Result<Page> Client::list_deletions(const RepositoryRef& repository, const PageRequest& page) {
  auto answer =
      ask<Page>("ListRetentionHistories", list_retention_histories(target_, repository, page),
                [&](const net::HttpResponse& response) {
                  return parse_history_page(response, repository, page);
                });
  if (!answer) return tl::unexpected<Error>(answer.error());
  answer->value.server_time = answer->server_time;
  return std::move(answer->value);
}

Result<Record> Client::read_record(const ListRef&, const std::string&) {
  return fail(ErrorKind::bad_request, "SWR has no operation that reads one record");
}

Result<std::vector<RetentionRule>> Client::retention_rules(const RepositoryRef& repository) {
  auto answer = ask<std::vector<RetentionRule>>(
      "ListRetentions", list_retentions(target_, repository),
      [](const net::HttpResponse& response) { return parse_retentions(response.body); });
  if (!answer) return tl::unexpected<Error>(answer.error());
  return std::move(answer->value);
}

void Client::abort() { client_.abort(); }

CloudHealth Client::health() const {
  CloudHealth health = client_.health();
  health.up = health.up && project_.available();
  return health;
}

template <class T>
Result<cloud::Answer<T>> Client::ask(
    std::string_view operation, const net::HttpRequest& question,
    const std::function<Result<T>(const net::HttpResponse& response)>& parse) {
  const Result<std::string> project = project_.get();
  if (!project) return tl::unexpected<Error>(project.error());
  const auto signed_by = [&](const cloud::Keys& keys, UnixMillis now) {
    return sign(question, keys, *project, now);
  };
  return client_.ask<T>({operation, signed_by, classify_response}, parse);
}

}  // namespace registry_exporter::swr
