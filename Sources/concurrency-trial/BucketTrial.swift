// Readers of bucket snapshots beside a writer whose transactions change several buckets at once.
//
//   writer    bulk load │ { own, left, right: some keys ─▶ version v; a bucket made, another dropped } …  v = 1, 2, 3 …
//   readers   snapshot ─▶ own = left = right, by gets, batched gets and scans; the version never falls
//
// Invariants
// 1. In every state the own keys, `left` and `right` hold the same entries.
// 2. What the writer does is drawn from the seed; how the threads fall together is not.

import BTree
import KeyValue
import Primitives

/// A trial of buckets on threads.
struct BucketTrial {
  let seed: UInt64
  var readerCount = 4
  var transactionCount = 120
  private let keyCount = 400

  /// What readers saw.
  struct Outcome {
    var snapshotCount = 0
    var problems: [String] = []
  }

  private static let buckets: [[UInt8]?] = [nil, Array("left".utf8), Array("right".utf8)]
  private static let versionKey: [UInt8] = [0]

  init(seed: UInt64) { self.seed = seed }

  private func key(_ number: Int) -> [UInt8] { [1, UInt8(number >> 8), UInt8(number & 255)] }

  private func value(_ number: Int, _ version: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: version), count: number % 50 == 7 ? 5_000 : 60 + number % 90)
  }

  /// Writes beside readers.
  func run(_ tree: BTreeEngine) throws(EngineError) -> Outcome {
    var batch = WriteBatch()
    batch.put(Self.versionKey, [0, 0])
    for number in 0..<keyCount { batch.put(key(number), value(number, 0)) }
    let load = try tree.makeBulkLoad()
    try load.append(batch)
    try load.finish()
    try tree.write { (transaction) throws(EngineError) in
      for bucket in Self.buckets {
        guard let bucket else { continue }
        try transaction.create(bucket)
        try transaction.put(Self.versionKey, [0, 0], in: bucket)
        for number in 0..<keyCount { try transaction.put(key(number), value(number, 0), in: bucket) }
      }
    }
    let outcome = Lock(Outcome())
    let isDone = Lock(false)
    let shared = HandedOver(tree)
    Threads.run(1 + readerCount) { thread in
      do throws(EngineError) {
        if thread == 0 {
          try write(shared.value)
        } else {
          var last = -1
          var round: UInt64 = 0
          repeat {
            round += 1
            let problem = try read(shared.value, thread, round, &last)
            outcome.withLock {
              $0.snapshotCount += 1
              if let problem { $0.problems.append("reader \(thread): \(problem)") }
            }
          } while !isDone.withLock { $0 }
        }
      } catch {
        outcome.withLock { $0.problems.append("thread \(thread): \(error)") }
      }
      if thread == 0 { isDone.withLock { $0 = true } }
    }
    return outcome.withLock { $0 }
  }

  private func write(_ tree: BTreeEngine) throws(EngineError) {
    let random = CounterRandom(seed: seed, stream: 0x6275_636B)
    for version in 1...transactionCount {
      let draw = UInt64(version)
      try tree.write(sync: version % 10 == 0) { (transaction) throws(EngineError) in
        let extra = Array("extra \(random.uniform(below: 4, draw, 1))".utf8)
        if random.draw(draw, 2) & 1 == 0 {
          try transaction.create(extra)
          try transaction.put(Self.versionKey, [1], in: extra)
        } else {
          try transaction.drop(extra)
        }
        for bucket in Self.buckets {
          try transaction.put(Self.versionKey, [UInt8(version >> 8), UInt8(version & 255)], in: bucket)
          for step in 0..<UInt64(25) {
            let number = Int(random.uniform(below: UInt64(keyCount), draw, 3 + step))
            if random.draw(draw, 100 + step) % 5 == 0 {
              try transaction.delete(key(number), in: bucket)
            } else {
              try transaction.put(key(number), value(number, version), in: bucket)
            }
          }
        }
      }
      if version % 30 == 0 { try tree.checkpoint() }
      if version % 50 == 0 { try tree.dropCache() }
    }
  }

  /// Looks at one snapshot.
  ///
  /// - Returns: what is wrong.
  private func read(
    _ tree: BTreeEngine, _ thread: Int, _ round: UInt64, _ last: inout Int
  ) throws(EngineError) -> String? {
    let snapshot = try tree.makeBucketSnapshot()
    let random = CounterRandom(seed: seed &+ UInt64(thread), stream: 0x7265_6164)
    var views: [any ReadView] = [snapshot]
    for bucket in Self.buckets {
      guard let bucket else { continue }
      guard let view = try snapshot.bucket(bucket) else { return "a bucket is missing" }
      views.append(view)
    }
    let numbers = (0..<UInt64(24)).map { Int(random.uniform(below: UInt64(keyCount), round, $0)) }
    let keys = [Self.versionKey] + numbers.map { key($0) }
    let expected = try views[0].values(for: keys)
    for view in views {
      if try view.values(for: keys) != expected { return "batched gets of two buckets differ" }
      for index in keys.indices where index % 5 == 0 {
        if try view.value(for: keys[index]) != expected[index] { return "gets of two buckets differ" }
      }
    }
    if round % 4 == 0 {
      let hash = try views[0].stateHash()
      for view in views where try view.stateHash() != hash { return "scans of two buckets differ" }
    }
    guard let bytes = expected[0], bytes.count == 2 else { return "the version is missing" }
    let version = Int(bytes[0]) << 8 | Int(bytes[1])
    if version < last { return "version \(version) was seen after \(last)" }
    last = version
    return nil
  }
}
