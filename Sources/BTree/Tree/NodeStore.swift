// Pages and long values between the cache and the volume: held, born, copied, freed, written.
//
//   hold ──hit──▶ lease                      page id = its extent (direct): a parent's pointer is the place
//     └──miss──▶ read, checksum, check ──▶ cache
//
//   page  ──born in this transaction ─────────────────────▶ changed in place; failing forgets the births
//         ──born since the last durable commit, unseen ───▶ changed in place; failing takes the steps back (`UndoLog`)
//         ──older, seen by a pin, or written since ───────▶ copied under a new id, the old one freed (path copying)
//
// Invariants
// 1. A page in the cache was checked once: against itself (`NodePage.problem`), against its parent's fences, and against the
//    birth that the pointer to it says (`PageID`). Its readers trust it. What fails a check never enters the cache.
// 2. The tag of a cached node is its level, with bit 8 while its head is sealed for its place (`LeafCopy`), or what
//    `OverflowReference.tag` says for a long value.
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
  static let overflowTag = OverflowReference.tagMark
  static let sealedTag: UInt64 = 1 << 8

  let volume: Volume
  let cache: NodeCache
  /// This store's way to look nodes up.
  let cached: CacheReader
  /// The root that was searched last; between searches only.
  @exclusivity(unchecked) var root = KeptNode()
  let share: StoreShare
  /// A snapshot's way to the device; nil for the writer, who reads through the volume.
  let reader: BlockReader?
  let passing: PassingNodes
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
  /// Numbers what is written. The writer's.
  @exclusivity(unchecked) private(set) var births: BirthClock

  /// - Parameter births: numbers for the batches of pages that are written.
  init(
    volume: Volume, cache: NodeCache, geometry: NodeGeometry, undoByteCount: Int, births: BirthClock
  ) {
    self.volume = volume
    self.cache = cache
    cached = CacheReader(of: cache)
    self.geometry = geometry
    share = StoreShare()
    reader = nil
    passing = PassingNodes(budget: volume.budget)
    unitByteCount = volume.transferUnitByteCount
    unitCount = volume.channel.capacityByteCount / UInt64(volume.transferUnitByteCount)
    pageLengthBits = UInt64(geometry.pageByteCount / volume.transferUnitByteCount) << 40
    counts = .allocate(capacity: 1)
    counts.initialize(to: TreeCounts())
    undo = UndoLog(
      limitByteCount: undoByteCount, heldPageLimit: cache.capacityByteCount / (2 * geometry.pageByteCount))
    self.births = births
  }

  /// A store that reads what `store` has committed, for a snapshot. Any thread may make one.
  init(reading store: NodeStore) {
    volume = store.volume
    cache = store.cache
    cached = CacheReader(of: store.cache)
    geometry = store.geometry
    share = store.share
    reader = store.volume.makeReader()
    passing = PassingNodes(budget: store.volume.budget)
    unitByteCount = store.unitByteCount
    unitCount = store.unitCount
    pageLengthBits = store.pageLengthBits
    counts = .allocate(capacity: 1)
    counts.initialize(to: TreeCounts())
    undo = UndoLog(limitByteCount: 0, heldPageLimit: 0)
    births = BirthClock(number: 0)
  }

  deinit {
    root.letGo()
    if reader != nil {
      let done = counts.pointee
      share.endedReaders.withLock { $0.addReads(done) }
    }
    undo.deallocate()
    counts.deallocate()
  }

  // MARK: Ids

  /// The extent of a page.
  @inline(__always) func extent(_ id: UInt64) -> Extent { PageID.extent(id, unitByteCount: unitByteCount) }

  /// The extent of a long value.
  func extent(_ reference: OverflowReference) -> Extent { reference.extent(unitByteCount: unitByteCount) }

  /// The id of a page that is made now.
  func newPageID(_ extent: Extent) -> UInt64 {
    NodeID.direct(extent, transferUnitByteCount: unitByteCount).rawValue | UInt64(births.birth) << 48
  }

  /// The reference to a long value that is made now.
  func newReference(_ extent: Extent, byteCount: Int) -> OverflowReference {
    OverflowReference(
      id: NodeID.direct(extent, transferUnitByteCount: unitByteCount).rawValue, byteCount: byteCount,
      birth: births.birth)
  }

  /// What a page of a level must agree with.
  func expectation(level: Int) -> NodeExpectation {
    NodeExpectation(geometry: geometry, pageLengthBits: pageLengthBits, unitCount: unitCount, level: level)
  }

  // MARK: Births

  /// A new page, its bytes unspecified behind the block's head, dirty and held.
  func makePage(
    level: Int, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> NodeLease {
    let extent = try transaction.allocate(byteCount: geometry.pageByteCount)
    let id = newPageID(extent)
    bornIDs.append(id)
    let frame = volume.makeFrame(byteCount: geometry.pageByteCount, zeroed: false)
    frame.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: VolumeBlock.headerByteCount)
    return try cached.settled(for: id).insertDirty(
      id, frame: frame, byteCount: geometry.pageByteCount, offset: extent.offset, tag: UInt64(level),
      hasChildren: level > 0, writer: self)
  }

  /// Puts a long value into an extent of its own.
  func makeOverflow(
    _ value: Bytes, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> OverflowReference {
    let extent = try transaction.allocate(byteCount: VolumeBlock.headerByteCount + value.count)
    let reference = newReference(extent, byteCount: value.count)
    bornIDs.append(reference.id)
    let frame = volume.makeFrame(byteCount: extent.byteCount, zeroed: true)
    value.copy(to: frame.pointer + VolumeBlock.headerByteCount)
    _ = try cached.settled(for: reference.id).insertDirty(
      reference.id, frame: frame, byteCount: extent.byteCount, offset: extent.offset, tag: reference.tag,
      writer: self)
    return reference
  }

  /// Makes a held page the open transaction's to change where it is, if it may be. A page that was written since it was made
  /// may not, whoever sees it: if its next write were lost, the place would hold the same page with the same birth.
  ///
  /// - Parameter wants: `.undoable` or `.free`.
  /// - Returns: what may be done to it now; `.reading` when it has to be copied.
  func claim(_ lease: inout NodeLease, _ wants: PageAccess) -> PageAccess {
    let extent = extent(lease.id)
    if !lease.isDirty { return .reading }
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
    // One that had to leave memory since it was born is left to the device: memory is short, and nobody but a rollback would look
    // at it again.
    let wasWritten = !lease.isDirty && volume.isNewborn(self.extent(oldID))
    let extent = try transaction.allocate(byteCount: geometry.pageByteCount)
    let newID = newPageID(extent)
    // Asked for now, needed after the bytes were copied.
    cache.prefetchBucket(of: newID)
    bornIDs.append(newID)
    counts.pointee.pagesCopied &+= 1
    // Before the copy is made: its memory may be the original's.
    if let stage { NodePage(lease.pointer, lease.byteCount).copyUsedBytes(to: stage) }
    // Any other original stays until the commit: a rollback may bring it back, and a pin may see it.
    let copy = try cached.settled(for: newID).copyOnWrite(
      lease, to: newID, offset: extent.offset, keepsOriginal: !wasWritten, writer: self
    ) { if stage == nil { NodePage($0, $2).copyUsedBytes(to: $1) } }
    cache.setTag(of: copy, tag)
    free(oldID, &transaction)
    return copy
  }

  /// Gives a page back.
  func free(_ id: UInt64, _ transaction: inout VolumeTransaction) { free(id, extent(id), &transaction) }

  /// Gives a long value back.
  func free(_ reference: OverflowReference, _ transaction: inout VolumeTransaction) {
    free(reference.id, extent(reference), &transaction)
  }

  private func free(_ id: UInt64, _ extent: Extent, _ transaction: inout VolumeTransaction) {
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
    root.letGo()
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
    try writeBlocks(writes)
  }

  /// Writes pages and long values. What is made afterwards has another birth.
  func writeBlocks(_ writes: ContiguousArray<BlockWrite>) throws(StorageError) {
    births.advance()
    try volume.writeBlocks(in: writes)
    counts.pointee.pagesWritten &+= UInt64(writes.count)
  }

  private func blockWrite(_ node: DirtyNode) -> BlockWrite {
    let extent = Extent(offset: node.offset, byteCount: node.byteCount)
    let kind = node.tag & 0xFF
    let isSealed = kind != Self.overflowTag && node.tag & Self.sealedTag != 0
    if kind == Self.overflowTag {
      return BlockWrite(
        extent: extent, frame: node.frame, frameOffset: node.frameOffset, type: Self.overflowType,
        payloadByteCount: OverflowReference.byteCount(ofTag: node.tag), cause: .overflow,
        birth: OverflowReference.birth(ofTag: node.tag))
    }
    return BlockWrite(
      extent: extent, frame: node.frame, frameOffset: node.frameOffset, type: Self.pageType,
      payloadByteCount: node.byteCount - VolumeBlock.headerByteCount,
      cause: kind == 0 ? .leaf : .interior, level: .number(Int(kind)), birth: PageID.birth(node.id),
      isSealed: isSealed)
  }
}
