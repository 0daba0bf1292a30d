#include "exporter/base/entropy.h"

namespace registry_exporter {

std::string make_nonce(Entropy& entropy) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string nonce;
  for (int half = 0; half < 2; ++half) {
    std::uint64_t bits = entropy.next();
    for (int digit = 0; digit < 16; ++digit, bits >>= 4) nonce.push_back(kDigits[bits & 15U]);
  }
  return nonce;
}

double uniform(Entropy& entropy) { return static_cast<double>(entropy.next() >> 11) * 0x1p-53; }

}  // namespace registry_exporter
