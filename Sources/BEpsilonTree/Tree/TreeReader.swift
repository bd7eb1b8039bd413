// Reading: down one path, gathering what the buffers say about a key, until something settles it.
//
//   root buffer    append "!"          newest
//   inner buffer   (nothing)
//   inner buffer   add 5, put "x"  ◀── a put or a delete settles what lies below: the descent ends
//   leaf           "old"               oldest, not read
//
// Invariants
// 1. A reader changes no message and writes nothing; the index of a buffer it makes is memory only.
// 2. The nodes of the path are pinned until the value was shown.

import KeyValue
import Primitives
import Storage

/// Which state is read.
struct TreeState {
  var shape: TreeShape
  /// nil for the newest state.
  var nodes: SnapshotNodes?
}

/// Looks keys up.
final class TreeReader {
  let table: NodeTable
  let maximumValueByteCount: Int
  private var path: ContiguousArray<TreeNode> = []
  /// What the buffers say about a key, newest first.
  private var pending: ContiguousArray<UnsafeRawPointer> = []
  var value: ValueBuffer

  init(table: NodeTable, maximumValueByteCount: Int) {
    self.table = table
    self.maximumValueByteCount = maximumValueByteCount
    value = ValueBuffer(reservedByteCount: table.inlineLimitByteCount)
  }

  /// Shows the value of a key.
  ///
  /// - Returns: whether there is one.
  func get(
    _ key: Bytes, in state: TreeState, _ body: (RawSpan) -> Void
  ) throws(StorageError) -> Bool {
    defer { unpinPath() }
    pending.removeAll(keepingCapacity: true)
    var (number, birth) = (state.shape.root, state.shape.rootBirth)
    var level = state.shape.height
    while level > 0 {
      let node = try table.node(number, birth: birth, level: level, in: state.nodes)
      pin(node)
      let index = node.pivots.route(key)
      if node.parts[index].cellCount > 0 {
        try loadOrdered(index, of: node)
        if Self.gather(key, node.parts[index].run, &pending) {
          return try show(nil, body)
        }
      }
      (number, birth) = (node.parts[index].child, node.parts[index].birth)
      level -= 1
    }
    let leaf = try table.node(number, birth: birth, level: 0, in: state.nodes)
    pin(leaf)
    let index = leaf.pivots.route(key)
    if leaf.parts[index].cellCount > 0 {
      try table.loadPart(index, of: leaf)
      if let line = leaf.parts[index].run.find(key) {
        let cell = leaf.parts[index].run.cells + Int(leaf.parts[index].run.index.lines[line].offset)
        return try show(cell, body)
      }
    }
    return try show(nil, body)
  }

  /// Makes sure that a buffer is in memory and in order. The node is pinned.
  func loadOrdered(_ index: Int, of node: TreeNode) throws(StorageError) {
    try table.loadPart(index, of: node)
    let before = node.parts[index].run.memoryByteCount
    node.parts[index].run.orderMessages()
    if node.parts[index].run.memoryByteCount != before { table.recharge(node) }
  }

  private func pin(_ node: TreeNode) {
    node.pinCount += 1
    path.append(node)
  }

  private func unpinPath() {
    for node in path { node.pinCount -= 1 }
    path.removeAll(keepingCapacity: true)
  }

  /// Shows what an entry, nil for none, becomes under the pending messages.
  private func show(_ old: UnsafeRawPointer?, _ body: (RawSpan) -> Void) throws(StorageError) -> Bool {
    if pending.isEmpty {
      guard let old else { return false }
      try show(operandOf: old, body)
      return true
    }
    // A lone put needs no copy.
    if pending.count == 1, Cell.kind(pending[0]) == .put {
      try show(operandOf: pending[0], body)
      return true
    }
    value.makeAbsent()
    if let old { try assign(old) }
    for cell in pending.reversed() { try apply(cell) }
    guard value.isPresent else { return false }
    body(value.bytes.bytes)
    return true
  }

  private func show(operandOf cell: UnsafeRawPointer, _ body: (RawSpan) -> Void) throws(StorageError) {
    if !Cell.isReference(cell) { return body(Cell.operand(cell).buffer.bytes) }
    let block = try table.overflow(Cell.reference(cell), mayWrite: false)
    body(block.payload.bytes)
  }

  /// Makes `value` an entry's.
  func assign(_ cell: UnsafeRawPointer) throws(StorageError) {
    if !Cell.isReference(cell) { return value.assign(Cell.operand(cell).buffer) }
    let block = try table.overflow(Cell.reference(cell), mayWrite: false)
    value.assign(block.payload)
  }

  /// Applies one message, whatever its kind, to `value`, that of a key it concerns.
  func apply(_ cell: UnsafeRawPointer) throws(StorageError) {
    let kind = Cell.kind(cell)
    if kind == .deleteRange {
      value.makeAbsent()
    } else if Cell.isReference(cell) {
      let block = try table.overflow(Cell.reference(cell), mayWrite: false)
      value.apply(kind, operand: block.payload, maximumValueByteCount: maximumValueByteCount)
    } else {
      value.apply(kind, operand: Cell.operand(cell).buffer, maximumValueByteCount: maximumValueByteCount)
    }
  }

  /// Adds what a buffer says about a key, newest first, up to what settles it.
  ///
  /// - Returns: whether it is settled.
  static func gather(
    _ key: Bytes, _ run: borrowing CellRun, _ pending: inout ContiguousArray<UnsafeRawPointer>
  ) -> Bool {
    let lines = run.lines(about: key)
    var line = lines.upperBound - 1
    var range = run.rangeDeletes.count - 1
    while line >= lines.lowerBound || range >= 0 {
      let offset = line >= lines.lowerBound ? Int(run.index.lines[line].offset) : -1
      if range >= 0, Int(run.rangeDeletes[range]) > offset {
        let cell = UnsafeRawPointer(run.cells + Int(run.rangeDeletes[range]))
        range -= 1
        if Cell.key(cell).compare(key) > 0 || Cell.operand(cell).compare(key) <= 0 { continue }
        pending.append(cell)
        return true
      }
      let cell = UnsafeRawPointer(run.cells + offset)
      pending.append(cell)
      let kind = Cell.kind(cell)
      if kind == .put || kind == .delete { return true }
      line -= 1
    }
    return false
  }
}
