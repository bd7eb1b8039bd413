// Finding a node without a lock: from its id by way of the buckets, or from where it was found before.
//
//   id ──▶ bucket … ──tag──▶ slot ──pin──▶ present, and this id? ──▶ lease
//   handle, hint ────────────▶ slot ──pin──▶ present, and this id? ──▶ lease
//
// Invariant: whatever led to a slot, only what is read there under the pin decides (`NodeCache`, invariants 1 to 4).

import Synchronization

extension NodeCache {
  /// A 64-bit hash of an id: shard from the top bits, bucket from the low ones, tag from the upper half.
  @inlinable @inline(__always) static func hash(_ id: UInt64) -> UInt64 {
    let x = (id ^ (id >> 32)) &* 0x9E37_79B9_7F4A_7C15
    return x ^ (x >> 29)
  }

  @inlinable @inline(__always) func shardIndex(_ hash: UInt64) -> Int { Int((hash >> 1) >> shardShift) }

  /// Holds the node `id` if it is in the cache. Any thread; takes no lock and allocates nothing.
  ///
  /// - Returns: nil on a miss. The caller then reads the node and calls `insert`.
  @inlinable public func hold(_ id: UInt64) -> NodeLease? {
    let hash = Self.hash(id)
    let shard = shardIndex(hash)
    guard let pinned = pin(id, hash, shard) else { return nil }
    return lease(pinned, usedAt: tick(shard))
  }

  /// Pins the node `id` if it is found. Any thread.
  @inlinable @inline(__always) func pin(_ id: UInt64, _ hash: UInt64, _ shard: Int) -> PinnedSlot? {
    let base = buckets + (shard << bucketShift)
    let tag = hash >> 32
    var position = Int(truncatingIfNeeded: hash) & bucketMask
    // Bounded: while entries move, an empty bucket may keep out of sight.
    for _ in 0...bucketMask {
      let entry = base[position].word.load(ordering: .acquiring)
      if entry == 0 { return nil }
      if entry >> 32 == tag, let pinned = pin(id, inSlot: UInt32(truncatingIfNeeded: entry) &- 1) {
        return pinned
      }
      position = (position + 1) & bucketMask
    }
    return nil
  }

  /// Pins the node in a slot if it is the node `id`. Any thread.
  @inlinable @inline(__always) func pin(_ id: UInt64, inSlot slotIndex: UInt32) -> PinnedSlot? {
    let slot = slots + Int(slotIndex)
    let state = slot.pointee.state.wrappingAdd(1, ordering: .acquiring).oldValue
    if state & SlotState.present != 0 && slot.pointee.id.load(ordering: .relaxed) == id {
      return PinnedSlot(slot: slot, slotIndex: slotIndex, state: state)
    }
    slot.pointee.state.wrappingSubtract(1, ordering: .releasing)
    return nil
  }

  /// Holds the node `id` if it is still where `handle` found it. Any thread; no lookup.
  ///
  /// - Returns: nil when it has left that place; `hold(id)` may still find it elsewhere.
  @inlinable public func hold(_ handle: NodeHandle, id: UInt64) -> NodeLease? {
    guard handle.slot < slotCount, let pinned = pin(id, inSlot: handle.slot) else { return nil }
    if pinned.state >> SlotState.versionShift == UInt64(handle.version) {
      return lease(pinned, usedAt: tick(shardIndex(Self.hash(id))))
    }
    pinned.slot.pointee.state.wrappingSubtract(1, ordering: .releasing)
    return nil
  }

  /// The next moment of a shard's clock.
  @inlinable @inline(__always) func tick(_ shard: Int) -> UInt64 {
    clocks[shard &* Self.clockStride].word.wrappingAdd(1, ordering: .relaxed).newValue
  }

  /// A lease of a slot that was just pinned, and the mark of its use.
  @inlinable @inline(__always) func lease(_ pinned: PinnedSlot, usedAt now: UInt64) -> NodeLease {
    let slot = pinned.slot
    slot.pointee.lastUse.store(now, ordering: .relaxed)
    // A present node has an address (invariant 1).
    let pointer = UnsafeMutableRawPointer(bitPattern: slot.pointee.address.load(ordering: .acquiring))!
    return NodeLease(
      slot: slot, slotIndex: pinned.slotIndex,
      version: UInt32(truncatingIfNeeded: pinned.state >> SlotState.versionShift), pointer: pointer,
      byteCount: slot.pointee.byteCount)
  }

  /// Whether the node seems to be in the cache, without holding or using it: for read-ahead.
  public func contains(_ id: UInt64) -> Bool {
    let hash = Self.hash(id)
    let shard = shardIndex(hash)
    return shards[shard].state.withLock { _ in bucketPosition(of: id, hash, shard) != nil }
  }
}

/// A slot that was pinned, and its state's word before.
@usableFromInline struct PinnedSlot {
  @usableFromInline let slot: UnsafeMutablePointer<CacheSlot>
  @usableFromInline let slotIndex: UInt32
  @usableFromInline let state: UInt64

  @inlinable @inline(__always) init(
    slot: UnsafeMutablePointer<CacheSlot>, slotIndex: UInt32, state: UInt64
  ) {
    self.slot = slot
    self.slotIndex = slotIndex
    self.state = state
  }
}
