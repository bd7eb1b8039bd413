// Goal: values of any length up to the limit, from nothing to several MiB, go through buffers, flushes, splits, upserts, deletes,
// snapshots and reopenings; the extents of those that are gone are given back, to the byte.
// Method: model-based runs with values around every border, in both durability modes, the whole tree checked (it counts extents and
// reads every long value); the volume's ledger of live bytes after everything was deleted. Seeds are in the names.

import Accounting
import KeyValue
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct OverflowValueTests {
  static let modes = ["log", "copy-on-write"]

  private func changes(_ mode: String) -> [String: ParameterValue] {
    [
      "durability": .text(mode), "node_bytes": .integer(8 << 10), "fanout": .integer(4),
      "entry_bytes": .integer(32),
      "checkpoint_operations": .integer(150),
    ]
  }

  /// Bytes that tell which value they are.
  private func value(_ seed: Int, _ byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: seed &* 31 &+ $0 &* 7 &+ $0 >> 9) }
  }

  @Test(arguments: modes, [1, 2] as [UInt64])
  func longValuesAreAnsweredAsTheModelDoes(mode: String, seed: UInt64) throws {
    var bench = try Bench(changes(mode), memoryByteCount: 2 << 20)
    let model = ReferenceModel(limits: bench.engine.limits)
    let limit = bench.engine.settings.inlineLimitByteCount
    #expect(bench.engine.limits.maximumValueByteCount >= 64 << 10)
    let lengths = [0, 1, limit - 1, limit, limit + 1, 3 * limit, 40_000]
    var counter = 0
    func next(_ bound: Int) -> Int {
      counter += 1
      return Int(draw(seed, counter) % UInt64(bound))
    }
    var snapshots: [(view: any ReadView, entries: [KeyValuePair])] = []
    for round in 0..<120 {
      var batch = WriteBatch()
      for _ in 0..<(1 + next(12)) {
        let key = key(next(200))
        switch next(12) {
        case 0..<5: batch.put(key, value(round, lengths[next(lengths.count)]))
        case 5: batch.delete(key)
        case 6: batch.append(key, value(round, 1 + next(60)))
        case 7: batch.append(key, value(round, limit + 1 + next(400)))
        case 8: batch.patch(key, offset: UInt32(next(3 * limit)), value(round, 5))
        case 9: batch.patch(key, offset: UInt32(next(100)), value(round, limit + 9))
        case 10: batch.add(key, Int64(round))
        default:
          let start = next(200)
          batch.deleteRange(BEpsilonTreeTests.key(start), BEpsilonTreeTests.key(start + next(20)))
        }
      }
      try bench.engine.apply(batch, sync: round % 5 == 0)
      try model.apply(batch, sync: false)
      try bench.engine.verify()
      if round % 8 == 7 {
        #expect(try bench.engine.entries() == model.entries(), "round \(round)")
        #expect(try bench.engine.entries(order: .reverse) == model.entries().reversed(), "round \(round)")
      }
      switch next(14) {
      case 0: try bench.engine.settle()
      case 1: bench.engine.table.dropClean()
      case 2: snapshots.append((try bench.engine.makeSnapshot(), try model.entries()))
      case 3:
        for snapshot in snapshots {
          #expect(try snapshot.view.entries() == snapshot.entries, "round \(round)")
        }
        snapshots = []
      case 4 where snapshots.isEmpty:
        try bench.engine.close()
        bench.engine = try Bench.open(bench.channel, changes(mode), 2 << 20, creates: false)
      default: break
      }
    }
    for number in 0..<200 {
      #expect(try bench.engine.value(for: key(number)) == model.value(for: key(number)))
    }
    #expect(bench.engine.table.shape.overflowCount > 10)
  }

  @Test(arguments: modes)
  func extentsOfDeletedValuesAreGivenBack(mode: String) throws {
    let bench = try Bench(changes(mode), memoryByteCount: 2 << 20)
    let empty = bench.engine.volume.accounting().liveByteCount
    for round in 0..<30 {
      var batch = WriteBatch()
      for index in 0..<10 { batch.put(key(round * 10 + index), value(index, 20_000)) }
      try bench.engine.apply(batch, sync: false)
    }
    #expect(bench.engine.table.shape.overflowCount == 300)
    // Replaced by short ones, deleted one by one, and by a range.
    var batch = WriteBatch()
    for number in 0..<100 { batch.put(key(number), [1]) }
    for number in 100..<200 { batch.delete(key(number)) }
    batch.deleteRange(key(200), key(300))
    try bench.engine.apply(batch, sync: false)
    try bench.engine.settle()
    #expect(bench.engine.table.shape.overflowCount == 0)
    #expect(bench.engine.table.shape.overflowByteCount == 0)
    batch = WriteBatch()
    batch.deleteRange(key(0), key(300))
    try bench.engine.apply(batch, sync: false)
    try bench.engine.settle()
    #expect(bench.engine.volume.accounting().liveByteCount == empty)
    try bench.engine.verify()
  }

  @Test func aMovedMessageMovesAReference() throws {
    // Inner nodes of 8 KiB carry messages about values of 60 KB.
    let bench = try Bench(changes("log"), memoryByteCount: 4 << 20)
    for start in stride(from: 0, to: 600, by: 20) {
      var batch = WriteBatch()
      for number in start..<(start + 20) { batch.put(key(Int(draw(7, number) >> 2)), value(number, 60_000)) }
      try bench.engine.apply(batch, sync: false)
    }
    try bench.engine.settle()
    let written = bench.channel.ledger.total(.write, Cause.overflow).requestedByteCount
    let values = UInt64(600 * 61_440)
    #expect(
      written >= 600 * 60_000 && written <= values + values / 100, "each value is written once: \(written)")
    #expect(bench.channel.ledger.total(.read, Cause.overflow).requestedByteCount == 0)
    try bench.engine.verify()
  }

  @Test func valuesOfSeveralMebibytes() throws {
    var settings = changes("log")
    settings["node_bytes"] = .integer(64 << 10)
    var bench = try Bench(settings, memoryByteCount: 128 << 20)
    #expect(bench.engine.limits.maximumValueByteCount == 4 << 20)
    var batch = WriteBatch()
    for number in 0..<6 { batch.put(key(number), value(number, (number + 1) * 700_000 - 300_000)) }
    batch.put(key(6), [])
    try bench.engine.apply(batch, sync: true)
    try bench.engine.close()
    bench.engine = try Bench.open(bench.channel, settings, 128 << 20, creates: false)
    for number in 0..<6 {
      let expected = value(number, (number + 1) * 700_000 - 300_000)
      #expect(try bench.engine.value(for: key(number)) == expected)
    }
    #expect(try bench.engine.value(for: key(6)) == [])
    var tooLong = WriteBatch()
    tooLong.put(key(7), [UInt8](repeating: 0, count: 4 << 20 + 1))
    #expect(throws: EngineError.self) { try bench.engine.apply(tooLong, sync: false) }
    try bench.engine.verify()
  }

  @Test func aFlippedBitInALongValueIsFoundWhenItIsRead() throws {
    let bench = try Bench(changes("log"), memoryByteCount: 2 << 20)
    var batch = WriteBatch()
    batch.put(key(1), value(1, 30_000))
    try bench.engine.apply(batch, sync: false)
    try bench.engine.settle()
    let root = try bench.engine.table.wholeNode(bench.engine.table.shape.root, birth: 0, level: 0)
    let cell = UnsafeRawPointer(root.parts[0].run.cells + Int(root.parts[0].run.index.lines[0].offset))
    #expect(Cell.isReference(cell))
    let extent = try bench.engine.volume.extent(of: Cell.reference(cell))
    bench.memory.flipBit(ofByteAt: extent.offset + 17_000, bit: 3)
    #expect(throws: EngineError.self) { _ = try bench.engine.value(for: key(1)) }
    #expect(throws: EngineError.self) { try bench.engine.verify() }
  }
}
