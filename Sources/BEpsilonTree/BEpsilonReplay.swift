// What opening does with the batches behind the durable tree.
//
//   space for any order of flushes     each batch as it was taken first: room in the root, message, flush
//   otherwise                          messages gather in the root, as many as memory holds, before any is flushed
//
// Invariants
// 1. A log that was acknowledged fits (`ReplayDebt`): on a full device nothing is flushed, so nothing but long values is written.
// 2. Should the space run out all the same, the tree is checkpointed as of the batches that were taken; the rest stays in the
//    log, and opening goes on behind it.

import KeyValue
import Primitives
import Storage

extension BEpsilonTreeEngine {
  /// Calls `body`, which reads the log, with memory for the longest record there can be, as far as a quarter of the nodes' memory
  /// gives it. What was acknowledged in some memory is thereby read again in the same.
  func withMemoryForRecords(
    of log: VolumeLog, _ body: () throws(StorageError) -> Void
  ) throws(StorageError) {
    let needed = LogTransactionWriter.replayMemoryByteCount(
      of: log,
      operationByteCount: Cell.byteCount(
        key: limits.maximumKeyByteCount, operand: limits.maximumValueByteCount))
    let lent = table.lend(needed - volume.budget.availableByteCount)
    try body()
    try table.takeBack(lent)
  }

  /// Takes the batches from a position of the log on.
  func replay(_ log: VolumeLog, from position: UInt64) throws(StorageError) {
    checkpointPosition = position
    let collector = BatchCollector(maximumKeyByteCount: limits.maximumKeyByteCount)
    var mayFlush: Bool?
    var start = position
    var failure: StorageError?
    _ = try log.replay(from: position) { position, payload in
      do throws(StorageError) {
        if replayStart == nil { try noteReplayStart() }
        let flushes = mayFlush ?? mayFlushWhatever(log)
        mayFlush = flushes
        if collector.isEmpty { start = position }
        if try collector.add(payload, at: position) { try take(collector.batch, at: start, flushes) }
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
  }

  /// Whether there is room for any order of flushes, however much of the log there is to replay.
  private func mayFlushWhatever(_ log: VolumeLog) -> Bool {
    let byteCount = Int(clamping: log.byteCount(behind: checkpointPosition))
    let most = ReplayDebt(
      batchCount: 1, messageByteCount: byteCount,
      longUnitCount: volume.unitCount(ofBytes: byteCount) + byteCount / table.inlineLimitByteCount,
      largestLongUnitCount: volume.unitCount(ofBytes: settings.maximumValueByteCount))
    return isAmple(most, growingSegmentCount: 0)
  }

  /// Takes a batch from the log.
  private func take(
    _ batch: borrowing WriteBatch, at position: UInt64, _ flushes: Bool
  ) throws(StorageError) {
    let byteCount = LongOperands.messageByteCount(batch, limitByteCount: table.inlineLimitByteCount)
    var progress: UInt64?
    while true {
      do throws(StorageError) {
        let needs = table.debt(of: batch, rootPartCount: replayStart?.partCount ?? 1)
        // A patch that waits makes no value long.
        let mayFlush = flushes && !holdsFarPatches && !needs.hasFarPatch
        if mayFlush || !fitsUnflushed(needs) {
          try writer.makeRoom(for: byteCount, batch)
        } else {
          try writer.makeRoomUnflushed(for: needs.messageByteCount, batch)
        }
        let long = try LongOperands(batch, table)
        writer.insert(batch, long, into: try writer.root())
        note(needs)
        operationsSinceCheckpoint += batch.count
        if mayFlush { try restoreShape() }
        return
      } catch {
        table.owesShape = true
        guard case .noSpace = error, progress != table.counts.pointee.progress else { throw error }
        progress = table.counts.pointee.progress
        try publish(rewritesSpaceMap: true, position: position, cutting: nil)
        try volume.checkpoint()
      }
    }
  }

  /// Flushes what became too full after a batch. It is taken: without room for that, the next one comes first to it.
  private func restoreShape() throws(StorageError) {
    do throws(StorageError) {
      try writer.relieveRoot(adding: 0)
      try table.makeRoom(0, mayWrite: true)
      try table.limitDirty()
      try table.freeReleased()
    } catch {
      table.owesShape = true
      guard case .noSpace = error else { throw error }
    }
  }

  /// Whether messages may wait in the root with what is there.
  private func fitsUnflushed(_ batch: ReplayDebt) -> Bool {
    if debt.batchCount == 0 { return true }
    let start = replayStart?.contentByteCount ?? 0
    return max(0, start - settings.geometry.bufferByteCount) + debt.messageByteCount + batch.messageByteCount
      <= settings.replayMessageByteCount
  }
}

extension TreeWriter {
  /// Makes the memory ready for `byteCount` bytes of cells in the root, whatever is in it already. A root that is a leaf gets a
  /// buffer above it when the messages do not fit, or must not be applied at once.
  ///
  /// - Throws: what reading the root throws; `.outOfBudget`, `.noSpace` for a node. Nothing is lost.
  func makeRoomUnflushed(for byteCount: Int, _ batch: borrowing WriteBatch) throws(StorageError) {
    let root = try root()
    root.pinCount += 1
    defer { root.pinCount -= 1 }
    try table.makeRoom(byteCount * 2, mayWrite: true)
    guard root.isLeaf, needsBuffer(batch) || root.contentByteCount + byteCount > leafCapacityByteCount else {
      return
    }
    let above = try table.makeNode(level: 1, reserving: 8)
    above.appendPart(NodePart(child: root.number, birth: table.shape.rootBirth))
    table.recharge(above)
    table.shape.root = above.number
    table.shape.height = 1
  }
}
