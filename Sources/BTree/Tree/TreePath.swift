// The way from the root to a leaf, held page by page, and kept: a search for a key nearby begins at the lowest page of the
// way that still holds the key.
//
//   root ─▶ interior ─▶ interior ─▶ leaf          the fences of each page say whether a key is below it
//    0        1           2          3 = depth
//
// Invariants
// 1. Each page on the path is held by a lease; entry d + 1 is the child `childIndex` of entry d.
// 2. After `seek` the last entry is the leaf whose fences admit the key.
// 3. Walking allocates nothing: the entries are made once.
// 4. A staged page is stored where it belongs before its entry goes.

import Primitives
import Storage

/// One page of a path.
struct PathEntry: ~Copyable {
  /// Taken out only while the page is being copied.
  var lease: NodeLease?
  var page: NodePage
  var id: UInt64
  /// The child that the next entry is.
  var childIndex = 0
  /// What the writer may do to the page.
  var access = PageAccess.reading
  /// Whether the page's bytes are on the stage (`LeafCopy`) and not where its lease says.
  var isStaged = false
}

/// What may be done to a page on the path.
enum PageAccess: UInt8 {
  /// Nothing: it is looked at.
  case reading
  /// Steps that the undo log takes back one by one: an insert into the gap, other bytes in place of some.
  case undoable
  /// Anything: the open transaction gave birth to it, or its image is in the undo log.
  case free
}

/// A way from the root to a leaf.
struct TreePath: ~Copyable {
  /// More levels than a tree of pages with two children each on the largest volume has.
  static let maximumDepth = 40

  let entries: UnsafeMutablePointer<PathEntry>
  private(set) var count = 0
  private let isWriter: Bool
  /// Where staged pages are settled; nil for a path on which nothing is changed.
  private let store: NodeStore?

  /// An empty path to look along.
  init() {
    isWriter = false
    store = nil
    entries = .allocate(capacity: Self.maximumDepth)
  }

  /// An empty path of the writer.
  init(writingTo store: NodeStore) {
    isWriter = true
    self.store = store
    entries = .allocate(capacity: Self.maximumDepth)
  }

  deinit {
    for index in 0..<count { (entries + index).deinitialize(count: 1) }
    entries.deallocate()
  }

  /// The lowest page.
  var last: UnsafeMutablePointer<PathEntry> { entries + (count - 1) }
  var leaf: NodePage { entries[count - 1].page }
  var isEmpty: Bool { count == 0 }

  /// Lets go of everything below the first `newCount` entries.
  mutating func truncate(to newCount: Int) {
    while count > newCount {
      count -= 1
      if (entries + count).pointee.isStaged { settle(entries + count) }
      (entries + count).deinitialize(count: 1)
    }
  }

  /// Stores a staged page where it belongs. Its entry goes.
  private func settle(_ entry: UnsafeMutablePointer<PathEntry>) {
    guard let store, let lease = entry.pointee.lease.take() else {
      preconditionFailure("A staged page is held by the writer.")
    }
    store.settle(entry.pointee.page, lease)
  }

  /// Puts a held page at the end.
  mutating func push(_ lease: consuming NodeLease, id: UInt64, access: PageAccess = .reading) {
    precondition(count < Self.maximumDepth, "A tree has fewer levels than a path has room for.")
    let page = NodePage(lease.pointer, lease.byteCount)
    (entries + count).initialize(
      to: PathEntry(lease: consume lease, page: page, id: id, access: access))
    count += 1
  }

  /// Goes to the leaf that admits `key`, reusing what it can of the path.
  ///
  /// - Parameters:
  ///   - ascends: whether the key is not before the one sought last; then half of the comparisons are not needed.
  ///   - leaf: where the key's leaf was when the way was found; looked for there first.
  /// - Returns: false for a tree without pages.
  @inline(__always) mutating func seek(
    _ key: Bytes, _ tree: TreeState, _ store: NodeStore, ascends: Bool = false, leaf: RouteStop = .none
  ) throws(StorageError) -> Bool {
    while count > 0 {
      let page = entries[count - 1].page
      if ascends ? page.isBelowUpperFence(key) : page.admits(key) { break }
      truncate(to: count - 1)
    }
    if count == 0 {
      if try !pushRoot(tree, store) { return false }
    } else if count == 1, !entries[0].page.isLeaf {
      store.counts.pointee.descents &+= 1
    }
    while true {
      let page = entries[count - 1].page
      if page.isLeaf { return true }
      let index = page.level == 1 && leaf.isChild(of: page) ? leaf.childIndex : page.childIndex(for: key)
      entries[count - 1].childIndex = index
      try pushChild(page.child(index), level: page.level - 1, store)
    }
  }

  /// Goes from a leaf to a later one of the same parent, or of another page on level 1 with the same parent.
  ///
  /// - Returns: false when there is no such child in that place; the path then ends above the leaf, or is as it was.
  @inline(__always) mutating func step(
    to leaf: RouteStop, below parent: RouteStop, _ store: NodeStore
  ) throws(StorageError) -> Bool {
    if count < 2 { return false }
    if leaf.isChild(of: entries[count - 2].page) {
      truncate(to: count - 1)
    } else {
      // Splits in the same parent move its later children: those are sought there.
      if count < 3 || parent.id == entries[count - 2].id || !parent.isChild(of: entries[count - 3].page) {
        return false
      }
      truncate(to: count - 2)
      entries[count - 1].childIndex = parent.childIndex
      try pushChild(parent.id, level: 1, store)
      if !leaf.isChild(of: entries[count - 1].page) { return false }
    }
    entries[count - 1].childIndex = leaf.childIndex
    try pushChild(leaf.id, level: 0, store)
    return true
  }

  mutating func pushRoot(_ tree: TreeState, _ store: NodeStore) throws(StorageError) -> Bool {
    if tree.root == 0 { return false }
    store.counts.pointee.descents &+= 1
    try pushChild(tree.root, level: tree.height, store)
    return true
  }

  @inline(__always) mutating func pushChild(
    _ id: UInt64, level: Int, _ store: NodeStore
  ) throws(StorageError) {
    store.counts.pointee.pagesInspected &+= 1
    if let lease = store.cached.hold(id) {
      let page = NodePage(lease.pointer, lease.byteCount)
      NodePage.prefetch(page.base, level: level)
      if page.level == level {
        push(lease, id: id)
        return
      }
    } else {
      push(try store.load(id, level: level, nextPlace, isWriter: isWriter), id: id)
      return
    }
    throw store.misplaced(id)
  }

  /// Where the page has to be that is pushed next: below the lowest page of the path.
  private var nextPlace: PagePlace {
    if count == 0 { return .root }
    return PagePlace(childIndex: entries[count - 1].childIndex, of: entries[count - 1].page)
  }

  /// Goes down to the first or last leaf below the lowest page.
  mutating func descend(toLast: Bool, _ store: NodeStore) throws(StorageError) {
    while true {
      let page = entries[count - 1].page
      if page.isLeaf { return }
      let index = toLast ? page.slotCount : 0
      entries[count - 1].childIndex = index
      try pushChild(page.child(index), level: page.level - 1, store)
    }
  }

  /// Goes to the neighbouring leaf.
  ///
  /// - Returns: false at the end of the tree; the path then stays.
  mutating func step(forward: Bool, _ store: NodeStore) throws(StorageError) -> Bool {
    var depth = count - 2
    while depth >= 0 {
      let index = entries[depth].childIndex
      if forward ? index < entries[depth].page.slotCount : index > 0 { break }
      depth -= 1
    }
    if depth < 0 { return false }
    truncate(to: depth + 1)
    let page = entries[depth].page
    let index = entries[depth].childIndex + (forward ? 1 : -1)
    entries[depth].childIndex = index
    try pushChild(page.child(index), level: page.level - 1, store)
    try descend(toLast: !forward, store)
    return true
  }
}
