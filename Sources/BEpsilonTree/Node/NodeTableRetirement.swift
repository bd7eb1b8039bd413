// Which nodes stay in memory while messages move: inner nodes that wait for their next batch, not leaves that had theirs.
//
//   a parent empties its fullest buffer, so its children have their turns one after the other:
//
//   turn     c0   c1   c2   c3   c0 …        the child that just had its turn comes again last of all
//            ▲ written and let go first
//
// A leaf's turn comes once for many turns of its parent: leaves go before inner nodes.
//
// Invariants
// 1. A retired node is clean and used by nobody since; one that was used again stays.
// 2. What may be dirty at rest leaves readers the room of a path that they need not write for.

import KeyValue
import Primitives
import Storage

extension NodeTable {
  /// The most passes of the clock's hand a node survives unused.
  static var mostChances: Int { 10 }

  /// Passes a node that was just used survives: what is read alone goes on its own, so the head of a node that is cut, a
  /// directory of its parts, stays longer than a whole node; the higher, the longer.
  func chances(of node: TreeNode) -> Int {
    switch (node.isStoredWhole, node.isLeaf) {
    case (true, true): 2
    case (true, false): 4
    case (false, true): 6
    case (false, false): Self.mostChances
    }
  }

  /// Bytes of nodes that may be dirty at rest: all but a quarter, or three nodes.
  var dirtyLimitByteCount: Int {
    max(capacityByteCount / 2, capacityByteCount - max(capacityByteCount / 4, 3 * geometry.nodeByteCount))
  }

  /// Notes that a node had its turn: a batch moved into it.
  @inline(__always) func noteTurn(of node: TreeNode) {
    turnCount &+= 1
    node.turn = turnCount
  }

  /// Notes that a node that was in memory was used.
  @inline(__always) func noteUse(of node: TreeNode) { node.chances = chances(of: node) }

  /// Writes changed nodes until what is dirty is within its limit: leaves first, then level by level, each time those that had
  /// their turn last.
  ///
  /// - Throws: what writing throws; what was written until then stays written.
  func limitDirty() throws(StorageError) {
    let limit = dirtyLimitByteCount
    if dirtyByteCount <= limit { return }
    // A little more than needed, so that a table of many small nodes is not searched for each.
    let target = limit - limit / 16
    for level in 0...max(shape.height, 1) {
      var candidates: [TreeNode] = []
      for node in ring where node.level == level && node.isDirty && node.pinCount == 0 {
        candidates.append(node)
      }
      candidates.sort { $0.turn > $1.turn }
      var byteCount = dirtyByteCount
      var end = 0
      while end < candidates.count, byteCount > target {
        byteCount -= candidates[end].charge
        end += 1
      }
      candidates.removeSubrange(end...)
      try write(candidates)
      for node in candidates { retire(node) }
      if dirtyByteCount <= limit { return }
    }
  }

  /// Puts a written node among those that leave memory first.
  private func retire(_ node: TreeNode) {
    node.chances = 0
    // Nothing asked for room for long: those that were retired long ago are left to the clock.
    if retired.count >= 2 * ring.count + 64 { retired.removeAll(keepingCapacity: true) }
    retired.append(node.number)
  }

  /// Drops retired nodes until there is room for `byteCount` bytes or none is left.
  func dismissRetired(keeping byteCount: Int) {
    while heldByteCount + byteCount > capacityByteCount, let number = retired.popLast() {
      // It may have been used, changed or dropped since.
      guard let node = resident(number), !node.isDirty, node.pinCount == 0, node.chances == 0 else {
        continue
      }
      dismiss(node)
      counts.pointee.evictions &+= 1
    }
  }
}
