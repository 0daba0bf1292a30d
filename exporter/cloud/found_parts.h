#pragma once

#include <utility>

#include "exporter/model/cloud.h"

namespace registry_exporter::cloud {

/// Reports the repositories of a discovery page by page, each once.
class FoundParts {
 public:
  explicit FoundParts(PartFound listener) : listener_(std::move(listener)) {}

  void tell(const Discovery& so_far) {
    if (!listener_ || so_far.repositories.size() == told_) return;
    Discovery part;
    part.server_time = so_far.server_time;
    part.project_id = so_far.project_id;
    part.repositories.assign(so_far.repositories.begin() + static_cast<std::ptrdiff_t>(told_),
                             so_far.repositories.end());
    told_ = so_far.repositories.size();
    listener_(part);
  }

 private:
  PartFound listener_;
  std::size_t told_ = 0;
};

}  // namespace registry_exporter::cloud
