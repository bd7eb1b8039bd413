// Splits and merges: nodes within their bounds again.
//
//   too large    [ ……………………… ]  ─▶  [ ………… ] pivot [ ………… ]      pieces of equal size; full ones when keys only grow
//   too small    [ … ] pivot [ …… ]  ─▶  [ ……… ]                      when both fit into three quarters of one
//
// The parent's two buffers become one: their messages are about different keys, so one after the other is an order of arrival.
//
// Invariant: numbers are given out and given back before anything moves, so what can fail fails first.

import KeyValue
import Primitives
import Storage

extension TreeWriter {
  /// Splits a child that is too large and merges one that is too small. Both nodes are whole and pinned.
  ///
  /// - Parameter isAppend: whether the child only grew at its end.
  /// - Returns: how far the next child lies behind `index` for somebody who walks over all of them.
  func fix(
    _ child: TreeNode, in parent: TreeNode, at index: Int, isAppend: Bool
  ) throws(StorageError) -> Int {
    if child.isLeaf ? child.contentByteCount > leafCapacityByteCount : isTooWide(child) {
      var pieces: [SplitPiece] = []
      let growsAtEnd = child.isLeaf ? isAppend : isGrowingAtEnd(child)
      do throws(StorageError) {
        try split(child, isAppend: isAppend, into: &pieces)
      } catch {
        adopt(pieces, in: parent, at: index, growsAtEnd)
        throw error
      }
      adopt(pieces, in: parent, at: index, growsAtEnd)
      return 1
    }
    if parent.partCount == 1 || !isTooSmall(child) { return 1 }
    // With the left neighbour when there is one.
    if index > 0 { return try merge(parent, index - 1) ? 0 : 1 }
    return try merge(parent, 0) ? 0 : 1
  }

  // MARK: Splitting

  /// Splits a node that is too large, as often as it takes. It is whole.
  ///
  /// - Parameter pieces: what was cut off, in key order; also when it throws.
  func split(
    _ node: TreeNode, isAppend: Bool, into pieces: inout [SplitPiece]
  ) throws(StorageError) {
    if node.isLeaf {
      try splitLeaf(node, isAppend: isAppend, into: &pieces)
    } else {
      try splitInner(node, into: &pieces)
    }
  }

  /// Whether a node is filled less than the threshold for merging.
  func isTooSmall(_ node: TreeNode) -> Bool {
    if node.isLeaf {
      let limit = leafCapacityByteCount / 100 * mergeThresholdPercent
      return node.contentByteCount == 0 || node.contentByteCount < limit
    }
    return node.partCount == 1 || node.partCount * 100 < geometry.fanout * mergeThresholdPercent
  }

  /// Puts what was cut off a child behind it.
  private func adopt(
    _ pieces: [SplitPiece], in parent: TreeNode, at index: Int, _ growsAtEnd: Bool
  ) {
    if pieces.isEmpty { return }
    let isAtEnd = growsAtEnd && index == parent.partCount - 1
    parent.endSplitCount = isAtEnd ? parent.endSplitCount + pieces.count : 0
    // After a failure messages may still wait for the child: they go to the parts they now belong to.
    var waiting = CellRun()
    if parent.parts[index].cellCount > 0 {
      swap(&waiting, &parent.parts[index].run)
      parent.recount(index)
    }
    for (offset, piece) in pieces.enumerated() {
      parent.insertPart(NodePart(child: piece.node.number), at: index + offset + 1)
      parent.pivots.insert(piece.pivot, at: index + offset)
    }
    move(waiting, to: parent)
    table.recharge(parent)
    table.markDirty(parent)
  }

  private func splitLeaf(
    _ leaf: TreeNode, isAppend: Bool, into pieces: inout [SplitPiece]
  ) throws(StorageError) {
    var left = leaf
    while left.contentByteCount > leafCapacityByteCount {
      // Equal pieces of at most three quarters.
      let pieceCount = max(2, left.contentByteCount / (leafCapacityByteCount * 3 / 4) + 1)
      let target = isAppend ? leafCapacityByteCount : left.contentByteCount / pieceCount
      guard let (part, line) = leafCut(left, target) else { return }
      let right = try table.makeNode(level: 0, reserving: left.partCount + 1)
      var first = part
      if line > 0 {
        cut(left, part, at: line)
        first += 1
      }
      pieces.append(SplitPiece(pivot: moveParts(of: left, from: first, to: right), node: right))
      table.counts.pointee.leafSplits &+= 1
      // What is full when keys only grow is written first, what grows last.
      if isAppend { table.noteTurn(of: left) }
      left = right
    }
  }

  /// The basement and the line before which a leaf is cut so that its left part has about `target` bytes; nil for a leaf of
  /// one entry.
  private func leafCut(_ leaf: TreeNode, _ target: Int) -> (part: Int, line: Int)? {
    var sum = 0
    for part in 0..<leaf.partCount {
      if sum + leaf.parts[part].byteCount < target {
        sum += leaf.parts[part].byteCount
        continue
      }
      let count = leaf.parts[part].run.index.count
      for line in 0..<count {
        let cell = leaf.parts[part].run.cells + Int(leaf.parts[part].run.index.lines[line].offset)
        if sum + Cell.byteCount(cell) > target, part > 0 || line > 0 { return (part, line) }
        sum += Cell.byteCount(cell)
      }
    }
    // The last entry alone is what lies behind the target.
    let last = leaf.partCount - 1
    let count = leaf.parts[last].run.index.count
    if count > 1 { return (last, count - 1) }
    return last > 0 ? (last, 0) : nil
  }

  private func splitInner(
    _ node: TreeNode, into pieces: inout [SplitPiece]
  ) throws(StorageError) {
    let growsAtEnd = isGrowingAtEnd(node)
    var left = node
    while isTooWide(left) {
      let count = left.partCount
      let pieceCount = max(2, (count + geometry.maximumChildCount - 1) / geometry.maximumChildCount)
      let first = growsAtEnd ? min(geometry.maximumChildCount, count - 2) : count / pieceCount
      let right = try table.makeNode(level: node.level, reserving: count)
      let pivot = moveParts(of: left, from: first, to: right)
      pieces.append(SplitPiece(pivot: pivot, node: right))
      table.counts.pointee.innerSplits &+= 1
      left.endSplitCount = 0
      right.endSplitCount = growsAtEnd ? right.partCount : 0
      left = right
    }
  }

  /// Whether a node is too wide because children came one after the other at its end: it is left full, as leaves are.
  private func isGrowingAtEnd(_ node: TreeNode) -> Bool {
    node.partCount > geometry.maximumChildCount && 2 * node.endSplitCount >= node.partCount
      && headByteCount(node) <= geometry.nodeByteCount
  }

  /// Moves a node's parts from `first` on to a new right neighbour.
  ///
  /// - Returns: the pivot between the two.
  private func moveParts(of left: TreeNode, from first: Int, to right: TreeNode) -> [UInt8] {
    let key = left.pivots.keys[first - 1]
    right.pivots = left.pivots.split(at: first)
    left.pivots.remove(at: first - 1)
    let count = left.partCount - first
    for _ in 0..<count { right.appendPart(left.removePart(at: first)) }
    for node in [left, right] {
      table.recharge(node)
      table.markDirty(node)
    }
    return key
  }

  // MARK: Merging

  /// Merges children `index` and `index + 1` when both fit into one.
  ///
  /// - Returns: whether they were merged.
  private func merge(_ parent: TreeNode, _ index: Int) throws(StorageError) -> Bool {
    let level = parent.level - 1
    // Only the head tells whether it is worth reading the rest.
    let left = try table.node(
      parent.parts[index].child, birth: parent.parts[index].birth, level: level, mayWrite: true)
    left.pinCount += 1
    defer { left.pinCount -= 1 }
    let right = try table.node(
      parent.parts[index + 1].child, birth: parent.parts[index + 1].birth, level: level, mayWrite: true)
    right.pinCount += 1
    defer { right.pinCount -= 1 }
    guard fitTogether(left, right) else { return false }
    _ = try table.wholeNode(left.number, birth: left.birth, level: level)
    _ = try table.wholeNode(right.number, birth: right.birth, level: level)
    try table.destroy(right)
    parent.parts[index].child = table.beginChange(left)
    left.pivots.append(parent.pivots.keys[index])
    for key in right.pivots.keys { left.pivots.append(key) }
    while right.partCount > 0 { left.appendPart(right.removePart(at: 0)) }
    if left.isLeaf { tidy(left) }
    let part = parent.removePart(at: index + 1)
    parent.pivots.remove(at: index)
    join(part.run, to: &parent.parts[index].run)
    parent.recount(index)
    for node in [left, parent] {
      table.recharge(node)
      table.markDirty(node)
    }
    table.counts.pointee.merges &+= 1
    return true
  }

  private func fitTogether(_ left: TreeNode, _ right: TreeNode) -> Bool {
    let content = left.contentByteCount + right.contentByteCount
    if left.isLeaf {
      let isFree = left.contentByteCount == 0 || right.contentByteCount == 0
      return content <= (isFree ? leafCapacityByteCount : leafCapacityByteCount / 4 * 3)
    }
    let headByteCount =
      NodeImage.headByteCount + (left.partCount + right.partCount) * (NodeImage.partByteCount + 2)
      + left.pivots.keyByteCount + right.pivots.keyByteCount + geometry.maximumKeyByteCount
    return left.partCount + right.partCount <= max(3, geometry.maximumChildCount / 4 * 3)
      && headByteCount <= geometry.nodeByteCount && content <= geometry.bufferByteCount
  }

  private func join(_ run: borrowing CellRun, to other: inout CellRun) {
    var offset = 0
    while offset < run.usedByteCount {
      let cell = UnsafeRawPointer(run.cells + offset)
      other.append(
        kind: Cell.rawKind(cell), key: Cell.key(cell), operand: Cell.operand(cell),
        isReference: Cell.isReference(cell))
      offset += Cell.byteCount(cell)
    }
  }
}
