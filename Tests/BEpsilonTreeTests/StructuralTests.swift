// Goal (structural stress): through loads, flushes, splits, merges, range deletes, evictions and reopenings the tree answers as
// a model does and every node stays within its bounds; deletes shrink it.
// Method: model-based runs against a sorted array of pairs, the whole tree checked after every batch; bounds and counts from the
// checker's measure. Seeds are in the test names.

import Accounting
import KeyValue
import Storage
import Testing

@testable import BEpsilonTree

/// A geometry under stress.
struct Geometry: Sendable, CustomStringConvertible {
  var description: String
  var changes: [String: ParameterValue]
  var memoryByteCount: Int

  static let all: [Geometry] = [
    Geometry(
      description: "4 KiB, ε 0.5",
      changes: ["node_bytes": .integer(4_096), "epsilon": .real(0.5), "entry_bytes": .integer(32)],
      memoryByteCount: 512 << 10),
    Geometry(
      description: "4 KiB, ε 0", changes: ["node_bytes": .integer(4_096), "epsilon": .real(0)],
      memoryByteCount: 256 << 10),
    Geometry(
      description: "4 KiB, ε 1",
      changes: ["node_bytes": .integer(4_096), "epsilon": .real(1), "entry_bytes": .integer(64)],
      memoryByteCount: 256 << 10),
    Geometry(
      description: "32 KiB in parts of 4 KiB, F 5, all",
      changes: [
        "node_bytes": .integer(32_768), "basement_bytes": .integer(4_096), "fanout": .integer(5),
        "flush_policy": .text("all"),
      ], memoryByteCount: 1 << 20),
    Geometry(
      description: "32 KiB in parts of 4 KiB, F 9, cache-aware",
      changes: [
        "node_bytes": .integer(32_768), "basement_bytes": .integer(4_096), "fanout": .integer(9),
        "flush_policy": .text("cache-aware"),
      ], memoryByteCount: 640 << 10),
    Geometry(
      description: "copy-on-write, 4 KiB, ε 0.5, all",
      changes: [
        "node_bytes": .integer(4_096), "epsilon": .real(0.5), "entry_bytes": .integer(32),
        "durability": .text("copy-on-write"), "flush_policy": .text("all"),
      ], memoryByteCount: 512 << 10),
    Geometry(
      description: "copy-on-write, 32 KiB in parts of 4 KiB, F 9, passing through from 500 bytes",
      changes: [
        "node_bytes": .integer(32_768), "basement_bytes": .integer(4_096), "fanout": .integer(9),
        "durability": .text("copy-on-write"), "pass_through_bytes": .integer(500),
      ], memoryByteCount: 640 << 10),
  ]
}

@Suite struct StructuralTests {
  /// Holds the nodes of a tree at rest against its geometry.
  private func expectWellFormed(_ bench: Bench, batchByteCount: Int) throws {
    let table = bench.engine.table
    #expect(table.heldByteCount <= table.capacityByteCount)
    #expect(table.dirtyByteCount <= table.dirtyLimitByteCount)
    for node in table.ring { #expect(node.pinCount == 0 && node.charge == node.memoryByteCount()) }
    let measure = try bench.measure()
    let geometry = bench.engine.settings.geometry
    for (level, line) in measure.levels.enumerated() {
      if level == 0 {
        #expect(line.largestContentByteCount <= bench.engine.writer.leafCapacityByteCount)
      } else if level + 1 < measure.levels.count {
        #expect(line.largestContentByteCount <= geometry.bufferByteCount)
      } else {
        #expect(line.largestContentByteCount <= geometry.bufferByteCount + batchByteCount)
      }
      #expect(line.largestChildCount <= geometry.maximumChildCount)
    }
  }

  @Test(arguments: Geometry.all, [1, 2] as [UInt64])
  func everyBatchLeavesAWellFormedTreeThatAnswersAsTheModel(geometry: Geometry, seed: UInt64) throws {
    var bench = try Bench(geometry.changes, memoryByteCount: geometry.memoryByteCount)
    let model = ReferenceModel(limits: bench.engine.limits)
    var counter = 0
    func next(_ bound: Int) -> Int {
      counter += 1
      return Int(draw(seed, counter) % UInt64(bound))
    }
    for round in 0..<120 {
      var batch = WriteBatch()
      // Phases of growth and of decline.
      let isGrowing = round % 40 < 28
      for _ in 0..<60 {
        let number = key(next(6_000), byteCount: 8)
        switch next(100) {
        case 0..<(isGrowing ? 70 : 20): batch.put(number, [UInt8](repeating: UInt8(round), count: next(70)))
        case ..<80: batch.delete(number)
        case ..<86: batch.add(number, 5)
        case ..<92: batch.append(number, [1, 2, 3])
        case ..<98: batch.patch(number, offset: UInt32(next(20)), [9])
        default:
          let start = next(6_000)
          batch.deleteRange(
            key(start, byteCount: 8), key(start + next(isGrowing ? 40 : 900), byteCount: 8))
        }
      }
      try bench.engine.apply(batch, sync: round % 9 == 0)
      try model.apply(batch, sync: false)
      try expectWellFormed(bench, batchByteCount: 60 * 90)
      if round % 10 == 9 {
        let expected = try model.entries()
        #expect(try bench.engine.entries() == expected, "round \(round)")
        #expect(try bench.engine.entries(order: .reverse) == expected.reversed(), "round \(round), reverse")
      }
      switch next(12) {
      case 0: try bench.engine.checkpoint()
      case 1: bench.engine.table.dropClean()
      case 2 where round % 4 == 0: try bench.engine.settle()
      case 3:
        try bench.engine.close()
        bench.engine = try Bench.open(
          bench.channel, geometry.changes, geometry.memoryByteCount, creates: false)
      default: break
      }
    }
    #expect(bench.engine.table.shape.height >= 1)
  }

  private func load(_ bench: Bench, _ range: Range<Int>, _ number: (Int) -> Int) throws {
    var start = range.lowerBound
    while start < range.upperBound {
      var batch = WriteBatch()
      for index in start..<min(start + 500, range.upperBound) {
        batch.put(key(number(index)), [UInt8](repeating: 7, count: 100))
      }
      try bench.engine.apply(batch, sync: false)
      start += 500
    }
  }

  static let medium: [String: ParameterValue] = [
    "node_bytes": .integer(64 << 10), "basement_bytes": .integer(4_096), "fanout": .integer(8),
    "checkpoint_log_bytes": .integer(1 << 20),
  ]

  @Test func deletingEverythingLeavesOneLeaf() throws {
    let bench = try Bench(Self.medium, memoryByteCount: 2 << 20)
    let count = 30_000
    try load(bench, 0..<count) { Int(draw(4, $0) >> 2) }
    #expect(bench.engine.table.shape.height >= 2)
    for start in stride(from: 0, to: count, by: 500) {
      var batch = WriteBatch()
      for index in start..<(start + 500) { batch.delete(key(Int(draw(4, index) >> 2))) }
      try bench.engine.apply(batch, sync: false)
    }
    try bench.engine.settle()
    #expect(bench.engine.table.shape.height == 0)
    #expect(bench.engine.table.shape.leafCount == 1)
    #expect(try bench.engine.entries().isEmpty)
    try bench.engine.verify()
  }

  @Test(arguments: [false, true])
  func deletingAContiguousHalfGivesItsSpaceBack(asRange: Bool) throws {
    let bench = try Bench(
      Self.medium.merging(["log_segment_bytes": .integer(16 << 10)]) { $1 }, memoryByteCount: 2 << 20)
    let count = 40_000
    try load(bench, 0..<count) { $0 }
    let full = Int(try bench.engine.spaceReport().allocatedByteCount)
    if asRange {
      var batch = WriteBatch()
      batch.deleteRange(key(0), key(count / 2))
      try bench.engine.apply(batch, sync: false)
    } else {
      for start in stride(from: 0, to: count / 2, by: 500) {
        var batch = WriteBatch()
        for index in start..<(start + 500) { batch.delete(key(index)) }
        try bench.engine.apply(batch, sync: false)
      }
    }
    try bench.engine.settle()
    let shape = bench.engine.table.shape
    let live = count / 2 * 116
    #expect(
      shape.leafByteCount + shape.innerByteCount <= live + live / 10 + (shape.height + 1) * (64 << 10),
      "\(shape) for \(live) bytes")
    // And of the device: what is allocated, but for the volume's own blocks and the log.
    let report = try bench.engine.spaceReport()
    let dead = report.parts.first { $0.name == "dead_versions" }?.byteCount ?? .max
    #expect(dead <= 66 * 4_096, "the pending log and the map before the last commit")
    let other =
      dead + report.parts.filter { ["log", "metadata"].contains($0.name) }.reduce(0) { $0 + $1.byteCount }
    let allocated = Int(report.allocatedByteCount)
    #expect(allocated < full / 3 * 2)
    #expect(
      allocated - Int(other) <= live + live / 10 + (shape.height + 1) * (64 << 10) && other <= 656 << 10,
      "\(report.parts) for \(live) bytes")
    #expect(try bench.engine.entries().count == count / 2)
    try bench.engine.verify()
  }

  @Test func aPointQueryReadsPartsAndNotNodes() throws {
    var changes = Self.medium
    changes["node_bytes"] = .integer(256 << 10)
    let bench = try Bench(changes, memoryByteCount: 8 << 20)
    let count = 60_000
    try load(bench, 0..<count) { Int(draw(4, $0) >> 2) }
    try bench.engine.checkpoint()
    let (geometry, height) = (bench.engine.settings.geometry, bench.engine.table.shape.height)
    #expect(height >= 1)
    let unit: UInt64 = 4_096
    let share = UInt64(geometry.bufferByteCount / geometry.fanout) / unit * unit
    var total: UInt64 = 0
    for index in 0..<50 {
      bench.engine.table.dropClean()
      let before = bench.channel.ledger
      let wanted = key(Int(draw(4, index * 1_009 % count) >> 2))
      #expect(try bench.engine.value(for: wanted) == [UInt8](repeating: 7, count: 100))
      let ledger = bench.channel.ledger.subtracting(before)
      // A head of one unit for each inner node; of the leaf a head of two and one basement; one buffer on each level at most.
      #expect(ledger.total(.read, .interior).transferredByteCount <= UInt64(height) * unit)
      #expect(ledger.total(.read, .leaf).transferredByteCount <= 2 * unit)
      #expect(ledger.total(.read, .basement).transferredByteCount <= unit)
      #expect(ledger.total(.read, .buffer).transferredOperationCount <= UInt64(height))
      total += ledger.total(.read).transferredByteCount
    }
    // A full node of F children has an F-th of B − F for each; after splits there are half as many, on average three quarters.
    let limit = UInt64(height) * (unit + share * 3 / 2) + 3 * unit
    #expect(total <= 50 * limit, "\(total / 50) bytes a query, at most \(limit) were expected")
  }

  /// A lone message for anywhere in a leaf that need not be written waits in the buffers; behind its last key it does not.
  @Test func aLoneMessageChangesNoLeafThatIsClean() throws {
    let bench = try Bench(Self.medium, memoryByteCount: 8 << 20)
    let count = 20_000
    try load(bench, 0..<count) { Int(draw(4, $0) >> 2) }
    try bench.engine.settle()
    let before = bench.statistic("bypassed_operations")
    for index in 0..<40 { try load(bench, index..<(index + 1)) { Int(draw(4, $0 * 487) >> 2) } }
    #expect(bench.statistic("bypassed_operations") == before)
    try bench.engine.settle()
    try load(bench, 0..<1) { _ in Int.max }
    #expect(bench.statistic("bypassed_operations") == before + 1)
    try bench.engine.verify()
  }

  @Test func aSortedLoadWritesItsDataOnce() throws {
    let bench = try Bench(Self.medium, memoryByteCount: 2 << 20)
    let count = 60_000
    try load(bench, 0..<count) { $0 }
    try bench.engine.settle()
    let written = bench.channel.ledger.total(.write, .data).requestedByteCount
    #expect(Double(written) <= 1.3 * Double(count * 116), "\(written) bytes written")
    #expect(bench.statistic("bypassed_operations") > UInt64(count * 4 / 5))
    let shape = bench.engine.table.shape
    #expect(Double(shape.leafByteCount) <= 1.15 * Double(count * 124), "\(shape)")
    try bench.engine.verify()
  }

  @Test func aQueryOfASharedBufferReadsTheWholeNode() throws {
    var reads: [UInt64] = []
    for layout in ["per-child", "shared"] {
      var changes = Self.medium
      changes["node_bytes"] = .integer(256 << 10)
      changes["buffer_layout"] = .text(layout)
      let bench = try Bench(changes, memoryByteCount: 8 << 20)
      let count = 60_000
      try load(bench, 0..<count) { Int(draw(4, $0) >> 2) }
      try bench.engine.checkpoint()
      var read: UInt64 = 0
      for index in 0..<50 {
        bench.engine.table.dropClean()
        let before = bench.channel.ledger.total(.read).transferredByteCount
        let wanted = key(Int(draw(4, index * 1_009 % count) >> 2))
        #expect(try bench.engine.value(for: wanted) == [UInt8](repeating: 7, count: 100))
        read += bench.channel.ledger.total(.read).transferredByteCount - before
      }
      try bench.engine.verify()
      reads.append(read)
    }
    #expect(reads[1] > 2 * reads[0], "\(reads)")
  }

  @Test func aDirectoryThatGrowsTakesItsMemoryFromTheNodes() throws {
    // Many small nodes: numbers, places and the map of units outgrow what was kept for them.
    let bench = try Bench(
      ["node_bytes": .integer(4_096), "epsilon": .real(0.4)], memoryByteCount: 256 << 10)
    let capacity = bench.engine.table.capacityByteCount
    try load(bench, 0..<160_000) { Int(draw(6, $0) >> 2) }
    #expect(bench.engine.table.capacityByteCount < capacity)
    #expect(bench.engine.volume.budget.peakByteCount <= 256 << 10)
    try bench.engine.verify()
  }
}
