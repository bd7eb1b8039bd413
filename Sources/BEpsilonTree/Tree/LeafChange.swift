// What a message does to a leaf.
//
// Invariants
// 1. A leaf of more than one basement has no empty one after `tidy`.
// 2. Basements in memory that changed hold at most `basement_bytes`, or a single entry; on the device they may be longer
//    (`NodeImage`).

import KeyValue
import Primitives
import Storage

extension TreeWriter {
  /// Applies one message to a leaf that is held whole. Does not fail: an upsert meets and makes no long value here.
  func change(
    _ leaf: TreeNode, _ kind: OperationKind, _ key: Bytes, _ operand: Bytes, isReference: Bool = false
  ) {
    if kind == .deleteRange { return clear(leaf, key, operand) }
    let index = leaf.partCount == 1 ? 0 : leaf.pivots.route(key)
    let part = leaf.parts + index
    let position = part.pointee.run.index.bound(key, part.pointee.run.cells)
    let isFound = part.pointee.run.isKey(key, at: position)
    switch kind {
    case .put:
      if isFound { releaseReferences(part.pointee.run, position..<(position + 1)) }
      part.pointee.run.setEntry(key, operand, at: position, replaces: isFound, isReference: isReference)
    case .delete:
      if isFound {
        releaseReferences(part.pointee.run, position..<(position + 1))
        part.pointee.run.removeEntries(position..<(position + 1))
      }
    default:
      value.makeAbsent()
      if isFound {
        let cell = part.pointee.run.cells + Int(part.pointee.run.index.lines[position].offset)
        value.assign(Cell.operand(cell).buffer)
      }
      value.apply(kind, operand: operand.buffer, maximumValueByteCount: maximumValueByteCount)
      part.pointee.run.setEntry(key, Bytes(value.bytes), at: position, replaces: isFound)
    }
    changed(leaf, index, after: position)
  }

  /// Takes over that a basement changed at a line.
  func changed(_ leaf: TreeNode, _ index: Int, after position: Int) {
    leaf.recount(index)
    if leaf.parts[index].byteCount > basementCapacityByteCount { splitBasement(leaf, index, after: position) }
  }

  /// Removes the entries of [start, end).
  private func clear(_ leaf: TreeNode, _ start: Bytes, _ end: Bytes) {
    if start.compare(end) >= 0 { return }
    for index in leaf.pivots.route(start)...leaf.pivots.routeBelow(end) {
      let part = leaf.parts + index
      let low = part.pointee.run.index.bound(start, part.pointee.run.cells)
      let high = part.pointee.run.index.bound(end, part.pointee.run.cells)
      if low < high {
        releaseReferences(part.pointee.run, low..<high)
        part.pointee.run.removeEntries(low..<high)
        leaf.recount(index)
      }
    }
  }

  /// Cuts a basement in two: in the middle, or behind the last entry but one when that one was appended.
  private func splitBasement(_ leaf: TreeNode, _ index: Int, after position: Int) {
    let count = leaf.parts[index].run.index.count
    if count < 2 { return }
    cut(leaf, index, at: position == count - 1 ? count - 1 : count / 2)
  }

  /// Cuts a basement before one of its lines.
  func cut(_ leaf: TreeNode, _ index: Int, at line: Int) {
    let key = Self.separator(leaf.parts[index].run, line)
    var upper = NodePart()
    upper.run = leaf.parts[index].run.split(at: line)
    upper.recount()
    leaf.recount(index)
    leaf.insertPart(upper, at: index + 1)
    leaf.pivots.insert(key, at: index)
  }

  private static func separator(_ run: borrowing CellRun, _ line: Int) -> [UInt8] {
    let left = Cell.key(run.cells + Int(run.index.lines[line - 1].offset))
    let right = Cell.key(run.cells + Int(run.index.lines[line].offset))
    return BEpsilonTree.separator(left, right)
  }

  /// Takes empty basements out of a leaf.
  func tidy(_ leaf: TreeNode) {
    var index = leaf.partCount - 1
    while index >= 0, leaf.partCount > 1 {
      if leaf.parts[index].cellCount == 0 {
        _ = leaf.removePart(at: index)
        leaf.pivots.remove(at: max(0, index - 1))
      }
      index -= 1
    }
  }
}
