// Putting nodes in, and making room for them.
//
// Room is made in a loop: doomed nodes that nobody holds any more go first; then the node used longest ago. If that one
// is dirty and there is a writer, the lock is released, it is written (with others that are old, when batches are
// asked for), and the loop begins anew; without a writer dirty nodes are passed over.

import Accounting
import CSystem
import Primitives
import Synchronization

extension NodeCache {
  private enum Room {
    case made
    case dirtyFirst
    case none(availableByteCount: Int)
  }

  // MARK: Putting in

  /// Puts a clean node in and holds it. Any thread.
  ///
  /// If another thread was faster, its node is held and `frame` is let go.
  ///
  /// - Parameters:
  ///   - frame: the memory; shared with the device or not.
  ///   - frameOffset: where the node begins in it.
  ///   - byteCount: the node's size.
  ///   - offset: its place on the device.
  ///   - tag: the engine's word about it.
  ///   - hasChildren: whether searches go from it to other nodes, so that hints beside it are of use.
  ///   - writer: given by the writer's thread when dirty nodes may be written to make room; nil on readers' threads.
  /// - Throws: `.outOfBudget` when what is pinned (or dirty, without a writer) leaves no room; what the writer throws.
  public func insert(
    _ id: UInt64, frame: Frame, frameOffset: Int = 0, byteCount: Int, offset: UInt64, tag: UInt64 = 0,
    hasChildren: Bool = false, writer: (any NodeWriter)? = nil
  ) throws(StorageError) -> NodeLease {
    let hash = Self.hash(id)
    let shard = shardIndex(hash)
    var slot: UInt32 = 0
    var isNew = true
    try makeRoom(byteCount, inShard: shard, capacity: nil, writer: writer, unlessPresent: (id, hash)) {
      state in
      if let present = pinPresent(id, hash, shard) {
        slot = present
        isNew = false
      } else {
        slot = fill(
          &state, id, hash, shard, frame, frameOffset, byteCount, offset, tag, hasChildren: hasChildren,
          isDirty: false)
      }
    }
    return leaseOfPinned(slot, shard, countsAsUse: !isNew)
  }

  /// Puts a newborn, dirty node in and holds it. The writer's.
  ///
  /// A node of the same id that is still in the cache is removed first: its id was freed and given out again.
  ///
  /// - Parameter frame: the memory, the caller's alone.
  /// - Throws: as `insert`.
  public func insertDirty(
    _ id: UInt64, frame: consuming Frame, byteCount: Int, offset: UInt64, tag: UInt64 = 0,
    hasChildren: Bool = false, writer: (any NodeWriter)? = nil
  ) throws(StorageError) -> NodeLease {
    remove(id)
    let hash = Self.hash(id)
    let shard = shardIndex(hash)
    let frame = frame
    var slot: UInt32 = 0
    try makeRoom(byteCount, inShard: shard, capacity: nil, writer: writer) { state in
      slot = fill(
        &state, id, hash, shard, frame, 0, byteCount, offset, tag, hasChildren: hasChildren, isDirty: true)
    }
    accountDirty(byteCount)
    return leaseOfPinned(slot, shard, countsAsUse: false)
  }

  /// Fills a free slot and pins it. Under the lock, with room made.
  private func fill(
    _ state: inout CacheShard.State, _ id: UInt64, _ hash: UInt64, _ shard: Int, _ frame: Frame,
    _ frameOffset: Int, _ byteCount: Int, _ offset: UInt64, _ tag: UInt64, hasChildren: Bool, isDirty: Bool
  ) -> UInt32 {
    guard let slotIndex = state.takeSlot(forParent: hasChildren) else {
      preconditionFailure("Room was made before a slot is filled.")
    }
    precondition(
      byteCount > 0 && byteCount <= UInt32.max && frameOffset >= 0
        && frameOffset + byteCount <= frame.byteCount,
      "A node lies within its frame.")
    let slot = slots + Int(slotIndex)
    slot.pointee.id.store(id, ordering: .relaxed)
    slot.pointee.address.store(UInt(bitPattern: frame.pointer + frameOffset), ordering: .releasing)
    slot.pointee.storedByteCount = UInt32(byteCount)
    slot.pointee.offset = offset
    slot.pointee.tag = tag
    CacheSlot.frame(of: slot).pointee = frame
    let now = tick(shard)
    slot.pointee.lastUse.store(now, ordering: .relaxed)
    // Added, not stored: a reader that came by an old hint may have pinned for a moment.
    let published = SlotState.present | (isDirty ? SlotState.dirty : 0) | 1
    let old = slot.pointee.state.wrappingAdd(published, ordering: .acquiringAndReleasing).oldValue
    let entry = RecencyHeap.Entry(
      knownUse: now, slot: slotIndex, version: UInt32(truncatingIfNeeded: old >> SlotState.versionShift))
    push(entry, &state, shard, isDirty: isDirty)
    addBucket(slotIndex, hash, shard)
    state.heldByteCount += byteCount
    state.peakByteCount = max(state.peakByteCount, state.heldByteCount)
    state.insertCount += 1
    return slotIndex
  }

  /// Adds an entry, and clears out the heap when most of it is out of date.
  func push(_ entry: RecencyHeap.Entry, _ state: inout CacheShard.State, _ shard: Int, isDirty: Bool) {
    let limit = 2 * (slotsPerShard - state.freeSlotCount) + 64
    if isDirty {
      state.dirty.push(entry)
      if state.dirty.entries.count > limit {
        state.dirty.rebuild(currentEntries(of: state.dirty, shard, isDirty: true))
      }
    } else {
      state.clean.push(entry)
      if state.clean.entries.count > limit {
        state.clean.rebuild(currentEntries(of: state.clean, shard, isDirty: false))
      }
    }
  }

  /// The entries of a heap that still stand for a node, one for each, up to date, in order of slots.
  func currentEntries(
    of heap: borrowing RecencyHeap, _ shard: Int, isDirty: Bool
  ) -> ContiguousArray<RecencyHeap.Entry> {
    let first = shards[shard].slots.lowerBound
    // A bit for each slot: counted out in order, and each once.
    var marks = ContiguousArray<UInt64>(repeating: 0, count: (slotsPerShard + 63) >> 6)
    var count = 0
    for (index, entry) in heap.entries.enumerated() {
      if index + 8 < heap.entries.count { betula_prefetch(slots + Int(heap.entries[index + 8].slot)) }
      guard isCurrent(entry, isDirty: isDirty) else { continue }
      marks[(Int(entry.slot) - first) >> 6] |= 1 << UInt64((Int(entry.slot) - first) & 63)
      count += 1
    }
    var current: ContiguousArray<RecencyHeap.Entry> = []
    current.reserveCapacity(count)
    for word in marks.indices {
      var bits = marks[word]
      while bits != 0 {
        let index = first + word << 6 + bits.trailingZeroBitCount
        bits &= bits - 1
        let version = slots[index].state.load(ordering: .relaxed) >> SlotState.versionShift
        current.append(
          RecencyHeap.Entry(
            knownUse: slots[index].lastUse.load(ordering: .relaxed), slot: UInt32(truncatingIfNeeded: index),
            version: UInt32(truncatingIfNeeded: version)))
      }
    }
    return current
  }

  /// Whether an entry stands for a present node of its version, dirty or clean as said.
  private func isCurrent(_ entry: RecencyHeap.Entry, isDirty: Bool) -> Bool {
    let word = slots[Int(entry.slot)].state.load(ordering: .relaxed)
    return word & SlotState.present != 0 && word >> SlotState.versionShift == UInt64(entry.version)
      && (word & SlotState.dirty != 0) == isDirty
  }

  /// The lease of a slot pinned under the lock.
  private func leaseOfPinned(_ slotIndex: UInt32, _ shard: Int, countsAsUse: Bool) -> NodeLease {
    let slot = slots + Int(slotIndex)
    let state = slot.pointee.state.load(ordering: .acquiring)
    let pinned = PinnedSlot(slot: slot, slotIndex: slotIndex, state: state)
    return lease(
      pinned, usedAt: countsAsUse ? tick(shard) : slot.pointee.lastUse.load(ordering: .relaxed))
  }

  /// Pins the node if it is there. Under the lock, so the answer is final.
  private func pinPresent(_ id: UInt64, _ hash: UInt64, _ shard: Int) -> UInt32? {
    guard let position = bucketPosition(of: id, hash, shard) else { return nil }
    let entry = buckets[(shard << bucketShift) + position].word.load(ordering: .relaxed)
    let slotIndex = UInt32(truncatingIfNeeded: entry) &- 1
    slots[Int(slotIndex)].state.wrappingAdd(1, ordering: .acquiring)
    return slotIndex
  }

  /// Holds the node `id` if it is in the cache: as `hold`, but under the shard's lock, so that nil is the truth of a moment.
  /// Asked before a node is read from the device, where one that was changed and not written is not. Any thread.
  public func holdSurely(_ id: UInt64) -> NodeLease? {
    let hash = Self.hash(id)
    let shard = shardIndex(hash)
    guard let slot = shards[shard].state.withLock({ _ in pinPresent(id, hash, shard) }) else { return nil }
    return leaseOfPinned(slot, shard, countsAsUse: true)
  }

  // MARK: Making room

  /// Makes room for `byteCount` bytes and one slot, then runs `body` under the same hold of the lock.
  ///
  /// - Parameters:
  ///   - capacity: the shard's capacity to reach, nil for its own.
  ///   - unlessPresent: a node that needs no room when it is already there.
  func makeRoom(
    _ byteCount: Int, inShard shard: Int, capacity: Int?, writer: (any NodeWriter)?,
    unlessPresent: (id: UInt64, hash: UInt64)? = nil, _ body: (inout CacheShard.State) -> Void
  ) throws(StorageError) {
    while true {
      let room = shards[shard].state.withLock { state -> Room in
        let isPresent = unlessPresent.map { bucketPosition(of: $0.id, $0.hash, shard) != nil } ?? false
        if !isPresent {
          let limit = capacity ?? state.capacityByteCount
          let room = evict(until: byteCount, &state, shard, limit: limit, mayWrite: writer != nil)
          guard case .made = room else { return room }
        }
        body(&state)
        return .made
      }
      switch room {
      case .made: return
      case .dirtyFirst:
        guard let writer else { preconditionFailure("Only a writer is asked to write.") }
        try writeBack(shard, writer)
      case .none(let available):
        throw .outOfBudget(
          account: MemoryAccount.frames.name, requestedByteCount: byteCount, availableByteCount: available)
      }
    }
  }

  /// Evicts until `byteCount` more bytes fit. Under the lock.
  private func evict(
    until byteCount: Int, _ state: inout CacheShard.State, _ shard: Int, limit: Int, mayWrite: Bool
  ) -> Room {
    func fits(_ state: CacheShard.State) -> Bool {
      state.heldByteCount + byteCount <= limit && (byteCount == 0 || state.freeSlotCount > 0)
    }
    if fits(state) { return .made }
    if byteCount > limit { return .none(availableByteCount: max(0, limit - state.heldByteCount)) }
    reclaimDoomed(&state)
    // Held nodes met on the way; they go back with their place in the order.
    var heldClean: ContiguousArray<RecencyHeap.Entry> = []
    var heldDirty: ContiguousArray<RecencyHeap.Entry> = []
    defer {
      for entry in heldClean { state.clean.push(entry) }
      for entry in heldDirty { state.dirty.push(entry) }
    }
    while !fits(state) {
      let clean = oldest(&state.clean, &heldClean, isDirty: false)
      if mayWrite, let dirty = oldest(&state.dirty, &heldDirty, isDirty: true) {
        if clean.map({ dirty.knownUse < $0.knownUse }) ?? true { return .dirtyFirst }
      }
      guard let victim = clean else {
        return .none(availableByteCount: max(0, limit - state.heldByteCount))
      }
      state.clean.removeTop()
      let slot = slots + Int(victim.slot)
      let unpinned = UInt64(victim.version) << SlotState.versionShift | SlotState.present
      let exchange = slot.pointee.state.compareExchange(
        expected: unpinned, desired: SlotState.next(unpinned), ordering: .acquiring)
      if exchange.exchanged {
        removeBucket(of: victim.slot, shard)
        release(victim.slot, &state)
        state.evictionCount += 1
      } else {
        // Held in this very moment.
        heldClean.append(victim)
      }
    }
    return .made
  }

  /// The entry of the node used longest ago that nobody holds, exact and on top of the heap; nil when there is none.
  /// Held ones move to `held`.
  func oldest(
    _ heap: inout RecencyHeap, _ held: inout ContiguousArray<RecencyHeap.Entry>, isDirty: Bool
  ) -> RecencyHeap.Entry? {
    while let entry = heap.top {
      let slot = slots + Int(entry.slot)
      if !isCurrent(entry, isDirty: isDirty) {
        heap.removeTop()
        continue
      }
      let lastUse = slot.pointee.lastUse.load(ordering: .relaxed)
      if lastUse != entry.knownUse {
        heap.updateTop(knownUse: lastUse)
      } else if slot.pointee.state.load(ordering: .acquiring) & SlotState.pinMask != 0 {
        held.append(entry)
        heap.removeTop()
      } else {
        return entry
      }
    }
    return nil
  }

  /// Lets go of an absent, unpinned slot's frame. Under the lock.
  func release(_ slotIndex: UInt32, _ state: inout CacheShard.State) {
    let index = Int(slotIndex)
    CacheSlot.frame(of: slots + index).pointee = nil
    state.heldByteCount -= slots[index].byteCount
    state.giveBack(slotIndex, isForParents: slots[index].hintRow != 0)
  }

  /// Frees removed nodes that nobody holds any more. Under the lock.
  func reclaimDoomed(_ state: inout CacheShard.State) {
    if state.doomed.isEmpty { return }
    var kept: ContiguousArray<UInt32> = []
    for slotIndex in state.doomed {
      // Absent, so no new lease can begin; pins = 0 with acquire order ends the last one (invariant 2).
      if slots[Int(slotIndex)].state.load(ordering: .acquiring) & SlotState.pinMask == 0 {
        release(slotIndex, &state)
      } else {
        kept.append(slotIndex)
      }
    }
    state.doomed = kept
  }

  /// Evicts every clean node that nobody holds: the phase verb *drop cache*. Any thread.
  ///
  /// - Returns: how many nodes stay, because they are dirty or held.
  @discardableResult
  public func dropClean() -> Int {
    var staying = 0
    for (index, shard) in shards.enumerated() {
      shard.state.withLock { state in
        reclaimDoomed(&state)
        for slotIndex in shard.slots {
          let slot = slots + slotIndex
          let word = slot.pointee.state.load(ordering: .relaxed)
          let unpinned = word & ~(SlotState.pinMask | SlotState.dirty)
          guard unpinned & SlotState.present != 0 else { continue }
          let exchange = slot.pointee.state.compareExchange(
            expected: unpinned, desired: SlotState.next(unpinned), ordering: .acquiring)
          guard exchange.exchanged else { continue }
          removeBucket(of: UInt32(slotIndex), index)
          release(UInt32(slotIndex), &state)
        }
        state.clean.rebuild(currentEntries(of: state.clean, index, isDirty: false))
        staying += slotsPerShard - state.freeSlotCount
      }
    }
    return staying
  }

  // MARK: Buckets, under the lock

  /// The bucket that leads to `id`.
  func bucketPosition(of id: UInt64, _ hash: UInt64, _ shard: Int) -> Int? {
    let base = buckets + (shard << bucketShift)
    var position = Int(truncatingIfNeeded: hash) & bucketMask
    while true {
      let entry = base[position].word.load(ordering: .relaxed)
      if entry == 0 { return nil }
      let slotIndex = Int(UInt32(truncatingIfNeeded: entry) &- 1)
      if entry >> 32 == hash >> 32 && slots[slotIndex].id.load(ordering: .relaxed) == id { return position }
      position = (position + 1) & bucketMask
    }
  }

  private func addBucket(_ slotIndex: UInt32, _ hash: UInt64, _ shard: Int) {
    let base = buckets + (shard << bucketShift)
    var position = Int(truncatingIfNeeded: hash) & bucketMask
    // Half of the buckets are empty.
    while base[position].word.load(ordering: .relaxed) != 0 { position = (position + 1) & bucketMask }
    base[position].word.store((hash & ~0xFFFF_FFFF) | UInt64(slotIndex &+ 1), ordering: .releasing)
  }

  /// Removes the bucket that leads to a slot; later entries of the chain move up, so that no gap hides them.
  func removeBucket(of slotIndex: UInt32, _ shard: Int) {
    let id = slots[Int(slotIndex)].id.load(ordering: .relaxed)
    guard let position = bucketPosition(of: id, Self.hash(id), shard) else {
      preconditionFailure("A present node has a bucket.")
    }
    removeBucket(at: position, shard)
  }

  /// Empties a bucket; later entries of the chain move up.
  func removeBucket(at place: Int, _ shard: Int) {
    let base = buckets + (shard << bucketShift)
    var gap = place
    var position = gap
    while true {
      position = (position + 1) & bucketMask
      let entry = base[position].word.load(ordering: .relaxed)
      if entry == 0 { break }
      let resident = slots[Int(UInt32(truncatingIfNeeded: entry) &- 1)].id.load(ordering: .relaxed)
      let home = Int(truncatingIfNeeded: Self.hash(resident)) & bucketMask
      // The entry may move into the gap if its home does not lie between gap (excluded) and position.
      if (position - home) & bucketMask >= (position - gap) & bucketMask {
        base[gap].word.store(entry, ordering: .releasing)
        gap = position
      }
    }
    base[gap].word.store(0, ordering: .releasing)
  }
}
