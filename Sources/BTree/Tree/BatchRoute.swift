// Which leaf each operation of a sorted batch goes to, found level by level before the first leaf is touched.
//
//   root      [ op 0 … op 9 ]
//   level 1   [ 0 1 2 3 ] [ 4 5 ] [ 6 … 9 ]          one stop for each page that operations go to
//   leaves    [0 1] [2 3] [4 5] [6] [7 8 9]
//
// Neighbours in the batch share the way down: a page is looked into once, whatever number of operations goes through it.
// What is missing on a level is read in batches, in flight together; what is there is requested from memory some stops ahead.
//
// Invariants
// 1. Stops ascend by first operation, and every operation has one: it belongs to the page of the last stop at or before it,
//    or, when that stop has no page, its way is not known. The writer trusts a leaf it found in its place below its parent
//    with the operations up to the next stop.
// 2. Nothing is changed and no page stays held. A failing read fails the batch before its first change.
// 3. A page read here is held against its parent's fences before anybody trusts it.
//
// Source: G. Graefe, "Modern B-Tree Techniques", Foundations and Trends in Databases 3(4), 2011, section 3.7 (sorted batches);
// S. Chen, P. Gibbons, T. Mowry, "Improving Index Performance through Prefetching", SIGMOD 2001.

import CSystem
import Primitives
import Storage

/// A page, the first operation that goes to it, and which child of its parent it was.
struct RouteStop {
  var id: UInt64
  private var storedFirst: Int32
  private var storedChildIndex: Int32

  init(id: UInt64, first: Int, childIndex: Int) {
    self.id = id
    storedFirst = Int32(truncatingIfNeeded: first)
    storedChildIndex = Int32(truncatingIfNeeded: childIndex)
  }

  /// No page.
  static var none: RouteStop { RouteStop(id: 0, first: 0, childIndex: 0) }

  var first: Int { Int(storedFirst) }
  var childIndex: Int { Int(storedChildIndex) }

  /// Whether a page still has this one as its child, in its place.
  @inline(__always) func isChild(of page: NodePage) -> Bool {
    id != 0 && childIndex <= page.slotCount && page.child(childIndex) == id
  }
}

/// The ways of one sorted batch. A handle on memory of its own, kept from batch to batch.
struct BatchRoute {
  /// Bytes of a stop.
  static let stopByteCount = MemoryLayout<RouteStop>.stride
  /// Pages read in one batch.
  static let readBatchCount = 64
  /// How many stops ahead memory is asked for what.
  private static let bucketDistance = 9
  private static let slotDistance = 6
  private static let headDistance = 4
  private static let bodyDistance = 2
  /// Pages of a level that are searched side by side: what one search waits for, the processor fetches with that of the next.
  private static let groupCount = 8

  private struct State: ~Copyable {
    var stops: UnsafeMutablePointer<RouteStop>
    var count = 0
    var spare: UnsafeMutablePointer<RouteStop>
    var capacity: Int
    /// The stop after the one that the writer is at.
    var current = 0
    /// Stops on level 1, left in `spare` by the last step down, and the one that the writer is below.
    var parentCount = 0
    var parent = 0
    var group: UnsafeMutablePointer<GroupMember>
    /// The end of the operations whose ways were found.
    var end = 0
    var missing: UnsafeMutablePointer<MissingPage>
    var missingCount = 0
  }

  private struct GroupMember: ~Copyable {
    var lease: NodeLease
    var childIndex = 0
  }

  private struct MissingPage: ~Copyable {
    var id: UInt64
    var parent: NodeLease
    var childIndex: Int
  }

  private let state: UnsafeMutablePointer<State>

  init() {
    state = .allocate(capacity: 1)
    state.initialize(
      to: State(
        stops: .allocate(capacity: 64), spare: .allocate(capacity: 64), capacity: 64,
        group: .allocate(capacity: Self.groupCount),
        missing: .allocate(capacity: Self.readBatchCount)))
  }

  /// Gives the memory back. The owner calls it once, last.
  func deallocate() {
    state.pointee.stops.deallocate()
    state.pointee.spare.deallocate()
    state.pointee.group.deallocate()
    state.pointee.missing.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Forgets the ways.
  func clear() {
    state.pointee.count = 0
    state.pointee.current = 0
    state.pointee.parentCount = 0
    state.pointee.parent = 0
  }

  // MARK: Finding the way

  /// Finds the leaves of operations `range`, from the root.
  func find(
    _ batch: borrowing SortedBatch, _ range: Range<Int>, _ tree: TreeState, _ store: NodeStore
  ) throws(StorageError) {
    clear()
    if tree.root == 0 || tree.height == 0 || range.isEmpty { return }
    // The root is read first, alone: nothing else leads further.
    _ = try store.holdForReading(tree.root, level: tree.height)
    try find(batch, range, below: tree.root, level: tree.height, store)
  }

  /// Finds the leaves of operations `range`, all of them below page `id`, which is in the cache.
  func find(
    _ batch: borrowing SortedBatch, _ range: Range<Int>, below id: UInt64, level: Int, _ store: NodeStore
  ) throws(StorageError) {
    clear()
    if state.pointee.capacity < range.count { grow(to: range.count) }
    state.pointee.stops[0] = RouteStop(id: id, first: range.lowerBound, childIndex: 0)
    state.pointee.count = 1
    state.pointee.end = range.upperBound
    var level = level
    while level > 0 {
      do throws(StorageError) {
        try descend(batch, end: range.upperBound, from: level, store)
      } catch {
        dropMissing()
        clear()
        throw error
      }
      level -= 1
    }
    for ahead in 0..<min(Self.bucketDistance, state.pointee.count) { ask(ahead, store) }
  }

  private func grow(to count: Int) {
    state.pointee.stops.deallocate()
    state.pointee.spare.deallocate()
    state.pointee.stops = .allocate(capacity: count)
    state.pointee.spare = .allocate(capacity: count)
    state.pointee.capacity = count
  }

  /// From the stops on `level` to those below.
  private func descend(
    _ batch: borrowing SortedBatch, end: Int, from level: Int, _ store: NodeStore
  ) throws(StorageError) {
    let stops = state.pointee.stops
    let below = state.pointee.spare
    let stopCount = state.pointee.count
    var belowCount = 0
    let group = Self.groupCount
    for index in 0..<min(3 * group, stopCount) { store.cache.prefetchBucket(of: stops[index].id) }
    for index in 0..<min(2 * group, stopCount) { store.cache.prefetchSlot(of: stops[index].id) }
    for index in 0..<min(group, stopCount) { prefetchPage(stops[index].id, level: level, store) }
    var start = 0
    while start < stopCount {
      let groupEnd = min(start + group, stopCount)
      // No search begins before all pages are held: holding one waits for what was read before it.
      let heldEnd = hold(stops, start..<groupEnd, of: stopCount, level: level, store)
      for index in start..<heldEnd {
        let page = heldPage(index - start)
        let childIndex = page.childIndex(for: batch[stops[index].first].key)
        state.pointee.group[index - start].childIndex = childIndex
        betula_prefetch(page.base + page.childOffset(childIndex))
      }
      for index in start..<heldEnd {
        store.counts.pointee.pagesInspected &+= 1
        let page = heldPage(index - start)
        let last = index + 1 < stopCount ? stops[index + 1].first : end
        var first = stops[index].first
        var childIndex = state.pointee.group[index - start].childIndex
        while true {
          below[belowCount] = RouteStop(id: page.child(childIndex), first: first, childIndex: childIndex)
          belowCount += 1
          if childIndex == page.slotCount { break }
          first = firstOperation(batch, first..<last, beyond: childIndex, page)
          if first >= last { break }
          childIndex = page.childIndex(for: batch[first].key)
        }
        (state.pointee.group + (index - start)).deinitialize(count: 1)
      }
      if heldEnd < groupEnd {
        // Gone again already, as other threads' pages may push it out: the way of its operations ends here, and theirs only.
        below[belowCount] = RouteStop(id: 0, first: stops[heldEnd].first, childIndex: 0)
        belowCount += 1
      }
      start = heldEnd < groupEnd ? heldEnd + 1 : groupEnd
    }
    try readMissing(stops, stopCount, below, belowCount, level: level - 1, store)
    state.pointee.stops = below
    state.pointee.spare = stops
    state.pointee.count = belowCount
    state.pointee.parentCount = stopCount
  }

  /// Holds the pages of some stops, and asks memory for those of the stops behind them.
  ///
  /// - Returns: the first that is not there, or the end.
  @inline(__always) private func hold(
    _ stops: UnsafeMutablePointer<RouteStop>, _ range: Range<Int>, of count: Int, level: Int,
    _ store: NodeStore
  ) -> Int {
    let group = Self.groupCount
    for index in range {
      if index + 3 * group < count { store.cache.prefetchBucket(of: stops[index + 3 * group].id) }
      if index + 2 * group < count { store.cache.prefetchSlot(of: stops[index + 2 * group].id) }
      if index + group < count { prefetchPage(stops[index + group].id, level: level, store) }
      guard let lease = store.cached.hold(stops[index].id),
        NodePage(lease.pointer, lease.byteCount).level == level
      else { return index }
      (state.pointee.group + (index - range.lowerBound)).initialize(to: GroupMember(lease: lease))
    }
    return range.upperBound
  }

  @inline(__always) private func prefetchPage(_ id: UInt64, level: Int, _ store: NodeStore) {
    if let address = store.cache.likelyAddress(of: id) { NodePage.prefetch(address, level: level) }
  }

  @inline(__always) private func heldPage(_ member: Int) -> NodePage {
    NodePage(
      state.pointee.group[member].lease.pointer, state.pointee.group[member].lease.byteCount)
  }

  /// Reads those pages of a level that are not in the cache.
  private func readMissing(
    _ parents: UnsafeMutablePointer<RouteStop>, _ parentCount: Int, _ stops: UnsafeMutablePointer<RouteStop>,
    _ count: Int, level: Int, _ store: NodeStore
  ) throws(StorageError) {
    var parent = 0
    for index in 0..<count {
      if index + 8 < count { store.cache.prefetchBucket(of: stops[index + 8].id) }
      if stops[index].id == 0 { continue }
      if store.cache.prefetchSlot(of: stops[index].id) || !store.isMissing(stops[index].id) { continue }
      while parent + 1 < parentCount, parents[parent + 1].first <= stops[index].first { parent += 1 }
      guard let lease = store.cached.hold(parents[parent].id) else { continue }
      try addMissing(stops[index].id, lease, stops[index].childIndex, level: level, store)
    }
    try readMissing(level: level, store)
  }

  /// The first operation behind `range`'s first that is not below separator `slot` of a page.
  @inline(__always) private func firstOperation(
    _ batch: borrowing SortedBatch, _ range: Range<Int>, beyond slot: Int, _ page: NodePage
  ) -> Int {
    // Strides that double, then halving: neighbours are near.
    var low = range.lowerBound + 1
    var stride = 1
    while low < range.upperBound, page.isBefore(batch[low].key, slot: slot) {
      let next = low + stride
      if next >= range.upperBound || !page.isBefore(batch[next].key, slot: slot) {
        var high = min(next, range.upperBound)
        low += 1
        while low < high {
          let middle = (low + high) >> 1
          if page.isBefore(batch[middle].key, slot: slot) { low = middle + 1 } else { high = middle }
        }
        return low
      }
      low = next + 1
      stride *= 2
    }
    return low
  }

  // MARK: Reading what is missing

  private func addMissing(
    _ id: UInt64, _ parent: borrowing NodeLease, _ childIndex: Int, level: Int, _ store: NodeStore
  ) throws(StorageError) {
    (state.pointee.missing + state.pointee.missingCount).initialize(
      to: MissingPage(id: id, parent: parent.again(), childIndex: childIndex))
    state.pointee.missingCount += 1
    if state.pointee.missingCount == Self.readBatchCount { try readMissing(level: level, store) }
  }

  private func readMissing(level: Int, _ store: NodeStore) throws(StorageError) {
    let count = state.pointee.missingCount
    if count == 0 { return }
    let missing = state.pointee.missing
    var ids: ContiguousArray<UInt64> = []
    for index in 0..<count { ids.append(missing[index].id) }
    try store.readPages(ids, level: level, isWriter: true) { index in
      PagePlace(
        childIndex: missing[index].childIndex,
        of: NodePage(missing[index].parent.pointer, missing[index].parent.byteCount))
    }
    dropMissing()
  }

  private func dropMissing() {
    for index in 0..<state.pointee.missingCount { (state.pointee.missing + index).deinitialize(count: 1) }
    state.pointee.missingCount = 0
  }

  // MARK: Along the way

  /// The writer is about to go to operation `index`: asks memory for the leaves after the one it goes to.
  ///
  /// - Returns: the leaf and its parent, `.none` when its way was not found, and the first operation that goes to another leaf.
  @inline(__always) func advance(
    to index: Int, _ store: NodeStore
  ) -> (leaf: RouteStop, parent: RouteStop, end: Int) {
    while state.pointee.current < state.pointee.count,
      state.pointee.stops[state.pointee.current].first <= index
    {
      ask(state.pointee.current &+ Self.bucketDistance, store)
      state.pointee.current &+= 1
    }
    let current = state.pointee.current
    if current == 0 { return (.none, .none, 0) }
    let end = current < state.pointee.count ? state.pointee.stops[current].first : state.pointee.end
    let leaf = state.pointee.stops[current - 1]
    let parents = state.pointee.spare
    while state.pointee.parent &+ 1 < state.pointee.parentCount,
      parents[state.pointee.parent &+ 1].first <= leaf.first
    { state.pointee.parent &+= 1 }
    return (leaf, state.pointee.parentCount > 0 ? parents[state.pointee.parent] : .none, end)
  }

  /// Requests the bucket of stop `index`, and what comes after the bucket for the stops before it.
  @inline(__always) private func ask(_ index: Int, _ store: NodeStore) {
    let count = state.pointee.count
    let stops = state.pointee.stops
    if index < count { store.cache.prefetchBucket(of: stops[index].id) }
    let slot = index &- (Self.bucketDistance &- Self.slotDistance)
    if slot >= 0, slot < count { store.cache.prefetchSlot(of: stops[slot].id) }
    let head = index &- (Self.bucketDistance &- Self.headDistance)
    if head >= 0, head < count, let address = store.cache.likelyAddress(of: stops[head].id) {
      NodePage.prefetch(address, level: 0)
    }
    let body = index &- (Self.bucketDistance &- Self.bodyDistance)
    if body >= 0, body < count, let lease = store.cached.hold(stops[body].id) {
      NodePage(lease.pointer, lease.byteCount).prefetchForChange(whole: !lease.isDirty)
    }
  }
}

extension NodePage {
  /// Whether a key of this page's range is below separator or entry `slot`.
  @inline(__always) func isBefore(_ key: Bytes, slot: Int) -> Bool {
    let prefixCount = prefixByteCount
    let suffix = Bytes(key.start + prefixCount, max(0, key.count - prefixCount))
    let wanted = keyHead(suffix.start, suffix.count)
    let head = head(slot)
    return wanted == head ? compareEqualHeads(slot, suffix) > 0 : wanted < head
  }

  /// Asks for what putting an entry in touches, or for everything in use.
  @inline(__always) func prefetchForChange(whole: Bool) {
    let start = cellStart
    if !whole {
      var line = max(start &- 128, 0) & ~63
      while line < start {
        betula_prefetch(base + line)
        line &+= 64
      }
      return
    }
    var line = 448
    let slotsEnd = Self.slotsStart &+ slotCount &* Self.slotByteCount
    while line < slotsEnd {
      betula_prefetch(base + line)
      line &+= 64
    }
    line = start & ~63
    while line < byteCount {
      betula_prefetch(base + line)
      line &+= 64
    }
  }
}
