// The shape of a B-tree before it is built: how many entries a page holds, how full splits leave it, how many pages a level has.
//
//   page      ├ head ┤ entries ……………………………… ├ fences ┤         capacity c = ⌊(P − head − fences) ÷ entry⌋
//   fill      random inserts: c̄ = Σ j Lⱼ ÷ Σ Lⱼ → c·ln 2       ascending inserts: c
//   levels    n₀ = ⌈N ÷ c̄⌉, nᵢ₊₁ = ⌈nᵢ ÷ fanout⌉, … 1
//
// Lⱼ is the steady share of leaves with j entries, when a full leaf of c entries is cut in halves by its next insert: the
// flow into j is (j − 1) Lⱼ₋₁ plus what splits bring, the flow out of it j Lⱼ, and Lⱼ grows with the tree like Lⱼ itself.
//
// Invariants
// 1. Everything follows from sizes and counts that are known before a run; nothing here was measured.
// 2. levels.last is 1, the root.

import Primitives

/// What the fixed parts of a page format cost, in bytes.
public struct BTreePageLayout: Equatable, Sendable {
  /// P.
  public var pageByteCount: Double
  /// Before the first entry.
  public var headByteCount: Double
  /// Both fences together.
  public var fenceByteCount: Double
  /// One entry of a leaf, slot and cell together.
  public var leafEntryByteCount: Double
  /// One child of an interior page with its separator.
  public var childByteCount: Double

  /// A format; pages hold two entries and two children at least.
  public init(
    pageByteCount: Double, headByteCount: Double, fenceByteCount: Double, leafEntryByteCount: Double,
    childByteCount: Double
  ) {
    precondition(
      pageByteCount - headByteCount - fenceByteCount >= 2 * max(leafEntryByteCount, childByteCount),
      "A page holds at least two entries.")
    precondition(leafEntryByteCount > 0 && childByteCount > 0, "Entries have at least one byte.")
    self.pageByteCount = pageByteCount
    self.headByteCount = headByteCount
    self.fenceByteCount = fenceByteCount
    self.leafEntryByteCount = leafEntryByteCount
    self.childByteCount = childByteCount
  }

  private var roomByteCount: Double { pageByteCount - headByteCount - fenceByteCount }
  /// c, the most entries a leaf holds.
  public var leafCapacity: Int { Int(roomByteCount / leafEntryByteCount) }
  /// The most children an interior page holds.
  public var interiorCapacity: Int { Int(roomByteCount / childByteCount) }
}

/// How a tree came to be.
public enum BTreeGrowth: Equatable, Sendable {
  /// Keys in random order: full pages are cut in halves.
  case random
  /// Keys in ascending order, and splits that leave the left page full.
  case ascending
}

/// A tree of N entries of one size.
public struct BTreeShape: Equatable, Sendable {
  /// The page format.
  public var layout: BTreePageLayout
  /// How it came to be.
  public var growth: BTreeGrowth
  /// Entries of a leaf on average.
  public var leafEntryCount: Double
  /// Children of an interior page on average.
  public var fanout: Double
  /// Pages of each level, leaves first, the root last.
  public var levels: [Double]

  /// The shape of N ≥ 1 entries. Cost: proportional to a page's capacity.
  public init(entryCount: Double, layout: BTreePageLayout, growth: BTreeGrowth) {
    self.layout = layout
    self.growth = growth
    switch growth {
    case .random:
      leafEntryCount = Self.meanEntryCount(capacity: layout.leafCapacity)
      fanout = Self.meanEntryCount(capacity: layout.interiorCapacity)
    case .ascending:
      leafEntryCount = Double(layout.leafCapacity)
      fanout = Double(layout.interiorCapacity)
    }
    levels = Self.levels(entryCount: entryCount, self.leafEntryCount, fanout, layout)
  }

  private static func levels(
    entryCount: Double, _ leafEntryCount: Double, _ fanout: Double, _ layout: BTreePageLayout
  ) -> [Double] {
    if entryCount <= Double(layout.leafCapacity) { return [1] }
    var levels = [max(2, DeterministicMath.ceiling(entryCount / leafEntryCount))]
    while let last = levels.last, last > 1 {
      let isRoot = last <= Double(layout.interiorCapacity)
      levels.append(isRoot ? 1 : max(2, DeterministicMath.ceiling(last / fanout)))
    }
    return levels
  }

  /// The same tree with another number of entries.
  public func holding(entryCount: Double) -> BTreeShape {
    var copy = self
    copy.levels = Self.levels(entryCount: entryCount, leafEntryCount, fanout, layout)
    return copy
  }

  /// Bytes of all pages above the leaves.
  public var interiorByteCount: Double { levels.dropFirst().reduce(0, +) * layout.pageByteCount }
  /// Bytes of all leaves.
  public var leafByteCount: Double { levels[0] * layout.pageByteCount }

  /// Entries of a page of capacity c on average, when random inserts split full pages in halves: about c·ln 2 for large c.
  ///
  /// Exact for an unbounded number of inserts: Lⱼ (j + 1) = (j − 1) Lⱼ₋₁ + sⱼ, where splits bring one page of
  /// ⌊(c + 1)/2⌋ and one of ⌈(c + 1)/2⌉ entries. Large pages swing about this value for a long while, since their
  /// leaves fill up together.
  ///
  /// Source: A. C. Yao, "On Random 2–3 Trees", Acta Informatica 9, 1978 (fringe analysis).
  public static func meanEntryCount(capacity: Int) -> Double {
    precondition(capacity >= 1, "A page holds at least one entry.")
    if capacity == 1 { return 1 }
    let low = (capacity + 1) / 2
    let high = capacity + 1 - low
    var pages = 0.0
    var entries = 0.0
    var previous = 0.0
    for count in low...capacity {
      let split = (count == low ? 1.0 : 0) + (count == high ? 1.0 : 0)
      let share = (Double(count - 1) * previous + split) / Double(count + 1)
      pages += share
      entries += share * Double(count)
      previous = share
    }
    return entries / pages
  }

  /// The share of a full page that `meanEntryCount` is.
  public static func randomFill(capacity: Int) -> Double {
    meanEntryCount(capacity: capacity) / Double(capacity)
  }

  // MARK: Reads

  /// Pages a point query reads when `cachedByteCount` bytes are cached, upper levels first and uniform keys: at most one
  /// page a level.
  ///
  /// Assumes a cache that keeps what is used most often: interior pages, and an even share of the leaves.
  public func pointReadPageCount(cachedByteCount: Double) -> Double {
    var room = max(0, cachedByteCount / layout.pageByteCount)
    var reads = 0.0
    for count in levels.reversed() {
      let cached = min(count, room)
      room -= cached
      reads += 1 - cached / count
    }
    return reads
  }
}
