#pragma once

#include <cstring>
#include <string>
#include <utility>

namespace registry_exporter::exposition {

/// A text that is copied into many lines. It is stored with padding behind it, so that it can be
/// copied in strides of a fixed size, which the compiler inlines, instead of by calls of memcpy.
class LinePart {
 public:
  static constexpr std::size_t kStride = 32;

  LinePart() = default;
  explicit LinePart(std::string text) : text_(std::move(text)), size_(text_.size()) {
    text_.resize((size_ / kStride + 1) * kStride);
  }
  std::size_t size() const { return size_; }

  /// There must be room for size() + kStride bytes. Returns the end of the text.
  char* copy(char* to) const {
    // Once: what is written could be any of ours, for all that the compiler knows.
    const char* const from = text_.data();
    const std::size_t size = size_;
    for (std::size_t at = 0; at < size; at += kStride) std::memcpy(to + at, from + at, kStride);
    return to + size;
  }

 private:
  std::string text_ = std::string(kStride, '\0');
  std::size_t size_ = 0;
};

}  // namespace registry_exporter::exposition
