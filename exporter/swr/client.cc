#include "exporter/swr/client.h"

#include "exporter/base/log.h"
#include "exporter/base/time_text.h"
#include "exporter/cloud/calls.h"
#include "exporter/cloud/found_parts.h"
#include "exporter/cloud/list_pages.h"
#include "exporter/swr/codec.h"
#include "exporter/swr/credentials.h"
#include "exporter/swr/refusal.h"
#include "exporter/swr/signer.h"

namespace registry_exporter::swr {
namespace {

constexpr int kListPageSize = 100;
constexpr int kListPagesMax = 1000;
/// More than five bad signatures in a row lock the key for everyone, for five minutes.
constexpr std::chrono::minutes kProbeInterval{6};

Target target_of(const RegistryConfig& config) {
  const SwrConfig& swr = std::get<SwrConfig>(config.cloud);
  return {config.endpoint, swr.paging};
}

}  // namespace

/// What a discovery has gathered.
struct Client::Found {
  Found(const std::string& project_id, const PartFound& part_found) : parts(part_found) {
    discovery.project_id = project_id;
  }
  FoundParts parts;
  Discovery discovery;
  std::size_t longest_page = 0;  ///< Of repositories: a shorter one is no longer cut short.
  std::set<std::string> names;
};

Client::Client(Runtime runtime, HttpTransport& transport, CallObserver& observer,
               const RegistryConfig& config)
    : transport_(transport),
      target_(target_of(config)),
      registry_(config.name),
      static_repositories_(config.static_repositories),
      caller_(runtime, transport, observer, caller_options(config, kProbeInterval)),
      credentials_(runtime,
                   credential_sources(
                       config, key_services(runtime, transport, observer, config.name, caller_),
                       this_host()),
                   [this] { caller_.credentials_changed(); }),
      project_(runtime, config, iam_hosts(config, this_host()), caller_, credentials_) {}

Result<Discovery> Client::discover(const PartFound& part_found) {
  const Result<std::string> project = project_.get();
  if (!project) return tl::unexpected(project.error());
  Result<Discovery> discovery = discover_in(*project, part_found);
  if (discovery) discovery->project_id = *project;
  return discovery;
}

Result<Discovery> Client::discover_in(const std::string& project_id, const PartFound& part_found) {
  if (static_repositories_) {
    Discovery discovery;
    discovery.complete = true;
    for (const StaticRepository& each : *static_repositories_) {
      discovery.repositories.push_back({{each.repo_namespace, each.name, ""}, {}, {}, {}, {}, {}});
    }
    return discovery;
  }
  if (by_namespace_) return discover_by_namespace(project_id, part_found);
  Found found{project_id, part_found};
  const Result<bool> whole = list_into(found, "");
  if (!whole && whole.error().kind == ErrorKind::forbidden) {
    log::info("repositories may not be listed all at once; listing each organisation",
              {{"registry", registry_}, {"reason", whole.error().detail}});
    by_namespace_ = true;
    return discover_by_namespace(project_id, part_found);
  }
  if (!whole) return tl::unexpected(whole.error());
  found.discovery.complete = *whole;
  return std::move(found.discovery);
}

Result<Discovery> Client::discover_by_namespace(const std::string& project_id,
                                                const PartFound& part_found) {
  const auto names = ask<std::vector<std::string>>(
      "ListNamespaces", list_namespaces(target_),
      [](const HttpResponse& response) { return parse_namespaces(response.body); });
  if (!names) {
    if (names.error().kind == ErrorKind::forbidden) by_namespace_ = false;
    return tl::unexpected(names.error());
  }
  Found found{project_id, part_found};
  found.discovery.complete = true;
  std::optional<Error> failure;
  bool any_listed = names->empty();
  for (const std::string& each : *names) {
    const Result<bool> whole = list_into(found, each);
    if (whole) {
      any_listed = true;
      if (!*whole) found.discovery.failed_namespaces.push_back(each);
      continue;
    }
    if (is_final(whole.error())) return tl::unexpected(whole.error());
    if (whole.error().kind == ErrorKind::not_found) continue;  // It went meanwhile.
    if (whole.error().kind == ErrorKind::forbidden) {
      found.discovery.denied_namespaces.push_back(each);
    } else {
      found.discovery.failed_namespaces.push_back(each);
      log::warn("a namespace could not be listed",
                {{"registry", registry_}, {"namespace", each}, {"error", whole.error().detail}});
    }
    if (!failure) failure = whole.error();
  }
  if (failure && !any_listed) return tl::unexpected(*failure);
  return std::move(found.discovery);
}

Result<bool> Client::list_into(Found& found, const std::string& repo_namespace) {
  std::set<std::string> met;
  ListPages pages(kListPageSize, found.longest_page);
  for (int read = 0; read < kListPagesMax && !pages.over(); ++read) {
    const PageRequest asked = pages.next();
    const auto page = ask<RepositoryPage>(
        "ListReposDetails", list_repositories(target_, repo_namespace, asked),
        [&](const HttpResponse& response) {
          if (!found.discovery.server_time) {
            found.discovery.server_time = parse_http_date(response.header("date"));
          }
          return parse_repository_page(response.body);
        });
    if (!page) {
      if (read == 0 || is_final(page.error())) return tl::unexpected(page.error());
      log::warn("a list of repositories breaks off", {{"registry", registry_},
                                                      {"namespace", repo_namespace},
                                                      {"page", std::to_string(asked.index + 1)},
                                                      {"error", page.error().detail}});
      return false;
    }
    std::size_t fresh = page->rows - page->repositories.size();
    for (const ListedRepository& repository : page->repositories) {
      const std::string name = full_name(repository.ref);
      if (!met.insert(name).second) continue;
      ++fresh;
      // The namespace in a query is matched loosely: rows of others are theirs to add.
      const bool wanted = repo_namespace.empty() || repository.ref.repo_namespace == repo_namespace;
      if (wanted && found.names.insert(name).second) {
        found.discovery.repositories.push_back(repository);
      }
    }
    found.longest_page = std::max(found.longest_page, page->rows);
    pages.take({asked, page->rows, page->total, std::nullopt}, fresh);
    found.parts.tell(found.discovery);
  }
  return pages.whole();
}

Result<Page> Client::list_records(const RepositoryRef& repository, const PageRequest& page) {
  return ask<Page>("ListRetentionHistories", list_retention_histories(target_, repository, page),
                   [&](const HttpResponse& response) {
                     Result<Page> parsed = parse_history_page(response, repository, page);
                     if (parsed) parsed->server_time = parse_http_date(response.header("date"));
                     return parsed;
                   });
}

Result<Record> Client::read_record(const RepositoryRef&, const std::string&) {
  return fail(ErrorKind::bad_request, "SWR has no operation that reads one deletion");
}

Result<std::vector<RetentionRule>> Client::retention_rules(const RepositoryRef& repository) {
  return ask<std::vector<RetentionRule>>(
      "ListRetentions", list_retentions(target_, repository),
      [](const HttpResponse& response) { return parse_retentions(response.body); });
}

void Client::abort() {
  caller_.abort();
  transport_.abort();
}

CloudHealth Client::health() const {
  CloudHealth health;
  health.up = caller_.up() && credentials_.available() && project_.available();
  health.requests_per_second = caller_.rate_in_force();
  health.clock_offset = caller_.clock_offset();
  health.credentials_expire_at = credentials_.expires_at();
  health.credentials_source = credentials_.source();
  return health;
}

template <class T>
Result<T> Client::ask(std::string_view operation, const HttpRequest& question,
                      const std::function<Result<T>(const HttpResponse& response)>& parse) {
  const Result<std::string> project = project_.get();
  if (!project) return tl::unexpected(project.error());
  std::optional<T> value;
  SignedCall call;
  call.operation = operation;
  call.sign = [&](const Keys& keys, UnixMillis now) { return sign(question, keys, *project, now); };
  call.classify = [&](const HttpResponse& response) -> std::optional<Refusal> {
    if (auto refusal = classify_response(response)) return refusal;
    Result<T> parsed = parse(response);
    if (!parsed) return Refusal{parsed.error()};
    value = std::move(*parsed);
    return std::nullopt;
  };
  const Result<HttpResponse> response = call_signed(caller_, credentials_, call);
  if (!response) return tl::unexpected(response.error());
  return std::move(*value);
}

}  // namespace registry_exporter::swr
