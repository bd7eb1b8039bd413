// How what is visible becomes durable: checkpoints, when they are due, and what they do for room.
//
//   publish   changed nodes ─▶ their places ─▶ root, superblock ─▶ the log is cut
//   no room   publish, and a second durable commit: what the tree gave up since the last checkpoint is free

import Primitives
import Storage

extension BEpsilonTreeEngine {
  /// Makes everything visible durable.
  func makeDurable() throws(StorageError) {
    do throws(StorageError) {
      if let log { try log.sync() } else { try publish(rewritesSpaceMap: false) }
    } catch {
      // What is visible and what is durable have parted; only reopening heals that.
      volume.channel.poison(error.description)
      throw error
    }
  }

  func checkpointIfDue() throws(StorageError) {
    let byteCount =
      log.map { $0.tailPosition - min($0.tailPosition, checkpointPosition) } ?? UInt64(bytesSinceCheckpoint)
    let isDue =
      byteCount >= UInt64(settings.checkpointLogByteCount)
      || (settings.checkpointOperationCount > 0
        && operationsSinceCheckpoint >= settings.checkpointOperationCount)
    if isDue { try publish(rewritesSpaceMap: false) }
  }

  /// Writes the changed nodes and a superblock that reaches them, and cuts the log.
  func publish(rewritesSpaceMap: Bool) throws(StorageError) {
    try publish(rewritesSpaceMap: rewritesSpaceMap, position: log?.tailPosition ?? 0, cutting: log)
  }

  /// The same with the batches before a position of the log.
  ///
  /// - Parameter cutting: the log, nil while it is being replayed: then it stays as it is.
  func publish(
    rewritesSpaceMap: Bool, position: UInt64, cutting log: VolumeLog?
  ) throws(StorageError) {
    try table.writeAll()
    try table.freeReleased()
    var transaction = try table.beginTransaction()
    transaction.setRoot(
      BEpsilonRoot(
        nodeByteCount: settings.geometry.nodeByteCount, fanout: settings.geometry.fanout,
        unitByteCount: settings.geometry.unit.byteCount, logPosition: position,
        durability: settings.durability, holdsFarPatches: holdsFarPatches, owesShape: table.owesShape,
        birthNumber: table.births.number, shape: table.shape, levels: table.levels
      ).encoded())
    if let log { transaction.truncateLog(log, upTo: position) }
    if rewritesSpaceMap {
      try transaction.commit(durable: false)
      try volume.checkpoint()
    } else {
      try transaction.commit(durable: true)
    }
    operationsSinceCheckpoint = 0
    bytesSinceCheckpoint = 0
    checkpointPosition = position
    debt = ReplayDebt()
    // Its head is enough; one that is not in memory is looked at before it changes.
    replayStart = table.resident(table.shape.root).map { replayStart(at: $0) }
    table.counts.pointee.checkpoints &+= 1
  }

  /// Without room on the device, what was given up becomes room after two durable commits. Then it is tried again, as long as
  /// messages move on. At last all messages are flushed: deletes that wait make no room.
  ///
  /// - Throws: `error` when it is another one, or nothing more can be done.
  func makeSpace(after error: StorageError, _ search: inout SpaceSearch) throws(StorageError) {
    table.owesShape = true
    guard case .noSpace = error else { throw error }
    if search.progress == table.counts.pointee.progress {
      if search.hasSettled || table.levels.contentByteCounts[1...].allSatisfy({ $0 == 0 }) { throw error }
      search.hasSettled = true
      try flushWhatFits()
    }
    search.progress = table.counts.pointee.progress
    try publish(rewritesSpaceMap: true)
    try volume.checkpoint()
  }

  /// Flushes every message to its leaf, with a checkpoint whenever that takes too much room, as long as messages move on.
  private func flushWhatFits() throws(StorageError) {
    var progress: UInt64?
    while true {
      do throws(StorageError) {
        return try writer.flushEverything()
      } catch {
        guard case .noSpace = error else { throw error }
        if progress == table.counts.pointee.progress { return }
        progress = table.counts.pointee.progress
        try publish(rewritesSpaceMap: true)
        try volume.checkpoint()
      }
    }
  }

  /// Takes over what a batch brought.
  func note(_ batch: ReplayDebt) {
    debt = debt + batch
    if batch.hasFarPatch { holdsFarPatches = true }
  }
}

/// What was tried to make room for one batch.
struct SpaceSearch {
  /// How far messages had moved at the last attempt.
  var progress: UInt64?
  var hasSettled = false
}
