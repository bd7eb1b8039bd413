// A device with a modelled flash drive below it: every write and discard that succeeds is told to the translation layer.
//
// Invariants
// 1. A batch that threw changes no count; a batch the drive has no room for is refused before it reaches the base.
// 2. It sees what a drive sees: offsets, lengths, writes, discards. No causes.

import Accounting
import Primitives

/// Counts what a flash drive would program.
public final class FlashDevice: BlockDevice {
  /// The drive's state.
  public private(set) var translation: FlashTranslation
  private let base: any BlockDevice

  /// The base's transfer unit, in bytes.
  public let transferUnitByteCount: Int
  /// The base's capacity, in bytes: the host's address space, not what the drive exports.
  public let capacityByteCount: UInt64

  /// A drive below `base`.
  public init(base: any BlockDevice, configuration: FlashConfiguration) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
    translation = FlashTranslation(configuration)
  }

  /// A drive below `base` that goes on from `translation`: a branch of a device that wrote so far.
  public init(base: any BlockDevice, continuing translation: FlashTranslation) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
    self.translation = translation
  }

  /// What the drive has done so far.
  public var counts: FlashCounts { translation.counts }

  /// Passes the batch on and programs its writes.
  ///
  /// - Throws: `.deviceFailed` with ENOSPC when the host would hold more than the drive exports, or what the base throws.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    if batch.containsWrites { try requireRoom(batch) }
    try base.submit(&batch)
    guard batch.containsWrites else { return }
    for index in batch.transfers.indices where batch.transfers[index].direction == .write {
      translation.write(
        offset: batch.transfers[index].offset, byteCount: UInt64(batch.transfers[index].byteCount))
    }
  }

  /// As the base: reads are nothing to the drive.
  public func begin(_ batch: inout TransferBatch) -> (any BatchInFlight)? { base.begin(&batch) }

  /// As the base.
  public func finish(_ batch: inout TransferBatch, _ flight: any BatchInFlight) throws(StorageError) {
    try base.finish(&batch, flight)
  }

  // ENOSPC.
  private static let noSpace: Int32 = 28

  private func requireRoom(_ batch: borrowing TransferBatch) throws(StorageError) {
    let transfers = batch.transfers
    let writes = transfers.lazy.filter { $0.direction == .write }.map {
      (offset: $0.offset, byteCount: UInt64($0.byteCount))
    }
    do throws(FlashFull) {
      try translation.requireRoom(for: writes)
    } catch {
      let first = transfers.first { $0.direction == .write }
      throw .deviceFailed(
        operation: "write", offset: first?.offset ?? 0, byteCount: first?.byteCount ?? 0,
        errno: Self.noSpace, reason: error.description)
    }
  }

  /// Passes the call on; a discard trims.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    try base.control(operation)
    if case .discard(let offset, let byteCount, _) = operation {
      translation.discard(offset: offset, byteCount: byteCount)
    }
  }
}
