// Goal: the Bε-tree's traffic is what its formula says at points that can be worked out by hand, and bends the way the trade-off
// does.
// Method: ε = 1, a cache that holds everything, none at all; order in F, B and memory; golden values of one geometry.

import CostModel
import Primitives
import Testing

@Suite struct BEpsilonTreeTrafficTests {
  private func tree(
    node: Double = 1_048_576, fanout: Double = 16, buffer: Double? = nil, cache: Double = 40e6,
    entries: Double = 5e6, basement: Double = 16_384
  ) -> BEpsilonTreeTraffic {
    BEpsilonTreeTraffic(
      entryCount: entries, entryByteCount: 124, nodeByteCount: node, fanout: fanout,
      bufferByteCount: buffer ?? node - 128 * fanout, basementByteCount: basement, pivotByteCount: 48,
      cacheByteCount: cache, dirtyByteCount: 0.75 * cache, checkpointByteCount: 64e6, unitByteCount: 4_096)
  }

  private let ln2 = 0.6931471805599453

  private func isNear(_ value: Double, _ expected: Double) -> Bool {
    (value - expected).magnitude <= 1e-9 * expected.magnitude
  }

  @Test func withoutBufferAnInsertRewritesItsLeaf() {
    let cost = tree(node: 16_384, fanout: 128, buffer: 0, cache: 0).insertCost
    let leaf = ln2 * 16_384
    #expect(isNear(cost.readByteCount, leaf))
    #expect(isNear(cost.writeByteCount, leaf + 2 * 124))
    #expect(isNear(cost.readCount, 1) && isNear(cost.writeCount, 1))
  }

  @Test func withoutCacheEachLevelIsReadAndWritten() {
    // One entry above a single leaf's worth of records: no inner level in any of the steps.
    let small = tree(cache: 0, entries: 4_000)
    let rewritten = ln2 * 1_048_576 / small.flushByteCount
    #expect(isNear(small.insertCost.readByteCount, 124 * rewritten))
    #expect(isNear(small.insertCost.writeByteCount, 124 * (2 + rewritten)))
    #expect(isNear(small.childCount, ln2 * 17))
    #expect(isNear(small.flushByteCount, 2 * (1_048_576 - 2_048) / (ln2 * 17)))
  }

  @Test func aCacheOfEverythingLeavesTheLogAndTheCheckpoints() {
    let cost = tree(cache: 4e9).insertCost
    #expect(cost.readByteCount == 0)
    #expect(cost.writeByteCount >= 124 && cost.writeByteCount < 124 * 8)
    #expect(tree(cache: 4e9).pointCost.readCount == 0)
  }

  @Test func theTradeOffBends() {
    var last = (insert: 0.0, query: Double.infinity)
    for fanout in [8.0, 16, 64, 256] {
      let now = tree(fanout: fanout, cache: 5e6)
      #expect(now.insertCost.byteCount > last.insert)
      #expect(now.pointCost.readCount <= last.query)
      last = (now.insertCost.byteCount, now.pointCost.readCount)
    }
    #expect(tree(cache: 60e6).insertCost.byteCount < tree(cache: 10e6).insertCost.byteCount)
    #expect(tree(cache: 60e6).pointCost.byteCount < tree(cache: 10e6).pointCost.byteCount)
  }

  /// A shared buffer is read with its node: (1 + αB) instead of (1 + αB/F + αF) for each level, in fewer reads.
  @Test func aSharedBufferIsReadWithItsNode() {
    var shared = tree(cache: 0)
    shared.sharesBuffers = true
    let single = tree(cache: 0)
    #expect(shared.insertCost == single.insertCost)
    // Three levels above the leaves, and of a leaf its head and a basement; some messages are found above.
    #expect(shared.pointCost.readCount < 5 && shared.pointCost.readCount > 4.5)
    #expect(single.pointCost.readCount < 8 && single.pointCost.readCount > 7.5)
    let content = ln2 * (1_048_576 - 2_048)
    #expect(shared.pointCost.readByteCount > 2.9 * content && shared.pointCost.readByteCount < 3.1 * content)
    let parts = single.pointCost.readByteCount
    #expect(parts < 3 * (content / (ln2 * 17) + 3 * 4_096) + 4_096 + 16_384)
    // Nodes of up to four basements are read whole in either layout.
    var small = tree(node: 65_536, cache: 0)
    let whole = small.pointCost
    small.sharesBuffers = true
    #expect(small.pointCost == whole)
  }

  /// One place: every query but the first finds it. Many places: none does.
  @Test func firstQueriesFindAnEmptyMemory() {
    var cold = tree(cache: 4e9)
    #expect(cold.pointCost.readCount == 0)
    var last = Double.infinity
    for queries in [1.0, 10, 100, 10_000, 1e9] {
      cold.coldQueryCount = queries
      #expect(cold.pointCost.readCount < last)
      last = cold.pointCost.readCount
    }
    #expect(last < 1e-3)
    // The first one reads everything on its way, as with no memory at all.
    cold.coldQueryCount = 1
    #expect(isNear(cold.pointCost.readCount, tree(cache: 0).pointCost.readCount))
    // Where memory is short it never is fewer than what does not fit.
    var short = tree(cache: 10e6)
    let steady = short.pointCost.readCount
    short.coldQueryCount = 1e9
    #expect((short.pointCost.readCount - steady).magnitude < 1e-6)
  }

  @Test func timeIsSetupsAndBytes() {
    var cost = BEpsilonTreeTraffic.Cost()
    (cost.readCount, cost.readByteCount, cost.writeCount, cost.writeByteCount) = (2, 100, 3, 1_000)
    let seconds = cost.seconds(
      reads: AffineModel(setupSeconds: 1, secondsPerByte: 0.5),
      writes: AffineModel(setupSeconds: 10, secondsPerByte: 0.25))
    #expect(seconds == 2 + 50 + 30 + 250)
    #expect(cost.blockCount(blockByteCount: 100) == 11)
  }
}
