// Deleting ranges and whole trees.

import Primitives
import Storage

extension TreeWriter {
  /// Removes every key of [start, end), leaf after leaf. O(leaves of the range).
  func deleteRange(
    _ start: Bytes, _ end: Bytes, in tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    if start.compare(end) >= 0 { return }
    var key = start
    while true {
      if try !path.seek(key, tree, store) { return }
      let leaf = path.leaf
      let first = leaf.find(key).index
      let isLast = leaf.isBelowUpperFence(end)
      let last = isLast ? leaf.find(end).index : leaf.slotCount
      var next: Bytes?
      if !isLast {
        leaf.upperFence.copy(to: keyRoom(2))
        next = Bytes(keyRoom(2), leaf.upperFenceByteCount)
      }
      if first < last {
        try makeWritable(path.count - 1, &tree, &transaction)
        for index in (first..<last).reversed() { remove(index, &tree, &transaction) }
        try balanceLeaf(&tree, &transaction)
      }
      guard let next, next.compare(end) < 0 else { return }
      key = next
    }
  }

  /// Frees every page and long value of a tree. O(pages), each leaf read for its long values.
  func dropTree(_ tree: inout TreeState, _ transaction: inout VolumeTransaction) throws(StorageError) {
    reset()
    if tree.root != 0 { try dropPage(tree.root, level: tree.height, tree, &transaction) }
    tree = TreeState()
  }

  private func dropPage(
    _ id: UInt64, level: Int, _ tree: TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    if level > 0 || tree.overflowCount > 0 {
      let depth = path.count
      if depth > 0 { try path.pushChild(id, level: level, store) } else { _ = try path.pushRoot(tree, store) }
      let page = path.leaf
      if level == 0 {
        for index in 0..<page.slotCount where page.hasOverflow(index) {
          store.free(page.overflowReference(index), &transaction)
        }
      } else {
        for index in 0...page.slotCount {
          path.last.pointee.childIndex = index
          try dropPage(page.child(index), level: level - 1, tree, &transaction)
        }
      }
      path.truncate(to: depth)
    }
    store.free(id, &transaction)
  }
}
