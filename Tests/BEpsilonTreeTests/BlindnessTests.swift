// Goal: who writes blindly reads nothing, and who reads writes nothing. Adds, appends, patches, puts, deletes and range deletes read
// no node until something is flushed, on a tree far larger than memory; gets and cursors write no node, though the cache is too
// small for them and full of nodes that changed.
// Method: counts of the device below the engine, and of the ledger, before and after; the counters of the tree say that nothing
// was flushed, or that nodes had to leave. Seeds are in the calls.

import Accounting
import KeyValue
import Primitives
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct BlindnessTests {
  /// A device that counts, with an engine on it.
  private struct Counted {
    let memory: MemoryDevice
    let counting: CountingDevice
    let channel: IOChannel
    let engine: BEpsilonTreeEngine

    init(_ changes: [String: ParameterValue], memoryByteCount: Int) throws {
      memory = MemoryDevice(capacityByteCount: 1 << 30)
      counting = CountingDevice(base: memory)
      channel = IOChannel(device: counting, pool: memory.pool)
      engine = try Bench.open(channel, changes, memoryByteCount, creates: true)
    }

    func load(_ range: Range<Int>) throws {
      for start in stride(from: range.lowerBound, to: range.upperBound, by: 500) {
        var batch = WriteBatch()
        for index in start..<min(range.upperBound, start + 500) {
          batch.put(key(number(index)), [UInt8](repeating: 7, count: 100))
        }
        try engine.apply(batch, sync: false)
      }
    }

    func number(_ index: Int) -> Int { Int(draw(4, index) >> 2) }

    /// Transfers and bytes in one direction, as the device below counts them and as the ledger does.
    func transfers(_ direction: Direction) -> [UInt64] {
      let (device, ledger) = (counting.counts[direction], channel.ledger.total(direction))
      return [
        device.operationCount, device.byteCount, ledger.transferredOperationCount,
        ledger.transferredByteCount,
      ]
    }

    var syncCount: UInt64 { counting.counts[.sync].operationCount }

    var flushCount: UInt64 {
      let counts = engine.table.counts.pointee
      return counts.flushesToInner + counts.flushesToLeaf
    }
  }

  private static func changes(_ mode: String, _ layout: String) -> [String: ParameterValue] {
    [
      "durability": .text(mode), "buffer_layout": .text(layout), "node_bytes": .integer(64 << 10),
      "basement_bytes": .integer(4_096), "fanout": .integer(8),
    ]
  }

  @Test(arguments: ["log", "copy-on-write"], ["per-child", "shared"])
  func blindChangesReadNothingUntilAFlush(mode: String, layout: String) throws {
    let memoryByteCount = 1 << 20
    let world = try Counted(Self.changes(mode, layout), memoryByteCount: memoryByteCount)
    let engine = world.engine
    try world.load(0..<60_000)
    try engine.settle()
    #expect(engine.table.shape.leafByteCount > 6 * memoryByteCount && engine.table.shape.height >= 2)
    engine.table.dropClean()
    // The root is in memory, and nothing else.
    _ = try engine.writer.root()
    let before = world.transfers(.read)
    let flushes = world.flushCount
    var (round, messageCount) = (0, 0)
    var kinds: Set<OperationKind> = []
    while round < 400 {
      var batch = WriteBatch()
      for step in 0..<6 {
        let index = (round * 6 + step) * 97 % 60_000
        let name = key(world.number(index))
        switch step {
        case 0: batch.add(name, 3)
        case 1: batch.append(name, [1, 2, 3])
        case 2: batch.patch(name, offset: 2, [9, 9])
        case 3: batch.put(name, [1])
        case 4: batch.delete(name)
        // Over several of the root's children, now and then over all of them.
        default:
          batch.deleteRange(
            name, key(round % 8 == 0 ? Int.max : world.number(index) + (1 << 59)))
        }
      }
      // The last one that fits; range deletes count once for each child.
      let root = try engine.writer.root()
      let room = engine.settings.geometry.bufferByteCount - root.contentByteCount
      if room < 6 * 60 + root.partCount * 50 { break }
      for entry in batch.entries { kinds.insert(entry.kind) }
      try engine.apply(batch, sync: false)
      round += 1
      messageCount += 6
    }
    #expect(kinds.count == 6 && round > 40 && messageCount > 240, "\(round)")
    // Where nodes are copied, a batch that arrives in the root is counted as one that moved.
    let arrivals = mode == "log" ? 0 : UInt64(round)
    #expect(world.flushCount == flushes + arrivals)
    #expect(world.transfers(.read) == before, "\(messageCount) blind changes read")
    // With the flush come the reads.
    try world.load(60_000..<61_000)
    #expect(world.flushCount > flushes)
    for (after, before) in zip(world.transfers(.read), before) { #expect(after > before) }
    try engine.verify()
  }

  /// One message for each child that a range touches, cut to its keys; one in the log.
  @Test func aRangeDeleteIsOneMessageForEachChildItTouches() throws {
    let world = try Counted(Self.changes("log", "per-child"), memoryByteCount: 1 << 20)
    let engine = world.engine
    try world.load(0..<20_000)
    try engine.settle()
    let root = try engine.writer.root()
    #expect(root.partCount >= 3 && root.contentByteCount == 0)
    let last = root.partCount - 1
    let tail = try #require(engine.log).tailPosition
    var batch = WriteBatch()
    // From the midst of child 0 to the beginning of the last.
    let lower = [UInt8](repeating: 0, count: 8) + [1]
    batch.deleteRange(lower, root.pivots.keys[last - 1])
    try engine.apply(batch, sync: false)
    #expect((0..<last).allSatisfy { root.parts[$0].cellCount == 1 } && root.parts[last].cellCount == 0)
    // A record's head, its flags, and one cell.
    #expect(
      try #require(engine.log).tailPosition - tail
        == UInt64(16 + 1 + Cell.byteCount(key: 9, operand: root.pivots.keys[last - 1].count)))
    let upper = root.pivots.keys[last - 1]
    let rest = try engine.entries()
    let isClear = rest.allSatisfy {
      $0.key.lexicographicallyPrecedes(lower) || !$0.key.lexicographicallyPrecedes(upper)
    }
    #expect(isClear && !rest.isEmpty)
    try engine.verify()
  }

  @Test(arguments: ["log", "copy-on-write"], ["per-child", "shared"])
  func queriesWriteNothingThoughTheCacheIsFullOfChanges(mode: String, layout: String) throws {
    let memoryByteCount = 1 << 20
    var changes = Self.changes(mode, layout)
    // Nothing is written because it is time to.
    changes["checkpoint_log_bytes"] = .integer(1 << 30)
    let world = try Counted(changes, memoryByteCount: memoryByteCount)
    let engine = world.engine
    let table = engine.table
    let count = 30_000
    try world.load(0..<count)
    // Dirty to the limit, by less than a node.
    var index = 0
    while table.dirtyByteCount < table.dirtyLimitByteCount - (64 << 10), index < 2_000 {
      try world.load((count - 1 - index)..<(count - index))
      index += 1
    }
    let (dirtyByteCount, dirtyNodeCount) = (table.dirtyByteCount, table.dirtyNodeCount)
    #expect(
      dirtyByteCount >= table.dirtyLimitByteCount - (128 << 10) && dirtyByteCount <= table.dirtyLimitByteCount
    )
    #expect(dirtyByteCount * 2 > table.capacityByteCount && table.shape.leafByteCount > 3 * memoryByteCount)
    let before = (world.transfers(.write), engine.table.counts.pointee, world.syncCount)
    func expectNothingWritten(_ what: String) {
      #expect(world.transfers(.write) == before.0, "\(what)")
      #expect(table.counts.pointee.nodesWritten == before.1.nodesWritten, "\(what)")
      #expect(world.syncCount == before.2, "\(what)")
      // A buffer that is asked gets an index, which is memory; nodes stay as they were.
      #expect(table.dirtyNodeCount == dirtyNodeCount, "\(what)")
    }
    for probe in 0..<3_000 {
      let wanted = key(world.number(Int(draw(9, probe) % UInt64(count))))
      #expect(try engine.value(for: wanted) == [UInt8](repeating: 7, count: 100))
      #expect(try engine.value(for: wanted + [1]) == nil)
    }
    expectNothingWritten("gets")
    let forward = try engine.entries()
    expectNothingWritten("forward")
    let reverse = try engine.entries(order: .reverse)
    expectNothingWritten("reverse")
    #expect(forward.count == count && forward == reverse.reversed())
    // The cache was too small for that: clean nodes came and went.
    #expect(table.counts.pointee.nodesRead > before.1.nodesRead + 100)
    #expect(table.counts.pointee.evictions > before.1.evictions + 100)
    #expect(table.heldByteCount <= table.capacityByteCount)
    try engine.verify()
  }
}
