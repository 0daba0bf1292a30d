#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/simulator/wire.h"
#include "tests/simulator/world.h"

namespace registry_exporter::simulator {

/// What the demo world accepts.
struct AcrAccount {
  std::string access_key_id = "demo-access-key-id";
  std::string access_key_secret = "demo-access-key-secret";
  std::string instance_id = "cri-demo";
  std::string region = "demo-region";
};

struct AcrCall;
struct AcrRefusal;

/// The ACR Enterprise Edition RPC API (`cr`, version 2018-12-01) over a world, with its gateway:
/// both signatures, fifteen minutes of clock skew, nonces that work once, and the token service's
/// AssumeRole and AssumeRoleWithOIDC. An answer is a function of the world, the request, the time,
/// and the nonces and temporary keys seen before. Not thread-safe.
/// Source of shapes and codes: public API pages and official clients of Alibaba Cloud.
class AcrWire {
 public:
  explicit AcrWire(const World& world, AcrAccount account = {});
  net::HttpResponse answer(const WireRequest& request, UnixMillis now, const Lies& lies = {});

  /// A temporary key that works until it expires.
  LentKey lend_key(UnixMillis now, Millis life);
  /// Nothing is lent for longer, whatever is asked for.
  void set_life_max(Millis life) { life_max_ = life; }

 private:
  struct Secret;

  std::optional<AcrRefusal> admit(const AcrCall& call);
  std::optional<AcrRefusal> admit_acs3(const AcrCall& call);
  std::optional<AcrRefusal> admit_rpc(const AcrCall& call);
  std::optional<AcrRefusal> admit_nonce(std::string_view nonce, UnixMillis now);
  Secret secret_of(std::string_view access_key_id, std::string_view token, UnixMillis now) const;
  net::HttpResponse run(const AcrCall& call);
  net::HttpResponse assume_role(const AcrCall& call);

  const World& world_;
  AcrAccount account_;
  std::map<std::string, UnixMillis, std::less<>> nonces_;  ///< With the time they were used.
  std::size_t nonces_max_ = 4096;  ///< Forgotten ones leave when there are more.
  std::map<std::string, LentKey, std::less<>> temporary_;
  Millis life_max_ = std::chrono::hours(24);
  std::uint64_t issued_ = 0;
};

/// The operation asked for, by header or parameter; "" if none is named.
std::string acr_action(const WireRequest& request);

/// A refusal in the gateway's words: {"RequestId", "HostId", "Code", "Message", "Recommend"}.
net::HttpResponse acr_error(int status, std::string_view code, std::string_view message,
                            UnixMillis now);

/// HTTP 200, IsSuccess false: how the product itself refuses.
net::HttpResponse acr_business_error(std::string_view code, UnixMillis now);

}  // namespace registry_exporter::simulator
