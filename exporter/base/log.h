#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

/// One line on stderr per event that a person acts on. For shell files only.
namespace registry_exporter::log {

enum class Level { debug, info, warn, error };
enum class Format { logfmt, json };

/// Once, at start. Thread-safe afterwards.
void configure(Level level, Format format);
/// From now on lines wait only a moment for whoever reads stderr. Those that find no room are lost,
/// and counted in the log. Without it, a line waits until it is taken.
void hold_nobody_up();
bool enabled(Level level);

/// Keys are ours ([a-z_]+); values may be anything: they are escaped for the format.
struct Field {
  std::string_view key;
  std::string value;
};

void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});
inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, message, fields);
}
inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warn, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, message, fields);
}

}  // namespace registry_exporter::log
