// The system SQLite, and the few calls Swift cannot import: C variadics, function-pointer constants, and the file
// object whose first member is SQLite's.
#ifndef BETULA_CSQLITE_SHIM_H
#define BETULA_CSQLITE_SHIM_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/// SQLite's file object, extended by what the callbacks need without a look-up.
typedef struct betula_guest_file {
  sqlite3_file base;
  /// The guest the file belongs to, not retained.
  void *guest;
  /// The file in its file space, retained.
  void *file;
  /// What SQLite uses the file for.
  int role;
} betula_guest_file;

// Extended result codes, which SQLite defines by expressions Swift does not import.
static const int betula_ioerr_read = SQLITE_IOERR_READ;
static const int betula_ioerr_short_read = SQLITE_IOERR_SHORT_READ;
static const int betula_ioerr_write = SQLITE_IOERR_WRITE;
static const int betula_ioerr_fsync = SQLITE_IOERR_FSYNC;
static const int betula_ioerr_truncate = SQLITE_IOERR_TRUNCATE;
static const int betula_ioerr_delete = SQLITE_IOERR_DELETE;
static const int betula_ioerr_delete_noent = SQLITE_IOERR_DELETE_NOENT;
static const int betula_ioerr_access = SQLITE_IOERR_ACCESS;

/// sqlite3_config(SQLITE_CONFIG_MEMSTATUS): variadic. Must precede initialization.
static inline int betula_config_memory_statistics(int on) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, on);
}

/// sqlite3_db_config for the options that take a flag and report it: variadic.
static inline int betula_database_flag(sqlite3 *db, int option, int on, int *now) {
  return sqlite3_db_config(db, option, on, now);
}

/// Binds bytes that stay where they are until the statement is reset (SQLITE_STATIC). An empty blob is not NULL.
static inline int betula_bind_borrowed(sqlite3_stmt *statement, int index, const void *bytes, int count) {
  return sqlite3_bind_blob(statement, index, bytes ? bytes : "", count, SQLITE_STATIC);
}

/// Binds a copy of the bytes (SQLITE_TRANSIENT). An empty blob is not NULL.
static inline int betula_bind_copied(sqlite3_stmt *statement, int index, const void *bytes, int count) {
  return sqlite3_bind_blob(statement, index, bytes ? bytes : "", count, SQLITE_TRANSIENT);
}

/// Writes the path of the wall-clock control's database: in TMPDIR or /tmp, one per process and place.
static inline void betula_control_path(char *path, int capacity, unsigned long long place) {
  const char *folder = getenv("TMPDIR");
  snprintf(path, (size_t)capacity, "%s/betula-sqlite-%ld-%llx.db", folder && *folder ? folder : "/tmp",
           (long)getpid(), place);
}

/// Removes a file; a missing one is no error.
static inline void betula_remove(const char *path) { (void)unlink(path); }

/// Runs `action` when the process ends.
static inline void betula_at_exit(void (*action)(void)) { (void)atexit(action); }

#endif
