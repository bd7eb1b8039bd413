// Goal (no redundant searches): a batch whose keys lie where the one before it wrote takes that way again; sorted inserts begin
// at the root no more often than once for each leaf they make and once for each level; and a kept way that is wrong changes
// nothing.
// Method: the counter of ways begun at the root against leaves and height as the tree reports them, for batches of 1 to 20,000
// in both commit modes, with durable commits (each copies the whole way), pages evicted, transactions that fail, buckets and
// streams between; small random worlds with everything that moves pages against a model, `verify` after each change.

import KeyValue
import Primitives
import Storage
import Testing

@testable import BTree

@Suite struct KeptWayTests {
  private func load(
    _ bench: Bench, _ numbers: some Sequence<Int>, batch size: Int, sync: Bool = false,
    valueByteCount: Int = 100
  ) throws {
    var batch = WriteBatch()
    for number in numbers {
      batch.put(key(number), [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: valueByteCount))
      if batch.count == size {
        try bench.engine.apply(batch, sync: sync)
        batch = WriteBatch()
      }
    }
    if batch.count > 0 { try bench.engine.apply(batch, sync: sync) }
  }

  private func form(_ bench: Bench) throws -> (leaves: Int, height: Int) {
    let report = try #require(bench.engine.treeReport())
    return (Int(report.levels[0].nodeCount), report.height)
  }

  /// Leaves that were created, those that were merged away again included.
  private func created(_ bench: Bench) -> Int { Int(bench.engine.store.counts.pointee.leafSplits) }

  /// Pages that were merged, shifted, shared or cut above the leaves.
  private func rearrangements(_ bench: Bench) -> Int {
    let counts = bench.engine.store.counts.pointee
    return Int(counts.rearrangements + counts.interiorSplits)
  }

  private func descents(_ bench: Bench) -> Int { Int(bench.statistic("descents")) }

  @Test(arguments: [1, 7, 100, 20_000], ["path-copy", "log"])
  func ascendingBatchesBeginAtTheRootOncePerLeafAndLevel(size: Int, commit: String) throws {
    let bench = try Bench(["commit": .text(commit), "checkpoint_operations": .integer(2_500)])
    let count = 20_000
    try load(bench, 0..<count, batch: size)
    let (leaves, height) = try form(bench)
    #expect(height == 2 && leaves > count / 40)
    #expect(descents(bench) <= leaves + height, "\(descents(bench)), \(leaves) leaves, height \(height)")
    try bench.engine.verify()
    #expect(try bench.engine.entries().map(\.key) == (0..<count).map { key($0) })
  }

  /// Each commit is durable: with path copying the next batch finds none of the pages of the way under the same id.
  @Test(arguments: [1, 7, 100], ["path-copy", "log"])
  func durableCommitsKeepTheWay(size: Int, commit: String) throws {
    let bench = try Bench(["commit": .text(commit)])
    try load(bench, 0..<(400 * size), batch: size, sync: true)
    let (leaves, height) = try form(bench)
    #expect(descents(bench) <= leaves + height, "\(descents(bench)), \(leaves) leaves, height \(height)")
    try bench.engine.verify()
  }

  /// Into the middle of a tree that is there, whose pages leave the memory again and again.
  @Test(arguments: [1, 7, 100, 2_000], ["path-copy", "log"])
  func sortedInsertsIntoTheMiddle(size: Int, commit: String) throws {
    let bench = try Bench(["commit": .text(commit), "redistribution": .boolean(size == 7)])
    try load(bench, (0..<20_000).map { $0 * 10_000 }, batch: 1_000)
    let (begun, made) = (descents(bench), created(bench))
    for part in 0..<4 {
      let start = 10_000 * 10_000 + 1 + part * 2_000
      try load(bench, start..<(start + 2_000), batch: size)
      try bench.engine.checkpoint()
      try bench.engine.dropCache()
    }
    let height = try form(bench).height
    #expect(
      descents(bench) - begun <= created(bench) - made + height,
      "\(descents(bench) - begun), \(created(bench) - made) leaves made, height \(height)")
    try bench.engine.verify()
  }

  /// Keys in any order below one child of the root need no search there.
  @Test(arguments: [1, 3, 4, 50])
  func batchesInOnePartOfTheTree(size: Int) throws {
    let bench = try Bench(memoryByteCount: 2 << 20)
    try load(bench, (0..<40_000).map { $0 * 100 }, batch: 1_000)
    let before = try form(bench)
    #expect(before.height == 2)
    let (begun, made) = (descents(bench), created(bench))
    // The first leaves of a thousand.
    try load(bench, (0..<800).map { Int(draw(4, $0) % 60_000) }, batch: size)
    #expect(descents(bench) - begun <= created(bench) - made + before.height)
    try bench.engine.verify()
  }

  /// Streams side by side in a tree that is there, some keys of each in every batch: one way begun for each batch beside those
  /// for the leaves. Behind a page that is merged, shifted or cut above the leaves the rest of its batch is sought anew.
  @Test(arguments: [2, 8, 40], [1, 8, 100, 1_000])
  func streamsSideBySide(streams: Int, size: Int) throws {
    let bench = try Bench(["checkpoint_operations": .integer(7_000)], memoryByteCount: 32 << 20)
    try load(bench, (0..<20_000).map { $0 * 100_000 }, batch: 1_000)
    let (begun, made, height) = (descents(bench), created(bench), try form(bench).height)
    let moved = rearrangements(bench)
    let perStream = 20_000 / streams
    let count = perStream * streams
    let apart = 20_000 / streams * 100_000
    try load(bench, (0..<count).lazy.map { $0 % streams * apart + 1 + $0 / streams }, batch: size)
    let batches = (count + size - 1) / size
    let rest = (rearrangements(bench) - moved) * (min(streams, size) - 1)
    let bound = created(bench) - made + height + batches + rest
    #expect(descents(bench) - begun <= bound, "\(descents(bench) - begun), bound \(bound)")
    try bench.engine.verify()
  }

  /// Ascending keys in several buckets and the engine's own, in turn, each in transactions of its own.
  @Test(arguments: ["path-copy", "log"])
  func bucketsKeepTheirWays(commit: String) throws {
    let bench = try Bench(["commit": .text(commit)])
    let names: [[UInt8]?] = [nil, [1], [2], [3], [4]]
    try bench.engine.write { (transaction) throws(EngineError) in
      for name in names { if let name { try transaction.create(name) } }
    }
    for number in 0..<1_500 {
      for name in names {
        try bench.engine.write { (transaction) throws(EngineError) in
          try transaction.put(key(number), [UInt8](repeating: 1, count: 100), in: name)
        }
      }
    }
    let forest = bench.engine.forest
    let leaves = forest.main.leafCount + forest.catalogue.leafCount + forest.buckets.leafCount
    #expect(forest.main.height == 1 && leaves > 200)
    // Every tree has this height, the catalogue none.
    #expect(descents(bench) <= leaves + names.count)
    try bench.engine.verify()
  }

  /// A transaction that fails takes the way back with everything else; the next batch finds its own.
  @Test(arguments: ["path-copy", "log"], [false, true])
  func failingTransactionsBetween(commit: String, copies: Bool) throws {
    let bench = try Bench(["commit": .text(commit)])
    let plain = try Bench(["commit": .text(commit)])
    var failures = 0
    for number in 0..<3_000 {
      try load(bench, [number], batch: 1, sync: copies)
      try load(plain, [number], batch: 1, sync: copies)
      guard number % 10 == 9 else { continue }
      failures += 1
      #expect(throws: EngineError.self) {
        try bench.engine.write { (transaction) throws(EngineError) in
          // Enough to split the leaf, then elsewhere, then a bucket that is not there.
          for index in 0..<60 {
            try transaction.put(key(number + 1 + index), [UInt8](repeating: 2, count: 90))
          }
          for index in 0..<30 { try transaction.delete(key(index * 3)) }
          try transaction.put(key(1), [1], in: Array("missing".utf8))
        }
      }
    }
    let (leaves, height) = try form(bench)
    #expect(descents(bench) - descents(plain) <= 10 * failures)
    #expect(descents(plain) <= leaves + height)
    #expect(try bench.engine.stateHash() == plain.engine.stateHash())
    try bench.engine.verify()
  }

  /// Batches near the last one, between everything that moves pages, against a model.
  @Test(
    arguments: [1, 2, 3, 4, 5, 6] as [UInt64],
    [
      [:], ["commit": .text("log"), "checkpoint_operations": .integer(300)],
      ["redistribution": .boolean(true), "merge_threshold_percent": .integer(60)],
    ] as [[String: ParameterValue]])
  func nearbyBatchesAgainstAModel(seed: UInt64, changes: [String: ParameterValue]) throws {
    var bench = try Bench(changes, memoryByteCount: 2 << 20)
    var model: [Int: Int] = [:]
    let keyCount = 4_000
    var place = 0
    for round in 0..<240 {
      let random = draw(seed, round)
      if random % 5 == 0 { place = Int((random >> 8) % UInt64(keyCount)) }
      var batch = WriteBatch()
      let saved = model
      for index in 0..<Int((random >> 24) % 40 + 1) {
        let other = draw(seed &+ 1_000, round * 64 + index)
        let number = min(keyCount, place + Int(other % 90))
        switch (other >> 16) % (round % 40 < 20 ? 8 : 3) {
        case 0:
          batch.delete(key(number))
          model[number] = nil
        case 1 where other >> 32 % 4 == 0:
          batch.deleteRange(key(number), key(number + 30))
          for gone in number..<(number + 30) { model[gone] = nil }
        default:
          let size = Int((other >> 40) % 300)
          batch.put(key(number), [UInt8](repeating: 3, count: size))
          model[number] = size
        }
        place += index % 3
      }
      if round % 11 == 10 {
        model = saved
        #expect(throws: EngineError.self) {
          try bench.engine.write { (transaction) throws(EngineError) in
            for index in 0..<80 {
              try transaction.put(key(place + index), [UInt8](repeating: 9, count: 200))
            }
            try transaction.delete(key(1), in: Array("missing".utf8))
          }
        }
      } else {
        try bench.engine.apply(batch, sync: random >> 60 == 3)
      }
      switch (random >> 40) % 16 {
      case 0: try bench.engine.checkpoint()
      case 1: try bench.engine.dropCache()
      case 2:
        try bench.engine.close()
        bench.engine = try Bench.open(bench.memory, changes, 2 << 20, creates: false)
      case 3:
        try bench.engine.write { (transaction) throws(EngineError) in
          try transaction.create([7])
          try transaction.put(key(place), [1], in: [7])
          if random >> 50 & 1 == 0 { try transaction.drop([7]) }
        }
      default: break
      }
      try bench.engine.verify()
      let entries = try bench.engine.entries()
      #expect(entries.map(\.key) == model.keys.sorted().map { key($0) }, "seed \(seed), round \(round)")
      #expect(entries.map(\.value.count) == model.keys.sorted().map { model[$0] ?? -1 })
    }
  }
}
