// A node from the device: its head becomes pivots and a table of parts; parts follow when they are asked for.
//
// Invariant: whatever the bytes say, nothing outside the block is read and no count is believed before it was held against
// the block: what does not fit is `.corrupted`.

import KeyValue
import Primitives
import Storage

/// Reads images.
struct NodeDecoder {
  let maximumKeyByteCount: Int

  func corruption(_ offset: UInt64, _ detail: String) -> StorageError {
    .corrupted(structure: "tree node", offset: offset, detail: detail)
  }

  /// Fills a node with what its head block says. Parts of a node stored whole are loaded.
  func decodeHead(
    _ block: VolumeBlock, into node: TreeNode, expectedLevel: Int
  ) throws(StorageError) {
    let payload = Bytes(block.payload)
    let place = node.extent.offset
    guard payload.count >= NodeImage.headByteCount, payload.start.u8(0) == NodeImage.version else {
      throw corruption(place, "it has no node's head of version \(NodeImage.version)")
    }
    guard Int(payload.start.u8(1)) == expectedLevel else {
      throw corruption(place, "it is of level \(payload.start.u8(1)), its parent says \(expectedLevel)")
    }
    guard payload.start.u64(8) == node.number else {
      throw corruption(place, "it is node \(payload.start.u64(8)), node \(node.number) was asked for")
    }
    let flag = payload.start.u8(2)
    let partCount = Int(payload.start.u32(4))
    let pivotByteCount = Int(payload.start.u32(24))
    let hasSection = flag == 2 || flag == 3
    let linesStart = NodeImage.headByteCount + (hasSection ? NodeImage.sectionByteCount : 0)
    let pivotStart = linesStart + NodeImage.partByteCount * partCount
    guard flag <= 3, !hasSection || expectedLevel > 0, partCount >= 1,
      pivotStart + pivotByteCount <= payload.count,
      flag == 1 || pivotStart + pivotByteCount == payload.count
    else {
      throw corruption(place, "its \(partCount) parts and \(pivotByteCount) pivot bytes are not its own")
    }
    try decodePivots(
      Bytes(payload.start + pivotStart, pivotByteCount), count: partCount - 1, into: node)
    // Whether parts are read together.
    node.isStoredWhole = flag & 1 == 1
    node.partsMatchImage = true
    node.reserveParts(partCount)
    if hasSection {
      node.sectionID = payload.start.u64(NodeImage.headByteCount)
      node.sectionBirth = payload.start.u16(28)
    }
    var expected = hasSection ? 0 : flag == 1 ? pivotStart + pivotByteCount : block.byteCount
    let limit = hasSection ? Int(UInt32.max) : flag == 1 ? payload.count : node.extent.byteCount
    for index in 0..<partCount {
      let line = payload.start + (linesStart + NodeImage.partByteCount * index)
      var part = NodePart(child: line.u64(0), birth: line.u16(24))
      part.imageOffset = Int(line.u32(8))
      part.imageByteCount = Int(line.u32(12))
      part.cellCount = Int(line.u32(16))
      part.byteCount = Int(line.u32(20))
      let isEmpty = part.byteCount == 0
      let holds = part.imageByteCount - (node.isStoredWhole ? 0 : VolumeBlock.headerByteCount)
      guard (part.cellCount == 0) == isEmpty, isEmpty ? part.imageByteCount == 0 : holds >= part.byteCount,
        isEmpty || part.imageOffset == expected, !node.isStoredWhole || part.imageByteCount == part.byteCount
      else { throw corruption(place, "part \(index) is not where it belongs") }
      expected += part.imageByteCount
      guard expected <= limit else {
        throw corruption(place, "part \(index) ends outside the node")
      }
      part.isLoaded = isEmpty
      if flag == 1, !isEmpty {
        try borrow(
          Bytes(payload.start + part.imageOffset, part.byteCount), of: block.frame, into: &part,
          isBasement: expectedLevel == 0, place)
      }
      node.appendPart(part)
    }
    let isClosed =
      hasSection
      ? (node.sectionID == 0) == (node.contentByteCount == 0) && block.byteCount == node.extent.byteCount
      : expected == limit
    guard isClosed, node.contentByteCount == Int(truncatingIfNeeded: payload.start.u64(16))
    else { throw corruption(place, "its parts have \(node.contentByteCount) bytes and end at \(expected)") }
  }

  private func decodePivots(_ bytes: Bytes, count: Int, into node: TreeNode) throws(StorageError) {
    let place = node.extent.offset
    var offset = 0
    for index in 0..<count {
      guard offset + 2 <= bytes.count else { throw corruption(place, "pivot \(index) lies outside it") }
      let length = Int(bytes.start.u16(offset))
      guard length <= maximumKeyByteCount, offset + 2 + length <= bytes.count else {
        throw corruption(place, "pivot \(index) has \(length) bytes")
      }
      let key = [UInt8](Bytes(bytes.start + (offset + 2), length).buffer)
      if let last = node.pivots.keys.last, key.withUnsafeBytes({ compare(last, Bytes($0)) }) >= 0 {
        throw corruption(place, "pivot \(index) is not above the one before it")
      }
      node.pivots.append(key)
      offset += 2 + length
    }
    guard offset == bytes.count else { throw corruption(place, "its pivots end at \(offset)") }
  }

  /// Takes a part's cells from its block.
  func decodePart(
    _ block: VolumeBlock, _ index: Int, into node: TreeNode
  ) throws(StorageError) {
    let place = node.extent.offset + UInt64(node.parts[index].imageOffset)
    guard block.payloadByteCount == node.parts[index].byteCount else {
      throw corruption(
        place, "part \(index) has \(block.payloadByteCount) bytes, not \(node.parts[index].byteCount)")
    }
    try borrow(
      Bytes(block.payload), of: block.frame, into: &node.parts[index], isBasement: node.isLeaf, place)
  }

  func borrow(
    _ bytes: Bytes, of frame: Frame, into part: inout NodePart, isBasement: Bool, _ place: UInt64
  ) throws(StorageError) {
    if let problem = part.run.borrow(
      bytes, of: frame, isBasement: isBasement, cellCount: part.cellCount,
      maximumKeyByteCount: maximumKeyByteCount)
    {
      part.run.removeAll()
      throw corruption(place, problem)
    }
    part.isLoaded = true
  }
}
