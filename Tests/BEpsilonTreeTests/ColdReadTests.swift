// Goal: ε = 1 buffers nothing and costs what a B-tree of the same node size costs; a cold point read of a settled tree with small
// parts is one read of one basement once the leaves' heads are in memory.
// Method: differential against the B-tree through the catalogue, the same operations and memory, counts by cause from both
// ledgers; a tree eight times larger than memory, read after reopening.

import Accounting
import EngineCatalogue
import KeyValue
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct ColdReadTests {
  /// What a load and cold queries moved.
  private struct Cost {
    var leafBytesWritten: UInt64 = 0
    var leafWrites: UInt64 = 0
    var innerBytesWritten: UInt64 = 0
    var bufferBytesWritten: UInt64 = 0
    var reads: UInt64 = 0
  }

  private func cost(
    _ name: String, _ changes: [String: ParameterValue], memoryByteCount: Int, count: Int, queries: Int
  ) throws -> Cost {
    let entry = try #require(engineEntry(named: name))
    var parameters = entry.defaultParameters
    for (name, value) in changes { parameters[name] = value }
    let memory = MemoryDevice(capacityByteCount: 1 << 30)
    let channel = IOChannel(device: memory, pool: memory.pool)
    let engine = try entry.open(
      EngineEnvironment(
        channel: channel, budget: MemoryBudget(limitByteCount: memoryByteCount), seed: 1, creates: true,
        syncEveryCommits: 0), parameters)
    for start in stride(from: 0, to: count, by: 100) {
      var batch = WriteBatch()
      for index in start..<(start + 100) {
        batch.put(key(Int(draw(5, index) >> 1)), [UInt8](repeating: 7, count: 100))
      }
      try engine.apply(batch, sync: false)
    }
    try engine.checkpoint()
    var cost = Cost()
    let ledger = channel.ledger
    for cause in [Cause.leaf, .basement] {
      cost.leafBytesWritten += ledger.total(.write, cause).transferredByteCount
      cost.leafWrites += ledger.total(.write, cause).requestedOperationCount
    }
    cost.innerBytesWritten = ledger.total(.write, .interior).transferredByteCount
    cost.bufferBytesWritten = ledger.total(.write, .buffer).transferredByteCount
    try engine.dropCache()
    for index in 0..<queries {
      let wanted = key(Int(draw(5, Int(draw(9, index) % UInt64(count))) >> 1))
      #expect(try engine.value(for: wanted) != nil)
    }
    cost.reads =
      channel.ledger.total(.read).transferredOperationCount - ledger.total(.read).transferredOperationCount
    return cost
  }

  @Test func epsilonOneCostsWhatABTreeCosts() throws {
    let (count, queries) = (120_000, 8_000)
    let memory = 3 << 20
    let ours = try cost(
      "bepsilon",
      [
        "node_bytes": .integer(16 << 10), "epsilon": .real(1), "checkpoint_log_bytes": .integer(1 << 20),
        "log_segment_bytes": .integer(64 << 10),
      ], memoryByteCount: memory, count: count, queries: queries)
    let tree = try cost(
      "btree",
      [
        "page_bytes": .integer(16 << 10), "commit": .text("log"), "checkpoint_operations": .integer(0),
        "checkpoint_bytes": .integer(1 << 20), "log_segment_bytes": .integer(64 << 10),
      ], memoryByteCount: memory, count: count, queries: queries)
    #expect(ours.bufferBytesWritten == 0)
    // A leaf's extent is as long as its entries, a page is whole: fewer bytes, never a tenth more; and as many leaves.
    #expect(ours.leafBytesWritten * 10 <= tree.leafBytesWritten * 11, "\(ours) \(tree)")
    #expect(ours.leafWrites * 10 <= tree.leafWrites * 11, "\(ours) \(tree)")
    #expect(ours.leafWrites * 10 >= tree.leafWrites * 8, "\(ours) \(tree)")
    #expect(ours.reads * 10 <= tree.reads * 11 && ours.reads * 11 >= tree.reads * 10, "\(ours) \(tree)")
  }

  @Test func aColdReadIsOneBasement() throws {
    let changes: [String: ParameterValue] = [
      "node_bytes": .integer(128 << 10), "basement_bytes": .integer(8_192), "fanout": .integer(8),
      "checkpoint_log_bytes": .integer(1 << 20), "log_segment_bytes": .integer(64 << 10),
    ]
    let memoryByteCount = 2 << 20
    let count = 130_000
    var bench = try Bench(changes, memoryByteCount: memoryByteCount)
    for start in stride(from: 0, to: count, by: 1_000) {
      var batch = WriteBatch()
      for index in start..<(start + 1_000) {
        batch.put(key(Int(draw(5, index) >> 1)), [UInt8](repeating: 7, count: 100))
      }
      try bench.engine.apply(batch, sync: false)
    }
    try bench.engine.settle()
    #expect(bench.engine.table.shape.leafByteCount >= 8 * memoryByteCount)
    try bench.engine.close()
    bench.engine = try Bench.open(bench.channel, changes, memoryByteCount, creates: false)
    func read(_ range: Range<Int>) throws {
      for index in range {
        let wanted = key(Int(draw(5, Int(draw(9, index) % UInt64(count))) >> 1))
        #expect(try bench.engine.value(for: wanted) == [UInt8](repeating: 7, count: 100))
      }
    }
    try read(0..<2_000)
    let before = bench.channel.ledger.total(.read)
    try read(2_000..<7_000)
    let after = bench.channel.ledger.total(.read)
    let reads = after.transferredOperationCount - before.transferredOperationCount
    #expect(reads <= 5_000 * 11 / 10, "\(reads) reads for 5,000 queries")
    #expect(after.transferredByteCount - before.transferredByteCount <= reads * 8_192)
  }
}
