// Goal: buckets are separate key spaces, a transaction over several is one atom, dropping gives every extent back, and all of
// it survives reopening in both commit modes.
// Method: a thousand, and five thousand, buckets with the same key and different values, all of them read after reopening; space
// reports and `verify` before and after. Under power cuts: `BucketCrashTests`.

import BTree
import KeyValue
import Storage
import Testing

@Suite struct BucketTests {
  private func name(_ number: Int) -> [UInt8] { Array("bucket \(number)".utf8) }

  @Test(arguments: ["path-copy", "log"])
  func aThousandBucketsAreMadeFilledAndDropped(commit: String) throws {
    let changes: [String: ParameterValue] = ["commit": .text(commit)]
    var bench = try Bench(changes)
    try bench.engine.write { (transaction) throws(EngineError) in
      for number in 0..<1_000 {
        try transaction.create(name(number))
        try transaction.put(key(1), key(number), in: name(number))
        try transaction.put(key(2), [UInt8](repeating: 3, count: 3_000), in: name(number))
      }
      try transaction.put(key(1), Array("own".utf8))
    }
    try bench.engine.verify()
    try bench.engine.close()
    bench.engine = try Bench.open(bench.memory, changes, 16 << 20, creates: false)
    #expect(try bench.engine.bucketNames().count == 1_000)
    for number in 0..<1_000 {
      let expected = [
        KeyValuePair(key: key(1), value: key(number)),
        KeyValuePair(key: key(2), value: [UInt8](repeating: 3, count: 3_000)),
      ]
      #expect(try bench.engine.bucket(name(number))?.entries() == expected, "bucket \(number)")
    }
    #expect(try bench.engine.value(for: key(1)) == Array("own".utf8))
    try bench.engine.write(sync: true) { (transaction) throws(EngineError) in
      for number in 0..<1_000 { try transaction.drop(name(number)) }
    }
    #expect(try bench.engine.bucketNames().isEmpty)
    try bench.engine.verify()
    let report = try bench.engine.spaceReport()
    #expect(report.parts.first { $0.name == "overflow" }?.byteCount == 0)
  }

  /// Five thousand buckets, each with a key of the same name and a value of its own, in a memory that a fifth of them fills.
  @Test(arguments: ["path-copy", "log"])
  func thousandsOfBucketsAreThereAfterReopening(commit: String) throws {
    let changes: [String: ParameterValue] = [
      "commit": .text(commit), "checkpoint_operations": .integer(3_000),
    ]
    let count = 5_000
    var bench = try Bench(changes, memoryByteCount: 4 << 20)
    for start in stride(from: 0, to: count, by: 250) {
      try bench.engine.write { (transaction) throws(EngineError) in
        for number in start..<(start + 250) {
          try transaction.create(name(number))
          try transaction.put(key(1), key(number), in: name(number))
        }
      }
    }
    try bench.engine.verify()
    try bench.engine.close()
    bench.engine = try Bench.open(bench.memory, changes, 4 << 20, creates: false)
    let names = try bench.engine.bucketNames()
    #expect(Set(names) == Set((0..<count).map { name($0) }) && names.count == count)
    var wrong = 0
    for number in 0..<count {
      let entries = try bench.engine.bucket(name(number))?.entries()
      if entries != [KeyValuePair(key: key(1), value: key(number))] { wrong += 1 }
    }
    #expect(wrong == 0)
    try bench.engine.verify()
    for start in stride(from: 0, to: count, by: 250) {
      try bench.engine.write { (transaction) throws(EngineError) in
        for number in start..<(start + 250) { try transaction.drop(name(number)) }
      }
    }
    try bench.engine.settle()
    #expect(try bench.engine.bucketNames().isEmpty)
    try bench.engine.verify()
    try bench.engine.close()
  }

  /// A crash after synced transactions: the log, or the last superblock, has all of them.
  @Test(arguments: ["path-copy", "log"])
  func syncedBucketsSurviveWithoutClosing(commit: String) throws {
    let changes: [String: ParameterValue] = ["commit": .text(commit)]
    var bench = try Bench(changes)
    for number in 0..<50 {
      try bench.engine.write(sync: true) { (transaction) throws(EngineError) in
        try transaction.create(name(number))
        try transaction.put(key(number), key(number), in: name(number))
        if number % 3 == 0, number > 0 { try transaction.drop(name(number - 1)) }
      }
    }
    let expected = try bench.engine.bucketNames()
    bench.engine = try Bench.open(bench.memory, changes, 16 << 20, creates: false)
    #expect(try bench.engine.bucketNames() == expected)
    #expect(try bench.engine.bucket(name(49))?.value(for: key(49)) == key(49))
    try bench.engine.verify()
  }
}
