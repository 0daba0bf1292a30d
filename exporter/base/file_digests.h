#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/digest.h"
#include "exporter/base/result.h"

namespace registry_exporter {

/// Path and digest of each file as it was once read, to notice changes. Contents are compared, not
/// times: this also notices symbolic links that were switched and files that were written twice
/// within one tick of the clock.
using FileDigests = std::vector<std::pair<std::string, Sha256>>;

/// Of a file's content, or of the reason why it can't be read. Pure.
Sha256 digest_of(const Result<std::string>& content);

/// Reads the files. Shell.
FileDigests digests_of(const std::vector<std::string>& files, std::size_t bytes_max);
/// The same files as they are now. Shell.
FileDigests digests_now(const FileDigests& earlier, std::size_t bytes_max);

}  // namespace registry_exporter
