#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "exporter/base/clock.h"
#include "exporter/base/secret.h"

namespace registry_exporter {

/// What authenticates us at a cloud: a pair of keys, or a token of IAM (swr). Source:
/// cloud/credentials.h.
struct Keys {
  std::string access_key;
  Secret secret_key;
  Secret security_token;                 ///< Of temporary keys; empty otherwise.
  Secret iam_token;                      ///< Set: it is sent, and nothing is signed.
  std::optional<UnixMillis> expires_at;  ///< Set exactly when others come after them.
  std::uint64_t generation = 0;          ///< Grows whenever the keys become other ones.
  std::string project_id = {};           ///< swr: that they are of; empty: not told with them.
  std::string iam_origin = {};           ///< swr: where IAM knows them; empty: the registry's own.
  bool operator==(const Keys&) const = default;
};

}  // namespace registry_exporter
