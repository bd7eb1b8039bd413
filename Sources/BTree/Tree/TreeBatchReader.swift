// Looking several keys up together: sorted, level by level, what is missing on a level read in one batch.
//
//   root      [ k0 … k9 ]                               held
//   level 1   [ k0 k1 k2 k3 ] [ k4 k5 ] [ k6 … k9 ]     one stop for each page that keys go to; missing ones in flight together
//   leaves    [k0 k1] [k2 k3] [k4 k5] [k6] [k7 k8 k9]   held while their values, the long ones read together too, are shown
//
// Invariants
// 1. At most two levels of a piece are held at once, and a piece is so small that they take a quarter of a cache shard.
// 2. A page that was read here is held against its parent's fences before anything in it is trusted.
// 3. A page on the way of several keys is looked up once.
//
// Source: G. Graefe, "Modern B-Tree Techniques", Foundations and Trends in Databases 3(4), 2011, section 3.7.

import KeyValue
import Primitives
import Storage

/// Held pages of one level and the first key that goes to each.
private struct HeldLevel: ~Copyable {
  struct Stop: ~Copyable {
    var lease: NodeLease
    var page: NodePage
    var first: Int
  }

  let stops: UnsafeMutablePointer<Stop>
  private(set) var count = 0

  init(capacity: Int) { stops = .allocate(capacity: capacity) }

  deinit {
    for index in 0..<count { (stops + index).deinitialize(count: 1) }
    stops.deallocate()
  }

  mutating func append(_ lease: consuming NodeLease, first: Int) {
    let page = NodePage(lease.pointer, lease.byteCount)
    (stops + count).initialize(to: Stop(lease: lease, page: page, first: first))
    count += 1
  }
}

/// A key of a batch in key order.
private struct OrderedKey {
  var head: UInt64
  var key: Bytes
  /// The key's place in the batch.
  var place: Int
}

/// A page that keys go to from a held parent.
private struct Child {
  var id: UInt64
  /// The stop of the parent.
  var stop: Int
  var childIndex: Int
  /// The first key that goes there.
  var first: Int
}

extension NodeStore {
  /// Most keys looked up in one piece.
  private static let longestPiece = 256
  /// The bytes of long values read ahead together.
  private var longValueByteCount: Int { cache.capacityByteCount / cache.shardCount / 8 }

  /// Shows the values of those keys of a batch that are in `tree`, in key order.
  ///
  /// Cost: each page on the way held once; on each level the missing pages of a piece are one batch of reads.
  func get(
    _ batch: borrowing ReadBatch, in tree: TreeState, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(StorageError) {
    if tree.root == 0 || batch.count == 0 { return }
    var keys: ContiguousArray<OrderedKey> = []
    keys.reserveCapacity(batch.count)
    for place in 0..<batch.count {
      let key = Bytes(batch[place])
      keys.append(OrderedKey(head: keyHead(key.start, key.count), key: key, place: place))
    }
    keys.sort { left, right in
      if left.head != right.head { return left.head < right.head }
      let order = left.key.compare(right.key)
      return order == 0 ? left.place < right.place : order < 0
    }
    let pages = cache.capacityByteCount / cache.shardCount / geometry.pageByteCount
    let pieceCount = min(max(1, pages / 8), Self.longestPiece)
    var start = 0
    while start < keys.count {
      let end = min(keys.count, start + pieceCount)
      try get(keys, start..<end, tree, body)
      start = end
    }
  }

  private func get(
    _ keys: ContiguousArray<OrderedKey>, _ piece: Range<Int>, _ tree: TreeState,
    _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(StorageError) {
    var level = tree.height
    var held = HeldLevel(capacity: 1)
    held.append(try holdForReading(tree.root, level: level), first: piece.lowerBound)
    counts.pointee.pagesInspected &+= 1
    while level > 0 {
      let children = children(keys, piece, held)
      level -= 1
      var below = HeldLevel(capacity: children.count)
      try hold(children, level: level, held, &below)
      held = below
    }
    try show(keys, piece, held, body)
  }

  /// The pages below the held ones that keys go to.
  private func children(
    _ keys: ContiguousArray<OrderedKey>, _ piece: Range<Int>, _ held: borrowing HeldLevel
  ) -> ContiguousArray<Child> {
    var children: ContiguousArray<Child> = []
    children.reserveCapacity(piece.count)
    for stop in 0..<held.count {
      let page = held.stops[stop].page
      let end = stop + 1 < held.count ? held.stops[stop + 1].first : piece.upperBound
      var last = -1
      for index in held.stops[stop].first..<end {
        let childIndex = page.childIndex(for: keys[index].key)
        if childIndex == last { continue }
        last = childIndex
        children.append(Child(id: page.child(childIndex), stop: stop, childIndex: childIndex, first: index))
      }
    }
    return children
  }

  /// Holds pages, the missing ones read together first.
  private func hold(
    _ children: ContiguousArray<Child>, level: Int, _ held: borrowing HeldLevel, _ below: inout HeldLevel
  ) throws(StorageError) {
    counts.pointee.pagesInspected &+= UInt64(children.count)
    let missing = ContiguousArray(children.indices.filter { isMissing(children[$0].id) })
    func place(_ child: Child) -> PagePlace {
      PagePlace(childIndex: child.childIndex, of: held.stops[child.stop].page)
    }
    if missing.count > 1 {
      counts.pointee.batchedReads &+= UInt64(missing.count)
      try readPages(ContiguousArray(missing.map { children[$0].id }), level: level, isWriter: false) {
        place(children[missing[$0]])
      }
    }
    for child in children {
      let lease: NodeLease
      if let found = cached.hold(child.id) {
        lease = found
      } else {
        lease = try load(child.id, level: level, place(child), isWriter: false)
      }
      let page = NodePage(lease.pointer, lease.byteCount)
      NodePage.prefetch(page.base, level: level)
      guard page.level == level else { throw misplaced(child.id) }
      below.append(lease, first: child.first)
    }
  }

  // MARK: Values

  /// Shows the values of keys whose leaves are held.
  private func show(
    _ keys: ContiguousArray<OrderedKey>, _ piece: Range<Int>, _ held: borrowing HeldLevel,
    _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(StorageError) {
    var long: ContiguousArray<(place: Int, reference: OverflowReference)> = []
    var byteCount = 0
    for stop in 0..<held.count {
      let leaf = held.stops[stop].page
      let end = stop + 1 < held.count ? held.stops[stop + 1].first : piece.upperBound
      for index in held.stops[stop].first..<end {
        let (slot, isFound) = leaf.find(keys[index].key)
        if !isFound { continue }
        if !leaf.hasOverflow(slot) {
          body(keys[index].place, leaf.valueField(slot).buffer.bytes)
          continue
        }
        let reference = leaf.overflowReference(slot)
        byteCount += reference.byteCount
        if byteCount > longValueByteCount {
          try show(long, body)
          long.removeAll(keepingCapacity: true)
          byteCount = reference.byteCount
        }
        long.append((keys[index].place, reference))
      }
    }
    try show(long, body)
  }

  /// Shows values that lie in extents of their own, the missing ones read together first.
  private func show(
    _ long: ContiguousArray<(place: Int, reference: OverflowReference)>,
    _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(StorageError) {
    if long.count > 1 {
      counts.pointee.batchedReads &+= try prefetch(long.map(\.reference))
    }
    for value in long {
      let lease = try hold(value.reference, isWriter: false)
      body(value.place, Self.value(lease, value.reference).buffer.bytes)
    }
  }
}

// The witnesses are documented at `ReadView`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
extension BTreeEngine {
  public func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError) {
    try requireOpen()
    do throws(StorageError) { try store.get(batch, in: forest.main, body) } catch { throw .storage(error) }
  }
}
