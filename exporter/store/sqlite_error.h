#pragma once

#include <string>

#include "exporter/base/result.h"

namespace SQLite {
class Exception;
}

namespace registry_exporter::store {

enum class StateAction { loading, committing };

/// What an exception of SQLite means, with a remedy where there is one. While loading, everything
/// that is not the fault of the disk or of another process (a missing table, a missing value) is
/// damage to a file that was ours. Shell: looks at the files of the state at `path`.
Error to_error(const SQLite::Exception& exception, const std::string& path, StateAction action);

}  // namespace registry_exporter::store
