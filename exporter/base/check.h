#pragma once

namespace registry_exporter {

/// Ends the program: a rule that counting rests on does not hold. What is on the disk is whole, and
/// the next start goes on from it.
[[noreturn]] void check_failed(const char* rule, const char* file, int line);

}  // namespace registry_exporter

/// For mistakes of our own, never for what a cloud, a file or a user sends. On in every build.
#define CHECK_RULE(rule) \
  ((rule) ? void() : ::registry_exporter::check_failed(#rule, __FILE__, __LINE__))
