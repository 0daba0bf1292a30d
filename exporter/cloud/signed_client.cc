#include "exporter/cloud/signed_client.h"

#include <utility>

namespace registry_exporter::cloud {
namespace {

net::ApiCallerOptions caller_options(const config::RegistryConfig& config, Millis probe_interval) {
  net::ApiCallerOptions options;
  options.registry = config.name;
  options.requests_per_second = config.requests_per_second;
  options.sharers = config.shards;
  options.request_timeout = config.request_timeout;
  options.probe_interval = probe_interval;
  return options;
}

/// The value of the label `outcome` for an answer of a service beside us.
std::string_view outcome_of(const Result<net::HttpResponse>& response) {
  if (!response) return name(response.error().kind);
  if (response->status == 404) return name(ErrorKind::not_found);
  if (response->status >= 500) return name(ErrorKind::server_error);
  if (response->status >= 300) return name(ErrorKind::bad_request);
  return "ok";
}

}  // namespace

SignedClient::SignedClient(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
                           const config::RegistryConfig& config, Millis probe_interval,
                           const MakeSources& make_sources)
    : runtime_(runtime),
      transport_(transport),
      observer_(observer),
      registry_(config.name),
      caller_(runtime, transport, observer, caller_options(config, probe_interval)),
      commands_(runtime.clock),
      credentials_(runtime, make_sources(key_services()),
                   [this] { caller_.credentials_changed(); }) {}

KeyServices SignedClient::key_services() {
  return {[this](const net::ApiCall& call) { return caller_.call(call); },
          [this](std::string_view operation, net::HttpRequest request) {
            return fetch(operation, std::move(request));
          },
          [this](std::string_view command) { return commands_.run(command); }};
}

/// One attempt, without a proxy, metered.
Result<net::HttpResponse> SignedClient::fetch(std::string_view operation,
                                              net::HttpRequest request) {
  request.direct = true;
  const SteadyTime begin = runtime_.clock.steady_now();
  Result<net::HttpResponse> response = transport_.send(request);
  const auto took = std::chrono::duration_cast<Millis>(runtime_.clock.steady_now() - begin);
  const bool is_stopping = !response && response.error().kind == ErrorKind::canceled;
  if (!is_stopping) observer_.call_finished(registry_, operation, outcome_of(response), took);
  return response;
}

Result<net::HttpResponse> SignedClient::send(const SignedCall& signed_call) {
  for (bool renewed = false;; renewed = true) {
    Result<Keys> keys = credentials_.get();
    if (!keys) return tl::unexpected<Error>(keys.error());
    bool expired = false;
    net::ApiCall call;
    call.operation = signed_call.operation;
    call.optional = signed_call.optional;
    call.prepare = [&](UnixMillis now) -> Result<net::HttpRequest> {
      // The call may have waited long for its turn.
      if (auto newest = credentials_.at_hand()) *keys = std::move(*newest);
      return signed_call.sign(*keys, now);
    };
    call.classify = [&](const net::HttpResponse& response) {
      std::optional<net::Refusal> refusal = signed_call.classify(response);
      if (refusal) {
        // Permanent keys can't expire, and new ones can't have expired yet.
        refusal->credentials_expired &= keys->expires_at.has_value() && !renewed;
        expired = refusal->credentials_expired;
      }
      return refusal;
    };
    Result<net::HttpResponse> response = caller_.call(call);
    if (response) return response;
    if (!expired) return failed_call(signed_call.operation, response.error());
    credentials_.expired(keys->generation);
  }
}

CloudHealth SignedClient::health() const {
  CloudHealth health;
  health.up = caller_.up() && credentials_.available();
  health.requests_per_second = caller_.rate_in_force();
  health.clock_offset = caller_.clock_offset();
  health.credentials_expire_at = credentials_.expires_at();
  health.credentials_source = credentials_.source();
  return health;
}

void SignedClient::abort() {
  caller_.abort();
  transport_.abort();
  commands_.abort();
}

}  // namespace registry_exporter::cloud
