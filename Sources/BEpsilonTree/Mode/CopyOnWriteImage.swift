// An inner node whose buffers lie in an extent of their own, so that pointers are written anew without them.
//
//   extent   [ head: pivots and children │ 0 ]
//                 │ id of the section
//   section  [ buffer 0 │ 0 ][ buffer 1 │ 0 ] …     a block for each child that has messages, or, of small nodes and shared
//                                                   buffers, one block for all of them
//
// The head is that of `NodeImage` with the section's birth at 28 and 8 bytes more between its first 32 and the parts: the section's id, 0 for none. Byte 2
// is 2 when buffers are blocks, 3 when they are one; offsets of parts count from the section's first byte, or its payload's.

import Accounting
import KeyValue
import Primitives
import Storage

extension NodeImage {
  /// Bytes of the section's id in a head.
  static let sectionByteCount = 8

  /// Writes the node's id, which is known after its image was made.
  func setNumber(_ id: UInt64) { (frame.pointer + VolumeBlock.headerByteCount).setU64(8, id) }
}

extension NodeEncoder {
  /// The buffers of an inner node that is held whole; nil when they are empty.
  mutating func sectionImage(of node: TreeNode, for volume: Volume) -> NodeImage? {
    if node.contentByteCount == 0 { return nil }
    gatherBuffers(of: node)
    let block = VolumeBlock.headerByteCount
    let isOneBlock = sharesBuffers || node.contentByteCount <= wholeByteCount
    var places: [(offset: Int, byteCount: Int)] = []
    var byteCount = 0
    for plan in plans {
      let length =
        isOneBlock || plan.byteCount == 0
        ? plan.byteCount : volume.blockByteCount(payloadByteCount: plan.byteCount)
      places.append((length == 0 ? 0 : byteCount, length))
      byteCount += length
    }
    let payloadByteCount = byteCount
    if isOneBlock { byteCount = volume.blockByteCount(payloadByteCount: byteCount) }
    let frame = volume.makeFrame(byteCount: byteCount, zeroed: true)
    var blocks: [NodeImage.Block] = []
    for (index, plan) in plans.enumerated() where plan.byteCount > 0 {
      var target = frame.pointer + (places[index].offset + block)
      for cell in cells[plan.cells] {
        let count = Cell.byteCount(cell)
        target.copyMemory(from: cell, byteCount: count)
        target += count
      }
      if isOneBlock { continue }
      blocks.append(
        NodeImage.Block(
          offset: places[index].offset, byteCount: places[index].byteCount,
          payloadByteCount: plan.byteCount, type: NodeBlock.part, cause: .buffer))
    }
    if isOneBlock {
      blocks.append(
        NodeImage.Block(
          offset: 0, byteCount: byteCount, payloadByteCount: payloadByteCount, type: NodeBlock.part,
          cause: .buffer))
    }
    return NodeImage(frame: frame, blocks: blocks, places: places, isWhole: isOneBlock)
  }

  /// The head of an inner node with its buffers in a section: the one just made, or the one it has.
  func headImage(
    of node: TreeNode, section: NodeImage?, sectionID: UInt64, sectionBirth: UInt16, for volume: Volume
  ) -> NodeImage {
    let lines = NodeImage.headByteCount + NodeImage.sectionByteCount
    let pivotByteCount = 2 * node.pivots.count + node.pivots.keyByteCount
    let payloadByteCount = lines + NodeImage.partByteCount * node.partCount + pivotByteCount
    let frame = volume.makeFrame(
      byteCount: volume.blockByteCount(payloadByteCount: payloadByteCount), zeroed: true)
    let base = frame.pointer + VolumeBlock.headerByteCount
    let isOneBlock = section?.isWhole ?? (node.isStoredWhole || node.contentByteCount == 0)
    base.setU8(0, NodeImage.version)
    base.setU8(1, UInt8(truncatingIfNeeded: node.level))
    base.setU8(2, isOneBlock ? 3 : 2)
    base.setU32(4, UInt32(node.partCount))
    base.setU64(16, UInt64(node.contentByteCount))
    base.setU32(24, UInt32(pivotByteCount))
    base.setU16(28, sectionID == 0 ? 0 : sectionBirth)
    base.setU64(32, sectionID)
    var pivot = base + (lines + NodeImage.partByteCount * node.partCount)
    for index in 0..<node.partCount {
      let line = base + (lines + NodeImage.partByteCount * index)
      let part = node.parts + index
      let place =
        section?.places[index]
        ?? (offset: part.pointee.imageOffset, byteCount: part.pointee.imageByteCount)
      line.setU64(0, part.pointee.child)
      line.setU16(24, part.pointee.birth)
      if part.pointee.byteCount > 0 {
        line.setU32(8, UInt32(place.offset))
        line.setU32(12, UInt32(place.byteCount))
        line.setU32(16, UInt32(part.pointee.cellCount))
        line.setU32(20, UInt32(part.pointee.byteCount))
      }
      guard index > 0 else { continue }
      let key = node.pivots.keys[index - 1]
      pivot.setU16(0, UInt16(key.count))
      key.withUnsafeBytes { Bytes($0).copy(to: pivot + 2) }
      pivot += 2 + key.count
    }
    let block = NodeImage.Block(
      offset: 0, byteCount: frame.byteCount, payloadByteCount: payloadByteCount, type: NodeBlock.head,
      cause: .interior)
    return NodeImage(frame: frame, blocks: [block], places: [], isWhole: false)
  }
}

extension NodeDecoder {
  /// Takes the cells of all buffers from the one block they lie in.
  func decodeSection(_ block: VolumeBlock, into node: TreeNode) throws(StorageError) {
    let payload = Bytes(block.payload)
    for index in 0..<node.partCount where !node.parts[index].isLoaded {
      let (offset, byteCount) = (node.parts[index].imageOffset, node.parts[index].imageByteCount)
      guard offset + byteCount <= payload.count else {
        throw corruption(node.extent.offset, "part \(index) ends outside its buffers")
      }
      try borrow(
        Bytes(payload.start + offset, byteCount), of: block.frame, into: &node.parts[index],
        isBasement: false, node.extent.offset)
    }
  }
}
