#pragma once

namespace registry_exporter {

/// Ends the program: a rule that counting rests on does not hold. What is on the disk is whole, and
/// the next start goes on from it.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace registry_exporter

/// For mistakes of our own, never for what a cloud, a file or a user sends. On in every build.
#define CHECK_RULE(condition)                                                     \
  do {                                                                            \
    if (!(condition)) ::registry_exporter::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
