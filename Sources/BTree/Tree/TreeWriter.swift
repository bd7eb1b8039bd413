// Writing: a sorted batch walks once through the tree from left to right, changing leaf after leaf.
//
//   batch ─sort─▶ a c │ d │ m p q │ x …          operations on one leaf are done together; the next descent begins at the
//                 leaf  leaf  leaf               lowest page of the path that holds the next key
//
//   each key:  no room ─▶ split the leaf, begin anew       nothing was changed before the room was there
//              room    ─▶ change the entry in place
//   each leaf left behind:  too empty ─▶ merge or share with a neighbour (`TreeBalance`)
//
// Invariants
// 1. The tree's counts are those of its pages at every return.
// 2. A page is copied before it is changed, its ancestors first, unless it was born since the last durable commit, no pin
//    sees it and it was not written yet; then every change of it can be taken back (`UndoLog`).
// 3. Upserts are computed in the leaf from the old value: one descent, no read first.

import KeyValue
import Primitives
import Storage

/// Changes trees, inside one transaction of the volume at a time.
final class TreeWriter {
  let store: NodeStore
  let policy: TreePolicy
  let maximumValueByteCount: Int
  // Used by one thread, and nothing calls back while it changes: exclusive without a check at run time.
  @exclusivity(unchecked) var path: TreePath
  var value: ValueBuffer
  /// Two images of pages, or one and the longest key behind it; then the stage.
  let scratch: UnsafeMutableRawPointer
  /// Room for separators on their way up, one for each level, and for keys being put together.
  let keys: UnsafeMutableRawPointer
  let keyRoom: Int
  /// Where the operations of a batch go.
  let route = BatchRoute()
  /// Where the batches before it went.
  @exclusivity(unchecked) var ways = KeptWays()
  /// Operations whose leaves are found together.
  private let pieceCount: Int
  /// Fewer operations find their own way.
  static let leastRouted = 4
  /// Whether leaves are copied there; in place, a page has the same bytes in the end.
  var usesStage = true
  /// Whether pages that no operation of the batch needs may be read to balance the tree.
  var mayReadNeighbours = true

  /// Bytes that `init` allocates.
  static func memoryByteCount(_ geometry: NodeGeometry) -> Int {
    geometry.pageByteCount * 3 + (TreePath.maximumDepth + 4) * (geometry.pageByteCount / 4 + 16)
      + KeptWays.byteCount
  }

  init(store: NodeStore, policy: TreePolicy, maximumValueByteCount: Int) {
    self.store = store
    self.policy = policy
    self.maximumValueByteCount = maximumValueByteCount
    let pageByteCount = store.geometry.pageByteCount
    keyRoom = pageByteCount / 4 + 16
    pieceCount = min(
      max(16, store.cache.capacityByteCount / store.cache.shardCount / pageByteCount / 8), 1 << 16)
    path = TreePath(writingTo: store)
    value = ValueBuffer(reservedByteCount: 1_024)
    scratch = .allocate(byteCount: pageByteCount * 3, alignment: 64)
    keys = .allocate(byteCount: keyRoom * (TreePath.maximumDepth + 4), alignment: 16)
  }

  deinit {
    // Before the store, hence the cache, is let go.
    path.truncate(to: 0)
    route.deallocate()
    ways.deallocate()
    scratch.deallocate()
    keys.deallocate()
  }

  /// The page of memory that leaves are copied to and changed in (`LeafCopy`).
  private var stage: UnsafeMutableRawPointer { scratch + 2 * store.geometry.pageByteCount }
  /// Room for the separator that comes from depth `depth`.
  func separatorRoom(_ depth: Int) -> UnsafeMutableRawPointer { keys + keyRoom * (depth + 4) }
  /// Room for keys being put together.
  func keyRoom(_ number: Int) -> UnsafeMutableRawPointer { keys + keyRoom * number }

  /// Lets go of the path: before and after a transaction.
  func reset() { path.truncate(to: 0) }

  // MARK: A sorted batch

  /// Applies operations in key order.
  func apply(
    _ batch: borrowing SortedBatch, to tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let place = ways.place(of: tree)
    var index = 0
    while index < batch.count {
      // In pieces, so that what is read for them finds room in the cache.
      let piece = index..<min(batch.count, index + pieceCount)
      try approach(batch, piece, place, tree)
      index = try apply(batch, piece, place, to: &tree, &transaction)
      ways.name(place, tree)
    }
    route.clear()
  }

  /// Applies operations `piece`, and those after it that go to the last leaf as well, and keeps the way there.
  ///
  /// - Returns: the first operation that is not applied.
  private func apply(
    _ batch: borrowing SortedBatch, _ piece: Range<Int>, _ place: Int, to tree: inout TreeState,
    _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> Int {
    var index = piece.lowerBound
    let changes = store.counts.pointee.rearrangements
    var split = -1
    while index < piece.upperBound {
      let (leaf, parent, routeEnd) = route.advance(to: index, store)
      // A leaf whose operations begin here is where its way was found to lead, unless it was split for this very operation,
      // or pages were merged or shared since.
      let isExact = leaf.first == index && split != index && changes == store.counts.pointee.rearrangements
      var isThere = false
      if isExact { isThere = try path.step(to: leaf, below: parent, store) }
      if !isThere {
        isThere = try path.seek(batch[index].key, tree, store, ascends: true, leaf: isExact ? leaf : .none)
        if !isThere { try plantRoot(&tree, &transaction) }
      }
      let known = isExact && path.last.pointee.id == leaf.id ? routeEnd : index
      while index < batch.count {
        let end = batch.runEnd(index)
        let isDone: Bool
        if end == index + 1, batch[index].kind == .put {
          isDone = try put(batch[index].key, batch[index].operand, &tree, &transaction)
        } else {
          isDone = try applyRun(batch, index..<end, &tree, &transaction)
        }
        if isDone { index = end } else { split = index }
        // After a split the path is gone.
        if path.isEmpty || index == batch.count { break }
        if index < known { continue }
        // The next one goes to another leaf, unless entries were moved between leaves since the ways were found.
        let isOver =
          index == routeEnd && known == routeEnd && index < piece.upperBound
          && changes == store.counts.pointee.rearrangements
        if isOver || !path.leaf.isBelowUpperFence(batch[index].key) { break }
      }
      if path.isEmpty { continue }
      if index >= piece.upperBound { ways.keep(path, in: place) }
      try balanceLeaf(&tree, &transaction)
    }
    return index
  }

  /// Applies all operations on one key.
  ///
  /// - Returns: false when the leaf was split first and nothing else was done.
  private func applyRun(
    _ batch: borrowing SortedBatch, _ run: Range<Int>, _ tree: inout TreeState,
    _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> Bool {
    // What happened before the last put or delete does not matter.
    var first = run.upperBound - 1
    while first > run.lowerBound, batch[first].kind.isUpsert { first -= 1 }
    let key = batch[first].key
    let last = batch[run.upperBound - 1]
    if last.kind == .delete { return try delete(key, &tree, &transaction) }
    if last.kind == .put { return try put(key, last.operand, &tree, &transaction) }
    value.makeAbsent()
    if batch[first].kind.isUpsert { try loadValue(key) }
    for index in first..<run.upperBound {
      value.apply(
        batch[index].kind, operand: batch[index].operand.buffer, maximumValueByteCount: maximumValueByteCount)
    }
    return try put(key, Bytes(value.bytes), &tree, &transaction)
  }

  /// Makes `value` the value of a key of the current leaf.
  private func loadValue(_ key: Bytes) throws(StorageError) {
    let leaf = path.leaf
    let (index, isFound) = leaf.find(key)
    if !isFound { return }
    if leaf.hasOverflow(index) {
      let reference = leaf.overflowReference(index)
      let lease = try store.hold(reference, isWriter: true)
      value.assign(NodeStore.value(lease, reference).buffer)
    } else {
      value.assign(leaf.valueField(index).buffer)
    }
  }

  // MARK: One key of the current leaf

  /// Gives a key a value.
  ///
  /// - Returns: false when the leaf was split first and nothing else was done.
  @inline(__always) private func put(
    _ key: Bytes, _ bytes: Bytes, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> Bool {
    if !store.geometry.isInline(key: key.count, value: bytes.count) {
      return try putOverflow(key, bytes, &tree, &transaction)
    }
    let depth = path.count - 1
    try makeChangeable(depth, &tree, &transaction)
    var leaf = path.leaf
    let (index, isFound) = leaf.find(key)
    if isFound { return try replace(index, key, .inline(bytes), &tree, &transaction) }
    if path.entries[depth].access == .undoable {
      let needed = leaf.leafEntryByteCount(key: key, value: .inline(bytes))
      if leaf.gapByteCount >= needed {
        store.undo.willInsert(at: index, into: leaf)
      } else if leaf.freeByteCount >= needed {
        try makeWritable(depth, &tree, &transaction)
        leaf = path.leaf
      }
    }
    if leaf.insertLeaf(at: index, key: key, value: .inline(bytes), scratch: scratch) {
      tree.entryCount += 1
      return true
    }
    try splitLeaf(pending: index, key, fieldByteCount: bytes.count, &tree, &transaction)
    return false
  }

  private func replace(
    _ index: Int, _ key: Bytes, _ value: LeafValue, _ tree: inout TreeState,
    _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> Bool {
    let depth = path.count - 1
    if path.entries[depth].access == .undoable {
      if case .inline(let bytes) = value, !path.leaf.hasOverflow(index) {
        let leaf = path.leaf
        let field = leaf.valueField(index)
        if field.count == bytes.count, store.undo.hasRoom(field.count) {
          let offset = field.start - UnsafeRawPointer(leaf.base)
          store.undo.willChange(leaf, offset, field.count)
          bytes.copy(to: leaf.base + offset)
          return true
        }
      }
      try makeWritable(depth, &tree, &transaction)
    }
    let leaf = path.leaf
    let old = leaf.hasOverflow(index) ? leaf.overflowReference(index) : nil
    if leaf.replaceLeaf(at: index, value: value, scratch: scratch) {
      if let old { freeOverflow(old, &tree, &transaction) }
      return true
    }
    try splitLeaf(pending: index, key, fieldByteCount: value.fieldByteCount, &tree, &transaction)
    return false
  }

  /// Puts a value that is too long for its leaf.
  private func putOverflow(
    _ key: Bytes, _ bytes: Bytes, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> Bool {
    try makeWritable(path.count - 1, &tree, &transaction)
    let leaf = path.leaf
    let (index, isFound) = leaf.find(key)
    // Room for the reference first, so that nothing is allocated twice.
    let needed =
      isFound
      ? NodePage.overflowReferenceByteCount - leaf.valueField(index).count
      : leaf.leafEntryByteCount(key: key, value: .overflow(OverflowReference(id: 0, byteCount: 0, birth: 0)))
    if leaf.freeByteCount < needed {
      try splitLeaf(
        pending: index, key, fieldByteCount: NodePage.overflowReferenceByteCount, &tree, &transaction)
      return false
    }
    let reference = try store.makeOverflow(bytes, &transaction)
    tree.overflowCount += 1
    tree.overflowByteCount += store.extent(reference).byteCount
    if isFound { return try replace(index, key, .overflow(reference), &tree, &transaction) }
    let isIn = leaf.insertLeaf(at: index, key: key, value: .overflow(reference), scratch: scratch)
    precondition(isIn, "A reference fits into the room that was found for it.")
    tree.entryCount += 1
    return true
  }

  /// Removes a key if it is there. Always done at once.
  private func delete(
    _ key: Bytes, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) -> Bool {
    let (index, isFound) = path.leaf.find(key)
    if !isFound { return true }
    try makeWritable(path.count - 1, &tree, &transaction)
    remove(index, &tree, &transaction)
    return true
  }

  /// Removes an entry of the current, writable leaf.
  func remove(_ index: Int, _ tree: inout TreeState, _ transaction: inout VolumeTransaction) {
    let leaf = path.leaf
    if leaf.hasOverflow(index) { freeOverflow(leaf.overflowReference(index), &tree, &transaction) }
    leaf.remove(at: index)
    tree.entryCount -= 1
  }

  func freeOverflow(
    _ reference: OverflowReference, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) {
    tree.overflowCount -= 1
    tree.overflowByteCount -= store.extent(reference).byteCount
    store.free(reference, &transaction)
  }

  // MARK: Copying on write

  /// Makes the page at `depth` of the path one that undoable steps may change.
  @inline(__always) func makeChangeable(
    _ depth: Int, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    if path.entries[depth].access == .reading { try claim(depth, .undoable, &tree, &transaction) }
  }

  /// Makes the page at `depth` of the path the writer's to change in any way.
  @inline(__always) func makeWritable(
    _ depth: Int, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    if path.entries[depth].access != .free { try claim(depth, .free, &tree, &transaction) }
  }

  @inline(never) private func claim(
    _ depth: Int, _ wants: PageAccess, _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let entry = path.entries + depth
    if entry.pointee.access == .undoable, store.undo.hasRoom(entry.pointee.page.byteCount) {
      // It is held already.
      store.undo.willRebuild(entry.pointee.page)
      entry.pointee.access = .free
      return
    }
    guard var lease = entry.pointee.lease.take() else { preconditionFailure("A page on the path is held.") }
    let access = store.claim(&lease, wants)
    if access != .reading {
      entry.pointee.page = NodePage(lease.pointer, lease.byteCount)
      entry.pointee.lease = consume lease
      entry.pointee.access = access
      return
    }
    let copy: NodeLease
    let isStaged = usesStage && depth == path.count - 1 && entry.pointee.page.isLeaf
    do throws(StorageError) {
      if depth > 0 { try makeChangeable(depth - 1, &tree, &transaction) }
      copy = try store.copy(lease, &transaction, stage: isStaged ? stage : nil)
    } catch {
      // The entry holds nothing any more.
      reset()
      throw error
    }
    let id = copy.id
    entry.pointee.page = NodePage(isStaged ? stage : copy.pointer, copy.byteCount)
    entry.pointee.id = id
    entry.pointee.lease = consume copy
    entry.pointee.access = .free
    entry.pointee.isStaged = isStaged
    if depth == 0 {
      tree.root = id
    } else {
      setChild(of: path.entries + (depth - 1), id)
    }
  }

  /// Points a page on the path, which may be changed, to another child in the place of the next page on the path.
  private func setChild(of entry: UnsafeMutablePointer<PathEntry>, _ id: UInt64) {
    let page = entry.pointee.page
    let index = entry.pointee.childIndex
    if entry.pointee.access == .undoable { store.undo.willChange(page, page.childOffset(index), 8) }
    page.setChild(index, id)
  }

  /// The first leaf of a tree.
  private func plantRoot(
    _ tree: inout TreeState, _ transaction: inout VolumeTransaction
  ) throws(StorageError) {
    let lease = try store.makePage(level: 0, &transaction)
    _ = NodeBuilder(NodePage(lease.pointer, lease.byteCount), level: 0, lower: .empty, upper: nil)
    tree.root = lease.id
    tree.height = 0
    tree.leafCount = 1
    let id = lease.id
    path.push(lease, id: id, access: .free)
  }
}

/// How a tree keeps its pages filled.
struct TreePolicy: Equatable, Sendable {
  /// A page filled below this many hundredths is merged with a neighbour when both fit into one; 0 never.
  var mergeThresholdPercent = 40
  /// Whether a full leaf first shares with a neighbour that has room, and a page that is too empty takes from one.
  var redistributes = false
}
