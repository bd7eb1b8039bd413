// A tree from sorted entries, bottom up: every page is written once, full, in the order of its keys.
//
//   entries ─▶ stage 0 ─leaf─▶ write   ┌─▶ stage 1 ─interior─▶ write  ┌─▶ stage 2 …
//                      └─ lower fence, id ┘                 └─ lower fence, id ┘
//
// Invariants
// 1. Pages lie in extents that the load's transaction allocated; nothing points to them before it commits.
// 2. They go to the device past the cache, some hundred in one batch.
//
// Source: G. Graefe, "Modern B-Tree Techniques", Foundations and Trends in Databases 3(4), 2011, section 6.1 (bottom-up creation).

import KeyValue
import Primitives
import Storage

/// Builds one tree.
struct TreeBuilder: ~Copyable {
  private let store: NodeStore
  private let fillPercent: Int
  /// Bytes of pages and long values that are written together.
  let writeBatchByteCount: Int
  private var stages: ContiguousArray<PageStage> = []
  private var writes: ContiguousArray<BlockWrite> = []
  private var waitingByteCount = 0
  private var tree = TreeState()

  init(_ store: NodeStore, fillPercent: Int, writeBatchByteCount: Int) {
    self.store = store
    self.fillPercent = fillPercent
    self.writeBatchByteCount = writeBatchByteCount
  }

  /// Bytes that a builder holds at most, long values beyond a batch excepted.
  static func memoryByteCount(_ geometry: NodeGeometry, writeBatchByteCount: Int) -> Int {
    // Five stages of two pages and a fence, whatever the tree's height comes to.
    writeBatchByteCount + 12 * geometry.pageByteCount
  }

  /// Adds an entry behind all others.
  mutating func append(
    _ key: Bytes, _ value: Bytes, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    tree.entryCount += 1
    if store.geometry.isInline(key: key.count, value: value.count) {
      try add(key, .leaf(.inline(value)), level: 0, &transaction)
    } else {
      let reference = try writeLong(value, &transaction)
      try add(key, .leaf(.overflow(reference)), level: 0, &transaction)
    }
  }

  private mutating func add(
    _ key: Bytes, _ entry: BulkEntry, level: Int, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    if level == stages.count {
      stages.append(PageStage(level: level, geometry: store.geometry, fillPercent: fillPercent))
    }
    let stage = stages[level]
    while let page = stage.pageBefore(key) { try make(page, stage, &transaction) }
    stage.add(key, entry)
  }

  /// Makes a page of a stage's first entries and tells the level above.
  ///
  /// - Returns: the page's id.
  @discardableResult
  private mutating func make(
    _ page: PageStage.Page, _ stage: PageStage, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> UInt64 {
    let byteCount = store.geometry.pageByteCount
    let extent = try transaction.allocate(byteCount: byteCount)
    let id = store.newPageID(extent)
    let frame = store.volume.makeFrame(byteCount: byteCount, zeroed: false)
    frame.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: VolumeBlock.headerByteCount)
    stage.make(page, at: NodePage(frame.pointer, byteCount))
    if stage.level == 0 { tree.leafCount += 1 } else { tree.countInterior(level: stage.level) }
    try write(
      BlockWrite(
        extent: extent, frame: frame, type: NodeStore.pageType,
        payloadByteCount: byteCount - VolumeBlock.headerByteCount,
        cause: stage.level == 0 ? .leaf : .interior, level: .number(stage.level), birth: PageID.birth(id)))
    store.counts.pointee.bulkPages &+= 1
    // The only page of the top level has no parent.
    if page.upper != nil || stage.pageCount > 1 {
      try add(stage.lowerFence, .interior(child: id), level: stage.level + 1, &transaction)
    }
    stage.advance(past: page)
    return id
  }

  private mutating func writeLong(
    _ value: Bytes, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> OverflowReference {
    let extent = try transaction.allocate(byteCount: VolumeBlock.headerByteCount + value.count)
    if extent.byteCount > writeBatchByteCount - waitingByteCount { try flush() }
    let reference = store.newReference(extent, byteCount: value.count)
    try write(
      store.volume.overflowWrite(
        value, to: extent, type: NodeStore.overflowType, cause: .overflow, birth: reference.birth))
    tree.overflowCount += 1
    tree.overflowByteCount += extent.byteCount
    return reference
  }

  private mutating func write(_ block: BlockWrite) throws(StorageError) {
    writes.append(block)
    waitingByteCount += block.extent.byteCount
    if waitingByteCount >= writeBatchByteCount { try flush() }
  }

  private mutating func flush() throws(StorageError) {
    if writes.isEmpty { return }
    try store.writeBlocks(writes)
    writes.removeAll(keepingCapacity: true)
    waitingByteCount = 0
  }

  /// Makes the last pages of each level.
  ///
  /// - Returns: the tree, whose pages are all on their way to the device.
  mutating func finish(_ transaction: inout VolumeTransaction) throws(StorageError) -> TreeState {
    var level = 0
    while level < stages.count {
      let stage = stages[level]
      var last: UInt64 = 0
      while !stage.isEmpty { last = try make(stage.lastPage(), stage, &transaction) }
      if stage.pageCount == 1 {
        tree.root = last
        tree.height = level
        break
      }
      level += 1
    }
    try flush()
    return tree
  }
}
