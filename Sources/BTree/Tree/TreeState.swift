// What makes one tree: its root and what it holds. A value: copied before a transaction, put back when the transaction fails.
//
//   offset  size  meaning
//        0     8  root page id, 0 for a tree that never held anything
//        8     8  height: the root's level
//       16     8  entries
//       24     8  leaves
//       32     8  interior pages
//       40     8  values in extents of their own
//       48     8  bytes of those extents

import Primitives

/// The root of a tree and its counts.
struct TreeState: Equatable, Sendable {
  static let byteCount = 56

  var root: UInt64 = 0
  var height = 0
  var entryCount = 0
  var leafCount = 0
  var interiorCount = 0
  var overflowCount = 0
  var overflowByteCount = 0

  /// The empty tree.
  init() {}

  /// Bytes of all pages and extents.
  func allocatedByteCount(pageByteCount: Int) -> UInt64 {
    UInt64((leafCount + interiorCount) * pageByteCount + overflowByteCount)
  }

  /// Reads a state; what is impossible is nil.
  init?(_ bytes: Bytes) {
    guard bytes.count >= Self.byteCount else { return nil }
    func number(_ offset: Int) -> Int { Int(truncatingIfNeeded: bytes.start.u64(offset)) }
    root = bytes.start.u64(0)
    height = number(8)
    entryCount = number(16)
    leafCount = number(24)
    interiorCount = number(32)
    overflowCount = number(40)
    overflowByteCount = number(48)
    let counts = [entryCount, leafCount, interiorCount, overflowCount, overflowByteCount]
    guard height >= 0, height < TreePath.maximumDepth, counts.allSatisfy({ $0 >= 0 && $0 < 1 << 56 }) else {
      return nil
    }
    guard root != 0 || self == TreeState() else { return nil }
  }

  /// Writes the state to 56 bytes.
  func encode(to target: UnsafeMutableRawPointer) {
    target.setU64(0, root)
    target.setU64(8, UInt64(height))
    target.setU64(16, UInt64(entryCount))
    target.setU64(24, UInt64(leafCount))
    target.setU64(32, UInt64(interiorCount))
    target.setU64(40, UInt64(overflowCount))
    target.setU64(48, UInt64(overflowByteCount))
  }

  /// Adds another tree's counts: the sum over buckets.
  mutating func add(_ other: TreeState, sign: Int = 1) {
    entryCount += sign * other.entryCount
    leafCount += sign * other.leafCount
    interiorCount += sign * other.interiorCount
    overflowCount += sign * other.overflowCount
    overflowByteCount += sign * other.overflowByteCount
  }
}

/// What the trees of one engine did since it was opened.
struct TreeCounts: Equatable, Sendable {
  var pagesInspected: UInt64 = 0
  var pagesRead: UInt64 = 0
  var pagesCopied: UInt64 = 0
  var pagesWritten: UInt64 = 0
  var leafSplits: UInt64 = 0
  var interiorSplits: UInt64 = 0
  var redistributions: UInt64 = 0
  var merges: UInt64 = 0
  /// Leaves that took entries of a full one behind them.
  var shifts: UInt64 = 0
  var rootCollapses: UInt64 = 0
  var descents: UInt64 = 0
  var leavesPrefetched: UInt64 = 0
  /// Pages and long values that batched reads brought in together with others.
  var batchedReads: UInt64 = 0
  /// Pages that bulk loads made.
  var bulkPages: UInt64 = 0
  var checkpoints: UInt64 = 0
  var rollbacks: UInt64 = 0

  /// Adds what a reader did.
  mutating func addReads(_ other: TreeCounts) {
    pagesInspected &+= other.pagesInspected
    pagesRead &+= other.pagesRead
    descents &+= other.descents
    leavesPrefetched &+= other.leavesPrefetched
  }
}
