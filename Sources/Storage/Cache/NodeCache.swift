// The node cache: nodes of any size in frames, found without a lock, evicted in exact least-recently-used order, never
// above its byte capacity.
//
//   id ──hash──▶ shard ──▶ buckets [ tag │ slot ] … ──▶ slot { state, id, last use, address }
//                            hints, atomic words           ▲
//   handle (slot, version), hint ──────────────────────────┘   no lookup
//
//   reader   hold: read bucket, pin (one atomic addition), check; on a miss read the node, then insert (shard lock)
//   writer   also changes nodes: makeWritable, insertDirty, remove, flushDirty; one thread at a time
//
//   absent ──insert──▶ clean ◀──written── dirty ──remove──▶ ┐
//     ▲                  │ └──makeWritable──▲               ├─ pinned? doomed: found by nobody, freed at the last unpin
//     └──evict, pins = 0─┘──remove──────────────────────────┘
//
// Invariants
// 1. A slot's state word (version, dirty, present, pins) is the only truth. `present` is set by an atomic addition
//    with release order after id, address, byte count and frame are in place; a pin is an atomic addition with
//    acquire order. A pin that saw `present` therefore sees the fields of that stay; a pin that did not is taken back
//    and nothing else of the slot is used.
// 2. `present` is cleared by a compare-and-swap that requires pins = 0 (and clean), or by the writer dooming the node.
//    In both cases the version moves on, so no later pin or handle succeeds for the ended stay. A frame is let go only
//    after pins = 0 was read with acquire order while absent; unpinning has release order, so every access through a
//    lease happens before its frame is reused.
// 3. Id, byte count and frame of a slot change only while it is absent, under its shard's lock. A pinned, present node
//    keeps its id, so comparing the id once after pinning suffices. The address alone may change under a pin, by the
//    writer, from a frame shared with the device to a private copy with the same bytes; the old frame is kept until
//    the pins are gone.
// 4. Buckets are hints: each is one atomic word, so no lookup is torn; entries may move while somebody looks, so a
//    lookup may miss a node that is there. A miss is final only under the shard's lock (`insert` looks again).
// 5. Σ bytes of nodes in a shard (doomed ones, and those on their way, `keepRoom`, included) ≤ capacity / shards, at every moment; clean + dirty capacity is
//    what the accounts `frames` and `dirty` hold. The budget is touched by the writer's thread alone.
// 6. Only the writer makes nodes dirty or clean, so a dirty node is never evicted by a reader, and is written once for
//    each time it became dirty.
// 7. With one thread, the order of evictions is a function of the calls: deterministic. Marks of use come from the shard's clock, or
//    from a reader's own that is added to it (`CacheReader`).

import Accounting
import Primitives
import Synchronization

/// A changed node on its way to the device.
public struct DirtyNode {
  /// The node's id.
  public var id: UInt64
  /// Where it goes: the order of writing.
  public var offset: UInt64
  /// The engine's own word about the node (its type, level, …).
  public var tag: UInt64
  /// The memory. The device may keep it.
  public var frame: Frame
  /// Where in the frame the node begins, in bytes.
  public var frameOffset: Int
  /// The node's size in bytes.
  public var byteCount: Int
}

/// Writes changed nodes; usually seals them and hands them to the volume.
public protocol NodeWriter: AnyObject {
  /// Nodes are handed over at most so many at a time.
  var longestBatchCount: Int { get }

  /// Writes the nodes, in order of offset, as one batch. What one flush hands over counts as clean when all of it was written.
  func writeNodes(_ nodes: ContiguousArray<DirtyNode>) throws(StorageError)
}

extension NodeWriter {
  /// All nodes of a flush at once.
  public var longestBatchCount: Int { .max }
}

/// What a cache did and holds.
public struct NodeCacheStatistics: Equatable, Sendable {
  /// Lookups that found their node; those of a `CacheReader` once they are in the cache's clock.
  public var hitCount: UInt64 = 0
  /// Nodes put in, by `insert` and `insertDirty`.
  public var insertCount: UInt64 = 0
  /// Nodes that had to leave for others.
  public var evictionCount: UInt64 = 0
  /// Dirty nodes written so that others could come in.
  public var writeBackCount: UInt64 = 0
  /// Nodes held now, doomed ones included.
  public var nodeCount = 0
  /// Their bytes.
  public var heldByteCount = 0
  /// The largest sum over shards of each shard's largest `heldByteCount`.
  public var peakByteCount = 0
  /// Removed nodes that somebody still holds.
  public var doomedCount = 0

  /// All zero.
  public init() {}
}

/// A cache of nodes for any number of readers and one writer.
public final class NodeCache: @unchecked Sendable {
  // Sendable: what readers touch is atomic (invariants 1 to 4) or under a shard's lock; the rest is the writer's.

  /// The capacity in bytes, all shards together.
  public private(set) var capacityByteCount: Int
  /// How many independent shards there are, a power of two.
  public let shardCount: Int
  /// Bytes of the slot and bucket tables, held in the account `index`.
  public let tableByteCount: Int
  /// Dirty bytes now. The writer's.
  public internal(set) var dirtyByteCount = 0
  /// Dirty nodes are written back in batches of at least this many bytes, oldest first; 0 writes one node at a time.
  public var writeBackByteCount = 0

  let budget: MemoryBudget
  private var holdsBudget = true
  let pool: FramePool
  let shards: ContiguousArray<CacheShard>
  var retired: ContiguousArray<(slot: Int, frame: Frame)> = []

  @usableFromInline let slots: UnsafeMutablePointer<CacheSlot>
  @usableFromInline let buckets: UnsafeMutablePointer<AtomicWord>
  // One clock per shard, each on a cache line of its own.
  @usableFromInline let clocks: UnsafeMutablePointer<AtomicWord>
  // Rows of hints, those of a shard together (`NodeHints`).
  @usableFromInline let hints: UnsafeMutablePointer<AtomicWord>
  @usableFromInline let hintsPerNode: Int
  let hintsPerShard: Int
  @usableFromInline let slotsPerShard: Int
  @usableFromInline let slotCount: Int
  @usableFromInline let bucketMask: Int
  @usableFromInline let bucketShift: Int
  @usableFromInline let shardShift: UInt64

  @usableFromInline static var clockStride: Int { 8 }

  /// A cache that takes its capacity from `budget` now (account `frames`) and its tables beside it (account `index`).
  ///
  /// - Parameters:
  ///   - capacityByteCount: bytes of nodes that may be held; split evenly among the shards.
  ///   - shardCount: a power of two; 1 gives least-recently-used order over the whole cache. The largest node must fit
  ///     in a shard, several times over if it is to be of use.
  ///   - minimumNodeByteCount: the size for which there are slots enough to fill the capacity.
  ///   - hintsPerNode: how many children a node may have at most, when searches keep hints beside nodes (`NodeHints`).
  /// - Throws: `.outOfBudget`.
  public init(
    capacityByteCount: Int, shardCount: Int = 1, minimumNodeByteCount: Int = 4_096, hintsPerNode: Int = 0,
    budget: MemoryBudget, pool: FramePool
  ) throws(StorageError) {
    precondition(
      capacityByteCount > 0 && minimumNodeByteCount > 0, "A cache and its nodes have at least one byte.")
    precondition(
      shardCount > 0 && shardCount <= 1_024 && shardCount.nonzeroBitCount == 1,
      "The shard count is a power of two up to 1,024.")
    let geometry = Self.geometry(capacityByteCount, shardCount, minimumNodeByteCount, hintsPerNode)
    try budget.require(capacityByteCount, for: .frames)
    do {
      try budget.require(geometry.tableByteCount, for: .index)
    } catch {
      budget.release(capacityByteCount, for: .frames)
      throw error
    }
    self.capacityByteCount = capacityByteCount
    self.shardCount = shardCount
    self.budget = budget
    self.pool = pool
    tableByteCount = geometry.tableByteCount
    slotsPerShard = geometry.slotsPerShard
    slotCount = geometry.slotsPerShard * shardCount
    // Beyond a tebibyte of pages, hints would not reach.
    self.hintsPerNode = geometry.slotsPerShard * shardCount <= NodeHint.slotLimit ? hintsPerNode : 0
    hintsPerShard = geometry.hintsPerShard
    bucketMask = geometry.bucketsPerShard - 1
    bucketShift = geometry.bucketsPerShard.trailingZeroBitCount
    shardShift = UInt64(63 - shardCount.trailingZeroBitCount)
    slots = Self.allocate(slotCount) { CacheSlot() }
    buckets = Self.allocate(geometry.bucketsPerShard * shardCount) { AtomicWord() }
    clocks = Self.allocate(shardCount * Self.clockStride) { AtomicWord() }
    hints = Self.allocate(geometry.hintsPerShard * shardCount) { AtomicWord() }
    let rowsPerShard = self.hintsPerNode == 0 ? 0 : geometry.hintsPerShard / hintsPerNode
    shards = ContiguousArray(
      (0..<shardCount).map {
        CacheShard(
          slots: ($0 * geometry.slotsPerShard)..<(($0 + 1) * geometry.slotsPerShard),
          parentSlotCount: rowsPerShard, capacity: capacityByteCount / shardCount)
      })
    for (number, shard) in shards.enumerated() {
      for (index, slot) in shard.slots.suffix(rowsPerShard).enumerated() {
        slots[slot].hintRow = UInt32(number * rowsPerShard + index + 1)
      }
    }
  }

  deinit {
    for index in 0..<slotCount {
      let state = slots[index].state.load(ordering: .acquiring)
      precondition(state & SlotState.pinMask == 0, "Every lease ends before its cache.")
    }
    close()
    Self.deallocate(slots, slotCount)
    Self.deallocate(buckets, (bucketMask + 1) * shardCount)
    Self.deallocate(clocks, shardCount * Self.clockStride)
    Self.deallocate(hints, hintsPerShard * shardCount)
  }

  /// Gives the accounts back although leases may be alive: for an owner that is closed before its last reader is gone.
  /// Nothing is put in, changed or written afterwards.
  public func close() {
    if !holdsBudget { return }
    holdsBudget = false
    budget.release(capacityByteCount - dirtyByteCount, for: .frames)
    budget.release(dirtyByteCount, for: .dirty)
    budget.release(tableByteCount, for: .index)
  }

  /// The largest capacity that, with its tables, fits in `availableByteCount`.
  public static func capacity(
    fittingIn availableByteCount: Int, shardCount: Int = 1, minimumNodeByteCount: Int = 4_096,
    hintsPerNode: Int = 0
  ) -> Int {
    var low = 0
    var high = max(0, availableByteCount)
    while low < high {
      let middle = low + (high - low + 1) / 2
      let tables = geometry(middle, shardCount, minimumNodeByteCount, hintsPerNode).tableByteCount
      if middle + tables <= availableByteCount { low = middle } else { high = middle - 1 }
    }
    return low
  }

  private static func geometry(
    _ capacityByteCount: Int, _ shardCount: Int, _ minimumNodeByteCount: Int, _ hintsPerNode: Int
  ) -> (slotsPerShard: Int, bucketsPerShard: Int, hintsPerShard: Int, tableByteCount: Int) {
    let slotsPerShard = max(4, capacityByteCount / shardCount / minimumNodeByteCount)
    // At most half full, so that a lookup ends after two probes on average.
    let bucketsPerShard = 1 << (Int.bitWidth - (2 * slotsPerShard - 1).leadingZeroBitCount)
    // A word for each slot, in rows: nodes with children are few.
    let words = hintsPerNode == 0 ? 0 : slotsPerShard
    let slotByteCount = MemoryLayout<CacheSlot>.stride
    let perShard = slotsPerShard * slotByteCount + (bucketsPerShard + words + clockStride) * 8
    let hintsPerShard = words == 0 ? 0 : words / hintsPerNode * hintsPerNode
    return (slotsPerShard, bucketsPerShard, hintsPerShard, perShard * shardCount)
  }

  /// A table in memory that asks for huge pages when it is large: lookups go all over it.
  private static func allocate<Value: ~Copyable>(_ count: Int, _ make: () -> Value) -> UnsafeMutablePointer<
    Value
  > {
    let byteCount = count * MemoryLayout<Value>.stride
    let raw =
      byteCount >= mappedByteCount
      ? SystemMemory.map(byteCount: byteCount)
      : UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    let typed = raw.bindMemory(to: Value.self, capacity: count)
    for index in 0..<count { (typed + index).initialize(to: make()) }
    return typed
  }

  private static func deallocate<Value: ~Copyable>(_ table: UnsafeMutablePointer<Value>, _ count: Int) {
    table.deinitialize(count: count)
    let byteCount = count * MemoryLayout<Value>.stride
    if byteCount >= mappedByteCount {
      SystemMemory.unmap(table, byteCount: byteCount)
    } else {
      table.deallocate()
    }
  }

  /// Tables from this size on are mapped.
  private static var mappedByteCount: Int { 1 << 20 }

  // MARK: State

  /// What the cache did and holds.
  public var statistics: NodeCacheStatistics {
    var result = NodeCacheStatistics()
    for (index, shard) in shards.enumerated() {
      let ticks = clocks[index * Self.clockStride].word.load(ordering: .relaxed)
      shard.state.withLock { state in
        result.hitCount += ticks - state.insertCount
        result.insertCount += state.insertCount
        result.evictionCount += state.evictionCount
        result.writeBackCount += state.writeBackCount
        result.nodeCount += slotsPerShard - state.freeSlotCount
        result.heldByteCount += state.heldByteCount
        result.peakByteCount += state.peakByteCount
        result.doomedCount += state.doomed.count
      }
    }
    return result
  }

  /// Makes the cache larger or smaller. The writer's. Growing adds bytes, not slots.
  ///
  /// - Throws: `.outOfBudget` when the budget has no room to grow, or when pinned nodes keep a smaller size from being
  ///   reached; the capacity is then unchanged. What `writer` throws.
  public func setCapacity(_ newByteCount: Int, writer: (any NodeWriter)?) throws(StorageError) {
    precondition(newByteCount > 0, "A cache has at least one byte.")
    if newByteCount > capacityByteCount {
      try budget.require(newByteCount - capacityByteCount, for: .frames)
    } else {
      for index in 0..<shardCount {
        try makeRoom(0, inShard: index, capacity: newByteCount / shardCount, writer: writer) { _ in }
      }
      budget.release(capacityByteCount - newByteCount, for: .frames)
    }
    capacityByteCount = newByteCount
    for shard in shards { shard.state.withLock { $0.capacityByteCount = newByteCount / shardCount } }
  }
}

/// An atomic word that can lie in allocated memory.
@usableFromInline struct AtomicWord: ~Copyable {
  @usableFromInline let word = Atomic<UInt64>(0)
  @usableFromInline init() {}
}

/// What a shard's lock protects.
final class CacheShard: Sendable {
  struct State {
    var capacityByteCount: Int
    var heldByteCount = 0
    var peakByteCount = 0
    private var freeSlots: ContiguousArray<UInt32>
    /// Slots with a row of hints: for nodes with children, and for others when there is no other.
    private var freeParentSlots: ContiguousArray<UInt32>
    var clean = RecencyHeap()
    var dirty = RecencyHeap()
    var doomed: ContiguousArray<UInt32> = []
    var insertCount: UInt64 = 0
    var evictionCount: UInt64 = 0
    var writeBackCount: UInt64 = 0

    /// The last slots are for parents. The lowest slot is taken first.
    init(capacityByteCount: Int, slots: Range<Int>, parentSlotCount: Int) {
      self.capacityByteCount = capacityByteCount
      freeSlots = ContiguousArray(slots.dropLast(parentSlotCount).reversed().map { UInt32($0) })
      freeParentSlots = ContiguousArray(slots.suffix(parentSlotCount).reversed().map { UInt32($0) })
    }

    var freeSlotCount: Int { freeSlots.count + freeParentSlots.count }

    mutating func takeSlot(forParent: Bool) -> UInt32? {
      if forParent, let slot = freeParentSlots.popLast() { return slot }
      return freeSlots.popLast() ?? freeParentSlots.popLast()
    }

    mutating func giveBack(_ slot: UInt32, isForParents: Bool) {
      if isForParents { freeParentSlots.append(slot) } else { freeSlots.append(slot) }
    }
  }

  let state: Lock<State>
  let slots: Range<Int>

  init(slots: Range<Int>, parentSlotCount: Int, capacity: Int) {
    self.slots = slots
    state = Lock(State(capacityByteCount: capacity, slots: slots, parentSlotCount: parentSlotCount))
  }
}
