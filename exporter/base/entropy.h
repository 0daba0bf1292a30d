#pragma once

#include <cstdint>
#include <string>

namespace registry_exporter {

/// Randomness as a seam: nonces and jitter. Thread-safe.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual std::uint64_t next() = 0;  ///< 64 unpredictable bits.
};

/// 128 random bits as 32 lower-case hexadecimal digits.
std::string make_nonce(Entropy& entropy);

/// Uniform in [0, 1).
double uniform(Entropy& entropy);

}  // namespace registry_exporter
