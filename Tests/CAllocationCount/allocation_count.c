// The allocator's entry points in front of glibc's own, which they call after counting. Linked into test programs only: a
// program's definition comes before the library's, for everything in the process.

#define _GNU_SOURCE
#include "allocation_count.h"

#include <errno.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define HAS_OWN_ALLOCATOR 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_OWN_ALLOCATOR)
#define COUNTS 1
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread uint64_t count;

void *malloc(size_t byte_count) {
  count++;
  return __libc_malloc(byte_count);
}

void *calloc(size_t number, size_t byte_count) {
  count++;
  return __libc_calloc(number, byte_count);
}

void *realloc(void *old, size_t byte_count) {
  count++;
  return __libc_realloc(old, byte_count);
}

void *memalign(size_t alignment, size_t byte_count) {
  count++;
  return __libc_memalign(alignment, byte_count);
}

void *aligned_alloc(size_t alignment, size_t byte_count) {
  count++;
  return __libc_memalign(alignment, byte_count);
}

int posix_memalign(void **result, size_t alignment, size_t byte_count) {
  count++;
  void *memory = __libc_memalign(alignment, byte_count);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}
#endif

uint64_t betula_allocation_count(void) {
#ifdef COUNTS
  return count;
#else
  return 0;
#endif
}

int betula_counts_allocations(void) {
#ifdef COUNTS
  return 1;
#else
  return 0;
#endif
}
