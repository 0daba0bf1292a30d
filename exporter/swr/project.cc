#include "exporter/swr/project.h"

#include <algorithm>

#include "exporter/swr/refusal.h"
#include "exporter/swr/signer.h"
#include "exporter/swr/token_service.h"

namespace registry_exporter::swr {
namespace {

/// After a failure: doubles from the first to the second.
constexpr Millis kPauseMin{1'000};
constexpr Millis kPauseMax{60'000};
constexpr int kDoublingsMax = 6;

/// Refused keys are limited by ApiCaller, and a stop is not a failure.
bool is_watched_elsewhere(ErrorKind kind) {
  return kind == ErrorKind::unauthorized || kind == ErrorKind::canceled;
}

}  // namespace

Project::Project(Runtime runtime, const config::RegistryConfig& config,
                 std::shared_ptr<const IamHosts> iam, cloud::SignedClient& client)
    : runtime_(runtime),
      configured_(std::get<config::SwrConfig>(config.cloud).project_id),
      region_(config.region),
      iam_(std::move(iam)),
      client_(client),
      changed_(runtime.threads.make_waiter()) {}

void Project::keep_to(std::string id) {
  const MutexLock lock(mutex_);
  kept_to_ = std::move(id);
}

bool Project::available() const {
  const MutexLock lock(mutex_);
  return !failure_;
}

Result<std::string> Project::get() {
  if (!configured_.empty()) return configured_;
  MutexLock lock(mutex_);
  while (asking_) changed_->wait_until(mutex_, SteadyTime::max());
  if (!known_.empty()) return known_;
  asking_ = true;
  const bool rests = failure_ && runtime_.clock.steady_now() < retry_at_;
  const std::uint64_t failed_generation = failed_generation_;
  lock.unlock();
  const bool asks = !rests || generation() != failed_generation;
  Result<std::string> found = asks ? find() : Result<std::string>();
  const std::uint64_t used_generation = asks ? generation() : failed_generation;
  lock.lock();
  asking_ = false;
  changed_->notify_all();
  return asks ? settle(std::move(found), used_generation) : tl::unexpected(*failure_);
}

/// Of the available keys; 0: there are none.
std::uint64_t Project::generation() {
  const auto keys = client_.credentials().at_hand();
  return keys ? keys->generation : 0;
}

Result<std::string> Project::settle(Result<std::string> found, std::uint64_t used_generation) {
  if (found && !kept_to_.empty() && *found != kept_to_) {
    found = fail(ErrorKind::invalid_config,
                 "the project of " + region_ + " is " + *found +
                     " for these credentials, and what is known of this registry is of " +
                     kept_to_ + ": set project_id to the one that is meant (with " + *found +
                     " it is a new registry)");
  }
  if (found) {
    known_ = *found;
    failure_.reset();
  } else if (!is_watched_elsewhere(found.error().kind)) {
    failure_ = found.error();
    failed_generation_ = used_generation;
    const Millis pause = kPauseMin * (1 << std::min(failures_++, kDoublingsMax));
    retry_at_ = runtime_.clock.steady_now() + std::min(pause, kPauseMax);
  }
  return found;
}

Result<std::string> Project::find() {
  const Result<cloud::Keys> keys = client_.credentials().get();
  if (!keys) return tl::unexpected<Error>(keys.error());
  if (is_project_id(keys->project_id)) return keys->project_id;
  if (!keys->iam_origin.empty()) return ask(keys->iam_origin);
  return iam_->ask<std::string>([this](const std::string& origin) { return ask(origin); });
}

Result<std::string> Project::ask(const std::string& iam_origin) {
  cloud::SignedCall call;
  call.operation = "KeystoneListProjects";
  call.sign = [&](const cloud::Keys& keys, UnixMillis now) {
    return sign(list_projects(iam_origin, region_), keys, "", now);
  };
  std::optional<Result<std::string>> id;
  call.classify = [&](const net::HttpResponse& response) -> std::optional<net::Refusal> {
    if (auto refusal = classify_response(response)) return refusal;
    id = parse_project(response, region_);
    const bool is_readable = *id || id->error().kind != ErrorKind::malformed;
    if (is_readable) return std::nullopt;
    return net::Refusal{id->error(), false, false};
  };
  const Result<net::HttpResponse> response = client_.send(call);
  if (!response) return tl::unexpected(response.error());
  return *std::move(id);
}

}  // namespace registry_exporter::swr
