#include "exporter/acr/client.h"

#include <set>

#include "exporter/acr/codec.h"
#include "exporter/acr/credentials.h"
#include "exporter/acr/refusal.h"
#include "exporter/acr/signer.h"
#include "exporter/base/log.h"
#include "exporter/base/time_text.h"
#include "exporter/cloud/calls.h"
#include "exporter/cloud/found_parts.h"
#include "exporter/cloud/list_pages.h"

namespace registry_exporter::acr {
namespace {

constexpr int kListPageSize = 100;  // The documented maximum of ListRepository.
constexpr int kListPagesMax = 1000;
constexpr Millis kProbeInterval{60'000};

}  // namespace

/// What a discovery has gathered.
struct Client::Found {
  explicit Found(const PartFound& part_found) : parts(part_found) {}
  FoundParts parts;
  Discovery discovery;
  std::size_t longest_page = 0;  ///< Of repositories: a shorter one is no longer cut short.
  std::set<std::string> ids;
};

Client::Client(Runtime runtime, HttpTransport& transport, CallObserver& observer,
               const RegistryConfig& config, const MetricsConfig& metrics)
    : Client(runtime, transport, observer, config, metrics,
             credential_sources(
                 config,
                 with_commands(key_services(runtime, transport, observer, config.name, caller_),
                               commands_),
                 this_host(), runtime)) {}

Client::Client(Runtime runtime, HttpTransport& transport, CallObserver& observer,
               const RegistryConfig& config, const MetricsConfig& metrics,
               std::vector<Source> sources)
    : runtime_(runtime),
      transport_(transport),
      target_{config.endpoint, std::get<AcrConfig>(config.cloud).instance_id,
              config.request_timeout},
      registry_(config.name),
      static_repositories_(config.static_repositories),
      statuses_(metrics.build_statuses),
      caller_(runtime, transport, observer, caller_options(config, kProbeInterval)),
      commands_(runtime.clock),
      credentials_(runtime, std::move(sources), [this] { caller_.credentials_changed(); }) {}

Result<Discovery> Client::discover(const PartFound& part_found) {
  if (static_repositories_) return discover_static(*static_repositories_);
  if (by_namespace_) return discover_by_namespace(part_found);
  Found found{part_found};
  const Result<bool> whole = list_into(found, "");
  if (!whole && whole.error().kind == ErrorKind::forbidden) {
    log::info("the whole instance may not be listed; listing each namespace",
              {{"registry", registry_}, {"reason", whole.error().detail}});
    by_namespace_ = true;
    return discover_by_namespace(part_found);
  }
  if (!whole) return tl::unexpected(whole.error());
  found.discovery.complete = *whole;
  return std::move(found.discovery);
}

Result<Page> Client::list_records(const RepositoryRef& repository, const PageRequest& page) {
  if (repository.cloud_id.empty()) {
    return fail(ErrorKind::bad_request, "repository without an id: " + full_name(repository));
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

Result<Record> Client::read_record(const RepositoryRef& repository, const std::string& id) {
  auto answer = ask<Record>(
      "GetRepoBuildRecord", get_build_record(target_, id),
      [&](std::string_view body) { return parse_build_record(body, repository, id, statuses_); });
  if (!answer) return tl::unexpected(answer.error());
  return std::move(answer->value);
}

Result<std::vector<RetentionRule>> Client::retention_rules(const RepositoryRef&) {
  return std::vector<RetentionRule>{};
}

void Client::abort() {
  caller_.abort();
  transport_.abort();
  commands_.abort();
}

CloudHealth Client::health() const {
  CloudHealth health;
  health.up = caller_.up() && credentials_.available();
  health.requests_per_second = caller_.rate_in_force();
  health.clock_offset = caller_.clock_offset();
  health.credentials_expire_at = credentials_.expires_at();
  health.credentials_source = credentials_.source();
  return health;
}

template <class T>
Result<Client::Answer<T>> Client::ask(
    std::string_view operation, const HttpRequest& question,
    const std::function<Result<T>(std::string_view body)>& parse) {
  std::optional<T> value;
  SignedCall call;
  call.operation = operation;
  call.sign = [&](const Keys& keys, UnixMillis now) {
    return sign_v3(question, keys, now, make_nonce(runtime_.entropy));
  };
  call.classify = [&](const HttpResponse& response) -> std::optional<Refusal> {
    if (auto refusal = classify_response(response)) return refusal;
    Result<T> parsed = parse(response.body);
    if (!parsed) return Refusal{parsed.error()};
    value = std::move(*parsed);
    return std::nullopt;
  };
  const Result<HttpResponse> response = call_signed(caller_, credentials_, call);
  if (!response) return tl::unexpected(response.error());
  return Answer<T>{std::move(*value), parse_http_date(response->header("date"))};
}

Result<Discovery> Client::discover_static(const std::vector<StaticRepository>& wanted) {
  Discovery discovery;
  discovery.complete = true;
  std::optional<Error> failure;
  for (const StaticRepository& each : wanted) {
    const RepositoryRef ref{each.repo_namespace, each.name, each.id};
    if (!each.id.empty()) {
      discovery.repositories.push_back({ref, {}, {}, {}, {}, {}});
      continue;
    }
    Result<ListedRepository> found = look_up(ref, discovery);
    if (found) {
      discovery.repositories.push_back(std::move(*found));
      continue;
    }
    if (is_final(found.error())) return within(full_name(ref), found.error());
    log::warn("static repository not found", {{"registry", registry_},
                                              {"repository", full_name(ref)},
                                              {"reason", found.error().detail}});
    // One that isn't there is no reason to know less of the others.
    const bool is_absent = found.error().kind == ErrorKind::not_found;
    discovery.complete &= is_absent;
    if (!failure) failure = found.error();
  }
  if (failure && discovery.repositories.empty()) return within("no static repository", *failure);
  return discovery;
}

Result<ListedRepository> Client::look_up(const RepositoryRef& ref, Discovery& discovery) {
  const std::string name = full_name(ref);
  {
    const std::lock_guard lock(mutex_);
    const auto known = looked_up_.find(name);
    if (known != looked_up_.end()) return known->second;
  }
  auto answer =
      ask<ListedRepository>("GetRepository", get_repository(target_, ref.repo_namespace, ref.name),
                            [&](std::string_view body) { return parse_repository(body, ref); });
  if (!answer) return tl::unexpected(answer.error());
  if (!discovery.server_time) discovery.server_time = answer->server_time;
  const std::lock_guard lock(mutex_);
  looked_up_[name] = answer->value;
  return std::move(answer->value);
}

/// The id of a repository leads nowhere: it may have been made anew under its name.
void Client::forget(const RepositoryRef& repository) {
  const std::lock_guard lock(mutex_);
  looked_up_.erase(full_name(repository));
}

Result<Discovery> Client::discover_by_namespace(const PartFound& part_found) {
  Found found{part_found};
  std::set<std::string> names;
  ListPages pages(kListPageSize, 0);
  for (int read = 0; read < kListPagesMax && !pages.over(); ++read) {
    const PageRequest asked = pages.next();
    const auto page = ask<NamespacePage>(
        "ListNamespace", list_namespaces(target_, asked),
        [&](std::string_view body) { return parse_namespace_page(body, asked); });
    if (!page) {
      if (page.error().kind == ErrorKind::forbidden) by_namespace_ = false;
      if (names.empty() || is_final(page.error())) return tl::unexpected(page.error());
      break;
    }
    if (!found.discovery.server_time) found.discovery.server_time = page->server_time;
    const NamespacePage& listed = page->value;
    std::size_t fresh = listed.rows - listed.names.size();
    for (const std::string& name : listed.names) fresh += names.insert(name).second ? 1U : 0U;
    pages.take({asked, listed.rows, listed.total, listed.page_size}, fresh);
  }

  found.discovery.complete = pages.whole();
  std::optional<Error> failure;
  bool any_listed = false;
  for (const std::string& name : names) {
    const Result<bool> whole = list_into(found, name);
    if (whole) {
      any_listed = true;
      if (!*whole) found.discovery.failed_namespaces.push_back(name);
      continue;
    }
    if (is_final(whole.error())) return tl::unexpected(whole.error());
    if (whole.error().kind == ErrorKind::not_found) continue;  // It went meanwhile.
    if (whole.error().kind == ErrorKind::forbidden) {
      found.discovery.denied_namespaces.push_back(name);
    } else {
      found.discovery.failed_namespaces.push_back(name);
      log::warn("a namespace could not be listed",
                {{"registry", registry_}, {"namespace", name}, {"error", whole.error().detail}});
    }
    if (!failure) failure = whole.error();
  }
  if (failure && !any_listed) return tl::unexpected(*failure);
  return std::move(found.discovery);
}

Result<bool> Client::list_into(Found& found, const std::string& repo_namespace) {
  ListPages pages(kListPageSize, found.longest_page);
  for (int read = 0; read < kListPagesMax && !pages.over(); ++read) {
    const PageRequest asked = pages.next();
    const auto page = ask<RepositoryPage>(
        "ListRepository", list_repositories(target_, repo_namespace, asked),
        [&](std::string_view body) { return parse_repository_page(body, asked); });
    if (!page) {
      if (read == 0 || is_final(page.error())) return tl::unexpected(page.error());
      log::warn("a list of repositories breaks off", {{"registry", registry_},
                                                      {"namespace", repo_namespace},
                                                      {"page", std::to_string(asked.index + 1)},
                                                      {"error", page.error().detail}});
      return false;
    }
    if (!found.discovery.server_time) found.discovery.server_time = page->server_time;
    const RepositoryPage& listed = page->value;
    std::size_t fresh = listed.rows - listed.repositories.size();
    for (const ListedRepository& repository : listed.repositories) {
      if (!found.ids.insert(repository.ref.cloud_id).second) continue;
      found.discovery.repositories.push_back(repository);
      ++fresh;
    }
    found.longest_page = std::max(found.longest_page, listed.rows);
    pages.take({asked, listed.rows, listed.total, listed.page_size}, fresh);
    found.parts.tell(found.discovery);
  }
  return pages.whole();
}

}  // namespace registry_exporter::acr
