#pragma once

#include <map>
#include <string>
#include <utility>

#include "exporter/ingest/tracked_registry.h"
#include "exporter/model/repository.h"

namespace registry_exporter::ingest {

/// Lists that a discovery shows under another name than before: found by their cloud's ids, before
/// anything of the discovery is taken in. Names may be used again at once, or swapped. Pure but for
/// the lists handed in.
class Renames {
 public:
  /// None.
  Renames() = default;
  Renames(const TrackedRegistry& registry, const Discovery& discovery);

  /// Where the list was that is called `listed` now; nullptr: it was called so before, or is new.
  const TrackedList* origin_of(const StreamKind& kind, const RepositoryRef& listed) const;

  /// The ids of a renamed list go along to `to` as baseline: they were counted under the old name.
  /// What is still open is followed under the new one alone. Returns the origin.
  TrackedList& take_ids(const RepositoryRef& listed, TrackedList& to) const;

 private:
  using Id = std::pair<OwnerType, std::string>;
  struct Origin {
    TrackedList* list = nullptr;
    Ledger ledger;  ///< As it was before this pass.
  };
  static Id id_of(const RepositoryRef& ref) { return {owner_type(ref), ref.cloud_id}; }

  std::map<std::pair<std::uint8_t, Id>, Origin> origins_;
};

}  // namespace registry_exporter::ingest
