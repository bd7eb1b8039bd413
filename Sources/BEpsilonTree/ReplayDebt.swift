// What replaying the log behind the newest durable tree may need, and what writing the changed nodes needs: the account that
// keeps a full device from shutting out what was acknowledged.
//
//   durable tree D ── batches since, Λ ──▶ the tree in memory
//        │  crash                             │  writing what changed must fit at any time ─▶ a checkpoint is always possible
//        ▼
//   D and what is free after a crash, A ── replay of Λ ──▶ the same answers
//
// A batch is acknowledged only when replaying Λ with it fits into A, in one of two ways:
//
//   short   Λ's messages fit into memory (`replayMessageByteCount`), or Λ is that one batch: replay puts them all into the root's
//           buffers. No node is read or written for it. It takes the extents of Λ's long values, for sure when
//             Σ units of long values + units of the root with Λ's messages ≤ A for requests of that size  (`DependableSpace`)
//           and then the root, the only node that changed, can be written: the replayed tree can be checkpointed
//   ample   replaying in whatever order of flushes needs less than A: every node of the tree written once more, all of Λ's bytes
//           with it, and what splitting and rounding add (`nodeUnitBound`)
//
// When neither holds, the tree is checkpointed first, and Λ begins anew with the batch. So on a full device checkpoints come
// oftener; on one that is less than a fifth full nothing is counted but the batch.
//
// Invariants
// 1. Whatever was acknowledged, replaying from the newest durable tree has the space for.
// 2. Before a flush changes nodes there is room to write all changed nodes, so a checkpoint always finds room; two of them make
//    free what the tree gave up.
// 3. Batches that only delete need less: a reserve of a few nodes and a log segment (`workUnitCount`) is theirs alone, so that a
//    full tree can be emptied.
//
// Why 1: replay reads the log's length from the volume. Either the ample bound holds for that length, hence for Λ, and any order
// of flushes fits; or it fills the root with as many messages as memory holds before it flushes, and a short Λ is at its end by
// then. A is not changed by what replay does: only a durable commit changes it, and the engine checks A as it will be after the
// log grows.

import KeyValue
import Primitives
import Storage

/// What one batch, or all since the newest durable tree, bring.
struct ReplayDebt: Equatable {
  var batchCount = 0
  /// Bytes of messages, range deletes counted once for each child of the root.
  var messageByteCount = 0
  /// Units of long operands.
  var longUnitCount = 0
  /// The longest of them.
  var largestLongUnitCount = 0
  /// Whether a patch may make a value long whose operand is short.
  var hasFarPatch = false
  /// Whether it only deletes.
  var onlyDeletes = true

  static func + (first: ReplayDebt, second: ReplayDebt) -> ReplayDebt {
    ReplayDebt(
      batchCount: first.batchCount + second.batchCount,
      messageByteCount: first.messageByteCount + second.messageByteCount,
      longUnitCount: first.longUnitCount + second.longUnitCount,
      largestLongUnitCount: max(first.largestLongUnitCount, second.largestLongUnitCount),
      hasFarPatch: first.hasFarPatch || second.hasFarPatch,
      onlyDeletes: first.onlyDeletes && second.onlyDeletes)
  }
}

/// The newest durable tree, as far as replay starts from it.
struct ReplayStart {
  var shape: TreeShape
  var levels: TreeLevels
  /// The root there.
  var contentByteCount: Int
  var partCount: Int
  var pivotByteCount: Int
  var isLeaf: Bool
}

/// What was found out about the space after a crash.
struct RoomAfterCrash {
  /// Sizes up to this many units are told apart.
  static let exactCount = 64
  var epoch: UInt64
  var rooms: [(size: Int, unitCount: Int)] = []
  /// Bytes of short messages that are known to be ample.
  var ampleByteCount = -1
}

extension NodeEncoder {
  /// Units of a node's image at most.
  func unitBound(
    content: Int, partCount: Int, pivotByteCount: Int, isLeaf: Bool, longestKeyByteCount: Int,
    unitByteCount unit: Int
  ) -> Int {
    func units(_ byteCount: Int) -> Int { (byteCount + unit - 1) / unit }
    // Leaves are cut anew: two neighbouring basements hold more than one of them can.
    let isCut = NodeImage.headByteCount + content > wholeByteCount
    let parts = isLeaf && isCut ? 2 * content / basementPayloadByteCount + 2 : partCount
    // Separators of a leaf are beginnings of its keys.
    let cuts = min(parts * longestKeyByteCount, content)
    let pivots = (isLeaf && isCut ? cuts : pivotByteCount) + 2 * parts
    let head =
      VolumeBlock.headerByteCount + NodeImage.headByteCount + NodeImage.sectionByteCount
      + NodeImage.partByteCount * parts + pivots
    let isWhole = head + content <= wholeByteCount || (sharesBuffers && !isLeaf)
    if isWhole { return units(head + content) + (isLeaf ? 0 : 1) }
    return units(head) + units(content + VolumeBlock.headerByteCount * parts) + parts
  }
}

extension NodeTable {
  private func unitBound(of node: TreeNode) -> Int {
    encoder.unitBound(
      content: node.contentByteCount, partCount: node.partCount, pivotByteCount: node.pivots.keyByteCount,
      isLeaf: node.isLeaf, longestKeyByteCount: geometry.maximumKeyByteCount,
      unitByteCount: volume.transferUnitByteCount)
  }

  /// Units of the largest node at rest, at most.
  static func largestNodeUnitCount(_ geometry: BEpsilonGeometry, _ encoder: NodeEncoder, unit: Int) -> Int {
    let leaf = encoder.unitBound(
      content: geometry.nodeByteCount - 128, partCount: 1, pivotByteCount: 0, isLeaf: true,
      longestKeyByteCount: geometry.maximumKeyByteCount, unitByteCount: unit)
    let inner = encoder.unitBound(
      content: geometry.bufferByteCount,
      partCount: min(geometry.maximumChildCount, geometry.nodeByteCount / NodeImage.partByteCount),
      pivotByteCount: 0, isLeaf: false, longestKeyByteCount: 0, unitByteCount: unit)
    return max(leaf, inner)
  }

  /// Whether everything that changed, and `unitCount` units more, can be written.
  ///
  /// - Parameter node: a node that is about to change.
  /// Cost: constant while there is plenty of room, otherwise a pass over the nodes in memory and the free extents.
  func canWrite(_ unitCount: Int, and node: TreeNode? = nil) -> Bool {
    // Twice the content covers the cuts of leaves.
    let isCut = geometry.nodeByteCount > encoder.wholeByteCount
    let waste = isCut ? geometry.maximumChildCount + 8 : 8
    let byteCount = dirtyByteCount + (node?.charge ?? 0)
    let most = 2 * (byteCount / volume.transferUnitByteCount) + (dirtyNodeCount + 1) * waste + unitCount
    // A root that waits to be flushed may be as large as all of it.
    let isRootLarge = (resident(shape.root)?.contentByteCount ?? 0) > 2 * geometry.nodeByteCount
    let bound = isRootLarge ? most : 2 * largestNodeUnitCount
    if most <= volume.surelyDependableUnitCount(largestUnitCount: bound) { return true }
    var (sum, largest) = (unitCount, largestNodeUnitCount)
    func add(_ node: TreeNode) {
      let bound = unitBound(of: node)
      sum += bound
      largest = max(largest, bound)
    }
    for node in ring where node.isDirty { add(node) }
    if let node, !node.isDirty { add(node) }
    return sum <= volume.dependableSpace(largestUnitCount: largest).unitCount
  }

  /// Refuses to change more nodes than can be written.
  ///
  /// - Throws: `.noSpace`, with nothing changed.
  func requireRoomToWrite(_ unitCount: Int, and node: TreeNode? = nil) throws(StorageError) {
    if canWrite(unitCount, and: node) { return }
    throw noSpace(unitCount)
  }

  func noSpace(_ unitCount: Int) -> StorageError {
    .noSpace(
      requestedByteCount: UInt64(unitCount * volume.transferUnitByteCount),
      freeByteCount: volume.availableByteCount)
  }

  /// What a batch brings.
  func debt(of batch: borrowing WriteBatch, rootPartCount: Int) -> ReplayDebt {
    var debt = ReplayDebt(
      batchCount: 1,
      messageByteCount: LongOperands.messageByteCount(batch, limitByteCount: inlineLimitByteCount))
    let mayBeLong = batch.longest.valueByteCount > inlineLimitByteCount
    if !mayBeLong, !batch.longest.hasRangeDelete {
      for entry in batch.entries where entry.kind != .delete {
        debt.onlyDeletes = false
        break
      }
      return debt
    }
    for entry in batch.entries {
      switch entry.kind {
      case .delete: continue
      case .deleteRange:
        debt.messageByteCount +=
          (rootPartCount - 1)
          * Cell.byteCount(
            key: entry.keyByteCount, operand: entry.operandByteCount)
        continue
      default: debt.onlyDeletes = false
      }
      if !mayBeLong { continue }
      if entry.operandByteCount > inlineLimitByteCount {
        let units = volume.unitCount(ofBytes: VolumeBlock.headerByteCount + entry.operandByteCount)
        debt.longUnitCount += units
        debt.largestLongUnitCount = max(debt.largestLongUnitCount, units)
      }
      if entry.kind == .patch { debt.hasFarPatch = true }
    }
    return debt
  }
}

extension BEpsilonTreeEngine {
  /// Units that only deletes may use: what a flush and its splits change, and a segment of the log.
  var workUnitCount: Int {
    4 * table.largestNodeUnitCount + (log?.unitCountOfSegment ?? 0) + volume.movingUnitCount + 4
  }

  /// Looks at the root of the newest durable tree, before anything changes it.
  func noteReplayStart() throws(StorageError) { replayStart = replayStart(at: try writer.root()) }

  func replayStart(at root: TreeNode) -> ReplayStart {
    ReplayStart(
      shape: table.shape, levels: table.levels, contentByteCount: root.contentByteCount,
      partCount: root.partCount, pivotByteCount: root.pivots.keyByteCount, isLeaf: root.isLeaf)
  }

  /// Refuses a batch that could not be replayed after a crash, or whose nodes could not be written.
  ///
  /// - Throws: `.noSpace`, with nothing changed: a checkpoint may help.
  func requireSpace(_ batch: ReplayDebt, logByteCount: Int) throws(StorageError) {
    let growth = log?.missingSegmentCount(logByteCount) ?? 0
    let segment = log?.unitCountOfSegment ?? 0
    let messages = volume.unitCount(ofBytes: batch.messageByteCount) + 2
    let needed =
      batch.longUnitCount + messages + (batch.onlyDeletes ? 0 : workUnitCount)
      + (growth > 0 ? growth * segment + volume.movingUnitCount : 0)
    try table.requireRoomToWrite(needed)
    if log == nil { return }
    if !canReplay(debt + batch, growingSegmentCount: growth) { throw table.noSpace(needed) }
  }

  /// Whether replaying these batches from the newest durable tree has the space for it.
  func canReplay(_ debt: ReplayDebt, growingSegmentCount growth: Int) -> Bool {
    if isKnownToBeAmple(debt, growingSegmentCount: growth) { return true }
    guard let start = replayStart else { return true }
    let segment = log?.unitCountOfSegment ?? 0
    func room(_ largest: Int) -> Int {
      let lost = growth > 0 ? growth * (segment + largest) + volume.movingUnitCount : 0
      return unitCountAfterCrash(largest) - lost
    }
    let excess = max(0, start.contentByteCount - settings.geometry.bufferByteCount)
    guard debt.batchCount <= 1 || excess + debt.messageByteCount <= settings.replayMessageByteCount else {
      return false
    }
    let unit = volume.transferUnitByteCount
    let root = table.encoder.unitBound(
      content: start.contentByteCount + debt.messageByteCount, partCount: start.partCount + 1,
      pivotByteCount: start.pivotByteCount, isLeaf: false, longestKeyByteCount: 0, unitByteCount: unit)
    let leaf = start.isLeaf ? table.largestNodeUnitCount : 0
    let largest = max(root, debt.largestLongUnitCount, leaf)
    let reserve = debt.onlyDeletes ? 0 : root + workUnitCount
    return debt.longUnitCount + root + leaf + 4 + reserve <= room(largest)
  }

  /// As `isAmple`, asked once for many batches: whether twice as much would be ample is kept until the next durable commit.
  private func isKnownToBeAmple(_ debt: ReplayDebt, growingSegmentCount growth: Int) -> Bool {
    if growth > 0 || debt.hasFarPatch || holdsFarPatches || debt.longUnitCount > 0 {
      return isAmple(debt, growingSegmentCount: growth)
    }
    if roomAfterCrash.epoch == volume.durableEpoch, debt.messageByteCount <= roomAfterCrash.ampleByteCount {
      return true
    }
    var twice = debt
    twice.messageByteCount = 2 * debt.messageByteCount + settings.geometry.nodeByteCount
    guard isAmple(twice, growingSegmentCount: 0) else { return isAmple(debt, growingSegmentCount: 0) }
    if roomAfterCrash.epoch != volume.durableEpoch {
      roomAfterCrash = RoomAfterCrash(epoch: volume.durableEpoch)
    }
    roomAfterCrash.ampleByteCount = twice.messageByteCount
    return true
  }

  /// Whether replaying fits in whatever order messages are flushed.
  func isAmple(_ debt: ReplayDebt, growingSegmentCount growth: Int) -> Bool {
    guard let start = replayStart, !debt.hasFarPatch, !holdsFarPatches else { return false }
    let unit = volume.transferUnitByteCount
    let root = table.encoder.unitBound(
      content: settings.geometry.nodeByteCount + start.contentByteCount + debt.messageByteCount,
      partCount: min(settings.geometry.maximumChildCount, start.shape.leafCount + start.shape.innerCount + 1),
      pivotByteCount: settings.geometry.nodeByteCount, isLeaf: false, longestKeyByteCount: 0,
      unitByteCount: unit)
    let largest = max(
      root, debt.largestLongUnitCount, volume.unitCount(ofBytes: settings.maximumValueByteCount + 16))
    let segment = log?.unitCountOfSegment ?? 0
    let needed =
      nodeUnitBound(start, debt.messageByteCount) + debt.longUnitCount + 2 * largest + workUnitCount
      + (growth > 0 ? growth * (segment + largest) + volume.movingUnitCount : 0)
    if needed + largest <= volume.untouchedUnitCount { return true }
    return needed <= unitCountAfterCrash(largest)
  }

  /// What extents of this size can count on after a crash. It changes with durable commits only, so it is kept, for sizes that
  /// are powers of two.
  private func unitCountAfterCrash(_ largest: Int) -> Int {
    var size = 1
    while size < largest { size *= 2 }
    if roomAfterCrash.epoch != volume.durableEpoch {
      roomAfterCrash = RoomAfterCrash(epoch: volume.durableEpoch)
    }
    // Exactly for what is small: rounding up would waste most of a small device.
    if largest <= RoomAfterCrash.exactCount { size = largest }
    if let known = roomAfterCrash.rooms.first(where: { $0.size == size }) { return known.unitCount }
    let count = volume.dependableSpaceAfterCrash(largestUnitCount: size).unitCount
    roomAfterCrash.rooms.append((size, count))
    return count
  }

  /// Units that writing every node and every long value of the tree once more takes at most, after messages of `byteCount` bytes
  /// came to it.
  ///
  /// Nodes: a split that makes a leaf takes half a leaf of what all leaves hold beyond their halves (an append at the end: a
  /// leaf), and that grows by what reaches them only. So a leaf more for each there is, and three for each leaf's bytes of
  /// messages; inner nodes likewise, fewer the wider they are. Units: content; one for each node's end and one for its head's; of
  /// nodes that are cut one for each part; a line and a pivot for each part or child. Long values: once more what there is, what came, and whatever
  /// appends make long.
  private func nodeUnitBound(_ start: ReplayStart, _ byteCount: Int) -> Int {
    let unit = volume.transferUnitByteCount
    let geometry = settings.geometry
    let contents = start.levels.contentByteCounts
    let content = contents.reduce(0, +) + byteCount
    let leaves = 3 * (content - contents[0]) / (geometry.nodeByteCount / 8 * 7)
    let inner = leaves * 4 / max(4, geometry.fanout)
    let nodes = 2 * (start.shape.leafCount + start.shape.innerCount) + leaves + inner + 16
    let isCut = geometry.nodeByteCount > table.encoder.wholeByteCount
    let parts = isCut ? 2 * content / table.encoder.basementPayloadByteCount + 3 * nodes : 0
    let long =
      start.shape.overflowByteCount / unit + start.shape.overflowCount + (content + byteCount) / unit
      + content / table.inlineLimitByteCount
    let lines = (parts + nodes) * (NodeImage.partByteCount + 2 + limits.maximumKeyByteCount) / unit
    return content / unit + parts + lines + 2 * nodes + long
  }
}
