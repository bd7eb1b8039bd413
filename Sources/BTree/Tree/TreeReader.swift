// Looking one key up: from page to page, holding each until the next is held.
//
//   page ─search─▶ child index ─▶ hint: the child's slot and lines ── requested ──┐
//                       └───────▶ the child's id ───────────────────▶ held where the hint said, or by way of the buckets

import KeyValue
import Primitives
import Storage

extension NodeStore {
  /// Shows the value of `key` in `tree` to `body`, where it lies.
  ///
  /// Cost: one held page for each level, no copy, no allocation; a miss reads one page.
  /// - Returns: whether the key was found.
  @inline(__always) func get(
    _ key: Bytes, in tree: TreeState, _ body: (_ value: RawSpan) -> Void
  ) throws(StorageError) -> Bool {
    if tree.root == 0 { return false }
    counts.pointee.pagesInspected &+= UInt64(tree.height + 1)
    var level = tree.height
    var lease = try holdForReading(tree.root, level: level)
    while level > 0 {
      let page = NodePage(lease.pointer, lease.byteCount)
      let index = page.childIndex(for: key)
      level -= 1
      // The child's bytes are asked for before its id is known: that is one more place in memory.
      let hint = cache.hint(forChild: index, of: lease)
      if let address = hint.likelyAddress {
        cache.prefetchSlot(of: hint)
        NodePage.prefetch(address, level: level)
      }
      if let held = cached.hold(page.child(index), hint) {
        lease = held
      } else {
        // By way of a constant: the parent is held until its child is.
        let found = try holdChild(index, of: lease, level: level)
        lease = found
      }
      guard NodePage(lease.pointer, lease.byteCount).level == level else { throw misplaced(lease.id) }
    }
    let leaf = NodePage(lease.pointer, lease.byteCount)
    let (index, isFound) = leaf.find(key)
    if !isFound { return false }
    if leaf.hasOverflow(index) {
      let reference = leaf.overflowReference(index)
      let long = try hold(reference, isWriter: false)
      body(Self.value(long, reference).buffer.bytes)
    } else {
      body(leaf.valueField(index).buffer.bytes)
    }
    return true
  }

  /// Holds a child that is not where the hint beside its parent says, and puts that right.
  @inline(never) private func holdChild(
    _ index: Int, of parent: borrowing NodeLease, level: Int
  ) throws(StorageError) -> NodeLease {
    let page = NodePage(parent.pointer, parent.byteCount)
    let id = page.child(index)
    let child: NodeLease
    if let held = cached.hold(id) {
      child = held
    } else {
      child = try load(id, level: level, PagePlace(childIndex: index, of: page), isWriter: false)
    }
    NodePage.prefetch(child.pointer, level: level)
    cache.keepHint(forChild: index, of: parent, foundAt: child)
    return child
  }

  /// Holds the root.
  func holdForReading(_ id: UInt64, level: Int) throws(StorageError) -> NodeLease {
    let lease: NodeLease
    if let held = cached.hold(id) {
      lease = held
    } else {
      lease = try load(id, level: level, .root, isWriter: false)
    }
    let page = NodePage(lease.pointer, lease.byteCount)
    guard page.level == level, page.lowerFenceByteCount == 0, !page.hasUpperFence else { throw misplaced(id) }
    return lease
  }

  func misplaced(_ id: UInt64) -> StorageError {
    .corrupted(
      structure: "tree page", offset: extent(id).offset,
      detail: "its level or its fences are not what its parent says")
  }
}
