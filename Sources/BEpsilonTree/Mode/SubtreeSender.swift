// Messages sent to a subtree, which becomes another one: the core of the copy-on-write mode, step by step.
//
//   send (id, messages) ─▶ (new id, new pivots)
//
//   1    inner node
//   1.1     all messages for one child?  ─▶ what the buffer says about their keys goes ahead of them, the rest of it stays
//                                           where it is; send to the child                              (pass-through)
//           otherwise                    ─▶ they join the buffer, in order of arrival
//   1.2     while the buffer is not well-formed: flush, each child's messages by `send`; its new pivots join the node's
//   1.3     while the pivots are not well-formed: split
//   2    leaf: apply all messages; while it is not well-formed: split
//
// Which children 1.2 flushes to is the flush policy's; with `all` it is the algorithm as it was published.
//
// Invariants
// 1. The old id leads to the old subtree on the device until that is freed. A node that has no place there yet is the
//    writer's own and is changed where it is.
// 2. New pivots are sorted, lie within the subtree's keys, and separate disjoint subtrees.
// 3. Sending either throws, and no message is visible, or takes all messages. What fails behind that is kept in `postponed`:
//    nodes are then too large, and sound.
//
// Deviations: passing through pays for itself when a batch is worth a node's pointers, so there is a least size for it
// (`pass_through_bytes`; 1 is the published rule, with which nothing that comes alone is ever buffered). Nodes that are too
// small are merged. Range deletes, and upserts that may meet long values, do not pass through.
//
// Source: the design `send_msgs_to_subtree` of a Bε-tree in Rust, after M. A. Bender et al., "An Introduction to Bε-trees and
// Write-Optimization", ;login: 40(5), 2015.

import KeyValue
import Primitives
import Storage

/// A right part that a split cut off, and where it begins.
struct SplitPiece {
  var pivot: [UInt8]
  var node: TreeNode
}

/// What a subtree has become.
struct SentMessages {
  /// The id of its root.
  var id: UInt64
  /// Roots of more subtrees to its right, each behind its pivot.
  var pivots: [(key: [UInt8], id: UInt64)]
}

extension TreeWriter {
  /// Sends messages to a subtree.
  ///
  /// - Parameters:
  ///   - messages: in order of arrival, for keys of the subtree; afterwards the subtree has them. When something is postponed,
  ///     those that are left were not taken: only where one reads or writes long values (`needsBuffer`).
  ///   - id: the root of the subtree.
  ///   - birth: which write put that node there.
  ///   - level: the level of that node.
  /// - Throws: what reading, and making room for it, throws; the subtree is as it was.
  func send(
    _ messages: inout CellRun, to id: UInt64, birth: UInt16, level: Int
  ) throws(StorageError) -> SentMessages {
    if level == 0 { return try settle(&messages, inLeaf: id, birth) }
    if messages.usedByteCount >= passThroughByteCount,
      let sent = try passThrough(&messages, id, birth, level: level)
    {
      return sent
    }
    let node = try table.wholeNode(id, birth: birth, level: level)
    node.pinCount += 1
    defer { node.pinCount -= 1 }
    try table.makeRoom(messages.usedByteCount, mayWrite: true)
    _ = table.beginChange(node)
    let count = UInt64(messages.count)
    move(messages, to: node)
    messages.removeAll()
    table.counts.pointee.flushesToInner &+= 1
    table.counts.pointee.messagesToInner &+= count
    table.flushSizes.add(count)
    table.recharge(node)
    table.markDirty(node)
    do throws(StorageError) {
      try relieve(node, to: geometry.bufferByteCount)
    } catch {
      postponed = error
    }
    return divide(node, isAppend: false)
  }

  /// Step 2.
  private func settle(
    _ messages: inout CellRun, inLeaf id: UInt64, _ birth: UInt16
  ) throws(StorageError) -> SentMessages {
    let leaf = try table.wholeNode(id, birth: birth, level: 0)
    leaf.pinCount += 1
    defer { leaf.pinCount -= 1 }
    try table.makeRoom(messages.usedByteCount, mayWrite: true)
    _ = table.beginChange(leaf)
    let count = UInt64(messages.count)
    var isAppend = false
    do throws(StorageError) {
      isAppend = try settle(&messages, in: leaf)
      messages.removeAll()
    } catch {
      // Those that were not applied are left to the sender.
      postponed = error
    }
    table.counts.pointee.flushesToLeaf &+= 1
    table.counts.pointee.messagesToLeaf &+= count
    table.flushSizes.add(count)
    table.recharge(leaf)
    table.markDirty(leaf)
    return divide(leaf, isAppend: isAppend)
  }

  /// Steps 1.3 and 2: splits a changed node as often as it takes.
  private func divide(_ node: TreeNode, isAppend: Bool) -> SentMessages {
    var pieces: [SplitPiece] = []
    do throws(StorageError) {
      try split(node, isAppend: isAppend, into: &pieces)
    } catch {
      postponed = error
    }
    return SentMessages(id: node.number, pivots: pieces.map { ($0.pivot, $0.node.number) })
  }

  // MARK: Step 1.1

  /// Sends messages on to the only child they are for.
  ///
  /// - Returns: nil when there are several, or they must wait for what the buffer says.
  private func passThrough(
    _ messages: inout CellRun, _ id: UInt64, _ birth: UInt16, level: Int
  ) throws(StorageError) -> SentMessages? {
    if messages.count == 0 || !messages.rangeDeletes.isEmpty || needsBuffer(messages) { return nil }
    let node = try table.node(id, birth: birth, level: level, mayWrite: true)
    node.pinCount += 1
    defer { node.pinCount -= 1 }
    messages.orderMessages()
    let index = node.pivots.route(Self.key(messages, 0))
    guard node.pivots.route(Self.key(messages, messages.index.count - 1)) == index else { return nil }
    let holdsMessages = node.parts[index].cellCount > 0
    var sharesKeys = false
    if holdsMessages {
      _ = try table.wholeNode(node.number, birth: node.birth, level: level)
      if !node.parts[index].run.rangeDeletes.isEmpty { return nil }
      node.parts[index].run.orderMessages()
      sharesKeys = Self.shareKey(messages, node.parts[index].run)
      if sharesKeys, needsBuffer(node.parts[index].run) { return nil }
    }
    let (child, childBirth) = (node.parts[index].child, node.parts[index].birth)
    let count = UInt64(messages.count)
    let sent: SentMessages
    if sharesKeys {
      // What was said before about the same keys goes first; what was said about others stays.
      var ahead = CellRun()
      var kept = CellRun()
      Self.divide(node.parts[index].run, by: messages, into: &ahead, &kept)
      Self.append(messages, to: &ahead)
      sent = try send(&ahead, to: child, birth: childBirth, level: level - 1)
      messages.removeAll()
      node.parts[index].run = kept
      node.recount(index)
    } else {
      sent = try send(&messages, to: child, birth: childBirth, level: level - 1)
    }
    table.counts.pointee.passedThrough &+= count
    _ = table.beginChange(node)
    if sharesKeys || (holdsMessages && !sent.pivots.isEmpty) {
      table.markDirty(node)
    } else {
      table.markHeadDirty(node)
    }
    adopt(sent, in: node, at: index)
    table.recharge(node)
    do throws(StorageError) {
      if isTooWide(node) || isFixable(sent.id) {
        // Splits and merges move buffers, so they need them.
        let whole = try table.wholeNode(node.number, birth: node.birth, level: level)
        table.markDirty(whole)
        try mend(sent, in: node, at: index)
      }
    } catch {
      // It is not whole, so it stays too wide for now.
      postponed = error
      return SentMessages(id: node.number, pivots: [])
    }
    return divide(node, isAppend: false)
  }

  private static func key(_ run: borrowing CellRun, _ line: Int) -> Bytes {
    Cell.key(run.cells + Int(run.index.lines[line].offset))
  }

  /// Whether two ordered runs have a key in common.
  private static func shareKey(_ first: borrowing CellRun, _ second: borrowing CellRun) -> Bool {
    var (left, right) = (0, 0)
    while left < first.index.count, right < second.index.count {
      let order = key(first, left).compare(key(second, right))
      if order == 0 { return true }
      if order < 0 { left += 1 } else { right += 1 }
    }
    return false
  }

  /// Divides a buffer into the messages about keys of `messages` and the others, both in order of arrival.
  private static func divide(
    _ run: borrowing CellRun, by messages: borrowing CellRun, into about: inout CellRun,
    _ others: inout CellRun
  ) {
    var offset = 0
    while offset < run.usedByteCount {
      let cell = UnsafeRawPointer(run.cells + offset)
      let byteCount = Cell.byteCount(cell)
      if messages.lines(about: Cell.key(cell)).isEmpty {
        others.append(cell: cell, byteCount: byteCount)
      } else {
        about.append(cell: cell, byteCount: byteCount)
      }
      offset += byteCount
    }
  }

  private static func append(_ messages: borrowing CellRun, to run: inout CellRun) {
    var offset = 0
    while offset < messages.usedByteCount {
      let cell = UnsafeRawPointer(messages.cells + offset)
      let byteCount = Cell.byteCount(cell)
      run.append(cell: cell, byteCount: byteCount)
      offset += byteCount
    }
  }

  // MARK: Step 1.2

  /// Sends the messages for a child to it. The node is whole and pinned.
  ///
  /// - Throws: with every message in one of the two, and both sound.
  func sendBuffer(of node: TreeNode, _ index: Int) throws(StorageError) {
    let (child, birth) = (node.parts[index].child, node.parts[index].birth)
    let sent = try send(&node.parts[index].run, to: child, birth: birth, level: node.level - 1)
    node.recount(index)
    table.markDirty(node)
    adopt(sent, in: node, at: index)
    table.recharge(node)
    try mend(sent, in: node, at: index)
    try throwPostponed()
  }

  /// Puts what a child has become in its place; messages that wait for it go to the parts they now belong to.
  private func adopt(_ sent: SentMessages, in node: TreeNode, at index: Int) {
    if !sent.pivots.isEmpty, node.parts[index].cellCount > 0 {
      var waiting = CellRun()
      swap(&waiting, &node.parts[index].run)
      node.recount(index)
      adopt(sent, in: node, at: index)
      move(waiting, to: node)
      return
    }
    node.parts[index].child = sent.id
    for (offset, pivot) in sent.pivots.enumerated() {
      node.insertPart(NodePart(child: pivot.id), at: index + offset + 1)
      node.pivots.insert(pivot.key, at: index + offset)
    }
  }

  private func isFixable(_ id: UInt64) -> Bool {
    guard let child = table.resident(id) else { return false }
    return isTooSmall(child)
  }

  /// Merges a child that became too small.
  private func mend(_ sent: SentMessages, in node: TreeNode, at index: Int) throws(StorageError) {
    guard sent.pivots.isEmpty, let child = table.resident(sent.id) else { return }
    child.pinCount += 1
    defer { child.pinCount -= 1 }
    if isTooSmall(child) { _ = try fix(child, in: node, at: index, isAppend: false) }
  }

  /// Throws what was postponed, once.
  func throwPostponed() throws(StorageError) {
    guard let error = postponed else { return }
    postponed = nil
    throw error
  }

  // MARK: The root

  /// A batch's operations as messages.
  func messages(of batch: borrowing WriteBatch, _ long: LongOperands) -> CellRun {
    var long = long
    var run = CellRun()
    run.reserve(LongOperands.messageByteCount(batch, limitByteCount: table.inlineLimitByteCount))
    for entry in batch.entries {
      let key = Bytes(batch.key(of: entry))
      if let reference = long.take(entry) {
        withReferenceBytes(reference) {
          run.append(kind: entry.kind.rawValue, key: key, operand: $0, isReference: true)
        }
      } else {
        run.append(kind: entry.kind.rawValue, key: key, operand: Bytes(batch.operand(of: entry)))
      }
    }
    return run
  }

  /// Makes sure that messages which must not be applied to a leaf at once meet a buffer.
  func putBufferOverRootLeaf() {
    if table.shape.height > 0 { return }
    let root = table.makeUnplacedNode(level: 1, reserving: 8)
    root.appendPart(NodePart(child: table.shape.root, birth: table.shape.rootBirth))
    table.recharge(root)
    table.shape.root = root.number
    table.shape.height = 1
  }

  /// Brings the root into shape when it is not; its buffers are not read to find out.
  func relieveRootIfNeeded() throws(StorageError) {
    let root = try table.node(
      table.shape.root, birth: table.shape.rootBirth, level: table.shape.height, mayWrite: true)
    let isShaped =
      root.isLeaf
      ? root.contentByteCount <= leafCapacityByteCount
      : root.contentByteCount <= geometry.bufferByteCount && root.partCount > 1 && !isTooWide(root)
    if !isShaped { try relieveRoot(adding: 0) }
  }

  /// Sends messages to the tree, which grows when its root was split.
  ///
  /// - Throws: as `send`; what was postponed stays so.
  func sendToRoot(_ messages: inout CellRun) throws(StorageError) {
    var sent = try send(
      &messages, to: table.shape.root, birth: table.shape.rootBirth, level: table.shape.height)
    while true {
      table.shape.root = sent.id
      if sent.pivots.isEmpty { break }
      let root = table.makeUnplacedNode(level: table.shape.height + 1, reserving: sent.pivots.count + 1)
      root.appendPart(NodePart(child: sent.id))
      adopt(sent, in: root, at: 0)
      table.recharge(root)
      table.shape.root = root.number
      table.shape.height = root.level
      root.pinCount += 1
      sent = divide(root, isAppend: false)
      root.pinCount -= 1
    }
  }
}
