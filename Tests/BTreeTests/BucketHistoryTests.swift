// Goal (linearizability): transactions over the engine's own keys and several buckets, which they make and drop, beside readers on
// other threads: each snapshot shows all of a transaction or nothing of it, in the order of time.
// Method: the keys of a history are spread over the engine's own keys and two buckets; every order of the requests is tried. The
// canary writes each bucket by itself, and must be caught.

import BTree
import KeyValue
import Primitives
import Testing

/// Key k is in the engine's own keys or in one of two buckets, by its remainder.
private struct BucketDictionary: HistoryDictionary {
  /// Whether each bucket is written by a transaction of its own: wrong.
  var isTorn = false
  /// Counts the drops.
  let drops = DropCount()

  final class DropCount: Sendable {
    private let count = Lock(0)
    func add() { count.withLock { $0 += 1 } }
    var value: Int { count.withLock { $0 } }
  }

  private static let buckets: [[UInt8]?] = [nil, Array("left".utf8), Array("right".utf8)]
  private func bucket(of key: Int) -> [UInt8]? { Self.buckets[key % Self.buckets.count] }

  func apply(
    _ entries: [HistoryOperation.Entry], to engine: any Engine, sync: Bool
  ) throws(EngineError) {
    guard let tree = engine as? BTreeEngine else {
      preconditionFailure("Only the B-tree has buckets.")
    }
    if !isTorn {
      try tree.write(sync: sync) { (transaction) throws(EngineError) in
        for number in Self.buckets.indices { try add(entries, ofBucket: number, to: &transaction) }
      }
      return
    }
    for number in Self.buckets.indices {
      try tree.write(sync: sync) { (transaction) throws(EngineError) in
        try add(entries, ofBucket: number, to: &transaction)
      }
      Threads.yield()
    }
  }

  private func add(
    _ entries: [HistoryOperation.Entry], ofBucket number: Int, to transaction: inout BTreeTransaction
  ) throws(EngineError) {
    let own = entries.filter { $0.key % Self.buckets.count == number }
    if own.isEmpty { return }
    let bucket = Self.buckets[number]
    // All keys of the bucket at once are dropped with it.
    if let bucket, own.count == 2, own.allSatisfy({ $0.value == nil }) {
      drops.add()
      return try transaction.drop(bucket)
    }
    if let bucket { try transaction.create(bucket) }
    for entry in own {
      let key = PlainDictionary.bytes(ofKey: entry.key)
      if let value = entry.value {
        try transaction.put(key, PlainDictionary.bytes(ofValue: value), in: bucket)
      } else {
        try transaction.delete(key, in: bucket)
      }
    }
  }

  func value(of key: Int, in view: any ReadView) throws(EngineError) -> Int? {
    guard let place = try place(bucket(of: key), in: view) else { return nil }
    return try PlainDictionary().value(of: key, in: place)
  }

  func entries(in view: any ReadView) throws(EngineError) -> [HistoryOperation.Entry] {
    var result: [HistoryOperation.Entry] = []
    for bucket in Self.buckets {
      guard let place = try place(bucket, in: view) else { continue }
      result += try PlainDictionary().entries(in: place)
      Threads.yield()
    }
    return result.sorted { $0.key < $1.key }
  }

  private func place(_ bucket: [UInt8]?, in view: any ReadView) throws(EngineError) -> (any ReadView)? {
    guard let bucket else { return view }
    guard let snapshot = view as? BTreeSnapshot else {
      preconditionFailure("A B-tree's snapshot shows its buckets.")
    }
    return try snapshot.bucket(bucket)
  }
}

@Suite struct BucketHistoryTests {
  @Test(arguments: ReadersSetting.all)
  func transactionsOverBucketsAreLinearizable(setting: ReadersSetting) throws {
    let dictionary = BucketDictionary()
    for round in 0..<(setting.isFile ? 8 : 30) as Range<UInt64> {
      try setting.withTree { engine in
        let seed = setting.seed * 2_000 + round
        let history = try HistoryRecorder.record(
          engine, seed: seed, readerCount: 1 + Int(round % 3), keyCount: 6, dictionary: dictionary)
        #expect(history.isLinearizable(), "seed \(seed): \(history)")
      }
    }
    #expect(setting.isFile || dictionary.drops.value > 0)
  }

  @Test func bucketsWrittenOneByOneAreCaught() throws {
    let setting = ReadersSetting(commit: "path-copy", shards: 1)
    let dictionary = BucketDictionary(isTorn: true)
    var isCaught = false
    for seed in 1...2_000 as ClosedRange<UInt64> where !isCaught {
      try setting.withTree { engine in
        let history = try HistoryRecorder.record(
          engine, seed: seed, readerCount: 2, keyCount: 6, dictionary: dictionary)
        isCaught = !history.isLinearizable()
      }
    }
    #expect(isCaught)
  }
}
