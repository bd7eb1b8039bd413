// What the log holds between two checkpoints: every transaction, in parts that fit into a record (`LogTransaction`).
//
//   operation [ kind 1 │ key bytes 4 │ operand bytes 4 │ key │ operand ]
//             kinds 1 … 6 as in a batch; 16 select the bucket named by the key (empty: the engine's own keys),
//             17 create that bucket, 18 drop it
//
// Invariants
// 1. A transaction is in the log before it is visible, and replays whole or not at all: parts without an end are dropped.
// 2. A batch begins with no bucket selected.

import KeyValue
import Primitives
import Storage

/// Kinds of log operations beside those of a batch.
enum BucketOperation: UInt8 {
  case select = 16
  case create = 17
  case drop = 18
}

/// The codec of one operation.
enum LogOperation {
  /// Bytes of an operation beside key and operand.
  static let headByteCount = 9

  /// Bytes that a batch of these sizes takes in the log at most.
  static func byteCount(operationCount: Int, operandByteCount: Int) -> Int {
    LogTransactionWriter.byteCount(operationByteCount: operationCount * headByteCount + operandByteCount)
  }
}

extension LogTransactionWriter {
  /// Adds one operation.
  @inline(__always) mutating func append(
    _ kind: UInt8, _ key: Bytes, _ operand: Bytes
  ) throws(StorageError) {
    let place = try append(byteCount: LogOperation.headByteCount + key.count + operand.count)
    place.setU8(0, kind)
    place.setU32(1, UInt32(key.count))
    place.setU32(5, UInt32(operand.count))
    key.copy(to: place + LogOperation.headByteCount)
    operand.copy(to: place + (LogOperation.headByteCount + key.count))
  }
}

/// Puts transactions together from the log's records.
struct TransactionCollector {
  /// The actions of the transaction so far.
  private(set) var actions = ActionList()
  private var reader = LogTransactionReader(structure: "B-tree log record")
  /// Whether the next record begins a transaction.
  private(set) var isEmpty = true

  /// Takes one record.
  ///
  /// - Returns: whether a transaction is complete in `actions`.
  /// - Throws: `.corrupted` for a record that cannot have been written.
  mutating func add(_ payload: UnsafeRawBufferPointer, at position: UInt64) throws(StorageError) -> Bool {
    guard let part = try reader.take(payload, at: position) else { return false }
    if part.begins { actions = ActionList() }
    isEmpty = part.ends
    let record = part.operations
    var offset = 0
    while offset < record.count {
      guard record.count - offset >= 9 else {
        throw reader.corruption(position, "it ends inside an operation")
      }
      let kind = record.start.u8(offset)
      let keyCount = Int(record.start.u32(offset + 1))
      let operandCount = Int(record.start.u32(offset + 5))
      guard keyCount + operandCount <= record.count - offset - 9 else {
        throw reader.corruption(position, "it ends inside a key or value")
      }
      let key = Bytes(record.start + (offset + 9), keyCount)
      let operand = Bytes(record.start + (offset + 9 + keyCount), operandCount)
      if let kind = OperationKind(rawValue: kind), kind.accepts(operandByteCount: operandCount) {
        actions.append(kind, key, operand)
      } else if let kind = BucketOperation(rawValue: kind), operandCount == 0 {
        actions.append(kind, [UInt8](key.buffer))
      } else {
        throw reader.corruption(
          position, "an operation of kind \(kind) with an operand of \(operandCount) bytes")
      }
      offset += 9 + keyCount + operandCount
    }
    return part.ends
  }
}

/// Operations on several buckets in order: consecutive ones on one bucket share a batch.
struct ActionList {
  enum Action {
    case apply(BatchBox)
    case select([UInt8])
    case create([UInt8])
    case drop([UInt8])
  }

  private(set) var actions: [Action] = []
  private(set) var operationCount = 0
  private(set) var byteCount = 0

  /// Adds an operation on the selected bucket.
  mutating func append(_ kind: OperationKind, _ key: Bytes, _ operand: Bytes) {
    operationCount += 1
    byteCount += key.count + operand.count
    if case .apply(let box)? = actions.last {
      box.batch.append(kind, key: key.buffer, operand: operand.buffer)
      return
    }
    let box = BatchBox()
    box.batch.append(kind, key: key.buffer, operand: operand.buffer)
    actions.append(.apply(box))
  }

  /// Adds an operation on buckets themselves.
  mutating func append(_ kind: BucketOperation, _ name: [UInt8]) {
    operationCount += 1
    byteCount += name.count
    switch kind {
    case .select: actions.append(.select(name))
    case .create: actions.append(.create(name))
    case .drop: actions.append(.drop(name))
    }
  }
}

/// A batch that can lie in an array.
final class BatchBox {
  var batch = WriteBatch(reservedByteCount: 256)
}
