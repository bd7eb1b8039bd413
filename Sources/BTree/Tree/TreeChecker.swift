// Checks whole trees: every page against its own invariants and its parent, every count against what is there, and that no
// two pointers lead to one place.

import Primitives
import Storage

/// What one pass over a tree found.
struct TreeShape: Equatable {
  /// Pages of each level, leaves first.
  var pagesPerLevel: [Int] = []
  /// Bytes of slots and cells of each level.
  var usedPerLevel: [Int] = []
  /// Bytes that could hold slots and cells, of each level.
  var capacityPerLevel: [Int] = []
}

/// Checks trees of one store, whose extents must all be different.
struct TreeChecker {
  private let store: NodeStore
  private let coverage: PageCoverage
  private var seen: Set<UInt64> = []
  private(set) var shape = TreeShape()

  init(_ store: NodeStore) {
    self.store = store
    coverage = PageCoverage(pageByteCount: store.geometry.pageByteCount)
  }

  /// Checks one tree. O(pages), and all of its long values are read.
  ///
  /// - Throws: `.corrupted` for the first thing that is wrong.
  mutating func check(_ tree: TreeState, name: String) throws(StorageError) {
    shape = TreeShape()
    var found = TreeState()
    found.root = tree.root
    found.height = tree.height
    if tree.root != 0 {
      var path = TreePath()
      _ = try path.pushRoot(tree, store)
      try visit(&path, &found)
    }
    found.forgetLevels(unknownTo: tree)
    guard found == tree else {
      throw .corrupted(structure: name, offset: 0, detail: "its root says \(tree), there is \(found)")
    }
  }

  private mutating func visit(_ path: inout TreePath, _ found: inout TreeState) throws(StorageError) {
    let page = path.leaf
    let id = path.last.pointee.id
    try note(PageID.start(id), store.extent(id))
    let expectation = store.expectation(level: page.level)
    if let problem = page.problem(expectation) { throw corruption(id, problem) }
    if let problem = coverage.problem(page) { throw corruption(id, problem) }
    while shape.pagesPerLevel.count <= page.level {
      shape.pagesPerLevel.append(0)
      shape.usedPerLevel.append(0)
      shape.capacityPerLevel.append(0)
    }
    shape.pagesPerLevel[page.level] += 1
    shape.usedPerLevel[page.level] += page.usedByteCount
    shape.capacityPerLevel[page.level] += page.capacityByteCount
    if page.isLeaf {
      found.leafCount += 1
      found.entryCount += page.slotCount
      for index in 0..<page.slotCount where page.hasOverflow(index) {
        let reference = page.overflowReference(index)
        try note(PageID.start(reference.id), store.extent(reference))
        found.overflowCount += 1
        found.overflowByteCount += store.extent(reference).byteCount
        _ = try store.hold(reference, isWriter: false)
      }
      return
    }
    found.countInterior(level: page.level)
    for index in 0...page.slotCount {
      let depth = path.count
      path.last.pointee.childIndex = index
      try path.pushChild(page.child(index), level: page.level - 1, store)
      guard path.leaf.hasFences(ofChild: index, of: page) else {
        throw corruption(page.child(index), "its fences are not what its parent says")
      }
      try visit(&path, &found)
      path.truncate(to: depth)
    }
  }

  private mutating func note(_ start: UInt64, _ extent: Extent) throws(StorageError) {
    guard seen.insert(start).inserted else {
      throw .corrupted(structure: "tree page", offset: extent.offset, detail: "two pointers lead here")
    }
  }

  private func corruption(_ id: UInt64, _ detail: String) -> StorageError {
    .corrupted(structure: "tree page", offset: store.extent(id).offset, detail: detail)
  }
}
