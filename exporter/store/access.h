#pragma once

#include <string>

namespace registry_exporter::store {

/// For a file of the state that the system denies: what stands in the way, whose it is, who this
/// process is, and what to do. E.g. "/var/lib/x/state.db belongs to root (0), mode 0600, this
/// process is prometheus (999): chown it, or run as its owner". For a folder: give the
/// state one of its own. "" when owners and modes allow everything. Shell.
std::string what_is_in_the_way(const std::string& path);

/// Why the system refused `path`: `error` in words, then what is in the way or else `remedy`.
std::string why_refused(const std::string& path, int error, const std::string& remedy);

}  // namespace registry_exporter::store
