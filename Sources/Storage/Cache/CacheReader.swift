// One thread's way to look nodes up, with a clock of its own: a hit writes no memory that other threads' hits write, but for the
// node's own slot.
//
//   reader's clock   n+1  n+2  n+3 … n+64 │ n'+1 …          marks of use come from here
//   shard's clock    n ───────── + 64 ───▶ n'               written once in 64 hits; what others did meanwhile is in it
//
// Invariants
// 1. A reader is used by one thread at a time.
// 2. Each hit is counted once in its shard's clock: at the 64th, before the reader's next insertion there, or when it ends.
// 3. With one reader, marks are those of a clock that moves with every hit: evictions are in exact least-recently-used order, and
//    a function of the calls. With n readers, a mark is off by at most 64 n.

import Synchronization

/// A reader's clock of one shard.
@usableFromInline struct ReaderTime {
  /// The reader's latest mark.
  @usableFromInline var now: UInt64 = 0
  /// How many of its hits the shard's clock does not know.
  @usableFromInline var owed: UInt64 = 0

  @usableFromInline init() {}
}

/// Looks nodes up for one thread at a time.
public struct CacheReader: ~Copyable, @unchecked Sendable {
  // Sendable: its clocks are its own, and it moves between threads with its owner; the cache is shared.

  /// Where it looks.
  public let cache: NodeCache
  @usableFromInline let times: UnsafeMutablePointer<ReaderTime>

  @usableFromInline static var longestDebt: UInt64 { 64 }

  /// A reader of `cache`. Cost: two words for each shard.
  public init(of cache: NodeCache) {
    self.cache = cache
    times = .allocate(capacity: cache.shardCount)
    times.initialize(repeating: ReaderTime(), count: cache.shardCount)
  }

  deinit {
    for shard in 0..<cache.shardCount { Self.settle(times + shard, shard, cache) }
    times.deallocate()
  }

  /// Holds the node `id` if it is in the cache: as `NodeCache.hold`.
  @inlinable public func hold(_ id: UInt64) -> NodeLease? {
    let hash = NodeCache.hash(id)
    let shard = cache.shardIndex(hash)
    guard let pinned = cache.pin(id, hash, shard) else { return nil }
    return cache.lease(pinned, usedAt: tick(shard))
  }

  /// Holds the node `id` if it is where a hint leads; `hold(id)` may find it elsewhere.
  @inlinable @inline(__always) public func hold(_ id: UInt64, _ hint: NodeHint) -> NodeLease? {
    guard let pinned = cache.pin(id, hint) else { return nil }
    return cache.lease(pinned, usedAt: tick(cache.shardIndex(NodeCache.hash(id))))
  }

  /// Holds the node `id` if it is in the cache, nil being the truth of a moment: as `NodeCache.holdSurely`.
  public func holdSurely(_ id: UInt64) -> NodeLease? { settled(for: id).holdSurely(id) }

  /// The cache, to put the node `id` in: it knows of all this reader's hits in that node's shard.
  public func settled(for id: UInt64) -> NodeCache {
    let shard = cache.shardIndex(NodeCache.hash(id))
    Self.settle(times + shard, shard, cache)
    return cache
  }

  /// The cache, to ask what it did: it knows of all this reader's hits.
  public var settled: NodeCache {
    for shard in 0..<cache.shardCount { Self.settle(times + shard, shard, cache) }
    return cache
  }

  /// The reader's next moment.
  @inlinable @inline(__always) func tick(_ shard: Int) -> UInt64 {
    let time = times + shard
    if time.pointee.owed == 0 {
      time.pointee.now = cache.clocks[shard &* NodeCache.clockStride].word.load(ordering: .relaxed)
    }
    time.pointee.now &+= 1
    time.pointee.owed &+= 1
    if time.pointee.owed == Self.longestDebt { Self.settle(time, shard, cache) }
    return time.pointee.now
  }

  @usableFromInline static func settle(
    _ time: UnsafeMutablePointer<ReaderTime>, _ shard: Int, _ cache: NodeCache
  ) {
    let owed = time.pointee.owed
    if owed == 0 { return }
    time.pointee.owed = 0
    cache.clocks[shard * NodeCache.clockStride].word.wrappingAdd(owed, ordering: .relaxed)
  }
}
