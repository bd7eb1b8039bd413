// Goal: after warm-up a cursor's step, a seek, a scan and a point lookup allocate nothing; what a scan of leaves that are not in
// memory allocates is what it reads, and bounded.
// Method: the test program's allocator counts the calls of each thread; a canary allocation must be counted, and where the system's
// library is glibc counting must be there. A hundred thousand entries in the cache, three levels of pages, so that steps from leaf to
// leaf are among those counted; then the same scan of a cold cache.

import CAllocationCount
import KeyValue
import Primitives
import Testing

@Suite struct CursorAllocationTests {
  /// Allocations of `body` on this thread.
  private func allocations(_ body: () throws -> Void) rethrows -> UInt64 {
    let before = betula_allocation_count()
    try body()
    return betula_allocation_count() - before
  }

  private func filled(_ count: Int) throws -> Bench {
    let bench = try Bench(memoryByteCount: 32 << 20)
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

  /// Without the counter the other tests of this suite do not run: its absence is a failure, not a reason to be silent.
  @Test func theCounterIsThere() {
    #if os(Linux) && canImport(Glibc)
      #expect(betula_counts_allocations() == 1 || Threads.areSanitized)
    #endif
  }

  @Test(.enabled(if: betula_counts_allocations() == 1))
  func theCanaryIsCounted() {
    var kept: [[UInt8]] = []
    let count = allocations { kept.append([UInt8](repeating: 1, count: Int(draw(1, 1) % 8) + 100)) }
    #expect(count >= 1 && kept.count == 1)
  }

  @Test(.enabled(if: betula_counts_allocations() == 1), arguments: ScanOrder.allCases)
  func stepsAllocateNothing(order: ScanOrder) throws {
    let bench = try filled(100_000)
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
    let edge = key(order == .forward ? 0 : 100_000)
    try cursor.seek(to: edge.span.bytes)
    let counted = try allocations { try walk() }
    #expect(counted == 0, "in \(steps) steps")
    #expect(steps == 200_000)
    try cursor.seek(to: edge.span.bytes)
    var shown = 0
    let scanned = try allocations {
      shown = try cursor.showNext(upTo: .max) { bytes += $0.byteCount + $1.byteCount }
    }
    #expect(scanned == 0 && shown == 100_000 && bytes > 0)
  }

  @Test(.enabled(if: betula_counts_allocations() == 1))
  func seeksAndLookupsAllocateNothing() throws {
    let bench = try filled(100_000)
    let cursor = try bench.engine.makeCursor(.all, .forward)
    let keys = (0..<500).map { key(Int(draw(7, $0) % 100_000)) }
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

  /// A page that comes from the device takes memory: a frame, and its part of a request.
  @Test(.enabled(if: betula_counts_allocations() == 1), arguments: ScanOrder.allCases)
  func aColdScanAllocatesForWhatItReads(order: ScanOrder) throws {
    let bench = try filled(100_000)
    try bench.engine.settle()
    try bench.engine.dropCache()
    let read = bench.statistic("page_reads")
    let cursor = try bench.engine.makeCursor(.all, order)
    var shown = 0
    let counted = try allocations { shown = try cursor.showNext(upTo: .max) { _, _ in } }
    let pages = bench.statistic("page_reads") - read
    #expect(shown == 100_000 && pages > 1_500, "\(pages)")
    #expect(counted > 0 && counted <= 4 * pages, "\(counted) allocations, \(pages) pages read")
  }
}
