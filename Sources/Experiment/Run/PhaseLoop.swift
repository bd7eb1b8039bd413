// The operations of one data phase, sent to an engine one after the other, every answer checked.
//
//   stream ──▶ operation ─┬─ write ─▶ batch ──full──▶ apply (every n-th with sync) ──▶ expected state moves on
//                         └─ read ──▶ get │ cursor ──▶ answer held against the expected state
//
// Invariants
// 1. Reads see committed batches only; the expected state changes when a batch commits, not when it is filled.
// 2. Every batch has exactly `batchOperations` operations, the last of a phase excepted.
// 3. What an operation moved is the difference of the channel's counters around it; what background work moved
//    inline is charged to the operation that ran it.

import Accounting
import CSystem
import KeyValue
import Primitives
import Results
import Storage
import Workload

/// A wrong answer voids the run.
extension WrongAnswer: Error {}

/// The operation loop of one phase.
struct PhaseLoop: ~Copyable {
  let engine: any Engine
  let device: RunDevice
  let phase: DataPhase
  let batchOperations: Int
  let syncEveryCommits: Int
  let checks: Bool
  let stores: Bool
  /// Called when `sampleInterval` further operations are done.
  let sampleInterval: UInt64

  var stream: OperationStream
  var commitCount: UInt64
  var reads: ReadWork
  var checker: AnswerChecker { reads.checker }
  var tallies: ContiguousArray<ReadTally> { reads.tallies }
  var latency: LatencySampler { reads.latency }

  private var batch = WriteBatch(reservedByteCount: 1 << 16)
  private(set) var operationCount: UInt64 = 0
  private(set) var logicalWriteByteCount: UInt64 = 0
  var transfers = TransferHistograms()
  private var seen: TransferTotals
  var gathered = GatheredGets()
  private var bulkLoad: (any BulkLoad)?

  init(
    engine: any Engine, device: RunDevice, workload: WorkloadSpec, phase: DataPhase,
    stream: consuming OperationStream, checker: consuming AnswerChecker, commit: CommitSpec,
    commitCount: UInt64
  ) {
    self.engine = engine
    self.device = device
    self.phase = phase
    self.stream = stream
    self.commitCount = commitCount
    batchOperations = commit.batchOperations
    syncEveryCommits = commit.syncEveryCommits
    // A local, because the short circuit of && would capture a `self` that is not initialised yet.
    let stores = engine.limits.stores
    self.stores = stores
    let checks = workload.checksAnswers && stores
    self.checks = checks
    reads = ReadWork(
      view: engine, workload: workload, scanOrder: phase.scanOrder, checks: checks, checker: checker)
    sampleInterval = max(1, phase.operationCount / 100)
    seen = device.channel.totals
  }

  /// Runs to the end of the phase.
  ///
  /// - Parameter sample: called every `sampleInterval` operations and at the end, with the loop's counters.
  /// - Throws: `EngineError`, `WrongAnswer`, or what `sample` throws.
  mutating func run(sample: (borrowing PhaseLoop) throws -> Void) throws {
    var operation = Operation()
    var nextSample = sampleInterval
    if phase.isBulk { bulkLoad = try engine.makeBulkLoad() }
    while stream.next(&operation) {
      if operation.kind.isWrite {
        reads.encoder.append(operation, to: &batch)
        // An engine that stores nothing has no state to expect, and no live bytes to divide by.
        if stores { reads.checker.note(operation) }
        if batch.count == batchOperations { try commit() } else { transfers.recordIdle() }
      } else if phase.keysPerGet > 1 {
        try gather(operation)
      } else {
        try read(operation)
      }
      operationCount += 1
      if operationCount == nextSample {
        nextSample += sampleInterval
        try sample(self)
      }
    }
    if batch.count > 0 { try commit() }
    try askGathered()
    if let bulkLoad {
      self.bulkLoad = nil
      try bulkLoad.finish()
    }
    transfers.finish()
    if operationCount + sampleInterval != nextSample || operationCount == 0 { try sample(self) }
  }

  /// Gives the expected state back to the run.
  consuming func finish() -> (checker: AnswerChecker, position: StreamPosition, commitCount: UInt64) {
    (reads.checker, stream.position, commitCount)
  }

  private mutating func commit() throws {
    commitCount += 1
    let syncs = syncEveryCommits > 0 && commitCount % UInt64(syncEveryCommits) == 0
    let isTimed = batchOperations >= 16 || commitCount & ReadWork.latencyMask == 0
    let start = isTimed ? betula_monotonic_nanoseconds() : 0
    if let bulkLoad { try bulkLoad.append(batch) } else { try engine.apply(batch, sync: syncs) }
    if isTimed {
      reads.latency.record(betula_monotonic_nanoseconds() - start, slot: LatencySampler.commitSlot)
    }
    logicalWriteByteCount += UInt64(batch.logicalByteCount)
    reads.checker.applied()
    batch.removeAll()
    settleTransfers(slot: nil)
  }

  private mutating func read(_ operation: Operation) throws {
    settleTransfers(slot: try reads.perform(operation, ordinal: operationCount))
    if reads.checker.wrongAnswerCount > 0, let wrong = reads.checker.firstWrongAnswer { throw wrong }
  }

  /// Charges what moved since the last operation to this one.
  ///
  /// - Parameter slot: the kind of a read; nil for a commit.
  @inline(__always) mutating func settleTransfers(slot: Int?) {
    let now = device.channel.totals
    if now == seen {
      transfers.recordIdle()
      if slot == nil { transfers.recordIdleCommit() }
      return
    }
    let readTransfers = now.readTransferCount - seen.readTransferCount
    let readBytes = now.readByteCount - seen.readByteCount
    transfers.record(
      readTransfers: readTransfers, readBytes: readBytes, writeBytes: now.writeByteCount - seen.writeByteCount
    )
    if let slot {
      reads.tallies[slot].readTransferCount += readTransfers
      reads.tallies[slot].readByteCount += readBytes
    } else {
      transfers.recordCommit(
        transfers: readTransfers + now.writeTransferCount - seen.writeTransferCount,
        byteCount: readBytes + now.writeByteCount - seen.writeByteCount)
    }
    seen = now
  }
}
