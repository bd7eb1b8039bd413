// Transactions in a log: operations in records of bounded size, so that one may be longer than a record.
//
//   record   [ flags 1 │ operation │ operation … ]       flags: 1 the transaction begins here, 2 it ends here
//
// What an operation looks like is the engine's affair; it never spans two records.
//
// Invariants
// 1. A transaction replays whole or not at all: parts without a beginning or an end are dropped.
// 2. A record is closed when the next operation would make it longer than 64 KiB, so two neighbours together are longer.

import Primitives

/// Writes transactions to a log. Used by one thread at a time.
public struct LogTransactionWriter: ~Copyable {
  @usableFromInline let log: VolumeLog
  @usableFromInline var buffer: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  @usableFromInline var count = 1
  @usableFromInline var isFirst = true

  /// Records are closed beyond this size.
  @usableFromInline static var partByteCount: Int { 64 << 10 }

  /// A writer with no transaction open.
  public init(_ log: VolumeLog) {
    self.log = log
    capacity = 4_096
    buffer = .allocate(byteCount: capacity, alignment: 16)
  }

  @inlinable deinit { buffer.deallocate() }

  /// Bytes that operations of this size take in the log at most.
  public static func byteCount(operationByteCount: Int) -> Int {
    operationByteCount + (operationByteCount / partByteCount * 2 + 2) * (VolumeLog.recordHeaderByteCount + 1)
  }

  /// Bytes of the longest record of transactions none of whose operations has more than so many bytes.
  public static func longestRecordByteCount(operationByteCount: Int) -> Int {
    max(partByteCount, 1 + operationByteCount) + VolumeLog.recordHeaderByteCount
  }

  /// Bytes of memory that replaying a log of such transactions takes beside the log's own: its longest record, which begins and
  /// ends anywhere in a unit, as far as the log is that long.
  public static func replayMemoryByteCount(of log: VolumeLog, operationByteCount: Int) -> Int {
    min(longestRecordByteCount(operationByteCount: operationByteCount), Int(clamping: log.allocatedByteCount))
      + 2 * log.volume.transferUnitByteCount
  }

  /// Room for one more operation; the caller fills all of it before the next call.
  ///
  /// - Throws: what the log throws; the parts written until then never replay once `abandon` was called.
  @inlinable public mutating func append(
    byteCount needed: Int
  ) throws(StorageError) -> UnsafeMutableRawPointer {
    if count > 1, count &+ needed > Self.partByteCount { try close(isLast: false) }
    if count &+ needed > capacity { grow(to: count &+ needed) }
    let place = buffer + count
    count &+= needed
    return place
  }

  /// Ends the transaction.
  public mutating func finish() throws(StorageError) {
    try close(isLast: true)
    isFirst = true
  }

  /// Forgets a transaction that failed before its end.
  public mutating func abandon() {
    count = 1
    isFirst = true
  }

  @usableFromInline mutating func close(isLast: Bool) throws(StorageError) {
    buffer.setU8(0, (isFirst ? 1 : 0) | (isLast ? 2 : 0))
    isFirst = false
    let bytes = UnsafeRawBufferPointer(start: buffer, count: count)
    count = 1
    try log.append(bytes)
  }

  @usableFromInline mutating func grow(to needed: Int) {
    while capacity < needed { capacity *= 2 }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    larger.copyMemory(from: buffer, byteCount: count)
    buffer.deallocate()
    buffer = larger
  }
}

/// Puts transactions together from a log's records, in order.
public struct LogTransactionReader {
  /// The operations of one record, and where in its transaction they stand.
  public struct Part {
    /// Whether the transaction begins with them: what was gathered before is dropped.
    public var begins: Bool
    /// Whether the transaction ends with them.
    public var ends: Bool
    /// The operations, one after the other.
    public var operations: Bytes
  }

  /// The engine's name for a record in errors.
  private let structure: String
  private var isOpen = false

  /// A reader that has seen nothing.
  public init(structure: String) { self.structure = structure }

  /// Takes one record.
  ///
  /// - Returns: its operations, nil when they belong to a transaction whose beginning is gone.
  /// - Throws: `.corrupted` for a record that cannot have been written.
  public mutating func take(
    _ payload: UnsafeRawBufferPointer, at position: UInt64
  ) throws(StorageError) -> Part? {
    let record = Bytes(payload)
    guard record.count >= 1, record.start.u8(0) <= 3 else { throw corruption(position, "it has no flags") }
    let flags = record.start.u8(0)
    if flags & 1 != 0 { isOpen = true }
    if !isOpen { return nil }
    if flags & 2 != 0 { isOpen = false }
    return Part(
      begins: flags & 1 != 0, ends: flags & 2 != 0,
      operations: Bytes(record.start + 1, record.count - 1))
  }

  /// What is thrown for a record that cannot have been written.
  public func corruption(_ position: UInt64, _ detail: String) -> StorageError {
    .corrupted(structure: structure, offset: position, detail: detail)
  }
}
