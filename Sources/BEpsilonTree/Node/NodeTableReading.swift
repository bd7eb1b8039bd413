// Nodes and parts of them from the device.
//
//   query    head ─▶ the parts it asks for, one at a time          pivots + one buffer + one basement
//   change   the whole node in one transfer, or what is missing of it in one batch

import Accounting
import KeyValue
import Primitives
import Storage

extension NodeTable {
  /// Bytes read at first when only the head of a node is wanted: what its pivots are expected to take.
  private func expectedHeadByteCount(_ extent: Extent, level: Int) -> Int {
    if extent.byteCount <= encoder.wholeByteCount || (encoder.sharesBuffers && level > 0) {
      return extent.byteCount
    }
    let partCount = level == 0 ? geometry.nodeByteCount / basementByteCount + 1 : geometry.fanout
    let expected = VolumeBlock.headerByteCount + NodeImage.headByteCount + min(partCount, 1 << 12) * 56
    return volume.blockByteCount(payloadByteCount: expected)
  }

  /// A node with its head in memory.
  ///
  /// - Parameters:
  ///   - birth: what its parent says of it.
  ///   - snapshot: the state it belongs to, nil for the newest.
  ///   - mayWrite: whether dirty nodes may be written to make room.
  /// - Throws: `.corrupted`, `.outOfBudget`, what the device throws.
  func node(
    _ number: UInt64, birth: UInt16, level: Int, in snapshot: SnapshotNodes? = nil, mayWrite: Bool = false
  ) throws(StorageError) -> TreeNode {
    counts.pointee.nodesInspected &+= 1
    if let found = try find(number, level: level, in: snapshot) { return found }
    let extent = try place(number, in: snapshot)
    let expected = expectedHeadByteCount(extent, level: level)
    try makeRoom(expected, mayWrite: mayWrite)
    let block = try volume.readLeadingBlock(
      of: extent, type: NodeBlock.head, expectedByteCount: expected, cause: level == 0 ? .leaf : .interior,
      level: .number(level))
    counts.pointee.nodesRead &+= 1
    let expectedBirth = self.birth(number, birth, in: snapshot)
    try block.requireBirth(expectedBirth, structure: "tree node", at: extent.offset)
    let node = TreeNode(
      number: number, level: level, extent: extent, isOfSnapshot: snapshot != nil, arenas: arenas)
    node.birth = expectedBirth
    node.owner = snapshot
    try decoder.decodeHead(block, into: node, expectedLevel: level)
    admit(node)
    return node
  }

  private func find(
    _ number: UInt64, level: Int, in snapshot: SnapshotNodes?
  ) throws(StorageError) -> TreeNode? {
    var found = resident(number)
    if let snapshot, let newest = found {
      let isSame = copies != nil || snapshot.directory.extent(of: .mapped(number)) == newest.extent
      if newest.isDirty || !isSame { found = nil }
    }
    if found == nil, let snapshot { found = snapshot.nodes[number] }
    guard let found else { return nil }
    guard found.level == level else {
      throw .corrupted(
        structure: "tree node", offset: found.extent.offset,
        detail: "node \(number) is of level \(found.level), its parent says \(level)")
    }
    found.chances = chances(of: found)
    return found
  }

  /// Which write put a node there: the directory says so of numbered ones, of the others their parents do.
  private func birth(_ number: UInt64, _ birth: UInt16, in snapshot: SnapshotNodes?) -> UInt16 {
    if copies != nil { return birth }
    return snapshot?.directory.birth(of: .mapped(number)) ?? volume.birth(of: .mapped(number))
  }

  private func place(_ number: UInt64, in snapshot: SnapshotNodes?) throws(StorageError) -> Extent {
    guard number >> 63 == 0 else {
      throw .corrupted(structure: "tree node", offset: 0, detail: "\(number) is no node's number")
    }
    if copies != nil { return try volume.resolve(NodeID(rawValue: number)) }
    guard let snapshot else { return try volume.resolve(.mapped(number)) }
    guard let extent = snapshot.directory.extent(of: .mapped(number)) else {
      throw .corrupted(
        structure: "node directory", offset: 0, detail: "node \(number) is not in a snapshot's directory")
    }
    return extent
  }

  /// Makes sure that a part is in memory. The node is pinned.
  func loadPart(_ index: Int, of node: TreeNode) throws(StorageError) {
    node.parts[index].isRecent = true
    if node.parts[index].isLoaded { return }
    if node.sectionID != 0, node.isStoredWhole { return try loadSection(of: node, mayWrite: false) }
    let extent = try extent(ofPart: index, of: node)
    try makeRoom(extent.byteCount, mayWrite: false)
    let block = try volume.readBlock(
      extent, type: NodeBlock.part, cause: node.isLeaf ? .basement : .buffer, level: .number(node.level))
    try block.requireBirth(node.partBirth, structure: "tree node", at: extent.offset)
    try decoder.decodePart(block, index, into: node)
    counts.pointee.partsRead &+= 1
    recharge(node)
  }

  /// The newest node of a number, whole, to be changed; the caller pins it.
  ///
  /// - Parameter birth: what its parent says of it.
  func wholeNode(_ number: UInt64, birth: UInt16, level: Int) throws(StorageError) -> TreeNode {
    if let found = try find(number, level: level, in: nil) {
      if !found.hasChangedParts { try completeNode(found) }
      return found
    }
    let extent = try place(number, in: nil)
    try makeRoom(extent.byteCount, mayWrite: true)
    let node = TreeNode(number: number, level: level, extent: extent, arenas: arenas)
    node.birth = self.birth(number, birth, in: nil)
    var index = 0
    try volume.readBlockSequence(
      extent, firstType: NodeBlock.head, restType: NodeBlock.part, cause: level == 0 ? .leaf : .interior,
      level: .number(level)
    ) { (offset, block) throws(StorageError) in
      try block.requireBirth(node.birth, structure: "tree node", at: extent.offset + UInt64(offset))
      if offset == 0 { return try decoder.decodeHead(block, into: node, expectedLevel: level) }
      while index < node.partCount, node.parts[index].isLoaded { index += 1 }
      guard index < node.partCount, node.parts[index].imageOffset == offset else {
        throw .corrupted(
          structure: "tree node", offset: extent.offset + UInt64(offset),
          detail: "a part lies where node \(number) has none")
      }
      try decoder.decodePart(block, index, into: node)
    }
    if node.sectionID != 0 {
      counts.pointee.nodesRead &+= 1
      admit(node)
      try completeNode(node)
      return node
    }
    guard node.isWhole else {
      throw .corrupted(structure: "tree node", offset: extent.offset, detail: "its last parts are missing")
    }
    counts.pointee.nodesRead &+= 1
    admit(node)
    return node
  }

  /// Reads the parts that are missing, in one batch.
  private func completeNode(_ node: TreeNode) throws(StorageError) {
    node.pinCount += 1
    defer { node.pinCount -= 1 }
    try loadParts(0..<node.partCount, of: node, mayWrite: true)
  }

  /// Makes sure that parts are in memory; those that are not come in one batch, neighbours in one transfer. The node is pinned.
  func loadParts(_ range: Range<Int>, of node: TreeNode, mayWrite: Bool = false) throws(StorageError) {
    var missing: [Int] = []
    var byteCount = 0
    for index in range {
      node.parts[index].isRecent = true
      if node.parts[index].isLoaded { continue }
      missing.append(index)
      byteCount += node.parts[index].imageByteCount
    }
    if missing.isEmpty { return }
    if node.sectionID != 0, node.isStoredWhole { return try loadSection(of: node, mayWrite: mayWrite) }
    var extents: [Extent] = []
    for index in missing { extents.append(try extent(ofPart: index, of: node)) }
    try makeRoom(byteCount, mayWrite: mayWrite)
    var blocks: [VolumeBlock] = []
    try volume.readBlocks(
      extents, type: NodeBlock.part, cause: node.isLeaf ? .basement : .buffer, level: .number(node.level)
    ) { blocks.append($1) }
    for (place, block) in blocks.enumerated() {
      try block.requireBirth(node.partBirth, structure: "tree node", at: extents[place].offset)
      try decoder.decodePart(block, missing[place], into: node)
    }
    counts.pointee.partsRead &+= UInt64(missing.count)
    recharge(node)
  }
}
