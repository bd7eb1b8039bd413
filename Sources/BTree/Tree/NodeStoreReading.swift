// Pages and long values on their way into memory.
//
//   pointer ─▶ read ─▶ checksum ─▶ birth = the pointer's? ─▶ right in itself? ─▶ fences = its parent's? ─▶ cache
//                 └──────────────────┴───────────────────────────┴───────────────────────┴─▶ error, nothing cached
//
// Invariants
// 1. There is one way in, `admit`: lookups, cursors with what they asked for ahead, batches, neighbours and checks all take it.
// 2. A page is read only when it is surely not in the cache: a lookup without the lock may miss one that is, and a changed page
//    is nowhere else.

import Accounting
import Primitives
import Storage

extension NodeStore {
  /// Reads a page that is not in the cache, checks it and holds it.
  ///
  /// - Parameters:
  ///   - place: where it has to be.
  ///   - isWriter: whether dirty pages may be written to make room.
  @inline(never) func load(
    _ id: UInt64, level: Int, _ place: PagePlace, isWriter: Bool
  ) throws(StorageError) -> NodeLease {
    // A lookup without the lock may miss a page that other threads' insertions move, and a changed page is nowhere else.
    if let held = cached.holdSurely(id) { return held }
    var block: VolumeBlock?
    try readBlocks(
      CollectionOfOne(extent(id)), type: Self.pageType, cause: level == 0 ? .leaf : .interior,
      level: .number(level)
    ) { block = $1 }
    guard let block else { preconditionFailure("A read that did not throw gives its block.") }
    return try admit(block, id, level: level, place, isWriter: isWriter)
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
    _ block: VolumeBlock, _ id: UInt64, _ extent: Extent, tag: UInt64, hasChildren: Bool, isWriter: Bool
  ) throws(StorageError) -> NodeLease {
    block.frame.markRead()
    do throws(StorageError) {
      return try cached.settled(for: id).insert(
        id, frame: block.frame, frameOffset: block.frameOffset, byteCount: extent.byteCount,
        offset: extent.offset, tag: tag, hasChildren: hasChildren, writer: isWriter ? self : nil)
    } catch {
      guard !isWriter, case .outOfBudget = error else { throw error }
    }
    return try passing.hold(
      id, frame: block.frame, frameOffset: block.frameOffset, byteCount: extent.byteCount,
      offset: extent.offset, tag: tag)
  }

  /// Holds a page that was read against its pointer, itself and its place, and puts it into the cache.
  func admit(
    _ block: VolumeBlock, _ id: UInt64, level: Int, _ place: PagePlace, isWriter: Bool
  ) throws(StorageError) -> NodeLease {
    counts.pointee.pagesRead &+= 1
    let extent = extent(id)
    let page = NodePage(block.frame.pointer + block.frameOffset, extent.byteCount)
    if let problem = block.problem(ofBirth: PageID.birth(id))
      ?? page.problem(expectation(level: level))
    {
      throw .corrupted(structure: "tree page", offset: extent.offset, detail: problem)
    }
    guard place.fits(page) else { throw misplaced(id) }
    return try insert(block, id, extent, tag: UInt64(level), hasChildren: level > 0, isWriter: isWriter)
  }

  /// Whether a node is not in the cache and has to be read. A lookup without the lock may miss one that is, and a changed
  /// page is nowhere else.
  @inline(__always) func isMissing(_ id: UInt64) -> Bool {
    if cache.contains(id) { return false }
    if cached.holdSurely(id) != nil { return false }
    return true
  }

  /// Reads pages that are not in the cache in one batch: in flight together.
  ///
  /// - Parameter place: where the page of an index has to be.
  func readPages(
    _ ids: ContiguousArray<UInt64>, level: Int, isWriter: Bool, _ place: (_ index: Int) -> PagePlace
  ) throws(StorageError) {
    if ids.isEmpty { return }
    var blocks: ContiguousArray<VolumeBlock> = []
    blocks.reserveCapacity(ids.count)
    try readBlocks(
      ids.map { extent($0) }, type: Self.pageType, cause: level == 0 ? .leaf : .interior,
      level: .number(level)
    ) { blocks.append($1) }
    counts.pointee.leavesPrefetched &+= UInt64(ids.count)
    for (index, block) in blocks.enumerated() {
      _ = try admit(block, ids[index], level: level, place(index), isWriter: isWriter)
    }
  }

  /// Reads those of a held page's children that are not in the cache in one batch.
  func prefetch(
    _ children: ClosedRange<Int>, of parent: NodePage, isWriter: Bool
  ) throws(StorageError) {
    var missing: ContiguousArray<Int> = []
    for index in children where isMissing(parent.child(index)) { missing.append(index) }
    try readPages(
      ContiguousArray(missing.map { parent.child($0) }), level: parent.level - 1, isWriter: isWriter
    ) { PagePlace(childIndex: missing[$0], of: parent) }
  }

  /// Asks for pages and does not wait.
  func begin(_ pages: ContiguousArray<AwaitedPage>) throws(StorageError) -> BlocksInFlight {
    let requests = ContiguousArray(
      pages.map {
        BlockRequest(
          extent: extent($0.id), cause: $0.level == 0 ? .leaf : .interior, level: .number($0.level))
      })
    if let reader { return reader.beginReading(requests, type: Self.pageType) }
    return try volume.beginReading(requests, type: Self.pageType)
  }

  /// Waits for pages, checks them and puts them into the cache.
  ///
  /// - Parameters:
  ///   - arrived: called when they are there, before the first goes into the cache.
  ///   - place: where the page of an index has to be.
  func finish(
    _ flight: BlocksInFlight, _ pages: ContiguousArray<AwaitedPage>, arrived: () -> Void,
    place: (_ index: Int) -> PagePlace
  ) throws(StorageError) {
    var blocks: ContiguousArray<VolumeBlock> = []
    blocks.reserveCapacity(pages.count)
    if let reader {
      try reader.finishReading(flight) { blocks.append($1) }
    } else {
      try volume.finishReading(flight) { blocks.append($1) }
    }
    arrived()
    for page in pages where page.level == 0 { counts.pointee.leavesPrefetched &+= 1 }
    for (index, block) in blocks.enumerated() {
      _ = try admit(block, pages[index].id, level: pages[index].level, place(index), isWriter: false)
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
      missing.map { extent($0) }, type: Self.overflowType, cause: .overflow, level: .none
    ) { blocks.append($1) }
    for (reference, block) in zip(missing, blocks) {
      _ = try admit(block, reference, isWriter: false)
    }
    return UInt64(missing.count)
  }

  /// Holds a long value.
  func hold(_ reference: OverflowReference, isWriter: Bool) throws(StorageError) -> NodeLease {
    if let lease = cached.hold(reference.id) { return lease }
    if let lease = cached.holdSurely(reference.id) { return lease }
    var found: VolumeBlock?
    try readBlocks(
      CollectionOfOne(extent(reference)), type: Self.overflowType, cause: .overflow, level: .none
    ) { found = $1 }
    guard let block = found else { preconditionFailure("A read that did not throw gives its block.") }
    return try admit(block, reference, isWriter: isWriter)
  }

  private func admit(
    _ block: VolumeBlock, _ reference: OverflowReference, isWriter: Bool
  ) throws(StorageError) -> NodeLease {
    let extent = extent(reference)
    try reference.check(block, at: extent.offset)
    return try insert(block, reference.id, extent, tag: reference.tag, hasChildren: false, isWriter: isWriter)
  }

  /// The bytes of a held long value.
  static func value(_ lease: borrowing NodeLease, _ reference: OverflowReference) -> Bytes {
    Bytes(lease.pointer + VolumeBlock.headerByteCount, reference.byteCount)
  }
}
