// Asking the processor for what a lookup is going to read, some lookups ahead: three dependent reads from memory that lie
// apart (bucket, slot, node) become three requests that travel together with those of other nodes.
//
//   lookup k + 6   bucket ──▶            requested, not waited for
//   lookup k + 4            slot ──▶
//   lookup k + 2                  node ──▶
//   lookup k                             hold: everything is near
//
// Invariant: nothing is held, counted or promised. What is asked for may move meanwhile; a wrong hint costs time only, and
// no address is read through, only requested.

import CSystem
import Synchronization

extension NodeCache {
  /// Asks for the bucket of a node. Any thread.
  @inlinable @inline(__always) public func prefetchBucket(of id: UInt64) {
    let hash = Self.hash(id)
    let base = buckets + (shardIndex(hash) << bucketShift)
    betula_prefetch(base + Int(truncatingIfNeeded: hash) & bucketMask)
  }

  /// The slot that seems to hold a node, from its bucket's tag alone.
  @inlinable @inline(__always) func likelySlot(of id: UInt64) -> UnsafeMutablePointer<CacheSlot>? {
    let hash = Self.hash(id)
    let base = buckets + (shardIndex(hash) << bucketShift)
    let tag = hash >> 32
    var position = Int(truncatingIfNeeded: hash) & bucketMask
    for _ in 0...bucketMask {
      let entry = base[position].word.load(ordering: .relaxed)
      if entry == 0 { return nil }
      if entry >> 32 == tag { return slots + Int(UInt32(truncatingIfNeeded: entry) &- 1) }
      position = (position + 1) & bucketMask
    }
    return nil
  }

  /// Asks for the slot of a node. Any thread.
  ///
  /// - Returns: whether the node seems to be in the cache.
  @inlinable @inline(__always) @discardableResult public func prefetchSlot(of id: UInt64) -> Bool {
    guard let slot = likelySlot(of: id) else { return false }
    betula_prefetch(slot)
    return true
  }

  /// Where a node's bytes seem to be: for requesting them, not for reading. Any thread.
  @inlinable @inline(__always) public func likelyAddress(of id: UInt64) -> UnsafeRawPointer? {
    guard let slot = likelySlot(of: id) else { return nil }
    return UnsafeRawPointer(bitPattern: slot.pointee.address.load(ordering: .relaxed))
  }

  /// Asks for the object of the frame of a node that is going to be let go, if it is in a shard whose lock is held.
  @inline(__always) func prefetchFrame(of id: UInt64, inShard shard: Int) {
    guard shardIndex(Self.hash(id)) == shard, let slot = likelySlot(of: id) else { return }
    prefetchFrame(inSlot: slot - slots)
  }

  /// Asks for the object of a slot's frame. The writer's, or under the lock.
  @inline(__always) func prefetchFrame(inSlot index: Int) {
    // A reference is the object's address, or zero.
    let word = UnsafeRawPointer(CacheSlot.frame(of: slots + index)).load(as: UInt.self)
    if let object = UnsafeRawPointer(bitPattern: word) { betula_prefetch(object) }
  }
}
