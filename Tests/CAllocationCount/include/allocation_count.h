// How often the calling thread asked for memory: what tests of allocation-free paths count.
#ifndef BETULA_ALLOCATION_COUNT_H
#define BETULA_ALLOCATION_COUNT_H

#include <stdint.h>

/// Calls of malloc, calloc, realloc and the aligned forms on this thread so far; 0 for ever under a sanitizer, which brings an
/// allocator of its own.
uint64_t betula_allocation_count(void);

/// 1 when allocations are counted.
int betula_counts_allocations(void);

#endif
