// Devices for looking at a kept image: one that reads a file and never writes it, and one that keeps every write in
// memory, so that an engine may recover and check itself while the image stays as it is.
//
//   engine ─▶ OverlayDevice ─┬─ units written since ─▶ memory
//                            └─ all others ─▶ ImageDevice ─▶ the file, opened read only
//
// Invariants
// 1. The file is opened without the right to write; a write or discard that reaches it is an error, not a change.
// 2. An overlay reads as its base until a unit is written or discarded, and as what was written from then on.
// 3. The capacity is the file's size in whole units; a rest shorter than a unit is not part of the device.

import Accounting
import CSystem
import Primitives

/// The bytes of an image file, for reading only.
public final class ImageDevice: BlockDevice {
  /// Every offset and length is a multiple of it, in bytes.
  public let transferUnitByteCount: Int
  /// The file's size in whole units, in bytes.
  public let capacityByteCount: UInt64
  private let file: SystemFile

  /// Opens the image at `path`.
  ///
  /// - Parameter transferUnitByteCount: a power of two from 512 bytes to 1 MiB.
  /// - Throws: `.deviceFailed` with the system's number.
  public init(path: String, transferUnitByteCount: Int) throws(StorageError) {
    precondition(
      transferUnitByteCount >= 512 && transferUnitByteCount <= 1 << 20
        && transferUnitByteCount.nonzeroBitCount == 1,
      "The transfer unit is a power of two from 512 bytes to 1 MiB, not \(transferUnitByteCount).")
    file = try SystemFile(path: path, flags: 0)
    self.transferUnitByteCount = transferUnitByteCount
    // No device here has a pebibyte or more.
    let byteCount = min(try file.byteCount(), 1 << 50 - 1)
    capacityByteCount = byteCount / UInt64(transferUnitByteCount) * UInt64(transferUnitByteCount)
  }

  /// The size of a file, in bytes.
  ///
  /// - Throws: `.deviceFailed` with the system's number.
  public static func byteCount(of path: String) throws(StorageError) -> UInt64 {
    try SystemFile(path: path, flags: 0).byteCount()
  }

  /// Bytes of the image, at any offset.
  ///
  /// Precondition: the range lies on the device.
  public func bytes(at offset: UInt64, byteCount: Int) throws(StorageError) -> [UInt8] {
    precondition(
      offset <= capacityByteCount && UInt64(byteCount) <= capacityByteCount - offset,
      "A range to look at lies on the device.")
    let frame = Frame(byteCount: max(1, byteCount))
    if byteCount > 0 { try file.transfer(isWrite: false, frame.pointer, byteCount: byteCount, at: offset) }
    return [UInt8](UnsafeRawBufferPointer(start: frame.pointer, count: byteCount))
  }

  /// Reads the batch; refuses one that writes.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try checkRanges(of: batch)
    for index in batch.transfers.indices {
      let transfer = batch.transfers[index]
      guard transfer.direction == .read else { throw readOnly("write", transfer.offset, transfer.byteCount) }
      var offset = transfer.offset
      for position in transfer.segments {
        let byteCount = batch.segments[position].byteCount
        if case .vended = batch.segments[position].memory {
          batch.segments[position].memory = .frame(Frame(byteCount: byteCount), offset: 0)
        }
        guard let target = batch.segments[position].sourcePointer else {
          preconditionFailure("A segment has memory before it is read into.")
        }
        try file.transfer(isWrite: false, target, byteCount: byteCount, at: offset)
        offset += UInt64(byteCount)
      }
    }
  }

  /// A sync has nothing to do; a discard is refused.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    if case .discard(let offset, let byteCount, _) = operation {
      throw readOnly("discard", offset, Int(clamping: byteCount))
    }
  }

  private func readOnly(_ operation: String, _ offset: UInt64, _ byteCount: Int) -> StorageError {
    .deviceFailed(
      operation: operation, offset: offset, byteCount: byteCount, errno: 0,
      reason: "an image is opened for reading only")
  }
}

/// Writes to memory, reads through to a base that stays as it is. Used by one thread at a time.
public final class OverlayDevice: BlockDevice {
  /// The base's transfer unit, in bytes.
  public let transferUnitByteCount: Int
  /// The base's capacity, in bytes.
  public let capacityByteCount: UInt64
  private let base: any BlockDevice
  /// What was written; made with the first write, since a device of a large image takes memory itself.
  private var memory: MemoryDevice?
  private var changed = UnitBitmap()

  /// An overlay that has changed nothing yet.
  public init(base: any BlockDevice) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
  }

  private func writable() -> MemoryDevice {
    if let memory { return memory }
    let made = MemoryDevice(
      capacityByteCount: capacityByteCount, transferUnitByteCount: transferUnitByteCount)
    memory = made
    return made
  }

  /// Bytes of units that were written or discarded.
  public var changedByteCount: UInt64 { UInt64(changed.setCount) * UInt64(transferUnitByteCount) }

  private func units(_ offset: UInt64, _ byteCount: UInt64) -> Range<Int> {
    let first = Int(offset / UInt64(transferUnitByteCount))
    return first..<(first + Int(byteCount / UInt64(transferUnitByteCount)))
  }

  /// Performs the batch: writes into memory, reads from wherever each unit is.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try checkRanges(of: batch)
    for index in batch.transfers.indices where batch.transfers[index].direction == .read {
      try read(batch.transfers[index], &batch)
    }
    guard batch.containsWrites else { return }
    for index in batch.transfers.indices where batch.transfers[index].direction == .write {
      let transfer = batch.transfers[index]
      var part = TransferBatch()
      var offset = transfer.offset
      for position in transfer.segments {
        let byteCount = batch.segments[position].byteCount
        guard let source = batch.segments[position].sourcePointer else {
          preconditionFailure("What is written has memory.")
        }
        part.append(
          .write, offset: offset, memory: .borrowed(source), byteCount: byteCount, cause: .verification)
        offset += UInt64(byteCount)
      }
      part.seal(coalesces: true, maximumTransferByteCount: .max)
      try writable().submit(&part)
      changed.insert(units(transfer.offset, UInt64(transfer.byteCount)))
    }
  }

  private func read(_ transfer: Transfer, _ batch: inout TransferBatch) throws(StorageError) {
    let frame = Frame(byteCount: transfer.byteCount)
    let range = units(transfer.offset, UInt64(transfer.byteCount))
    var part = TransferBatch()
    part.append(
      .read, offset: transfer.offset, memory: .borrowed(frame.pointer), byteCount: transfer.byteCount,
      cause: .verification)
    part.seal(coalesces: false, maximumTransferByteCount: .max)
    try base.submit(&part)
    for unit in range where changed.contains(unit) {
      let target = frame.pointer + (unit - range.lowerBound) * transferUnitByteCount
      if let place = memory?.frame(ofUnitAt: UInt64(unit) * UInt64(transferUnitByteCount)) {
        target.copyMemory(from: place.frame.pointer + place.offset, byteCount: transferUnitByteCount)
      } else {
        target.initializeMemory(as: UInt8.self, repeating: 0, count: transferUnitByteCount)
      }
    }
    var done = 0
    for position in transfer.segments {
      let byteCount = batch.segments[position].byteCount
      if let target = batch.segments[position].sourcePointer {
        target.copyMemory(from: frame.pointer + done, byteCount: byteCount)
      } else {
        batch.segments[position].memory = .frame(frame, offset: done)
      }
      done += byteCount
    }
  }

  /// Keeps a discard in memory; a sync has nothing to do.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    guard case .discard(let offset, let byteCount, _) = operation else { return }
    try checkDiscard(offset: offset, byteCount: byteCount)
    if byteCount == 0 { return }
    writable().discardUnits(offset: offset, byteCount: byteCount)
    changed.insert(units(offset, byteCount))
  }
}
