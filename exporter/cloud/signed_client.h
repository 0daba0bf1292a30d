#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/observer.h"
#include "exporter/base/runtime.h"
#include "exporter/base/time_text.h"
#include "exporter/cloud/commands.h"
#include "exporter/cloud/credentials.h"
#include "exporter/config/config.h"
#include "exporter/model/cloud.h"
#include "exporter/net/api_caller.h"
#include "exporter/net/http_transport.h"

namespace registry_exporter::cloud {

/// A request that is signed with a registry's keys.
struct SignedCall {
  std::string_view operation;  ///< The cloud's own name, e.g. "ListRepository".
  std::function<net::HttpRequest(const Keys& keys, UnixMillis now)> sign;
  /// As ApiCall::classify.
  std::function<std::optional<net::Refusal>(const net::HttpResponse& response)> classify;
  bool optional = false;  ///< As ApiCall::optional.
};

/// What was read from an answer.
template <class T>
struct Answer {
  T value;
  std::optional<UnixMillis> server_time;  ///< Its `Date`.
};

/// Makes the calls of a registry, signed with its credentials and within its rate. Both clouds'
/// clients are built on it. Thread-safe.
class SignedClient {
 public:
  /// Makes the sources of credentials, which ask `services` for keys.
  using MakeSources = std::function<std::vector<Source>(const KeyServices& services)>;

  /// `probe_interval`: how often keys that were refused are tried again. What comes by reference
  /// must outlive the client.
  SignedClient(Runtime runtime, net::HttpTransport& transport, CallObserver& observer,
               const config::RegistryConfig& config, Millis probe_interval,
               const MakeSources& make_sources);

  /// Sends a call, and once more with new keys if the keys had expired. Errors: those of the
  /// credentials and of the caller.
  Result<net::HttpResponse> send(const SignedCall& call);

  /// The same, and reads the answer. An answer that `parse` can't read counts as a failed attempt.
  template <class T>
  Result<Answer<T>> ask(SignedCall call,
                        const std::function<Result<T>(const net::HttpResponse& response)>& parse) {
    std::optional<T> value;
    call.classify = [&parse, &value, classify = std::move(call.classify)](
                        const net::HttpResponse& response) -> std::optional<net::Refusal> {
      if (auto refusal = classify(response)) return refusal;
      Result<T> parsed = parse(response);
      if (!parsed) return net::Refusal{parsed.error()};
      value = std::move(*parsed);
      return std::nullopt;
    };
    const Result<net::HttpResponse> response = send(call);
    if (!response) return tl::unexpected<Error>(response.error());
    return Answer<T>{std::move(*value), parse_http_date(response->header("date"))};
  }

  Credentials& credentials() { return credentials_; }
  CloudHealth health() const;
  /// Ends the calls under way and refuses new ones.
  void abort();

 private:
  KeyServices key_services();
  Result<net::HttpResponse> fetch(std::string_view operation, net::HttpRequest request);

  Runtime runtime_;
  net::HttpTransport& transport_;
  CallObserver& observer_;
  const std::string registry_;
  net::ApiCaller caller_;
  Commands commands_;
  Credentials credentials_;
};

}  // namespace registry_exporter::cloud
