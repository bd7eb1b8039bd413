// Looking one key up: from page to page, holding each until the next is held.

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
      let child = page.child(index)
      if let held = cache.hold(child) {
        lease = held
      } else {
        // By way of a constant: the parent is held until its child is.
        let loaded = try load(child, level: level, PagePlace(childIndex: index, of: page), isWriter: false)
        lease = loaded
      }
      let next = NodePage(lease.pointer, lease.byteCount)
      NodePage.prefetch(next.base, level: level)
      guard next.level == level else { throw misplaced(child) }
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

  /// Holds the root.
  func holdForReading(_ id: UInt64, level: Int) throws(StorageError) -> NodeLease {
    let lease: NodeLease
    if let held = cache.hold(id) {
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
