// Values that are too long for a node: one block in an extent of its own, found by a reference in the node.
//
//   node   … key │ reference: extent as a direct node id 8, bytes 6, birth 2 …        extent   [ block: the value │ 0 ]
//
// Invariant: the block's payload is as long, and its birth the one, as the reference says; anything else is `.corrupted`.

import Accounting
import Primitives

/// A value in an extent of its own.
@frozen public struct OverflowReference: Equatable, Sendable {
  /// Bytes a reference takes in a node.
  public static let encodedByteCount = 16

  /// The extent, as a direct node id.
  public var id: UInt64
  /// Bytes of the value.
  public var byteCount: Int
  /// Which write put it there; 0 where the engine does not number its writes.
  public var birth: UInt16

  /// A reference.
  @inlinable public init(id: UInt64, byteCount: Int, birth: UInt16 = 0) {
    self.id = id
    self.byteCount = byteCount
    self.birth = birth
  }

  /// The reference in 16 bytes of a node; any bytes give one, reading it judges it.
  @inlinable public init(_ bytes: UnsafeRawPointer) {
    id = bytes.u64(0)
    let word = bytes.u64(8)
    byteCount = Int(truncatingIfNeeded: word & (1 << 48 - 1))
    birth = UInt16(truncatingIfNeeded: word >> 48)
  }

  /// Writes the 16 bytes.
  @inlinable public func encode(to target: UnsafeMutableRawPointer) {
    target.setU64(0, id)
    target.setU64(8, UInt64(truncatingIfNeeded: byteCount) | UInt64(birth) << 48)
  }

  /// What is wrong with the block that lies there, nil when it is the value that is meant.
  public func problem(of block: VolumeBlock) -> String? {
    if let problem = block.problem(ofBirth: birth) { return problem }
    if block.payloadByteCount == byteCount { return nil }
    return "it has \(block.payloadByteCount) bytes, its leaf says \(byteCount)"
  }

  /// Holds the block that was read against the reference.
  ///
  /// - Throws: `.corrupted` when the value is not as long, or another write's.
  public func check(_ block: VolumeBlock, at offset: UInt64) throws(StorageError) {
    if let problem = problem(of: block) {
      throw .corrupted(structure: "long value", offset: offset, detail: problem)
    }
  }
}

extension Volume {
  /// The reference to a value of this length in an extent.
  public func overflowReference(_ extent: Extent, byteCount: Int, birth: UInt16 = 0) -> OverflowReference {
    OverflowReference(
      id: NodeID.direct(extent, transferUnitByteCount: transferUnitByteCount).rawValue, byteCount: byteCount,
      birth: birth)
  }

  /// The extent of a long value.
  ///
  /// - Throws: `.corrupted` when the reference names no extent of the volume.
  public func extent(of reference: OverflowReference) throws(StorageError) -> Extent {
    guard reference.id >> 63 == 0 else {
      throw .corrupted(
        structure: "long value", offset: 0, detail: "\(reference.id) names no extent of the volume")
    }
    return try resolve(NodeID(rawValue: reference.id))
  }

  /// Reads and verifies a long value: the payload of the block.
  ///
  /// - Throws: `.corrupted` when it is not the value that was written; what the device throws.
  /// Cost: one transfer.
  public func readOverflow(
    _ reference: OverflowReference, type: BlockType, cause: Cause
  ) throws(StorageError) -> VolumeBlock {
    let extent = try extent(of: reference)
    let block = try readBlock(extent, type: type, cause: cause)
    try reference.check(block, at: extent.offset)
    return block
  }

  /// A long value as a write to its extent.
  public func overflowWrite(
    _ value: Bytes, to extent: Extent, type: BlockType, cause: Cause, birth: UInt16 = 0
  ) -> BlockWrite {
    let frame = makeFrame(byteCount: extent.byteCount, zeroed: true)
    value.copy(to: frame.pointer + VolumeBlock.headerByteCount)
    return BlockWrite(
      extent: extent, frame: frame, type: type, payloadByteCount: value.count, cause: cause, birth: birth)
  }
}
