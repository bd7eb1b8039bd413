// Many transfers of one file in flight together from one thread: the kernel's submission and completion rings, by the
// system calls themselves (io_uring(7), io_uring_setup(2), io_uring_enter(2)).
//
//   transfers ──▶ submission ring ──enter──▶ kernel ──▶ completion ring ──▶ results
//        begin: as many as the ring takes, not waited for        finish: the rest, and everything waited for
//
// Invariants
// 1. After `finish` nothing is in flight: no memory of the caller's is touched after it.
// 2. At most `depth` transfers are in flight, of one set of transfers.

#define _GNU_SOURCE
#include "csystem.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__) && __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#if defined(__NR_io_uring_setup) && defined(__NR_io_uring_enter)
#define HAS_RINGS 1
#endif
#endif

#ifdef HAS_RINGS

struct betula_ring {
  int descriptor;
  unsigned depth;
  void *rings;
  size_t rings_byte_count;
  struct io_uring_sqe *entries;
  size_t entries_byte_count;
  unsigned *submission_tail, *submission_mask, *submission_array;
  unsigned *completion_head, *completion_tail, *completion_mask;
  struct io_uring_cqe *completions;
  // The set of transfers that was begun: prepared of them are in the submission ring or beyond, submitted are with the
  // kernel or beyond, completed have their results.
  int file;
  struct betula_ring_transfer *transfers;
  size_t count, prepared, submitted, completed;
};

static int map_ring(struct betula_ring *ring, const struct io_uring_params *parameters) {
  // Both rings lie in one mapping since Linux 5.4, and since 5.6 a transfer of one piece needs no list; older systems are told
  // that there are no rings.
  unsigned needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS;
  if ((parameters->features & needed) != needed) return -ENOSYS;
  size_t submission = parameters->sq_off.array + parameters->sq_entries * sizeof(unsigned);
  size_t completion = parameters->cq_off.cqes + parameters->cq_entries * sizeof(struct io_uring_cqe);
  ring->rings_byte_count = submission > completion ? submission : completion;
  ring->entries_byte_count = parameters->sq_entries * sizeof(struct io_uring_sqe);
  char *base = mmap(NULL, ring->rings_byte_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                    ring->descriptor, IORING_OFF_SQ_RING);
  if (base == MAP_FAILED) return -errno;
  ring->rings = base;
  void *entries = mmap(NULL, ring->entries_byte_count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                       ring->descriptor, IORING_OFF_SQES);
  if (entries == MAP_FAILED) return -errno;
  ring->entries = entries;
  ring->submission_tail = (unsigned *)(base + parameters->sq_off.tail);
  ring->submission_mask = (unsigned *)(base + parameters->sq_off.ring_mask);
  ring->submission_array = (unsigned *)(base + parameters->sq_off.array);
  ring->completion_head = (unsigned *)(base + parameters->cq_off.head);
  ring->completion_tail = (unsigned *)(base + parameters->cq_off.tail);
  ring->completion_mask = (unsigned *)(base + parameters->cq_off.ring_mask);
  ring->completions = (struct io_uring_cqe *)(base + parameters->cq_off.cqes);
  return 0;
}

int betula_ring_open(unsigned depth, struct betula_ring **result) {
  *result = NULL;
  struct betula_ring *ring = calloc(1, sizeof *ring);
  if (!ring) return -ENOMEM;
  struct io_uring_params parameters;
  memset(&parameters, 0, sizeof parameters);
#ifdef IORING_SETUP_COOP_TASKRUN
  // Whoever waits collects: completions do not interrupt the thread at its work. Linux 5.19.
  parameters.flags = IORING_SETUP_COOP_TASKRUN;
#endif
  long descriptor = syscall(__NR_io_uring_setup, depth, &parameters);
  if (descriptor < 0 && errno == EINVAL && parameters.flags != 0) {
    memset(&parameters, 0, sizeof parameters);
    descriptor = syscall(__NR_io_uring_setup, depth, &parameters);
  }
  if (descriptor < 0) {
    int number = errno;
    free(ring);
    return -number;
  }
  ring->descriptor = (int)descriptor;
  ring->depth = depth;
  int error = map_ring(ring, &parameters);
  if (error != 0) {
    betula_ring_close(ring);
    return error;
  }
  *result = ring;
  return 0;
}

void betula_ring_close(struct betula_ring *ring) {
  if (ring->entries) munmap(ring->entries, ring->entries_byte_count);
  if (ring->rings) munmap(ring->rings, ring->rings_byte_count);
  close(ring->descriptor);
  free(ring);
}

// Puts transfers into the submission ring while fewer than its depth are under way.
static void prepare(struct betula_ring *ring) {
  while (ring->prepared < ring->count && ring->prepared - ring->completed < ring->depth) {
    const struct betula_ring_transfer *transfer = ring->transfers + ring->prepared;
    unsigned tail = *ring->submission_tail;
    unsigned slot = tail & *ring->submission_mask;
    struct io_uring_sqe *entry = ring->entries + slot;
    memset(entry, 0, sizeof *entry);
    entry->fd = ring->file;
    entry->off = transfer->offset;
    entry->user_data = ring->prepared;
    if (transfer->segment_count == 1 && transfer->segments->byte_count <= UINT32_MAX) {
      // One piece of memory needs no list that the kernel would have to copy.
      entry->opcode = transfer->is_write ? IORING_OP_WRITE : IORING_OP_READ;
      entry->addr = (uint64_t)(uintptr_t)transfer->segments->base;
      entry->len = (uint32_t)transfer->segments->byte_count;
    } else {
      entry->opcode = transfer->is_write ? IORING_OP_WRITEV : IORING_OP_READV;
      entry->addr = (uint64_t)(uintptr_t)transfer->segments;
      entry->len = transfer->segment_count < BETULA_SEGMENT_LIMIT ? transfer->segment_count : BETULA_SEGMENT_LIMIT;
    }
    ring->submission_array[slot] = slot;
    __atomic_store_n(ring->submission_tail, tail + 1, __ATOMIC_RELEASE);
    ring->prepared++;
  }
}

// Takes what is complete; how many that were.
static size_t harvest(struct betula_ring *ring) {
  unsigned head = *ring->completion_head;
  unsigned tail = __atomic_load_n(ring->completion_tail, __ATOMIC_ACQUIRE);
  size_t count = tail - head;
  for (; head != tail; head++) {
    struct io_uring_cqe *completion = ring->completions + (head & *ring->completion_mask);
    ring->transfers[completion->user_data].result = completion->res;
  }
  __atomic_store_n(ring->completion_head, head, __ATOMIC_RELEASE);
  ring->completed += count;
  return count;
}

static void take(struct betula_ring *ring, int descriptor, struct betula_ring_transfer *transfers, size_t count) {
  ring->file = descriptor;
  ring->transfers = transfers;
  ring->count = count;
  ring->prepared = ring->submitted = ring->completed = 0;
}

void betula_ring_begin(struct betula_ring *ring, int descriptor, struct betula_ring_transfer *transfers, size_t count) {
  take(ring, descriptor, transfers, count);
  prepare(ring);
  long taken = syscall(__NR_io_uring_enter, ring->descriptor, (unsigned)ring->prepared, 0, 0, NULL, 0);
  // What the kernel did not take stays in the ring: `finish` asks again, and says what is wrong.
  if (taken > 0) ring->submitted += (size_t)taken;
}

int betula_ring_finish(struct betula_ring *ring) {
  while (ring->completed < ring->count) {
    prepare(ring);
    unsigned fresh = (unsigned)(ring->prepared - ring->submitted);
    // With more to come, half a ring is waited for, so that the device never runs dry; at the end, all of it.
    size_t outstanding = ring->prepared - ring->completed;
    unsigned wanted = (unsigned)(ring->prepared < ring->count ? (outstanding + 1) / 2 : outstanding);
    long taken = syscall(__NR_io_uring_enter, ring->descriptor, fresh, wanted, IORING_ENTER_GETEVENTS, NULL, 0);
    int number = errno;
    if (taken > 0) ring->submitted += (size_t)taken;
    size_t done = harvest(ring);
    if (taken >= 0 || done > 0) continue;
    // Interrupted, or short of memory for a moment: what is prepared stays in the ring and is asked for again. Whatever
    // else it is, memory is not given back while the kernel may write to it.
    int is_passing = number == EINTR || number == EAGAIN || number == EBUSY;
    if (!is_passing && ring->submitted == ring->completed) {
      for (size_t index = ring->submitted; index < ring->count; index++) ring->transfers[index].result = -number;
      return -number;
    }
    sched_yield();
  }
  return 0;
}

int betula_ring_perform(struct betula_ring *ring, int descriptor, struct betula_ring_transfer *transfers, size_t count) {
  take(ring, descriptor, transfers, count);
  return betula_ring_finish(ring);
}

#else

int betula_ring_open(unsigned depth, struct betula_ring **result) {
  (void)depth;
  *result = NULL;
  return -ENOSYS;
}

void betula_ring_close(struct betula_ring *ring) { (void)ring; }

void betula_ring_begin(struct betula_ring *ring, int descriptor, struct betula_ring_transfer *transfers, size_t count) {
  (void)ring;
  (void)descriptor;
  for (size_t index = 0; index < count; index++) transfers[index].result = -ENOSYS;
}

int betula_ring_finish(struct betula_ring *ring) {
  (void)ring;
  return -ENOSYS;
}

int betula_ring_perform(struct betula_ring *ring, int descriptor, struct betula_ring_transfer *transfers, size_t count) {
  (void)ring;
  (void)descriptor;
  for (size_t index = 0; index < count; index++) transfers[index].result = -ENOSYS;
  return -ENOSYS;
}

#endif
