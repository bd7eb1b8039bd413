// What scans of a B-tree read: the leaves they show, and those that were read together with them in vain.
//
//   leaf      1   2   3   4   5   6   7 …          of m that the scan shows
//   missing   │   │   └───4───┘   └──────64 …      one by one, then 2ᵖ together once p leaves were passed, from the first
//                                                  missing one on
//   m = 4 ──▶ 6 leaves are read, two of them in vain
//
// Invariants
// 1. Predicted is what the rules say without a look at a run: scans that end before flights begin, and scans of everything.

import Primitives

extension BTreeShape {
  /// Leaves from which on a scan may ask ahead for more than it waits for; longer scans follow another rule.
  public static var shortScanLeafCount: Double { 8 }

  /// Entries that scans of at most l return on average, begun at a uniform one of N: l − l(l − 1) ÷ 2N.
  public static func returnedEntryCount(of entryCount: Double, upTo limit: Double) -> Double {
    let entries = min(limit, entryCount)
    return entries - entries * (entries - 1) / (2 * entryCount)
  }

  /// Leaves that l entries in a row lie in on average, begun anywhere in a leaf: 1 + (l − 1) ÷ leaf entries.
  ///
  /// Source: Bender et al., TOPC 2021, Lemma 2, with the leaf the range begins in.
  public func scannedLeafCount(resultEntryCount: Double) -> Double {
    min(levels[0], 1 + max(0, resultEntryCount - 1) / leafEntryCount)
  }

  /// The shares of leaves with 0, 1, … c entries: Lⱼ (j + 1) = (j − 1) Lⱼ₋₁ + sⱼ as in `meanEntryCount`, all c after
  /// ascending inserts.
  ///
  /// Source: A. C. Yao, "On Random 2–3 Trees", Acta Informatica 9, 1978 (fringe analysis).
  public var leafEntryShares: [Double] {
    let capacity = layout.leafCapacity
    var shares = [Double](repeating: 0, count: capacity + 1)
    guard growth == .random, capacity > 1 else {
      shares[capacity] = 1
      return shares
    }
    let low = (capacity + 1) / 2
    let high = capacity + 1 - low
    var sum = 0.0
    for count in low...capacity {
      let split = (count == low ? 1.0 : 0) + (count == high ? 1.0 : 0)
      shares[count] = (Double(count - 1) * shares[count - 1] + split) / Double(count + 1)
      sum += shares[count]
    }
    return shares.map { $0 / sum }
  }

  /// How likely l ≥ 1 entries in a row lie in 0, 1, 2, … leaves, when they begin at any entry and neighbours' sizes are
  /// independent. Cost: l × capacity for each leaf.
  public func scannedLeafShares(resultEntryCount: Int) -> [Double] {
    let shares = leafEntryShares
    let capacity = shares.count - 1
    let mean = (0...capacity).reduce(0) { $0 + Double($1) * shares[$1] }
    // Entries still to come: behind the first leaf, of which the scan shows any number up to all with equal chance.
    var rest = [Double](repeating: 0, count: resultEntryCount + 1)
    var atLeast = 0.0
    for shown in stride(from: capacity, through: 1, by: -1) {
      atLeast += shares[shown]
      rest[max(0, resultEntryCount - shown)] += atLeast / mean
    }
    var result = [0.0]
    while result.count < 64, rest.contains(where: { $0 > 1e-12 }) {
      result.append(rest[0])
      rest[0] = 0
      var next = [Double](repeating: 0, count: resultEntryCount + 1)
      for left in 1..<(resultEntryCount + 1) where rest[left] > 0 {
        for shown in 1...capacity where shares[shown] > 0 {
          next[max(0, left - shown)] += rest[left] * shares[shown]
        }
      }
      rest = next
    }
    return result
  }

  /// Leaves read by a scan that shows m of them, when each is cached with the same chance: the first two alone, from the
  /// third on the first missing one with those behind it, 2ᵖ together after p leaves, at most `readAheadLeafCount`.
  public static func readLeafCount(
    shownLeafCount: Int, cachedShare: Double, readAheadLeafCount: Int
  ) -> Double {
    let missing = 1 - cachedShare
    // From the end: what is read behind p leaves that were passed.
    var rest = [Double](repeating: 0, count: shownLeafCount + 1)
    for passed in stride(from: shownLeafCount - 1, through: 0, by: -1) {
      if passed < 2 || readAheadLeafCount < 2 {
        rest[passed] = missing + rest[passed + 1]
        continue
      }
      let together = min(readAheadLeafCount, 1 << min(passed, 16))
      let behind = passed + together < shownLeafCount ? rest[passed + together] : 0
      rest[passed] =
        cachedShare * rest[passed + 1] + missing * (1 + Double(together - 1) * missing + behind)
    }
    return rest[0]
  }

  /// Pages read by a scan of l entries begun at a uniform one, when `cachedByteCount` bytes are cached, upper levels first;
  /// nil for scans of `shortScanLeafCount` leaves and more on average. The few that
  /// happen to lie in one leaf more may read 2ᵖ.
  public func shortScanReadPageCount(
    entryCount: Double, limit: Double, cachedByteCount: Double, readAheadLeafCount: Int
  ) -> Double? {
    let entries = Self.returnedEntryCount(of: entryCount, upTo: limit)
    guard scannedLeafCount(resultEntryCount: entries) < Self.shortScanLeafCount else { return nil }
    let cachedShare = min(1, max(0, cachedByteCount - interiorByteCount) / leafByteCount)
    var pages = max(0, pointReadPageCount(cachedByteCount: cachedByteCount) - (1 - cachedShare))
    let shares = scannedLeafShares(resultEntryCount: max(1, Int(entries + 0.5)))
    for (leaves, share) in shares.enumerated() where share > 0 {
      pages +=
        share
        * Self.readLeafCount(
          shownLeafCount: leaves, cachedShare: cachedShare, readAheadLeafCount: readAheadLeafCount)
    }
    return pages
  }

  /// Pages read by a scan of the first l entries, every time it is done: its leaves, and the pages above them but the root;
  /// nil when what it reads might still be cached from the scan before.
  ///
  /// Least recently used pages go first, so a scan of more than the cache holds finds nothing of the one before it.
  public func fullScanReadPageCount(
    entryCount: Double, limit: Double, cachedByteCount: Double
  ) -> Double? {
    let leaves = DeterministicMath.ceiling(min(limit, entryCount) / leafEntryCount)
    guard leaves * layout.pageByteCount > cachedByteCount else { return nil }
    let interior = levels.dropFirst().reduce(0, +) - 1
    return leaves * (1 + interior / levels[0])
  }
}
