// Full pages: a leaf shares with a neighbour or is cut in two, and separators go up as far as they must.
//
// Precondition everywhere: the page at the depth in question is writable, hence its ancestors are too, once they were made
// so on the path. Afterwards the path is empty, and the next search begins at the root, unless entries were only shifted.

import Primitives
import Storage

extension TreeWriter {
  /// Makes room in the current leaf for `key`, which found none before slot `pending`.
  func splitLeaf(
    pending: Int, _ key: Bytes, fieldByteCount: Int, _ tree: inout TreeState,
    _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let depth = path.count - 1
    try makeWritable(depth, &tree, &transaction)
    // Streams of ascending keys leave full leaves by themselves: what they gave away they would only fill up again.
    let shares =
      policy.redistributes && depth > 0 && (pending < path.leaf.slotCount || path.leaf.hasUpperFence)
      && !path.leaf.isAscending(pending: pending)
    if shares { try makeWritable(depth - 1, &tree, &transaction) }
    let leaf = path.leaf
    if depth > 0, leaf.isAppending(pending: pending), try shiftLeft(&tree, &transaction) { return }
    if shares {
      // The entry that waits, and some room for those after it.
      let entry = NodePage.slotByteCount + NodePage.leafCellHeadByteCount + key.count + fieldByteCount
      let byteCount = max(entry, leaf.byteCount / 16)
      if try shareLeaf(depth, roomByteCount: byteCount, &transaction, &tree) {
        store.counts.pointee.redistributions &+= 1
        reset()
        return
      }
    }
    let cut = leaf.leafCut(
      pending: pending, pendingKey: key, target: separatorRoom(depth), scratch: keyRoom(0))
    let right = try store.makePage(level: 0, &transaction)
    tree.leafCount += 1
    store.counts.pointee.leafSplits &+= 1
    var builder = NodeBuilder(
      NodePage(right.pointer, right.byteCount), level: 0, lower: cut.separator,
      upper: leaf.hasUpperFence ? leaf.upperFence : nil)
    builder.append(cut.index..<leaf.slotCount, of: leaf, key: keyRoom(0))
    keepLeft(leaf, cut.index, upper: cut.separator)
    // While it is near.
    store.settle(NodePage(right.pointer, right.byteCount), right)
    let rightID = right.id
    _ = consume right
    try insertSeparator(cut.separator, rightID, above: depth, &tree, &transaction)
    reset()
  }

  /// Rebuilds a page from its first `count` entries between its lower fence and `upper`.
  func keepLeft(_ page: NodePage, _ count: Int, upper: Bytes) {
    // Inserts that followed one another up to the cut may go on behind it.
    let run = page.insertPoint == count ? page.insertRun : 0
    let image = NodePage(scratch, page.byteCount)
    var builder = NodeBuilder(
      image, level: page.level, lower: page.lowerFence, upper: upper,
      leftmostChild: page.isLeaf ? 0 : page.child(0))
    builder.append(0..<count, of: page, key: keyRoom(0))
    image.setInsertRun(min(run, count))
    copyImage(to: page)
  }

  /// Replaces a page's bytes, its block head excepted, by the image in the scratch memory.
  func copyImage(to page: NodePage) {
    (page.base + 16).copyMemory(from: scratch + 16, byteCount: page.byteCount - 16)
  }

  /// Tells the parent of the page at `depth` that the keys from `separator` on are in `child` now.
  func insertSeparator(
    _ separator: Bytes, _ child: UInt64, above depth: Int, _ tree: inout TreeState,
    _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    if depth == 0 {
      try growRoot(separator, child, &tree, &transaction)
      return
    }
    try makeChangeable(depth - 1, &tree, &transaction)
    let index = path.entries[depth - 1].childIndex
    if path.entries[depth - 1].access == .undoable {
      let parent = path.entries[depth - 1].page
      if parent.gapByteCount >= parent.interiorEntryByteCount(key: separator) {
        store.undo.willInsert(at: index, into: parent)
      } else {
        try makeWritable(depth - 1, &tree, &transaction)
      }
    }
    let parent = path.entries[depth - 1].page
    if parent.insertInterior(at: index, key: separator, child: child, scratch: scratch) { return }
    try splitInterior(depth - 1, pending: index, separator, child, &tree, &transaction)
  }

  private func splitInterior(
    _ depth: Int, pending: Int, _ separator: Bytes, _ child: UInt64, _ tree: inout TreeState,
    _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let page = path.entries[depth].page
    let cut = page.interiorCut(
      pending: pending, pendingByteCount: page.interiorEntryByteCount(key: separator),
      target: separatorRoom(depth))
    let lease = try store.makePage(level: page.level, &transaction)
    tree.countInterior(level: page.level)
    store.counts.pointee.interiorSplits &+= 1
    let right = NodePage(lease.pointer, lease.byteCount)
    var builder = NodeBuilder(
      right, level: page.level, lower: cut.separator, upper: page.hasUpperFence ? page.upperFence : nil,
      leftmostChild: page.child(cut.index + 1))
    builder.append((cut.index + 1)..<page.slotCount, of: page, key: keyRoom(0))
    keepLeft(page, cut.index, upper: cut.separator)
    let isIn =
      pending <= cut.index
      ? page.insertInterior(at: pending, key: separator, child: child, scratch: scratch)
      : right.insertInterior(at: pending - cut.index - 1, key: separator, child: child, scratch: scratch)
    precondition(isIn, "The cut was chosen so that the new separator fits.")
    let rightID = lease.id
    _ = consume lease
    try insertSeparator(cut.separator, rightID, above: depth, &tree, &transaction)
  }

  private func growRoot(
    _ separator: Bytes, _ child: UInt64, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let lease = try store.makePage(level: tree.height + 1, &transaction)
    let page = NodePage(lease.pointer, lease.byteCount)
    var builder = NodeBuilder(
      page, level: tree.height + 1, lower: .empty, upper: nil, leftmostChild: tree.root)
    builder.append(key: separator, child: child)
    tree.height += 1
    tree.countInterior(level: tree.height)
    tree.root = lease.id
  }
}
