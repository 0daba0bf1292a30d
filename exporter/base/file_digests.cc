// Shell: reads files.
#include "exporter/base/file_digests.h"

#include "exporter/base/files.h"

namespace registry_exporter {

Sha256 digest_of(const Result<std::string>& content) {
  return sha256(content ? "content " + *content : "error " + content.error().detail);
}

FileDigests digests_of(const std::vector<std::string>& files, std::size_t bytes_max) {
  FileDigests digests;
  for (const std::string& file : files) {
    digests.emplace_back(file, digest_of(read_file(file, bytes_max)));
  }
  return digests;
}

FileDigests digests_now(const FileDigests& earlier, std::size_t bytes_max) {
  std::vector<std::string> files;
  for (const auto& each : earlier) files.push_back(each.first);
  return digests_of(files, bytes_max);
}

}  // namespace registry_exporter
