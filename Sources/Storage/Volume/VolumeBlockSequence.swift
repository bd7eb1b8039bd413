// Extents that hold several blocks one after the other: a head that says what follows, and parts that can be read alone.
//
//   extent  [ block: head │ 0 ][ block │ 0 ][ block │ 0 ] …     each block as long as its payload needs, in whole units
//
// A reader knows an extent, not how long its first block is. The head of a block says so; until its checksum was verified
// that number is a hint which can only be too large for the extent, and then it is corruption.

import Accounting
import Primitives

extension Volume {
  /// The bytes of a block with a payload of this length.
  public func blockByteCount(payloadByteCount: Int) -> Int {
    let unit = transferUnitByteCount
    return (VolumeBlock.headerByteCount + payloadByteCount + unit - 1) / unit * unit
  }

  /// Reads the first block of an extent and verifies it.
  ///
  /// - Parameter expectedByteCount: read at first; when the block is longer, it is read anew.
  /// - Throws: as `readBlock`.
  /// Cost: one transfer, two when the block is longer than expected.
  public func readLeadingBlock(
    of extent: Extent, type: BlockType, expectedByteCount: Int, cause: Cause, level: Level = .none
  ) throws(StorageError) -> VolumeBlock {
    try check()
    let unit = transferUnitByteCount
    let first = min(extent.byteCount, max(unit, expectedByteCount / unit * unit))
    let (frame, offset) = try readUnverified(extent.offset, first, cause, level)
    let byteCount = try sequenceByteCount(
      frame.pointer + offset, at: extent.offset, limit: extent.byteCount, type)
    if byteCount > first {
      return try readBlock(
        Extent(offset: extent.offset, byteCount: byteCount), type: type, cause: cause, level: level)
    }
    return try verified(frame, offset, at: extent.offset, byteCount, type)
  }

  /// Reads a whole extent in one transfer and verifies the blocks in it; `body` gets each with its offset in the extent.
  ///
  /// - Parameters:
  ///   - firstType: the type of the first block.
  ///   - restType: the type of all others.
  /// - Throws: as `readBlock`; what follows the last block until the end of the extent must be no block, so an extent holds
  ///   as many blocks as fit.
  /// Cost: one transfer, and a pass over its bytes.
  public func readBlockSequence(
    _ extent: Extent, firstType: BlockType, restType: BlockType, cause: Cause, level: Level = .none,
    _ body: (_ offset: Int, VolumeBlock) throws(StorageError) -> Void
  ) throws(StorageError) {
    try check()
    let (frame, start) = try readUnverified(extent.offset, extent.byteCount, cause, level)
    var offset = 0
    while offset < extent.byteCount {
      let type = offset == 0 ? firstType : restType
      let place = extent.offset + UInt64(offset)
      let byteCount = try sequenceByteCount(
        frame.pointer + start + offset, at: place, limit: extent.byteCount - offset, type)
      try body(offset, try verified(frame, start + offset, at: place, byteCount, type))
      offset += byteCount
    }
  }

  private func readUnverified(
    _ offset: UInt64, _ byteCount: Int, _ cause: Cause, _ level: Level
  ) throws(StorageError) -> (frame: Frame, offset: Int) {
    var batch = TransferBatch()
    batch.append(.read, offset: offset, memory: .vended, byteCount: byteCount, cause: cause, level: level)
    try channel.submit(&batch)
    return batch.frame(ofRequest: 0)
  }

  /// What a block's head says of its length, in whole units.
  private func sequenceByteCount(
    _ pointer: UnsafeRawPointer, at offset: UInt64, limit: Int, _ type: BlockType
  ) throws(StorageError) -> Int {
    let payload = Int(pointer.u32(8))
    let byteCount = blockByteCount(payloadByteCount: payload)
    guard byteCount <= limit else {
      throw .corrupted(
        structure: type.description, offset: offset,
        detail: "its payload of \(payload) bytes does not fit into the \(limit) bytes of its extent")
    }
    return byteCount
  }

  private func verified(
    _ frame: Frame, _ frameOffset: Int, at offset: UInt64, _ byteCount: Int, _ type: BlockType
  ) throws(StorageError) -> VolumeBlock {
    let bytes = UnsafeRawBufferPointer(start: frame.pointer + frameOffset, count: byteCount)
    let header = try BlockHeader.verify(bytes, volumeID: volumeID, offset: offset, type: type)
    statistics.verifiedChecksumCount += 1
    return VolumeBlock(
      frame: frame, frameOffset: frameOffset, byteCount: byteCount, type: type, level: header.level,
      payloadByteCount: header.payloadByteCount, birth: header.birth)
  }
}
