// Goal: a snapshot shows every bucket as it was at its commit, whatever happens to the buckets afterwards; the extents of dropped
// buckets are held while it lives and free when it is gone.
// Method: two thousand buckets with long values, read through a snapshot while they are dropped, made anew and changed, also
// cold; space reports before and after, `verify` throughout.

import BTree
import KeyValue
import Storage
import Testing

@Suite struct BucketSnapshotTests {
  private static let bucketCount = 2_000

  private func name(_ number: Int) -> [UInt8] { Array("bucket \(number)".utf8) }

  private func value(_ number: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(number & 255), count: number % 5 == 0 ? 3_000 : 20)
  }

  private func fill(_ bench: Bench) throws {
    for start in stride(from: 0, to: Self.bucketCount, by: 500) {
      try bench.engine.write { (transaction) throws(EngineError) in
        for number in start..<(start + 500) {
          try transaction.create(name(number))
          for entry in 0..<3 { try transaction.put(key(entry), value(number + entry), in: name(number)) }
        }
      }
    }
  }

  private func check(_ snapshot: BTreeSnapshot, _ numbers: some Sequence<Int>) throws {
    for number in numbers {
      let bucket = try #require(try snapshot.bucket(name(number)))
      let expected = (0..<3).map { KeyValuePair(key: key($0), value: value(number + $0)) }
      #expect(try bucket.entries() == expected)
      #expect(
        try bucket.values(for: [key(2), key(9), key(0)]) == [expected[2].value, nil, expected[0].value])
    }
  }

  @Test(arguments: ["path-copy", "log"])
  func bucketsStayInASnapshot(commit: String) throws {
    var bench = try Bench(["commit": .text(commit)], memoryByteCount: 8 << 20)
    try fill(bench)
    try bench.engine.settle()
    try bench.engine.settle()
    let full = try bench.engine.spaceReport()
    var snapshot: BTreeSnapshot? = try bench.engine.makeBucketSnapshot()
    let sorted = (0..<Self.bucketCount).map { name($0) }.sorted { $0.lexicographicallyPrecedes($1) }
    // Dropped in several transactions, made durable, and cold.
    for start in stride(from: 0, to: Self.bucketCount, by: 250) {
      try bench.engine.write(sync: start % 500 == 0) { (transaction) throws(EngineError) in
        for number in start..<(start + 250) { try transaction.drop(name(number)) }
      }
      try check(try #require(snapshot), [start, start + 249])
    }
    try bench.engine.checkpoint()
    try bench.engine.dropCache()
    #expect(try bench.engine.bucketNames().isEmpty)
    #expect(try bench.engine.bucket(name(3)) == nil)
    #expect(try snapshot?.bucketNames() == sorted)
    #expect(try snapshot?.bucket(Array("none".utf8)) == nil)
    // Under the same names other buckets, whose pages must not come to lie where the snapshot's are.
    try bench.engine.write(sync: true) { (transaction) throws(EngineError) in
      for number in 0..<300 {
        try transaction.create(name(number))
        try transaction.put(key(1), [9, 9], in: name(number))
      }
    }
    try bench.engine.dropCache()
    try check(try #require(snapshot), stride(from: 0, to: Self.bucketCount, by: 7))
    #expect(try bench.engine.bucket(name(7))?.entries() == [KeyValuePair(key: key(1), value: [9, 9])])
    try bench.engine.verify()
    // What the snapshot sees is held.
    let held = try bench.engine.spaceReport()
    #expect(held.allocatedByteCount > full.allocatedByteCount)
    // A view of a bucket keeps it as well as the snapshot does.
    let view = try snapshot?.bucket(name(1_111))
    snapshot = nil
    #expect(try view?.value(for: key(0)) == value(1_111))
    try endOfLife(of: view)
    try bench.engine.write(sync: true) { (transaction) throws(EngineError) in
      for number in 0..<300 { try transaction.drop(name(number)) }
    }
    _ = consume view
    for _ in 0..<3 {
      try bench.engine.put([1], [1])
      try bench.engine.settle()
    }
    let empty = try bench.engine.spaceReport()
    func part(_ name: String, _ report: SpaceReport) -> UInt64 {
      report.parts.first { $0.name == name }?.byteCount ?? 0
    }
    // A leaf of the engine's own keys and one of the catalogue; the volume's own deferred blocks are always some.
    #expect(part("leaf", empty) == 8_192 && part("overflow", empty) == 0 && part("interior", empty) == 0)
    #expect(part("dead_versions", empty) <= part("dead_versions", full) + 16_384, "\(empty) after \(full)")
    try bench.engine.verify()
    try bench.engine.close()
    bench.engine = try Bench.open(bench.memory, ["commit": .text(commit)], 8 << 20, creates: false)
    try bench.engine.verify()
  }

  private func endOfLife(of view: (any ReadView)?) throws {
    #expect(try view?.entries().count == 3)
  }

  /// Between transactions that make, fill and drop buckets at random, snapshots agree with what they saw when they were taken.
  @Test(arguments: [1, 2, 3] as [UInt64])
  func snapshotsOfChangingBuckets(seed: UInt64) throws {
    let bench = try Bench(["checkpoint_operations": .integer(60)], memoryByteCount: 4 << 20)
    typealias State = [[UInt8]: [[UInt8]: [UInt8]]]
    var state: State = [:]
    var snapshots: [(view: BTreeSnapshot, state: State)] = []
    for step in 0..<400 {
      let random = draw(seed, step)
      try bench.engine.write(sync: random & 7 == 0) { (transaction) throws(EngineError) in
        for part in 0..<4 {
          let choice = draw(seed, 10_000 + step * 4 + part)
          let bucket = name(Int(choice >> 8) % 40)
          switch choice & 7 {
          case 0:
            try transaction.drop(bucket)
            state[bucket] = nil
          case 1, 2:
            try transaction.create(bucket)
            if state[bucket] == nil { state[bucket] = [:] }
          default:
            if state[bucket] == nil { continue }
            let (k, v) = (key(Int(choice >> 16) % 30), value(Int(choice >> 24) % 500))
            try transaction.put(k, v, in: bucket)
            state[bucket]?[k] = v
          }
        }
      }
      if random >> 8 & 15 == 0 { snapshots.append((try bench.engine.makeBucketSnapshot(), state)) }
      if random >> 12 & 31 == 0 { try bench.engine.dropCache() }
      if snapshots.count > 4 || random >> 17 & 31 == 0, !snapshots.isEmpty {
        let (view, expected) = snapshots.remove(at: Int(random >> 22) % snapshots.count)
        #expect(
          try view.bucketNames() == expected.keys.sorted { $0.lexicographicallyPrecedes($1) }, "seed \(seed)")
        for (bucket, entries) in expected {
          let found = try view.bucket(bucket)?.entries() ?? []
          #expect(found.count == entries.count, "seed \(seed), step \(step)")
          for pair in found { #expect(entries[pair.key] == pair.value, "seed \(seed), step \(step)") }
        }
      }
      if step % 40 == 0 { try bench.engine.verify() }
    }
    snapshots.removeAll()
    try bench.engine.settle()
    try bench.engine.verify()
  }
}
