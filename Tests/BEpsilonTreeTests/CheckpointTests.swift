// Goal: many commits become durable with one sync (group commit), and a checkpoint writes the nodes that changed and no others.
// Method: the fault device keeps what a power cut leaves; writes and syncs are counted by the ledger, by cause; where every node lies
// is compared before and after. Seeds are in the calls.

import Accounting
import KeyValue
import Primitives
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct CheckpointTests {
  private static let changes: [String: ParameterValue] = [
    "node_bytes": .integer(16 << 10), "fanout": .integer(4), "log_segment_bytes": .integer(1 << 20),
  ]

  @Test func commitsOfAGroupBecomeDurableWithOneSync() throws {
    let memory = MemoryDevice(capacityByteCount: 1 << 28)
    let fault = FaultDevice(base: memory, memory: memory)
    let channel = IOChannel(device: fault, pool: memory.pool)
    let engine = try Bench.open(channel, Self.changes, 4 << 20, creates: true)
    func entryCount(after survivors: CrashSurvivors) throws -> Int {
      let image = fault.crash(survivors: survivors)
      let reopened = try Bench.open(
        IOChannel(device: image, pool: image.pool), Self.changes, 4 << 20, creates: false)
      try reopened.verify()
      return try reopened.entries().count
    }
    // The log's first segment is there afterwards.
    try engine.apply(Self.batch(0..<1), sync: true)
    let before = channel.ledger
    for index in 1..<200 { try engine.apply(Self.batch(index..<(index + 1)), sync: false) }
    let waiting = channel.ledger.subtracting(before)
    #expect(waiting.total(.sync).transferredOperationCount == 0)
    #expect(waiting.total(.write).transferredOperationCount == 0, "the log's buffer holds them")
    #expect(try entryCount(after: .none) == 1)
    try engine.apply(Self.batch(200..<201), sync: true)
    let group = channel.ledger.subtracting(before)
    #expect(group.total(.sync).requestedOperationCount == 1)
    #expect(group.total(.write, Cause.log).transferredOperationCount == 1)
    #expect(group.total(.write, Cause.superblock).requestedByteCount == 0)
    #expect(try entryCount(after: .none) == 201)
    // One at a time each has a write and a sync of its own.
    let alone = channel.ledger
    for index in 201..<211 { try engine.apply(Self.batch(index..<(index + 1)), sync: true) }
    let ten = channel.ledger.subtracting(alone)
    #expect(ten.total(.sync).requestedOperationCount == 10)
    #expect(ten.total(.write, Cause.log).transferredOperationCount == 10)
    #expect(try entryCount(after: .none) == 211)
    // A batch of many operations is one commit of one sync.
    let many = channel.ledger
    try engine.apply(Self.batch(300..<800), sync: true)
    #expect(channel.ledger.subtracting(many).total(.sync).requestedOperationCount == 1)
    #expect(try entryCount(after: .none) == 711)
  }

  private static func batch(_ range: Range<Int>) -> WriteBatch {
    var batch = WriteBatch()
    for index in range {
      batch.put(key(Int(draw(51, index) >> 2)), [UInt8](repeating: UInt8(index & 255), count: 40))
    }
    return batch
  }

  /// Settling a random load writes every leaf anew. What they lay in before is free when it returns: the next commit need not come.
  @Test(arguments: ["log", "copy-on-write"])
  func aSettledTreeOwesNoExtents(mode: String) throws {
    var changes = Self.changes
    changes["durability"] = .text(mode)
    let bench = try Bench(changes, memoryByteCount: 2 << 20)
    for start in stride(from: 0, to: 20_000, by: 500) {
      try bench.engine.apply(Self.batch(start..<(start + 500)), sync: false)
    }
    try bench.engine.settle()
    let space = try bench.engine.spaceReport()
    let dead = space.parts.first { $0.name == "dead_versions" }?.byteCount ?? .max
    // The volume's own blocks move with each commit: its pending log's 64 units and the map.
    #expect(dead <= 66 * 4_096 && space.allocatedByteCount > 2 << 20, "\(space)")
    try bench.engine.verify()
  }

  @Test(arguments: ["log", "copy-on-write"])
  func aCheckpointWritesOnlyNodesThatChanged(mode: String) throws {
    var changes = Self.changes
    changes["durability"] = .text(mode)
    let bench = try Bench(changes, memoryByteCount: 8 << 20)
    for start in stride(from: 0, to: 20_000, by: 500) {
      try bench.engine.apply(Self.batch(start..<(start + 500)), sync: false)
    }
    try bench.engine.settle()
    let table = bench.engine.table
    /// Where every node lies, by the lowest key of its path: numbers and ids may be used again.
    func places() throws -> [String: Extent] {
      var result: [String: Extent] = [:]
      func gather(_ number: UInt64, _ birth: UInt16, _ level: Int, _ lower: [UInt8]) throws {
        let node = try table.node(number, birth: birth, level: level)
        node.pinCount += 1
        defer { node.pinCount -= 1 }
        result["\(level) \(lower)"] = node.extent
        if level == 0 { return }
        for index in 0..<node.partCount {
          try gather(
            node.parts[index].child, node.parts[index].birth, level - 1, node.lowerPivot(index) ?? lower)
        }
      }
      try gather(table.shape.root, table.shape.rootBirth, table.shape.height, [])
      return result
    }
    let before = try places()
    #expect(table.shape.height >= 2 && before.count == table.shape.leafCount + table.shape.innerCount)
    // Some messages for a few leaves: flushed, so nodes of three levels change.
    for start in stride(from: 20_000, to: 20_600, by: 50) {
      try bench.engine.apply(Self.batch(start..<(start + 50)), sync: false)
    }
    var changed = 0
    for node in table.ring where node.isDirty { changed += 1 }
    #expect(changed == table.dirtyNodeCount && changed >= 3 && changed < before.count / 2, "\(changed)")
    let written = bench.statistic("node_writes")
    let ledger = bench.channel.ledger
    try bench.engine.checkpoint()
    let moved = bench.channel.ledger.subtracting(ledger)
    #expect(bench.statistic("node_writes") - written == UInt64(changed) && table.dirtyNodeCount == 0)
    let heads =
      moved.total(.write, Cause.leaf).requestedOperationCount
      + moved.total(.write, Cause.interior).requestedOperationCount
    #expect(heads == UInt64(changed))
    // Everything else lies where it lay.
    let after = try places()
    let stayed = after.filter { before[$0.key] == $0.value }.count
    #expect(stayed == after.count - changed, "\(stayed) of \(after.count) stayed, \(changed) changed")
    // And with nothing changed nothing is written.
    let idle = bench.channel.ledger
    try bench.engine.checkpoint()
    #expect(bench.channel.ledger.subtracting(idle).total(.write).requestedByteCount == 0)
    try bench.engine.verify()
  }
}
