// Goal: a minimum flush size makes flushes larger and transfers fewer; promoted messages skip flushes; answers stay the same; impossible
// settings are refused when the engine is opened. What the tree reports of its form is what is there.
// Method: one load under both settings, the ledger and the counters compared, answers compared entry by entry.

import Accounting
import KeyValue
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct FlushOptionTests {
  private static let base: [String: ParameterValue] = [
    "node_bytes": .integer(64 << 10), "basement_bytes": .integer(4_096), "fanout": .integer(16),
    "checkpoint_log_bytes": .integer(1 << 20),
  ]

  private func load(_ changes: [String: ParameterValue], _ number: (Int) -> Int) throws -> Bench {
    let bench = try Bench(Self.base.merging(changes) { $1 }, memoryByteCount: 2 << 20)
    for start in stride(from: 0, to: 30_000, by: 250) {
      var batch = WriteBatch()
      for index in start..<(start + 250) { batch.put(key(number(index)), [UInt8](repeating: 7, count: 60)) }
      try bench.engine.apply(batch, sync: false)
    }
    return bench
  }

  private func random(_ index: Int) -> Int { Int(draw(3, index) >> 2) }

  private func transfers(_ bench: Bench) -> UInt64 {
    [Cause.interior, .buffer, .leaf, .basement].reduce(0) { sum, cause in
      sum + bench.channel.ledger.total(.read, cause).transferredByteCount
        + bench.channel.ledger.total(.write, cause).transferredByteCount
    }
  }

  @Test(arguments: ["all", "round-robin", "random"])
  func aMinimumFlushSizeMakesFlushesLargerAndTransfersFewer(policy: String) throws {
    let eager = try load(["flush_policy": .text(policy)], random)
    let patient = try load(
      ["flush_policy": .text(policy), "minimum_flush_bytes": .integer(8 << 10)], random)
    func messagesPerFlush(_ bench: Bench) -> UInt64 {
      (bench.statistic("messages_flushed_to_leaves") + bench.statistic("messages_flushed_to_inner_nodes"))
        / (bench.statistic("flushes_to_leaves") + bench.statistic("flushes_to_inner_nodes"))
    }
    #expect(messagesPerFlush(patient) * 20 > messagesPerFlush(eager) * 21, "\(messagesPerFlush(eager))")
    #expect(transfers(patient) < transfers(eager), "\(transfers(patient)) \(transfers(eager))")
    #expect(try patient.engine.entries() == eager.engine.entries())
    try patient.engine.verify()
  }

  @Test func promotedMessagesSkipFlushes() throws {
    // Bursts of neighbours: the buffers above most of them are empty.
    func burst(_ index: Int) -> Int { Int(draw(4, index / 50) >> 20) * 64 + index % 50 }
    let without = try load(["promotion": .boolean(false), "fanout": .integer(8)], burst)
    let with = try load(["promotion": .boolean(true), "fanout": .integer(8)], burst)
    #expect(with.engine.table.shape.height >= 2)
    #expect(with.statistic("promoted_messages") > 1_000)
    #expect(
      with.statistic("messages_flushed_to_inner_nodes") < without.statistic("messages_flushed_to_inner_nodes")
    )
    #expect(try with.engine.entries() == without.engine.entries())
    try with.engine.verify()
  }

  @Test func aMinimumBeyondTheBufferIsRefused() {
    let error = #expect(throws: EngineError.self) {
      _ = try Bench(["node_bytes": .integer(65_536), "minimum_flush_bytes": .integer(65_537)])
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("minimum_flush_bytes is 65537"))
  }

  @Test func theReportIsWhatIsThere() throws {
    var bench = try load([:], random)
    for _ in 0..<2 {
      let measure = try bench.measure()
      let report = try #require(bench.engine.treeReport())
      let geometry = bench.engine.settings.geometry
      #expect(report.height == measure.levels.count - 1)
      #expect(report.epsilonUnit == "entries")
      for (level, line) in report.levels.enumerated() {
        #expect(line.level == level && line.nodeCount == UInt64(measure.levels[level].nodeCount))
        if level == 0 { continue }
        let found = measure.levels[level]
        let fill = Double(found.cellByteCount) / Double(found.nodeCount * geometry.bufferByteCount)
        #expect(line.bufferFill == fill)
        let epsilon = try #require(line.effectiveEpsilon)
        #expect(epsilon > 0 && epsilon < 1)
      }
      let flushes = bench.statistic("flushes_to_leaves") + bench.statistic("flushes_to_inner_nodes")
      #expect(report.messagesPerFlush.total == flushes)
      // Counts by level are kept over a reopening.
      try bench.engine.close()
      bench.engine = try Bench.open(bench.channel, Self.base, 2 << 20, creates: false)
    }
  }
}
