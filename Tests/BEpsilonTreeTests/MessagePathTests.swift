// Goal: moving a message asks for no memory, a flush for one arena at most; emptied arenas are used again, up to a limit; inner nodes stay in memory between
// their turns while leaves pass through.
// Method: the test program's allocator counts the calls of this thread, with a canary; pools of a few blocks; the ledger's bytes by
// cause of a load whose inner nodes fit into memory and whose leaves do not.

import Accounting
import CAllocationCount
import KeyValue
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct MessagePathTests {
  /// Allocations of `body` on this thread.
  private func allocations(_ body: () throws -> Void) rethrows -> UInt64 {
    let before = betula_allocation_count()
    try body()
    return betula_allocation_count() - before
  }

  private func batch(_ range: Range<Int>) -> WriteBatch {
    var batch = WriteBatch()
    for index in range { batch.put(key(Int(draw(11, index) >> 1)), [UInt8](repeating: 3, count: 100)) }
    return batch
  }

  @Test(.enabled(if: betula_counts_allocations() == 1)) func theCanaryIsCounted() {
    var kept: [[UInt8]] = []
    let count = allocations { kept.append([UInt8](repeating: 1, count: Int(draw(1, 1) % 8) + 100)) }
    #expect(count >= 1 && kept.count == 1)
  }

  /// Root and inner nodes with room: messages are appended to the root and flushed into its children.
  @Test(.enabled(if: betula_counts_allocations() == 1)) func messagesOnTheirWayAskForNoMemory() throws {
    let bench = try Bench(
      [
        "node_bytes": .integer(512 << 10), "fanout": .integer(6), "checkpoint_log_bytes": .integer(1 << 30),
      ], memoryByteCount: 256 << 20)
    let writer = bench.engine.writer
    var next = 0
    while bench.engine.table.shape.height < 2 {
      try bench.engine.apply(batch(next..<(next + 500)), sync: false)
      next += 500
    }
    // Inner nodes are emptied, so what follows stays above the leaves.
    func emptyInnerNodes() throws {
      try bench.engine.settle()
      #expect(try writer.root().contentByteCount == 0)
    }
    /// Appends batches to the root and flushes them into its children; the allocations of that.
    func move() throws -> UInt64 {
      var count: UInt64 = 0
      for round in 0..<8 {
        let moved = batch((next + round * 200)..<(next + (round + 1) * 200))
        let root = try writer.root()
        let before = betula_allocation_count()
        writer.insert(moved, into: root)
        for child in 0..<root.partCount { try writer.flush(root, child) }
        count += betula_allocation_count() - before
      }
      return count
    }
    // Once to warm up: the pool then has the arenas.
    try emptyInnerNodes()
    _ = try move()
    try emptyInnerNodes()
    let before = bench.engine.table.counts.pointee
    let count = try move()
    let after = bench.engine.table.counts.pointee
    #expect(after.messagesToInner - before.messagesToInner == 1_600)
    #expect(after.messagesToLeaf == before.messagesToLeaf)
    // Not for a message, and at most the arena that a flush makes larger: what settled in the leaves kept its own.
    #expect(count <= after.flushesToInner - before.flushesToInner)
    try bench.engine.verify()
  }

  /// The whole way of a batch, through `apply` and the log: as many messages as one likes cost what one costs, and that is next to
  /// nothing. The root has the room; its arenas grew to their size in a first round.
  @Test(.enabled(if: betula_counts_allocations() == 1), arguments: ["fullest", "random", "cache-aware"])
  func aBatchThroughApplyAndLogAsksForNoMemory(policy: String) throws {
    let bench = try Bench(
      [
        "node_bytes": .integer(1 << 20), "fanout": .integer(6), "checkpoint_log_bytes": .integer(1 << 30),
        "flush_policy": .text(policy), "sequential_bypass": .boolean(false),
      ], memoryByteCount: 256 << 20)
    var next = 0
    func apply(_ count: Int, times: Int) throws -> UInt64 {
      var sum: UInt64 = 0
      for _ in 0..<times {
        let moved = batch(next..<(next + count))
        next += count
        let before = betula_allocation_count()
        try bench.engine.apply(moved, sync: false)
        sum += betula_allocation_count() - before
      }
      return sum
    }
    while bench.engine.table.shape.height < 1 { _ = try apply(1_000, times: 1) }
    // Fill the root and empty it: its buffers leave their arenas to the pool.
    _ = try apply(100, times: 60)
    try bench.engine.settle()
    _ = try apply(100, times: 10)
    let root = try bench.engine.writer.root()
    let flushes = bench.engine.table.counts.pointee.progress
    // As long as no buffer's arena grows: ten batches of one, ten of fifty.
    let single = try apply(1, times: 10)
    let many = try apply(50, times: 10)
    #expect(bench.engine.table.counts.pointee.progress == flushes && root.contentByteCount > 0)
    // The batch's own memory is the caller's. An arena may grow on the way.
    #expect(single <= 1, "\(single) allocations for 10 batches of one")
    #expect(many <= single + 2, "\(many) for 10 batches of fifty, \(single) for ten of one")
  }

  /// A whole load, flushes to leaves and splits included: what is allocated belongs to nodes, not to messages.
  @Test(.enabled(if: betula_counts_allocations() == 1)) func aLoadAllocatesByNodesAndNotByMessages() throws {
    let bench = try Bench(
      [
        "node_bytes": .integer(256 << 10), "fanout": .integer(8), "checkpoint_log_bytes": .integer(1 << 30),
      ], memoryByteCount: 256 << 20)
    var count: UInt64 = 0
    for round in 0..<60 {
      let moved = batch((round * 1_000)..<((round + 1) * 1_000))
      let before = betula_allocation_count()
      try bench.engine.apply(moved, sync: false)
      if round >= 30 { count += betula_allocation_count() - before }
    }
    // Basements that are cut in two, of 16 KiB: some allocations each for an index and an arena of the right size.
    let cutCount = 30_000 * Cell.byteCount(key: 16, operand: 100) / (16 << 10) * 2
    #expect(
      count < UInt64(6 * cutCount),
      "\(count) allocations for 30,000 messages, \(cutCount) basements were made")
  }

  @Test func emptiedArenasAreUsedAgainUpToALimit() {
    let pool = ArenaPool(limitByteCount: 200_000)
    #expect(ArenaPool.blockByteCount(100) == 100)
    for (wanted, expected) in [(512, 512), (513, 768), (769, 1_024), (65_537, 98_304), (98_305, 131_072)] {
      #expect(ArenaPool.blockByteCount(wanted) == expected)
    }
    let first = pool.take(98_304)
    let second = pool.take(131_072)
    pool.give(first, 98_304)
    #expect(pool.keptByteCount == 98_304)
    let again = pool.take(98_304)
    #expect(again == first && pool.keptByteCount == 0)
    pool.give(again, 98_304)
    // An odd one belongs to no class; where there is no room the class with the most bytes gives way.
    pool.give(.allocate(byteCount: 70_000, alignment: 16), 70_000)
    #expect(pool.keptByteCount == 98_304)
    pool.give(second, 131_072)
    #expect(pool.keptByteCount == 98_304)
    var blocks: [UnsafeMutableRawPointer] = []
    for _ in 0..<300 { blocks.append(pool.take(1_024)) }
    for block in blocks { pool.give(block, 1_024) }
    #expect(pool.keptByteCount <= 200_000 && pool.keptByteCount > 190_000)
    // Both classes are there: neither kept the other out.
    let last = pool.take(98_304)
    #expect(pool.keptByteCount < 110_000)
    pool.give(last, 98_304)
  }

  @Test func innerNodesStayBetweenTheirTurns() throws {
    let bench = try Bench(
      [
        "node_bytes": .integer(32 << 10), "basement_bytes": .integer(4_096), "fanout": .integer(16),
        "checkpoint_log_bytes": .integer(4 << 20),
      ], memoryByteCount: 3 << 20)
    for round in 0..<60 {
      try bench.engine.apply(batch((round * 1_000)..<((round + 1) * 1_000)), sync: false)
    }
    func written(_ causes: [Cause]) -> UInt64 {
      causes.reduce(0) { $0 + bench.channel.ledger.total(.write, $1).transferredByteCount }
    }
    let inner = written([.interior, .buffer])
    let leaves = written([.leaf, .basement])
    let shape = bench.engine.table.shape
    #expect(shape.leafByteCount > 2 * (3 << 20) && shape.innerByteCount < 3 << 19, "\(shape)")
    #expect(inner * 3 < leaves, "\(inner) bytes of inner nodes, \(leaves) of leaves")
    #expect(bench.engine.table.dirtyByteCount <= bench.engine.table.dirtyLimitByteCount)
    try bench.engine.verify()
  }
}
