// One connection to SQLite: statements, pragmas, and its codes as typed errors.
//
// Invariants
// 1. Every code but OK, ROW and DONE becomes an error; when the file space failed, the error is the file space's own.
// 2. CORRUPT and NOTADB become `.corrupted`.

import CSQLite
import KeyValue
import Primitives

/// A connection and where its files are.
final class SQLiteConnection {
  private(set) var handle: OpaquePointer?
  let guest: GuestFiles?

  /// Opens `path` through the guest's VFS, or through SQLite's own when there is none.
  init(path: String, guest: GuestFiles?, creates: Bool) throws(EngineError) {
    self.guest = guest
    var flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    if creates { flags |= SQLITE_OPEN_CREATE }
    let code = sqlite3_open_v2(path, &handle, flags, guest?.vfsName ?? "unix")
    if code != SQLITE_OK {
      let error = self.error(code)
      sqlite3_close_v2(handle)
      handle = nil
      throw error
    }
  }

  deinit { sqlite3_close_v2(handle) }

  /// What went wrong, from a code and from what the file space kept.
  func error(_ code: Int32) -> EngineError {
    if let kept = guest?.takeError() { return .storage(kept) }
    let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
    let primary = code & 0xFF
    if primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB {
      return .storage(.corrupted(structure: "SQLite database", offset: 0, detail: message))
    }
    return .guest(code: code, message: message)
  }

  /// Throws unless the code is one of success and the file space kept no error: SQLite hides some, as those of a
  /// checkpoint that follows a commit.
  func check(_ code: Int32) throws(EngineError) {
    if code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE {
      if let kept = guest?.takeError() { throw .storage(kept) }
      return
    }
    throw error(code)
  }

  /// Runs SQL that returns nothing of interest.
  func run(_ sql: String) throws(EngineError) { try check(sqlite3_exec(handle, sql, nil, nil, nil)) }

  /// Compiles a statement that is kept.
  func prepare(_ sql: String) throws(EngineError) -> OpaquePointer {
    var statement: OpaquePointer?
    try check(sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
    guard let statement else { throw .guest(code: SQLITE_MISUSE, message: "no statement in '\(sql)'") }
    return statement
  }

  /// All rows of a query, as text; NULL is empty.
  func rows(_ sql: String) throws(EngineError) -> [[String]] {
    let statement = try prepare(sql)
    defer { sqlite3_finalize(statement) }
    var rows: [[String]] = []
    while true {
      let code = sqlite3_step(statement)
      try check(code)
      if code != SQLITE_ROW { return rows }
      rows.append(
        (0..<sqlite3_column_count(statement)).map { column in
          sqlite3_column_text(statement, column).map { String(cString: $0) } ?? ""
        })
    }
  }

  /// The first value of a query; empty when there is none.
  func value(_ sql: String) throws(EngineError) -> String { try rows(sql).first?.first ?? "" }

  /// Whether no transaction is open.
  var isIdle: Bool { sqlite3_get_autocommit(handle) != 0 }

  /// A counter of the connection, in SQLite's numbering.
  func status(_ option: Int32) -> UInt64 {
    var now: Int32 = 0
    var high: Int32 = 0
    guard sqlite3_db_status(handle, option, &now, &high, 0) == SQLITE_OK else { return 0 }
    return UInt64(max(0, now))
  }

  /// Closes the connection; every statement must be finalized.
  func close() throws(EngineError) {
    let code = sqlite3_close(handle)
    if code == SQLITE_OK { handle = nil }
    try check(code)
  }
}
