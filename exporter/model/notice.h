#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "exporter/base/clock.h"
#include "exporter/model/repository.h"
#include "exporter/model/stream_kind.h"

namespace registry_exporter {

/// A cloud's own word that something of a kind was finished in a repository. A hint, never proof:
/// it may be late, missing, repeated or wrong.
struct Notice {
  std::string id;
  const StreamKind* kind = &kBuilds;
  RepositoryRef of;              ///< By name.
  std::optional<UnixMillis> at;  ///< By the cloud's clock.
};

struct NoticePage {
  std::vector<Notice> notices;  ///< Those of kinds that are known, in the order of the answer.
  std::size_t rows = 0;         ///< As many as the answer had.
  std::optional<std::uint64_t> total;
  std::optional<UnixMillis> server_time;
};

}  // namespace registry_exporter
