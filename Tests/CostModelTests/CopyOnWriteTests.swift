// Goal: the shape and the commits of a copy-on-write tree come to the numbers that can be worked out by hand or by brute force.
// Method: hand-made examples; a simulation of splitting pages from the printed seed; brute force over small worlds.

import CostModel
import Testing

@Suite struct CopyOnWriteTests {
  private let layout = BTreePageLayout(
    pageByteCount: 4_096, headByteCount: 48, fenceByteCount: 4, leafEntryByteCount: 121, childByteCount: 20)

  @Test func fillOfRandomInserts() {
    // Two entries a page, split 1 + 2: L1·2 = 1, L2·3 = L1 + 1: a half each, 1.5 entries.
    #expect(abs(BTreeShape.meanEntryCount(capacity: 2) - 1.5) < 1e-12)
    #expect(BTreeShape.meanEntryCount(capacity: 1) == 1)
    // Large pages: ln 2.
    #expect(abs(BTreeShape.randomFill(capacity: 10_001) - 0.693147) < 1e-4)
    // Odd capacities: (c + 1)(H(c + 1) − H((c + 1)/2)).
    let harmonic = (17...32).reduce(0) { $0 + 1 / Double($1) }
    #expect(abs(BTreeShape.meanEntryCount(capacity: 31) - 32 * harmonic) < 1e-9)
  }

  @Test(arguments: [4, 33, 34]) func simulatedSplits(capacity: Int) {
    // Pages as counts; an insert goes to a page in proportion to its entries. Seed 7.
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    // The page of each entry, so that drawing an entry draws a page by its size.
    var owner: [Int] = [0]
    var members: [[Int]] = [[0]]
    while owner.count < 60_000 {
      let page = owner[random(owner.count)]
      members[page].append(owner.count)
      owner.append(page)
      if members[page].count > capacity {
        let half = members[page].count / 2
        let moved = Array(members[page][half...])
        members[page].removeLast(moved.count)
        for entry in moved { owner[entry] = members.count }
        members.append(moved)
      }
    }
    let mean = Double(owner.count) / Double(members.count)
    #expect(abs(mean / BTreeShape.meanEntryCount(capacity: capacity) - 1) < 0.02, "\(mean)")
  }

  @Test func levels() {
    #expect(BTreeShape(entryCount: 33, layout: layout, growth: .random).levels == [1])
    #expect(BTreeShape(entryCount: 34, layout: layout, growth: .ascending).levels == [2, 1])
    let shape = BTreeShape(entryCount: 330_000, layout: layout, growth: .ascending)
    #expect(shape.levels == [10_000, 50, 1])
    #expect(shape.holding(entryCount: 330).levels == [10, 1])
    #expect(shape.pointReadPageCount(cachedByteCount: 0) == 3)
    #expect(shape.pointReadPageCount(cachedByteCount: 51 * 4_096) == 1)
    #expect(abs(shape.pointReadPageCount(cachedByteCount: 5_051 * 4_096) - 0.5) < 1e-12)
    #expect(shape.pointReadPageCount(cachedByteCount: 1e9) == 0)
  }

  @Test func durableCommits() {
    let volume = VolumeCommitModel(
      transferUnitByteCount: 4_096, usedByteCount: 40e6, capacityByteCount: 4 * 1_073_741_824)
    #expect(volume.pendingUnitCount == 64)
    #expect(volume.chunkCount == 1)
    // Superblock, one unit of pending record, and two units of space map every 64th time.
    #expect(volume.commitByteCount(pageCount: 3) == 4_096 * (2 + 2.0 / 64))
    // 24 + 32 + 16 · 253 = 4,104 bytes are two units.
    #expect(volume.recordUnitCount(pageCount: 252) == 1)
    #expect(volume.recordUnitCount(pageCount: 253) == 2)
    let update = CopyOnWriteUpdateModel(
      shape: BTreeShape(entryCount: 330_000, layout: layout, growth: .ascending), volume: volume,
      changedByteLimit: 1e9, batchOperationCount: 1)
    let single = update.overwriteBytesPerOperation(operationsPerCommit: 1)
    #expect(abs(single - 4_096 * (3 + 2 + 2.0 / 64)) < 1e-6)
  }

  @Test func aSmallCacheWritesMoreOften() {
    let volume = VolumeCommitModel(
      transferUnitByteCount: 4_096, usedByteCount: 40e6, capacityByteCount: 4 * 1_073_741_824)
    let shape = BTreeShape(entryCount: 330_000, layout: layout, growth: .random)
    func bytes(_ limit: Double, batch: Double = 1) -> Double {
      CopyOnWriteUpdateModel(
        shape: shape, volume: volume, changedByteLimit: limit, batchOperationCount: batch
      ).overwriteBytesPerOperation(operationsPerCommit: 100_000)
    }
    #expect(bytes(1e9) < bytes(8e6))
    #expect(bytes(8e6) < bytes(1e6))
    // A batch visits each page once, however small the cache.
    #expect(bytes(1e6, batch: 10_000) < bytes(1e6))
    // By brute force, 100 operations between flushes: 1,000 flushes and one commit.
    let tree = CopyOnWriteModel(
      pageByteCount: 4_096, levelNodeCounts: shape.levels, commitOverheadByteCount: 0)
    let flushed = 4_096 * tree.pagesPerCommit(batchOperationCount: 100) * 1_000
    let overhead = volume.commitByteCount(pageCount: tree.pagesPerCommit(batchOperationCount: 100_000))
    let limit = 4_096 * tree.pagesPerCommit(batchOperationCount: 100) * 0.99
    #expect(abs(bytes(limit, batch: 100) * 100_000 / (flushed + overhead) - 1) < 1e-9)
  }
}
