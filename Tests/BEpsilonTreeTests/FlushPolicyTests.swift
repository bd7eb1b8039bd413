// Goal: each flush policy empties what its name says: the fullest child; all of them; one after the other; any with equal chances;
// cache-aware any amount into a dirty child, half a batch into a clean one in memory, a full batch to the device. And no two of
// them empty the same children in the same order.
// Method: a root over leaves gets messages by hand, so many for each child, and is relieved one flush at a time; what became empty
// is read off its buffers. Seeds are in the calls.

import KeyValue
import Primitives
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct FlushPolicyTests {
  /// A root of some leaves with nothing in its buffers, and hands on it.
  private final class Root {
    let bench: Bench
    let node: TreeNode
    private var draws = 0

    init(_ policy: FlushPolicy, _ changes: [String: ParameterValue] = [:]) throws {
      let base: [String: ParameterValue] = [
        "flush_policy": .text(policy.rawValue), "node_bytes": .integer(32 << 10), "fanout": .integer(6),
        "merge_threshold_percent": .integer(0),
      ]
      bench = try Bench(base.merging(changes) { $1 }, memoryByteCount: 2 << 20)
      var batch = WriteBatch()
      for index in 0..<900 { batch.put(key(Int(draw(61, index) >> 2)), [UInt8](repeating: 7, count: 60)) }
      try bench.engine.apply(batch, sync: false)
      try bench.engine.settle()
      node = try bench.engine.writer.root()
      node.pinCount += 1
      #expect(node.level == 1 && node.partCount >= 4 && node.partCount <= 6)
      #expect(node.contentByteCount == 0)
      bench.engine.table.dropClean()
    }

    deinit { node.pinCount -= 1 }

    var childCount: Int { node.partCount }

    /// Adds messages of 32 bytes for a child.
    func add(_ count: Int, to index: Int) {
      var batch = WriteBatch()
      for _ in 0..<count {
        draws += 1
        // Behind the child's lower pivot, before all keys for the first. Nobody has such a key, so no leaf changes its size.
        let name =
          (node.lowerPivot(index) ?? [UInt8](repeating: 0, count: 8)) + [
            0, UInt8(draws >> 8 & 255), UInt8(draws & 255),
          ]
        batch.delete(name + [UInt8](repeating: 0, count: 24 - name.count))
      }
      bench.engine.writer.insert(batch, into: node)
    }

    /// One flush (for `all`: one relief); which children became empty.
    func relieve() throws -> [Int] {
      let before = (0..<childCount).map { node.parts[$0].cellCount }
      try bench.engine.writer.relieve(node, to: node.contentByteCount - 1)
      return (0..<childCount).filter { before[$0] > 0 && node.parts[$0].cellCount == 0 }
    }

    /// Relieves until nothing waits; the children in order.
    func order() throws -> [[Int]] {
      var result: [[Int]] = []
      while node.contentByteCount > 0 { result.append(try relieve()) }
      return result
    }

    /// Brings a child into memory, and says that it changed.
    func load(_ index: Int, isDirty: Bool) throws {
      let child = try bench.engine.table.wholeNode(
        node.parts[index].child, birth: node.parts[index].birth, level: 0)
      if isDirty { bench.engine.table.markDirty(child) }
    }

    func unload() throws {
      try bench.engine.table.writeAll()
      bench.engine.table.dropClean()
    }
  }

  @Test func fullestEmptiesTheChildWithTheMostBytes() throws {
    let root = try Root(.fullest)
    for (index, count) in [3, 9, 5, 7].enumerated() { root.add(count, to: index) }
    #expect(try root.order() == [[1], [3], [2], [0]])
  }

  @Test func allEmptiesEveryChildAtOnce() throws {
    let root = try Root(.all)
    for (index, count) in [3, 9, 0, 7].enumerated() { root.add(count, to: index) }
    #expect(try root.order() == [[0, 1, 3]])
  }

  @Test func roundRobinTakesTheChildrenInTurnAndGoesOnWhereItStopped() throws {
    let root = try Root(.roundRobin)
    for (index, count) in [3, 9, 5, 7].enumerated() { root.add(count, to: index) }
    #expect(try root.relieve() == [0])
    #expect(try root.relieve() == [1])
    // What fills up behind its back waits for the next round.
    root.add(20, to: 0)
    root.add(2, to: 1)
    #expect(try root.order() == [[2], [3], [0], [1]])
    // Empty ones are passed over.
    root.add(1, to: 3)
    root.add(1, to: 1)
    #expect(try root.order() == [[3], [1]])
  }

  @Test func randomGivesEveryChildTheSameChance() throws {
    let root = try Root(.random)
    var counts = [0, 0, 0, 0]
    for _ in 0..<200 {
      for index in 0..<4 where root.node.parts[index].cellCount == 0 {
        // The first is far fuller than the others, the third is empty.
        if index != 2 { root.add(index == 0 ? 3 : 1, to: index) }
      }
      let emptied = try root.relieve()
      #expect(emptied.count == 1)
      counts[emptied[0]] += 1
    }
    #expect(counts[2] == 0)
    // A third of 200 each; 40 to 95 are four deviations.
    for index in [0, 1, 3] { #expect(counts[index] > 40 && counts[index] < 95, "\(counts)") }
  }

  @Test func cacheAwareTakesAnyAmountToADirtyChild() throws {
    let root = try Root(.cacheAware)
    try root.load(2, isDirty: true)
    for (index, count) in [30, 90, 1, 70].enumerated() { root.add(count, to: index) }
    #expect(try root.relieve() == [2])
    // Nobody else is in memory: the fullest.
    #expect(try root.relieve() == [1])
  }

  @Test func cacheAwareTakesHalfABatchToACleanChildInMemory() throws {
    let geometry = try Root(.cacheAware).bench.engine.settings.geometry
    let cell = Cell.byteCount(key: 24, operand: 0)
    let half = geometry.bufferByteCount / geometry.fanout / 2 / cell
    for (waiting, expected) in [(half - 8, 1), (half + 8, 2)] {
      let root = try Root(.cacheAware)
      try root.load(2, isDirty: false)
      root.add(half / 2, to: 0)
      root.add(2 * half + 20, to: 1)
      root.add(waiting, to: 2)
      #expect(try root.relieve() == [expected], "\(waiting) messages wait, half a batch are \(half)")
    }
  }

  /// With nobody in memory a node over its limit has a full batch for somebody: an equal share of the buffer, at least.
  @Test func cacheAwareTakesAFullBatchToTheDevice() throws {
    let root = try Root(.cacheAware)
    let geometry = root.bench.engine.settings.geometry
    var index = 0
    while root.node.contentByteCount <= geometry.bufferByteCount {
      root.add(1 + index % 3, to: index % root.childCount)
      index += 1
    }
    let fullest = (0..<root.childCount).map { root.node.parts[$0].byteCount }.max() ?? 0
    let before = root.node.contentByteCount
    _ = try root.relieve()
    #expect(fullest * root.childCount >= geometry.bufferByteCount)
    #expect(before - root.node.contentByteCount == fullest)
  }

  /// The same messages and the same memory: five policies, five orders.
  @Test func noTwoPoliciesAreTheSame() throws {
    var orders: [[[Int]]] = []
    for policy in FlushPolicy.allCases {
      let root = try Root(policy)
      try root.load(3, isDirty: true)
      // Dirty children change the order of one policy only.
      for (index, count) in [4, 9, 6, 2].enumerated() { root.add(count, to: index) }
      let order = try root.order()
      #expect(order.flatMap { $0 }.sorted() == [0, 1, 2, 3], "\(policy)")
      #expect(!orders.contains(order), "\(policy): \(order)")
      orders.append(order)
      try root.unload()
      try root.bench.engine.verify()
    }
  }
}
