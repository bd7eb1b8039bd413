// Nodes that found no room in the cache because everything in their shard is changed or held: a reader must neither write
// changed nodes nor wait for those who hold the others, so it looks at the node beside the cache.
//
//   read ──insert──▶ cache
//            └─no room─▶ a place of the reader's own ──▶ lease, as from the cache
//
// Invariants
// 1. A place is used again once its lease has ended; there are as many as were ever held at once: a path and a value.
// 2. Its bytes are in the account `snapshot` from its first use to the end.

import Accounting
import Primitives
import Synchronization

/// Places for nodes beside the cache. Used by one thread at a time.
public final class PassingNodes {
  private var slots: [UnsafeMutablePointer<CacheSlot>] = []
  private var frames: [Frame?] = []
  private var reserved: [Int] = []
  private let budget: MemoryBudget

  /// No places yet.
  public init(budget: MemoryBudget) { self.budget = budget }

  deinit {
    for slot in slots {
      precondition(
        slot.pointee.state.load(ordering: .acquiring) & SlotState.pinMask == 0,
        "Every lease ends before its place.")
      slot.deinitialize(count: 1)
      slot.deallocate()
    }
    budget.release(reserved.reduce(0, +), for: .snapshot)
  }

  /// Holds a node that was read.
  ///
  /// - Throws: `.outOfBudget` when not even this one node has room in the account `snapshot`.
  public func hold(
    _ id: UInt64, frame: Frame, frameOffset: Int, byteCount: Int, offset: UInt64, tag: UInt64
  ) throws(StorageError) -> NodeLease {
    let place: Int
    if let idle = slots.firstIndex(where: {
      $0.pointee.state.load(ordering: .acquiring) & SlotState.pinMask == 0
    }) {
      place = idle
    } else {
      let slot = UnsafeMutablePointer<CacheSlot>.allocate(capacity: 1)
      slot.initialize(to: CacheSlot())
      place = slots.count
      slots.append(slot)
      frames.append(nil)
      reserved.append(0)
    }
    if byteCount > reserved[place] {
      try budget.require(byteCount - reserved[place], for: .snapshot)
      reserved[place] = byteCount
    }
    let slot = slots[place]
    frames[place] = frame
    let pointer = frame.pointer + frameOffset
    slot.pointee.id.store(id, ordering: .relaxed)
    slot.pointee.address.store(UInt(bitPattern: pointer), ordering: .relaxed)
    slot.pointee.storedByteCount = UInt32(byteCount)
    slot.pointee.offset = offset
    slot.pointee.tag = tag
    slot.pointee.state.store(SlotState.present | 1, ordering: .releasing)
    return NodeLease(slot: slot, slotIndex: .max, version: .max, pointer: pointer, byteCount: byteCount)
  }
}
