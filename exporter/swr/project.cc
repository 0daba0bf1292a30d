#include "exporter/swr/project.h"

#include "exporter/swr/refusal.h"
#include "exporter/swr/signer.h"
#include "exporter/swr/token_service.h"

namespace registry_exporter::swr {

Project::Project(Runtime runtime, const config::RegistryConfig& config,
                 std::shared_ptr<const IamHosts> iam, cloud::SignedClient& client)
    : configured_(std::get<config::SwrConfig>(config.cloud).project_id),
      region_(config.region),
      iam_(std::move(iam)),
      client_(client),
      found_(runtime, client, [this] { return find(); }) {}

void Project::keep_to(std::string id) {
  const MutexLock lock(mutex_);
  kept_to_ = std::move(id);
}

bool Project::available() const { return found_.available(); }

Result<std::string> Project::get() {
  return configured_.empty() ? found_.get() : Result<std::string>(configured_);
}

Result<std::string> Project::find() {
  const Result<cloud::Keys> keys = client_.credentials().get();
  if (!keys) return tl::unexpected<Error>(keys.error());
  if (is_project_id(keys->project_id)) return checked(keys->project_id);
  const Result<std::string> found =
      keys->iam_origin.empty()
          ? iam_->ask<std::string>([this](const std::string& origin) { return ask(origin); })
          : ask(keys->iam_origin);
  return found ? checked(*found) : found;
}

Result<std::string> Project::checked(std::string found) const {
  const MutexLock lock(mutex_);
  if (kept_to_.empty() || found == kept_to_) return found;
  return fail(ErrorKind::invalid_config,
              "these credentials find project " + found + " in " + region_ +
                  ", but the stored counts belong to project " + kept_to_ +
                  ": set project_id to the right one (with " + found + " it is a new registry)");
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
