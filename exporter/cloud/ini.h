#pragma once

#include <map>
#include <string>
#include <string_view>

namespace registry_exporter {

/// Section → key → value.
using Ini = std::map<std::string, std::map<std::string, std::string>>;

/// Reads the credentials files of both clouds' tools: `[section]`, `key = value`, comments from '#'
/// or ';' at the beginning of a line; blanks around names and values don't count. Lines of any
/// other form are passed over, as the official readers do; a key twice: the last one wins. Pure.
Ini parse_ini(std::string_view text);

}  // namespace registry_exporter
