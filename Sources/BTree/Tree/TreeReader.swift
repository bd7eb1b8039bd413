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
    if !root.use(tree.root, cached) { root.keep(try holdForReading(tree.root, level: tree.height)) }
    var level = tree.height
    if level == 0 { return try show(key, in: NodePage(root.lease.pointee), body) }
    level -= 1
    var lease = try child(for: key, of: root.lease.pointee, level: level)
    while level > 0 {
      level -= 1
      // By way of a constant: the parent is held until its child is.
      let next = try child(for: key, of: lease, level: level)
      lease = next
    }
    return try show(key, in: NodePage(lease), body)
  }

  /// Shows the value of `key` in a held leaf.
  @inline(__always) private func show(
    _ key: Bytes, in leaf: NodePage, _ body: (_ value: RawSpan) -> Void
  ) throws(StorageError) -> Bool {
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

  /// Holds the child of a held page that `key` goes to.
  @inline(__always) private func child(
    for key: Bytes, of parent: borrowing NodeLease, level: Int
  ) throws(StorageError) -> NodeLease {
    let page = NodePage(parent)
    cache.prefetchHints(of: parent)
    let index = page.childIndex(for: key)
    // The child's bytes are asked for before its id is known: that is one more place in memory.
    let hint = cache.hint(forChild: index, of: parent)
    if let address = hint.likelyAddress {
      NodePage.prefetch(address, level: level)
      cache.prefetchSlot(of: hint)
    }
    if let held = cached.hold(page.child(index), hint) {
      if NodePage(held).level == level { return held }
      throw misplaced(page.child(index))
    }
    return try holdChild(index, of: parent, level: level)
  }

  /// Holds a child that is not where the hint beside its parent says, and puts that right.
  @inline(never) private func holdChild(
    _ index: Int, of parent: borrowing NodeLease, level: Int
  ) throws(StorageError) -> NodeLease {
    let page = NodePage(parent)
    let id = page.child(index)
    let child: NodeLease
    if let held = cached.hold(id) {
      child = held
    } else {
      child = try load(id, level: level, PagePlace(childIndex: index, of: page), isWriter: false)
    }
    NodePage.prefetch(child.pointer, level: level)
    guard NodePage(child).level == level else { throw misplaced(id) }
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
    let page = NodePage(lease)
    guard page.level == level, page.lowerFenceByteCount == 0, !page.hasUpperFence else { throw misplaced(id) }
    return lease
  }

  func misplaced(_ id: UInt64) -> StorageError {
    .corrupted(
      structure: "tree page", offset: extent(id).offset,
      detail: "its level or its fences are not what its parent says")
  }
}
