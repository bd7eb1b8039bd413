// Goal (copy-on-write mode): messages sent to a subtree give a new id and new pivots while the old id stays readable; a batch for
// one child reaches it without the buffers on its way being written; the root grows and collapses; volumes of one mode refuse the other.
// Method: `send` called on trees built through the engine; what lies on the device afterwards read back by id; the ledger by cause and
// level; the same operations with and without passing through compared with a model. Seeds are in the calls.

import Accounting
import KeyValue
import Primitives
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct CopyOnWriteTests {
  static let small: [String: ParameterValue] = [
    "durability": .text("copy-on-write"), "node_bytes": .integer(16 << 10), "basement_bytes": .integer(4_096),
    "fanout": .integer(4), "flush_policy": .text("all"),
  ]

  /// Messages that put `value` under the keys of some numbers.
  private func puts(_ numbers: some Sequence<Int>, _ value: [UInt8]) -> CellRun {
    var run = CellRun()
    for number in numbers {
      key(number).withUnsafeBytes { key in
        value.withUnsafeBytes { value in
          run.append(kind: OperationKind.put.rawValue, key: Bytes(key), operand: Bytes(value))
        }
      }
    }
    return run
  }

  private func load(_ bench: Bench, _ numbers: some Sequence<Int>, byteCount: Int = 100) throws {
    var batch = WriteBatch()
    for number in numbers {
      batch.put(key(number), [UInt8](repeating: 7, count: byteCount))
      if batch.count == 200 {
        try bench.engine.apply(batch, sync: false)
        batch.removeAll()
      }
    }
    try bench.engine.apply(batch, sync: false)
  }

  /// All keys of a subtree as the device and memory have it, each held against the bounds of its path by the reader.
  private func entryCount(_ bench: Bench, root: UInt64, level: Int) throws -> Int {
    let engine = bench.engine
    var shape = engine.table.shape
    shape.root = root
    shape.height = level
    let cursor = TreeCursor(engine, { TreeState(shape: shape, nodes: nil) }, KeyRange(), .forward, owner: nil)
    var count = 0
    while try cursor.next() { count += 1 }
    return count
  }

  @Test func sendingMessagesGivesANewIdAndThePivotsOfNewNeighbours() throws {
    let bench = try Bench(Self.small, memoryByteCount: 24 << 20)
    let engine = bench.engine
    try load(bench, stride(from: 0, to: 8_000, by: 2))
    try engine.settle()
    let snapshot = try engine.makeSnapshot()
    let before = try snapshot.entries()
    let (oldRoot, level) = (engine.table.shape.root, engine.table.shape.height)
    #expect(level >= 2 && oldRoot >> 63 == 0)
    var messages = puts(stride(from: 1, to: 8_000, by: 2), [UInt8](repeating: 1, count: 1_200))
    let sent = try engine.writer.send(
      &messages, to: oldRoot, birth: engine.table.shape.rootBirth, level: level)
    #expect(engine.writer.postponed == nil)
    #expect(sent.id != oldRoot)
    #expect(sent.pivots.count > 0, "thousands of new entries make the root's children too many")
    // Sorted, and so disjoint; no id twice.
    for (left, right) in zip(sent.pivots, sent.pivots.dropFirst()) {
      #expect(left.key.lexicographicallyPrecedes(right.key))
    }
    #expect(Set(sent.pivots.map(\.id) + [sent.id, oldRoot]).count == sent.pivots.count + 2)
    var total = try entryCount(bench, root: sent.id, level: level)
    for pivot in sent.pivots { total += try entryCount(bench, root: pivot.id, level: level) }
    #expect(total == 8_000)
    // Every new root is well-formed.
    for id in [sent.id] + sent.pivots.map(\.id) {
      let node = try engine.table.node(id, birth: 0, level: level)
      #expect(node.partCount <= engine.settings.geometry.maximumChildCount)
      #expect(node.contentByteCount <= engine.settings.geometry.bufferByteCount)
    }
    // The old id leads to the old tree, read from the device.
    #expect(try snapshot.entries() == before)
    #expect(before.count == 4_000)
  }

  @Test func aLeafTakesTenThousandMessagesAndSplitsUntilAllPartsAreWellFormed() throws {
    let bench = try Bench(Self.small, memoryByteCount: 8 << 20)
    let engine = bench.engine
    var messages = puts((0..<10_000).map { Int(draw(5, $0) >> 3) }, [UInt8](repeating: 3, count: 40))
    let sent = try engine.writer.send(
      &messages, to: engine.table.shape.root, birth: engine.table.shape.rootBirth, level: 0)
    let ids = [sent.id] + sent.pivots.map(\.id)
    #expect(ids.count > 10_000 * 64 / (16 << 10))
    var total = 0
    for id in ids {
      let leaf = try engine.table.node(id, birth: 0, level: 0)
      #expect(leaf.contentByteCount <= engine.writer.leafCapacityByteCount)
      for index in 0..<leaf.partCount { total += leaf.parts[index].cellCount }
    }
    #expect(total == 10_000)
    for (left, right) in zip(sent.pivots, sent.pivots.dropFirst()) {
      #expect(left.key.lexicographicallyPrecedes(right.key))
    }
  }

  /// Bytes written under a cause at the root's level, and what the tree answers, for a batch for one child.
  private func passOneBatch(
    passThroughByteCount: Int
  ) throws -> (
    bufferBytes: UInt64, headBytes: UInt64, passed: UInt64, entries: [KeyValuePair]
  ) {
    var changes = Self.small
    changes["pass_through_bytes"] = .integer(passThroughByteCount)
    changes["node_bytes"] = .integer(64 << 10)
    let bench = try Bench(changes, memoryByteCount: 4 << 20)
    try load(bench, 0..<4_000)
    try bench.engine.settle()
    // Something waits in the root for other children than the last.
    try load(bench, stride(from: 0, to: 3_000, by: 50), byteCount: 20)
    try bench.engine.checkpoint()
    let root = try bench.engine.table.node(
      bench.engine.table.shape.root, birth: bench.engine.table.shape.rootBirth,
      level: bench.engine.table.shape.height)
    let level = root.level
    #expect(level >= 1 && root.contentByteCount > 0)
    let before = bench.channel.ledger
    let passedBefore = bench.statistic("passed_through_messages")
    try load(bench, 3_900..<4_000, byteCount: 30)
    try bench.engine.checkpoint()
    let ledger = bench.channel.ledger.subtracting(before)
    return (
      ledger[.write, .buffer, .number(level)].transferredByteCount,
      ledger[.write, .interior, .number(level)].transferredByteCount,
      bench.statistic("passed_through_messages") - passedBefore,
      try bench.engine.entries()
    )
  }

  @Test func aBatchForOneChildReachesItWithoutItsWayBeingRewritten() throws {
    let fast = try passOneBatch(passThroughByteCount: 1)
    let slow = try passOneBatch(passThroughByteCount: 1 << 30)
    #expect(fast.passed > 0 && slow.passed == 0)
    // Pointers are written anew, buffers are not.
    #expect(fast.bufferBytes == 0 && fast.headBytes > 0)
    #expect(slow.bufferBytes > 0)
    #expect(fast.entries == slow.entries)
  }

  @Test func whatWaitsForTheSameKeysGoesAheadOfABatchThatPasses() throws {
    var changes = Self.small
    // Batches of one operation wait, those of twenty pass.
    changes["pass_through_bytes"] = .integer(200)
    let bench = try Bench(changes, memoryByteCount: 2 << 20)
    let model = ReferenceModel(limits: bench.engine.limits)
    for round in 0..<60 {
      var batch = WriteBatch()
      for _ in 0..<100 { batch.put(key(Int(draw(8, round * 100 + batch.count) % 4_000)), [1, 2, 3]) }
      try bench.engine.apply(batch, sync: false)
      try model.apply(batch, sync: false)
    }
    for round in 0..<400 {
      let start = Int(draw(9, round) % 4_000)
      var batch = WriteBatch()
      for step in 0..<(round % 4 == 0 ? 25 : 1) {
        batch.add(key(start + step / 5), Int64(round))
      }
      try bench.engine.apply(batch, sync: false)
      try model.apply(batch, sync: false)
    }
    #expect(bench.statistic("passed_through_messages") > 500)
    #expect(try bench.engine.entries() == model.entries())
    try bench.engine.verify()
  }

  @Test func theRootGrowsByOneLevelAndCollapses() throws {
    let bench = try Bench(Self.small, memoryByteCount: 2 << 20)
    var heights: [Int] = [0]
    for start in stride(from: 0, to: 6_000, by: 100) {
      try load(bench, start..<(start + 100))
      let height = bench.engine.table.shape.height
      if height != heights.last { heights.append(height) }
    }
    #expect(heights == Array(0...(heights.last ?? 0)) && heights.count > 2)
    for start in stride(from: 0, to: 6_000, by: 100) {
      var batch = WriteBatch()
      for number in start..<(start + 100) { batch.delete(key(number)) }
      try bench.engine.apply(batch, sync: false)
    }
    try bench.engine.settle()
    #expect(bench.engine.table.shape.height == 0 && bench.engine.table.shape.leafCount == 1)
    #expect(try bench.engine.entries().isEmpty)
    try bench.engine.verify()
  }

  @Test func aCommitIsASuperblockAndSurvivesReopening() throws {
    var bench = try Bench(Self.small, memoryByteCount: 2 << 20)
    try load(bench, 0..<3_000)
    var batch = WriteBatch()
    batch.put(key(1), [9])
    let before = bench.channel.ledger
    try bench.engine.apply(batch, sync: true)
    let ledger = bench.channel.ledger.subtracting(before)
    #expect(ledger.total(.write, Cause.superblock).requestedOperationCount == 1)
    #expect(ledger.total(.write, Cause.log).requestedByteCount == 0)
    let entries = try bench.engine.entries()
    let channel = bench.channel
    // Without closing: what the superblock reaches is all there is.
    bench.engine = try Bench.open(channel, Self.small, 2 << 20, creates: false)
    #expect(try bench.engine.entries() == entries)
    try bench.engine.verify()
  }

  @Test func aVolumeOfOneModeRefusesTheOther() throws {
    let bench = try Bench(Self.small, memoryByteCount: 2 << 20)
    try bench.engine.close()
    var changes = Self.small
    changes["durability"] = .text("log")
    let error = #expect(throws: EngineError.self) {
      _ = try Bench.open(bench.channel, changes, 2 << 20, creates: false)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("durability copy-on-write"))
  }

  @Test func parametersOfTheOtherModeAreRefused() throws {
    for (name, value) in [("promotion", ParameterValue.boolean(true))] {
      var changes = Self.small
      changes[name] = value
      #expect(throws: EngineError.self) { _ = try Bench(changes) }
    }
    #expect(throws: EngineError.self) { _ = try Bench(["pass_through_bytes": .integer(100)]) }
  }
}
