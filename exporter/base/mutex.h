#pragma once

#include <mutex>

/// Which mutex guards what, in a form that clang checks (`./run lint`, -Wthread-safety). Other
/// compilers see nothing of it.
#if defined(__clang__)
#define THREAD_ANNOTATION(x) __attribute__((x))
#else
#define THREAD_ANNOTATION(x)
#endif
/// Read and written with this mutex held.
#define GUARDED_BY(mutex) THREAD_ANNOTATION(guarded_by(mutex))
/// What it points to is guarded, not the pointer.
#define PT_GUARDED_BY(mutex) THREAD_ANNOTATION(pt_guarded_by(mutex))
/// Called with the mutex held; it is still held afterwards.
#define REQUIRES(...) THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
/// Called without the mutex.
#define EXCLUDES(...) THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace registry_exporter {

/// std::mutex with annotations.
class THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  /// For the waiter of the system.
  std::mutex& native() THREAD_ANNOTATION(lock_returned(this)) { return mutex_; }

 private:
  std::mutex mutex_;
};

/// Holds a mutex until the end of its scope, but between unlock() and lock().
class THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) THREAD_ANNOTATION(acquire_capability(mutex)) : lock_(mutex) {}
  ~MutexLock() THREAD_ANNOTATION(release_capability()) {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() THREAD_ANNOTATION(release_capability()) { lock_.unlock(); }
  void lock() THREAD_ANNOTATION(acquire_capability()) { lock_.lock(); }

 private:
  std::unique_lock<Mutex> lock_;
};

}  // namespace registry_exporter
