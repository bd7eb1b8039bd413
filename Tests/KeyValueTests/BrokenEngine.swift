// Canaries for the conformance suite: the reference model with one deliberate fault each.

import KeyValue
import Primitives

/// What a broken engine does wrong.
enum Fault: String, CaseIterable, Sendable {
  case forgetsEveryHundredthPut
  case deleteLeavesEmptyValue
  case emptyKeyIsNothing
  case emptyValueIsAbsence
  case duplicatesInABatchKeepTheFirst
  case refusedBatchIsHalfApplied
  case limitIsNotEnforced
  case addForgetsTheTail
  case addSaturates
  case appendCutsAtTheLimit
  case appendOfNothingLeavesAbsent
  case patchTruncates
  case rangeDeleteIncludesItsEnd
  case rangeDeleteAppliesAtTheBatchEnd
  case invertedRangeDeletesTheInverse
  case cursorSkipsAnEntry
  case cursorIgnoresTheUpperBound
  case reverseCursorExcludesTheLowerBound
  case seekIgnoresTheBounds
  case reverseSeekGoesAfter
  case seekCannotLeaveTheEnd
  case cursorWrapsAround
  case keysAreSigned
  case snapshotMoves
  case snapshotsAreNotOfferedButGiven
  case reopenDropsTheLastBatch
  case settleDropsUpserts
  case dropCacheDropsTheNewest
  case closedEngineAnswers
  case spaceDoesNotAddUp
  case readerWrites
  case verifyFails
  case getCallsTwice
  case getNamesAbsentFound
  case batchStopsAtTheFirstMissing
  case batchAnswersTheNeighbour
  case batchSkipsTheSecondOfTwo
  case bulkLoadLosesItsLastEntry
  case bulkLoadTakesWhatIsUnsorted
}

/// The reference model, faulty.
final class BrokenEngine: Engine {
  let fault: Fault
  private var state: ReferenceState
  private var stateBeforeLastBatch: ReferenceState
  private var lastUpsert: (key: [UInt8], old: [UInt8]?)?
  private var putCount = 0
  private var isClosed = false
  private(set) var writtenByteCount: UInt64 = 0

  static let testLimits = EngineLimits(
    maximumKeyByteCount: 1_000, maximumValueByteCount: 200_000, offersSnapshots: true)

  init(_ fault: Fault, state: ReferenceState = ReferenceState()) {
    self.fault = fault
    self.state = state
    stateBeforeLastBatch = state
  }

  var limits: EngineLimits {
    var limits = BrokenEngine.testLimits
    if fault == .snapshotsAreNotOfferedButGiven { limits.offersSnapshots = false }
    return limits
  }
  var durabilityClass: DurabilityClass { .none }

  /// What a new life begins with.
  var stateAfterReopen: ReferenceState {
    fault == .reopenDropsTheLastBatch ? stateBeforeLastBatch : state
  }

  private func requireOpen() throws(EngineError) {
    if isClosed, fault != .closedEngineAnswers { throw .storage(.closed) }
  }

  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try requireOpen()
    do {
      if fault != .limitIsNotEnforced { try batch.check(against: limits) }
    } catch {
      if fault == .refusedBatchIsHalfApplied { applyEntries(of: batch, count: 1) }
      throw error
    }
    if batch.count > 0 { stateBeforeLastBatch = state }
    applyEntries(of: batch, count: batch.count)
  }

  private func applyEntries(of batch: borrowing WriteBatch, count: Int) {
    var seen: Set<[UInt8]> = []
    var postponed: [(start: [UInt8], end: [UInt8])] = []
    for entry in batch.entries.prefix(count) {
      let key = [UInt8](batch.key(of: entry))
      let operand = [UInt8](batch.operand(of: entry))
      let isPut = entry.kind == .put
      writtenByteCount += UInt64(key.count + operand.count)
      if isPut { putCount += 1 }
      switch fault {
      case .duplicatesInABatchKeepTheFirst where isPut && !seen.insert(key).inserted: continue
      case .forgetsEveryHundredthPut where isPut && putCount % 100 == 0: continue
      case .emptyKeyIsNothing where key.isEmpty && entry.kind != .deleteRange: continue
      case .deleteLeavesEmptyValue where entry.kind == .delete && state.value(for: key) != nil:
        state.set(key, to: [])
      case .rangeDeleteAppliesAtTheBatchEnd where entry.kind == .deleteRange:
        postponed.append((key, operand))
      case .invertedRangeDeletesTheInverse
      where entry.kind == .deleteRange && operand.lexicographicallyPrecedes(key):
        state.removeRange(from: operand, to: key)
      default: applyEntry(entry.kind, key, operand)
      }
    }
    for range in postponed { state.removeRange(from: range.start, to: range.end) }
  }

  private func applyEntry(_ kind: OperationKind, _ key: [UInt8], _ operand: [UInt8]) {
    let limit = limits.maximumValueByteCount
    let old = state.value(for: key)
    if kind.isUpsert { lastUpsert = (key, old) }
    state.apply(kind, key: key, operand: operand, maximumValueByteCount: limit)
    let new = state.value(for: key) ?? []
    switch (fault, kind) {
    case (.addForgetsTheTail, .add): state.set(key, to: [UInt8](new.prefix(8)))
    case (.addSaturates, .add):
      if let old, old.prefix(8).elementsEqual([UInt8](repeating: 255, count: 8)) { state.set(key, to: old) }
    case (.appendCutsAtTheLimit, .append):
      state.set(key, to: [UInt8](((old ?? []) + operand).prefix(limit)))
    case (.appendOfNothingLeavesAbsent, .append): if old == nil, operand.isEmpty { state.remove(key) }
    case (.patchTruncates, .patch):
      let end = Int(operand[0]) + Int(operand[1]) * 256 + operand.count - 4
      state.set(key, to: [UInt8](new.prefix(end)))
    case (.rangeDeleteIncludesItsEnd, .deleteRange): state.remove(operand)
    case (.emptyValueIsAbsence, .put): if new.isEmpty { state.remove(key) }
    default: break
    }
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try requireOpen()
    if fault == .readerWrites { writtenByteCount += 1 }
    let view = ReferenceView(state: state)
    if fault == .getCallsTwice { _ = view.get(key, body) }
    return view.get(key, body) || fault == .getNamesAbsentFound
  }

  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try requireOpen()
    return BrokenCursor(fault, state, range, order)
  }

  func makeSnapshot() throws(EngineError) -> any ReadView {
    try requireOpen()
    return fault == .snapshotMoves ? self : ReferenceView(state: state)
  }

  func checkpoint() throws(EngineError) { try requireOpen() }
  func settle() throws(EngineError) {
    try requireOpen()
    guard fault == .settleDropsUpserts, let (key, old) = lastUpsert else { return }
    if let old { state.set(key, to: old) } else { state.remove(key) }
  }
  func dropCache() throws(EngineError) {
    try requireOpen()
    if fault == .dropCacheDropsTheNewest { state = stateBeforeLastBatch }
  }
  func close() throws(EngineError) {
    try requireOpen()
    isClosed = true
  }
  func spaceReport() throws(EngineError) -> SpaceReport {
    try requireOpen()
    return SpaceReport(
      allocatedByteCount: fault == .spaceDoesNotAddUp ? 2 : 1,
      parts: [SpaceReport.Part(name: "live", byteCount: 1)])
  }
  func settingsReadBack() -> [(name: String, value: String)] { [] }
  func statistics() -> [(name: String, value: UInt64)] { [] }
  func verify() throws(EngineError) {
    try requireOpen()
    if fault == .verifyFails, state.count > 100 {
      throw .storage(.corrupted(structure: "canary", offset: 0, detail: "on purpose"))
    }
  }
}

private final class BrokenCursor: Cursor {
  private let fault: Fault
  private let order: ScanOrder
  private let range: KeyRange
  private let view: ReferenceView
  private var inner: any Cursor
  private var steps = 0
  private var isAtEnd = false
  /// All entries in the wrong order, for the fault that mistakes bytes for signed numbers.
  private var signed: [KeyValuePair]?

  init(_ fault: Fault, _ state: ReferenceState, _ range: KeyRange, _ order: ScanOrder) {
    self.fault = fault
    self.order = order
    var range = range
    if fault == .cursorIgnoresTheUpperBound { range.upperBound = nil }
    if fault == .reverseCursorExcludesTheLowerBound, order == .reverse, let lower = range.lowerBound {
      range.lowerBound = lower + [0]
    }
    self.range = range
    view = ReferenceView(state: state)
    inner = view.makeCursor(range, order)
    if fault == .keysAreSigned {
      let ascending = state.entries(in: range).sorted {
        $0.key.map { Int8(bitPattern: $0) }.lexicographicallyPrecedes($1.key.map { Int8(bitPattern: $0) })
      }
      signed = order == .forward ? ascending : ascending.reversed()
    }
  }

  func next() throws(EngineError) -> Bool {
    if let signed {
      steps += 1
      return steps <= signed.count
    }
    if fault == .seekCannotLeaveTheEnd, isAtEnd { return false }
    steps += 1
    if fault == .cursorSkipsAnEntry, steps == 7 { _ = try inner.next() }
    if try inner.next() { return true }
    isAtEnd = true
    if fault == .cursorWrapsAround { inner = view.makeCursor(range, order) }
    return false
  }

  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void) {
    guard let signed else { return inner.withCurrent(body) }
    let pair = signed[steps - 1]
    body(pair.key.span.bytes, pair.value.span.bytes)
  }

  func seek(to key: RawSpan) throws(EngineError) {
    if fault == .seekIgnoresTheBounds { inner = view.makeCursor(.all, order) }
    if fault == .reverseSeekGoesAfter, order == .reverse {
      let target = bytes(of: key) + [0xff]
      try inner.seek(to: target.span.bytes)
    } else {
      try inner.seek(to: key)
    }
  }
}
