#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/simulator/wire.h"
#include "tests/simulator/world.h"

namespace registry_exporter::simulator {

/// What the demo world accepts.
struct SwrAccount {
  std::string access_key = "demo-access-key";
  std::string secret_key = "demo-secret-key";
  std::string project_id = "0123456789abcdef0123456789abcdef";
  std::string region = "demo-region";
  std::string domain_name = "demo-domain";
  std::string user_name = "demo-user";
  std::string password = "demo-password";
};

struct SwrCall;
struct SwrRefusal;

/// The SWR management API (/v2/manage/…, /v3/manage/repos) and that of the Enterprise Edition
/// (/v2/{project_id}/instances/…, see ee_wire) over a world, with the gateway before it
/// (SDK-HMAC-SHA256 by reading SignedHeaders, X-Auth-Token; five bad signatures in a row lock the
/// key for five minutes) and the parts of IAM and STS that sign users in. Not thread-safe. Source
/// of shapes and codes: public API pages and official clients of Huawei Cloud.
class SwrWire {
 public:
  explicit SwrWire(const World& world, SwrAccount account = {});
  net::HttpResponse answer(const WireRequest& request, UnixMillis now, const Lies& lies = {});

  /// Forgets the token that `request` carries, if it carries a good one: the user was changed.
  /// True if there was one.
  bool revoke_token(const WireRequest& request);

  /// A temporary key that works until it expires.
  LentKey lend_key(UnixMillis now, Millis life);
  /// Nothing is lent for longer, whatever is asked for.
  void set_life_max(Millis life) { life_max_ = life; }

 private:
  struct Failures {
    int in_a_row = 0;
    std::optional<UnixMillis> locked_until;
  };
  struct Secret;

  std::optional<SwrRefusal> admit(const SwrCall& call);
  std::optional<SwrRefusal> admit_token(const SwrCall& call);
  std::optional<SwrRefusal> admit_signature(const SwrCall& call);
  Secret secret_of(std::string_view access_key, std::string_view token, UnixMillis now) const;
  net::HttpResponse sign_in(const SwrCall& call);
  net::HttpResponse issue_token(const SwrCall& call);
  net::HttpResponse issue_keys(const SwrCall& call);
  net::HttpResponse assume_agency(const SwrCall& call, bool by_id_token);

  const World& world_;
  SwrAccount account_;
  std::map<std::string, UnixMillis, std::less<>> tokens_;  ///< With the time they expire.
  std::map<std::string, LentKey, std::less<>> temporary_;
  Millis life_max_ = std::chrono::hours(24);
  std::map<std::string, Failures, std::less<>> failures_;
  std::uint64_t issued_ = 0;
};

/// A refusal of SWR itself: both formats at once, as the API pages show.
net::HttpResponse swr_error(int status, std::string_view code, std::string_view message,
                            UnixMillis now);
/// A refusal of the gateway: {"error_code", "error_msg", "request_id"}.
net::HttpResponse gateway_error(int status, std::string_view code, std::string_view message,
                                UnixMillis now);

}  // namespace registry_exporter::simulator
