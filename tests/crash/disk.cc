#include "tests/crash/disk.h"

#include <algorithm>
#include <utility>

namespace registry_exporter {
namespace {

constexpr std::size_t kSector = 512;
/// Changes of a file that is never synced: older ones have reached the disk by themselves.
constexpr std::size_t kPendingMax = 256;

/// Bytes [begin, end) of what `event` writes, into `content`.
void put(std::string& content, const DiskEvent& event, std::size_t begin, std::size_t end) {
  if (content.size() < event.offset + end) content.resize(event.offset + end, '\0');
  std::copy_n(event.data.begin() + static_cast<std::ptrdiff_t>(begin), end - begin,
              content.begin() + static_cast<std::ptrdiff_t>(event.offset + begin));
}

void put_whole(std::string& content, const DiskEvent& event) {
  if (event.kind == DiskEvent::Kind::truncate) {
    content.resize(event.offset, '\0');
  } else {
    put(content, event, 0, event.data.size());
  }
}

/// Bytes that are there already stay, and so do sectors that are rewritten in part.
void spoil(const std::string& content, DiskEvent& event, std::size_t begin, std::size_t end,
           store::Dice& dice) {
  const bool zeros = dice.flip();
  const bool in_place = event.offset + begin < content.size();
  if (in_place && end - begin < kSector) return;
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t at = event.offset + i;
    const bool changes = at >= content.size() || content[at] != event.data[i];
    if (changes) event.data[i] = zeros ? '\0' : static_cast<char>(dice.next());
  }
}

void put_sectors(std::string& content, DiskEvent event, bool may_spoil, store::Dice& dice) {
  for (std::size_t begin = 0; begin < event.data.size();) {
    const std::size_t sector_end = kSector - (event.offset + begin) % kSector;
    const std::size_t end = std::min(begin + sector_end, event.data.size());
    if (dice.flip()) {
      if (may_spoil && dice.below(8) == 0) spoil(content, event, begin, end, dice);
      put(content, event, begin, end);
    }
    begin = end;
  }
}

void shuffle(std::vector<DiskEvent>& events, store::Dice& dice) {
  for (std::size_t i = events.size(); i > 1; --i) std::swap(events[i - 1], events[dice.below(i)]);
}

std::string crashed(std::string content, std::vector<DiskEvent> pending, Loss loss,
                    store::Dice& dice) {
  if (loss == Loss::everything) return content;
  if (loss == Loss::reordered || loss == Loss::garbage) shuffle(pending, dice);
  for (const DiskEvent& event : pending) {
    const bool whole = loss == Loss::nothing || loss == Loss::some_writes ||
                       event.kind == DiskEvent::Kind::truncate;
    if (!whole) {
      put_sectors(content, event, loss == Loss::garbage, dice);
    } else if (loss == Loss::nothing || dice.flip()) {
      put_whole(content, event);
    }
  }
  return content;
}

}  // namespace

Disk::Disk(const Image& durable) {
  for (const auto& [name, content] : durable) {
    folder_[0][name] = std::make_shared<File>(File{content, {}});
  }
}

Disk::Disk(const Disk& other) : folder_(other.folder_) {
  std::map<const File*, std::shared_ptr<File>> copies;
  for (Names& names : folder_) {
    for (auto& [name, file] : names) {
      auto& copy = copies[file.get()];
      if (!copy) copy = std::make_shared<File>(*file);
      file = copy;
    }
  }
}

Disk::File& Disk::open(const std::string& name) {
  auto& file = folder_.back()[name];
  if (!file) file = std::make_shared<File>();
  return *file;
}

void Disk::apply(const DiskEvent& event, store::Dice& dice) {
  switch (event.kind) {
    case DiskEvent::Kind::create:
      folder_.push_back(folder_.back());
      folder_.back()[event.file] = std::make_shared<File>();
      break;
    case DiskEvent::Kind::remove:
      folder_.push_back(folder_.back());
      folder_.back().erase(event.file);
      break;
    case DiskEvent::Kind::rename: {
      folder_.push_back(folder_.back());
      auto node = folder_.back().extract(event.file);
      if (node) folder_.back()[event.to] = node.mapped();
      break;
    }
    case DiskEvent::Kind::sync_folder:
      folder_.erase(folder_.begin(), folder_.end() - 1);
      break;
    case DiskEvent::Kind::sync:
    case DiskEvent::Kind::failed_sync: {
      File& file = open(event.file);
      // The system forgets what it could not write: the next sync succeeds without it.
      for (const DiskEvent& pending : std::exchange(file.pending, {})) {
        if (event.kind == DiskEvent::Kind::sync || dice.flip()) put_whole(file.durable, pending);
      }
      break;
    }
    case DiskEvent::Kind::write:
    case DiskEvent::Kind::truncate: {
      File& file = open(event.file);
      file.pending.push_back(event);
      if (file.pending.size() > kPendingMax) {
        put_whole(file.durable, file.pending.front());
        file.pending.erase(file.pending.begin());
      }
      break;
    }
  }
}

Image Disk::crash(Loss loss, store::Dice& dice) const {
  std::size_t folder = dice.below(folder_.size());
  if (loss == Loss::everything) folder = 0;
  if (loss == Loss::nothing) folder = folder_.size() - 1;
  Image image;
  for (const auto& [name, file] : folder_[folder]) {
    image[name] = crashed(file->durable, file->pending, loss, dice);
  }
  return image;
}

}  // namespace registry_exporter
