// The Bε-tree, looked at in an image: every node's head and every part held against itself and against the bounds its parents
// give, the counts in the root, and the batches that no durable tree holds yet.
//
//   root ─▶ node ─▶ head: checksum, number, level, parts' places ─▶ parts: checksum, cells, order, bounds ─▶ children
//        └▶ log from the root's position
//
// Invariants
// 1. A damaged part hides nothing else; a damaged head hides what is below it.
// 2. Every node that is reached claims its extent once, a damaged one too.

import KeyValue
import Primitives
import Storage

extension BEpsilonTreeEngine {
  /// Reads every node, and the log behind the last durable tree. The root says the geometry; no parameter is needed.
  public static func examine(_ image: EngineImage, _ report: inout StructureReport) throws(StorageError) {
    guard let volume = image.volume else { return }
    let root: BEpsilonRoot?
    do throws(StorageError) {
      root = try BEpsilonRoot.decode(volume.root)
    } catch {
      try report.note(error)
      return
    }
    guard let root else { return }
    let geometry: BEpsilonGeometry
    do throws(EngineError) {
      geometry = try BEpsilonGeometry(
        nodeByteCount: root.nodeByteCount, fanout: root.fanout,
        unit: root.unitByteCount == 1 ? .bytes : .entries(byteCount: max(1, root.unitByteCount)))
    } catch {
      report.addFinding("Bε-tree root", offset: 0, error.description)
      return
    }
    report.addFact("node_bytes", String(geometry.nodeByteCount))
    report.addFact("fanout", String(geometry.fanout))
    report.addFact("buffer_bytes", String(geometry.bufferByteCount))
    report.addFact("height", String(root.shape.height))
    report.addFact("durability", root.durability.rawValue)
    var walk = TreeExamination(volume, geometry, root.durability)
    try walk.examine(root.shape, &report)
    if root.durability == .log { try examineLog(volume, root, geometry, &report) }
  }

  private static func examineLog(
    _ volume: Volume, _ root: BEpsilonRoot, _ geometry: BEpsilonGeometry, _ report: inout StructureReport
  ) throws(StorageError) {
    let log = try volume.openLog(0, configuration: VolumeLogConfiguration(cause: .verification))
    let collector = BatchCollector(maximumKeyByteCount: geometry.maximumKeyByteCount)
    var (records, bytes, batches, operations): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var unsound: (position: UInt64, detail: String)?
    _ = try log.replay(from: root.logPosition) { position, payload in
      records += 1
      bytes += UInt64(payload.count + VolumeLog.recordHeaderByteCount)
      do throws(StorageError) {
        if try collector.add(payload, at: position) {
          batches += 1
          operations += UInt64(collector.batch.count)
        }
        return true
      } catch {
        unsound = (position, error.description)
        return false
      }
    }
    if let unsound {
      report.addFinding(
        "Bε-tree log record", offset: log.deviceOffset(of: unsound.position) ?? 0, unsound.detail)
    }
    report.addPart(
      "log record", byteCount: log.allocatedByteCount, usedByteCount: bytes, entryCount: operations,
      blockCount: records)
    if batches > 0 {
      report.addRecovery(
        "the log holds \(batches) commits not yet checkpointed, \(bytes) bytes: opening replays them")
    }
  }
}

/// A pass over the tree of an image.
private struct TreeExamination {
  private let volume: Volume
  private let decoder: NodeDecoder
  private let durability: DurabilityMode
  private var seen: Set<UInt64> = []
  private var seenOverflow: Set<UInt64> = []
  private var found = TreeShape()
  private var isWhole = true

  init(_ volume: Volume, _ geometry: BEpsilonGeometry, _ durability: DurabilityMode) {
    self.volume = volume
    self.durability = durability
    decoder = NodeDecoder(maximumKeyByteCount: geometry.maximumKeyByteCount)
  }

  mutating func examine(_ shape: TreeShape, _ report: inout StructureReport) throws(StorageError) {
    found.root = shape.root
    found.rootBirth = shape.rootBirth
    found.height = shape.height
    try visit(
      shape.root, birth: shape.rootBirth, level: shape.height, lower: nil, upper: nil, &report)
    if isWhole, found != shape {
      report.addFinding("Bε-tree root", offset: 0, "it says \(shape), there is \(found)")
    }
  }

  private mutating func visit(
    _ number: UInt64, birth: UInt16, level: Int, lower: [UInt8]?, upper: [UInt8]?,
    _ report: inout StructureReport
  ) throws(StorageError) {
    let structure = level == 0 ? "leaf" : "interior"
    guard number >> 63 == 0, seen.insert(number).inserted else {
      bad(0, "the pointer \(number) leads to no node, or two pointers lead here", &report)
      return
    }
    var extent: Extent?
    let node: TreeNode
    do throws(StorageError) {
      let place = try volume.resolve(durability == .log ? .mapped(number) : NodeID(rawValue: number))
      extent = place
      node = TreeNode(number: number, level: level, extent: place)
      let block = try volume.readLeadingBlock(
        of: place, type: NodeBlock.head, expectedByteCount: volume.transferUnitByteCount,
        cause: .verification)
      node.birth = durability == .log ? volume.birth(of: .mapped(number)) : birth
      try block.requireBirth(node.birth, structure: "tree node", at: place.offset)
      try decoder.decodeHead(block, into: node, expectedLevel: level)
    } catch {
      if let extent { report.claim(extent, structure) }
      isWhole = false
      try report.note(error)
      return
    }
    report.addBlock(
      structure, level: level, extent: node.extent, usedByteCount: node.contentByteCount,
      entryCount: (0..<node.partCount).reduce(0) { $0 + node.parts[$1].cellCount })
    var byteCount = node.extent.byteCount
    if node.sectionID != 0 {
      do throws(StorageError) {
        let section = try volume.resolve(NodeID(rawValue: node.sectionID))
        report.claim(section, "interior")
        byteCount += section.byteCount
      } catch {
        isWhole = false
        try report.note(error)
        return
      }
    }
    found.count(level: level, nodes: 1, byteCount: byteCount)
    for index in 0..<node.partCount {
      let low = node.lowerPivot(index) ?? lower
      let high = node.upperPivot(index) ?? upper
      try examinePart(index, of: node, low, high, &report)
      if level > 0 {
        try visit(
          node.parts[index].child, birth: node.parts[index].birth, level: level - 1, lower: low, upper: high,
          &report)
      }
    }
  }

  private mutating func examinePart(
    _ index: Int, of node: TreeNode, _ lower: [UInt8]?, _ upper: [UInt8]?, _ report: inout StructureReport
  ) throws(StorageError) {
    if node.parts[index].cellCount == 0 { return }
    do throws(StorageError) {
      if !node.parts[index].isLoaded, node.sectionID != 0, node.isStoredWhole {
        let block = try volume.readBlock(
          try volume.resolve(NodeID(rawValue: node.sectionID)), type: NodeBlock.part, cause: .verification)
        try block.requireBirth(node.sectionBirth, structure: "tree node", at: node.extent.offset)
        try decoder.decodeSection(block, into: node)
      } else if !node.parts[index].isLoaded {
        let base = try node.sectionID == 0 ? node.extent : volume.resolve(NodeID(rawValue: node.sectionID))
        let place = Extent(
          offset: base.offset + UInt64(node.parts[index].imageOffset),
          byteCount: node.parts[index].imageByteCount)
        guard place.end <= base.end else {
          throw decoder.corruption(node.extent.offset, "part \(index) ends outside its buffers")
        }
        let block = try volume.readBlock(place, type: NodeBlock.part, cause: .verification)
        try block.requireBirth(node.partBirth, structure: "tree node", at: place.offset)
        try decoder.decodePart(block, index, into: node)
      }
      if !node.isLeaf { node.parts[index].run.orderMessages() }
      if let problem = TreeChecker.problem(
        node.parts[index].run, isBasement: node.isLeaf, lower: lower, upper: upper)
      {
        bad(node.extent.offset, "part \(index) of node \(node.number): \(problem)", &report)
      }
      for line in 0..<node.parts[index].run.index.count {
        let cell = UnsafeRawPointer(
          node.parts[index].run.cells + Int(node.parts[index].run.index.lines[line].offset))
        if Cell.isReference(cell) { try examineLongValue(Cell.reference(cell), node, &report) }
      }
      node.parts[index].run.removeAll()
    } catch {
      isWhole = false
      try report.note(error)
    }
  }

  private mutating func examineLongValue(
    _ reference: OverflowReference, _ node: TreeNode, _ report: inout StructureReport
  ) throws(StorageError) {
    var extent: Extent?
    do throws(StorageError) {
      let place = try volume.extent(of: reference)
      guard seenOverflow.insert(reference.id).inserted else {
        return bad(place.offset, "two cells refer to one long value", &report)
      }
      extent = place
      found.overflowCount += 1
      found.overflowByteCount += place.byteCount
      let block = try volume.readOverflow(reference, type: NodeBlock.overflow, cause: .verification)
      report.addBlock(
        "long value", extent: place, usedByteCount: VolumeBlock.headerByteCount + block.payloadByteCount,
        entryCount: 1)
    } catch {
      if let extent { report.claim(extent, "long value") }
      isWhole = false
      try report.note(error)
    }
  }

  private mutating func bad(_ offset: UInt64, _ detail: String, _ report: inout StructureReport) {
    isWhole = false
    report.addFinding("tree node", offset: offset, detail)
  }
}
