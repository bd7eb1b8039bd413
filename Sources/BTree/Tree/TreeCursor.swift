// A walk over one tree in key order, both ways: a path that is kept, and a place between the entries of its leaf.
//
//   leaf   e0   e1   e2   e3
//        ↑    ↑    ↑    ↑    ↑        `gap`: forward the next entry is the one behind it, in reverse the one before
//        0    1    2    3    4
//
// Invariants
// 1. A step allocates nothing: it moves the gap, or the path to the neighbouring leaf.
// 2. What `withCurrent` shows lies in a held page and cannot outlive the closure.
// 3. A seek begins at the lowest page of the path that admits the key.

import KeyValue
import Primitives
import Storage

/// Walks a tree. Used by one thread.
final class TreeCursor: Cursor {
  let store: NodeStore
  let tree: TreeState
  let lower: [UInt8]?
  let upper: [UInt8]?
  let isForward: Bool
  /// Keeps a snapshot's pin alive.
  private let owner: AnyObject?
  // Used by one thread; a body that is shown an entry does not call back: exclusive without a check at run time.
  @exclusivity(unchecked) var path = TreePath()
  @exclusivity(unchecked) var gap = 0
  @exclusivity(unchecked) var current = 0
  @exclusivity(unchecked) var overflow: NodeLease?
  @exclusivity(unchecked) var overflowValue: Bytes?
  @exclusivity(unchecked) var isPlaced = false
  @exclusivity(unchecked) var ahead: ReadAhead
  /// The current key is put together here: a prefix, a head and a rest.
  let keyBuffer: UnsafeMutableRawPointer

  init(
    _ store: NodeStore, _ tree: TreeState, _ range: KeyRange, _ order: ScanOrder, readAheadLeafCount: Int,
    owner: AnyObject?
  ) {
    self.store = store
    self.tree = tree
    lower = range.lowerBound
    upper = range.upperBound
    isForward = order == .forward
    ahead = ReadAhead(limit: readAheadLeafCount)
    self.owner = owner
    keyBuffer = .allocate(byteCount: store.geometry.maximumKeyByteCount + 16, alignment: 16)
  }

  deinit {
    keyBuffer.deallocate()
    // Before the store, hence the cache, is let go.
    ahead.reset()
    path.truncate(to: 0)
    overflow = nil
  }

  func next() throws(EngineError) -> Bool {
    if store.isClosed { throw .storage(.closed) }
    do throws(StorageError) {
      return try advance()
    } catch {
      throw .storage(error)
    }
  }

  /// As `next`.
  @inline(__always) func advance() throws(StorageError) -> Bool {
    if !isPlaced { try placeAtStart() }
    if path.isEmpty { return false }
    while true {
      let leaf = path.leaf
      if isForward ? gap < leaf.slotCount : gap > 0 { break }
      if try !stepLeaf(wanted: nil) { return false }
      gap = isForward ? 0 : path.leaf.slotCount
    }
    let leaf = path.leaf
    let index = isForward ? gap : gap - 1
    if isForward ? upper != nil : lower != nil, isOutside(leaf, index) { return false }
    current = index
    gap = isForward ? gap + 1 : gap - 1
    if overflowValue != nil {
      overflowValue = nil
      overflow = nil
    }
    if leaf.hasOverflow(index) { try holdOverflow(leaf.overflowReference(index)) }
    return true
  }

  func holdOverflow(_ reference: OverflowReference) throws(StorageError) {
    let lease = try store.hold(reference, isWriter: false)
    overflowValue = NodeStore.value(lease, reference)
    overflow = consume lease
  }

  /// Whether an entry is beyond the end of the range in the walk's direction.
  private func isOutside(_ leaf: NodePage, _ index: Int) -> Bool {
    // The bound lies in another leaf: only the last leaf of the walk compares entries.
    if isForward {
      guard let upper else { return false }
      return upper.withUnsafeBytes { bytes in
        let bound = Bytes(bytes)
        if leaf.hasUpperFence, leaf.upperFence.compare(bound) <= 0 { return false }
        return leaf.findAnywhere(bound).index <= index
      }
    }
    guard let lower else { return false }
    return lower.withUnsafeBytes { bytes in
      let bound = Bytes(bytes)
      if leaf.lowerFence.compare(bound) >= 0 { return false }
      return leaf.findAnywhere(bound).index > index
    }
  }

  func placeAtStart() throws(StorageError) {
    isPlaced = true
    if isForward {
      guard let lower else { return try placeAtEnd(last: false) }
      try place(lower, behindEqual: false)
    } else {
      guard let upper else { return try placeAtEnd(last: true) }
      try place(upper, behindEqual: false)
    }
  }

  private func placeAtEnd(last: Bool) throws(StorageError) {
    path.truncate(to: 0)
    if try !path.pushRoot(tree, store) { return }
    try path.descend(toLast: last, store)
    gap = last ? path.leaf.slotCount : 0
  }

  /// Stands before the first entry at or after `key`, or behind it when it is the key and `behindEqual`.
  private func place(_ key: [UInt8], behindEqual: Bool) throws(StorageError) {
    // The key's bytes are used across calls that throw; a copy on the path's own memory would do as well.
    var failure: StorageError?
    key.withUnsafeBytes { bytes in
      do throws(StorageError) { try place(Bytes(bytes), behindEqual: behindEqual) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func place(_ key: Bytes, behindEqual: Bool) throws(StorageError) {
    ahead.reset()
    if try !path.seek(key, tree, store) { return }
    let (index, isFound) = path.leaf.find(key)
    gap = isFound && behindEqual ? index + 1 : index
  }

  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void) {
    precondition(isPlaced && !path.isEmpty, "withCurrent follows a next that returned true.")
    let leaf = path.leaf
    let key = leaf.copyKey(current, to: keyBuffer)
    let value = overflowValue ?? leaf.valueField(current)
    body(key.buffer.bytes, value.buffer.bytes)
  }

  func seek(to key: RawSpan) throws(EngineError) {
    if store.isClosed { throw .storage(.closed) }
    do throws(StorageError) {
      try key.withUnsafeBytes { (bytes) throws(StorageError) in try seek(Bytes(bytes)) }
    } catch {
      throw .storage(error)
    }
  }

  private func seek(_ key: Bytes) throws(StorageError) {
    isPlaced = true
    if isForward, let lower, key.isBefore(lower) { return try place(lower, behindEqual: false) }
    if !isForward, let upper, !key.isBefore(upper) { return try place(upper, behindEqual: false) }
    try place(key, behindEqual: !isForward)
  }

  // MARK: Leaf to leaf

  /// Goes to the neighbouring leaf; a walk that has passed some leaves asks for those that follow.
  ///
  /// - Parameter wanted: how many entries behind this leaf are going to be shown for sure, nil when nobody said.
  func stepLeaf(wanted: Int?) throws(StorageError) -> Bool {
    try readAhead(wanted: wanted)
    return try path.step(forward: isForward, store)
  }
}

extension Bytes {
  /// Whether these bytes come before others in key order.
  func isBefore(_ other: [UInt8]) -> Bool { other.withUnsafeBytes { compare(Bytes($0)) < 0 } }
}
