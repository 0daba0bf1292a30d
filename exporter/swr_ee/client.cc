#include "exporter/swr_ee/client.h"

#include <algorithm>

#include "exporter/swr/credentials.h"
#include "exporter/swr/refusal.h"
#include "exporter/swr/signer.h"
#include "exporter/swr_ee/codec.h"
#include "exporter/swr_ee/whole_list.h"

namespace registry_exporter::swr_ee {
namespace {

/// More than five bad signatures in a row lock the key for everyone, for five minutes.
constexpr std::chrono::minutes kProbeInterval{6};
constexpr std::size_t kNamesShownMax = 5;

template <class Item>
std::string id_of(const Item& item) {
  return item.id;
}

/// What there is instead of the instance that was looked for.
std::string names_of(const std::vector<Instance>& instances) {
  std::string names;
  const std::size_t shown = std::min(instances.size(), kNamesShownMax);
  for (std::size_t i = 0; i < shown; ++i) {
    names += (i == 0 ? "" : ", ") + instances[i].name + " (" + instances[i].id + ")";
  }
  return names + (instances.size() > shown ? ", …" : "");
}

/// The one of that name.
Result<std::string> id_of_name(const std::vector<Instance>& instances, const std::string& name) {
  const auto is_it = [&name](const Instance& each) { return each.name == name; };
  const auto found = std::find_if(instances.begin(), instances.end(), is_it);
  if (found == instances.end()) {
    return fail(ErrorKind::invalid_config,
                "the project has no instance called " + name +
                    (instances.empty() ? ", and no other" : "; it has " + names_of(instances)));
  }
  if (std::find_if(found + 1, instances.end(), is_it) != instances.end()) {
    return fail(ErrorKind::invalid_config,
                "the project has several instances called " + name + ": set instance_id");
  }
  return found->id;
}

}  // namespace

Client::Client(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
               const config::RegistryConfig& config, const InstanceOptions& instance)
    : origin_(config.endpoint),
      configured_(instance),
      client_(runtime, transport, observer, config, kProbeInterval,
              [&config](const cloud::KeyServices& services) {
                return swr::credential_sources(config, services, cloud::this_host());
              }),
      project_(runtime, config, swr::iam_hosts(config, cloud::this_host()), client_),
      instance_(runtime, client_, [this] { return find_instance(); }) {}

Result<std::string> Client::find_instance() {
  const Result<std::string> project = project_.get();
  if (!project) return tl::unexpected<Error>(project.error());
  const Target target{origin_, *project, ""};
  const auto instances = read_whole<Instance>(
      [&](const PageRequest& page) {
        return ask_project<ListPage<Instance>>(
            "ListInstance", target, [&](const Target& at) { return list_instances(at, page); },
            [&](std::string_view body) { return parse_instances(body, page); });
      },
      id_of<Instance>);
  if (!instances) return tl::unexpected<Error>(instances.error());
  return id_of_name(*instances, configured_.name);
}

Result<std::string> Client::instance() {
  return configured_.id.empty() ? instance_.get() : Result<std::string>(configured_.id);
}

Result<Target> Client::target() {
  const Result<std::string> project = project_.get();
  if (!project) return tl::unexpected<Error>(project.error());
  const Result<std::string> id = instance();
  if (!id) return tl::unexpected<Error>(id.error());
  return Target{origin_, *project, *id};
}

Result<std::vector<ListedRepository>> Client::repositories() {
  return read_whole<ListedRepository>(
      [this](const PageRequest& page) {
        return ask<ListPage<ListedRepository>>(
            "ListInstanceRepositories",
            [&](const Target& target) { return list_repositories(target, page); },
            [&](std::string_view body) { return parse_repositories(body, page); });
      },
      [](const ListedRepository& repository) { return full_name(repository.ref); });
}

Result<std::vector<RetentionPolicy>> Client::retention_policies() {
  return read_whole<RetentionPolicy>(
      [this](const PageRequest& page) {
        return ask<ListPage<RetentionPolicy>>(
            "ListInstanceRetentionPolicies",
            [&](const Target& target) { return list_retention_policies(target, page); },
            [&](std::string_view body) { return parse_retention_policies(body, page); });
      },
      id_of<RetentionPolicy>);
}

Result<std::vector<ReplicationPolicy>> Client::replication_policies() {
  return read_whole<ReplicationPolicy>(
      [this](const PageRequest& page) {
        return ask<ListPage<ReplicationPolicy>>(
            "ListInstanceReplicationPolicies",
            [&](const Target& target) { return list_replication_policies(target, page); },
            [&](std::string_view body) { return parse_replication_policies(body, page); });
      },
      id_of<ReplicationPolicy>);
}

Result<cloud::Answer<ListPage<RetentionExecution>>> Client::retention_executions(
    const RetentionPolicy& policy, const PageRequest& page) {
  return ask<ListPage<RetentionExecution>>(
      "ListInstanceRetentionPolicyExecutions",
      [&](const Target& target) { return list_retention_executions(target, policy, page); },
      [&](std::string_view body) { return parse_retention_executions(body, policy.id, page); });
}

Result<std::vector<RetentionTask>> Client::retention_tasks(const RetentionPolicy& policy,
                                                           const std::string& execution_id) {
  return read_whole_confirmed<RetentionTask>(
      [&](const PageRequest& page) {
        return ask<ListPage<RetentionTask>>(
            "ListInstanceRetentionPolicyExecTasks",
            [&](const Target& target) {
              return list_retention_tasks(target, policy, execution_id, page);
            },
            [&](std::string_view body) { return parse_retention_tasks(body, execution_id, page); });
      },
      [](const RetentionTask& task) { return task.run.id; });
}

Result<cloud::Answer<ListPage<ReplicationExecution>>> Client::replication_executions(
    const PageRequest& page) {
  return ask<ListPage<ReplicationExecution>>(
      "ListInstanceReplicationPolicyExecutions",
      [&](const Target& target) { return list_replication_executions(target, page); },
      [&](std::string_view body) { return parse_replication_executions(body, page); });
}

void Client::abort() { client_.abort(); }

CloudHealth Client::health() const {
  CloudHealth health = client_.health();
  health.up = health.up && project_.available() && instance_.available();
  return health;
}

template <class T>
Result<cloud::Answer<T>> Client::ask(std::string_view operation, const Question& question,
                                     const std::function<Result<T>(std::string_view body)>& parse) {
  const Result<Target> at = target();
  if (!at) return tl::unexpected<Error>(at.error());
  return ask_project<T>(operation, *at, question, parse);
}

template <class T>
Result<cloud::Answer<T>> Client::ask_project(
    std::string_view operation, const Target& target, const Question& question,
    const std::function<Result<T>(std::string_view)>& parse) {
  const net::HttpRequest request = question(target);
  cloud::SignedCall call;
  call.operation = operation;
  call.sign = [&](const cloud::Keys& keys, UnixMillis now) {
    return swr::sign(request, keys, target.project_id, now);
  };
  call.classify = swr::classify_response;
  return client_.ask<T>(std::move(call),
                        [&](const net::HttpResponse& response) { return parse(response.body); });
}

}  // namespace registry_exporter::swr_ee
