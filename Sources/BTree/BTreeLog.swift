// What the log holds between two checkpoints: every transaction, in parts that fit into a record.
//
//   record   [ flags 1 │ operation │ operation … ]       flags: 1 the transaction begins here, 2 it ends here
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

/// Writes one transaction to the log.
struct TransactionLogger: ~Copyable {
  private let log: VolumeLog
  private var buffer: UnsafeMutableRawPointer
  private var capacity: Int
  private var count = 1
  private var isFirst = true

  /// Bytes of an operation beside key and operand.
  static let operationHeadByteCount = 9
  /// Records are closed beyond this size.
  private static let partByteCount = 64 << 10

  init(_ log: VolumeLog) {
    self.log = log
    capacity = 4_096
    buffer = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// Bytes that a batch of these sizes takes in the log at most.
  static func byteCount(operationCount: Int, operandByteCount: Int) -> Int {
    let bytes = operationCount * operationHeadByteCount + operandByteCount
    return bytes + (bytes / partByteCount + 2) * (VolumeLog.recordHeaderByteCount + 1)
  }

  mutating func append(_ kind: UInt8, _ key: Bytes, _ operand: Bytes) throws(StorageError) {
    let needed = Self.operationHeadByteCount + key.count + operand.count
    if count > 1, count + needed > Self.partByteCount { try close(isLast: false) }
    if count + needed > capacity { grow(to: count + needed) }
    let place = buffer + count
    place.setU8(0, kind)
    place.setU32(1, UInt32(key.count))
    place.setU32(5, UInt32(operand.count))
    key.copy(to: place + 9)
    operand.copy(to: place + (9 + key.count))
    count += needed
  }

  /// Closes the transaction.
  mutating func finish() throws(StorageError) {
    try close(isLast: true)
    isFirst = true
  }

  /// Forgets a transaction that failed before its end.
  mutating func abandon() {
    count = 1
    isFirst = true
  }

  private mutating func close(isLast: Bool) throws(StorageError) {
    buffer.setU8(0, (isFirst ? 1 : 0) | (isLast ? 2 : 0))
    isFirst = false
    let bytes = UnsafeRawBufferPointer(start: buffer, count: count)
    count = 1
    try log.append(bytes)
  }

  private mutating func grow(to needed: Int) {
    while capacity < needed { capacity *= 2 }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    larger.copyMemory(from: buffer, byteCount: count)
    buffer.deallocate()
    buffer = larger
  }
}

/// Puts transactions together from the log's records.
struct TransactionCollector {
  /// The actions of the transaction so far.
  private(set) var actions = ActionList()
  private var isOpen = false

  /// Takes one record.
  ///
  /// - Returns: whether a transaction is complete in `actions`.
  /// - Throws: `.corrupted` for a record that cannot have been written.
  mutating func add(_ payload: UnsafeRawBufferPointer, at position: UInt64) throws(StorageError) -> Bool {
    let record = Bytes(payload)
    guard record.count >= 1, record.start.u8(0) <= 3 else { throw corruption(position, "it has no flags") }
    let flags = record.start.u8(0)
    if flags & 1 != 0 {
      actions = ActionList()
      isOpen = true
    }
    if !isOpen { return false }
    var offset = 1
    while offset < record.count {
      guard record.count - offset >= 9 else { throw corruption(position, "it ends inside an operation") }
      let kind = record.start.u8(offset)
      let keyCount = Int(record.start.u32(offset + 1))
      let operandCount = Int(record.start.u32(offset + 5))
      guard keyCount + operandCount <= record.count - offset - 9 else {
        throw corruption(position, "it ends inside a key or value")
      }
      let key = Bytes(record.start + (offset + 9), keyCount)
      let operand = Bytes(record.start + (offset + 9 + keyCount), operandCount)
      if let kind = OperationKind(rawValue: kind), kind.accepts(operandByteCount: operandCount) {
        actions.append(kind, key, operand)
      } else if let kind = BucketOperation(rawValue: kind), operandCount == 0 {
        actions.append(kind, [UInt8](key.buffer))
      } else {
        throw corruption(position, "an operation of kind \(kind) with an operand of \(operandCount) bytes")
      }
      offset += 9 + keyCount + operandCount
    }
    if flags & 2 == 0 { return false }
    isOpen = false
    return true
  }

  private func corruption(_ position: UInt64, _ detail: String) -> StorageError {
    .corrupted(structure: "B-tree log record", offset: position, detail: detail)
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
