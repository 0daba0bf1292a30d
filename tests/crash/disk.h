#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/store/sample_state.h"

namespace registry_exporter {

/// One thing that a program asked of the disk.
struct DiskEvent {
  enum class Kind { create, write, truncate, sync, failed_sync, sync_folder, remove, rename };
  Kind kind = Kind::write;
  std::string file;
  std::string to;          ///< rename: the new name.
  std::size_t offset = 0;  ///< write: where; truncate: the new size.
  std::string data;
};

/// Name → content.
using Image = std::map<std::string, std::string>;

/// What a power cut leaves of the writes that were not synced.
enum class Loss {
  everything,   ///< None of them arrived.
  nothing,      ///< All of them arrived.
  some_writes,  ///< Each whole write arrived or did not.
  torn,         ///< Each sector of 512 bytes arrived or did not.
  reordered,    ///< Each sector has one of the contents it ever had since the last sync.
  garbage,      ///< As reordered, but a sector that was being written may hold zeros or noise.
};
inline constexpr int kLosses = 6;

/// A disk as a power cut sees it: what is durable, and what was asked for since. Folder entries
/// (create, remove, rename) become durable in their order; writes become so file by file. Pure.
class Disk {
 public:
  Disk() = default;
  explicit Disk(const Image& durable);
  Disk(const Disk& other);
  Disk& operator=(const Disk&) = delete;

  /// `dice` decides what a sync that failed has left behind.
  void apply(const DiskEvent& event, store::Dice& dice);
  Image crash(Loss loss, store::Dice& dice) const;

 private:
  struct File {
    std::string durable;
    std::vector<DiskEvent> pending;  ///< write and truncate.
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  File& open(const std::string& name);

  /// The folder after the last sync, and after each change since.
  std::vector<Names> folder_{Names{}};
};

}  // namespace registry_exporter
