// Goal: what is said of an image of either mode, long values included, is what is there: sound when it is, a named place when a bit was
// flipped, every extent claimed once.
// Method: a tree with snapshots of long values, deleted and not; the image examined clean, and with seeded bits flipped in what the
// clean examination says is owned.

import EngineCatalogue
import KeyValue
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct ExaminationTests {
  private func image(_ mode: String) throws -> Bench {
    let bench = try Bench(
      [
        "durability": .text(mode), "node_bytes": .integer(16 << 10), "basement_bytes": .integer(4_096),
        "fanout": .integer(4), "entry_bytes": .integer(64),
      ], memoryByteCount: 2 << 20)
    for round in 0..<40 {
      var batch = WriteBatch()
      for index in 0..<60 {
        let number = Int(draw(31, round * 60 + index) >> 3)
        let count = index == 7 ? 9_000 : 40
        batch.put(key(number), [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: count))
      }
      try bench.engine.apply(batch, sync: false)
    }
    // Messages wait in buffers of the durable tree.
    try bench.engine.checkpoint()
    return bench
  }

  private func examine(_ memory: MemoryDevice) throws -> ImageExamination {
    try ImageExamination(
      memory, format: .volume(transferUnitByteCount: memory.transferUnitByteCount), byteCount: 1 << 30)
  }

  @Test(arguments: ["log", "copy-on-write"])
  func anImageIsSoundAndAFlippedBitIsFound(mode: String) throws {
    let bench = try image(mode)
    let clean = try examine(bench.memory)
    #expect(clean.isSound, "\(clean.findings)")
    let structure = try #require(clean.structure)
    #expect(structure.facts.contains { $0.name == "durability" && $0.value == mode })
    let long = structure.parts.filter { $0.structure == "long value" }.reduce(UInt64(0)) {
      $0 + $1.entryCount
    }
    #expect(long == UInt64(bench.engine.table.shape.overflowCount) && long > 10)
    #expect(bench.engine.table.shape.height > 1)
    let owned = clean.owners.filter { $0.isChecked }
    #expect(owned.count > 50)
    var noticed = 0
    for number in 0..<150 {
      let owner = owned[Int(draw(32, number) % UInt64(owned.count))]
      let offset = owner.offset + draw(33, number) % owner.byteCount
      let damaged = bench.memory.clone()
      damaged.flipBit(ofByteAt: offset, bit: number % 8)
      if try !examine(damaged).findings.isEmpty { noticed += 1 }
    }
    #expect(noticed == 150)
  }
}
