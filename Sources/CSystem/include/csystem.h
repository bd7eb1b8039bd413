// The thin system shim: what the Swift standard library cannot say on Linux.
//
//   crc32c.c    checksum, hardware and portable
//   memory.c    aligned mappings that ask for huge pages
//   file.c      positional file calls, O_DIRECT, preallocation, holes
//   ring.c      many transfers of a file in flight together from one thread
//   threads.c   threads, and below in this file the lock and the marks for the thread sanitizer
//   process.c   clocks, CPU times, /proc/self/io, terminal, Ctrl-C
//
// Conventions
// 1. A call that can fail returns a count or 0 on success and the negated errno on failure; nothing reads errno after.
// 2. Calls interrupted by a signal before they did anything are repeated (EINTR is never returned).
// 3. Nothing here allocates (a ring apart) or keeps hidden state, except the interrupt counter, which is atomic, and what the system
//    keeps for a thread.
#ifndef BETULA_CSYSTEM_H
#define BETULA_CSYSTEM_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

// ---- crc32c.c ------------------------------------------------------------------------------------------------

/// CRC-32C (Castagnoli) of `count` bytes, continuing from `crc` (0 to begin). Uses the SSE4.2 or
/// ARMv8 instruction where the processor has one, a table otherwise; both give the same value.
uint32_t betula_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The table-driven form, always available; the tests hold the hardware form against it.
uint32_t betula_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// 1 when `betula_crc32c` uses the processor's instruction, 0 when it uses the tables.
int betula_crc32c_is_hardware(void);

// ---- memory.c ------------------------------------------------------------------------------------------------

/// Maps `byte_count` bytes of zeroed anonymous memory, aligned to `alignment` (a power of two, at least a page).
/// With `huge` non-zero the range is advised to use huge pages (no error when there are none).
/// Returns NULL when the system refuses. Release with `betula_unmap` and the same byte count.
void *betula_map(size_t byte_count, size_t alignment, int huge);

/// Gives back what `betula_map` returned; 0 or -errno.
int betula_unmap(void *address, size_t byte_count);

/// Lets the allocator keep what is freed, and so many bytes (in whole 16 MiB) of memory that is there already: blocks below 32 MiB
/// then cost neither a system call nor a page fault until more than that is in use. For the rest of the process.
/// 1, or 0 where the allocator cannot be asked for it.
int betula_prepare_heap(size_t byte_count);

/// The processor's page size in bytes.
size_t betula_page_byte_count(void);

/// Asks the processor to load the cache line at `address`; harmless for any address.
static inline void betula_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

/// Copies `count` bytes past the caches where the processor can: what lay at `target` is not fetched first, and the copy
/// pushes nothing out. For memory that is not looked at again soon. Both addresses and `count` are multiples of 64. Afterwards the
/// bytes are ordered before every later store, as those of any other copy are.
void betula_copy_past_caches(void *target, const void *source, size_t count);

/// The first of `count` big numbers, `stride` bytes apart from `first` on, that is not below `wanted`; `count` when all are.
/// They ascend. Halving without branches: the outcome of a comparison is a coin toss that no predictor learns.
static inline size_t betula_first_not_below(const void *first, size_t count, size_t stride, uint64_t wanted) {
  const uint8_t *base = (const uint8_t *)first;
  size_t remaining = count;
  uint64_t number;
  if (count == 0) return 0;
  while (remaining > 1) {
    size_t half = remaining >> 1;
    const uint8_t *middle = base + half * stride;
    __builtin_memcpy(&number, middle - stride, sizeof number);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    number = __builtin_bswap64(number);
#endif
    base = __builtin_unpredictable(number < wanted) ? middle : base;
    remaining -= half;
  }
  __builtin_memcpy(&number, base, sizeof number);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  number = __builtin_bswap64(number);
#endif
  return (size_t)(base - (const uint8_t *)first) / stride + (number < wanted ? 1 : 0);
}

/// Tells the processor that the thread is waiting in a short loop.
static inline void betula_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// ---- threads.c -----------------------------------------------------------------------------------------------

/// A lock and a condition to wait for under it. The system's own, so that the thread sanitizer knows them.
struct betula_lock {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
};

/// Makes a lock in memory of the caller's.
static inline void betula_lock_init(struct betula_lock *lock) {
  pthread_mutex_init(&lock->mutex, 0);
  pthread_cond_init(&lock->condition, 0);
}
/// Ends a lock that nobody holds or waits for.
static inline void betula_lock_destroy(struct betula_lock *lock) {
  pthread_cond_destroy(&lock->condition);
  pthread_mutex_destroy(&lock->mutex);
}
/// Waits until the lock is the caller's.
static inline void betula_lock_acquire(struct betula_lock *lock) { pthread_mutex_lock(&lock->mutex); }
/// Gives the lock back.
static inline void betula_lock_release(struct betula_lock *lock) { pthread_mutex_unlock(&lock->mutex); }
/// Gives the held lock back until somebody calls `betula_lock_wake`, and takes it again. May return early.
static inline void betula_lock_wait(struct betula_lock *lock) {
  pthread_cond_wait(&lock->condition, &lock->mutex);
}
/// Wakes everybody who waits.
static inline void betula_lock_wake(struct betula_lock *lock) { pthread_cond_broadcast(&lock->condition); }

/// Starts a thread that calls `body(context)`; 0 or -errno.
int betula_start_thread(uint64_t *thread, void *(*body)(void *), void *context);
/// Waits until a thread has ended; 0 or -errno.
int betula_join_thread(uint64_t thread);
/// Lets other threads run first.
void betula_yield_thread(void);
/// 1 in a build with the thread sanitizer.
int betula_is_thread_sanitized(void);

// The Swift runtime's reference counts order the last use of an object before its end. The thread sanitizer does not see
// them, so whoever lets go says so with `release`, and whoever reuses the memory with `acquire`. Nothing in other builds.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define BETULA_THREAD_SANITIZER 1
#endif
#endif
/// What other threads did before `betula_mark_release` of the same address happened before what follows.
static inline void betula_mark_acquire(void *address) {
#ifdef BETULA_THREAD_SANITIZER
  __tsan_acquire(address);
#else
  (void)address;
#endif
}
/// See `betula_mark_acquire`.
static inline void betula_mark_release(void *address) {
#ifdef BETULA_THREAD_SANITIZER
  __tsan_release(address);
#else
  (void)address;
#endif
}

// ---- file.c --------------------------------------------------------------------------------------------------

/// Flags of `betula_open`; without `BETULA_OPEN_WRITE` the file is read only.
enum {
  BETULA_OPEN_WRITE = 1,
  BETULA_OPEN_CREATE = 2,
  /// Fails with -EEXIST when the file exists (with CREATE).
  BETULA_OPEN_EXCLUSIVE = 4,
  BETULA_OPEN_TRUNCATE = 8,
  /// Bypasses the page cache: memory, offset and length must be aligned to the device's logical block.
  BETULA_OPEN_DIRECT = 16
};

/// One contiguous piece of memory of a vectored call (the layout of the system's `struct iovec`).
struct betula_segment {
  void *base;
  size_t byte_count;
};

/// The most segments one vectored call takes.
enum { BETULA_SEGMENT_LIMIT = 1024 };

/// Opens a file (mode 0644 when created, close-on-exec); descriptor or -errno.
int betula_open(const char *path, int flags);
/// Closes a descriptor; 0 or -errno.
int betula_close(int descriptor);
/// Removes a name; 0 or -errno.
int betula_unlink(const char *path);
/// Makes a directory's entries durable; 0 or -errno.
int betula_sync_directory(const char *path);

/// Reads at `offset` into the segments; bytes read (short at the end of the file or by the system's choice) or -errno.
int64_t betula_preadv(int descriptor, const struct betula_segment *segments, int count, uint64_t offset);
/// Writes the segments at `offset`; bytes written (may be short) or -errno.
int64_t betula_pwritev(int descriptor, const struct betula_segment *segments, int count, uint64_t offset);

/// One transfer of a ring: bytes moved (may be short) or -errno in `result` afterwards.
struct betula_ring_transfer {
  const struct betula_segment *segments;
  uint32_t segment_count;
  uint32_t is_write;
  uint64_t offset;
  int64_t result;
};
/// A way to have many transfers in flight from one thread.
struct betula_ring;
/// Makes a ring for at most `depth` transfers at once; 0 or -errno: -ENOSYS and -EPERM where the system offers none.
int betula_ring_open(unsigned depth, struct betula_ring **ring);
/// Ends a ring. Precondition: nothing is in flight.
void betula_ring_close(struct betula_ring *ring);
/// Performs all transfers on one open file and returns when the last is complete. One thread at a time.
/// 0, or -errno of the ring itself: then what was not performed carries it too, and the ring is of no more use.
int betula_ring_perform(struct betula_ring *ring, int descriptor, struct betula_ring_transfer *transfers, size_t count);
/// Hands transfers on one open file to the kernel, as many as the ring takes, and does not wait. They, their segments and
/// their memory stay where they are until `betula_ring_finish`, which is the next call of this ring.
void betula_ring_begin(struct betula_ring *ring, int descriptor, struct betula_ring_transfer *transfers, size_t count);
/// Performs what is left of the transfers that were begun and returns when the last is complete, as `betula_ring_perform`.
int betula_ring_finish(struct betula_ring *ring);

/// Makes the file's data, and the metadata needed to read it, durable; 0 or -errno.
int betula_fdatasync(int descriptor);
/// Makes the file's data and all its metadata durable; 0 or -errno.
int betula_fsync(int descriptor);

/// Reserves blocks for a range, growing the file when the range ends beyond it; 0 or -errno (-EOPNOTSUPP possible).
int betula_preallocate(int descriptor, uint64_t offset, uint64_t byte_count);
/// Frees the blocks of a range, which reads as zero afterwards; the size stays; 0 or -errno (-EOPNOTSUPP possible).
int betula_punch_hole(int descriptor, uint64_t offset, uint64_t byte_count);
/// Sets the file's size; 0 or -errno.
int betula_truncate(int descriptor, uint64_t byte_count);
/// The file's size in bytes, or -errno.
int64_t betula_file_byte_count(int descriptor);
/// The bytes of the blocks the file occupies, or -errno.
int64_t betula_file_allocated_byte_count(int descriptor);
/// Drops the file's clean pages from the page cache; 0 or -errno.
int betula_drop_page_cache(int descriptor);

/// Writes a zero-terminated sentence for an errno number into `text` (always terminated when `capacity` > 0).
void betula_error_text(int error_number, char *text, size_t capacity);

// ---- process.c -----------------------------------------------------------------------------------------------

/// Nanoseconds of a clock that only moves forward; the origin is arbitrary.
uint64_t betula_monotonic_nanoseconds(void);

/// Processor time used, in nanoseconds.
struct betula_cpu_times {
  uint64_t user_nanoseconds;
  uint64_t system_nanoseconds;
};

/// The whole process's processor time since it began.
struct betula_cpu_times betula_process_cpu_times(void);
/// The calling thread's processor time since it began.
struct betula_cpu_times betula_thread_cpu_times(void);

/// The kernel's count of this process's input and output, in bytes and calls (`/proc/self/io`). `write_bytes` is what
/// was dirtied, not what reached a device, for buffered writes.
struct betula_process_io {
  uint64_t rchar;
  uint64_t wchar;
  uint64_t syscr;
  uint64_t syscw;
  uint64_t read_bytes;
  uint64_t write_bytes;
  uint64_t cancelled_write_bytes;
};

/// Fills `result`; 0, or -errno when the kernel does not offer the counts (all fields are then zero).
int betula_process_io(struct betula_process_io *result);
/// The same for the calling thread alone (`/proc/thread-self/io`).
int betula_thread_io(struct betula_process_io *result);

/// The largest resident set of the process so far, in bytes.
uint64_t betula_peak_resident_byte_count(void);

/// 1 when the descriptor is a terminal, otherwise 0.
int betula_is_terminal(int descriptor);

/// Counts Ctrl-C (SIGINT) and SIGTERM from now on instead of dying; a second Ctrl-C ends the process as usual.
/// 0 or -errno.
int betula_catch_interrupts(void);
/// How many interrupts arrived since `betula_catch_interrupts`; any thread may ask.
int betula_interrupt_count(void);

// ---- worker.c ------------------------------------------------------------------------------------------------

/// A child process and the parent's ends of its pipes; `output` and `errors` do not block.
struct betula_worker {
  int32_t process;
  int input;
  int output;
  int errors;
};

/// Starts `path` with `arguments` (NULL at the end) and its standard streams on pipes; 0 or -errno.
int betula_start_worker(const char *path, char *const arguments[], struct betula_worker *worker);
/// Waits until one of at most 512 descriptors can be read or is at its end, or so many milliseconds.
/// How many can, 0 for none (also when a signal came), or -errno.
int betula_await_readable(const int *descriptors, int count, int timeout_milliseconds);
/// Waits until a child has ended: its exit status, 256 + n when signal n ended it, or -errno.
int betula_await_process(int32_t process);
/// Asks a process to end (SIGTERM) or ends it (SIGKILL); 0 or -errno.
int betula_end_process(int32_t process, int gently);
/// Ends this process when its parent `parent` ends, however that happens; 0, or -ESRCH when it has ended already.
int betula_die_with_parent(int32_t parent);
/// A write to a pipe nobody reads fails instead of ending the process.
void betula_ignore_broken_pipes(void);
/// Writes the paths of the libraries this process has loaded, each followed by a line feed; how many bytes.
size_t betula_loaded_libraries(char *text, size_t capacity);
/// What a signal's number means, zero-terminated.
void betula_signal_name(int number, char *text, size_t capacity);

#endif
