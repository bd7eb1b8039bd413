// Worker processes: started with three pipes, told apart from the parent's other children, and never outliving it.

#define _GNU_SOURCE
#include "csystem.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

extern char **environ;

static void close_both(int pipe_ends[2]) {
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

int betula_start_worker(const char *path, char *const arguments[], struct betula_worker *worker) {
  int input[2], output[2], errors[2];
  if (pipe2(input, O_CLOEXEC) != 0) return -errno;
  if (pipe2(output, O_CLOEXEC) != 0) {
    int number = errno;
    close_both(input);
    return -number;
  }
  if (pipe2(errors, O_CLOEXEC) != 0) {
    int number = errno;
    close_both(input);
    close_both(output);
    return -number;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // dup2 clears the close-on-exec flag of the copies; every other end closes by itself.
  posix_spawn_file_actions_adddup2(&actions, input[0], 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  posix_spawn_file_actions_adddup2(&actions, errors[1], 2);
  pid_t process = 0;
  int result = posix_spawn(&process, path, &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(input[0]);
  close(output[1]);
  close(errors[1]);
  if (result != 0) {
    close(input[1]);
    close(output[0]);
    close(errors[0]);
    return -result;
  }
  fcntl(output[0], F_SETFL, O_NONBLOCK);
  fcntl(errors[0], F_SETFL, O_NONBLOCK);
  worker->process = (int32_t)process;
  worker->input = input[1];
  worker->output = output[0];
  worker->errors = errors[0];
  return 0;
}

int betula_await_readable(const int *descriptors, int count, int timeout_milliseconds) {
  struct pollfd entries[512];
  if (count > 512) return -EINVAL;
  for (int index = 0; index < count; index++) {
    entries[index].fd = descriptors[index];
    entries[index].events = POLLIN;
    entries[index].revents = 0;
  }
  int result = poll(entries, (nfds_t)count, timeout_milliseconds);
  if (result < 0) return errno == EINTR ? 0 : -errno;
  return result;
}

int betula_await_process(int32_t process) {
  int status = 0;
  pid_t result;
  do {
    result = waitpid((pid_t)process, &status, 0);
  } while (result == -1 && errno == EINTR);
  if (result < 0) return -errno;
  return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

int betula_end_process(int32_t process, int gently) {
  return kill((pid_t)process, gently ? SIGTERM : SIGKILL) == 0 ? 0 : -errno;
}

int betula_die_with_parent(int32_t parent) {
#ifdef __linux__
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return -errno;
#endif
  // The parent may have gone before the call above.
  return getppid() == (pid_t)parent ? 0 : -ESRCH;
}

void betula_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }

void betula_signal_name(int number, char *text, size_t capacity) {
  if (capacity == 0) return;
  const char *name = strsignal(number);
  strncpy(text, name != NULL ? name : "unknown", capacity - 1);
  text[capacity - 1] = 0;
}

struct names {
  char *text;
  size_t capacity;
  size_t count;
};

static int add_name(struct dl_phdr_info *info, size_t size, void *context) {
  (void)size;
  struct names *names = context;
  size_t length = info->dlpi_name != NULL ? strlen(info->dlpi_name) : 0;
  // The executable itself has no name.
  if (length == 0 || names->count + length + 2 > names->capacity) return 0;
  memcpy(names->text + names->count, info->dlpi_name, length);
  names->count += length;
  names->text[names->count++] = '\n';
  return 0;
}

size_t betula_loaded_libraries(char *text, size_t capacity) {
  struct names names = {text, capacity, 0};
  dl_iterate_phdr(add_name, &names);
  return names.count;
}
