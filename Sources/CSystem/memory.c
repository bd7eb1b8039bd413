// Anonymous mappings with a chosen alignment, advised to use huge pages; and a copy that leaves the caches alone.

#define _GNU_SOURCE
#include "csystem.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#if defined(__GLIBC__)
#include <malloc.h>
#endif

size_t betula_page_byte_count(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void *betula_map(size_t byte_count, size_t alignment, int huge) {
  size_t page = betula_page_byte_count();
  if (byte_count == 0 || byte_count > SIZE_MAX / 2 || alignment > SIZE_MAX / 4) return NULL;
  size_t used = (byte_count + page - 1) / page * page;
  size_t slack = alignment > page ? alignment - page : 0;
  uint8_t *base = mmap(NULL, used + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return NULL;
  // Trim the mapping to an aligned window of it.
  size_t misaligned = alignment == 0 ? 0 : (uintptr_t)base % alignment;
  size_t head = misaligned == 0 ? 0 : alignment - misaligned;
  if (head > 0) munmap(base, head);
  if (slack > head) munmap(base + head + used, slack - head);
#ifdef MADV_HUGEPAGE
  if (huge) madvise(base + head, used, MADV_HUGEPAGE);
#endif
  return base + head;
}

int betula_unmap(void *address, size_t byte_count) {
  size_t page = betula_page_byte_count();
  return munmap(address, (byte_count + page - 1) / page * page) == 0 ? 0 : -errno;
}

int betula_prepare_heap(size_t byte_count) {
#if defined(__GLIBC__)
  // The largest block that the allocator takes from its heap, and not from a mapping of the block's own, when it is asked to.
  const size_t block = (size_t)16 << 20;
  if (mallopt(M_MMAP_THRESHOLD, 32 << 20) == 0 || mallopt(M_TRIM_THRESHOLD, INT_MAX) == 0) return 0;
  size_t count = byte_count / block;
  // The blocks are a list through their first words.
  void *last = NULL;
  for (size_t i = 0; i < count; i++) {
    uint8_t *start = malloc(block);
    if (start == NULL) break;
    size_t page = betula_page_byte_count();
    for (size_t offset = 0; offset < block; offset += page) ((volatile uint8_t *)start)[offset] = 0;
    *(void **)start = last;
    last = start;
  }
  // Neighbours that are free become one free block, which stays with the allocator.
  while (last != NULL) {
    void *before = *(void **)last;
    free(last);
    last = before;
  }
  return 1;
#else
  (void)byte_count;
  return 0;
#endif
}

void betula_copy_past_caches(void *target, const void *source, size_t count) {
#if defined(__x86_64__)
  __m128i *to = target;
  const __m128i *from = source;
  for (size_t left = count / 64; left > 0; left--) {
    __m128i a = _mm_load_si128(from), b = _mm_load_si128(from + 1);
    __m128i c = _mm_load_si128(from + 2), d = _mm_load_si128(from + 3);
    _mm_stream_si128(to, a);
    _mm_stream_si128(to + 1, b);
    _mm_stream_si128(to + 2, c);
    _mm_stream_si128(to + 3, d);
    from += 4;
    to += 4;
  }
  // Streamed stores are not ordered by themselves.
  _mm_sfence();
#else
  memcpy(target, source, count);
#endif
}
