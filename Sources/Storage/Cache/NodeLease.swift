// A place in the cache, and the right to look at what lies there.
//
//   slot (64 bytes)   [ state │ id │ last use │ address │ byte count │ row │ offset │ tag │ frame ]   a cache line
//   state             [ version 30 │ dirty 1 │ present 1 │ pins 32 ]       one atomic word, the only truth
//
// Invariants
// 1. A lease is one pin of its slot; it ends with the value, and the bytes stay where they are until then.
// 2. A handle names one stay of one node in one slot; once that stay has ended it never succeeds again.

import Primitives
import Synchronization

/// One place of the cache.
@usableFromInline struct CacheSlot: ~Copyable {
  @usableFromInline let state = Atomic<UInt64>(0)
  @usableFromInline let id = Atomic<UInt64>(0)
  @usableFromInline let lastUse = Atomic<UInt64>(0)
  // The address of the node's first byte; atomic because the writer may replace a shared frame under a reader's pin.
  @usableFromInline let address = Atomic<UInt>(0)
  // Fixed while the node is present.
  @usableFromInline var storedByteCount: UInt32 = 0
  // Which row of hints is the slot's (`NodeHints`), counted from 1, or 0. Never changes.
  @usableFromInline var hintRow: UInt32 = 0
  // The writer's: where the node goes, and what the engine wants to know about it then.
  var offset: UInt64 = 0
  var tag: UInt64 = 0
  // Who keeps the node's bytes alive, the last field. Under the shard's lock, or the writer's while it pins the slot.
  var frame: Frame?

  @usableFromInline init() {}

  /// The node's size in bytes.
  @inlinable @inline(__always) var byteCount: Int { Int(storedByteCount) }

  /// Where a slot keeps its frame. By address, so that changing the frame is not a use of the words that other threads change.
  @inline(__always) static func frame(of slot: UnsafeMutablePointer<CacheSlot>) -> UnsafeMutablePointer<
    Frame?
  > {
    (UnsafeMutableRawPointer(slot) + (MemoryLayout<CacheSlot>.size - MemoryLayout<Frame?>.size))
      .assumingMemoryBound(to: Frame?.self)
  }

  /// Where in the frame the node begins, in bytes.
  func offset(in frame: Frame) -> Int {
    Int(bitPattern: address.load(ordering: .relaxed)) - Int(bitPattern: frame.pointer)
  }
}

/// The fields of a slot's state word.
@usableFromInline enum SlotState {
  @usableFromInline static var pinMask: UInt64 { 0xFFFF_FFFF }
  @usableFromInline static var present: UInt64 { 1 << 32 }
  @usableFromInline static var dirty: UInt64 { 1 << 33 }
  @usableFromInline static var versionShift: UInt64 { 34 }

  /// The word of an absent, unpinned slot one version later.
  static func next(_ state: UInt64) -> UInt64 { ((state >> versionShift) &+ 1) << versionShift }
}

/// Where a node was found: a slot and the version of its stay. Kept beside a child pointer, it saves the hash lookup.
public struct NodeHandle: Hashable, Sendable {
  @usableFromInline let slot: UInt32
  @usableFromInline let version: UInt32

  @inlinable init(slot: UInt32, version: UInt32) {
    self.slot = slot
    self.version = version
  }

  /// A handle that never succeeds.
  @inlinable public static var none: NodeHandle { NodeHandle(slot: .max, version: .max) }
}

/// A node held in the cache. While it lives the node is not evicted and its bytes do not move.
///
/// Must end before its cache does. Cost of beginning and ending: two atomic additions on one cache line.
public struct NodeLease: ~Copyable {
  @usableFromInline let slot: UnsafeMutablePointer<CacheSlot>
  @usableFromInline let slotIndex: UInt32
  @usableFromInline let version: UInt32
  @usableFromInline var start: UnsafeMutableRawPointer
  /// The node's size in bytes.
  public let byteCount: Int

  @inlinable init(
    slot: UnsafeMutablePointer<CacheSlot>, slotIndex: UInt32, version: UInt32,
    pointer: UnsafeMutableRawPointer,
    byteCount: Int
  ) {
    self.slot = slot
    self.slotIndex = slotIndex
    self.version = version
    start = pointer
    self.byteCount = byteCount
  }

  @inlinable deinit {
    slot.pointee.state.wrappingSubtract(1, ordering: .releasing)
  }

  /// The node's first byte. To be written only by the cache's writer, after `NodeCache.makeWritable`.
  @inlinable public var pointer: UnsafeMutableRawPointer { start }

  /// The node's bytes, valid while the lease lives.
  @inlinable public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: start, count: byteCount)
  }

  /// A second lease of the same node.
  @inlinable public func again() -> NodeLease {
    slot.pointee.state.wrappingAdd(1, ordering: .relaxed)
    return NodeLease(
      slot: slot, slotIndex: slotIndex, version: version, pointer: start, byteCount: byteCount)
  }

  /// What finds this node again without a lookup, as long as it stays in the cache.
  @inlinable public var handle: NodeHandle { NodeHandle(slot: slotIndex, version: version) }

  /// The node's id.
  @inlinable public var id: UInt64 { slot.pointee.id.load(ordering: .relaxed) }

  /// Whether the node was changed since it was last written.
  @inlinable public var isDirty: Bool { slot.pointee.state.load(ordering: .relaxed) & SlotState.dirty != 0 }
}
