#include "exporter/cloud/calls.h"

namespace registry_exporter {
namespace {

Result<HttpResponse> fetch(Runtime runtime, HttpTransport& transport, CallObserver& observer,
                           std::string_view registry, std::string_view operation,
                           HttpRequest request) {
  request.direct = true;
  const SteadyTime begin = runtime.clock.steady_now();
  Result<HttpResponse> response = transport.send(request);
  const auto took = std::chrono::duration_cast<Millis>(runtime.clock.steady_now() - begin);
  std::string_view outcome = "ok";
  if (!response) {
    outcome = name(response.error().kind);
  } else if (response->status == 404) {
    outcome = name(ErrorKind::not_found);
  } else if (response->status >= 500) {
    outcome = name(ErrorKind::server_error);
  } else if (response->status >= 300) {
    outcome = name(ErrorKind::bad_request);
  }
  const bool stopping = !response && response.error().kind == ErrorKind::canceled;
  if (!stopping) observer.call_finished(registry, operation, outcome, took);
  return response;
}

}  // namespace

ApiCallerOptions caller_options(const RegistryConfig& config, Millis probe_interval) {
  ApiCallerOptions options;
  options.registry = config.name;
  options.requests_per_second = config.requests_per_second;
  options.sharers = config.shards;
  options.request_timeout = config.request_timeout;
  options.probe_interval = probe_interval;
  return options;
}

KeyServices key_services(Runtime runtime, HttpTransport& transport, CallObserver& observer,
                         std::string registry, ApiCaller& caller) {
  return {[&caller](const ApiCall& call) { return caller.call(call); },
          [runtime, &transport, &observer, registry = std::move(registry)](
              std::string_view operation, HttpRequest request) {
            return fetch(runtime, transport, observer, registry, operation, std::move(request));
          }};
}

KeyServices with_commands(KeyServices services, Commands& commands) {
  services.run = [&commands](std::string_view command) { return commands.run(command); };
  return services;
}

Result<HttpResponse> call_signed(ApiCaller& caller, Credentials& credentials,
                                 const SignedCall& question) {
  for (bool renewed = false;; renewed = true) {
    Result<Keys> keys = credentials.get();
    if (!keys) return tl::unexpected<Error>(keys.error());
    bool expired = false;
    ApiCall call;
    call.operation = question.operation;
    call.prepare = [&](UnixMillis now) -> Result<HttpRequest> {
      // It may have waited long for its turn.
      if (auto newest = credentials.at_hand()) *keys = std::move(*newest);
      return question.sign(*keys, now);
    };
    call.classify = [&](const HttpResponse& response) {
      std::optional<Refusal> refusal = question.classify(response);
      if (refusal) {
        // Keys for good are bad keys when they are refused; so are new ones.
        refusal->credentials_expired &= keys->expires_at.has_value() && !renewed;
        expired = refusal->credentials_expired;
      }
      return refusal;
    };
    Result<HttpResponse> response = caller.call(call);
    if (response) return response;
    if (!expired) return failed_call(question.operation, response.error());
    credentials.expired(keys->generation);
  }
}

bool is_final(const Error& error) { return traits(error.kind).ends_discovery; }

}  // namespace registry_exporter
