// The writer's side: changing, removing and writing nodes. One thread at a time.

import Accounting
import CSystem
import Primitives
import Synchronization

extension NodeCache {
  // MARK: Changing

  /// Makes a held node the writer's to change: dirty, in memory that the device does not share.
  ///
  /// The rule that no reader looks at a node that is changed in place is the engine's; readers that hold it from before
  /// keep the bytes they had if the frame had to be copied.
  ///
  /// Cost: nothing when it is dirty and private already; a lock when it was clean; a copy when the device shares the
  /// frame, counted in the frame pool.
  public func makeWritable(_ lease: inout NodeLease) {
    // Dirty is private: what makes a node dirty gives it memory of its own, and the device shares it only once it is clean.
    if lease.isDirty { return }
    let index = Int(lease.slotIndex)
    let slot = slots + index
    if !(isWholeFrame(index) && isKnownUniquelyReferenced(&CacheSlot.frame(of: slots + index).pointee)) {
      let copy = pool.frame(byteCount: lease.byteCount)
      copy.pointer.copyMemory(from: lease.pointer, byteCount: lease.byteCount)
      // Readers that pinned the node before may still look at the old frame.
      if let old = slot.pointee.frame, slot.pointee.state.load(ordering: .acquiring) & SlotState.pinMask > 1 {
        retired.append((index, old))
      }
      CacheSlot.frame(of: slot).pointee = copy
      slot.pointee.address.store(UInt(bitPattern: copy.pointer), ordering: .releasing)
      lease.start = copy.pointer
      releaseRetired()
    }
    let word = slot.pointee.state.load(ordering: .relaxed)
    precondition(word & SlotState.present != 0, "A removed node is not changed.")
    if word & SlotState.dirty != 0 { return }
    slot.pointee.state.bitwiseOr(SlotState.dirty, ordering: .acquiringAndReleasing)
    let shard = shardIndex(Self.hash(lease.id))
    let entry = RecencyHeap.Entry(
      knownUse: slot.pointee.lastUse.load(ordering: .relaxed), slot: lease.slotIndex, version: lease.version)
    shards[shard].state.withLock { push(entry, &$0, shard, isDirty: true) }
    accountDirty(lease.byteCount)
  }

  /// Whether a node is all of its frame.
  private func isWholeFrame(_ index: Int) -> Bool {
    guard let frame = slots[index].frame else { return false }
    return slots[index].offset(in: frame) == 0 && frame.byteCount == slots[index].byteCount
  }

  /// Tells where a held node goes when it is written, and the engine's word about it.
  public func setPlace(of lease: borrowing NodeLease, offset: UInt64, tag: UInt64) {
    lease.slot.pointee.offset = offset
    lease.slot.pointee.tag = tag
  }

  /// The engine's word about a held node.
  public func tag(of lease: borrowing NodeLease) -> UInt64 { lease.slot.pointee.tag }

  /// Gives a held node another word of the engine. The writer's.
  public func setTag(of lease: borrowing NodeLease, _ tag: UInt64) { lease.slot.pointee.tag = tag }

  /// Gives a held node a new identity: the step of copy-on-write. The new node is dirty and private.
  ///
  /// - Parameters:
  ///   - newID: the new identity.
  ///   - keepsOriginal: whether the old one stays in the cache for readers of older states; if not, it is removed, and
  ///     its frame is taken over when nobody else holds it.
  ///   - copy: copies the node's bytes, all or those that mean something; the rest of the target it makes zero.
  /// - Throws: as `insert`; the lease has then ended, and the old node is gone unless it was to be kept.
  public func copyOnWrite(
    _ lease: consuming NodeLease, to newID: UInt64, offset: UInt64, keepsOriginal: Bool,
    writer: (any NodeWriter)? = nil,
    copy: (_ source: UnsafeMutableRawPointer, _ target: UnsafeMutableRawPointer, _ byteCount: Int) -> Void = {
      $1.copyMemory(from: $0, byteCount: $2)
    }
  ) throws(StorageError) -> NodeLease {
    precondition(lease.id != newID, "A copy has an identity of its own.")
    let index = Int(lease.slotIndex)
    let id = lease.id
    let byteCount = lease.byteCount
    let tag = lease.slot.pointee.tag
    let hasChildren = lease.slot.pointee.hintRow != 0
    let hintedSlot = lease.slotIndex
    var frame: Frame?
    if !keepsOriginal {
      // Doomed, because this lease holds it; nobody can come to hold it any more.
      remove(id)
      let isWhole = isWholeFrame(index)
      let isAlone = lease.slot.pointee.state.load(ordering: .acquiring) & SlotState.pinMask == 1
      if isWhole, isAlone, isKnownUniquelyReferenced(&CacheSlot.frame(of: slots + index).pointee) {
        frame = CacheSlot.frame(of: slots + index).pointee.take()
      }
    }
    let own: Frame
    if let frame {
      own = frame
    } else {
      own = pool.frame(byteCount: byteCount)
      copy(lease.pointer, own.pointer, byteCount)
    }
    _ = consume lease
    if !keepsOriginal { shards[shardIndex(Self.hash(id))].state.withLock { reclaimDoomed(&$0) } }
    let copied = try insertDirty(
      newID, frame: own, byteCount: byteCount, offset: offset, tag: tag, hasChildren: hasChildren,
      writer: writer)
    if hasChildren { copyHints(from: hintedSlot, to: copied.slotIndex) }
    return copied
  }

  /// Removes a node whose place was freed, dirty or not, without writing it. No lookup or handle finds it any more; if
  /// somebody holds it, its memory is freed after the last lease ended.
  ///
  /// - Returns: whether it was in the cache.
  @discardableResult
  public func remove(_ id: UInt64) -> Bool {
    let hash = Self.hash(id)
    let shard = shardIndex(hash)
    let removed = shards[shard].state.withLock { remove(id, hash, shard, &$0) }
    if let removed, removed.wasDirty { accountClean(removed.byteCount) }
    return removed != nil
  }

  /// Removes nodes, as one by one; memory is asked for what removing the next ones reads.
  public func remove(all ids: ContiguousArray<UInt64>) {
    var cleanByteCount = 0
    var index = 0
    while index < ids.count {
      // Some at a time under one hold of their shard's lock.
      let shard = shardIndex(Self.hash(ids[index]))
      shards[shard].state.withLock { state in
        let end = min(ids.count, index + 64)
        while index < end {
          let hash = Self.hash(ids[index])
          if shardIndex(hash) != shard { break }
          if index + 28 < ids.count { prefetchBucket(of: ids[index + 28]) }
          if index + 20 < ids.count { prefetchSlot(of: ids[index + 20]) }
          if index + 6 < ids.count { prefetchFrame(of: ids[index + 6], inShard: shard) }
          if let removed = remove(ids[index], hash, shard, &state), removed.wasDirty {
            cleanByteCount += removed.byteCount
          }
          index += 1
        }
      }
    }
    if cleanByteCount > 0 { accountClean(cleanByteCount) }
  }

  /// Removes a node, nil when it is not there. Under the lock.
  private func remove(
    _ id: UInt64, _ hash: UInt64, _ shard: Int, _ state: inout CacheShard.State
  ) -> (byteCount: Int, wasDirty: Bool)? {
    guard let position = bucketPosition(of: id, hash, shard) else { return nil }
    let entry = buckets[(shard << bucketShift) + position].word.load(ordering: .relaxed)
    let slotIndex = UInt32(truncatingIfNeeded: entry) &- 1
    let slot = slots + Int(slotIndex)
    // Readers come and go while the node is made absent: their pins are kept.
    var word = slot.pointee.state.load(ordering: .relaxed)
    while true {
      let absent = SlotState.next(word) | (word & SlotState.pinMask)
      let exchange = slot.pointee.state.compareExchange(
        expected: word, desired: absent, ordering: .acquiringAndReleasing)
      if exchange.exchanged { break }
      word = exchange.original
    }
    let byteCount = slot.pointee.byteCount
    removeBucket(at: position, shard)
    if word & SlotState.pinMask == 0 {
      release(slotIndex, &state)
    } else {
      state.doomed.append(slotIndex)
    }
    return (byteCount, word & SlotState.dirty != 0)
  }

  // MARK: Writing

  /// Writes every dirty node, in order of offset, as one batch.
  ///
  /// Precondition: no node is half changed; a node that is changed later is made writable again first.
  /// - Throws: what `writer` throws; the nodes then stay dirty.
  /// - Returns: how many were written.
  @discardableResult
  public func flushDirty(_ writer: any NodeWriter) throws(StorageError) -> Int {
    releaseRetired()
    var victims: ContiguousArray<UInt32> = []
    for (index, shard) in shards.enumerated() {
      shard.state.withLock { state in
        victims.append(contentsOf: dirtySlots(&state, index))
      }
    }
    try write(victims, writer)
    return victims.count
  }

  /// Writes the dirty node of a shard that was used longest ago and is not held (it might be half changed), and as many
  /// after it as make a batch.
  func writeBack(_ shard: Int, _ writer: any NodeWriter) throws(StorageError) {
    var victims: ContiguousArray<RecencyHeap.Entry> = []
    shards[shard].state.withLock { state in
      var held: ContiguousArray<RecencyHeap.Entry> = []
      var byteCount = 0
      while victims.isEmpty || byteCount < writeBackByteCount {
        guard let entry = oldest(&state.dirty, &held, isDirty: true) else { break }
        state.dirty.removeTop()
        // A second entry of the same node follows directly: it has the same last use.
        if victims.last?.slot == entry.slot { continue }
        victims.append(entry)
        byteCount += slots[Int(entry.slot)].byteCount
      }
      for entry in held { state.dirty.push(entry) }
    }
    do {
      try write(ContiguousArray(victims.map(\.slot)), writer)
    } catch {
      shards[shard].state.withLock { state in
        for entry in victims { push(entry, &state, shard, isDirty: true) }
      }
      throw error
    }
    shards[shard].state.withLock { $0.writeBackCount += UInt64(victims.count) }
  }

  /// The dirty slots of a shard, each once, in order of slots. Under the lock.
  private func dirtySlots(_ state: inout CacheShard.State, _ shard: Int) -> ContiguousArray<UInt32> {
    ContiguousArray(currentEntries(of: state.dirty, shard, isDirty: true).map(\.slot))
  }

  /// Writes dirty slots in order of offset and makes them clean. Without the lock: nobody else writes, evicts or removes
  /// a dirty node.
  private func write(_ victims: ContiguousArray<UInt32>, _ writer: any NodeWriter) throws(StorageError) {
    if victims.isEmpty { return }
    let places = inOrderOfOffset(victims)
    let batchCount = min(places.count, writer.longestBatchCount)
    var nodes: ContiguousArray<DirtyNode> = []
    nodes.reserveCapacity(batchCount)
    for (index, place) in places.enumerated() {
      if index + 10 < places.count {
        betula_prefetch(slots + Int(places[index + 10].slot))
      }
      if index + 5 < places.count { prefetchFrame(inSlot: Int(places[index + 5].slot)) }
      let slot = slots + Int(place.slot)
      guard let frame = slot.pointee.frame else { preconditionFailure("A dirty node has a frame.") }
      nodes.append(
        DirtyNode(
          id: slot.pointee.id.load(ordering: .relaxed), offset: slot.pointee.offset, tag: slot.pointee.tag,
          frame: frame, frameOffset: slot.pointee.offset(in: frame), byteCount: slot.pointee.byteCount))
      if nodes.count == batchCount || index == places.count - 1 {
        try writer.writeNodes(nodes)
        nodes.removeAll(keepingCapacity: true)
      }
    }
    var byteCount = 0
    var start = 0
    while start < victims.count {
      // Some at a time under one hold of their shard's lock.
      let shard = shardIndex(Self.hash(slots[Int(victims[start])].id.load(ordering: .relaxed)))
      var end = start
      shards[shard].state.withLock { state in
        while end < min(victims.count, start + 256), makeClean(victims[end], shard, &state) {
          byteCount += slots[Int(victims[end])].byteCount
          end += 1
        }
      }
      start = end
    }
    accountClean(byteCount)
  }

  /// Makes a node that was written clean, unless it belongs to another shard. Under the lock, so that no reader evicts it before
  /// it has its entry.
  private func makeClean(_ slotIndex: UInt32, _ shard: Int, _ state: inout CacheShard.State) -> Bool {
    let slot = slots + Int(slotIndex)
    if shardIndex(Self.hash(slot.pointee.id.load(ordering: .relaxed))) != shard { return false }
    let word = slot.pointee.state.bitwiseAnd(~SlotState.dirty, ordering: .releasing).oldValue
    let entry = RecencyHeap.Entry(
      knownUse: slot.pointee.lastUse.load(ordering: .relaxed), slot: slotIndex,
      version: UInt32(truncatingIfNeeded: word >> SlotState.versionShift))
    push(entry, &state, shard, isDirty: false)
    return true
  }

  /// Slots with where they go, by place on the device, then by id.
  private func inOrderOfOffset(_ victims: ContiguousArray<UInt32>) -> ContiguousArray<WritePlace> {
    var places: ContiguousArray<WritePlace> = []
    places.reserveCapacity(victims.count)
    for slot in victims { places.append(WritePlace(offset: slots[Int(slot)].offset, slot: slot)) }
    WritePlace.sort(&places) { left, right in
      slots[Int(left)].id.load(ordering: .relaxed) < slots[Int(right)].id.load(ordering: .relaxed)
    }
    return places
  }

  // MARK: Accounts

  func accountDirty(_ byteCount: Int) {
    budget.move(byteCount, from: .frames, to: .dirty)
    dirtyByteCount += byteCount
  }

  func accountClean(_ byteCount: Int) {
    budget.move(byteCount, from: .dirty, to: .frames)
    dirtyByteCount -= byteCount
  }

  /// Lets go of frames that were replaced under readers, once those readers are gone.
  func releaseRetired() {
    if retired.isEmpty { return }
    retired.removeAll { slots[$0.slot].state.load(ordering: .acquiring) & SlotState.pinMask == 0 }
  }
}
