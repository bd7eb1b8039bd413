// Nodes whose id is their place: found by id, written anew under another one, parents after their children.
//
//   changed   root' ─▶ inner' ─▶ leaf'         in memory; a changed node that has a place on the device keeps it until it is
//                                               written, a new one has none
//   written   leaf' gets a place ─▶ inner' is told, gets a place ─▶ root' is told, gets a place ─▶ superblock
//
// Invariants
// 1. A changed node's ancestors are changed too, so a walk from the root finds all of them.
// 2. A node is written after all changed nodes below it; while one of them is pinned it is not.
// 3. What a written node leaves behind is freed in the transaction that allocates its new place: a durable superblock's tree
//    stays whole, and an old id stays readable as long as a pin or a superblock sees it.
//
// Source: O. Rodeh, "B-trees, Shadowing, and Clones", ACM Transactions on Storage 3(4), 2008, section 2.

import Accounting
import KeyValue
import Primitives
import Storage

/// Which nodes are in memory, by id.
final class CopyOnWriteNodes {
  /// Open addressing; a power of two.
  private var slots: ContiguousArray<TreeNode?> = ContiguousArray(repeating: nil, count: 64)
  private var count = 0
  private var lastNewNumber: UInt64 = 0
  /// An id for a node that has no place yet. No place has such an id.
  func makeID() -> UInt64 {
    lastNewNumber += 1
    return 1 << 63 | lastNewNumber
  }

  private func home(_ id: UInt64) -> Int {
    Int(truncatingIfNeeded: ContentHash.mix(id) & UInt64(slots.count - 1))
  }

  /// The node of an id if it is in memory.
  func find(_ id: UInt64) -> TreeNode? {
    var slot = home(id)
    while let node = slots[slot] {
      if node.number == id { return node }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Adds a node; none of its id is there.
  func insert(_ node: TreeNode) {
    if (count + 1) * 2 > slots.count { grow() }
    count += 1
    place(node)
  }

  private func place(_ node: TreeNode) {
    var slot = home(node.number)
    while slots[slot] != nil { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = node
  }

  private func grow() {
    let old = slots
    slots = ContiguousArray(repeating: nil, count: old.count * 2)
    for case let node? in old { place(node) }
  }

  /// Takes a node out.
  func remove(_ node: TreeNode) {
    var slot = home(node.number)
    while let found = slots[slot], found !== node { slot = (slot + 1) & (slots.count - 1) }
    precondition(slots[slot] != nil, "A node that is taken out is there.")
    slots[slot] = nil
    count -= 1
    // What lies behind it may have been moved past its slot.
    slot = (slot + 1) & (slots.count - 1)
    while let next = slots[slot] {
      slots[slot] = nil
      place(next)
      slot = (slot + 1) & (slots.count - 1)
    }
  }

  /// Gives a node another id.
  func rename(_ node: TreeNode, to id: UInt64) {
    remove(node)
    node.rename(to: id)
    insert(node)
  }
}

/// A changed node that can be written, with the pointer to it.
private struct CopyPlan {
  var node: TreeNode
  /// nil for the root.
  var parent: TreeNode?
  var index: Int
}

/// A node that got its place in the open transaction.
private struct PlacedCopy {
  var plan: CopyPlan
  var oldID: UInt64
  var oldBirth: UInt16
  var newID: UInt64
  var image: NodeImage
  var extent: Extent
  /// The new place of the buffers, nil when they stay where they are or there are none.
  var section: NodeImage?
  var sectionExtent: Extent?
}

extension NodeTable {
  /// The id of an extent.
  func directID(_ extent: Extent) -> UInt64 {
    NodeID.direct(extent, transferUnitByteCount: volume.transferUnitByteCount).rawValue
  }

  /// A new, empty, changed node without a place on the device.
  func makeUnplacedNode(level: Int, reserving: Int) -> TreeNode {
    guard let copies else {
      preconditionFailure("Nodes that are copied have no place until they are written.")
    }
    let node = TreeNode(
      number: copies.makeID(), level: level, extent: Extent(offset: 0, byteCount: 0), reserving: reserving,
      arenas: arenas)
    admit(node)
    markDirty(node)
    shape.count(level: level, nodes: 1, byteCount: 0)
    levels.add(level: level, 1)
    return node
  }

  /// Frees what the tree no longer needs and no written node took along.
  func freeReleased() throws(StorageError) {
    if released.isEmpty { return }
    var transaction = try beginTransaction()
    for extent in released { transaction.free(extent) }
    try transaction.commit(durable: false)
    released.removeAll(keepingCapacity: true)
  }

  /// Makes a held node the writer's own: from now on it has an id that nobody else knows, and its old one leads to the old
  /// node on the device. Does nothing where nodes keep their number.
  ///
  /// - Returns: its id now, for its parent.
  func beginChange(_ node: TreeNode) -> UInt64 {
    guard let copies, node.number >> 63 == 0 else { return node.number }
    let isRoot = node.number == shape.root
    copies.rename(node, to: copies.makeID())
    if isRoot { shape.root = node.number }
    return node.number
  }

  /// Notes that a node's pointers changed and its buffers did not, which need not be in memory.
  func markHeadDirty(_ node: TreeNode) {
    if node.isDirty { return }
    node.isDirty = true
    dirtyByteCount += node.charge
    dirtyNodeCount += 1
  }

  /// Writes changed nodes, children first.
  ///
  /// - Parameter limit: stop when nodes of this much memory were taken.
  /// - Throws: what writing throws; what was written until then stays written.
  func writeCopies(_ limit: Int = .max) throws(StorageError) {
    guard let root = resident(shape.root), root.isDirty else { return }
    var plans: [CopyPlan] = []
    var byteCount = 0
    _ = gather(CopyPlan(node: root, parent: nil, index: 0), limit, &byteCount, &plans)
    var start = 0
    while start < plans.count { start = try writeGroup(plans, from: start) }
  }

  /// Adds the changed nodes of a subtree that can be written, children first.
  ///
  /// - Returns: whether all of them were added.
  private func gather(
    _ plan: CopyPlan, _ limit: Int, _ byteCount: inout Int, _ plans: inout [CopyPlan]
  ) -> Bool {
    let node = plan.node
    var isComplete = true
    if node.level > 0 {
      for index in 0..<node.partCount {
        guard let child = resident(node.parts[index].child), child.isDirty else { continue }
        if !gather(CopyPlan(node: child, parent: node, index: index), limit, &byteCount, &plans) {
          isComplete = false
        }
      }
    }
    guard isComplete, node.pinCount == 0, byteCount < limit else { return false }
    byteCount += node.charge
    plans.append(plan)
    return true
  }

  /// Writes nodes from `start` on, several in flight together as far as the headroom goes.
  ///
  /// - Returns: the first node that was not taken.
  private func writeGroup(_ plans: [CopyPlan], from start: Int) throws(StorageError) -> Int {
    var placed: [PlacedCopy] = []
    do throws(StorageError) {
      var transaction = try beginTransaction()
      var writes: ContiguousArray<BlockWrite> = []
      var byteCount = 0
      var end = start
      while end < plans.count, byteCount <= geometry.nodeByteCount {
        let copy = try place(plans[end], &transaction)
        placed.append(copy)
        copy.image.appendWrites(
          to: &writes, at: copy.extent, level: copy.plan.node.level, birth: births.birth)
        byteCount += copy.image.byteCount
        if let section = copy.section, let extent = copy.sectionExtent {
          section.appendWrites(to: &writes, at: extent, level: copy.plan.node.level, birth: births.birth)
          byteCount += section.byteCount
        }
        end += 1
      }
      let birth = births.birth
      births.advance()
      try volume.writeBlocks(writes)
      for copy in placed { leave(copy, &transaction) }
      for extent in released { transaction.free(extent) }
      try transaction.commit(durable: false)
      released.removeAll(keepingCapacity: true)
      for copy in placed { settle(copy, birth) }
      counts.pointee.nodesWritten &+= UInt64(end - start)
      return end
    } catch {
      for copy in placed {
        copy.plan.parent?.parts[copy.plan.index].child = copy.oldID
        copy.plan.parent?.parts[copy.plan.index].birth = copy.oldBirth
      }
      throw error
    }
  }

  /// Encodes a node, finds it a place and tells its parent.
  private func place(
    _ plan: CopyPlan, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> PlacedCopy {
    let node = plan.node
    var section: NodeImage?
    var sectionExtent: Extent?
    if node.level > 0, node.hasChangedParts {
      section = encoder.sectionImage(of: node, for: volume)
      if let section { sectionExtent = try transaction.allocate(byteCount: section.byteCount) }
    }
    let image =
      node.isLeaf
      ? encoder.image(of: node, for: volume)
      : encoder.headImage(
        of: node, section: section,
        sectionID: node.hasChangedParts ? sectionExtent.map { directID($0) } ?? 0 : node.sectionID,
        sectionBirth: node.hasChangedParts ? births.birth : node.sectionBirth,
        for: volume)
    let extent = try transaction.allocate(byteCount: image.byteCount)
    let id = directID(extent)
    image.setNumber(id)
    let oldBirth = plan.parent?.parts[plan.index].birth ?? shape.rootBirth
    plan.parent?.parts[plan.index].child = id
    plan.parent?.parts[plan.index].birth = births.birth
    return PlacedCopy(
      plan: plan, oldID: node.number, oldBirth: oldBirth, newID: id, image: image, extent: extent,
      section: section,
      sectionExtent: sectionExtent)
  }

  /// Frees what a node that is written anew leaves behind.
  private func leave(_ copy: PlacedCopy, _ transaction: inout VolumeTransaction) {
    let node = copy.plan.node
    if node.extent.byteCount > 0 { transaction.free(node.extent) }
    if node.hasChangedParts, let old = extent(ofSection: node.sectionID) { transaction.free(old) }
  }

  /// Takes over that a node was written.
  private func settle(_ copy: PlacedCopy, _ birth: UInt16) {
    let node = copy.plan.node
    let before = deviceByteCount(of: node)
    node.extent = copy.extent
    node.birth = birth
    if node.isLeaf {
      node.isStoredWhole = copy.image.isWhole
      // A leaf was cut anew.
      node.partsMatchImage = false
    } else {
      if node.hasChangedParts {
        node.sectionID = copy.sectionExtent.map { directID($0) } ?? 0
        node.sectionBirth = birth
        node.isStoredWhole = copy.section?.isWhole ?? true
        for index in 0..<node.partCount {
          let place = copy.section?.places[index] ?? (offset: 0, byteCount: 0)
          node.parts[index].imageOffset = place.offset
          node.parts[index].imageByteCount = place.byteCount
        }
      }
      node.partsMatchImage = true
    }
    recharge(node)
    shape.count(level: node.level, nodes: 0, byteCount: deviceByteCount(of: node) - before)
    node.isDirty = false
    node.hasChangedParts = false
    dirtyByteCount -= node.charge
    dirtyNodeCount -= 1
    copies?.rename(node, to: copy.newID)
    if copy.plan.parent == nil {
      shape.root = copy.newID
      shape.rootBirth = birth
    }
  }

  // MARK: Sections

  /// The extent of a node's buffers, nil when it has none of its own.
  func extent(ofSection id: UInt64) -> Extent? {
    if id == 0 { return nil }
    let unit = volume.transferUnitByteCount
    return Extent(
      offset: (id & (1 << 40 - 1)) &* UInt64(unit), byteCount: Int(truncatingIfNeeded: id >> 40) &* unit)
  }

  /// Bytes a node takes on the device.
  func deviceByteCount(of node: TreeNode) -> Int {
    node.extent.byteCount + (extent(ofSection: node.sectionID)?.byteCount ?? 0)
  }

  /// Where a part's block lies.
  func extent(ofPart index: Int, of node: TreeNode) throws(StorageError) -> Extent {
    let part = node.parts + index
    if node.sectionID == 0 {
      return Extent(
        offset: node.extent.offset + UInt64(part.pointee.imageOffset), byteCount: part.pointee.imageByteCount)
    }
    let section = try volume.resolve(NodeID(rawValue: node.sectionID))
    guard part.pointee.imageOffset + part.pointee.imageByteCount <= section.byteCount else {
      throw .corrupted(
        structure: "tree node", offset: node.extent.offset, detail: "part \(index) ends outside its buffers")
    }
    return Extent(
      offset: section.offset + UInt64(part.pointee.imageOffset), byteCount: part.pointee.imageByteCount)
  }

  /// Reads all buffers of a node that lie in one block of their own. The node is pinned.
  func loadSection(of node: TreeNode, mayWrite: Bool) throws(StorageError) {
    let section = try volume.resolve(NodeID(rawValue: node.sectionID))
    try makeRoom(section.byteCount, mayWrite: mayWrite)
    let block = try volume.readBlock(
      section, type: NodeBlock.part, cause: .buffer, level: .number(node.level))
    try block.requireBirth(node.sectionBirth, structure: "tree node", at: section.offset)
    try decoder.decodeSection(block, into: node)
    counts.pointee.partsRead &+= 1
    recharge(node)
  }
}
