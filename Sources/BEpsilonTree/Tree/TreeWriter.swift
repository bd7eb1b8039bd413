// Messages in at the root, down by batches, to rest in leaves.
//
//   apply   room in the root? ──no──▶ flush until there is      (may read, write, fail: nothing of the batch happened yet)
//              │ yes
//           append to the root's buffers                        (cannot fail)
//
//   flush (node, child)   child whole in memory ─▶ messages move ─▶ child too full? flush it, then split or merge it
//
// Every step between two failures leaves a tree that answers as before: a message is either in the parent or in the child.
//
// Invariants
// 1. A flush holds the nodes of one path: the root, one child of each, and a neighbour when two are merged.
// 2. Between calls that did not fail: message bytes of a node ≤ B − F, children ≤ F, leaves ≤ B, except that the root may hold
//    one batch more.

import KeyValue
import Primitives
import Storage

/// Changes a tree.
final class TreeWriter {
  let table: NodeTable
  let geometry: BEpsilonGeometry
  let policy: FlushPolicy
  let mergeThresholdPercent: Int
  let maximumValueByteCount: Int
  /// Live cell bytes of a leaf at most.
  let leafCapacityByteCount: Int
  /// Live cell bytes of a basement in memory at most.
  let basementCapacityByteCount: Int
  /// A value under construction.
  @exclusivity(unchecked) var value: ValueBuffer
  /// Message bytes from which on a batch for one child passes through a node's buffer, where nodes are copied.
  let passThroughByteCount: Int
  /// Message bytes for a child below which it is flushed to only when no other has as many.
  let minimumFlushByteCount: Int
  /// Whether messages pass empty buffers.
  let promotes: Bool
  /// What failed after messages were taken, for the next caller who may throw.
  @exclusivity(unchecked) var postponed: StorageError?
  /// Draws made by the policy `random`.
  @exclusivity(unchecked) var drawCount: UInt64 = 0

  init(table: NodeTable, settings: BEpsilonSettings) {
    self.table = table
    geometry = settings.geometry
    policy = settings.policy
    mergeThresholdPercent = settings.mergeThresholdPercent
    passThroughByteCount = settings.passThroughByteCount
    minimumFlushByteCount = settings.minimumFlushByteCount
    promotes = settings.promotes
    maximumValueByteCount = settings.maximumValueByteCount
    let isCut = settings.geometry.nodeByteCount > table.encoder.wholeByteCount
    leafCapacityByteCount = settings.geometry.leafCapacityByteCount(table.encoder)
    basementCapacityByteCount = isCut ? table.encoder.basementPayloadByteCount : Int.max
    value = ValueBuffer(reservedByteCount: settings.inlineLimitByteCount)
  }

  /// The root, whole.
  func root() throws(StorageError) -> TreeNode {
    try table.wholeNode(table.shape.root, birth: table.shape.rootBirth, level: table.shape.height)
  }

  // MARK: Batches

  /// Makes the tree and the memory ready for `byteCount` bytes of cells.
  ///
  /// - Throws: what reading and writing nodes throws; `.outOfBudget` for more than the memory holds. Nothing is lost.
  ///
  /// - Parameter batch: what comes next: a root that is a leaf gets a buffer above it when it needs one.
  func makeRoom(for byteCount: Int, _ batch: borrowing WriteBatch) throws(StorageError) {
    try relieveRoot(adding: byteCount)
    // Arenas grow by half or the double.
    try table.makeRoom(byteCount * 2, mayWrite: true)
    let root = try root()
    if root.isLeaf { try completeRootLeaf(root) }
    if table.shape.height == 0, needsBuffer(batch) {
      let root = try self.root()
      try growRoot(over: root)
    }
  }

  /// A leaf that is changed needs memory of its own, not the device's.
  private func completeRootLeaf(_ root: TreeNode) throws(StorageError) {
    if root.contentByteCount > leafCapacityByteCount { try growRoot(over: root) }
  }

  /// Appends a batch to the root; room was made.
  ///
  /// - Parameter long: its long operands; nil when it has none.
  func insert(_ batch: borrowing WriteBatch, _ long: LongOperands? = nil, into root: TreeNode) {
    var long = long ?? LongOperands(limitByteCount: table.inlineLimitByteCount)
    if root.isLeaf {
      for entry in batch.entries {
        let key = Bytes(batch.key(of: entry))
        if let reference = long.take(entry) {
          withReferenceBytes(reference) { change(root, entry.kind, key, $0, isReference: true) }
        } else {
          change(root, entry.kind, key, Bytes(batch.operand(of: entry)))
        }
      }
      tidy(root)
    } else if promotes {
      insertPromoted(batch, long, into: root)
    } else {
      for entry in batch.entries {
        let key = Bytes(batch.key(of: entry))
        let operand = Bytes(batch.operand(of: entry))
        if entry.kind == .deleteRange {
          appendRange(key, operand, to: root)
        } else if let reference = long.take(entry) {
          let index = root.pivots.route(key)
          withReferenceBytes(reference) {
            append(entry.kind.rawValue, key, $0, to: root, at: index, isReference: true)
          }
        } else {
          append(entry.kind.rawValue, key, operand, to: root, at: root.pivots.route(key))
        }
      }
    }
    table.recharge(root)
    table.markDirty(root)
  }

  /// Adds a message to one buffer.
  @inline(__always) func append(
    _ kind: UInt8, _ key: Bytes, _ operand: Bytes, to node: TreeNode, at index: Int, isReference: Bool = false
  ) {
    let byteCount = Cell.byteCount(key: key.count, operand: operand.count)
    let part = node.parts + index
    part.pointee.run.append(kind: kind, key: key, operand: operand, isReference: isReference)
    part.pointee.byteCount += byteCount
    part.pointee.cellCount += 1
    node.contentByteCount += byteCount
  }

  /// Adds a range delete to the buffer of every child it touches, cut to that child's keys.
  func appendRange(_ start: Bytes, _ end: Bytes, to node: TreeNode) {
    if start.compare(end) >= 0 { return }
    let last = node.pivots.routeBelow(end)
    var index = node.pivots.route(start)
    while index <= last {
      let lower = index > 0 ? node.pivots.keys[index - 1] : []
      let upper = index < node.pivots.count ? node.pivots.keys[index] : []
      lower.withUnsafeBytes { lower in
        upper.withUnsafeBytes { upper in
          let low = Bytes(lower).compare(start) > 0 ? Bytes(lower) : start
          let isCut = index < node.pivots.count && Bytes(upper).compare(end) < 0
          append(OperationKind.deleteRange.rawValue, low, isCut ? Bytes(upper) : end, to: node, at: index)
        }
      }
      index += 1
    }
  }

  // MARK: The root

  /// Brings the root into shape and makes room in its buffer, as far as its capacity allows.
  func relieveRoot(adding byteCount: Int) throws(StorageError) {
    while true {
      let root = try root()
      root.pinCount += 1
      defer { root.pinCount -= 1 }
      if root.isLeaf {
        if root.contentByteCount <= leafCapacityByteCount { return }
        try growRoot(over: root)
        continue
      }
      try relieve(root, to: max(0, geometry.bufferByteCount - byteCount))
      if isTooWide(root) {
        try growRoot(over: root)
        continue
      }
      if root.partCount > 1 { return }
      try collapse(root)
    }
  }

  /// Puts a new root above the old one and splits that.
  private func growRoot(over old: TreeNode) throws(StorageError) {
    old.pinCount += 1
    defer { old.pinCount -= 1 }
    let root = try table.makeNode(level: old.level + 1, reserving: geometry.maximumChildCount < 64 ? 64 : 256)
    root.appendPart(NodePart(child: old.number, birth: table.shape.rootBirth))
    table.recharge(root)
    table.shape.root = root.number
    table.shape.height = root.level
    root.pinCount += 1
    defer { root.pinCount -= 1 }
    _ = try fix(old, in: root, at: 0, isAppend: false)
  }

  /// Makes the only child of the root the root.
  private func collapse(_ root: TreeNode) throws(StorageError) {
    if root.parts[0].cellCount > 0 {
      try flush(root, 0)
      return
    }
    let (child, birth) = (root.parts[0].child, root.parts[0].birth)
    try table.destroy(root)
    table.shape.root = child
    table.shape.rootBirth = birth
    table.shape.height -= 1
    table.counts.pointee.rootCollapses &+= 1
  }

  /// Whether a node has more children, or longer pivots, than a node may.
  func isTooWide(_ node: TreeNode) -> Bool {
    if node.partCount > geometry.maximumChildCount { return true }
    return node.partCount > 3 && headByteCount(node) > geometry.nodeByteCount
  }

  /// Bytes of a node's head: a line and a pivot for each child.
  func headByteCount(_ node: TreeNode) -> Int {
    NodeImage.headByteCount + node.partCount * (NodeImage.partByteCount + 2) + node.pivots.keyByteCount
  }
}
