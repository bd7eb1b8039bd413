// The append-only log, looked at in an image: its parts and operations, and what no checkpoint covers yet.

import KeyValue
import Primitives
import Storage

extension AppendLogEngine {
  /// Reads every record: parts, operations by kind, batches cut short, batches behind the last checkpoint.
  ///
  /// The engine claims no extents: its bytes are the log's, which the volume accounts for.
  public static func examine(_ image: EngineImage, _ report: inout StructureReport) throws(StorageError) {
    guard let volume = image.volume else { return }
    let log = try volume.openLog(0, configuration: VolumeLogConfiguration(cause: .verification))
    let checkpointed = log.durablePosition
    var tally = Tally()
    var unsound: UInt64?
    let replay = try log.replay { position, bytes in
      guard let flags = AppendLogFormat.flags(of: bytes),
        let operationCount = AppendLogFormat.decode(bytes, { tally.add($0) })
      else {
        unsound = position
        return false
      }
      tally.partCount += 1
      tally.operationCount += UInt64(operationCount)
      tally.partByteCount += UInt64(bytes.count + VolumeLog.recordHeaderByteCount)
      if flags & AppendLogFormat.firstPartFlag != 0 {
        if tally.isOpen { tally.cutShortCount += 1 }
        tally.isOpen = true
      }
      if flags & AppendLogFormat.lastPartFlag != 0 {
        if tally.isOpen {
          tally.batchCount += 1
          if position >= checkpointed { tally.uncoveredCount += 1 }
        }
        tally.isOpen = false
      }
      return true
    }
    if let unsound {
      report.addFinding(
        "append log record", offset: log.deviceOffset(of: unsound) ?? 0,
        "the record at log position \(unsound) has a right checksum and is no part of a batch")
    }
    if tally.isOpen { tally.cutShortCount += 1 }
    report.addPart(
      "log record", byteCount: log.allocatedByteCount, usedByteCount: tally.partByteCount,
      entryCount: tally.operationCount, blockCount: tally.partCount)
    report.addFact("batches", String(tally.batchCount))
    report.addFact("batches_cut_short", String(tally.cutShortCount))
    for kind in OperationKind.allCases {
      report.addFact("operations_\(kind)", String(tally.kinds[Int(kind.rawValue)] ?? 0))
    }
    report.addFact("key_and_operand_bytes", String(tally.logicalByteCount))
    if tally.uncoveredCount > 0 {
      report.addRecovery(
        "the log holds \(tally.uncoveredCount) commits not yet checkpointed, "
          + "\(replay.endPosition - checkpointed) bytes: opening replays them")
    }
  }

  private struct Tally {
    var partCount: UInt64 = 0
    var partByteCount: UInt64 = 0
    var operationCount: UInt64 = 0
    var logicalByteCount: UInt64 = 0
    var batchCount: UInt64 = 0
    var cutShortCount: UInt64 = 0
    var uncoveredCount: UInt64 = 0
    var isOpen = false
    var kinds: [Int: UInt64] = [:]

    mutating func add(_ operation: LogOperation) {
      kinds[Int(operation.kind.rawValue), default: 0] += 1
      logicalByteCount += UInt64(operation.key.count + operation.operand.count)
    }
  }
}
