// The channel between a volume or file space and the device: it seals (merges) batches, keeps the ledger, and
// refuses work after a failed write or sync.
//
// Invariants
// 1. Every device call of a run passes through one channel, and nothing else calls the device.
// 2. Σ over causes of the ledger = the device's own count, per direction, in operations and bytes.
// 3. After a write, discard or sync failed, every later call throws `.poisoned` until the channel is made anew.

import Accounting
import Primitives

/// The one way to the device.
public final class IOChannel {
  public let device: any BlockDevice
  /// Whether adjacent transfers of a batch are merged (`coalesce: off` is for measuring what merging saves).
  public let coalesces: Bool
  /// Merged transfers stay at or below this size, in bytes.
  public let maximumTransferByteCount: Int
  public private(set) var ledger = IOLedger()
  /// What the first failed write or sync was, nil while healthy.
  public private(set) var poisonedBy: String?

  private var deviceEnds: (read: UInt64, write: UInt64) = (.max, .max)
  private var streamEnds: ContiguousArray<UInt64>

  /// A channel to `device`.
  public init(
    device: any BlockDevice, coalesces: Bool = true, maximumTransferByteCount: Int = 4 << 20
  ) {
    self.device = device
    self.coalesces = coalesces
    self.maximumTransferByteCount = maximumTransferByteCount
    streamEnds = ContiguousArray(repeating: .max, count: 2 * Cause.tableCount)
  }

  /// Seals and performs a batch, and enters it in the ledger.
  ///
  /// - Throws: what the device throws, or `.poisoned`.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    if let poisonedBy { throw .poisoned(by: poisonedBy) }
    if batch.isEmpty { return }
    batch.seal(coalesces: coalesces, maximumTransferByteCount: maximumTransferByteCount)
    do {
      try device.submit(&batch)
    } catch {
      if batch.containsWrites { poisonedBy = error.description }
      throw error
    }
    batch.classifyReads()
    enter(batch)
  }

  /// Performs a control call and enters it in the ledger.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    if let poisonedBy { throw .poisoned(by: poisonedBy) }
    do {
      try device.control(operation)
    } catch {
      poisonedBy = error.description
      throw error
    }
    var count = IOCount()
    count.requestedOperationCount = 1
    count.transferredOperationCount = 1
    switch operation {
    case .sync(let cause): ledger.add(count, direction: .sync, cause: cause, level: .none)
    case .discard(_, let byteCount, let cause):
      count.requestedByteCount = byteCount
      count.transferredByteCount = byteCount
      ledger.add(count, direction: .discard, cause: cause, level: .none)
    case .namespace(let direction, _):
      ledger.add(count, direction: direction, cause: .fileDirectory, level: .none)
    }
  }

  /// Enters a request that memory above the channel answered: it was asked, and moved nothing at the device.
  ///
  /// - Parameter operationCount: 1, or 0 for a later part of a request already entered.
  public func enterUnmoved(
    _ direction: Direction, byteCount: Int, cause: Cause, level: Level, operationCount: UInt64 = 1
  ) {
    var count = IOCount()
    count.requestedOperationCount = operationCount
    count.requestedByteCount = UInt64(byteCount)
    ledger.add(count, direction: direction, cause: cause, level: level)
  }

  /// Declares the channel unusable, for a layer above that found its own write half done.
  public func poison(_ reason: String) {
    if poisonedBy == nil { poisonedBy = reason }
  }

  private func enter(_ batch: borrowing TransferBatch) {
    for transfer in batch.transfers {
      let isRead = transfer.direction == .read
      let firstCause = batch.pieces[transfer.pieces.lowerBound].cause
      let stream = (isRead ? 0 : Cause.tableCount) + Int(firstCause.rawValue)
      let deviceSequential = (isRead ? deviceEnds.read : deviceEnds.write) == transfer.offset
      let streamSequential = streamEnds[stream] == transfer.offset
      if isRead { deviceEnds.read = transfer.end } else { deviceEnds.write = transfer.end }
      streamEnds[stream] = transfer.end
      for index in transfer.pieces {
        let piece = batch.pieces[index]
        var count = IOCount()
        count.requestedOperationCount = UInt64(piece.requestedOperationCount)
        count.requestedByteCount = UInt64(piece.requestedByteCount)
        count.transferredByteCount = UInt64(piece.transferredByteCount)
        if index == transfer.pieces.lowerBound {
          count.transferredOperationCount = 1
          count.deviceSequentialCount = deviceSequential ? 1 : 0
          count.streamSequentialCount = streamSequential ? 1 : 0
        }
        ledger.add(count, direction: transfer.direction, cause: piece.cause, level: piece.level)
      }
    }
  }
}
