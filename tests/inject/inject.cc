// Preloaded into a program: makes the N-th of its system calls fail, as a plan in shared memory
// says, and counts them. The plan is a file of `Line`s in the order of `Call` (INJECT_PLAN); the
// test writes and reads it while the program runs.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

namespace {

/// The order is known to inject_test.py.
enum Call {
  kOpen,
  kRead,
  kPread,
  kWrite,
  kPwrite,
  kFsync,
  kFtruncate,
  kRename,
  kAccept,
  kSend,
  kRecv,
  kConnect,
  kMalloc,
  kThread,
  kCalls
};

struct Line {
  std::atomic<std::uint64_t> calls;     ///< So far.
  std::atomic<std::uint64_t> fail_at;   ///< The first that fails, from 1; 0: none.
  std::atomic<std::uint64_t> failures;  ///< How many fail from there on.
  std::atomic<std::uint64_t> error;     ///< errno.
};

std::atomic<Line*> plan{nullptr};

void read_plan() {
  const char* path = std::getenv("INJECT_PLAN");
  if (path == nullptr) return;
  const int file = ::openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* memory =
      ::mmap(nullptr, sizeof(Line) * kCalls, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (memory != MAP_FAILED) plan = static_cast<Line*>(memory);
}

bool fails(Call call) {
  Line* lines = plan;
  if (lines == nullptr) return false;
  Line& line = lines[call];
  const std::uint64_t number = ++line.calls;
  const std::uint64_t first = line.fail_at;
  if (first == 0 || number < first || number >= first + line.failures) return false;
  errno = static_cast<int>(line.error);
  return true;
}

using Main = int(int, char**, char**);
Main* real_main = nullptr;

/// What libraries do before main() is not ours to survive.
int planned_main(int argc, char** argv, char** environment) {
  read_plan();
  return real_main(argc, argv, environment);
}

/// An eventfd and the like, which can't fail.
bool is_kernel_object(int file) {
  struct stat status {};
  return ::fstat(file, &status) == 0 && (status.st_mode & S_IFMT) == 0;
}

template <class Function>
Function* next(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

#define REAL(name) static auto* const real = next(&::name, #name)

extern "C" {

int __libc_start_main(Main* main, int argc, char** argv, void (*init)(), void (*fini)(),
                      void (*loader_fini)(), void* stack_end) {
  static auto* const real = next(&__libc_start_main, "__libc_start_main");
  real_main = main;
  return real(planned_main, argc, argv, init, fini, loader_fini, stack_end);
}

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);

void* malloc(size_t size) { return fails(kMalloc) ? nullptr : __libc_malloc(size); }
void* calloc(size_t count, size_t size) {
  return fails(kMalloc) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  return fails(kMalloc) ? nullptr : __libc_realloc(old, size);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  if (fails(kOpen)) return -1;
  return ::openat(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  if (fails(kOpen)) return -1;
  return ::openat(AT_FDCWD, path, flags, mode);
}

ssize_t read(int file, void* data, size_t size) {
  REAL(read);
  return !is_kernel_object(file) && fails(kRead) ? -1 : real(file, data, size);
}
ssize_t pread(int file, void* data, size_t size, off_t offset) {
  REAL(pread);
  return fails(kPread) ? -1 : real(file, data, size, offset);
}
ssize_t pread64(int file, void* data, size_t size, off64_t offset) {
  REAL(pread64);
  return fails(kPread) ? -1 : real(file, data, size, offset);
}
ssize_t write(int file, const void* data, size_t size) {
  REAL(write);
  return !is_kernel_object(file) && fails(kWrite) ? -1 : real(file, data, size);
}
ssize_t writev(int file, const iovec* parts, int count) {
  REAL(writev);
  return fails(kWrite) ? -1 : real(file, parts, count);
}
ssize_t pwrite(int file, const void* data, size_t size, off_t offset) {
  REAL(pwrite);
  return fails(kPwrite) ? -1 : real(file, data, size, offset);
}
ssize_t pwrite64(int file, const void* data, size_t size, off64_t offset) {
  REAL(pwrite64);
  return fails(kPwrite) ? -1 : real(file, data, size, offset);
}
int fsync(int file) {
  REAL(fsync);
  return fails(kFsync) ? -1 : real(file);
}
int fdatasync(int file) {
  REAL(fdatasync);
  return fails(kFsync) ? -1 : real(file);
}
int ftruncate(int file, off_t size) {
  REAL(ftruncate);
  return fails(kFtruncate) ? -1 : real(file, size);
}
int ftruncate64(int file, off64_t size) {
  REAL(ftruncate64);
  return fails(kFtruncate) ? -1 : real(file, size);
}
int rename(const char* from, const char* to) {
  REAL(rename);
  return fails(kRename) ? -1 : real(from, to);
}
int accept(int file, sockaddr* address, socklen_t* size) {
  REAL(accept);
  return fails(kAccept) ? -1 : real(file, address, size);
}
int accept4(int file, sockaddr* address, socklen_t* size, int flags) {
  REAL(accept4);
  return fails(kAccept) ? -1 : real(file, address, size, flags);
}
ssize_t send(int file, const void* data, size_t size, int flags) {
  REAL(send);
  return fails(kSend) ? -1 : real(file, data, size, flags);
}
ssize_t sendto(int file, const void* data, size_t size, int flags, const sockaddr* address,
               socklen_t address_size) {
  REAL(sendto);
  return fails(kSend) ? -1 : real(file, data, size, flags, address, address_size);
}
ssize_t sendmsg(int file, const msghdr* message, int flags) {
  REAL(sendmsg);
  return fails(kSend) ? -1 : real(file, message, flags);
}
ssize_t recv(int file, void* data, size_t size, int flags) {
  REAL(recv);
  return fails(kRecv) ? -1 : real(file, data, size, flags);
}
ssize_t recvfrom(int file, void* data, size_t size, int flags, sockaddr* address,
                 socklen_t* address_size) {
  REAL(recvfrom);
  return fails(kRecv) ? -1 : real(file, data, size, flags, address, address_size);
}
ssize_t recvmsg(int file, msghdr* message, int flags) {
  REAL(recvmsg);
  return fails(kRecv) ? -1 : real(file, message, flags);
}
int connect(int file, const sockaddr* address, socklen_t size) {
  REAL(connect);
  return fails(kConnect) ? -1 : real(file, address, size);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  REAL(pthread_create);
  if (fails(kThread)) return errno;
  return real(thread, attributes, start, argument);
}
}
