#pragma once

#include <string>

#include "exporter/base/result.h"

/// Access to the bytes of a file without SQLite. A missing file is a success. Errors: state_io.
/// Shell.
namespace registry_exporter::store {

/// Overwrites a file with its own bytes and syncs it. After a failed sync the system treats pages
/// as written that are not on the disk, and only another write brings them there.
Result<Done> rewrite_in_place(const std::string& path);

/// Whether every byte can be read. SQLite reports a page that cannot be read as damaged.
Result<Done> read_whole(const std::string& path);

}  // namespace registry_exporter::store
