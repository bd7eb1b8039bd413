// The B-tree, looked at in an image: every page of every tree held against itself and against its parent, every long value,
// the counts in the root, and the transactions that no durable tree holds yet.
//
//   root ─▶ main tree        page ─▶ checksum, invariants of `NodePage`, fences its parent gives it ─▶ children, long values
//        ├▶ catalogue ─▶ each bucket's tree
//        └▶ log from the root's position
//
// Invariants
// 1. Pages are read by themselves: one that is damaged hides what is below it, and nothing else.
// 2. Every page and long value that is reached is claimed once, the damaged ones too.

import KeyValue
import Primitives
import Storage

extension BTreeEngine {
  /// Reads every page and long value, and the log behind the last durable tree. The root says the size of a page; no
  /// parameter is needed.
  public static func examine(_ image: EngineImage, _ report: inout StructureReport) throws(StorageError) {
    guard let volume = image.volume else { return }
    let root: BTreeRoot?
    do throws(StorageError) {
      root = try BTreeRoot.decode(volume.root)
    } catch {
      try report.note(error)
      return
    }
    guard let root else { return }
    let unit = volume.transferUnitByteCount
    guard root.pageByteCount >= unit, root.pageByteCount <= 1 << 16, root.pageByteCount % unit == 0 else {
      report.addFinding("B-tree root", offset: 0, "its pages have \(root.pageByteCount) bytes")
      return
    }
    var meter = ExaminationMeter(volume.channel)
    var checksums = volume.statistics.verifiedChecksumCount
    func step(_ name: String) {
      let now = volume.statistics.verifiedChecksumCount
      report.steps.append(meter.step(name, checksumCount: now - checksums))
      checksums = now
    }
    var walk = TreeExamination(volume, NodeGeometry(pageByteCount: root.pageByteCount))
    report.addFact("page_bytes", String(root.pageByteCount))
    report.addFact("entries", String(root.forest.main.entryCount))
    report.addFact("height", String(root.forest.main.height))
    try walk.examine(root.forest.main, "main tree", &report)
    step("B-tree: main tree")
    try walk.examine(root.forest.catalogue, "bucket catalogue", &report, collectsBuckets: true)
    var sums = TreeState()
    let buckets = walk.buckets
    for (name, state) in buckets {
      sums.add(state)
      try walk.examine(state, "bucket '\(String(decoding: name, as: UTF8.self))'", &report)
    }
    report.addFact("buckets", String(buckets.count))
    step("B-tree: buckets and their catalogue")
    if walk.isCatalogueWhole, sums != root.forest.buckets {
      report.addFinding(
        "B-tree root", offset: 0, "its sums over buckets are \(root.forest.buckets), the buckets have \(sums)"
      )
    }
    if root.usesLog {
      try examineLog(volume, root, &report)
      step("B-tree: log")
    }
  }

  private static func examineLog(
    _ volume: Volume, _ root: BTreeRoot, _ report: inout StructureReport
  ) throws(StorageError) {
    let log = try volume.openLog(0, configuration: VolumeLogConfiguration(cause: .verification))
    var collector = TransactionCollector()
    var (records, bytes, transactions, operations): (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var unsound: (position: UInt64, detail: String)?
    _ = try log.replay(from: root.logPosition) { position, payload in
      records += 1
      bytes += UInt64(payload.count + VolumeLog.recordHeaderByteCount)
      do throws(StorageError) {
        if try collector.add(payload, at: position) {
          transactions += 1
          operations += UInt64(collector.actions.operationCount)
        }
        return true
      } catch {
        unsound = (position, error.description)
        return false
      }
    }
    if let unsound {
      report.addFinding(
        "B-tree log record", offset: log.deviceOffset(of: unsound.position) ?? 0, unsound.detail)
    }
    report.addPart(
      "log record", byteCount: log.allocatedByteCount, usedByteCount: bytes, entryCount: operations,
      blockCount: records)
    if transactions > 0 {
      report.addRecovery(
        "the log holds \(transactions) commits not yet checkpointed, \(bytes) bytes: opening replays them")
    }
  }
}

/// A pass over the trees of an image.
private struct TreeExamination {
  private let volume: Volume
  private let geometry: NodeGeometry
  private let unitByteCount: Int
  private let coverage: PageCoverage
  private var seen: Set<UInt64> = []
  private var found = TreeState()
  private var isWhole = true
  private var collectsBuckets = false
  /// The catalogue's records, in its order.
  private(set) var buckets: [(name: [UInt8], state: TreeState)] = []
  /// Whether every record of the catalogue was read.
  private(set) var isCatalogueWhole = true

  init(_ volume: Volume, _ geometry: NodeGeometry) {
    self.volume = volume
    self.geometry = geometry
    unitByteCount = volume.transferUnitByteCount
    coverage = PageCoverage(pageByteCount: geometry.pageByteCount)
  }

  /// Examines one tree and holds its counts against `tree`.
  mutating func examine(
    _ tree: TreeState, _ name: String, _ report: inout StructureReport, collectsBuckets: Bool = false
  ) throws(StorageError) {
    found = TreeState()
    found.root = tree.root
    found.height = tree.height
    isWhole = true
    self.collectsBuckets = collectsBuckets
    if tree.root != 0 { try visit(tree.root, level: tree.height, .root, block: nil, &report) }
    if collectsBuckets { isCatalogueWhole = isWhole }
    found.forgetLevels(unknownTo: tree)
    if isWhole, found != tree {
      report.addFinding(
        name, offset: extent(tree.root).offset, "its record says \(tree), there is \(found)")
    }
  }

  private func extent(_ id: UInt64) -> Extent { PageID.extent(id, unitByteCount: unitByteCount) }

  private mutating func visit(
    _ id: UInt64, level: Int, _ place: PagePlace, block read: VolumeBlock?,
    _ report: inout StructureReport
  ) throws(StorageError) {
    let extent = extent(id)
    let structure = level == 0 ? "leaf" : "interior"
    guard extent.byteCount == geometry.pageByteCount, seen.insert(PageID.start(id)).inserted else {
      bad(extent, "the pointer \(id) leads to no page, or two pointers lead here", &report)
      return
    }
    let block: VolumeBlock
    do throws(StorageError) {
      if let read {
        block = read
      } else {
        block = try volume.readBlock(extent, type: NodeStore.pageType, cause: .verification)
      }
    } catch {
      report.claim(extent, structure)
      isWhole = false
      try report.note(error)
      return
    }
    let page = NodePage(block.frame.pointer + block.frameOffset, geometry.pageByteCount)
    let expected = NodeExpectation(
      geometry: geometry, pageLengthBits: UInt64(geometry.pageByteCount / unitByteCount) << 40,
      unitCount: volume.channel.capacityByteCount / UInt64(unitByteCount), level: level)
    if let problem = block.problem(ofBirth: PageID.birth(id)) ?? page.problem(expected) {
      report.claim(extent, structure)
      bad(extent, problem, &report)
      return
    }
    report.addBlock(
      structure, level: level, extent: extent,
      usedByteCount: geometry.pageByteCount - page.capacityByteCount + page.usedByteCount,
      entryCount: page.slotCount)
    if let problem = coverage.problem(page) { bad(extent, problem, &report) }
    if !place.fits(page) {
      bad(extent, "its fences are not what its parent says", &report)
    }
    if page.isLeaf {
      try visitEntries(of: page, extent, &report)
    } else {
      found.countInterior(level: level)
      var start = 0
      while start <= page.slotCount {
        let end = min(start + Self.readBatchCount, page.slotCount + 1)
        let blocks = try readTogether((start..<end).map { page.child($0) })
        for index in start..<end {
          try visit(
            page.child(index), level: level - 1, PagePlace(childIndex: index, of: page),
            block: blocks.isEmpty ? nil : blocks[index - start], &report)
        }
        start = end
      }
    }
    withExtendedLifetime(block.frame) {}
  }

  /// Pages read in one batch.
  private static let readBatchCount = 64

  /// Reads pages in one batch; none when one of them is wrong: then they are read one by one to see which.
  private func readTogether(_ ids: [UInt64]) throws(StorageError) -> ContiguousArray<VolumeBlock> {
    var blocks: ContiguousArray<VolumeBlock> = []
    if ids.count < 2 { return blocks }
    do throws(StorageError) {
      try volume.readBlocks(ids.map { extent($0) }, type: NodeStore.pageType, cause: .verification) {
        blocks.append($1)
      }
    } catch {
      guard case .corrupted = error else { throw error }
      return []
    }
    return blocks
  }

  private mutating func visitEntries(
    of page: NodePage, _ extent: Extent, _ report: inout StructureReport
  ) throws(StorageError) {
    found.leafCount += 1
    found.entryCount += page.slotCount
    for index in 0..<page.slotCount {
      if page.hasOverflow(index) {
        try visitLongValue(page.overflowReference(index), &report)
      } else if collectsBuckets {
        let value = page.valueField(index)
        guard let state = TreeState(value) else {
          isWhole = false
          bad(extent, "entry \(index) is no bucket's record", &report)
          continue
        }
        let name = withUnsafeTemporaryAllocation(byteCount: geometry.pageByteCount, alignment: 8) { memory in
          // Never nil: a page has bytes.
          [UInt8](page.copyKey(index, to: memory.baseAddress.unsafelyUnwrapped).buffer)
        }
        buckets.append((name, state))
      }
    }
  }

  private mutating func visitLongValue(
    _ reference: OverflowReference, _ report: inout StructureReport
  ) throws(StorageError) {
    let extent = reference.extent(unitByteCount: unitByteCount)
    guard seen.insert(PageID.start(reference.id)).inserted else {
      bad(extent, "two pointers lead here", &report)
      return
    }
    found.overflowCount += 1
    found.overflowByteCount += extent.byteCount
    do throws(StorageError) {
      let block = try volume.readBlock(extent, type: NodeStore.overflowType, cause: .verification)
      report.addBlock(
        "long value", extent: extent, usedByteCount: VolumeBlock.headerByteCount + block.payloadByteCount,
        entryCount: 1)
      if let problem = reference.problem(of: block) { bad(extent, problem, &report) }
    } catch {
      report.claim(extent, "long value")
      isWhole = false
      try report.note(error)
    }
  }

  private mutating func bad(_ extent: Extent, _ detail: String, _ report: inout StructureReport) {
    isWhole = false
    report.addFinding("tree page", offset: extent.offset, detail)
  }
}
