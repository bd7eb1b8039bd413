// What replaying the log behind the newest durable tree may need: the account that keeps a full device from shutting out what was
// acknowledged.
//
//   durable tree D ── transactions since ──▶ the tree: newborn pages, at most `mostUnitCount` at any time
//        │ crash
//        ▼
//   D and what is free after a crash ── replay: the same changes, the same number of newborn pages at every step
//
// In the meantime the log grew, and may have taken what was free when the newborn pages were most. So before the log grows, and
// before a transaction enters it, the most is held against what is free after a crash; when that is less, the tree is made
// durable first, and the account begins anew.
//
// Invariants
// 1. Whatever was acknowledged, replaying from the newest durable tree has the units for. For pages of one unit that is all they
//    need; longer extents are counted as `DependableSpace` does, and should free space lie in pieces that are too short all the
//    same, replay makes the tree durable as of where it is and goes on.
// 2. A reserve of two paths and a log segment is for transactions that only delete: a full tree can be emptied.

import Accounting
import KeyValue
import Primitives
import Storage

/// The account of one opening.
struct ReplayDebt {
  /// The most newborn units at once since the newest durable tree, twice those of the transaction that had them: in replay a
  /// page may have been written before, and is copied again.
  var mostUnitCount = 0
  /// Space after a crash, as of `epoch`, for extents of this size.
  var epoch = UInt64.max
  var largestUnitCount = 0
  var knownUnitCount = 0
}

extension BTreeEngine {
  /// Units that only deletes may use.
  private var workUnitCount: Int {
    let page = volume.unitCount(ofBytes: settings.geometry.pageByteCount)
    return 2 * (forest.main.height + 2) * page + (log?.unitCountOfSegment ?? 0) + volume.movingUnitCount + 4
  }

  /// Refuses what the open transaction did when it could not be replayed, or leaves too little for deletes.
  ///
  /// - Throws: `.noSpace`; a durable commit may help.
  func requireSpace(onlyDeletes: Bool) throws(StorageError) {
    if isReplaying { return }
    let largest = max(
      volume.unitCount(ofBytes: settings.geometry.pageByteCount),
      volume.unitCount(ofBytes: settings.maximumValueByteCount + VolumeBlock.headerByteCount))
    let work = onlyDeletes ? 0 : workUnitCount
    if !onlyDeletes, volume.surelyDependableUnitCount(largestUnitCount: 1) < work {
      throw noSpace(work)
    }
    if log == nil { return }
    debt.largestUnitCount = largest
    let most = max(debt.mostUnitCount, volume.newbornUnitCount + volume.transactionUnitCount)
    if !fits(most + work) { throw noSpace(most + work) }
    debt.mostUnitCount = most
  }

  /// Refuses to let the log grow over what replaying needs.
  func requireReplayable(growing segmentCount: Int) throws(StorageError) {
    if segmentCount == 0 { return }
    let segment = log?.unitCountOfSegment ?? 0
    let needed = debt.mostUnitCount + segmentCount * segment + volume.movingUnitCount
    if !fits(needed) { throw noSpace(needed) }
  }

  private func fits(_ unitCount: Int) -> Bool {
    if unitCount <= volume.untouchedUnitCount { return true }
    if debt.epoch != volume.durableEpoch {
      debt.epoch = volume.durableEpoch
      debt.knownUnitCount = volume.dependableSpaceAfterCrash(largestUnitCount: 1).unitCount
    }
    return unitCount <= debt.knownUnitCount
  }

  private func noSpace(_ unitCount: Int) -> StorageError {
    .noSpace(
      requestedByteCount: UInt64(unitCount * volume.transferUnitByteCount),
      freeByteCount: volume.availableByteCount)
  }
}

extension BTreeEngine {
  /// Calls `body`, which reads the log, with memory for the longest record there can be: the cache, empty now, gives it, and gets
  /// it back. What was acknowledged in some memory is thereby read again in the same.
  func withMemoryForRecords(
    of log: VolumeLog, _ body: () throws(StorageError) -> Void
  ) throws(StorageError) {
    let needed = LogTransactionWriter.replayMemoryByteCount(
      of: log,
      operationByteCount: LogOperation.headByteCount + limits.maximumKeyByteCount
        + limits.maximumValueByteCount)
    let capacity = store.cache.capacityByteCount
    while volume.budget.availableByteCount < needed {
      do throws(StorageError) {
        try shrinkCache(
          after: .outOfBudget(
            account: MemoryAccount.logBuffer.name, requestedByteCount: needed,
            availableByteCount: volume.budget.availableByteCount))
      } catch {
        // The records may be shorter: reading them says what is missing.
        guard case .outOfBudget = error else { throw error }
        break
      }
    }
    try body()
    let missing = capacity - store.cache.capacityByteCount
    if missing > 0, volume.budget.availableByteCount >= missing {
      try store.cache.setCapacity(capacity, writer: store)
    }
  }
}
