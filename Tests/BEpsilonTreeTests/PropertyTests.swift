// Goal: what a Bε-tree promises, one test for each promise: its nodes are well-formed for every ε, its root is read back and another
// geometry refused, memory is bounded and its victims are the right ones, deletes give space back. (That it persists: `DeepCrashTests`.)
// Method: loads through the engine, the checker's measure held against the geometry; reopening on the same device; the table of nodes
// driven by hand. Seeds are in the calls.

import Accounting
import KeyValue
import Primitives
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct PropertyTests {
  private func load(
    _ bench: Bench, _ range: Range<Int>, byteCount: Int = 60, sync: Bool = false, _ number: (Int) -> Int
  ) throws {
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 500) {
      var batch = WriteBatch()
      for index in start..<min(range.upperBound, start + 500) {
        batch.put(key(number(index)), [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: byteCount))
      }
      try bench.engine.apply(batch, sync: sync && start + 500 >= range.upperBound)
    }
  }

  private func random(_ index: Int) -> Int { Int(draw(11, index) >> 2) }

  @Test(arguments: [0, 0.25, 0.4, 0.5, 0.6, 0.75, 1], ["log", "copy-on-write"])
  func nodesAreWellFormedForEveryEpsilon(epsilon: Double, mode: String) throws {
    let bench = try Bench(
      [
        "epsilon": .real(epsilon), "durability": .text(mode), "node_bytes": .integer(16 << 10),
        "basement_bytes": .integer(4_096), "entry_bytes": .integer(64), "flush_policy": .text("all"),
      ], memoryByteCount: 2 << 20)
    let geometry = bench.engine.settings.geometry
    for round in 0..<24 {
      try load(bench, (round * 500)..<(round * 500 + 500), byteCount: 20 + round * 5, random)
      if round % 3 == 2 {
        var batch = WriteBatch()
        for index in 0..<400 { batch.delete(key(random(round * 500 - index))) }
        try bench.engine.apply(batch, sync: false)
      }
      let measure = try bench.measure()
      for (level, line) in measure.levels.enumerated() {
        if level == 0 {
          #expect(line.largestContentByteCount <= bench.engine.writer.leafCapacityByteCount)
          continue
        }
        // The root may hold the last batch.
        let slack = level == measure.levels.count - 1 ? 500 * 170 : 0
        #expect(line.largestContentByteCount <= geometry.bufferByteCount + slack, "level \(level)")
        #expect(line.largestChildCount <= geometry.maximumChildCount, "level \(level)")
      }
    }
  }

  @Test func theRootSaysTheGeometryAndAnotherOneIsRefused() throws {
    let changes: [String: ParameterValue] = ["node_bytes": .integer(32 << 10), "epsilon": .real(0.5)]
    let bench = try Bench(changes)
    try load(bench, 0..<20_000, random)
    try bench.engine.close()
    let shape = bench.engine.table.shape
    let again = try Bench.open(bench.channel, changes, 16 << 20, creates: false)
    #expect(again.table.shape == shape && shape.height > 0)
    #expect(again.settings.geometry == bench.engine.settings.geometry)
    try again.close()
    for (name, value) in [
      ("epsilon", ParameterValue.real(0.25)), ("node_bytes", .integer(64 << 10)), ("unit", .text("bytes")),
      ("durability", .text("copy-on-write")),
    ] {
      var other = changes
      other[name] = value
      let error = #expect(throws: EngineError.self) {
        _ = try Bench.open(bench.channel, other, 16 << 20, creates: false)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("the volume"), "\(name)")
    }
    // Bytes that are no root, and a superblock of another engine.
    #expect(throws: StorageError.self) { _ = try BEpsilonRoot.decode([UInt8](repeating: 7, count: 240)) }
    var root = BEpsilonRoot(
      nodeByteCount: 4_096, fanout: 4, unitByteCount: 128, logPosition: 3, durability: .copyOnWrite,
      holdsFarPatches: true, birthNumber: 77,
      shape: shape,
      levels: again.table.levels
    ).encoded()
    #expect(try BEpsilonRoot.decode(root)?.durability == .copyOnWrite)
    #expect(try BEpsilonRoot.decode(root)?.shape == shape)
    #expect(root.count <= 256)
    root[0] ^= 1
    #expect(throws: StorageError.self) { _ = try BEpsilonRoot.decode(root) }
  }

  @Test func victimsAreNodesThatWereNotUsedAndPinnedOnesStay() throws {
    let bench = try Bench(
      ["node_bytes": .integer(16 << 10), "fanout": .integer(16)], memoryByteCount: 2 << 20)
    try load(bench, 0..<20_000, { $0 })
    try bench.engine.settle()
    let table = bench.engine.table
    table.dropClean()
    let root = try table.wholeNode(table.shape.root, birth: 0, level: table.shape.height)
    root.pinCount += 1
    defer { root.pinCount -= 1 }
    #expect(root.level == 2)
    let parent = try table.wholeNode(root.parts[0].child, birth: 0, level: 1)
    parent.pinCount += 1
    defer { parent.pinCount -= 1 }
    let numbers = (0..<6).map { parent.parts[$0].child }
    for number in numbers { _ = try table.wholeNode(number, birth: 0, level: 0) }
    let held = try table.wholeNode(numbers[0], birth: 0, level: 0)
    held.pinCount += 1
    // Time passes, and 3 is used again and again.
    let evictions = bench.statistic("cache_evictions")
    var evicted: [UInt64] = []
    for _ in 0..<400 where evicted.count < 4 {
      _ = try table.wholeNode(numbers[3], birth: 0, level: 0)
      // One byte more than there is room for.
      try table.makeRoom(table.capacityByteCount - table.heldByteCount + 1, mayWrite: true)
      for number in numbers where table.resident(number) == nil && !evicted.contains(number) {
        evicted.append(number)
      }
    }
    // The four that nobody used left, the one in use and the pinned one stayed.
    #expect(Set(evicted) == Set([1, 2, 4, 5].map { numbers[$0] }), "\(evicted) of \(numbers)")
    #expect(table.resident(numbers[0]) === held, "a pinned node is never dropped")
    #expect(table.resident(numbers[3]) != nil, "a node that is used stays")
    #expect(bench.statistic("cache_evictions") >= evictions + 4)
    held.pinCount -= 1
    // A dirty victim is written once, then dropped without another write.
    let dirty = try table.wholeNode(numbers[1], birth: 0, level: 0)
    table.markDirty(dirty)
    dirty.chances = 0
    let before = bench.statistic("node_writes")
    var byteCount = 0
    while table.resident(numbers[1]) != nil, byteCount < table.capacityByteCount {
      byteCount += 16 << 10
      try table.makeRoom(byteCount, mayWrite: true)
    }
    #expect(table.resident(numbers[1]) == nil)
    #expect(bench.statistic("node_writes") == before + 1)
    #expect(table.heldByteCount <= table.capacityByteCount)
    try bench.engine.verify()
  }

  /// Nodes of B that a random half of a tree takes after settling, with nodes merged below a threshold; and its bytes in B.
  private func half(_ mode: String, threshold: Int) throws -> (
    nodeCount: Int, liveByteCount: Int, capacity: Int
  ) {
    let bench = try Bench(
      [
        "durability": .text(mode), "node_bytes": .integer(16 << 10), "basement_bytes": .integer(4_096),
        "fanout": .integer(8), "checkpoint_log_bytes": .integer(1 << 20),
        "merge_threshold_percent": .integer(threshold),
      ], memoryByteCount: 1 << 20)
    let count = 20_000
    try load(bench, 0..<count, byteCount: 100, random)
    for start in stride(from: 0, to: count, by: 500) {
      var batch = WriteBatch()
      for index in start..<(start + 500) where draw(21, index) % 2 == 0 { batch.delete(key(random(index))) }
      try bench.engine.apply(batch, sync: false)
    }
    try bench.engine.settle()
    let entries = try bench.engine.entries()
    #expect(entries.count > count / 3 && entries.count < count * 2 / 3)
    try bench.engine.verify()
    return (
      bench.engine.table.shape.leafCount, entries.count * Cell.byteCount(key: 16, operand: 100),
      bench.engine.writer.leafCapacityByteCount
    )
  }

  /// A leaf's extent is as long as its entries, so merging shows in the number of nodes: live bytes ÷ threshold are nodes enough.
  /// Random halves of leaves that were two thirds full are a third full, which no threshold of a half allows; without merging
  /// the same bound is broken.
  @Test(arguments: ["log", "copy-on-write"])
  func deletingARandomHalfLeavesNoMoreThanTheThresholdAllows(mode: String) throws {
    func nodeLimit(_ half: (nodeCount: Int, liveByteCount: Int, capacity: Int), percent: Int) -> Int {
      half.liveByteCount * 100 / percent / half.capacity + 1
    }
    for threshold in [40, 50] {
      let merged = try half(mode, threshold: threshold)
      #expect(merged.nodeCount <= nodeLimit(merged, percent: threshold), "\(threshold): \(merged)")
    }
    let kept = try half(mode, threshold: 0)
    for threshold in [40, 50] { #expect(kept.nodeCount > nodeLimit(kept, percent: threshold), "\(kept)") }
  }
}
