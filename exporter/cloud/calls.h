#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/base/result.h"
#include "exporter/cloud/commands.h"
#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/net/api_caller.h"

namespace registry_exporter {

/// How a registry's calls are made, as configured. `probe_interval`: how often keys that were
/// refused are tried again.
ApiCallerOptions caller_options(const RegistryConfig& config, Millis probe_interval);

/// Services that give keys: those of the cloud by `caller`, those beside us by `transport`. What
/// comes by reference must outlive them; `caller` may not be there yet.
KeyServices key_services(Runtime runtime, HttpTransport& transport, CallObserver& observer,
                         std::string registry, ApiCaller& caller);

/// The same, and programs. `commands` must outlive them; it may not be there yet.
KeyServices with_commands(KeyServices services, Commands& commands);

/// One question that is signed with a registry's keys.
struct SignedCall {
  std::string_view operation;
  std::function<HttpRequest(const Keys& keys, UnixMillis now)> sign;
  std::function<std::optional<Refusal>(const HttpResponse& response)> classify;
};
/// Asks, and once more with new keys when those in use had expired. Errors: what the credentials or
/// the caller say.
Result<HttpResponse> call_signed(ApiCaller& caller, Credentials& credentials,
                                 const SignedCall& call);

/// Errors that end a discovery, whatever was found so far. Pure.
bool is_final(const Error& error);

}  // namespace registry_exporter
