// Clocks, processor times, the kernel's I/O counts, the terminal and Ctrl-C.

#define _GNU_SOURCE
#include "csystem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

uint64_t betula_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t nanoseconds(struct timeval time) {
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

static struct betula_cpu_times cpu_times(int who) {
  struct betula_cpu_times result = {0, 0};
  struct rusage usage;
  if (getrusage(who, &usage) == 0) {
    result.user_nanoseconds = nanoseconds(usage.ru_utime);
    result.system_nanoseconds = nanoseconds(usage.ru_stime);
  }
  return result;
}

struct betula_cpu_times betula_process_cpu_times(void) { return cpu_times(RUSAGE_SELF); }

struct betula_cpu_times betula_thread_cpu_times(void) { return cpu_times(RUSAGE_THREAD); }

uint64_t betula_peak_resident_byte_count(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024u : 0;
}

static uint64_t field(const char *text, const char *name) {
  // Fields begin a line, so "read_bytes" is not found inside another name.
  size_t length = strlen(name);
  for (const char *line = text; line != NULL && *line != 0;) {
    if (strncmp(line, name, length) == 0 && line[length] == ':') return strtoull(line + length + 1, NULL, 10);
    line = strchr(line, '\n');
    if (line != NULL) line++;
  }
  return 0;
}

static int io_counts(const char *path, struct betula_process_io *result) {
  memset(result, 0, sizeof *result);
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return -errno;
  char text[1024];
  ssize_t count = read(descriptor, text, sizeof text - 1);
  int error_number = errno;
  close(descriptor);
  if (count < 0) return -error_number;
  text[count] = 0;
  result->rchar = field(text, "rchar");
  result->wchar = field(text, "wchar");
  result->syscr = field(text, "syscr");
  result->syscw = field(text, "syscw");
  result->read_bytes = field(text, "read_bytes");
  result->write_bytes = field(text, "write_bytes");
  result->cancelled_write_bytes = field(text, "cancelled_write_bytes");
  return 0;
}

int betula_process_io(struct betula_process_io *result) { return io_counts("/proc/self/io", result); }

int betula_thread_io(struct betula_process_io *result) { return io_counts("/proc/thread-self/io", result); }

int betula_is_terminal(int descriptor) { return isatty(descriptor) ? 1 : 0; }

static atomic_int interrupt_count = 0;

static void count_interrupt(int number) {
  (void)number;
  atomic_fetch_add(&interrupt_count, 1);
}

int betula_catch_interrupts(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = count_interrupt;
  // Reset after the first, so that a second Ctrl-C ends a process that does not listen.
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGINT, &action, NULL) != 0) return -errno;
  if (sigaction(SIGTERM, &action, NULL) != 0) return -errno;
  // A parent may have started this process with the signals blocked; a thread pool's threads do.
  sigset_t heard;
  sigemptyset(&heard);
  sigaddset(&heard, SIGINT);
  sigaddset(&heard, SIGTERM);
  return -pthread_sigmask(SIG_UNBLOCK, &heard, NULL);
}

int betula_interrupt_count(void) { return atomic_load(&interrupt_count); }
