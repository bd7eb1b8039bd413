// Goal: many entries in one call are those that single steps show, with every kind of message waiting above the leaves, in both
// orders, from any key on; and an entry that is shown where it lies asks for no memory.
// Method: a tree of several levels whose buffers hold puts, deletes, appends and range deletes, beside a walk by `next` on the same
// state; portions and starting keys drawn from fixed seeds; the test program's allocator counts this thread's calls.

import CAllocationCount
import KeyValue
import Testing

@testable import BEpsilonTree

@Suite("Bε-tree: many entries in one call")
struct ShowNextTests {
  private static let settings: [String: ParameterValue] = [
    "node_bytes": .integer(32 << 10), "basement_bytes": .integer(4_096), "fanout": .integer(4),
    "sequential_bypass": .boolean(false),
  ]
  private static let count = 9_000

  private func name(_ draw: UInt64) -> [UInt8] { key(Int(draw % UInt64(Self.count)) * 7) }

  private func load(_ settings: [String: ParameterValue]) throws -> Bench {
    let bench = try Bench(settings, memoryByteCount: 8 << 20)
    for start in stride(from: 0, to: Self.count, by: 300) {
      var batch = WriteBatch()
      for index in start..<(start + 300) {
        batch.put(key(index * 2_411 % Self.count * 7), [UInt8](repeating: 9, count: index % 150))
      }
      try bench.engine.apply(batch, sync: false)
    }
    return bench
  }

  private func steps(
    _ cursor: any Cursor, upTo limit: Int
  ) throws -> [KeyValuePair] {
    var pairs: [KeyValuePair] = []
    while pairs.count < limit, try cursor.next() {
      cursor.withCurrent { pairs.append(KeyValuePair(key: bytes($0), value: bytes($1))) }
    }
    return pairs
  }

  private func bytes(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { [UInt8]($0) } }

  private func compare(_ bench: Bench, _ seed: UInt64) throws {
    for order in ScanOrder.allCases {
      for index in 0..<40 {
        let start = name(draw(seed, index) >> 3)
        let one = try bench.engine.makeCursor(.all, order)
        let many = try bench.engine.makeCursor(.all, order)
        try start.withUnsafeBytes { try one.seek(to: $0.bytes) }
        try start.withUnsafeBytes { try many.seek(to: $0.bytes) }
        for round in 0..<3 {
          let limit = Int(draw(seed &+ 1, index * 3 + round) % 260) + 1
          let expected = try steps(one, upTo: limit)
          var shown: [KeyValuePair] = []
          let count = try many.showNext(upTo: limit) {
            shown.append(KeyValuePair(key: bytes($0), value: bytes($1)))
          }
          #expect(count == shown.count)
          #expect(shown == expected, "\(order) from draw \(index), portion \(round) of \(limit)")
          guard count == limit, let last = shown.last else { break }
          var current: KeyValuePair?
          many.withCurrent { current = KeyValuePair(key: bytes($0), value: bytes($1)) }
          #expect(current == last)
        }
      }
    }
  }

  @Test(arguments: [UInt64(3), 4]) func itShowsWhatStepsShow(seed: UInt64) throws {
    let bench = try load(Self.settings)
    #expect(bench.engine.table.shape.height >= 2)
    try bench.engine.settle()
    try compare(bench, seed)
    for round in 0..<12 {
      var batch = WriteBatch()
      for index in 0..<60 {
        let drawn = draw(seed &+ 7, round * 60 + index)
        let target = name(drawn >> 5)
        switch drawn % 16 {
        case 0..<6: batch.put(target, [UInt8](repeating: UInt8(round), count: Int(drawn >> 50) % 90))
        case 6..<11: batch.delete(target)
        case 11..<15: batch.append(target, [1, 2, 3])
        default:
          // Ranges only in some rounds: where there are none, entries are shown from where they lie.
          if round % 4 == 3 {
            batch.deleteRange(target, key(Int((drawn >> 5) % UInt64(Self.count)) * 7 + 40))
          }
        }
      }
      try bench.engine.apply(batch, sync: false)
      try compare(bench, seed &+ UInt64(round))
    }
    try bench.engine.verify()
  }

  @Test(.enabled(if: betula_counts_allocations() == 1)) func anEntryAsksForNoMemory() throws {
    let bench = try load(Self.settings)
    try bench.engine.settle()
    func allocations(_ limit: Int) throws -> UInt64 {
      let cursor = try bench.engine.makeCursor(.all, .forward)
      let before = betula_allocation_count()
      var sum = 0
      try cursor.showNext(upTo: limit) { sum += $0.byteCount + $1.byteCount }
      return betula_allocation_count() - before
    }
    _ = try allocations(Self.count)
    let (few, many) = (try allocations(20), try allocations(4_000))
    // A leaf costs a few, an entry nothing.
    #expect(many < few + 400, "\(few) for 20 entries, \(many) for 4,000")
  }
}
