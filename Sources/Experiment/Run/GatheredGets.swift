// Gets that are asked for together: a phase's `keys_per_get` keys, one call of the engine.
//
//   get get … get ─▶ gathered ──full, or the phase ends──▶ engine.getBatch ─▶ every answer checked as of one get
//
// Invariants
// 1. An operation stays one key: what a call moved is charged to the last key of it, and its latency is the call's.
// 2. What is gathered is asked for before the phase ends; only phases without writes gather.

import Accounting
import CSystem
import KeyValue
import Results
import Storage
import Workload

/// Gets on their way.
struct GatheredGets: ~Copyable {
  var operations: ContiguousArray<Operation> = []
  var keys = ReadBatch()
  var isFound: ContiguousArray<Bool> = []
  /// The first one's place in the phase.
  var firstOrdinal: UInt64 = 0

  /// Forgets them, keeps the memory.
  mutating func removeAll() {
    operations.removeAll(keepingCapacity: true)
    keys.removeAll()
  }
}

extension PhaseLoop {
  /// Adds a get, and asks when there are enough.
  mutating func gather(_ operation: Operation) throws {
    if gathered.operations.isEmpty { gathered.firstOrdinal = operationCount }
    gathered.operations.append(operation)
    gathered.keys.append(reads.encoder.key(of: operation))
    if gathered.operations.count == phase.keysPerGet { try askGathered() } else { transfers.recordIdle() }
  }

  /// Asks for everything gathered.
  mutating func askGathered() throws {
    guard let first = gathered.operations.first else { return }
    let start = betula_monotonic_nanoseconds()
    try Self.ask(engine, &gathered, checks, &reads.checker, &reads.tallies)
    reads.latency.record(betula_monotonic_nanoseconds() - start, slot: LatencySampler.slot(first.kind))
    for operation in gathered.operations {
      reads.tallies[LatencySampler.slot(operation.kind)].operationCount += 1
    }
    settleTransfers(slot: LatencySampler.slot(first.kind))
    gathered.removeAll()
    if reads.checker.wrongAnswerCount > 0, let wrong = reads.checker.firstWrongAnswer { throw wrong }
  }

  private static func ask(
    _ engine: any Engine, _ gathered: inout GatheredGets, _ checks: Bool, _ checker: inout AnswerChecker,
    _ tallies: inout ContiguousArray<ReadTally>
  ) throws {
    let operations = gathered.operations
    let first = gathered.firstOrdinal
    var isFound = gathered.isFound
    gathered.isFound = []
    isFound.removeAll(keepingCapacity: true)
    isFound.append(contentsOf: repeatElement(false, count: operations.count))
    var returnedByteCount = 0
    try engine.getBatch(gathered.keys) { index, value in
      isFound[index] = true
      returnedByteCount += value.byteCount
      if checks { checker.check(value, for: operations[index], ordinal: first + UInt64(index)) }
    }
    for (index, operation) in operations.enumerated() {
      if isFound[index] {
        returnedByteCount += gathered.keys[index].count
      } else if checks {
        checker.checkNotFound(operation, ordinal: first + UInt64(index))
      }
    }
    // All of a phase's gets are of one kind.
    if let kind = operations.first?.kind {
      tallies[LatencySampler.slot(kind)].returnedByteCount += UInt64(returnedByteCount)
    }
    gathered.isFound = isFound
  }
}
