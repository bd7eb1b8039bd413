// Canaries for the concurrency suite: the reference model made safe for threads, with one deliberate fault each.

import KeyValue
import Primitives

/// What is wrong with the readers.
enum ReaderFault: String, CaseIterable, Sendable {
  /// A snapshot shows the state before the newest batch.
  case staleSnapshot
  /// A batch becomes visible operation by operation.
  case tornBatch
  /// A snapshot shows each key as it is when asked.
  case movingSnapshot
  /// Every third batch is acknowledged and forgotten.
  case forgottenBatch
  /// Every second batch forgets its deletes.
  case lateDelete
}

/// The reference model behind a lock; faulty when told so.
final class FaultyReaders: Engine, @unchecked Sendable {
  // Sendable: the state is behind a lock.
  private struct State {
    var now = ReferenceState()
    var before = ReferenceState()
    var batchCount = 0
  }

  private let fault: ReaderFault?
  private let state = Lock(State())
  let limits = EngineLimits(
    maximumKeyByteCount: 100, maximumValueByteCount: 1_000, offersSnapshots: true,
    offersConcurrentReaders: true)
  var durabilityClass: DurabilityClass { .none }

  init(_ fault: ReaderFault?) { self.fault = fault }

  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    let (start, batchCount) = state.withLock { state -> (ReferenceState, Int) in
      state.before = state.now
      state.batchCount += 1
      return (state.now, state.batchCount)
    }
    if fault == .forgottenBatch, batchCount % 3 == 0 { return }
    var next = start
    for index in 0..<batch.count {
      let entry = batch.entries[index]
      if fault == .lateDelete, entry.kind == .delete, batchCount % 2 == 0 { continue }
      next.apply(
        entry.kind, key: [UInt8](batch.key(of: entry)), operand: [UInt8](batch.operand(of: entry)),
        maximumValueByteCount: limits.maximumValueByteCount)
      if fault == .tornBatch {
        let visible = next
        state.withLock { $0.now = visible }
        Threads.yield()
      }
    }
    let visible = next
    state.withLock { $0.now = visible }
  }

  var newest: ReferenceState { state.withLock { $0.now } }

  func makeSnapshot() throws(EngineError) -> any ReadView {
    switch fault {
    case .staleSnapshot: ReferenceView(state: state.withLock { $0.before })
    case .movingSnapshot: MovingView(self)
    default: ReferenceView(state: newest)
    }
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    ReferenceView(state: newest).get(key, body)
  }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    ReferenceView(state: newest).makeCursor(range, order)
  }
  func checkpoint() throws(EngineError) {}
  func settle() throws(EngineError) {}
  func dropCache() throws(EngineError) {}
  func close() throws(EngineError) {}
  func spaceReport() throws(EngineError) -> SpaceReport { SpaceReport(allocatedByteCount: 0, parts: []) }
  func settingsReadBack() -> [(name: String, value: String)] { [] }
  func statistics() -> [(name: String, value: UInt64)] { [] }
  func verify() throws(EngineError) {}
}

/// A snapshot that is none.
private final class MovingView: ReadView {
  private let engine: FaultyReaders
  init(_ engine: FaultyReaders) { self.engine = engine }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try engine.get(key, body)
  }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    MovingCursor(engine, range)
  }
}

private final class MovingCursor: Cursor {
  private let engine: FaultyReaders
  private var range: KeyRange
  private var current: (key: [UInt8], value: [UInt8])?

  init(_ engine: FaultyReaders, _ range: KeyRange) {
    self.engine = engine
    self.range = range
  }

  func next() throws(EngineError) -> Bool {
    Threads.yield()
    let cursor = try engine.makeCursor(range, .forward)
    guard try cursor.next() else { return false }
    var found: (key: [UInt8], value: [UInt8])?
    cursor.withCurrent { key, value in
      found = (key.withUnsafeBytes { [UInt8]($0) }, value.withUnsafeBytes { [UInt8]($0) })
    }
    current = found
    range.lowerBound = found.map { $0.key + [0] }
    return true
  }
  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void) {
    if let current { body(current.key.span.bytes, current.value.span.bytes) }
  }
  func seek(to key: RawSpan) throws(EngineError) { range.lowerBound = key.withUnsafeBytes { [UInt8]($0) } }
}
