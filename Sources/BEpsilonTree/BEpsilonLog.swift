// What the log holds between two checkpoints: every batch, in parts that fit into a record.
//
//   record   [ flags 1 │ cell │ cell … ]       flags: 1 the batch begins here, 2 it ends here; cells as in buffers (`Cell`)
//
// Invariant: a batch is in the log before it is visible, and replays whole or not at all: parts without an end are dropped.

import KeyValue
import Primitives
import Storage

/// Writes batches to the log.
struct BatchLogger: ~Copyable {
  private var buffer: UnsafeMutableRawPointer
  private var capacity: Int

  /// Records are closed beyond this size.
  private static let partByteCount = 64 << 10

  init() {
    capacity = 4_096
    buffer = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// Bytes of a batch as cells.
  static func cellByteCount(_ batch: borrowing WriteBatch) -> Int {
    batch.count * Cell.headByteCount + batch.byteCount
  }

  /// Bytes that cells of this size take in the log at most.
  static func byteCount(cellByteCount: Int) -> Int {
    cellByteCount + (cellByteCount / partByteCount * 2 + 2) * (VolumeLog.recordHeaderByteCount + 1)
  }

  /// Appends a batch.
  ///
  /// - Throws: what the log throws; the parts written until then never replay.
  mutating func append(_ batch: borrowing WriteBatch, to log: VolumeLog) throws(StorageError) {
    var count = 1
    var flags: UInt8 = 1
    for entry in batch.entries {
      let needed = Cell.byteCount(key: entry.keyByteCount, operand: entry.operandByteCount)
      if count > 1, count + needed > Self.partByteCount {
        try close(count, flags, log)
        count = 1
        flags = 0
      }
      if count + needed > capacity { grow(to: count + needed, keeping: count) }
      Cell.write(
        to: buffer + count, kind: entry.kind.rawValue, key: Bytes(batch.key(of: entry)),
        operand: Bytes(batch.operand(of: entry)))
      count += needed
    }
    try close(count, flags | 2, log)
  }

  private func close(_ count: Int, _ flags: UInt8, _ log: VolumeLog) throws(StorageError) {
    buffer.setU8(0, flags)
    try log.append(UnsafeRawBufferPointer(start: buffer, count: count))
  }

  private mutating func grow(to needed: Int, keeping count: Int) {
    while capacity < needed { capacity *= 2 }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    larger.copyMemory(from: buffer, byteCount: count)
    buffer.deallocate()
    buffer = larger
  }
}

/// Puts batches together from the log's records.
final class BatchCollector {
  /// The operations of the batch so far.
  private(set) var batch = WriteBatch(reservedByteCount: 4_096)
  private var isOpen = false
  private let maximumKeyByteCount: Int

  init(maximumKeyByteCount: Int) { self.maximumKeyByteCount = maximumKeyByteCount }

  /// Takes one record.
  ///
  /// - Returns: whether `batch` is complete.
  /// - Throws: `.corrupted` for a record that cannot have been written.
  func add(_ payload: UnsafeRawBufferPointer, at position: UInt64) throws(StorageError) -> Bool {
    let record = Bytes(payload)
    guard record.count >= 1, record.start.u8(0) <= 3 else { throw corruption(position, "it has no flags") }
    let flags = record.start.u8(0)
    if flags & 1 != 0 {
      batch.removeAll()
      isOpen = true
    }
    if !isOpen { return false }
    var offset = 1
    while offset < record.count {
      let rest = Bytes(record.start + offset, record.count - offset)
      if let problem = Cell.problem(rest, maximumKeyByteCount: maximumKeyByteCount) {
        throw corruption(position, problem)
      }
      batch.append(
        Cell.kind(rest.start), key: Cell.key(rest.start).buffer, operand: Cell.operand(rest.start).buffer)
      offset += Cell.byteCount(rest.start)
    }
    if flags & 2 == 0 { return false }
    isOpen = false
    return true
  }

  private func corruption(_ position: UInt64, _ detail: String) -> StorageError {
    .corrupted(structure: "Bε-tree log record", offset: position, detail: detail)
  }
}
