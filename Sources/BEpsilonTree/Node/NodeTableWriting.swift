// Room in memory, and nodes to the device.

import Accounting
import KeyValue
import Primitives
import Storage

extension NodeTable {
  // MARK: Room

  /// Makes room for `byteCount` bytes, using the headroom when everything else is held.
  ///
  /// - Throws: `.outOfBudget` when not even that is enough; what writing throws.
  func makeRoom(_ byteCount: Int, mayWrite: Bool) throws(StorageError) {
    if heldByteCount + byteCount > capacityByteCount { dismissRetired(keeping: byteCount) }
    var idleCount = 0
    while heldByteCount + byteCount > capacityByteCount {
      if idleCount > (Self.mostChances + 2) * (ring.count + 1) {
        if heldByteCount + byteCount <= capacityByteCount + headroomByteCount { return }
        throw .outOfBudget(
          account: MemoryAccount.frames.name, requestedByteCount: byteCount,
          availableByteCount: max(0, capacityByteCount - heldByteCount))
      }
      let before = heldByteCount
      try turnHand(mayWrite: mayWrite)
      idleCount = heldByteCount < before ? 0 : idleCount + 1
    }
  }

  /// Looks at the node under the clock's hand.
  private func turnHand(mayWrite: Bool) throws(StorageError) {
    if ring.isEmpty { return }
    if hand >= ring.count { hand = 0 }
    let node = ring[hand]
    if node.pinCount > 0 || (node.isDirty && !mayWrite) {
      hand += 1
    } else if node.isDirty {
      if node.chances > 0 {
        node.chances -= 1
        hand += 1
      } else {
        try write([node])
        // Where nodes are copied, changed ones below it went first.
        if node.isDirty { hand += 1 }
      }
    } else {
      let isLighter = node.partsMatchImage && !node.isStoredWhole && dropOldParts(of: node)
      if isLighter {
        hand += 1
      } else if node.chances > 0 {
        node.chances -= 1
        hand += 1
      } else {
        dismiss(node)
        counts.pointee.evictions &+= 1
      }
    }
  }

  /// Drops the parts that nobody used since the hand passed.
  ///
  /// - Returns: whether there were some.
  private func dropOldParts(of node: TreeNode) -> Bool {
    var isLighter = false
    for index in 0..<node.partCount where node.parts[index].isLoaded && node.parts[index].cellCount > 0 {
      if node.parts[index].isRecent {
        node.parts[index].isRecent = false
      } else {
        node.parts[index].run.removeAll()
        node.parts[index].isLoaded = false
        isLighter = true
      }
    }
    if isLighter { recharge(node) }
    return isLighter
  }

  /// Drops every clean node that nobody holds: the phase verb *drop cache*.
  func dropClean() {
    var position = 0
    while position < ring.count {
      if ring[position].isDirty || ring[position].pinCount > 0 {
        position += 1
      } else {
        dismiss(ring[position])
      }
    }
    hand = 0
  }

  /// Writes every changed node. None is pinned.
  func writeAll() throws(StorageError) {
    if copies != nil { return try writeCopies() }
    var list: [TreeNode] = []
    for node in ring where node.isDirty { list.append(node) }
    // By number: the order of the ring would do, this one lays siblings side by side.
    list.sort { ($0.level, $0.number) < ($1.level, $1.number) }
    try write(list)
  }

  // MARK: Writing

  /// Writes nodes to new extents, several in flight together as far as the headroom goes.
  func write(_ list: [TreeNode]) throws(StorageError) {
    if copies != nil { return try writeCopies(list.reduce(0) { $0 + $1.charge }) }
    var start = 0
    while start < list.count { start = try writeGroup(list, from: start) }
  }

  /// Writes nodes from `start` on; a failure changes nothing for those that were not written.
  ///
  /// - Returns: the first node that was not taken.
  private func writeGroup(_ list: [TreeNode], from start: Int) throws(StorageError) -> Int {
    var transaction = try beginTransaction()
    var images: [(image: NodeImage, extent: Extent)] = []
    var writes: ContiguousArray<BlockWrite> = []
    var byteCount = 0
    let birth = births.birth
    var end = start
    while end < list.count, byteCount <= geometry.nodeByteCount {
      let image = encoder.image(of: list[end], for: volume)
      let extent = try transaction.allocate(byteCount: image.byteCount)
      image.appendWrites(to: &writes, at: extent, level: list[end].level, birth: birth)
      images.append((image, extent))
      byteCount += image.byteCount
      end += 1
    }
    births.advance()
    try volume.writeBlocks(writes)
    for (offset, item) in images.enumerated() {
      transaction.moveNode(.mapped(list[start + offset].number), to: item.extent, birth: birth)
      transaction.free(list[start + offset].extent)
    }
    try transaction.commit(durable: false)
    for (offset, item) in images.enumerated() {
      settle(list[start + offset], item.image, at: item.extent, birth)
    }
    counts.pointee.nodesWritten &+= UInt64(end - start)
    return end
  }

  /// Takes over that a node was written.
  private func settle(_ node: TreeNode, _ image: NodeImage, at extent: Extent, _ birth: UInt16) {
    recharge(node)
    shape.count(level: node.level, nodes: 0, byteCount: extent.byteCount - node.extent.byteCount)
    node.extent = extent
    node.birth = birth
    node.isDirty = false
    node.hasChangedParts = false
    dirtyByteCount -= node.charge
    dirtyNodeCount -= 1
    node.isStoredWhole = image.isWhole
    // A leaf was cut anew.
    node.partsMatchImage = !node.isLeaf
    if node.isLeaf { return }
    for index in 0..<node.partCount {
      node.parts[index].imageOffset = image.places[index].offset
      node.parts[index].imageByteCount = image.places[index].byteCount
    }
  }
}
