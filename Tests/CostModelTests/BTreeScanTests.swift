// Goal: what a scan is predicted to read comes to the numbers that can be worked out by hand or by playing the rules.
// Method: hand-made examples; the rules of reading ahead played leaf by leaf from the printed seed, against the expectation.

import CostModel
import Testing

@Suite struct BTreeScanTests {
  private let layout = BTreePageLayout(
    pageByteCount: 4_096, headByteCount: 48, fenceByteCount: 4, leafEntryByteCount: 121, childByteCount: 20)

  @Test func coldScansByHand() {
    func read(_ leaves: Int, ahead: Int = 64, cached: Double = 0) -> Double {
      BTreeShape.readLeafCount(shownLeafCount: leaves, cachedShare: cached, readAheadLeafCount: ahead)
    }
    // Two alone, four together, then 2⁶ together.
    #expect((0...7).map { read($0) } == [0, 1, 2, 6, 6, 6, 6, 70])
    #expect(read(7, ahead: 4) == 10)
    #expect((0...7).map { read($0, ahead: 1) } == (0...7).map(Double.init))
    #expect(read(5, cached: 1) == 0)
    // Half cached: a leaf and a half of the first three; from the third on, if it is missing, it and half of three.
    #expect(read(3, cached: 0.5) == 1 + 0.5 * 2.5)
  }

  @Test(arguments: [0.1, 0.5, 0.9]) func playedByTheRules(cachedShare: Double) {
    // Seed 11.
    var state: UInt64 = 11
    func isCached() -> Bool {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / 0x1p53 < cachedShare
    }
    let shown = 6
    let rounds = 200_000
    var reads = 0
    for _ in 0..<rounds {
      var cached = (0..<200).map { _ in isCached() }
      for leaf in 0..<shown where !cached[leaf] {
        let together = leaf < 2 ? 1 : 1 << leaf
        for other in leaf..<(leaf + together) {
          reads += cached[other] ? 0 : 1
          cached[other] = true
        }
      }
    }
    let expected = BTreeShape.readLeafCount(
      shownLeafCount: shown, cachedShare: cachedShare, readAheadLeafCount: 64)
    #expect(abs(Double(reads) / Double(rounds) / expected - 1) < 0.02)
  }

  @Test func entriesAndLeaves() {
    // Begun at each of ten: 10 + 9 + … + 1, at most four: 4 × 7 + 3 + 2 + 1.
    #expect(abs(BTreeShape.returnedEntryCount(of: 10, upTo: 10) - 5.5) < 1e-12)
    #expect(abs(BTreeShape.returnedEntryCount(of: 10, upTo: 4) - 3.4) < 1e-12)
    #expect(BTreeShape.returnedEntryCount(of: 10, upTo: 99) == 5.5)
    let shape = BTreeShape(entryCount: 330_000, layout: layout, growth: .ascending)
    #expect(shape.scannedLeafCount(resultEntryCount: 100) == 4)
    #expect(shape.scannedLeafCount(resultEntryCount: 1e9) == 10_000)
  }

  /// Leaves as random inserts leave them, in a row, and scans begun at drawn entries. Seed 13.
  @Test func leavesOfScansAsDrawn() {
    let shape = BTreeShape(entryCount: 330_000, layout: layout, growth: .random)
    var state: UInt64 = 13
    func random() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / 0x1p53
    }
    let shares = shape.leafEntryShares
    var ends: [Int] = []
    while ends.count < 20_000 {
      var (draw, count) = (random(), 0)
      while count < shares.count - 1, draw >= shares[count] {
        draw -= shares[count]
        count += 1
      }
      ends.append((ends.last ?? 0) + count)
    }
    let mean = Double(ends[ends.count - 1]) / Double(ends.count)
    #expect(abs(mean / shape.leafEntryCount - 1) < 0.01)
    func leaf(_ entry: Int) -> Int {
      var (low, high) = (0, ends.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if ends[middle] > entry { high = middle } else { low = middle + 1 }
      }
      return low
    }
    var found = [Double](repeating: 0, count: 16)
    for _ in 0..<100_000 {
      let first = Int(random() * Double(ends[ends.count - 1] - 200))
      found[leaf(first + 99) - leaf(first) + 1] += 1e-5
    }
    let expected = shape.scannedLeafShares(resultEntryCount: 100)
    for (leaves, share) in expected.enumerated() { #expect(abs(found[leaves] - share) < 0.01) }
    #expect(abs(expected.reduce(0, +) - 1) < 1e-9)
  }

  @Test func pages() throws {
    let shape = BTreeShape(entryCount: 330_000, layout: layout, growth: .ascending)
    #expect(shape.levels == [10_000, 50, 1])
    // Nothing cached: root, interior page, and six leaves for the four less a little.
    let cold = try #require(
      shape.shortScanReadPageCount(
        entryCount: 330_000, limit: 100, cachedByteCount: 0, readAheadLeafCount: 64))
    // Begun at the last entry of a leaf they lie in five: full leaves of 33.
    #expect(abs(shape.scannedLeafShares(resultEntryCount: 100)[4] - 1) < 1e-9)
    #expect(abs(cold - 8) < 1e-9)
    let spread = shape.scannedLeafShares(resultEntryCount: 101)
    #expect(abs(spread[4] - 32.0 / 33) < 1e-12 && abs(spread[5] - 1.0 / 33) < 1e-12)
    // Everything cached; longer than any rule for short ones.
    let all = shape.shortScanReadPageCount(
      entryCount: 330_000, limit: 100, cachedByteCount: 1e9, readAheadLeafCount: 64)
    #expect(all == 0)
    let long = shape.shortScanReadPageCount(
      entryCount: 330_000, limit: 1_000, cachedByteCount: 0, readAheadLeafCount: 64)
    #expect(long == nil)
    // Everything: the leaves, and the pages above but the root; half of it: half.
    let full = shape.fullScanReadPageCount(entryCount: 330_000, limit: 1e9, cachedByteCount: 4_096 * 1_000)
    #expect(abs((full ?? 0) - 10_050) < 1e-6)
    let half = shape.fullScanReadPageCount(entryCount: 330_000, limit: 165_000, cachedByteCount: 0)
    #expect(abs((half ?? 0) - 5_025) < 1e-6)
    #expect(shape.fullScanReadPageCount(entryCount: 330_000, limit: 1e9, cachedByteCount: 1e9) == nil)
  }
}
