#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "exporter/base/clock.h"
#include "exporter/store/blob.h"

/// How each type of field looks in a blob. One function for each type, for both directions: `IO` is
/// BlobWriter or BlobReader, `F` is the type of the value, const when writing. Pure.
namespace registry_exporter::store {

// Signed numbers, small ones first: 0, -1, 1, -2, …
inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

template <class IO, class F>
void field(IO& io, F& value) {
  using T = std::remove_const_t<F>;
  if constexpr (std::is_same_v<T, std::string>) {
    io.text(value);
  } else if constexpr (std::is_same_v<T, double>) {
    std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
    io.fixed(bits);
    if constexpr (IO::kReads) value = std::bit_cast<double>(bits);
  } else if constexpr (std::is_same_v<T, UnixMillis> || std::is_same_v<T, Millis>) {
    std::int64_t count = 0;
    if constexpr (std::is_same_v<T, UnixMillis>) {
      count = value.time_since_epoch().count();
    } else {
      count = value.count();
    }
    std::uint64_t coded = zigzag(count);
    io.number(coded);
    if constexpr (IO::kReads) value = T{Millis{unzigzag(coded)}};
  } else if constexpr (std::is_signed_v<T>) {
    std::uint64_t coded = zigzag(value);
    io.number(coded);
    if constexpr (IO::kReads) {
      const std::int64_t number = unzigzag(coded);
      if (number < std::numeric_limits<T>::min() || number > std::numeric_limits<T>::max()) {
        return io.fail();
      }
      value = static_cast<T>(number);
    }
  } else {
    static_assert(std::is_integral_v<T>);
    auto number = static_cast<std::uint64_t>(value);
    io.number(number);
    if constexpr (IO::kReads) {
      if (number > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) return io.fail();
      value = static_cast<T>(number);
    }
  }
}

template <class IO, class F>
void enumerator(IO& io, F& value, std::uint8_t last) {
  auto number = static_cast<std::uint64_t>(value);
  io.number(number);
  if constexpr (IO::kReads) {
    if (number > last) return io.fail();
    value = static_cast<F>(number);
  }
}

template <class IO, class F, class Each>
void optional(IO& io, F& value, Each each) {
  std::uint64_t present = value.has_value() ? 1 : 0;
  io.number(present);
  if constexpr (IO::kReads) {
    if (present > 1) return io.fail();
    if (present == 1) each(value.emplace());
  } else {
    if (present == 1) each(*value);
  }
}

template <class IO, class F>
void optional(IO& io, F& value) {
  optional(io, value, [&](auto& inner) { field(io, inner); });
}

template <class IO, class F, class Each>
void list(IO& io, F& values, Each each) {
  std::uint64_t size = values.size();
  io.number(size);
  if constexpr (IO::kReads) {
    if (size > io.left()) return io.fail();  // Each item has at least a byte.
    values.resize(static_cast<std::size_t>(size));
  }
  for (auto& value : values) each(value);
}

/// Eight bytes, for numbers that are hashes.
template <class IO, class F>
void fixed_field(IO& io, F& number) {
  if constexpr (IO::kReads) {
    std::uint64_t value = 0;
    io.fixed(value);
    number = value;
  } else {
    io.fixed(number);
  }
}

}  // namespace registry_exporter::store
