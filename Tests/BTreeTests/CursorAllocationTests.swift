// Goal: after warm-up a cursor's step, a seek, a scan and a point lookup allocate nothing.
// Method: the test program's allocator counts the calls of each thread; a canary allocation must be counted. Everything is in
// the cache, and leaves of several levels are passed, so that steps from leaf to leaf are among those counted.

import CAllocationCount
import KeyValue
import Testing

@Suite struct CursorAllocationTests {
  /// Allocations of `body` on this thread.
  private func allocations(_ body: () throws -> Void) rethrows -> UInt64 {
    let before = betula_allocation_count()
    try body()
    return betula_allocation_count() - before
  }

  private func filled(_ count: Int) throws -> Bench {
    let bench = try Bench()
    var index = 0
    while index < count {
      var batch = WriteBatch()
      for number in index..<(index + 500) { batch.put(key(number), [UInt8](repeating: 1, count: 60)) }
      // Some values in extents of their own.
      batch.put(key(index), [UInt8](repeating: 2, count: 5_000))
      try bench.engine.apply(batch, sync: false)
      index += 500
    }
    return bench
  }

  @Test(.enabled(if: betula_counts_allocations() == 1))
  func theCanaryIsCounted() {
    var kept: [[UInt8]] = []
    let count = allocations { kept.append([UInt8](repeating: 1, count: Int(draw(1, 1) % 8) + 100)) }
    #expect(count >= 1 && kept.count == 1)
  }

  @Test(.enabled(if: betula_counts_allocations() == 1), arguments: ScanOrder.allCases)
  func stepsAllocateNothing(order: ScanOrder) throws {
    let bench = try filled(20_000)
    let cursor = try bench.engine.makeCursor(.all, order)
    var steps = 0
    var bytes = 0
    func walk() throws {
      while try cursor.next() {
        cursor.withCurrent { bytes += $0.byteCount + $1.byteCount }
        steps += 1
      }
    }
    try walk()
    let edge = key(order == .forward ? 0 : 20_000)
    try cursor.seek(to: edge.span.bytes)
    let counted = try allocations { try walk() }
    #expect(counted == 0, "in \(steps) steps")
    #expect(steps == 40_000)
    try cursor.seek(to: edge.span.bytes)
    var shown = 0
    let scanned = try allocations {
      shown = try cursor.showNext(upTo: .max) { bytes += $0.byteCount + $1.byteCount }
    }
    #expect(scanned == 0 && shown == 20_000 && bytes > 0)
  }

  @Test(.enabled(if: betula_counts_allocations() == 1))
  func seeksAndLookupsAllocateNothing() throws {
    let bench = try filled(20_000)
    let cursor = try bench.engine.makeCursor(.all, .forward)
    let keys = (0..<500).map { key(Int(draw(7, $0) % 20_000)) }
    var found = 0
    func look() throws {
      for key in keys {
        try cursor.seek(to: key.span.bytes)
        if try cursor.next() { found += 1 }
        if try bench.engine.get(key.span.bytes, { found += $0.byteCount > 0 ? 1 : 0 }) {}
      }
    }
    try look()
    let counted = try allocations { try look() }
    #expect(counted == 0 && found == 2_000)
  }
}
