#pragma once

#include <cmath>
#include <cstdint>

namespace registry_exporter::simulator {

/// A small seeded generator (SplitMix64) with its own arithmetic: the same seed gives the same
/// world with every compiler and library. Eight bytes, so that each repository can own one and the
/// order in which repositories are advanced does not matter.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  /// An independent stream, e.g. for repository `stream`.
  Dice(std::uint64_t seed, std::uint64_t stream) : state_(seed) {
    state_ = next() ^ (stream * 0xd1342543de82ef95ULL);
    next();
  }

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
  }
  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Uniform in [0, bound); 0 for bound 0.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  bool chance(double probability) { return uniform() < probability; }
  /// Positive, with this mean: the waits between independent events.
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }

 private:
  std::uint64_t state_;
};

}  // namespace registry_exporter::simulator
