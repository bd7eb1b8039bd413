// The reads of one thread, checked and timed: the one place where a phase gets a key or scans.
//
//   operation ──▶ key ──▶ view: the engine, or a snapshot ──▶ answer held against the expectation

import CSystem
import KeyValue
import Results
import Workload

/// Counts of one kind of read.
struct ReadTally: Sendable {
  var operationCount: UInt64 = 0
  var readTransferCount: UInt64 = 0
  var readByteCount: UInt64 = 0
  var returnedByteCount: UInt64 = 0
}

/// Reads through one view.
struct ReadWork: ~Copyable {
  var view: any ReadView
  let scanOrder: ScanOrder
  let checks: Bool
  /// The first version that a writer beside this reader may have put; nil when nobody writes.
  let firstNewVersion: UInt32?
  var encoder: OperationEncoder
  var checker: AnswerChecker
  var latency = LatencySampler()
  var tallies = ContiguousArray(repeating: ReadTally(), count: StreamOperation.allCases.count + 1)

  /// One in so many reads is timed; commits are timed when they are rare enough.
  static let latencyMask: UInt64 = 15

  init(
    view: any ReadView, workload: WorkloadSpec, scanOrder: ScanOrder, checks: Bool,
    checker: consuming AnswerChecker, firstNewVersion: UInt32? = nil
  ) {
    self.view = view
    self.scanOrder = scanOrder
    self.checks = checks
    self.firstNewVersion = firstNewVersion
    self.checker = checker
    encoder = OperationEncoder(workload: workload)
  }

  /// Does one read; `ordinal` is its place in the phase.
  ///
  /// - Returns: the slot of its kind.
  mutating func perform(_ operation: Operation, ordinal: UInt64) throws -> Int {
    let slot = LatencySampler.slot(operation.kind)
    let isTimed = ordinal & Self.latencyMask == 0 || operation.kind == .scan
    let start = isTimed ? betula_monotonic_nanoseconds() : 0
    if operation.kind == .scan { try scan(operation, ordinal) } else { try get(operation, ordinal) }
    if isTimed { latency.record(betula_monotonic_nanoseconds() - start, slot: slot) }
    tallies[slot].operationCount += 1
    return slot
  }

  private mutating func get(_ operation: Operation, _ ordinal: UInt64) throws {
    let key = encoder.key(of: operation)
    var returned = 0
    let found = try view.get(key.bytes) { value in
      returned = value.byteCount
      if checks { check(value, operation, ordinal) }
    }
    if found {
      tallies[LatencySampler.slot(operation.kind)].returnedByteCount += UInt64(returned + key.count)
    } else if checks {
      checker.checkNotFound(operation, ordinal: ordinal)
    }
  }

  @inline(__always) private mutating func check(_ value: RawSpan, _ operation: Operation, _ ordinal: UInt64) {
    if let firstNewVersion {
      checker.check(value, for: operation, ordinal: ordinal, orPutSince: firstNewVersion)
    } else {
      checker.check(value, for: operation, ordinal: ordinal)
    }
  }

  private mutating func scan(_ operation: Operation, _ ordinal: UInt64) throws {
    let key = encoder.key(of: operation)
    let cursor = try view.makeCursor(.all, scanOrder)
    try cursor.seek(to: key.bytes)
    if checks { checker.beginScan(operation, ordinal: ordinal, order: scanOrder) }
    var returned = 0
    var entryCount: UInt32 = 0
    while entryCount < operation.length {
      guard try cursor.next() else { break }
      cursor.withCurrent { key, value in
        returned += key.byteCount + value.byteCount
        if checks { checker.checkEntry(key: key, value: value) }
      }
      entryCount += 1
    }
    if checks { checker.endScan() }
    tallies[LatencySampler.slot(.scan)].returnedByteCount += UInt64(returned)
  }
}
