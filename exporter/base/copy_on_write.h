#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace registry_exporter {

/// A value or none, like std::optional, that its copies share until one of them is edited: copies
/// cost no memory and little time. One object is for one thread at a time; its copies may be used
/// by others meanwhile. (std::shared_ptr can't be edited in place: what its use_count() says orders
/// no memory between threads.)
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

  /// The value, to be changed; there has to be one. Its copies keep what they have.
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
