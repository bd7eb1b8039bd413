// Blocks in and out: the only way an engine's bytes reach the device.
//
// Invariants
// 1. What leaves carries a checksum for the place it goes to; what enters was verified for the place it came from.
// 2. All blocks of one call are one batch: in flight together, merged where they touch.

import Accounting
import CSystem
import Primitives

extension Volume {
  /// A frame for a block of an extent: zeroed, or with unspecified bytes that the caller will all write.
  public func makeFrame(byteCount: Int, zeroed: Bool = true) -> Frame {
    channel.pool.frame(byteCount: byteCount, zeroed: zeroed)
  }

  /// Reads one block and verifies it.
  ///
  /// - Parameter extent: a whole extent, or the aligned part of one that the block was written to.
  /// - Throws: `.corrupted` with the block's type and offset when it is not what was written there; what the device
  ///   throws.
  /// Cost: one transfer, and a pass over its bytes.
  public func readBlock(
    _ extent: Extent, type: BlockType, cause: Cause, level: Level = .none
  ) throws(StorageError) -> VolumeBlock {
    var result: VolumeBlock?
    try readBlocks(CollectionOfOne(extent), type: type, cause: cause, level: level) { result = $1 }
    guard let result else { preconditionFailure("A read that did not throw gives its block.") }
    return result
  }

  /// Reads several blocks of one type in one batch and verifies them; `body` gets each with its index, in order.
  ///
  /// - Throws: as `readBlock`, for the first block that is wrong; `body` may have been called for earlier ones.
  public func readBlocks(
    _ extents: some Collection<Extent>, type: BlockType, cause: Cause, level: Level = .none,
    _ body: (Int, VolumeBlock) -> Void
  ) throws(StorageError) {
    try check()
    var batch = geometry.request(extents, cause: cause, level: level)
    try channel.submit(&batch)
    for (request, extent) in extents.enumerated() {
      let block = try geometry.verified(batch, request, extent, type: type)
      statistics.verifiedChecksumCount += 1
      body(request, block)
    }
  }

  /// Fills the header of a block before it is written: for a writer that has the bytes at hand now and not later. What is
  /// changed afterwards makes it damaged: then it is written with `isSealed` false, which seals it anew.
  ///
  /// - Parameters:
  ///   - bytes: the whole block, header space included; bytes after the payload are zero.
  ///   - offset: where on the device it will be written.
  /// Cost: a pass over the bytes.
  public func seal(
    _ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64, type: BlockType, payloadByteCount: Int,
    level: Level, birth: UInt16 = 0
  ) {
    BlockHeader.seal(
      bytes, volumeID: volumeID, offset: offset, type: type, payloadByteCount: payloadByteCount, level: level,
      birth: birth)
  }

  /// Seals the headers of blocks that are not sealed, and writes them in one batch. They are durable after the next durable commit (or
  /// sync of a log).
  ///
  /// The device may keep the frames: the caller must not change one afterwards unless it holds it alone
  /// (`Frame.makeExclusive`). Bytes after a payload must be zero.
  ///
  /// Precondition: the extents are allocated, and hold nothing that the last durable commit or a pin needs: they are
  /// newborn, or no older than the caller's own judgement allows.
  public func writeBlocks(_ writes: some Collection<BlockWrite>) throws(StorageError) {
    try writeBlocks(in: ContiguousArray(writes))
  }

  /// As `writeBlocks` of any collection, for many: no block is copied on the way.
  public func writeBlocks(in writes: ContiguousArray<BlockWrite>) throws(StorageError) {
    try check()
    var batch = TransferBatch()
    batch.reserve(writes.count)
    for index in writes.indices {
      let write = writes[index]
      if index + 1 < writes.count, !writes[index + 1].isSealed { prefetchForChecksum(writes[index + 1]) }
      _ = units(write.extent)
      precondition(
        write.frameOffset >= 0 && write.frameOffset + write.extent.byteCount <= write.frame.byteCount,
        "A block lies within its frame.")
      if !write.isSealed {
        let bytes = UnsafeMutableRawBufferPointer(
          start: write.frame.pointer + write.frameOffset, count: write.extent.byteCount)
        seal(
          bytes, at: write.extent.offset, type: write.type, payloadByteCount: write.payloadByteCount,
          level: write.level, birth: write.birth)
      }
      batch.append(
        .write, offset: write.extent.offset, memory: .frame(write.frame, offset: write.frameOffset),
        byteCount: write.extent.byteCount, cause: write.cause, level: write.level)
    }
    try channel.submit(&batch)
  }

  /// Asks memory for where the checksum's streams of a block begin, while the one before is summed up.
  @inline(__always) private func prefetchForChecksum(_ write: BlockWrite) {
    let start = write.frame.pointer + write.frameOffset
    let third = write.extent.byteCount / 3
    for line in 0..<4 {
      betula_prefetch(start + line &* 64)
      betula_prefetch(start + (third &+ line &* 64))
      betula_prefetch(start + (2 &* third &+ line &* 64))
    }
  }
}
