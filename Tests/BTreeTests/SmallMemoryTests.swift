// Goal: what the engine says it can do with it does: a tree works in the smallest memory it accepts, whatever its pages.
// Method: random inserts and overwrites in batches that touch many more pages than there is room for, at exactly the least memory
// for pages of 4 to 64 KiB and one or more cache shards, compared with what was written; one unit less is refused.

import KeyValue
import Testing

@testable import BTree
@testable import Storage

@Suite struct SmallMemoryTests {
  @Test(
    arguments: [(4_096, 1), (4_096, 4), (16_384, 1), (65_536, 1), (65_536, 2)] as [(Int, Int)],
    ["path-copy", "log"])
  func aTreeWorksInTheLeastMemory(pages: (byteCount: Int, shards: Int), commit: String) throws {
    let least = 128 * pages.byteCount * pages.shards
    let changes: [String: ParameterValue] = [
      "page_bytes": .integer(pages.byteCount), "cache_shards": .integer(pages.shards),
      "commit": .text(commit),
      "checkpoint_operations": .integer(20_000), "checkpoint_bytes": .integer(0),
    ]
    #expect(throws: EngineError.self) { _ = try Bench(changes, memoryByteCount: least - 1) }
    let bench = try Bench(changes, memoryByteCount: least)
    var expected: [Int: UInt8] = [:]
    for batchNumber in 0..<60 {
      var batch = WriteBatch()
      for index in 0..<1_000 {
        let number = Int(draw(5, batchNumber * 1_000 + index) % 40_000)
        let value = UInt8(truncatingIfNeeded: batchNumber)
        batch.put(key(number), [UInt8](repeating: value, count: 100))
        expected[number] = value
      }
      try bench.engine.apply(batch, sync: false)
      if batchNumber % 20 == 19 { try bench.engine.verify() }
    }
    var shown = 0
    var wrong = 0
    let cursor = try bench.engine.makeCursor(.all, .forward)
    while try cursor.next() {
      cursor.withCurrent { key, value in
        var number = 0
        for index in 8..<16 {
          number = number << 8 | Int(key.unsafeLoad(fromByteOffset: index, as: UInt8.self))
        }
        if value.byteCount != 100 || value.unsafeLoad(as: UInt8.self) != expected[number] { wrong += 1 }
      }
      shown += 1
    }
    #expect(shown == expected.count && wrong == 0)
  }
}
