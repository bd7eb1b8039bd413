// Pages that are too empty, and leaves that share: merging, redistribution, root collapse.
//
//   merge        parent [ … s … ]            parent [ … … ]
//                 [ a ]   [ b c ]    ─▶        [ a b c ]          into the page that is writable already: the other one is
//                                                                 freed, not copied
//   share        [ a b c d ] s [ e ]  ─▶  [ a b ] s' [ c d e ]     leaves only; when s' fits into the parent
//   collapse     root [ ] ─▶ only child   the tree loses a level
//
// A neighbour that cannot be read without risk (see `mayReadNeighbours`) stays as it is: balance is a wish, not an invariant.

import Primitives
import Storage

extension TreeWriter {
  /// Leaves the current leaf: merges or fills it when it became too empty. The path may be empty afterwards.
  func balanceLeaf(_ tree: inout TreeState, _ transaction: inout VolumeTransaction) throws(StorageError) {
    if path.count < 2 || path.last.pointee.access != .free || !isTooEmpty(path.leaf) { return }
    for depth in 0..<path.count { try makeWritable(depth, &tree, &transaction) }
    try balance(path.count - 1, &tree, &transaction)
    reset()
  }

  private func isTooEmpty(_ page: NodePage) -> Bool {
    page.slotCount == 0
      || page.usedByteCount * 100 < policy.mergeThresholdPercent * store.geometry.capacityByteCount
  }

  private func balance(
    _ depth: Int, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let parent = path.entries[depth - 1].page
    let index = path.entries[depth - 1].childIndex
    if index < parent.slotCount, try merge(depth, leftIndex: index, &tree, &transaction) {
      try balanceParent(depth - 1, &tree, &transaction)
    } else if index > 0, try merge(depth, leftIndex: index - 1, &tree, &transaction) {
      try balanceParent(depth - 1, &tree, &transaction)
    } else if policy.redistributes, path.entries[depth].page.isLeaf, !path.entries[depth].page.isGrowing {
      // A leaf that a stream of ascending keys has just begun is filled by the stream.
      if try shareLeaf(depth, roomByteCount: 0, &transaction, &tree) {
        store.counts.pointee.redistributions &+= 1
      }
    }
  }

  private func balanceParent(
    _ depth: Int, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    path.truncate(to: depth + 1)
    let page = path.leaf
    if depth > 0 {
      if isTooEmpty(page) { try balance(depth, &tree, &transaction) }
      return
    }
    if page.slotCount > 0 { return }
    // A root with one child: the child is the root.
    let old = path.last.pointee.id
    tree.root = page.child(0)
    tree.countInterior(level: tree.height, -1)
    tree.height -= 1
    store.counts.pointee.rootCollapses &+= 1
    reset()
    store.free(old, &transaction)
  }

  /// The lease of a neighbour, child `index` of the parent; nil when it is not to be read now.
  private func holdNeighbour(_ index: Int, of parent: NodePage) throws(StorageError) -> NodeLease? {
    let id = parent.child(index)
    if let lease = store.cached.hold(id) { return lease }
    if !mayReadNeighbours { return nil }
    return try store.load(
      id, level: parent.level - 1, PagePlace(childIndex: index, of: parent), isWriter: true)
  }

  /// Merges children `leftIndex` and `leftIndex` + 1 of the parent, one of which is the page at `depth`.
  ///
  /// - Returns: false, and nothing changed, when they do not fit into one page.
  private func merge(
    _ depth: Int, leftIndex: Int, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> Bool {
    let parent = path.entries[depth - 1].page
    let page = path.entries[depth].page
    let isLeft = path.entries[depth - 1].childIndex == leftIndex
    let otherIndex = isLeft ? leftIndex + 1 : leftIndex
    let otherID = parent.child(otherIndex)
    guard let lease = try holdNeighbour(otherIndex, of: parent) else { return false }
    let other = NodePage(lease.pointer, lease.byteCount)
    let (left, right) = isLeft ? (page, other) : (other, page)
    let separator = parent.copyKey(leftIndex, to: keyRoom(1))
    let (used, capacity) = left.merged(with: right, separatorByteCount: separator.count)
    // Room to spare, or the next insert would cut it again; an empty page is worth a full one.
    let limit = page.slotCount == 0 ? capacity : capacity - capacity / 8
    if used > limit { return false }
    let image = NodePage(scratch, page.byteCount)
    var builder = NodeBuilder(
      image, level: page.level, lower: left.lowerFence, upper: right.hasUpperFence ? right.upperFence : nil,
      leftmostChild: page.isLeaf ? 0 : left.child(0))
    builder.append(0..<left.slotCount, of: left, key: keyRoom(0))
    if !page.isLeaf { builder.append(key: separator, child: right.child(0)) }
    builder.append(0..<right.slotCount, of: right, key: keyRoom(0))
    copyImage(to: page)
    if !isLeft { parent.setChild(leftIndex, path.entries[depth].id) }
    parent.remove(at: leftIndex)
    _ = consume lease
    store.free(otherID, &transaction)
    if page.isLeaf { tree.leafCount -= 1 } else { tree.countInterior(level: page.level, -1) }
    store.counts.pointee.merges &+= 1
    return true
  }

  // MARK: Sharing

  /// Spreads the entries of the leaf at `depth` and a neighbour evenly over the two.
  ///
  /// - Parameter roomByteCount: what must be free in both afterwards.
  /// - Returns: false, and nothing changed, when there is no neighbour with room or the new separator does not fit.
  func shareLeaf(
    _ depth: Int, roomByteCount: Int, _ transaction: inout VolumeTransaction, _ tree: inout TreeState
  ) throws(StorageError) -> Bool {
    let parent = path.entries[depth - 1].page
    let index = path.entries[depth - 1].childIndex
    if index < parent.slotCount, try share(depth, leftIndex: index, roomByteCount, &transaction) {
      return true
    }
    if index == 0 { return false }
    return try share(depth, leftIndex: index - 1, roomByteCount, &transaction)
  }

  private func share(
    _ depth: Int, leftIndex: Int, _ roomByteCount: Int, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> Bool {
    let parent = path.entries[depth - 1].page
    let page = path.entries[depth].page
    let isLeft = path.entries[depth - 1].childIndex == leftIndex
    let otherIndex = isLeft ? leftIndex + 1 : leftIndex
    guard let held = try holdNeighbour(otherIndex, of: parent) else { return false }
    var other = NodePage(held.pointer, held.byteCount)
    guard
      let plan = SharePlan(
        left: isLeft ? page : other, right: isLeft ? other : page, roomByteCount: roomByteCount,
        target: keyRoom(1), scratch: keyRoom(0))
    else { return false }
    let old = parent.cellByteCount(leftIndex) + NodePage.slotByteCount
    if parent.freeByteCount + old < parent.interiorEntryByteCount(key: plan.separator) { return false }
    let lease = try makeNeighbourWritable(held, &transaction)
    parent.setChild(otherIndex, lease.id)
    other = NodePage(lease.pointer, lease.byteCount)
    let (left, right) = isLeft ? (page, other) : (other, page)
    plan.build(left, right, image: scratch, key: keyRoom(0))
    (left.base + 16).copyMemory(from: scratch + 16, byteCount: page.byteCount - 16)
    (right.base + 16).copyMemory(from: scratch + page.byteCount + 16, byteCount: page.byteCount - 16)
    let rightID = parent.child(leftIndex + 1)
    parent.remove(at: leftIndex)
    let isIn = parent.insertInterior(at: leftIndex, key: plan.separator, child: rightID, scratch: scratch)
    precondition(isIn, "The room of the old separator was counted.")
    return true
  }

  /// A neighbour that may be changed: itself, or its copy.
  func makeNeighbourWritable(
    _ held: consuming NodeLease, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> NodeLease {
    var lease = held
    if store.claim(&lease, .free) == .free { return lease }
    return try store.copy(lease, &transaction)
  }
}

/// Where two neighbouring leaves are to be cut anew.
private struct SharePlan {
  /// Entries of both that go left.
  var leftCount: Int
  var separator: Bytes

  /// A plan that leaves `roomByteCount` free in both leaves, nil when there is none.
  init?(
    left: NodePage, right: NodePage, roomByteCount: Int, target: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer
  ) {
    let total = left.slotCount + right.slotCount
    if total < 2 { return nil }
    let longestPrefix = max(left.prefixByteCount, right.prefixByteCount)
    // Upper bounds: as if both pages had no prefix more than the shorter one's share.
    func bytes(_ index: Int) -> Int {
      let (page, slot) = index < left.slotCount ? (left, index) : (right, index - left.slotCount)
      return page.leafCellByteCount(slot) + NodePage.slotByteCount
    }
    var sum = 0
    for index in 0..<total { sum += bytes(index) }
    var leftBytes = 0
    var count = 0
    while count < total - 1, leftBytes * 2 < sum {
      leftBytes += bytes(count)
      count += 1
    }
    if count == left.slotCount || count == 0 { return nil }
    func key(_ index: Int, _ memory: UnsafeMutableRawPointer) -> Bytes {
      index < left.slotCount
        ? left.copyKey(index, to: memory) : right.copyKey(index - left.slotCount, to: memory)
    }
    let (before, after) = (key(count - 1, scratch), key(count, target))
    let common = commonPrefixByteCount(before.start, before.count, after.start, after.count)
    separator = Bytes(target, common + 1)
    leftCount = count
    // A page that gets a shorter prefix may need as many bytes more for each entry.
    let growth = longestPrefix
    let room = left.byteCount - NodePage.slotsStart - separator.count - roomByteCount
    let rightBytes = sum - leftBytes
    guard leftBytes + growth * count <= room - left.lowerFenceByteCount,
      rightBytes + growth * (total - count) <= room - right.upperFenceByteCount
    else { return nil }
  }

  /// Builds both images, one behind the other.
  func build(
    _ left: NodePage, _ right: NodePage, image: UnsafeMutableRawPointer, key: UnsafeMutableRawPointer
  ) {
    let total = left.slotCount + right.slotCount
    let middle = left.slotCount
    var first = NodeBuilder(
      NodePage(image, left.byteCount), level: 0, lower: left.lowerFence, upper: separator)
    first.append(0..<min(leftCount, middle), of: left, key: key)
    first.append(0..<max(0, leftCount - middle), of: right, key: key)
    var second = NodeBuilder(
      NodePage(image + left.byteCount, left.byteCount), level: 0, lower: separator,
      upper: right.hasUpperFence ? right.upperFence : nil)
    second.append(min(leftCount, middle)..<middle, of: left, key: key)
    second.append(max(0, leftCount - middle)..<(total - middle), of: right, key: key)
  }
}
