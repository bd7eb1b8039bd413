// Positional file calls that report a negated errno.

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "csystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(struct betula_segment) == sizeof(struct iovec), "segment has the layout of iovec");
_Static_assert(offsetof(struct betula_segment, base) == offsetof(struct iovec, iov_base), "base is iov_base");
_Static_assert(offsetof(struct betula_segment, byte_count) == offsetof(struct iovec, iov_len), "count is iov_len");

// Repeats a call that a signal interrupted before it did anything.
#define UNINTERRUPTED(result, call) \
  do {                              \
    (result) = (call);              \
  } while ((result) == -1 && errno == EINTR)

int betula_open(const char *path, int flags) {
  int system_flags = O_CLOEXEC | (flags & BETULA_OPEN_WRITE ? O_RDWR : O_RDONLY);
  if (flags & BETULA_OPEN_CREATE) system_flags |= O_CREAT;
  if (flags & BETULA_OPEN_EXCLUSIVE) system_flags |= O_EXCL;
  if (flags & BETULA_OPEN_TRUNCATE) system_flags |= O_TRUNC;
#ifdef O_DIRECT
  if (flags & BETULA_OPEN_DIRECT) system_flags |= O_DIRECT;
#else
  if (flags & BETULA_OPEN_DIRECT) return -ENOTSUP;
#endif
  int descriptor;
  UNINTERRUPTED(descriptor, open(path, system_flags, 0644));
  return descriptor >= 0 ? descriptor : -errno;
}

// After EINTR the descriptor is gone on Linux: closing again could close somebody else's.
int betula_close(int descriptor) { return close(descriptor) == 0 || errno == EINTR ? 0 : -errno; }

int betula_unlink(const char *path) { return unlink(path) == 0 ? 0 : -errno; }

int betula_sync_directory(const char *path) {
  int descriptor;
  UNINTERRUPTED(descriptor, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor < 0) return -errno;
  int result = betula_fsync(descriptor);
  int closed = betula_close(descriptor);
  return result != 0 ? result : closed;
}

int64_t betula_preadv(int descriptor, const struct betula_segment *segments, int count, uint64_t offset) {
  ssize_t result;
  UNINTERRUPTED(result, preadv(descriptor, (const struct iovec *)segments, count, (off_t)offset));
  return result >= 0 ? result : -errno;
}

int64_t betula_pwritev(int descriptor, const struct betula_segment *segments, int count, uint64_t offset) {
  ssize_t result;
  UNINTERRUPTED(result, pwritev(descriptor, (const struct iovec *)segments, count, (off_t)offset));
  return result >= 0 ? result : -errno;
}

int betula_fdatasync(int descriptor) {
  int result;
  UNINTERRUPTED(result, fdatasync(descriptor));
  return result == 0 ? 0 : -errno;
}

int betula_fsync(int descriptor) {
  int result;
  UNINTERRUPTED(result, fsync(descriptor));
  return result == 0 ? 0 : -errno;
}

int betula_preallocate(int descriptor, uint64_t offset, uint64_t byte_count) {
  int result;
  UNINTERRUPTED(result, fallocate(descriptor, 0, (off_t)offset, (off_t)byte_count));
  return result == 0 ? 0 : -errno;
}

int betula_punch_hole(int descriptor, uint64_t offset, uint64_t byte_count) {
  int result;
  UNINTERRUPTED(
      result,
      fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)byte_count));
  return result == 0 ? 0 : -errno;
}

int betula_truncate(int descriptor, uint64_t byte_count) {
  int result;
  UNINTERRUPTED(result, ftruncate(descriptor, (off_t)byte_count));
  return result == 0 ? 0 : -errno;
}

int64_t betula_file_byte_count(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 ? (int64_t)status.st_size : -errno;
}

int64_t betula_file_allocated_byte_count(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 ? (int64_t)status.st_blocks * 512 : -errno;
}

int betula_drop_page_cache(int descriptor) { return -posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED); }

void betula_error_text(int error_number, char *text, size_t capacity) {
  if (capacity == 0) return;
  // The GNU form may return a constant string and leave the buffer alone.
  char buffer[256];
  snprintf(text, capacity, "%s", strerror_r(error_number, buffer, sizeof buffer));
}
