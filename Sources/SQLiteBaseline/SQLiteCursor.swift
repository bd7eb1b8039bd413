// A walk over the table: one prepared statement, borrowed from the engine, that stands on the current row.
//
//   shape                     SQL
//   forward, open end         k >= ?1                 ORDER BY k
//   forward, bounded          k >= ?1 AND k < ?2      ORDER BY k
//   reverse, from the bound   k >= ?1 AND k < ?2      ORDER BY k DESC
//   reverse, after a seek     k >= ?1 AND k <= ?2     ORDER BY k DESC
//   reverse, open end         k >= ?1                 ORDER BY k DESC

import CSQLite
import KeyValue
import Primitives

/// A cursor on the newest state.
final class SQLiteCursor: Cursor {
  enum Shape: Int, CaseIterable {
    case forward, forwardBounded, reverse, reverseBounded, reverseFrom

    var sql: String {
      let head = "SELECT k, v FROM records WHERE k >= ?1"
      switch self {
      case .forward: return head + " ORDER BY k"
      case .forwardBounded: return head + " AND k < ?2 ORDER BY k"
      case .reverse: return head + " ORDER BY k DESC"
      case .reverseBounded: return head + " AND k < ?2 ORDER BY k DESC"
      case .reverseFrom: return head + " AND k <= ?2 ORDER BY k DESC"
      }
    }
  }

  private let engine: SQLiteEngine
  private let range: KeyRange
  private let order: ScanOrder
  private var shape = Shape.forward
  private var statement: OpaquePointer?
  private var start: [UInt8]?
  private var isAtEnd = false
  private var isEnded = false
  private var isStanding = false

  init(_ engine: SQLiteEngine, _ range: KeyRange, _ order: ScanOrder) {
    self.engine = engine
    self.range = range
    self.order = order
    engine.began(self)
  }

  deinit {
    if !isEnded { end() }
  }

  /// Gives the statement back; the cursor is of no more use.
  func end() {
    rest()
    isEnded = true
    engine.ended(self)
  }

  private func rest() {
    if let statement { engine.giveBack(statement, shape) }
    statement = nil
    isStanding = false
  }

  func next() throws(EngineError) -> Bool {
    if isEnded {
      throw .guest(
        code: SQLITE_ABORT,
        message: "the cursor ended with a write, a phase verb or the close after it was made")
    }
    if isAtEnd { return false }
    let statement: OpaquePointer
    if let running = self.statement { statement = running } else { statement = try begin() }
    let code = sqlite3_step(statement)
    if code == SQLITE_ROW {
      isStanding = true
      return true
    }
    isAtEnd = true
    defer { rest() }
    try engine.check(code)
    return false
  }

  private func begin() throws(EngineError) -> OpaquePointer {
    var lower = range.lowerBound ?? []
    var upper = range.upperBound
    shape = upper == nil ? .forward : .forwardBounded
    if order == .forward {
      if let start, lower.lexicographicallyPrecedes(start) { lower = start }
    } else {
      shape = upper == nil ? .reverse : .reverseBounded
      if let start, upper.map({ start.lexicographicallyPrecedes($0) }) ?? true {
        shape = .reverseFrom
        upper = start
      }
    }
    let statement = try engine.takeCursorStatement(shape)
    self.statement = statement
    lower.withUnsafeBytes { _ = betula_bind_copied(statement, 1, $0.baseAddress, Int32($0.count)) }
    upper?.withUnsafeBytes { _ = betula_bind_copied(statement, 2, $0.baseAddress, Int32($0.count)) }
    return statement
  }

  func withCurrent(_ body: (RawSpan, RawSpan) -> Void) {
    guard isStanding, let statement else {
      preconditionFailure("A cursor shows an entry only after `next` found one.")
    }
    let key = UnsafeRawBufferPointer(
      start: sqlite3_column_blob(statement, 0), count: Int(sqlite3_column_bytes(statement, 0)))
    let value = UnsafeRawBufferPointer(
      start: sqlite3_column_blob(statement, 1), count: Int(sqlite3_column_bytes(statement, 1)))
    body(key.bytes, value.bytes)
  }

  func seek(to key: RawSpan) throws(EngineError) {
    if !isEnded { rest() }
    isAtEnd = false
    start = key.withUnsafeBytes { Array($0) }
  }
}
