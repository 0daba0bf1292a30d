#pragma once

#include <map>
#include <string>
#include <string_view>

namespace registry_exporter::cloud {

/// Section → key → value.
using Ini = std::map<std::string, std::map<std::string, std::string>>;

/// Reads the credentials files of both clouds' tools. Pure; never fails.
///
/// There is no one INI. Three readers stand behind the clouds' own clients: gopkg.in/ini.v1 (Go,
/// both clouds), Python's configparser (where Alibaba's client drops what follows a '#'), and npm's
/// ini 1.3 (JavaScript, Alibaba). Where they differ we go with ini.v1:
///
/// | | ini.v1 | configparser | npm | here |
/// |---|---|---|---|---|
/// | comment after `[section]` | yes | yes | no section | yes |
/// | comment after a value | from '#' or ';' | stays in it | from '#' or ';' | as ini.v1 |
/// | `"v"`, `'v'` | v | stay | v | v |
/// | '#' between `"` | a comment | kept | kept | kept: meant so |
/// | between backquotes or `"""` | as it is, over lines | stay | stay | as ini.v1 |
/// | `key: v` | yes | yes | no | yes |
/// | `Key = v` is `key` | no | yes | no | yes |
/// | byte order mark | dropped | an error | part of the line | dropped |
/// | key or section twice | the last one, merged | an error | the last one, merged | as ini.v1 |
/// | a backslash at the end | goes on in the next line | stays | stays | as ini.v1 |
/// | an indented line | an error | goes on | passed over | passed over |
/// | a line without '=' | an error | an error | passed over | passed over |
/// | `[section` | an error | an error | passed over | its keys are passed over |
/// | `%(name)s` | filled in | filled in | stays | stays |
Ini parse_ini(std::string_view text);

}  // namespace registry_exporter::cloud
