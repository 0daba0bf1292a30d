#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "exporter/base/clock.h"
#include "exporter/base/secret.h"

namespace registry_exporter::cloud {

/// What authenticates requests: a pair of keys, or a token of IAM (swr). See
/// cloud/credentials.h.
struct Keys {
  std::string access_key;
  Secret secret_key;
  Secret security_token;                 ///< Of temporary keys; empty otherwise.
  Secret iam_token;                      ///< If set, it is sent instead of a signature.
  std::optional<UnixMillis> expires_at;  ///< Of temporary keys, otherwise nullopt.
  std::uint64_t generation = 0;          ///< Grows whenever the keys change.
  std::string project_id = {};           ///< swr: their project; empty: unknown.
  std::string iam_origin = {};           ///< swr: their IAM; empty: the registry's.
  bool operator==(const Keys&) const = default;
};

}  // namespace registry_exporter::cloud
