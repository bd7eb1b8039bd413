// Flushing: the messages for one child move into it.
//
//   parent  [ c0: 9 ][ c1: 40 ][ c2: 12 ]      the policy says c1
//                        │ 40 messages
//                        ▼
//   child   [ a: 3+11 ][ b: 7+20 ][ c: 1+9 ]   inner: each joins the buffer of the grandchild it is for, in order of arrival
//   leaf    sorted, then applied to the entries in order
//
// Source: M. A. Bender et al., "An Introduction to Bε-trees and Write-Optimization", ;login: 40(5), 2015 (flushing to the child
// with the most pending messages).

import KeyValue
import Primitives
import Storage

extension TreeWriter {
  /// Flushes until a node's messages take at most `byteCount` bytes. The node is whole and pinned.
  func relieve(_ node: TreeNode, to byteCount: Int) throws(StorageError) {
    if node.contentByteCount <= byteCount { return }
    if policy == .all {
      // From the right: children that split lie behind the ones still to come.
      var index = node.partCount - 1
      while index >= 0 {
        if index < node.partCount, node.parts[index].cellCount > 0,
          node.parts[index].byteCount >= minimumFlushByteCount
        {
          try flush(node, index)
        }
        index -= 1
      }
    }
    while node.contentByteCount > byteCount, let child = choose(node) {
      try flush(node, child)
      try table.limitDirty()
    }
  }

  /// The child that is flushed next, nil when there are no messages.
  private func choose(_ node: TreeNode) -> Int? {
    switch policy {
    case .fullest, .all: return fullest(node) { _ in true }
    case .roundRobin:
      for step in 0..<node.partCount {
        let index = (node.nextChild + step) % node.partCount
        if isWorthFlushing(node, index) {
          node.nextChild = index + 1
          return index
        }
      }
      return fullest(node) { _ in true }
    case .random:
      var count = 0
      for index in 0..<node.partCount where isWorthFlushing(node, index) { count += 1 }
      if count == 0 { return fullest(node) { _ in true } }
      drawCount &+= 1
      var rest = Int(ContentHash.mix(drawCount) % UInt64(count))
      for index in 0..<node.partCount where isWorthFlushing(node, index) {
        if rest == 0 { return index }
        rest -= 1
      }
      return nil
    case .cacheAware:
      let enough = geometry.bufferByteCount / geometry.fanout / 2
      let near = fullest(node) { index in
        guard isWorthFlushing(node, index), let child = table.resident(node.parts[index].child) else {
          return false
        }
        return child.isDirty || node.parts[index].byteCount >= enough
      }
      return near ?? fullest(node) { _ in true }
    }
  }

  /// Whether a child has enough messages for a flush that is not forced. When none has, the fullest is forced.
  private func isWorthFlushing(_ node: TreeNode, _ index: Int) -> Bool {
    node.parts[index].cellCount > 0 && node.parts[index].byteCount >= minimumFlushByteCount
  }

  private func fullest(_ node: TreeNode, _ isCandidate: (Int) -> Bool) -> Int? {
    var best: Int?
    var most = 0
    for index in 0..<node.partCount where node.parts[index].byteCount > most && isCandidate(index) {
      best = index
      most = node.parts[index].byteCount
    }
    return best
  }

  /// Moves the messages for child `index` into it, and brings the child into shape. The node is whole and pinned.
  ///
  /// - Throws: with every message in one of the two, and both sound.
  func flush(_ node: TreeNode, _ index: Int) throws(StorageError) {
    try table.requireRoomToWrite(2 * table.largestNodeUnitCount, and: node)
    if table.copies != nil { return try sendBuffer(of: node, index) }
    let child = try table.wholeNode(
      node.parts[index].child, birth: node.parts[index].birth, level: node.level - 1)
    child.pinCount += 1
    defer { child.pinCount -= 1 }
    if !child.isLeaf {
      // What an earlier failure left behind goes first.
      try relieve(child, to: geometry.bufferByteCount)
      if isTooWide(child) {
        _ = try fix(child, in: node, at: index, isAppend: false)
        return
      }
    }
    let messageCount = UInt64(node.parts[index].cellCount)
    table.flushSizes.add(messageCount)
    var isAppend = false
    var failure: StorageError?
    if child.isLeaf {
      do throws(StorageError) {
        isAppend = try settle(&node.parts[index].run, in: child)
      } catch {
        // The messages that were not applied are still there.
        failure = error
      }
      table.counts.pointee.flushesToLeaf &+= 1
      table.counts.pointee.messagesToLeaf &+= messageCount
    } else {
      move(node.parts[index].run, to: child)
      table.counts.pointee.flushesToInner &+= 1
      table.counts.pointee.messagesToInner &+= messageCount
    }
    if failure == nil { node.parts[index].run.removeAll() }
    node.recount(index)
    table.recharge(node)
    table.markDirty(node)
    table.recharge(child)
    table.markDirty(child)
    table.noteTurn(of: child)
    if let failure { throw failure }
    if !child.isLeaf { try relieve(child, to: geometry.bufferByteCount) }
    _ = try fix(child, in: node, at: index, isAppend: isAppend)
  }

  /// Appends a buffer's messages to the buffers of an inner node, in order of arrival.
  func move(_ run: borrowing CellRun, to node: TreeNode) {
    var offset = 0
    var moved = 0
    let parts = node.parts
    let end = run.usedByteCount
    while offset < end {
      let cell = UnsafeRawPointer(run.cells + offset)
      let byteCount = Cell.byteCount(cell)
      if Cell.rawKind(cell) == OperationKind.deleteRange.rawValue {
        appendRange(Cell.key(cell), Cell.operand(cell), to: node)
      } else {
        let part = parts + node.pivots.route(Cell.key(cell))
        part.pointee.run.append(cell: cell, byteCount: byteCount)
        part.pointee.byteCount += byteCount
        part.pointee.cellCount += 1
        moved += byteCount
      }
      offset += byteCount
    }
    node.contentByteCount += moved
  }

  /// Applies a buffer's messages to a leaf.
  ///
  /// - Returns: whether all of them lie behind the leaf's last entry.
  /// - Throws: what reading and writing long values throws; those that were not applied are in the run.
  func settle(_ run: inout CellRun, in leaf: TreeNode) throws(StorageError) -> Bool {
    if !run.rangeDeletes.isEmpty {
      // In order of arrival: what was said before a range is gone with it.
      var offset = 0
      while offset < run.usedByteCount {
        let cell = UnsafeRawPointer(run.cells + offset)
        do throws(StorageError) {
          try settle(cell, in: leaf)
        } catch {
          run.keepMessages(fromOffset: offset)
          tidy(leaf)
          throw error
        }
        offset += Cell.byteCount(cell)
      }
      tidy(leaf)
      return false
    }
    run.orderMessages()
    var isAppend = false
    for line in 0..<run.index.count {
      let cell = UnsafeRawPointer(run.cells + Int(run.index.lines[line].offset))
      if line == 0 { isAppend = isBehind(leaf, Cell.key(cell)) }
      do throws(StorageError) {
        try settle(cell, in: leaf)
      } catch {
        run.keepMessages(fromLine: line)
        tidy(leaf)
        throw error
      }
    }
    tidy(leaf)
    return isAppend
  }

  @inline(__always) private func settle(
    _ cell: UnsafeRawPointer, in leaf: TreeNode
  ) throws(StorageError) {
    let kind = Cell.kind(cell)
    if kind.isUpsert { return try upsert(leaf, cell) }
    change(leaf, kind, Cell.key(cell), Cell.operand(cell), isReference: Cell.isReference(cell))
  }

  /// Whether a key lies behind the last entry of a leaf that has some.
  func isBehind(_ leaf: TreeNode, _ key: Bytes) -> Bool {
    let last = leaf.partCount - 1
    let count = leaf.parts[last].run.index.count
    if count == 0 { return false }
    let cell = leaf.parts[last].run.cells + Int(leaf.parts[last].run.index.lines[count - 1].offset)
    return Cell.key(cell).compare(key) < 0
  }

  // MARK: Everything

  /// Flushes every message to its leaf.
  func flushEverything() throws(StorageError) {
    try relieveRoot(adding: geometry.bufferByteCount)
    while true {
      let root = try root()
      if root.isLeaf { break }
      root.pinCount += 1
      defer { root.pinCount -= 1 }
      try flushSubtree(root)
      if !isTooWide(root), root.partCount > 1 { break }
      try relieveRoot(adding: geometry.bufferByteCount)
    }
    try mergeEverything()
  }

  /// Merges what is too small anywhere, until nothing is: neighbours under different parents become neighbours when the
  /// parents are merged. Splits what an earlier failure left too large.
  private func mergeEverything() throws(StorageError) {
    if mergeThresholdPercent == 0, !table.owesShape { return }
    while true {
      let before = table.counts.pointee.changesOfShape
      let root = try root()
      if root.isLeaf { return }
      root.pinCount += 1
      defer { root.pinCount -= 1 }
      try mergeSubtree(root)
      if table.counts.pointee.changesOfShape == before { return }
      try relieveRoot(adding: geometry.bufferByteCount)
    }
  }

  private func mergeSubtree(_ node: TreeNode) throws(StorageError) {
    var index = 0
    while index < node.partCount {
      let (number, birth, level) = (node.parts[index].child, node.parts[index].birth, node.level - 1)
      // Of a leaf the head is enough.
      let child =
        try level > 0
        ? table.wholeNode(number, birth: birth, level: level)
        : table.node(number, birth: birth, level: level, mayWrite: true)
      child.pinCount += 1
      defer { child.pinCount -= 1 }
      if child.isLeaf, child.contentByteCount > leafCapacityByteCount {
        _ = try table.wholeNode(number, birth: birth, level: 0)
      }
      index += try step(child, in: node, at: index) { () throws(StorageError) in
        if level > 0 { try mergeSubtree(child) }
      }
      try table.makeRoom(0, mayWrite: true)
    }
  }

  private func flushSubtree(_ node: TreeNode) throws(StorageError) {
    var index = 0
    while index < node.partCount {
      if node.parts[index].cellCount > 0 {
        let partCount = node.partCount
        try flush(node, index)
        // The child was split, was too wide, or was merged with its left neighbour: look there again.
        if node.partCount < partCount { index = max(0, index - 1) }
        if node.partCount != partCount || node.parts[index].cellCount > 0 { continue }
      }
      if node.level == 1 {
        index += 1
        continue
      }
      let child = try table.wholeNode(
        node.parts[index].child, birth: node.parts[index].birth, level: node.level - 1)
      child.pinCount += 1
      defer { child.pinCount -= 1 }
      index += try step(child, in: node, at: index) { () throws(StorageError) in try flushSubtree(child) }
      try table.makeRoom(0, mayWrite: true)
    }
  }

  /// Works on a child's subtree, then brings the child into shape.
  ///
  /// - Returns: how many children to go on by.
  private func step(
    _ child: TreeNode, in node: TreeNode, at index: Int, _ work: () throws(StorageError) -> Void
  ) throws(StorageError) -> Int {
    // A node whose children may get other ids is written with them; also when only some of the work was done.
    defer { if child.isDirty { table.markDirty(node) } }
    try work()
    return try fix(child, in: node, at: index, isAppend: false)
  }
}
