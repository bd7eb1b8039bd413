// Goal: keys up to a quarter of a node, or as long as F pivots of that length fit into one, are keys like others: found, scanned,
// deleted alone and by ranges, in both modes; longer ones are refused with the limit.
// Method: the limit of geometries by hand; model-based runs with keys of every length up to the limit, many with long common
// beginnings so that separators are long too, the whole tree checked. Seeds are in the names.

import KeyValue
import Testing

@testable import BEpsilonTree

@Suite struct LongKeyTests {
  @Test func theLimitIsAQuarterWhereFPivotsFit() throws {
    func limit(_ node: Int, _ fanout: Int) throws -> Int {
      try BEpsilonGeometry(nodeByteCount: node, fanout: fanout, unit: .entries(byteCount: 128))
        .maximumKeyByteCount
    }
    // Two or three pivots of a quarter fit; more do not.
    #expect(try limit(4_096, 2) == 960)
    #expect(try limit(4_096, 5) == 960)
    #expect(try limit(4_096, 6) == 772)
    #expect(try limit(4_096, 32) == 256)
    #expect(try limit(16 << 10, 3) == 4_032)
    #expect(try limit(128 << 10, 16) == 8_699)
    #expect(try limit(128 << 10, 1_000) == 8_192)
    #expect(try limit(1 << 20, 4) == 32_768)
  }

  static let settings: [(name: String, changes: [String: ParameterValue])] = [
    ("4 KiB, F 4", ["node_bytes": .integer(4_096), "fanout": .integer(4)]),
    (
      "4 KiB, F 2, nothing merges",
      [
        "node_bytes": .integer(4_096), "fanout": .integer(2), "merge_threshold_percent": .integer(0),
      ]
    ),
    (
      "16 KiB in parts of 4 KiB, F 3",
      [
        "node_bytes": .integer(16 << 10), "fanout": .integer(3), "basement_bytes": .integer(4_096),
      ]
    ),
    ("4 KiB, F 32", ["node_bytes": .integer(4_096), "fanout": .integer(31)]),
    (
      "copy-on-write, 4 KiB, F 4",
      [
        "node_bytes": .integer(4_096), "fanout": .integer(4), "durability": .text("copy-on-write"),
        "flush_policy": .text("all"),
      ]
    ),
    (
      "copy-on-write, 16 KiB in parts of 4 KiB, F 3",
      [
        "node_bytes": .integer(16 << 10), "fanout": .integer(3), "basement_bytes": .integer(4_096),
        "durability": .text("copy-on-write"), "buffer_layout": .text("shared"),
      ]
    ),
  ]

  @Test(arguments: 0..<settings.count, [1, 2] as [UInt64])
  func keysOfEveryLengthAreAnsweredAsTheModelDoes(number: Int, seed: UInt64) throws {
    var changes = Self.settings[number].changes
    changes["checkpoint_operations"] = .integer(200)
    let bench = try Bench(changes, memoryByteCount: 2 << 20)
    var engine = bench.engine
    let limit = engine.limits.maximumKeyByteCount
    let model = ReferenceModel(limits: engine.limits)
    var counter = 0
    func next(_ bound: Int) -> Int {
      counter += 1
      return Int(draw(seed, counter) % UInt64(bound))
    }
    /// One of some hundred keys: its length and its bytes follow from its number; most begin alike.
    func longKey(_ number: Int) -> [UInt8] {
      let byteCount = number % 3 == 0 ? limit : 12 + Int(draw(99, number) % UInt64(limit - 11))
      let isAlike = number % 4 != 0
      var bytes = [UInt8](repeating: isAlike ? 7 : UInt8(number % 251), count: byteCount)
      for (offset, byte) in key(number, byteCount: 8).enumerated() {
        bytes[isAlike ? byteCount - 8 + offset : offset] = byte
      }
      return bytes
    }
    for round in 0..<150 {
      var batch = WriteBatch()
      for _ in 0..<(1 + next(5)) {
        let key = longKey(next(300))
        switch next(10) {
        case 0, 1: batch.delete(key)
        case 2 where round % 5 == 0:
          let other = longKey(next(300))
          batch.deleteRange(min(key, other), max(key, other))
        case 3: batch.append(key, [1, 2, 3])
        default:
          batch.put(key, [UInt8](repeating: UInt8(round), count: next(engine.settings.inlineLimitByteCount)))
        }
      }
      try engine.apply(batch, sync: round % 9 == 0)
      try model.apply(batch, sync: false)
      if round % 50 == 49 {
        try engine.verify()
        #expect(try engine.entries() == model.entries(), "round \(round)")
      }
    }
    try engine.settle()
    try engine.verify()
    try engine.close()
    engine = try Bench.open(bench.channel, changes, 2 << 20, creates: false)
    #expect(try engine.entries(order: .reverse) == model.entries(order: .reverse))
    for number in 0..<300 {
      #expect(try engine.value(for: longKey(number)) == model.value(for: longKey(number)))
    }
    let error = #expect(throws: EngineError.self) {
      try engine.put([UInt8](repeating: 1, count: limit + 1), [1])
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("\(limit)"))
  }
}

/// Order of keys.
private func min(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
  first.lexicographicallyPrecedes(second) ? first : second
}
private func max(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
  first.lexicographicallyPrecedes(second) ? second : first
}
