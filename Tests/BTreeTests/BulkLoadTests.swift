// Goal (bulk load): sorted input becomes a sound tree of pages as full as asked for, whatever the sizes of keys and values; each
// page is written once; a load that fails or is let go leaves no extent; a crash shows all of it or nothing.
// Method: random and extreme entry sizes, compared with what was put in and held against `verify`; counters and the space
// report; the power cut after every device call. Seeds are in the arguments.

import BTree
import EngineCatalogue
import KeyValue
import Primitives
import Storage
import Testing

@Suite struct BulkLoadTests {
  /// Ascending entries whose sizes are drawn: short and long keys that share much or little, values from nothing to many pages.
  private func entries(_ seed: UInt64, _ count: Int, longestKey: Int) -> [KeyValuePair] {
    var keys: [[UInt8]] = []
    for index in 0..<count {
      let random = draw(seed, index)
      var bytes = withUnsafeBytes(of: (random >> 16).bigEndian) { Array($0) }
      let style = random & 7
      if style == 0 { bytes = [UInt8](repeating: 0xAA, count: Int(random >> 8) % (longestKey - 8)) + bytes }
      if style == 1 { bytes = Array(bytes.prefix(Int(random >> 8) & 7)) }
      if style == 2 { bytes += [UInt8](repeating: UInt8(index & 255), count: longestKey - 8) }
      keys.append(bytes)
    }
    keys.sort { $0.lexicographicallyPrecedes($1) }
    var result: [KeyValuePair] = []
    for (index, key) in keys.enumerated() where result.last?.key != key {
      let random = draw(seed ^ 0xBEEF, index)
      let size = random & 31 == 0 ? Int(random >> 8) % 20_000 : Int(random >> 8) % 300
      result.append(KeyValuePair(key: key, value: [UInt8](repeating: UInt8(index & 255), count: size)))
    }
    return result
  }

  private func load(_ bench: Bench, _ entries: [KeyValuePair], batch size: Int = 500) throws {
    let load = try bench.engine.makeBulkLoad()
    var start = 0
    while start < entries.count {
      var batch = WriteBatch()
      for pair in entries[start..<min(start + size, entries.count)] { batch.put(pair.key, pair.value) }
      try load.append(batch)
      start += size
    }
    try load.finish()
  }

  @Test(
    arguments: [1, 2, 3, 4] as [UInt64],
    [(4_096, 100, "path-copy"), (4_096, 60, "log"), (16_384, 90, "path-copy")])
  func sortedEntriesOfAnySizeMakeASoundTree(seed: UInt64, setting: (page: Int, fill: Int, commit: String))
    throws
  {
    let changes: [String: ParameterValue] = [
      "page_bytes": .integer(setting.page), "bulk_fill_percent": .integer(setting.fill),
      "commit": .text(setting.commit),
    ]
    var bench = try Bench(changes, memoryByteCount: 16 << 20)
    let entries = entries(seed, 3_000, longestKey: setting.page / 4 - 64)
    try load(bench, entries)
    try bench.engine.verify()
    #expect(try bench.engine.entries() == entries, "seed \(seed)")
    #expect(try bench.engine.entries(order: .reverse) == entries.reversed(), "seed \(seed)")
    bench.engine = try Bench.open(bench.memory, changes, 16 << 20, creates: false)
    #expect(try bench.engine.entries() == entries, "seed \(seed)")
    // The tree is one like any other.
    for round in 0..<40 {
      var batch = WriteBatch()
      for index in stride(from: round, to: entries.count, by: 40) {
        if index & 1 == 0 { batch.delete(entries[index].key) } else { batch.put(entries[index].key, [1]) }
      }
      try bench.engine.apply(batch, sync: false)
    }
    try bench.engine.verify()
  }

  @Test(arguments: 0...40)
  func fewEntries(count: Int) throws {
    let bench = try Bench()
    let entries = entries(9, count, longestKey: 960)
    try load(bench, entries, batch: 3)
    try bench.engine.verify()
    #expect(try bench.engine.entries() == entries)
  }

  @Test(arguments: [50, 70, 90, 100])
  func pagesAreAsFullAsAskedForAndWrittenOnce(fill: Int) throws {
    let bench = try Bench(["bulk_fill_percent": .integer(fill)])
    let count = 100_000
    let entries = (0..<count).map { KeyValuePair(key: key($0), value: [UInt8](repeating: 7, count: 100)) }
    try load(bench, entries, batch: 1_000)
    #expect(bench.statistic("page_reads") == 0)
    let leaves = Double(bench.statistic("leaf_used_bytes"))
    // Slot 10, cell head 4, value 100; what follows prefix and head of a key is nothing.
    let share = Double(count * 114) / leaves
    let asked = Double(fill) / 100 * 4_048 / 4_096
    #expect(share > asked - 0.045 && share <= asked + 0.001, "fill \(share), asked for \(asked)")
    let pages = bench.statistic("bulk_pages")
    #expect(pages == (bench.statistic("leaf_used_bytes") + bench.statistic("interior_used_bytes")) / 4_096)
    #expect(bench.statistic("page_writes") == pages)
    try bench.engine.verify()
  }

  @Test func aLoadThatEndsBadlyLeavesNoExtent() throws {
    let bench = try Bench()
    try bench.engine.checkpoint()
    let before = try bench.engine.spaceReport()
    for round in 0..<50 {
      let load = try bench.engine.makeBulkLoad()
      for start in stride(from: 0, to: 4_000, by: 1_000) {
        var batch = WriteBatch()
        for index in start..<(start + 1_000) {
          batch.put(key(index), [UInt8](repeating: 1, count: index % 3_000))
        }
        try load.append(batch)
      }
      // Nothing else writes meanwhile, and readers see what was before.
      #expect(throws: EngineError.self) { try bench.engine.put([1], [1]) }
      #expect(throws: EngineError.self) { try bench.engine.makeBulkLoad() }
      #expect(try bench.engine.value(for: key(5)) == nil)
      if round % 2 == 0 {
        var batch = WriteBatch()
        batch.put(key(3), [])
        #expect(throws: EngineError.self) { try load.append(batch) }
      }
      withExtendedLifetime(load) {}
    }
    #expect(try bench.engine.spaceReport() == before)
    try bench.engine.verify()
    try bench.engine.put([1], [1])
    try bench.engine.verify()
  }

  @Test func closingEndsALoadThatIsOpen() throws {
    var bench = try Bench()
    let load = try bench.engine.makeBulkLoad()
    var batch = WriteBatch()
    batch.put(key(1), [1])
    try load.append(batch)
    try bench.engine.close()
    #expect(throws: EngineError.self) { try load.finish() }
    bench.engine = try Bench.open(bench.memory, [:], 16 << 20, creates: false)
    #expect(try bench.engine.value(for: key(1)) == nil)
    try bench.engine.verify()
  }
}
