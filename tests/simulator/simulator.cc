#include "tests/simulator/simulator.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "exporter/base/time_text.h"
#include "tests/simulator/ee_world.h"
#include "tests/simulator/truth.h"

namespace registry_exporter::simulator {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kSpeedMax = 1e6;

template <class AnyRepository>
Json syncs_of(const SyncTasks& syncs, const AnyRepository& repository) {
  const auto finished = syncs.counts_of(repository.repo_namespace, repository.name).finished;
  return {{"success", finished[0]},
          {"failed", finished[1]},
          {"canceled", finished[2]},
          {"other", finished[3]}};
}

Json ended_json(const std::array<std::uint64_t, kRunEnds>& ended) {
  return {{"success", ended[0]}, {"failed", ended[1]}, {"stopped", ended[2]}, {"other", ended[3]}};
}

/// Executions by namespace, what they deleted by repository, and replications by policy.
Json truth_of(const EeWorld& world) {
  Json retentions = Json::array();
  Json repositories = Json::array();
  for (const EeNamespace& space : world.namespaces()) {
    if (space.policy_id != 0) {
      retentions.push_back({{"repo_namespace", space.name},
                            {"executions", ended_json(space.ended)},
                            {"in_progress", space.schedule.ends ? 1 : 0}});
    }
    for (const EeRepository& repository : space.repositories) {
      const auto& deleted = repository.deleted_by;
      repositories.push_back(
          {{"repo_namespace", space.name},
           {"repo", repository.name},
           {"deletions",
            {{"date_rule", deleted[0]}, {"tag_rule", deleted[1]}, {"other", deleted[2]}}}});
    }
  }
  Json replications = Json::array();
  for (const EeReplicationPolicy& policy : world.replication_policies()) {
    const auto& artifacts = policy.artifacts;
    replications.push_back(
        {{"policy", policy.name},
         {"executions", ended_json(policy.ended)},
         {"in_progress", policy.schedule.ends ? 1 : 0},
         {"artifacts",
          {{"success", artifacts[0]}, {"failed", artifacts[1]}, {"stopped", artifacts[2]}}}});
  }
  return {{"retentions", std::move(retentions)},
          {"repositories", std::move(repositories)},
          {"replications", std::move(replications)}};
}

Json truth_of(const World& world) {
  Json acr = Json::array();
  for (const AcrRepository& repository : world.acr()) {
    const auto& finished = repository.finished;
    acr.push_back({{"repo_namespace", repository.repo_namespace},
                   {"repo", repository.name},
                   {"builds",
                    {{"success", finished[0]},
                     {"failed", finished[1]},
                     {"canceled", finished[2]},
                     {"other", finished[3]}}},
                   {"in_progress", repository.open.size()},
                   {"syncs", syncs_of(world.syncs(), repository)},
                   {"syncs_in_progress",
                    world.syncs().counts_of(repository.repo_namespace, repository.name).open}});
  }
  Json swr = Json::array();
  for (const SwrRepository& repository : world.swr()) {
    const auto& deleted = repository.deleted_by;
    swr.push_back({{"repo_namespace", repository.repo_namespace},
                   {"repo", repository.name},
                   {"deletions",
                    {{"date_rule", deleted[0]}, {"tag_rule", deleted[1]}, {"other", deleted[2]}}},
                   {"syncs", syncs_of(world.swr_syncs(), repository)},
                   {"syncs_in_progress",
                    world.swr_syncs().counts_of(repository.repo_namespace, repository.name).open}});
  }
  return {{"acr", std::move(acr)}, {"swr", std::move(swr)}, {"swr_ee", truth_of(world.ee())}};
}

Reply plain(int status, std::string body, UnixMillis now, const char* type) {
  Reply reply;
  reply.response = {.status = status,
                    .headers = {{"date", format_http_date(now)}, {"content-type", type}},
                    .body = std::move(body)};
  return reply;
}

}  // namespace

Simulator::Simulator(const WorldOptions& options, const FaultMix& faults, UnixMillis now,
                     AccountOptions account)
    : world_(options, now),
      acr_(world_),
      swr_(world_),
      account_(std::move(account)),
      dice_(options.seed) {
  acr_.set_life_max(account_.credentials_life_max);
  swr_.set_life_max(account_.credentials_life_max);
  if (account_.quota) quota_.emplace(*account_.quota);
  set_faults(faults);
}

void Simulator::set_faults(const FaultMix& faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
  world_.set_tricks(faults.tricks);
}

void Simulator::set_speed(double speed, UnixMillis now) {
  const std::lock_guard lock(mutex_);
  world_.set_speed(speed, now);
}

std::string Simulator::truth(UnixMillis now) {
  const std::lock_guard lock(mutex_);
  world_.advance_to(now);
  return truth_of(world_).dump();
}

std::string Simulator::durations(UnixMillis now) {
  const std::lock_guard lock(mutex_);
  world_.advance_to(now);
  return durations_text(world_);
}

std::uint64_t Simulator::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::vector<std::pair<std::string_view, std::uint64_t>> Simulator::fired() const {
  const std::lock_guard lock(mutex_);
  auto all = world_.tricks_played();
  for (std::size_t i = 0; i < kFaults; ++i) {
    all.emplace_back(name(static_cast<Fault>(i)), fired_[i]);
  }
  return all;
}

Reply Simulator::answer(const WireRequest& request, UnixMillis now) {
  const std::string_view path = request.raw_path();
  if (path == "/truth" && request.method == "GET") {
    return plain(200, truth(now), now, "application/json");
  }
  if (path == "/truth/durations" && request.method == "GET") {
    return plain(200, durations(now), now, "application/json");
  }
  if (path == "/control" && request.method == "POST") return answer_control(request, now);
  if (LocalServices::owns(path)) {
    const std::lock_guard lock(mutex_);
    Reply reply;
    reply.response = local_.answer(request, now);
    return reply;
  }
  return answer_cloud(request, now + account_.clock_ahead);
}

bool Simulator::is_denied(const WireRequest& request) const {
  const std::string operation =
      request.raw_path() == "/" ? acr_action(request) : std::string(swr_operation(request));
  const auto& denied = account_.denied;
  return std::find(denied.begin(), denied.end(), operation) != denied.end();
}

Reply Simulator::answer_control(const WireRequest& request, UnixMillis now) {
  const Json wish = Json::parse(request.body, nullptr, false);
  if (!wish.is_object()) return plain(400, "not a JSON object\n", now, "text/plain");
  for (const auto& [key, value] : wish.items()) {
    const bool good =
        (key == "speed" && value.is_number()) || (key == "faults" && value.is_string());
    if (!good) return plain(400, "bad or unknown key: " + key + "\n", now, "text/plain");
  }
  const double speed = wish.value("speed", 0.0);
  if (speed < 0 || speed > kSpeedMax) return plain(400, "bad speed\n", now, "text/plain");
  const auto faults = parse_faults(wish.value("faults", "none"));
  if (!faults) return plain(400, faults.error().detail + "\n", now, "text/plain");
  if (wish.contains("speed")) set_speed(speed, now);
  if (wish.contains("faults")) set_faults(*faults);
  return plain(200, "{}\n", now, "application/json");
}

Reply Simulator::answer_cloud(const WireRequest& request, UnixMillis now) {
  const std::lock_guard lock(mutex_);
  ++calls_;
  world_.advance_to(now);
  const bool is_acr = request.raw_path() == "/";
  const bool is_swr = request.raw_path().starts_with("/v2/") ||
                      request.raw_path().find("/manage/") != std::string_view::npos;
  if (quota_ && is_swr) {
    if (auto refusal = quota_->refuse(now)) return Reply{std::move(*refusal)};
  }
  const Misfortune misfortune = dice_.draw(faults_);
  const std::optional<Fault> fault = misfortune.fault;
  if (fault) ++fired_[static_cast<std::size_t>(*fault)];
  const bool replaced = fault == Fault::throttle || fault == Fault::server_error ||
                        fault == Fault::html_error || fault == Fault::business_error ||
                        fault == Fault::malformed;
  Reply reply;
  if (replaced) {
    reply.response = bad_answer(misfortune, is_acr, now);
    return reply;
  }
  if (fault == Fault::token) swr_.revoke_token(request);
  const Lies lies = lies_of(misfortune);
  reply.response = is_acr ? acr_.answer(request, now, lies) : swr_.answer(request, now, lies);
  if (reply.response.status < 300 && is_denied(request)) {
    reply.response = is_acr
                         ? acr_error(403, "NoPrivilege", "Access denied.", now)
                         : swr_error(403, "SVCSTG.SWR.4030170", "You do not have permission.", now);
  }
  const bool never = reply.response.status == kNeverAnswered;
  std::string& body = reply.response.body;
  if (fault == Fault::truncate) body.resize(body.size() / 2);
  reply.cut = fault == Fault::cut;
  reply.lost = fault == Fault::lose || never;
  if (fault == Fault::slow) reply.delay = Millis{500 + static_cast<int>(misfortune.dice % 2500)};
  return reply;
}

}  // namespace registry_exporter::simulator
