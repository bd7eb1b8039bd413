// Ascending inserts leave full leaves: before the last leaf is cut behind its last entry, the leaf before it takes what it has
// room for.
//
//   full, no upper fence      [ a b c d ]                       no prefix: keys are stored whole
//   cut behind d              [ a b c d · · ] s [ e ]           now both fences share bytes, the keys got shorter: room again
//   next time this is full    [ a b c d · · ] s [ e f g h ]
//   shifted                   [ a b c d e f ] s' [ g h · · ]    and the cut waits until there is nothing more to shift
//
// Only a neighbour in the cache is used: it is no reason to read. Each leaf is shifted to about once, right before the cut
// behind it, so that a leaf costs one more separator to be changed and no more descents.

import Primitives
import Storage

extension TreeWriter {
  /// Moves entries of the full leaf at the path's end, at which entries arrive in ascending order, to the leaf before it.
  ///
  /// - Returns: whether some were moved; the path then stays as it is.
  func shiftLeft(
    _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> Bool {
    let depth = path.count - 1
    let leaf = path.leaf
    let index = path.entries[depth - 1].childIndex
    guard index > 0, leaf.slotCount > 1,
      let held = store.cached.hold(path.entries[depth - 1].page.child(index - 1))
    else { return false }
    let left = NodePage(held.pointer, held.byteCount)
    guard left.isLeaf, let shift = LeafShift(left: left, right: leaf, target: keyRoom(1), scratch: keyRoom(0))
    else {
      return false
    }
    let old = path.entries[depth - 1].page.cellByteCount(index - 1) + NodePage.slotByteCount
    let room = path.entries[depth - 1].page.freeByteCount + old
    if room < path.entries[depth - 1].page.interiorEntryByteCount(key: shift.separator) { return false }
    try makeWritable(depth - 1, &tree, &transaction)
    let lease = try makeNeighbourWritable(held, &transaction)
    let parent = path.entries[depth - 1].page
    parent.setChild(index - 1, lease.id)
    shift.build(NodePage(lease.pointer, lease.byteCount), leaf, image: scratch, key: keyRoom(0))
    let id = path.last.pointee.id
    parent.remove(at: index - 1)
    let isIn = parent.insertInterior(at: index - 1, key: shift.separator, child: id, scratch: scratch)
    precondition(isIn, "The room of the old separator was counted.")
    store.counts.pointee.shifts &+= 1
    return true
  }
}

/// How many of a leaf's first entries the leaf before it takes.
private struct LeafShift {
  let count: Int
  let separator: Bytes

  /// The most that fit, nil when none does.
  init?(left: NodePage, right: NodePage, target: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    // Most often there is no room at all: the least an entry takes says so.
    let least = NodePage.slotByteCount + NodePage.leafCellHeadByteCount + right.valueField(0).count
    if left.freeByteCount < least { return nil }
    let lower = left.lowerFence
    let room = left.byteCount - NodePage.slotsStart - left.lowerFenceByteCount
    var found = 0
    var moved = 1
    while moved < right.slotCount {
      let separator = right.leafSeparator(before: moved, at: target, scratch: scratch)
      let prefix = commonPrefixByteCount(lower.start, lower.count, separator.start, separator.count)
      var used = left.usedByteCount(underPrefix: prefix) + separator.count
      for index in 0..<moved {
        let suffix = right.keyByteCount(index) - prefix
        used +=
          NodePage.leafCellByteCount(suffix: suffix, valueField: right.valueField(index).count)
          + NodePage.slotByteCount
      }
      if used > room { break }
      found = moved
      moved += 1
    }
    if found == 0 { return nil }
    count = found
    separator = right.leafSeparator(before: found, at: target, scratch: scratch)
  }

  /// Changes both leaves.
  ///
  /// - Parameter image: room for two pages.
  func build(
    _ left: NodePage, _ right: NodePage, image: UnsafeMutableRawPointer, key: UnsafeMutableRawPointer
  ) {
    let byteCount = left.byteCount
    let run = right.insertRun
    let newLeft = NodePage(image, byteCount)
    var first = NodeBuilder(newLeft, level: 0, lower: left.lowerFence, upper: separator)
    first.append(0..<left.slotCount, of: left, key: key)
    first.append(0..<count, of: right, key: key)
    let newRight = NodePage(image + byteCount, byteCount)
    var second = NodeBuilder(
      newRight, level: 0, lower: separator, upper: right.hasUpperFence ? right.upperFence : nil)
    second.append(count..<right.slotCount, of: right, key: key)
    newLeft.setInsertRun(left.insertRun)
    newRight.setInsertRun(run)
    (left.base + 16).copyMemory(from: image + 16, byteCount: byteCount - 16)
    (right.base + 16).copyMemory(from: image + byteCount + 16, byteCount: byteCount - 16)
  }
}
