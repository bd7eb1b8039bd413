// The writer's side: changing, removing and writing nodes. One thread at a time.

import Accounting
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
    let index = Int(lease.slotIndex)
    let slot = slots + index
    let whole = holders[index].frameOffset == 0 && holders[index].frame?.byteCount == lease.byteCount
    if !(whole && isKnownUniquelyReferenced(&holders[index].frame)) {
      let copy = pool.frame(byteCount: lease.byteCount)
      copy.pointer.copyMemory(from: lease.pointer, byteCount: lease.byteCount)
      // Readers that pinned the node before may still look at the old frame.
      if let old = holders[index].frame, slot.pointee.state.load(ordering: .acquiring) & SlotState.pinMask > 1
      {
        retired.append((index, old))
      }
      holders[index] = FrameHolder(frame: copy, frameOffset: 0)
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

  /// Tells where a held node goes when it is written, and the engine's word about it.
  public func setPlace(of lease: borrowing NodeLease, offset: UInt64, tag: UInt64) {
    lease.slot.pointee.offset = offset
    lease.slot.pointee.tag = tag
  }

  /// The engine's word about a held node.
  public func tag(of lease: borrowing NodeLease) -> UInt64 { lease.slot.pointee.tag }

  /// Gives a held node a new identity: the step of copy-on-write. The new node is dirty and private.
  ///
  /// - Parameters:
  ///   - newID: the new identity.
  ///   - keepsOriginal: whether the old one stays in the cache for readers of older states; if not, it is removed, and
  ///     its frame is taken over when nobody else holds it.
  /// - Throws: as `insert`; the lease has then ended, and the old node is gone unless it was to be kept.
  public func copyOnWrite(
    _ lease: consuming NodeLease, to newID: UInt64, offset: UInt64, keepsOriginal: Bool,
    writer: (any NodeWriter)? = nil
  ) throws(StorageError) -> NodeLease {
    precondition(lease.id != newID, "A copy has an identity of its own.")
    let index = Int(lease.slotIndex)
    let id = lease.id
    let byteCount = lease.byteCount
    let tag = lease.slot.pointee.tag
    var frame: Frame?
    if !keepsOriginal {
      // Doomed, because this lease holds it; nobody can come to hold it any more.
      remove(id)
      let isWhole = holders[index].frameOffset == 0 && holders[index].frame?.byteCount == byteCount
      let isAlone = lease.slot.pointee.state.load(ordering: .acquiring) & SlotState.pinMask == 1
      if isWhole, isAlone, isKnownUniquelyReferenced(&holders[index].frame) {
        frame = holders[index].frame
        holders[index] = FrameHolder()
      }
    }
    let own: Frame
    if let frame {
      own = frame
    } else {
      own = pool.frame(byteCount: byteCount)
      own.pointer.copyMemory(from: lease.pointer, byteCount: byteCount)
    }
    _ = consume lease
    if !keepsOriginal { shards[shardIndex(Self.hash(id))].state.withLock { reclaimDoomed(&$0) } }
    return try insertDirty(newID, frame: own, byteCount: byteCount, offset: offset, tag: tag, writer: writer)
  }

  /// Removes a node whose place was freed, dirty or not, without writing it. No lookup or handle finds it any more; if
  /// somebody holds it, its memory is freed after the last lease ended.
  ///
  /// - Returns: whether it was in the cache.
  @discardableResult
  public func remove(_ id: UInt64) -> Bool {
    let hash = Self.hash(id)
    let shard = shardIndex(hash)
    var dirtyByteCount: Int?
    let wasPresent = shards[shard].state.withLock { state -> Bool in
      guard let position = bucketPosition(of: id, hash, shard) else { return false }
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
      if word & SlotState.dirty != 0 { dirtyByteCount = slot.pointee.byteCount }
      removeBucket(of: slotIndex, shard)
      if word & SlotState.pinMask == 0 {
        release(slotIndex, &state)
      } else {
        state.doomed.append(slotIndex)
      }
      return true
    }
    if let dirtyByteCount { accountClean(dirtyByteCount) }
    return wasPresent
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

  /// The dirty slots of a shard, each once. Under the lock.
  private func dirtySlots(_ state: inout CacheShard.State, _ shard: Int) -> ContiguousArray<UInt32> {
    // Each slot once, in order of slots.
    ContiguousArray(currentEntries(of: state.dirty, isDirty: true).map(\.slot))
  }

  /// Writes dirty slots in order of offset and makes them clean. Without the lock: nobody else writes, evicts or removes
  /// a dirty node.
  private func write(_ victims: ContiguousArray<UInt32>, _ writer: any NodeWriter) throws(StorageError) {
    if victims.isEmpty { return }
    var nodes: ContiguousArray<DirtyNode> = []
    for slotIndex in victims {
      let slot = slots + Int(slotIndex)
      let holder = holders[Int(slotIndex)]
      guard let frame = holder.frame else { preconditionFailure("A dirty node has a frame.") }
      nodes.append(
        DirtyNode(
          id: slot.pointee.id.load(ordering: .relaxed), offset: slot.pointee.offset, tag: slot.pointee.tag,
          frame: frame, frameOffset: holder.frameOffset, byteCount: slot.pointee.byteCount))
    }
    nodes.sort { ($0.offset, $0.id) < ($1.offset, $1.id) }
    try writer.writeNodes(nodes)
    for slotIndex in victims {
      let slot = slots + Int(slotIndex)
      let shard = shardIndex(Self.hash(slot.pointee.id.load(ordering: .relaxed)))
      let word = slot.pointee.state.load(ordering: .relaxed)
      let entry = RecencyHeap.Entry(
        knownUse: slot.pointee.lastUse.load(ordering: .relaxed), slot: slotIndex,
        version: UInt32(truncatingIfNeeded: word >> SlotState.versionShift))
      let byteCount = slot.pointee.byteCount
      shards[shard].state.withLock { state in
        // Under the lock, so that no reader evicts it before it has its entry.
        slot.pointee.state.bitwiseAnd(~SlotState.dirty, ordering: .releasing)
        push(entry, &state, shard, isDirty: false)
      }
      accountClean(byteCount)
    }
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
