// Goal: readers with clocks of their own leave the same marks as one clock would when there is one of them, lose no hit, and a
// node that a reader keeps is never anything else than what a lookup finds.
// Method: the same random lookups and insertions on two caches, one looked into directly and one through readers with a kept node:
// the same nodes stay, step after step. Hits of several threads are counted out. A kept node is removed, put in again under the same
// id, moved to other memory and evicted around.

import Accounting
import Foundation
import Primitives
import Testing

@testable import Storage

@Suite struct CacheReaderTests {
  static let node = 4_096

  func makeCache(nodes: Int, shards: Int = 1) throws -> NodeCache {
    try NodeCache(
      capacityByteCount: nodes * Self.node, shardCount: shards,
      budget: MemoryBudget(limitByteCount: 64 << 20),
      pool: FramePool())
  }

  func frame(_ cache: NodeCache, _ content: UInt64) -> Frame {
    let frame = cache.pool.frame(byteCount: Self.node)
    frame.pointer.setU64(0, content)
    return frame
  }

  @Test(arguments: [11, 12, 13] as [UInt64], [1, 4]) func oneReaderLeavesTheMarksOfOneClock(
    seed: UInt64, shards: Int
  ) throws {
    let plain = try makeCache(nodes: 48, shards: shards)
    let other = try makeCache(nodes: 48, shards: shards)
    defer { withExtendedLifetime((plain, other)) {} }
    let reader = CacheReader(of: other)
    var kept = KeptNode()
    let random = CounterRandom(seed: seed, stream: 0)
    var misses = 0
    for step in 0..<UInt64(30_000) {
      // A root before each of the others, as a search has it.
      for id in [1, random.uniform(below: 80, step) + 2] {
        let isHit: Bool
        if let _ = plain.hold(id) {
          isHit = true
        } else {
          isHit = false
          misses += 1
          _ = try plain.insert(id, frame: frame(plain, id), byteCount: Self.node, offset: id)
        }
        if id == 1 {
          let isKept = kept.use(1, reader)
          if !isKept {
            if let held = reader.hold(1) {
              #expect(isHit)
              kept.keep(held)
            } else {
              #expect(!isHit)
              kept.keep(
                try reader.settled(for: 1).insert(1, frame: frame(other, 1), byteCount: Self.node, offset: 1))
            }
          } else {
            #expect(isHit)
          }
          // Let go before what might push it out, in half of the rounds.
          if step % 128 < 64 { kept.letGo() }
        } else if let held = reader.hold(id) {
          #expect(isHit && held.pointer.u64(0) == id)
        } else {
          #expect(!isHit)
          _ = try reader.settled(for: id).insert(
            id, frame: frame(other, id), byteCount: Self.node, offset: id)
        }
      }
    }
    kept.letGo()
    #expect(misses > 5_000)
    var expected = plain.statistics
    let found = reader.settled.statistics
    expected.peakByteCount = found.peakByteCount
    #expect(found == expected)
  }

  /// Holds node 1 many times, by way of a reader that has ended when this returns.
  static func look(_ cache: NodeCache, _ thread: UInt64) {
    let reader = CacheReader(of: cache)
    var kept = KeptNode()
    for step in 0..<UInt64(10_007) {
      if kept.use(1, reader) { continue }
      if let held = reader.hold(1) { kept.keep(held) }
      if step % 5 == thread { kept.letGo() }
    }
    kept.letGo()
  }

  @Test func hitsOfManyThreadsAreAllCounted() throws {
    let cache = try makeCache(nodes: 16)
    defer { withExtendedLifetime(cache) {} }
    for id in 1...8 as ClosedRange<UInt64> {
      _ = try cache.insert(id, frame: frame(cache, id), byteCount: Self.node, offset: id)
    }
    let group = DispatchGroup()
    for thread in 0..<4 as Range<UInt64> {
      group.enter()
      Thread {
        Self.look(cache, thread)
        group.leave()
      }.start()
    }
    group.wait()
    #expect(cache.statistics.hitCount == 4 * 10_007)
  }

  /// What a kept node shows, nil when it is not kept or has become another.
  func shown(_ kept: inout KeptNode, _ id: UInt64, _ reader: borrowing CacheReader) -> UInt64? {
    kept.use(id, reader) ? kept.lease.pointee.pointer.u64(0) : nil
  }

  func keep(_ id: UInt64, in kept: inout KeptNode, _ reader: borrowing CacheReader) {
    if let held = reader.hold(id) { kept.keep(held) } else { Issue.record("node \(id) is missing") }
  }

  @Test func aKeptNodeIsWhatALookupFinds() throws {
    let cache = try makeCache(nodes: 8)
    defer { withExtendedLifetime(cache) {} }
    let reader = CacheReader(of: cache)
    var kept = KeptNode()
    var seen = shown(&kept, 1, reader)
    #expect(seen == nil)
    _ = try cache.insert(1, frame: frame(cache, 100), byteCount: Self.node, offset: 1)
    keep(1, in: &kept, reader)
    seen = shown(&kept, 1, reader)
    #expect(seen == 100)
    seen = shown(&kept, 2, reader)
    #expect(seen == nil)
    // Removed, and the same id put in again: its place was freed and given out anew.
    cache.remove(1)
    seen = shown(&kept, 1, reader)
    #expect(seen == nil)
    _ = try cache.insert(1, frame: frame(cache, 200), byteCount: Self.node, offset: 1)
    seen = shown(&kept, 1, reader)
    #expect(seen == nil)
    let stale = kept.lease.pointee.pointer.u64(0)
    #expect(stale == 100, "canary: the lease alone would show what was there before")
    keep(1, in: &kept, reader)
    seen = shown(&kept, 1, reader)
    #expect(seen == 200)
    // Given other memory by the writer, who shares the old one with the device.
    let shared = frame(cache, 300)
    do {
      _ = try cache.insert(3, frame: shared, byteCount: Self.node, offset: 3)
      keep(3, in: &kept, reader)
      guard var own = reader.hold(3) else {
        Issue.record("node 3 is missing")
        return
      }
      cache.makeWritable(&own)
      own.pointer.setU64(0, 301)
    }
    seen = shown(&kept, 3, reader)
    #expect(seen == 301 && shared.pointer.u64(0) == 300)
    // Held, so it stays, whatever comes.
    for id in 10..<40 as Range<UInt64> {
      _ = try cache.insert(id, frame: frame(cache, id), byteCount: Self.node, offset: id)
    }
    seen = shown(&kept, 3, reader)
    #expect(seen == 301)
    kept.letGo()
    seen = shown(&kept, 3, reader)
    #expect(seen == nil)
  }
}
