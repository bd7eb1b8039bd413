// The engine root: what the superblock keeps for the tree.
//
//   offset  size  meaning
//        0     4  "BEPS"
//        4     4  node bytes, B
//        8     4  fanout, F
//       12     4  bytes of the unit B is counted in
//       16     8  log position from which batches are newer than this tree
//       24     8  number of the root
//       32     8  height: the root's level
//       40     8  leaves
//       48     8  inner nodes
//       56     8  bytes of the leaves' extents
//       64     8  bytes of the inner nodes' extents
//       72     4  0 when the directory knows the nodes' places (log mode), 1 when their ids are their places (copy-on-write)
//       76     4  1 when patches wait in buffers that may make short values long, otherwise 0
//       80     8  values in extents of their own
//       88     8  bytes of those extents
//       96   144  nodes (4 each) and bytes of messages or entries (8 each) of twelve levels
//      240     2  birth of the root, where nodes are copied
//      242     2  number of the next batch of writes
//      244     4  1 when nodes may be larger than they should be, after a flush that failed (`TreeForm`), otherwise 0

import Primitives

/// The engine root's codec.
struct BEpsilonRoot: Equatable {
  static let byteCount = 104 + TreeLevels.encodedByteCount
  /// Bytes of a root of format 1, which had no births.
  private static let firstByteCount = 96 + TreeLevels.encodedByteCount
  private static let magic: UInt32 = 0x5350_4542
  /// No tree of nodes with two children is higher.
  static let maximumHeight = 200

  var nodeByteCount: Int
  var fanout: Int
  var unitByteCount: Int
  var logPosition: UInt64
  var durability: DurabilityMode
  var holdsFarPatches: Bool
  var owesShape = false
  /// Of the next batch of writes.
  var birthNumber: UInt16
  var shape: TreeShape
  var levels: TreeLevels

  /// The root in the superblock's bytes, nil for a volume that has none yet.
  static func decode(_ bytes: [UInt8]) throws(StorageError) -> BEpsilonRoot? {
    if bytes.isEmpty { return nil }
    let root = bytes.withUnsafeBytes { buffer -> BEpsilonRoot? in
      let all = Bytes(buffer)
      guard all.count == byteCount, all.start.u32(0) == magic, all.start.u64(32) <= UInt64(maximumHeight),
        all.start.u32(72) <= 1, all.start.u32(76) <= 1, all.start.u32(244) <= 1
      else { return nil }
      func number(_ offset: Int) -> Int { Int(truncatingIfNeeded: all.start.u64(offset)) }
      let shape = TreeShape(
        root: all.start.u64(24), rootBirth: all.start.u16(240), height: number(32), leafCount: number(40),
        innerCount: number(48),
        leafByteCount: number(56), innerByteCount: number(64), overflowCount: number(80),
        overflowByteCount: number(88))
      return BEpsilonRoot(
        nodeByteCount: Int(all.start.u32(4)), fanout: Int(all.start.u32(8)),
        unitByteCount: Int(all.start.u32(12)), logPosition: all.start.u64(16),
        durability: all.start.u32(72) == 0 ? .log : .copyOnWrite, holdsFarPatches: all.start.u32(76) == 1,
        owesShape: all.start.u32(244) == 1,
        birthNumber: all.start.u16(242), shape: shape,
        levels: TreeLevels.decode(all.start + 96))
    }
    if root == nil, bytes.count == firstByteCount {
      throw .corrupted(
        structure: "Bε-tree root", offset: 0,
        detail: "it is of format 1, whose nodes have no births; load the data anew")
    }
    guard let root else {
      throw .corrupted(structure: "Bε-tree root", offset: 0, detail: "\(bytes.count) bytes that are no root")
    }
    return root
  }

  /// The root's bytes.
  func encoded() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    bytes.withUnsafeMutableBytes { buffer in
      // Never nil: the array is not empty.
      let base = buffer.baseAddress.unsafelyUnwrapped
      base.setU32(0, Self.magic)
      base.setU32(4, UInt32(nodeByteCount))
      base.setU32(8, UInt32(fanout))
      base.setU32(12, UInt32(unitByteCount))
      base.setU64(16, logPosition)
      base.setU64(24, shape.root)
      base.setU64(32, UInt64(shape.height))
      base.setU64(40, UInt64(shape.leafCount))
      base.setU64(48, UInt64(shape.innerCount))
      base.setU64(56, UInt64(shape.leafByteCount))
      base.setU64(64, UInt64(shape.innerByteCount))
      base.setU32(72, durability == .log ? 0 : 1)
      base.setU32(76, holdsFarPatches ? 1 : 0)
      base.setU64(80, UInt64(shape.overflowCount))
      base.setU64(88, UInt64(shape.overflowByteCount))
      levels.encode(to: base + 96)
      base.setU16(240, shape.rootBirth)
      base.setU16(242, birthNumber)
      base.setU32(244, owesShape ? 1 : 0)
    }
    return bytes
  }
}
