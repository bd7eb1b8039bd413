// A node on the device: one extent, a head block that says what follows, and a block for each part.
//
//   extent   [ head │ 0 ][ part 0 │ 0 ][ part 1 │ 0 ] …        every block in whole transfer units, with a checksum of its own
//   whole    [ head with the parts' cells behind it │ 0 ]      nodes of up to four basements, and inner nodes that share
//                                                              one buffer among their children: one block
//
//   payload of the head
//   offset  size  meaning
//        0     1  format version, 2
//        1     1  level, 0 for a leaf
//        2     1  1 when the parts lie in this block, 0 when each has its own; 2 and 3: `CopyOnWriteImage`
//        3     1  zero
//        4     4  parts
//        8     8  the node's number
//       16     8  live cell bytes of all parts
//       24     4  bytes of the pivots, two for each length included
//       28     2  birth of the section, zero without one (`CopyOnWriteImage`)
//       30     2  zero
//       32   32n  parts: child number 8 │ offset 4 │ bytes 4 │ cells 4 │ cell bytes 4 │ child's birth 2 (copied nodes) │ zero 6
//        …     …  pivots: length 2 │ bytes
//        …     …  (whole) cells
//
//   offset, bytes of a part: its block in the extent; (whole) its cells in the payload. A part without cells has neither.
//   payload of a part's block: its cells. Basements: in key order. Buffers: in key order, then order of arrival; with a range
//   delete among them all in order of arrival.
//
// Invariants
// 1. The extent is as long as its blocks: a node that is half full takes half the room.
// 2. The number in the head is the one the directory was asked for: a wrong entry is noticed. The birth of every block is the one
//    that the pointer to the node says: an older image of the node in the same place is noticed.
// 3. Leaves are cut anew into basements each time they are written, each as full as its entries allow. Where rounding to transfer
//    units would leave more than an eighth of a basement empty, as three entries of 4 KiB do in 16 KiB, it takes more entries, up to
//    four basements' bytes.

import Accounting
import KeyValue
import Primitives
import Storage

/// Block types of the engine.
enum NodeBlock {
  static let head = BlockType.engine(0)
  static let part = BlockType.engine(1)
}

/// The image of one node, ready to be written.
struct NodeImage {
  static let version: UInt8 = 2
  static let headByteCount = 32
  static let partByteCount = 32

  /// A block of the image.
  struct Block {
    var offset: Int
    var byteCount: Int
    var payloadByteCount: Int
    var type: BlockType
    var cause: Cause
  }

  var frame: Frame
  var blocks: [Block]
  /// Where each part of an inner node lies: offset and bytes.
  var places: [(offset: Int, byteCount: Int)]
  var isWhole: Bool

  var byteCount: Int { frame.byteCount }

  /// The image's blocks as writes to an extent.
  func appendWrites(
    to writes: inout ContiguousArray<BlockWrite>, at extent: Extent, level: Int, birth: UInt16
  ) {
    for block in blocks {
      writes.append(
        BlockWrite(
          extent: Extent(offset: extent.offset + UInt64(block.offset), byteCount: block.byteCount),
          frame: frame, frameOffset: block.offset, type: block.type,
          payloadByteCount: block.payloadByteCount, cause: block.cause, level: .number(level), birth: birth))
    }
  }
}

/// One part of an image to be: cells by pointer, in order.
struct PartPlan {
  var child: UInt64 = 0
  var birth: UInt16 = 0
  var cells: Range<Int>
  var byteCount = 0
  /// The separator before it; empty for the first.
  var pivot: [UInt8] = []
}

/// Makes images.
struct NodeEncoder {
  /// Payload bytes of a basement.
  let basementPayloadByteCount: Int
  /// The largest payload that is stored in one block.
  let wholeByteCount: Int
  /// Whether inner nodes are stored whole whatever their size: pivots and one sorted buffer.
  let sharesBuffers: Bool
  /// Whether leaves at rest may be larger than one block; otherwise each is one, whatever its parts in memory.
  var cutsLeaves = true
  private(set) var cells: ContiguousArray<UnsafeRawPointer> = []
  private(set) var plans: [PartPlan] = []

  init(basementByteCount: Int, sharesBuffers: Bool) {
    self.sharesBuffers = sharesBuffers
    basementPayloadByteCount = basementByteCount - VolumeBlock.headerByteCount
    wholeByteCount = 4 * basementByteCount
  }

  /// The image of a node that is held whole.
  mutating func image(of node: TreeNode, for volume: Volume) -> NodeImage {
    precondition(node.isWhole, "A node that is written is held whole.")
    let isWhole = plan(node, volume)
    return encode(node, isWhole, volume)
  }

  /// Bytes of the image, without making it.
  mutating func imageByteCount(of node: TreeNode, for volume: Volume) -> Int {
    precondition(node.isWhole, "A node that is written is held whole.")
    let isWhole = plan(node, volume)
    return layout(isWhole: isWhole, volume).byteCount
  }

  /// Plans the parts of a node.
  ///
  /// - Returns: whether it is stored whole.
  private mutating func plan(_ node: TreeNode, _ volume: Volume) -> Bool {
    // A whole leaf has one part: merging leaves may have left it with several in memory.
    let isOnePart = node.isLeaf && !cutsLeaves
    let partCount = isOnePart ? 1 : node.partCount
    let pivotByteCount = isOnePart ? 0 : 2 * node.pivots.count + node.pivots.keyByteCount
    let headByteCount = NodeImage.headByteCount + NodeImage.partByteCount * partCount + pivotByteCount
    let isWhole =
      headByteCount + node.contentByteCount <= wholeByteCount || (sharesBuffers && !node.isLeaf)
    if node.isLeaf { planLeaf(node, isWhole, volume) } else { gatherBuffers(of: node) }
    return isWhole
  }

  /// Where the planned parts lie, and what they take with their head.
  private func layout(
    isWhole: Bool, _ volume: Volume
  ) -> (places: [(offset: Int, byteCount: Int)], pivotByteCount: Int, byteCount: Int) {
    var pivotByteCount = 0
    for plan in plans.dropFirst() { pivotByteCount += 2 + plan.pivot.count }
    let head = NodeImage.headByteCount + NodeImage.partByteCount * plans.count + pivotByteCount
    var places: [(offset: Int, byteCount: Int)] = []
    if isWhole {
      var offset = head
      for plan in plans {
        places.append((offset, plan.byteCount))
        offset += plan.byteCount
      }
      return (places, pivotByteCount, volume.blockByteCount(payloadByteCount: offset))
    }
    var byteCount = volume.blockByteCount(payloadByteCount: head)
    for plan in plans {
      let length = plan.byteCount == 0 ? 0 : volume.blockByteCount(payloadByteCount: plan.byteCount)
      places.append((length == 0 ? 0 : byteCount, length))
      byteCount += length
    }
    return (places, pivotByteCount, byteCount)
  }

  /// Plans a part for each buffer of an inner node, its cells in order.
  mutating func gatherBuffers(of node: TreeNode) {
    cells.removeAll(keepingCapacity: true)
    plans.removeAll(keepingCapacity: true)
    for index in 0..<node.partCount { node.parts[index].run.orderMessages() }
    for index in 0..<node.partCount {
      let start = cells.count
      appendCells(of: node.parts[index].run)
      plans.append(
        PartPlan(
          child: node.parts[index].child, birth: node.parts[index].birth, cells: start..<cells.count,
          byteCount: node.parts[index].byteCount, pivot: node.lowerPivot(index) ?? []))
    }
  }

  /// A buffer's cells, in key order unless a range delete is among them.
  private mutating func appendCells(of run: borrowing CellRun) {
    if run.rangeDeletes.isEmpty {
      for line in 0..<run.index.count { cells.append(run.cells + Int(run.index.lines[line].offset)) }
      return
    }
    var offset = 0
    while offset < run.usedByteCount {
      cells.append(run.cells + offset)
      offset += Cell.byteCount(run.cells + offset)
    }
  }

  private mutating func planLeaf(_ node: TreeNode, _ isWhole: Bool, _ volume: Volume) {
    cells.removeAll(keepingCapacity: true)
    plans.removeAll(keepingCapacity: true)
    let limit = isWhole ? Int.max : basementPayloadByteCount
    var plan = PartPlan(cells: 0..<0)
    for index in 0..<node.partCount {
      let base = UnsafeRawPointer(node.parts[index].run.cells)
      let lines = node.parts[index].run.index.lines
      for line in 0..<node.parts[index].run.index.count {
        let cell = base + Int(lines[line].offset)
        let byteCount = Cell.byteCount(cell)
        if plan.byteCount > 0, plan.byteCount + byteCount > limit,
          ends(plan.byteCount, before: byteCount, volume)
        {
          let last = cells[cells.count - 1]
          plan.cells = plan.cells.lowerBound..<cells.count
          plans.append(plan)
          plan = PartPlan(
            cells: cells.count..<cells.count, pivot: separator(Cell.key(last), Cell.key(cell)))
        }
        cells.append(cell)
        plan.byteCount += byteCount
      }
    }
    plan.cells = plan.cells.lowerBound..<cells.count
    plans.append(plan)
  }

  /// Whether a full basement of so many bytes ends before an entry of `next` bytes.
  private func ends(_ byteCount: Int, before next: Int, _ volume: Volume) -> Bool {
    let block = volume.blockByteCount(payloadByteCount: byteCount)
    return 8 * (block - VolumeBlock.headerByteCount - byteCount) <= block || byteCount + next > wholeByteCount
  }

  private func encode(_ node: TreeNode, _ isWhole: Bool, _ volume: Volume) -> NodeImage {
    let (places, pivotByteCount, byteCount) = layout(isWhole: isWhole, volume)
    let head = NodeImage.headByteCount + NodeImage.partByteCount * plans.count + pivotByteCount
    let block = VolumeBlock.headerByteCount
    let frame = volume.makeFrame(byteCount: byteCount, zeroed: false)
    let base = frame.pointer + block
    base.initializeMemory(as: UInt8.self, repeating: 0, count: NodeImage.headByteCount)
    base.setU8(0, NodeImage.version)
    base.setU8(1, UInt8(truncatingIfNeeded: node.level))
    base.setU8(2, isWhole ? 1 : 0)
    base.setU32(4, UInt32(plans.count))
    base.setU64(8, node.number)
    base.setU64(16, UInt64(node.contentByteCount))
    base.setU32(24, UInt32(pivotByteCount))
    var pivot = base + (NodeImage.headByteCount + NodeImage.partByteCount * plans.count)
    for (index, plan) in plans.enumerated() {
      let line = base + (NodeImage.headByteCount + NodeImage.partByteCount * index)
      line.setU64(0, plan.child)
      line.setU32(8, UInt32(places[index].offset))
      line.setU32(12, UInt32(places[index].byteCount))
      line.setU32(16, UInt32(plan.cells.count))
      line.setU32(20, UInt32(plan.byteCount))
      line.setU64(24, UInt64(plan.birth))
      if index == 0 { continue }
      pivot.setU16(0, UInt16(plan.pivot.count))
      plan.pivot.withUnsafeBytes { Bytes($0).copy(to: pivot + 2) }
      pivot += 2 + plan.pivot.count
    }
    var blocks: [NodeImage.Block] = []
    let cause: Cause = node.isLeaf ? .leaf : .interior
    var payload = head
    if isWhole { payload += plans.reduce(0) { $0 + $1.byteCount } }
    let headBlock = volume.blockByteCount(payloadByteCount: payload)
    blocks.append(
      NodeImage.Block(
        offset: 0, byteCount: headBlock, payloadByteCount: payload, type: NodeBlock.head, cause: cause))
    for (index, plan) in plans.enumerated() where plan.byteCount > 0 {
      var target = isWhole ? base + places[index].offset : frame.pointer + (places[index].offset + block)
      for cell in cells[plan.cells] {
        let count = Cell.byteCount(cell)
        target.copyMemory(from: cell, byteCount: count)
        target += count
      }
      if isWhole { continue }
      blocks.append(
        NodeImage.Block(
          offset: places[index].offset, byteCount: places[index].byteCount,
          payloadByteCount: plan.byteCount, type: NodeBlock.part, cause: node.isLeaf ? .basement : .buffer))
    }
    for item in blocks {
      let used = item.offset + block + item.payloadByteCount
      let rest = item.offset + item.byteCount - used
      (frame.pointer + item.offset).initializeMemory(as: UInt8.self, repeating: 0, count: block)
      if rest > 0 { (frame.pointer + used).initializeMemory(as: UInt8.self, repeating: 0, count: rest) }
    }
    return NodeImage(frame: frame, blocks: blocks, places: places, isWhole: isWhole)
  }
}
