// Beside a node that was searched, where its children were found: the next search of it goes to the child without a lookup,
// and asks memory for the child's slot and for its bytes at once, before it knows the child's id.
//
//   node ──search──▶ child index ──▶ hint [ page number 36 │ slot 28 ] ─┬─▶ slot   requested ┐
//          │                                                            └─▶ bytes  requested ├ travel together
//          └──▶ child's id ─────────────────────────────────────────────▶ slot: pinned, this id? ──▶ lease
//                                                                            └─ no ─▶ buckets, and a new hint
//
// Invariants
// 1. A hint decides nothing. What it leads to is pinned and held against the id that the parent names; nothing is read through
//    its page number. So one that is stale (the child left the cache, was copied, or other children moved in the parent) costs time
//    only.
// 2. The last slots of a shard have a row each: nodes with children are put there, and others when no other slot is free. What a
//    former node left in a row is stale hints, as any others.
// 3. There are as many words in all rows of a shard as it has slots. Nodes in slots without a row are searched by way of the
//    buckets.
//
// Source: G. Graefe, H. Volos, H. Kimura, H. Kuno, J. Tucek, M. Lillibridge, A. Veitch, "In-Memory Performance for Big Data",
// PVLDB 8(1), 2014 (pointers to pages in memory beside page ids; here a word beside the page instead of one in it).

import CSystem
import Synchronization

/// Where a child seems to be.
public struct NodeHint: Equatable, Sendable {
  @usableFromInline static var slotBitCount: UInt64 { 28 }
  /// Addresses are kept in steps of so many bits: a page of the smallest frame.
  @usableFromInline static var addressShift: UInt64 { 12 }
  @usableFromInline let word: UInt64

  @inlinable @inline(__always) init(word: UInt64) { self.word = word }

  /// Slots that a hint can name.
  static var slotLimit: Int { 1 << Int(slotBitCount) - 1 }

  @inlinable @inline(__always) init(of lease: borrowing NodeLease) {
    let page = UInt64(UInt(bitPattern: lease.start)) >> Self.addressShift
    word = page << Self.slotBitCount | UInt64(lease.slotIndex &+ 1)
  }

  /// Leads nowhere.
  @inlinable public static var none: NodeHint { NodeHint(word: 0) }

  /// The slot, counted from 1, or 0.
  @inlinable @inline(__always) var slotNumber: Int {
    Int(truncatingIfNeeded: word & (1 << Self.slotBitCount - 1))
  }

  /// About where the child's first byte seems to be: for requesting it, not for reading. Nil when nothing is known.
  @inlinable @inline(__always) public var likelyAddress: UnsafeRawPointer? {
    UnsafeRawPointer(bitPattern: UInt(truncatingIfNeeded: (word >> Self.slotBitCount) << Self.addressShift))
  }
}

extension NodeCache {
  /// Where the child of a held node was found last. Any thread.
  @inlinable @inline(__always)
  public func hint(forChild index: Int, of parent: borrowing NodeLease) -> NodeHint {
    let row = Int(parent.slot.pointee.hintRow)
    if row == 0 || index >= hintsPerNode { return .none }
    return NodeHint(word: hints[(row &- 1) &* hintsPerNode &+ index].word.load(ordering: .relaxed))
  }

  /// Asks for the beginning of a held node's hints: for the translation of their address, at least.
  @inlinable @inline(__always) public func prefetchHints(of parent: borrowing NodeLease) {
    betula_prefetch(hints + (Int(parent.slot.pointee.hintRow) &- 1) &* hintsPerNode)
  }

  /// Asks for the slot that a hint leads to.
  @inlinable @inline(__always) public func prefetchSlot(of hint: NodeHint) {
    betula_prefetch(slots + (hint.slotNumber &- 1))
  }

  /// Pins the node `id` if it is where a hint leads. Any thread.
  @inlinable @inline(__always) func pin(_ id: UInt64, _ hint: NodeHint) -> PinnedSlot? {
    let number = hint.slotNumber
    guard number != 0, number <= slotCount, slots[number &- 1].id.load(ordering: .relaxed) == id else {
      return nil
    }
    return pin(id, inSlot: UInt32(truncatingIfNeeded: number &- 1))
  }

  /// Keeps where the child of a held node was found. Any thread.
  public func keepHint(
    forChild index: Int, of parent: borrowing NodeLease, foundAt child: borrowing NodeLease
  ) {
    let row = Int(parent.slot.pointee.hintRow)
    // A node beside the cache is nowhere that a hint could say.
    if row == 0 || index >= hintsPerNode || child.slotIndex == .max { return }
    hints[(row - 1) * hintsPerNode + index].word.store(NodeHint(of: child).word, ordering: .relaxed)
  }

  /// Gives the hints of a node to its copy: most children are the same.
  func copyHints(from original: UInt32, to copy: UInt32) {
    let source = Int(slots[Int(original)].hintRow)
    let target = Int(slots[Int(copy)].hintRow)
    if source == 0 || target == 0 || source == target { return }
    for index in 0..<hintsPerNode {
      let word = hints[(source - 1) * hintsPerNode + index].word.load(ordering: .relaxed)
      hints[(target - 1) * hintsPerNode + index].word.store(word, ordering: .relaxed)
    }
  }
}
