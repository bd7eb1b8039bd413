// Many entries in one call: leaf by leaf, each leaf's entries in a loop that touches nothing but the leaf.
//
//   slot    s0    s1    s2   …        key buffer   [ prefix, once a leaf │ head │ rest ]
//           │     │                                                └ slot   └ cell
//   cell  requested some entries ahead; the next leaf while this one is shown
//
// Invariants
// 1. What is shown is what `next` and `withCurrent` show in turn.
// 2. Showing allocates nothing.

import CSystem
import KeyValue
import Primitives
import Storage

extension TreeCursor {
  /// How many entries ahead a cell is asked for.
  private static let cellDistance = 6

  func showNext(
    upTo limit: Int, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
  ) throws(EngineError) -> Int {
    if store.isClosed { throw .storage(.closed) }
    do throws(StorageError) {
      return try show(limit, body)
    } catch {
      throw .storage(error)
    }
  }

  private func show(
    _ limit: Int, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
  ) throws(StorageError) -> Int {
    if !isPlaced { try placeAtStart() }
    ahead.beginCall()
    var shown = 0
    while shown < limit, !path.isEmpty {
      let leaf = path.leaf
      let (end, isLast) = end(in: leaf)
      let here = isForward ? end - gap : gap - end
      let count = min(here, limit - shown)
      if count > 0 {
        if here < limit - shown, !isLast { prefetchNeighbours() }
        try show(leaf, count, body)
        shown += count
      } else if isLast {
        break
      } else {
        if try !stepLeaf(wanted: limit - shown) { break }
        gap = isForward ? 0 : path.leaf.slotCount
      }
    }
    return shown
  }

  /// Where the walk's range ends in a leaf, as a gap, and whether it ends there.
  private func end(in leaf: NodePage) -> (gap: Int, isLast: Bool) {
    if isForward {
      guard let upper else { return (leaf.slotCount, false) }
      return upper.withUnsafeBytes { bytes in
        let bound = Bytes(bytes)
        if leaf.hasUpperFence, leaf.upperFence.compare(bound) <= 0 { return (leaf.slotCount, false) }
        return (max(gap, leaf.findAnywhere(bound).index), true)
      }
    }
    guard let lower else { return (0, false) }
    return lower.withUnsafeBytes { bytes in
      let bound = Bytes(bytes)
      if leaf.lowerFence.compare(bound) >= 0 { return (0, false) }
      return (min(gap, leaf.findAnywhere(bound).index), true)
    }
  }

  /// Shows `count` entries of the current leaf and moves behind them.
  @inline(__always) private func show(
    _ leaf: NodePage, _ count: Int, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
  ) throws(StorageError) {
    let step = isForward ? 1 : -1
    let first = isForward ? gap : gap - 1
    let slotCount = leaf.slotCount
    let prefixCount = leaf.prefixByteCount
    let key = keyBuffer
    leaf.prefix.copy(to: key)
    var index = first
    let last = first + (count - 1) * step
    while true {
      let ahead = index + Self.cellDistance * step
      if ahead >= 0, ahead < slotCount {
        let cell = leaf.cell(ahead)
        betula_prefetch(cell)
        betula_prefetch(cell + 64)
      }
      let slot = leaf.slot(index)
      let cell = leaf.base + Int(slot.u16(0))
      let suffixCount = Int(cell.u16(0))
      key.setBigEndianU64(prefixCount, slot.u64(2))
      let rest = cell + NodePage.leafCellHeadByteCount
      var field = rest
      if suffixCount > 8 {
        let restCount = suffixCount &- 8
        field = rest + restCount
        // Eight bytes at once when they lie in the page: what is too much is overwritten or not looked at.
        if restCount <= 8, rest + 8 <= leaf.base + leaf.byteCount {
          key.storeBytes(
            of: rest.loadUnaligned(as: UInt64.self), toByteOffset: prefixCount &+ 8, as: UInt64.self)
        } else {
          (key + (prefixCount &+ 8)).copyMemory(from: rest, byteCount: restCount)
        }
      }
      let keySpan = UnsafeRawBufferPointer(start: key, count: prefixCount &+ suffixCount).bytes
      let mark = Int(cell.u16(2))
      if mark == NodePage.overflowMark {
        // The cursor stands here should the value be out of reach.
        current = index
        gap = isForward ? index : index + 1
        try holdOverflow(leaf.overflowReference(index))
        body(keySpan, (overflowValue ?? .empty).buffer.bytes)
      } else {
        body(keySpan, UnsafeRawBufferPointer(start: field, count: mark).bytes)
      }
      if index == last { break }
      index &+= step
    }
    current = index
    gap = isForward ? index + 1 : index
    if overflowValue != nil, !leaf.hasOverflow(index) {
      overflowValue = nil
      overflow = nil
    }
  }

  /// Asks memory for the next leaf, and for where the one after it is.
  private func prefetchNeighbours() {
    let depth = path.count - 2
    if depth < 0 { return }
    let parent = path.entries[depth].page
    let step = isForward ? 1 : -1
    let next = path.entries[depth].childIndex + step
    guard next >= 0, next <= parent.slotCount else { return }
    if let address = store.cache.likelyAddress(of: parent.child(next)) {
      NodePage.prefetch(address, level: 0)
    }
    let second = next + step
    if second >= 0, second <= parent.slotCount { store.cache.prefetchSlot(of: parent.child(second)) }
  }
}
