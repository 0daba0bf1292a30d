#include "exporter/acr/client.h"

#include <set>

#include "exporter/acr/codec.h"
#include "exporter/acr/credentials.h"
#include "exporter/acr/event_codec.h"
#include "exporter/acr/refusal.h"
#include "exporter/acr/signer.h"
#include "exporter/acr/sync_codec.h"
#include "exporter/base/check.h"
#include "exporter/cloud/list_pages.h"

namespace registry_exporter::acr {
namespace {

constexpr int kNamespacePageSize = 100;
constexpr int kNamespacePagesMax = 1000;
constexpr Millis kProbeInterval{60'000};

}  // namespace

Client::Client(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
               const config::RegistryConfig& config, const config::MetricsConfig& metrics)
    : Client(runtime, transport, observer, config, metrics,
             [&config, runtime](const cloud::KeyServices& services) {
               return credential_sources(config, services, cloud::this_host(), runtime);
             }) {}

Client::Client(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
               const config::RegistryConfig& config, const config::MetricsConfig& metrics,
               const cloud::SignedClient::MakeSources& make_sources)
    : runtime_(runtime),
      target_{config.endpoint, std::get<config::AcrConfig>(config.cloud).instance_id,
              config.request_timeout},
      registry_(config.name),
      static_repositories_(config.static_repositories),
      statuses_(metrics.build_statuses),
      client_(runtime, transport, observer, config, kProbeInterval, make_sources),
      discovery_(repository_lists()) {}

cloud::RepositoryLists Client::repository_lists() {
  cloud::RepositoryLists lists;
  lists.registry = registry_;
  lists.not_at_once = "the whole instance may not be listed; listing each namespace";
  lists.repositories = [this](const std::string& repo_namespace, const PageRequest& page) {
    return ask<cloud::ListedRepositories>(
        "ListRepository", list_repositories(target_, repo_namespace, page),
        [&page](std::string_view body) { return parse_repository_page(body, page); });
  };
  lists.namespaces = [this] { return all_namespaces(); };
  lists.identity = [](const RepositoryRef& ref) { return ref.cloud_id; };
  return lists;
}

Result<cloud::ListedNamespaces> Client::all_namespaces() {
  cloud::ListedNamespaces listed;
  std::set<std::string> names;
  cloud::ListPages pages(kNamespacePageSize, 0);
  for (int read = 0; read < kNamespacePagesMax && !pages.over(); ++read) {
    const PageRequest asked = pages.next();
    const auto page = ask<NamespacePage>(
        "ListNamespace", list_namespaces(target_, asked),
        [&](std::string_view body) { return parse_namespace_page(body, asked); });
    if (!page) {
      const bool is_fatal = names.empty() || traits(page.error().kind).fails_every_call;
      if (is_fatal) return tl::unexpected<Error>(page.error());
      break;
    }
    if (!listed.server_time) listed.server_time = page->server_time;
    const NamespacePage& found = page->value;
    std::size_t fresh = found.rows - found.names.size();
    for (const std::string& name : found.names) fresh += names.insert(name).second ? 1U : 0U;
    pages.take({asked, found.rows, found.total, found.page_size}, fresh);
  }
  listed.names.assign(names.begin(), names.end());
  listed.complete = pages.whole();
  return listed;
}

Result<Discovery> Client::discover(const PartFound& part_found) {
  return static_repositories_ ? discover_static(*static_repositories_) : discovery_.run(part_found);
}

Result<Page> Client::list_records(const ListRef& list, const PageRequest& page) {
  if (list.kind == &kAcrSyncs) return list_syncs(page);
  CHECK_RULE(list.kind == &kBuilds);
  return list_builds(list.of, page);
}

Result<Page> Client::list_syncs(const PageRequest& page) {
  auto answer = ask<Page>(
      "ListRepoSyncTask", list_sync_tasks(target_, page),
      [&](std::string_view body) { return parse_sync_page(body, target_.instance_id, page); });
  if (!answer) return tl::unexpected(answer.error());
  answer->value.server_time = answer->server_time;
  return std::move(answer->value);
}

Result<Page> Client::list_builds(const RepositoryRef& repository, const PageRequest& page) {
  if (repository.cloud_id.empty()) {
    return tl::unexpected<Error>(why_without_id(repository));
  }
  auto answer = ask<Page>(
      "ListRepoBuildRecord", list_build_records(target_, repository.cloud_id, page),
      [&](std::string_view body) { return parse_build_page(body, repository, page, statuses_); });
  if (!answer) {
    if (answer.error().kind == ErrorKind::not_found) forget(repository);
    return tl::unexpected(answer.error());
  }
  answer->value.server_time = answer->server_time;
  return std::move(answer->value);
}

Result<Record> Client::read_record(const ListRef& list, const std::string& id) {
  const RepositoryRef& repository = list.of;
  auto answer = ask<Record>(
      "GetRepoBuildRecord", get_build_record(target_, id),
      [&](std::string_view body) { return parse_build_record(body, repository, id, statuses_); });
  if (!answer) return tl::unexpected(answer.error());
  return std::move(answer->value);
}

Result<std::vector<RetentionRule>> Client::retention_rules(const RepositoryRef&) {
  return std::vector<RetentionRule>{};
}

Result<NoticePage> Client::list_notices(const PageRequest& page) {
  auto answer = ask<NoticePage>(
      "ListEventCenterRecord", list_event_records(target_, page),
      [&](std::string_view body) { return parse_event_page(body, page); }, true);
  if (!answer) return tl::unexpected(answer.error());
  answer->value.server_time = answer->server_time;
  return std::move(answer->value);
}

void Client::abort() { client_.abort(); }

CloudHealth Client::health() const { return client_.health(); }

template <class T>
Result<cloud::Answer<T>> Client::ask(std::string_view operation, const net::HttpRequest& question,
                                     const std::function<Result<T>(std::string_view body)>& parse,
                                     bool optional) {
  const auto signed_by = [&](const cloud::Keys& keys, UnixMillis now) {
    return sign_v3(question, keys, now, make_nonce(runtime_.entropy));
  };
  return client_.ask<T>(
      {operation, signed_by, classify_response, optional},
      [&parse](const net::HttpResponse& response) { return parse(response.body); });
}

/// One whose look-up is refused is listed without an id: it is configured, so it has to show as
/// failing. One whose look-up may succeed later leaves the discovery incomplete.
Result<Discovery> Client::discover_static(const std::vector<config::StaticRepository>& wanted) {
  Discovery discovery;
  for (const config::StaticRepository& each : wanted) {
    const RepositoryRef ref{each.repo_namespace, each.name, each.id};
    const ListedRepository as_configured{ref, {}, {}, {}, {}, {}};
    auto found = each.id.empty() ? look_up(ref, discovery) : as_configured;
    if (found) {
      discovery.repositories.push_back(std::move(*found));
      continue;
    }
    const ErrorTraits it = traits(found.error().kind);
    if (it.fails_every_call) return within(full_name(ref), found.error());
    if (it.lasting) {
      discovery.repositories.push_back(as_configured);
    } else if (!discovery.part_failed) {
      discovery.part_failed = within(full_name(ref), found.error()).value();
    }
  }
  discovery.complete = !discovery.part_failed;
  const bool nothing = discovery.repositories.empty() && discovery.part_failed;
  if (nothing) return tl::unexpected<Error>(*discovery.part_failed);
  return discovery;
}

Result<ListedRepository> Client::look_up(const RepositoryRef& ref, Discovery& discovery) {
  const std::string name = full_name(ref);
  {
    const MutexLock lock(mutex_);
    const auto known = looked_up_.find(name);
    if (known != looked_up_.end() && known->second) return known->second;
  }
  auto answer =
      ask<ListedRepository>("GetRepository", get_repository(target_, ref.repo_namespace, ref.name),
                            [&](std::string_view body) { return parse_repository(body, ref); });
  const MutexLock lock(mutex_);
  if (!answer) {
    const Error& error = answer.error();
    if (traits(error.kind).lasting) looked_up_.insert_or_assign(name, tl::unexpected(error));
    return tl::unexpected(error);
  }
  if (!discovery.server_time) discovery.server_time = answer->server_time;
  looked_up_.insert_or_assign(name, answer->value);
  return std::move(answer->value);
}

/// Why a static repository has no id. Looked up only if no discovery of this process has done so.
Error Client::why_without_id(const RepositoryRef& repository) {
  {
    const MutexLock lock(mutex_);
    const auto known = looked_up_.find(full_name(repository));
    if (known != looked_up_.end() && !known->second) return known->second.error();
  }
  Discovery unused;
  const auto found = look_up(repository, unused);
  if (!found) return found.error();
  return fail(ErrorKind::server_error, "its id is new: the next discovery takes it in").value();
}

/// The id of a repository is no longer valid: it may have been created again under its name.
void Client::forget(const RepositoryRef& repository) {
  const MutexLock lock(mutex_);
  looked_up_.erase(full_name(repository));
}

}  // namespace registry_exporter::acr
