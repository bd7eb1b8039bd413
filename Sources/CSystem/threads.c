// Threads of the system, one function each: started and joined by the caller.

#define _GNU_SOURCE
#include "csystem.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

int betula_start_thread(uint64_t *thread, void *(*body)(void *), void *context) {
  pthread_t started;
  int error = pthread_create(&started, NULL, body, context);
  if (error != 0) return -error;
  *thread = (uint64_t)started;
  return 0;
}

int betula_join_thread(uint64_t thread) { return -pthread_join((pthread_t)thread, NULL); }

void betula_yield_thread(void) { sched_yield(); }

int betula_is_thread_sanitized(void) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  return 1;
#endif
#endif
  return 0;
}
