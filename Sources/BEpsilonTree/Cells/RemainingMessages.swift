// What is left of a buffer whose messages were applied in part.

import KeyValue
import Primitives

extension CellRun {
  /// Keeps only the messages that arrived at an offset or later.
  mutating func keepMessages(fromOffset start: Int) {
    var rest = CellRun()
    var offset = start
    while offset < usedByteCount {
      let cell = UnsafeRawPointer(cells + offset)
      rest.append(
        kind: Cell.rawKind(cell), key: Cell.key(cell), operand: Cell.operand(cell),
        isReference: Cell.isReference(cell))
      offset += Cell.byteCount(cell)
    }
    self = rest
  }

  /// Keeps only the messages from a line of the index on, in order of arrival.
  mutating func keepMessages(fromLine start: Int) {
    var offsets: [UInt32] = []
    for line in start..<index.count { offsets.append(index.lines[line].offset) }
    offsets.sort()
    var rest = CellRun()
    for offset in offsets {
      let cell = UnsafeRawPointer(cells + Int(offset))
      rest.append(cell: cell, byteCount: Cell.byteCount(cell))
    }
    self = rest
  }
}
