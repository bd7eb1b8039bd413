// The engine root: what the superblock keeps for the tree.
//
//   offset  size  meaning
//        0     4  "BTRE"
//        4     4  page bytes
//        8     1  1 when a log belongs to this state, 0 when not
//        9     3  zero
//       12     2  the number of the next batch of pages that is written (`BirthClock`)
//       14     2  zero
//       16     8  log position from which batches are newer than this state
//       24    56  the tree of the engine's own keys          (TreeState)
//       80    56  the catalogue: bucket name ─▶ TreeState
//      136    56  sums over all buckets (its root and height are zero)

import Primitives

/// All trees of an engine.
struct BTreeForest: Equatable, Sendable {
  var main = TreeState()
  var catalogue = TreeState()
  /// Sums over all buckets.
  var buckets = TreeState()

  /// Bytes of all pages and extents.
  func allocatedByteCount(pageByteCount: Int) -> UInt64 {
    [main, catalogue, buckets].reduce(0) { $0 + $1.allocatedByteCount(pageByteCount: pageByteCount) }
  }
}

/// The engine root's codec.
struct BTreeRoot: Equatable {
  static let byteCount = 192
  private static let magic: UInt32 = 0x4552_5442

  var pageByteCount: Int
  var usesLog: Bool
  var birthNumber: UInt16
  var logPosition: UInt64
  var forest: BTreeForest

  /// The root in the superblock's bytes, nil for a volume that has none yet.
  static func decode(_ bytes: [UInt8]) throws(StorageError) -> BTreeRoot? {
    if bytes.isEmpty { return nil }
    let root = bytes.withUnsafeBytes { buffer -> BTreeRoot? in
      let all = Bytes(buffer)
      guard all.count == byteCount, all.start.u32(0) == magic, all.start.u8(8) <= 1,
        let main = TreeState(Bytes(all.start + 24, TreeState.byteCount)),
        let catalogue = TreeState(Bytes(all.start + 80, TreeState.byteCount))
      else { return nil }
      var forest = BTreeForest(main: main, catalogue: catalogue)
      let sums = all.start + 136
      func number(_ offset: Int) -> Int { Int(truncatingIfNeeded: sums.u64(offset)) }
      forest.buckets.entryCount = number(16)
      forest.buckets.leafCount = number(24)
      forest.buckets.addInterior(number(32))
      forest.buckets.overflowCount = number(40)
      forest.buckets.overflowByteCount = number(48)
      return BTreeRoot(
        pageByteCount: Int(all.start.u32(4)), usesLog: all.start.u8(8) == 1,
        birthNumber: all.start.u16(12), logPosition: all.start.u64(16), forest: forest)
    }
    guard let root else {
      throw .corrupted(structure: "B-tree root", offset: 0, detail: "\(bytes.count) bytes that are no root")
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
      base.setU32(4, UInt32(pageByteCount))
      base.setU8(8, usesLog ? 1 : 0)
      base.setU16(12, birthNumber)
      base.setU64(16, logPosition)
      forest.main.encode(to: base + 24)
      forest.catalogue.encode(to: base + 80)
      forest.buckets.encode(to: base + 136)
    }
    return bytes
  }
}
