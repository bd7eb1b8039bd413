// What makes one tree: its root and what it holds. A value: copied before a transaction, put back when the transaction fails.
//
//   offset  size  meaning
//        0     8  root page id, 0 for a tree that never held anything
//        8     1  height: the root's level
//        9     4  pages of level 2; 0 in a tree of height 3 and more whose pages were never told apart by level
//       13     3  pages of level 3 and above
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
  /// Pages above the leaves.
  private(set) var interiorCount = 0
  /// Those of level 2, and of all levels above it; nil when that was never counted.
  private(set) var upperCounts: UpperCounts? = UpperCounts()
  var overflowCount = 0
  var overflowByteCount = 0

  /// Interior pages by level, those of level 1 left out: they are the rest.
  struct UpperCounts: Equatable, Sendable {
    var second = 0
    var above = 0
  }

  /// The empty tree.
  init() {}

  /// Counts interior pages of a level that are there now, or gone.
  mutating func countInterior(level: Int, _ change: Int = 1) {
    interiorCount += change
    if level == 2 { upperCounts?.second += change }
    if level > 2 { upperCounts?.above += change }
  }

  /// Forgets levels that `other` never told apart, so that the two can be compared.
  mutating func forgetLevels(unknownTo other: TreeState) {
    if other.upperCounts == nil { upperCounts = nil }
  }

  /// The interior pages of another tree as well, their levels left out: the sums over trees have none.
  mutating func addInterior(_ change: Int) { interiorCount += change }

  /// Pages of each level, leaves first; levels above the third are counted with it, the root excepted. Nil when they were
  /// never told apart.
  var pageCounts: [Int]? {
    if height == 0 { return [leafCount] }
    guard let upper = upperCounts else { return nil }
    var counts = [leafCount, interiorCount - upper.second - upper.above]
    if height >= 2 { counts.append(upper.second) }
    if height >= 3 { counts.append(height == 3 ? upper.above : upper.above - 1) }
    if height >= 4 { counts.append(1) }
    return counts
  }

  /// Bytes of all pages and extents.
  func allocatedByteCount(pageByteCount: Int) -> UInt64 {
    UInt64((leafCount + interiorCount) * pageByteCount + overflowByteCount)
  }

  /// Reads a state; what is impossible is nil.
  init?(_ bytes: Bytes) {
    guard bytes.count >= Self.byteCount else { return nil }
    func number(_ offset: Int) -> Int { Int(truncatingIfNeeded: bytes.start.u64(offset)) }
    root = bytes.start.u64(0)
    height = Int(bytes.start.u8(8))
    let upper = UpperCounts(
      second: Int(bytes.start.u32(9)),
      above: Int(bytes.start.u16(13)) | Int(bytes.start.u8(15)) << 16)
    entryCount = number(16)
    leafCount = number(24)
    interiorCount = number(32)
    overflowCount = number(40)
    overflowByteCount = number(48)
    switch height {
    case ...1: upperCounts = UpperCounts()
    case 2: upperCounts = UpperCounts(second: 1)
    default: upperCounts = upper.second > 0 && upper.second + upper.above < interiorCount ? upper : nil
    }
    let counts = [entryCount, leafCount, interiorCount, overflowCount, overflowByteCount]
    guard height >= 0, height < TreePath.maximumDepth, counts.allSatisfy({ $0 >= 0 && $0 < 1 << 56 }) else {
      return nil
    }
    guard root != 0 || self == TreeState() else { return nil }
  }

  /// Writes the state to 56 bytes.
  func encode(to target: UnsafeMutableRawPointer) {
    target.setU64(0, root)
    target.setU64(8, 0)
    target.setU8(8, UInt8(height))
    if height > 2, let upper = upperCounts, upper.above < 1 << 24 {
      target.setU32(9, UInt32(truncatingIfNeeded: upper.second))
      target.setU16(13, UInt16(truncatingIfNeeded: upper.above))
      target.setU8(15, UInt8(upper.above >> 16))
    }
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
    addInterior(sign * other.interiorCount)
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
  /// Ways that were begun at the root: by a search there, or to an end of the tree. Those taken again (`KeptWays`) are none.
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
    batchedReads &+= other.batchedReads
  }

  /// How often entries went from one page to another that was there before.
  var rearrangements: UInt64 { merges &+ redistributions &+ shifts }
}
