#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace registry_exporter {

/// A folder of its own that goes with the object. In memory where that can be had: what syncs
/// thousands of times here proves nothing about the disk.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") +
            std::string("/registry_exporter_test.XXXXXX");
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no folder " + path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// The file's path.
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(file(name), std::ios::binary) << content;
    return file(name);
  }
  void clear() const {
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      std::filesystem::remove(entry);
    }
  }

 private:
  std::string path_;
};

}  // namespace registry_exporter
