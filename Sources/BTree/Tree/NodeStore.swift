// Pages and long values between the cache and the volume: held, born, copied, freed, written.
//
//   hold ──hit──▶ lease                      page id = its extent (direct): a parent's pointer is the place
//     └──miss──▶ read, checksum, check ──▶ cache
//
//   page  ──born in this transaction ─────────────────────▶ changed in place; failing forgets the births
//         ──born since the last durable commit, unseen ───▶ changed in place; failing takes the steps back (`UndoLog`)
//         ──older, or seen by a pin ──────────────────────▶ copied under a new id, the old one freed (path copying)
//
// Invariants
// 1. A page in the cache was checked once (`NodePage.problem`), so its readers trust it.
// 2. The tag of a cached node is its level, with bit 8 while its head is sealed for its place (`LeafCopy`), or 255 and the
//    value's bytes shifted by eight for a long value.
// 3. An id that is freed leaves the cache before its units can be allocated again: at commit, or, while a pin sees it,
//    before the first transaction after that pin ended.

import Accounting
import Primitives
import Storage
import Synchronization

/// What the stores of one volume share: the writer's and its snapshots'.
final class StoreShare: Sendable {
  /// Set when the engine is closed: cursors and snapshots refuse.
  let isClosed = Atomic<Bool>(false)
  /// What snapshots that ended did.
  let endedReaders = Lock(TreeCounts())
}

/// The pages of one volume: the writer's store, or a snapshot's, which only reads, with a way to the device and counters of
/// its own. Used by one thread at a time.
final class NodeStore: NodeWriter {
  static let pageType = BlockType.engine(0)
  static let overflowType = BlockType.engine(1)
  static let overflowTag: UInt64 = 255
  static let sealedTag: UInt64 = 1 << 8

  let volume: Volume
  let cache: NodeCache
  let share: StoreShare
  /// A snapshot's way to the device; nil for the writer, who reads through the volume.
  private let reader: BlockReader?
  private let passing: PassingNodes
  let geometry: NodeGeometry
  /// The bits of a page's id that say its length.
  let pageLengthBits: UInt64
  private let unitByteCount: Int
  private let unitCount: UInt64
  /// Counters, outside of any object so that counting costs an addition.
  let counts: UnsafeMutablePointer<TreeCounts>

  // Used by one thread, and nothing calls back while one changes: exclusive without a check at run time.
  /// Ids born in the open transaction.
  @exclusivity(unchecked) private(set) var bornIDs: ContiguousArray<UInt64> = []
  /// Ids freed by the open transaction and not born in it, that no pin sees: their units are free at its commit.
  @exclusivity(unchecked) private(set) var freedUnseenIDs: ContiguousArray<UInt64> = []
  /// Other ids freed by the open transaction.
  @exclusivity(unchecked) private(set) var freedIDs: ContiguousArray<UInt64> = []
  /// Freed ids that a pin sees, with the commit that freed them.
  private var superseded: ContiguousArray<(id: UInt64, sequence: UInt64)> = []
  private var supersededStart = 0
  /// Set when the engine is closed: cursors refuse.
  var isClosed: Bool { share.isClosed.load(ordering: .acquiring) }
  /// What the open transaction changed in place in pages it did not give birth to.
  let undo: UndoLog

  init(volume: Volume, cache: NodeCache, geometry: NodeGeometry, undoByteCount: Int) {
    self.volume = volume
    self.cache = cache
    self.geometry = geometry
    share = StoreShare()
    reader = nil
    passing = PassingNodes(budget: volume.budget)
    unitByteCount = volume.transferUnitByteCount
    unitCount = volume.channel.capacityByteCount / UInt64(volume.transferUnitByteCount)
    pageLengthBits = UInt64(geometry.pageByteCount / volume.transferUnitByteCount) << 40
    counts = .allocate(capacity: 1)
    counts.initialize(to: TreeCounts())
    undo = UndoLog(limitByteCount: undoByteCount)
  }

  /// A store that reads what `store` has committed, for a snapshot. Any thread may make one.
  init(reading store: NodeStore) {
    volume = store.volume
    cache = store.cache
    geometry = store.geometry
    share = store.share
    reader = store.volume.makeReader()
    passing = PassingNodes(budget: store.volume.budget)
    unitByteCount = store.unitByteCount
    unitCount = store.unitCount
    pageLengthBits = store.pageLengthBits
    counts = .allocate(capacity: 1)
    counts.initialize(to: TreeCounts())
    undo = UndoLog(limitByteCount: 0)
  }

  deinit {
    if reader != nil {
      let done = counts.pointee
      share.endedReaders.withLock { $0.addReads(done) }
    }
    undo.deallocate()
    counts.deallocate()
  }

  // MARK: Ids

  /// The extent of a page or of a long value.
  @inline(__always) func extent(_ id: UInt64) -> Extent {
    Extent(
      offset: (id & (1 << 40 - 1)) &* UInt64(unitByteCount),
      byteCount: Int(truncatingIfNeeded: id >> 40) &* unitByteCount)
  }

  func id(_ extent: Extent) -> UInt64 {
    NodeID.direct(extent, transferUnitByteCount: unitByteCount).rawValue
  }

  /// What a page of a level must agree with.
  func expectation(level: Int) -> NodeExpectation {
    NodeExpectation(geometry: geometry, pageLengthBits: pageLengthBits, unitCount: unitCount, level: level)
  }

  // MARK: Holding

  /// Reads a page that is not in the cache, checks it and holds it.
  ///
  /// - Parameter isWriter: whether dirty pages may be written to make room.
  @inline(never) func load(
    _ id: UInt64, level: Int, isWriter: Bool
  ) throws(StorageError) -> NodeLease {
    // A lookup without the lock may miss a page that other threads' insertions move, and a changed page is nowhere else.
    if let held = cache.holdSurely(id) { return held }
    var block: VolumeBlock?
    try readBlocks(
      CollectionOfOne(extent(id)), type: Self.pageType, cause: level == 0 ? .leaf : .interior,
      level: .number(level)
    ) { block = $1 }
    guard let block else { preconditionFailure("A read that did not throw gives its block.") }
    return try admit(block, id, level: level, isWriter: isWriter)
  }

  /// Reads blocks the writer's way or the snapshot's.
  private func readBlocks(
    _ extents: some Collection<Extent>, type: BlockType, cause: Cause, level: Level,
    _ body: (Int, VolumeBlock) -> Void
  ) throws(StorageError) {
    if let reader {
      try reader.readBlocks(extents, type: type, cause: cause, level: level, body)
    } else {
      try volume.readBlocks(extents, type: type, cause: cause, level: level, body)
    }
  }

  /// Puts a node that was read into the cache; a reader that finds no room there looks at it beside the cache.
  private func insert(
    _ block: VolumeBlock, _ id: UInt64, _ extent: Extent, tag: UInt64, isWriter: Bool
  ) throws(StorageError) -> NodeLease {
    block.frame.markRead()
    do throws(StorageError) {
      return try cache.insert(
        id, frame: block.frame, frameOffset: block.frameOffset, byteCount: extent.byteCount,
        offset: extent.offset, tag: tag, writer: isWriter ? self : nil)
    } catch {
      guard !isWriter, case .outOfBudget = error else { throw error }
    }
    return try passing.hold(
      id, frame: block.frame, frameOffset: block.frameOffset, byteCount: extent.byteCount,
      offset: extent.offset, tag: tag)
  }

  private func admit(
    _ block: VolumeBlock, _ id: UInt64, level: Int, isWriter: Bool
  ) throws(StorageError) -> NodeLease {
    counts.pointee.pagesRead &+= 1
    let extent = extent(id)
    let page = NodePage(block.frame.pointer + block.frameOffset, extent.byteCount)
    if let problem = page.problem(expectation(level: level)) {
      throw .corrupted(structure: "tree page", offset: extent.offset, detail: problem)
    }
    return try insert(block, id, extent, tag: UInt64(level), isWriter: isWriter)
  }

  /// Whether a node is not in the cache and has to be read. A lookup without the lock may miss one that is, and a changed
  /// page is nowhere else.
  @inline(__always) func isMissing(_ id: UInt64) -> Bool {
    if cache.contains(id) { return false }
    if cache.holdSurely(id) != nil { return false }
    return true
  }

  /// Reads those of `ids` that are not in the cache in one batch: in flight together.
  func prefetch(_ ids: some Collection<UInt64>, level: Int, isWriter: Bool) throws(StorageError) {
    var missing: ContiguousArray<UInt64> = []
    for id in ids where isMissing(id) { missing.append(id) }
    if missing.isEmpty { return }
    var blocks: ContiguousArray<VolumeBlock> = []
    try readBlocks(
      missing.map { extent($0) }, type: Self.pageType, cause: level == 0 ? .leaf : .interior,
      level: .number(level)
    ) { blocks.append($1) }
    counts.pointee.leavesPrefetched &+= UInt64(missing.count)
    for (id, block) in zip(missing, blocks) {
      _ = try admit(block, id, level: level, isWriter: isWriter)
    }
  }

  /// Reads pages that are not in the cache in one batch, for the writer; `accepts` holds each against its parent.
  func readPages(
    _ ids: ContiguousArray<UInt64>, level: Int, accepts: (Int, NodePage) -> Bool
  ) throws(StorageError) {
    var blocks: ContiguousArray<VolumeBlock> = []
    blocks.reserveCapacity(ids.count)
    try volume.readBlocks(
      ids.map { extent($0) }, type: Self.pageType, cause: level == 0 ? .leaf : .interior,
      level: .number(level)
    ) { blocks.append($1) }
    counts.pointee.leavesPrefetched &+= UInt64(ids.count)
    for (index, block) in blocks.enumerated() {
      let lease = try admit(block, ids[index], level: level, isWriter: true)
      guard accepts(index, NodePage(lease.pointer, lease.byteCount)) else { throw misplaced(ids[index]) }
    }
  }

  /// Reads those of some long values that are not in the cache in one batch.
  ///
  /// - Returns: how many were read.
  func prefetch(_ references: some Collection<OverflowReference>) throws(StorageError) -> UInt64 {
    var missing: ContiguousArray<OverflowReference> = []
    for reference in references where isMissing(reference.id) && !missing.contains(reference) {
      missing.append(reference)
    }
    if missing.count < 2 { return 0 }
    var blocks: ContiguousArray<VolumeBlock> = []
    try readBlocks(
      missing.map { extent($0.id) }, type: Self.overflowType, cause: .overflow, level: .none
    ) { blocks.append($1) }
    for (reference, block) in zip(missing, blocks) {
      _ = try admit(block, reference, isWriter: false)
    }
    return UInt64(missing.count)
  }

  /// Holds a long value.
  func hold(_ reference: OverflowReference, isWriter: Bool) throws(StorageError) -> NodeLease {
    if let lease = cache.hold(reference.id) { return lease }
    if let lease = cache.holdSurely(reference.id) { return lease }
    var found: VolumeBlock?
    try readBlocks(
      CollectionOfOne(extent(reference.id)), type: Self.overflowType, cause: .overflow, level: .none
    ) { found = $1 }
    guard let block = found else { preconditionFailure("A read that did not throw gives its block.") }
    return try admit(block, reference, isWriter: isWriter)
  }

  private func admit(
    _ block: VolumeBlock, _ reference: OverflowReference, isWriter: Bool
  ) throws(StorageError) -> NodeLease {
    let extent = extent(reference.id)
    guard block.payloadByteCount == reference.byteCount else {
      throw .corrupted(
        structure: "long value", offset: extent.offset,
        detail: "it has \(block.payloadByteCount) bytes, its leaf says \(reference.byteCount)")
    }
    return try insert(
      block, reference.id, extent, tag: Self.overflowTag | UInt64(reference.byteCount) << 8,
      isWriter: isWriter)
  }

  /// The bytes of a held long value.
  static func value(_ lease: borrowing NodeLease, _ reference: OverflowReference) -> Bytes {
    Bytes(lease.pointer + VolumeBlock.headerByteCount, reference.byteCount)
  }

  // MARK: Births

  /// A new page, its bytes unspecified behind the block's head, dirty and held.
  func makePage(
    level: Int, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> NodeLease {
    let extent = try transaction.allocate(byteCount: geometry.pageByteCount)
    let id = id(extent)
    bornIDs.append(id)
    let frame = volume.makeFrame(byteCount: geometry.pageByteCount, zeroed: false)
    frame.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: VolumeBlock.headerByteCount)
    return try cache.insertDirty(
      id, frame: frame, byteCount: geometry.pageByteCount, offset: extent.offset, tag: UInt64(level),
      writer: self)
  }

  /// Puts a long value into an extent of its own.
  func makeOverflow(
    _ value: Bytes, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> OverflowReference {
    let extent = try transaction.allocate(byteCount: VolumeBlock.headerByteCount + value.count)
    let id = id(extent)
    bornIDs.append(id)
    let frame = volume.makeFrame(byteCount: extent.byteCount, zeroed: true)
    value.copy(to: frame.pointer + VolumeBlock.headerByteCount)
    _ = try cache.insertDirty(
      id, frame: frame, byteCount: extent.byteCount, offset: extent.offset,
      tag: Self.overflowTag | UInt64(value.count) << 8, writer: self)
    return OverflowReference(id: id, byteCount: value.count)
  }

  /// Makes a held page the open transaction's to change where it is, if it may be.
  ///
  /// - Parameter wants: `.undoable` or `.free`.
  /// - Returns: what may be done to it now; `.reading` when it has to be copied.
  func claim(_ lease: inout NodeLease, _ wants: PageAccess) -> PageAccess {
    let extent = extent(lease.id)
    switch volume.age(of: extent) {
    case .bornInTransaction:
      cache.makeWritable(&lease)
      unseal(lease)
      return .free
    case .older: return .reading
    case .newborn: if !undo.hasRoom(wants == .free ? extent.byteCount : 0) { return .reading }
    }
    cache.makeWritable(&lease)
    unseal(lease)
    undo.hold(lease.again())
    if wants == .free { undo.willRebuild(NodePage(lease.pointer, lease.byteCount)) }
    return wants
  }

  /// A copy of a held page under a new id; the old page is freed.
  ///
  /// - Parameter stage: where the bytes go instead of the new page's own memory, which they reach by `settle`.
  func copy(
    _ lease: consuming NodeLease, _ transaction: inout VolumeTransaction,
    stage: UnsafeMutableRawPointer? = nil
  ) throws(StorageError) -> NodeLease {
    let oldID = lease.id
    let tag = cache.tag(of: lease) & ~Self.sealedTag
    let extent = try transaction.allocate(byteCount: geometry.pageByteCount)
    let newID = id(extent)
    // Asked for now, needed after the bytes were copied.
    cache.prefetchBucket(of: newID)
    bornIDs.append(newID)
    counts.pointee.pagesCopied &+= 1
    // The original stays until the commit: a rollback may bring it back, and a pin may see it.
    let copy = try cache.copyOnWrite(
      lease, to: newID, offset: extent.offset, keepsOriginal: true, writer: self
    ) { NodePage($0, $2).copyUsedBytes(to: stage ?? $1) }
    cache.setTag(of: copy, tag)
    free(oldID, &transaction)
    return copy
  }

  /// Gives a page or a long value back.
  func free(_ id: UInt64, _ transaction: inout VolumeTransaction) {
    let extent = extent(id)
    if volume.isBornInTransaction(extent) {
      cache.remove(id)
    } else if volume.isNewborn(extent) {
      freedUnseenIDs.append(id)
    } else {
      freedIDs.append(id)
    }
    transaction.free(extent)
  }

  // MARK: Ends of transactions

  /// The open transaction was committed as commit `sequence`.
  func committed(sequence: UInt64) {
    undo.clear()
    cache.remove(all: freedUnseenIDs)
    if volume.oldestPinSequence == nil {
      cache.remove(all: freedIDs)
    } else {
      for id in freedIDs { superseded.append((id, sequence)) }
    }
    bornIDs.removeAll(keepingCapacity: true)
    freedIDs.removeAll(keepingCapacity: true)
    freedUnseenIDs.removeAll(keepingCapacity: true)
  }

  /// The open transaction was undone.
  func rolledBack() {
    undo.rollBack()
    for id in bornIDs { cache.remove(id) }
    bornIDs.removeAll(keepingCapacity: true)
    freedIDs.removeAll(keepingCapacity: true)
    freedUnseenIDs.removeAll(keepingCapacity: true)
  }

  /// Takes out of the cache what no pin sees any more (invariant 3). Before each transaction.
  func forgetSuperseded() {
    if superseded.isEmpty { return }
    let oldest = volume.oldestPinSequence ?? .max
    while supersededStart < superseded.count, superseded[supersededStart].sequence <= oldest {
      cache.remove(superseded[supersededStart].id)
      supersededStart += 1
    }
    if supersededStart == superseded.count, supersededStart > 0 {
      superseded.removeAll(keepingCapacity: true)
      supersededStart = 0
    } else if supersededStart > 4_096 {
      superseded.removeFirst(supersededStart)
      supersededStart = 0
    }
  }

  // MARK: Writing

  /// A thousand pages in flight together.
  var longestBatchCount: Int { 1_024 }

  /// Writes changed pages, in order of their places.
  func writeNodes(_ nodes: ContiguousArray<DirtyNode>) throws(StorageError) {
    var writes: ContiguousArray<BlockWrite> = []
    writes.reserveCapacity(nodes.count)
    for index in nodes.indices { writes.append(blockWrite(nodes[index])) }
    try volume.writeBlocks(in: writes)
    counts.pointee.pagesWritten &+= UInt64(nodes.count)
  }

  private func blockWrite(_ node: DirtyNode) -> BlockWrite {
    let extent = Extent(offset: node.offset, byteCount: node.byteCount)
    let kind = node.tag & 0xFF
    let isSealed = kind != Self.overflowTag && node.tag & Self.sealedTag != 0
    if kind == Self.overflowTag {
      return BlockWrite(
        extent: extent, frame: node.frame, frameOffset: node.frameOffset, type: Self.overflowType,
        payloadByteCount: Int(node.tag >> 8), cause: .overflow)
    }
    return BlockWrite(
      extent: extent, frame: node.frame, frameOffset: node.frameOffset, type: Self.pageType,
      payloadByteCount: node.byteCount - VolumeBlock.headerByteCount,
      cause: kind == 0 ? .leaf : .interior, level: .number(Int(kind)), isSealed: isSealed)
  }
}
