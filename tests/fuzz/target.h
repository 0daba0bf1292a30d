#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What the fuzzers feed. A target takes any bytes and throws Broken when a law does not hold; that
/// it crashes, overflows or runs on is found by the sanitizers and the fuzzer.
namespace registry_exporter::fuzz {

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void law(bool holds, const char* words) {
  if (!holds) throw Broken(words);
}

struct Target {
  const char* name;  ///< Also of its folder in corpus/.
  void (*run)(std::string_view input);
};

std::span<const Target> cloud_targets();
std::span<const Target> local_targets();
std::span<const Target> native_targets();

/// All of them.
std::vector<Target> targets();

/// Cuts bytes into parts: how a target gets several values out of one input.
class Parts {
 public:
  explicit Parts(std::string_view input) : rest_(input) {}
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  /// Up to the next end of a line.
  std::string_view line() {
    const std::size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return line;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace registry_exporter::fuzz
