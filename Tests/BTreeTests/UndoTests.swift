// Goal (ACID): a transaction that fails after changing pages in place leaves no trace, byte for byte.
// Method: twins. Two trees get the same transactions; one of them also gets transactions that fail at their end, between the
// others: inserts, values of the same and of other sizes, deletes, range deletes, long values, splits and merges, in pages born
// since the last checkpoint and in older ones. Keys and values, space and, after a checkpoint, the devices must be the same.

import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

@Suite struct UndoTests {
  /// Adds operation `index` of a seeded mix.
  private func add(
    _ seed: UInt64, _ index: Int, to transaction: inout BTreeTransaction
  ) throws(EngineError) {
    let number = Int(draw(seed, index) % 700)
    let byteCount: Int
    switch draw(seed &+ 1, index) % 12 {
    case 0, 1: return try transaction.delete(key(number))
    case 2: byteCount = Int(draw(seed &+ 2, index) % 900)
    case 3: byteCount = 3_000
    default: byteCount = 100
    }
    try transaction.put(key(number), [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: byteCount))
  }

  /// Hashes of all units behind the superblocks, which say how far the volume was ever used.
  private func units(of bench: Bench) -> [UInt64] {
    var hashes: [UInt64] = []
    bench.memory.forEachUnit { offset, bytes in
      if offset >= 2 * 4_096 { hashes.append(ContentHash.mix(offset ^ ContentHash.hash(bytes, 4_096))) }
    }
    return hashes
  }

  private func transact(_ bench: Bench, _ seed: UInt64, count: Int, fails: Bool) throws {
    do throws(EngineError) {
      try bench.engine.write { (transaction) throws(EngineError) in
        for index in 0..<count { try add(seed, index, to: &transaction) }
        if fails { try transaction.put(key(1), [1], in: Array("missing".utf8)) }
      }
      #expect(!fails)
    } catch {
      #expect(fails, "\(error)")
    }
  }

  @Test(
    arguments: [
      // Small undo logs fill up: then pages are copied, and the failing transaction forgets the copies.
      (1, 16 << 20), (2, 16 << 20), (3, 2 << 20), (4, 1 << 20),
    ] as [(UInt64, Int)])
  func failingTransactionsLeaveNoTrace(seed: UInt64, memoryByteCount: Int) throws {
    let changes: [String: ParameterValue] = [
      "checkpoint_operations": .integer(0), "checkpoint_bytes": .integer(0),
      "redistribution": .boolean(seed == 2),
    ]
    let plain = try Bench(changes, memoryByteCount: memoryByteCount)
    let tried = try Bench(changes, memoryByteCount: memoryByteCount)
    for round in 0..<60 {
      let roundSeed = seed &* 1_000 &+ UInt64(round)
      let count = 1 + Int(draw(seed, round) % 120)
      try transact(plain, roundSeed, count: count, fails: false)
      try transact(tried, roundSeed, count: count, fails: false)
      let before = try tried.engine.stateHash()
      for failure in 0..<2 {
        try transact(
          tried, roundSeed &+ 77_777 &+ UInt64(failure), count: count * (1 + failure * 4), fails: true)
      }
      #expect(try tried.engine.stateHash() == before, "seed \(seed), round \(round)")
      if round % 7 == 6 {
        try plain.engine.checkpoint()
        try tried.engine.checkpoint()
        if memoryByteCount == 16 << 20 {
          // Nothing had to leave either cache, so that equal trees lie in equal places.
          #expect(units(of: plain) == units(of: tried), "seed \(seed), round \(round)")
        }
      }
      if round % 10 == 9 { try tried.engine.verify() }
    }
    #expect(try plain.engine.stateHash() == tried.engine.stateHash())
    #expect(try plain.engine.spaceReport().parts == tried.engine.spaceReport().parts)
  }

  @Test func pagesBornSinceTheLastCheckpointAreNotCopiedAgain() throws {
    let bench = try Bench(["checkpoint_operations": .integer(0), "checkpoint_bytes": .integer(0)])
    func overwrite(_ value: UInt8) throws {
      var batch = WriteBatch()
      for number in 0..<2_000 { batch.put(key(number), [UInt8](repeating: value, count: 100)) }
      try bench.engine.apply(batch, sync: false)
    }
    try overwrite(1)
    try bench.engine.checkpoint()
    try overwrite(2)
    let copied = bench.statistic("page_copies")
    #expect(copied > 0)
    for value in 3..<8 as Range<UInt8> { try overwrite(value) }
    #expect(bench.statistic("page_copies") == copied)
    // A snapshot sees the pages: they are copied once more.
    let snapshot = try bench.engine.makeSnapshot()
    let hash = try snapshot.stateHash()
    try overwrite(9)
    #expect(bench.statistic("page_copies") == 2 * copied)
    #expect(try snapshot.stateHash() == hash)
    try bench.engine.verify()
  }

  @Test func aColdBatchReadsItsLeavesTogether() throws {
    let bench = try Bench(["checkpoint_operations": .integer(0), "checkpoint_bytes": .integer(0)])
    var batch = WriteBatch()
    for number in 0..<6_000 { batch.put(key(number), [UInt8](repeating: 1, count: 100)) }
    try bench.engine.apply(batch, sync: false)
    try bench.engine.settle()
    try bench.engine.dropCache()
    let read = bench.statistic("page_reads")
    let together = bench.statistic("leaves_prefetched")
    batch.removeAll()
    for number in stride(from: 0, to: 6_000, by: 60) {
      batch.put(key(number), [UInt8](repeating: 2, count: 100))
    }
    try bench.engine.apply(batch, sync: false)
    // All but the root, which nothing points to.
    #expect(bench.statistic("page_reads") - read == bench.statistic("leaves_prefetched") - together + 1)
    try bench.engine.verify()
  }
}

@Suite struct SortedBatchTests {
  private static let shapes: [(String, @Sendable (Int) -> [UInt8])] = [
    ("random", { key(Int(draw(3, $0) >> 2)) }),
    ("ascending", { key($0) }),
    ("descending", { key(10_000 - $0) }),
    (
      "few heads", { key(Int(draw(4, $0) % 5), byteCount: 16) + [UInt8(truncatingIfNeeded: draw(5, $0) % 7)] }
    ),
    ("crowded", { $0 % 10 == 0 ? [255, UInt8($0 % 256)] : key(Int(draw(6, $0) % 3_000), byteCount: 9) }),
    ("short", { [UInt8](repeating: UInt8(truncatingIfNeeded: draw(7, $0)), count: Int(draw(8, $0) % 4)) }),
  ]

  @Test(arguments: 0..<shapes.count)
  func theOrderIsByKeyThenByPlace(shape: Int) {
    let make = Self.shapes[shape].1
    var sorted = SortedBatch()
    for count in [1, 2, 3, 33, 1_000, 2_500] {
      var batch = WriteBatch()
      for index in 0..<count { batch.put(make(index), [UInt8(truncatingIfNeeded: index)]) }
      let keys = (0..<count).map { make($0) }
      let expected = (0..<count).sorted { left, right in
        keys[left] == keys[right] ? left < right : keys[left].lexicographicallyPrecedes(keys[right])
      }
      sorted.fill(batch, 0..<count)
      #expect(
        (0..<sorted.count).map { Int(sorted[$0].number) } == expected, "\(Self.shapes[shape].0), \(count)")
    }
  }
}
