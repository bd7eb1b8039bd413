// The ways of the last writes, kept from batch to batch: which child of each page led to the leaf that was written last.
//
//   last write    root ─4─▶ interior ─17─▶ leaf            kept: root's id, 4, 17
//   next write    root ─4?─▶ interior ─17?─▶ leaf          each child is held against the two separators beside it: where the key
//                                                          is between them the page needs no search
//
// Nothing is held between batches, so a kept way costs the cache nothing, and pages that left it are read again as always. A
// kept way decides nothing: it is a guess that two comparisons confirm, so copies, undone transactions, merges and drops
// only make it wrong, and a wrong one costs a search.
//
// Invariants
// 1. A page is taken again only below a page of the same tree, where its separators hold the key.
// 2. The memory is fixed: `wayCount` trees, the one written longest ago gives way.
//
// Source: L. Guibas, E. McCreight, M. Plass, J. Roberts, "A New Representation for Linear Lists", STOC 1977 (searching from a
// finger); G. Graefe, "Modern B-Tree Techniques", Foundations and Trends in Databases 3(4), 2011, section 3.7.

import Primitives
import Storage

/// Ways by the roots of the trees they belong to. A handle on memory of its own.
struct KeptWays {
  /// Trees whose ways are kept: the engine's own keys, the catalogue, and some buckets written in turn.
  static let wayCount = 8
  /// Bytes that `init` allocates.
  static var byteCount: Int { wayCount * (MemoryLayout<Way>.stride + TreePath.maximumDepth * 4) }

  private struct Way {
    var root: UInt64 = 0
    var height = 0
    /// When it was kept last.
    var moment: UInt64 = 0
  }

  private let ways: UnsafeMutablePointer<Way>
  /// For each way and each level above the leaves, from the root down, the child that the next page is.
  private let indices: UnsafeMutablePointer<Int32>
  private var latest: UInt64 = 0

  init() {
    ways = .allocate(capacity: Self.wayCount)
    ways.initialize(repeating: Way(), count: Self.wayCount)
    indices = .allocate(capacity: Self.wayCount * TreePath.maximumDepth)
    indices.initialize(repeating: 0, count: Self.wayCount * TreePath.maximumDepth)
  }

  /// Gives the memory back. The owner calls it once, last.
  func deallocate() {
    ways.deallocate()
    indices.deallocate()
  }

  /// The place of the way of a tree; when none is kept, the one to be used for it.
  @inline(__always) func place(of tree: TreeState) -> Int {
    var oldest = 0
    for place in 0..<Self.wayCount {
      if ways[place].root == tree.root { return place }
      if ways[place].moment < ways[oldest].moment { oldest = place }
    }
    return oldest
  }

  /// Whether there is a way of this tree in a place.
  @inline(__always) func isKept(_ place: Int, of tree: TreeState) -> Bool {
    tree.root != 0 && ways[place].root == tree.root && ways[place].height == tree.height
  }

  /// The child that the way takes `depth` pages below the root.
  @inline(__always) func childIndex(_ place: Int, depth: Int) -> Int {
    Int(indices[place &* TreePath.maximumDepth &+ depth])
  }

  /// Keeps the children that a path from the root to a leaf takes.
  @inline(__always) func keep(_ path: borrowing TreePath, in place: Int) {
    let height = path.count &- 1
    for depth in 0..<height {
      indices[place &* TreePath.maximumDepth &+ depth] = Int32(
        truncatingIfNeeded: path.entries[depth].childIndex)
    }
    ways[place].height = height
  }

  /// Says that the way kept last in a place is one of this tree.
  @inline(__always) mutating func name(_ place: Int, _ tree: TreeState) {
    latest &+= 1
    ways[place].root = tree.root
    ways[place].moment = latest
  }
}

extension TreePath {
  /// Goes, from an empty path, along a kept way as far as `key` and `last` go along it; pages are held, not searched.
  ///
  /// - Parameter last: a key at or after `key`.
  @inline(__always) mutating func retake(
    _ place: Int, of ways: KeptWays, _ key: Bytes, _ last: Bytes, _ tree: TreeState, _ store: NodeStore
  ) throws(StorageError) {
    if !ways.isKept(place, of: tree) { return }
    try pushChild(tree.root, level: tree.height, store)
    var depth = 0
    while depth < tree.height {
      let page = entries[depth].page
      let index = ways.childIndex(place, depth: depth)
      if !page.leads(key, last, to: index) { return }
      entries[depth].childIndex = index
      try pushChild(page.child(index), level: page.level - 1, store)
      depth &+= 1
    }
  }
}

extension NodePage {
  /// Whether two keys between this page's fences, the first at or before the second, belong to child `index`.
  @inline(__always) func leads(_ key: Bytes, _ last: Bytes, to index: Int) -> Bool {
    index <= slotCount && (index == slotCount || isBefore(last, slot: index))
      && (index == 0 || !isBefore(key, slot: index - 1))
  }
}

extension TreeWriter {
  /// Goes towards the leaves of operations `piece` as far as the way kept last leads to all of them, and finds the ways from
  /// there.
  func approach(
    _ batch: borrowing SortedBatch, _ piece: Range<Int>, _ place: Int, _ tree: TreeState
  ) throws(StorageError) {
    let first = batch[piece.lowerBound].key
    let isRouted = piece.count >= Self.leastRouted
    let last = isRouted ? batch[piece.upperBound - 1].key : first
    if path.isEmpty {
      try path.retake(place, of: ways, first, last, tree, store)
    } else if isRouted {
      while path.count > 1, !path.leaf.admits(first) || !path.leaf.isBelowUpperFence(last) {
        path.truncate(to: path.count - 1)
      }
    }
    if !isRouted {
      route.clear()
    } else if path.isEmpty {
      try route.find(batch, piece, tree, store)
    } else if path.leaf.isLeaf {
      // All of them go there.
      route.clear()
    } else {
      try route.find(batch, piece, below: path.last.pointee.id, level: path.leaf.level, store)
    }
  }
}
