// What the log holds between two checkpoints: every batch, in parts that fit into a record (`LogTransaction`). An operation is
// a cell, as in buffers (`Cell`).
//
// Invariant: a batch is in the log before it is visible, and replays whole or not at all: parts without an end are dropped.

import KeyValue
import Primitives
import Storage

extension LogTransactionWriter {
  /// Bytes of a batch as cells.
  static func cellByteCount(_ batch: borrowing WriteBatch) -> Int {
    batch.count * Cell.headByteCount + batch.byteCount
  }

  /// Appends a whole batch.
  ///
  /// - Throws: what the log throws; the parts written until then never replay.
  mutating func append(_ batch: borrowing WriteBatch) throws(StorageError) {
    abandon()
    for entry in batch.entries {
      let place = try append(
        byteCount: Cell.byteCount(key: entry.keyByteCount, operand: entry.operandByteCount))
      Cell.write(
        to: place, kind: entry.kind.rawValue, key: Bytes(batch.key(of: entry)),
        operand: Bytes(batch.operand(of: entry)))
    }
    try finish()
  }
}

/// Puts batches together from the log's records.
final class BatchCollector {
  /// The operations of the batch so far.
  private(set) var batch = WriteBatch(reservedByteCount: 4_096)
  private var reader = LogTransactionReader(structure: "Bε-tree log record")
  private let maximumKeyByteCount: Int

  /// Whether the next record begins a batch.
  private(set) var isEmpty = true

  init(maximumKeyByteCount: Int) { self.maximumKeyByteCount = maximumKeyByteCount }

  /// Takes one record.
  ///
  /// - Returns: whether `batch` is complete.
  /// - Throws: `.corrupted` for a record that cannot have been written.
  func add(_ payload: UnsafeRawBufferPointer, at position: UInt64) throws(StorageError) -> Bool {
    guard let part = try reader.take(payload, at: position) else { return false }
    if part.begins { batch.removeAll() }
    isEmpty = part.ends
    var offset = 0
    while offset < part.operations.count {
      let rest = Bytes(part.operations.start + offset, part.operations.count - offset)
      if let problem = Cell.problem(rest, maximumKeyByteCount: maximumKeyByteCount) {
        throw reader.corruption(position, problem)
      }
      if Cell.isReference(rest.start) { throw reader.corruption(position, "an operand lies elsewhere") }
      batch.append(
        Cell.kind(rest.start), key: Cell.key(rest.start).buffer, operand: Cell.operand(rest.start).buffer)
      offset += Cell.byteCount(rest.start)
    }
    return part.ends
  }
}
