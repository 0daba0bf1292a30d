#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace registry_exporter {

/// A value or none, like std::optional, that its copies share until one of them is edited: copies
/// cost no memory and little time. As with std::shared_ptr, threads may read and copy one object at
/// the same time, but whoever edits or assigns it has to be alone with it; its copies are no
/// concern. (What std::shared_ptr says of its use_count() orders no memory between threads, so the
/// last owner of one can't tell that it may edit in place.)
template <class T>
class CopyOnWrite {
 public:
  CopyOnWrite() = default;
  CopyOnWrite(T value) : shared_(new Shared{std::move(value)}) {}
  CopyOnWrite(const CopyOnWrite& other) : shared_(other.shared_) {
    if (shared_ != nullptr) shared_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  CopyOnWrite(CopyOnWrite&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  CopyOnWrite& operator=(CopyOnWrite other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~CopyOnWrite() {
    if (shared_ == nullptr) return;
    if (shared_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete shared_;
  }

  bool has_value() const { return shared_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  const T& operator*() const { return shared_->value; }
  const T* operator->() const { return &shared_->value; }

  /// The value, to be changed; there has to be one. Its copies keep what they have. The reference
  /// is for use at once: copies that are made later share what it refers to.
  T& edit() {
    if (shared_->owners.load(std::memory_order_acquire) > 1) *this = CopyOnWrite(shared_->value);
    return shared_->value;
  }
  T& emplace() {
    *this = CopyOnWrite(T());
    return shared_->value;
  }

  friend bool operator==(const CopyOnWrite& a, const CopyOnWrite& b) {
    return a.shared_ == b.shared_ || (a && b && *a == *b);
  }

 private:
  struct Shared {
    T value;
    std::atomic<std::uint32_t> owners = 1;
  };
  Shared* shared_ = nullptr;
};

}  // namespace registry_exporter
