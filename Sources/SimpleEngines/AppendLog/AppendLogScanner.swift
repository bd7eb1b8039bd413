// Reads the log in order, a window at a time, and shows each operation once its place in a group is known.
//
//   segment   │ header │ group │ group │ gr…            window: whole transfer units, at least one operation long
//                        └── operations: kind, key, operand ──▶ visit(operation)
//
// Invariants
// 1. Every byte is fetched once per scan; what follows the writer's `start` comes from its buffer.
// 2. An operation is shown before the checksum at its group's end was seen: the visitor's result counts only when
//    the scan did not throw. Lengths are checked before they are believed, so nothing is read outside the window.
// 3. A scan writes nothing.

import Accounting
import KeyValue
import Primitives
import Storage

/// One operation of the log, borrowed from the scanner's window.
struct LogOperation {
  var kind: OperationKind
  var key: UnsafeRawBufferPointer
  var operand: UnsafeRawBufferPointer
}

/// Counters of reading.
struct LogScanCounts {
  var groups: UInt64 = 0
  var operations: UInt64 = 0
  /// Transfer units looked at, from the device or from the writer's buffer.
  var blocks: UInt64 = 0
}

/// A scanner with its own window.
struct AppendLogScanner {
  let channel: IOChannel
  let volumeID: UInt64
  /// How much is read at a time, a multiple of the transfer unit.
  let readByteCount: Int
  /// The longest operation that can be shown.
  let longestOperationByteCount: Int
  private let window: Frame
  private var batch = TransferBatch()
  private(set) var counts = LogScanCounts()

  // What the window holds: bytes [windowStart, windowEnd) of the current segment.
  private var segment = LogSegment(offset: 0, byteCount: 0, usedByteCount: 0, life: 0)
  private var windowStart = 0
  private var windowEnd = 0
  private var limit = 0
  // What is in the writer's buffer: bytes from `tailStart` on.
  private var tailStart = Int.max
  private var tail = UnsafeRawBufferPointer(start: nil, count: 0)

  /// The memory a scanner needs.
  static func memoryByteCount(readByteCount: Int, longestOperationByteCount: Int, unit: Int) -> Int {
    readByteCount + (longestOperationByteCount + unit) / unit * unit + unit
  }

  init(
    channel: IOChannel, pool: FramePool, volumeID: UInt64, readByteCount: Int, longestOperationByteCount: Int
  ) {
    self.channel = channel
    self.volumeID = volumeID
    self.readByteCount = readByteCount
    self.longestOperationByteCount = longestOperationByteCount
    window = pool.frame(
      byteCount: Self.memoryByteCount(
        readByteCount: readByteCount, longestOperationByteCount: longestOperationByteCount,
        unit: channel.transferUnitByteCount))
  }

  /// How a group ended.
  enum Group {
    /// It is right; the next one begins here.
    case sound(end: Int)
    /// It cannot be what was written.
    case broken(String)
  }

  /// Turns to the first `limit` bytes of a segment. `tail` holds its bytes from `tailStart` on when it is the one
  /// being written.
  mutating func enter(
    _ segment: LogSegment, limit: Int, tailStart: Int = .max,
    tail: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    let unit = channel.transferUnitByteCount
    self.segment = segment
    self.limit = min(segment.byteCount, (limit + unit - 1) / unit * unit)
    self.tailStart = tailStart
    self.tail = tail
    windowStart = 0
    windowEnd = 0
  }

  /// Visits every operation of the entered segment's groups from `start` to exactly `end`.
  ///
  /// - Throws: `.corrupted` with the place of the first group that is not what was written.
  mutating func scan(
    from start: Int, to end: Int, _ visit: (LogOperation) -> Void
  ) throws(StorageError) {
    var position = start
    while position < end {
      switch try scanGroup(at: position, limit: end, visit) {
      case .sound(let next): position = next
      case .broken(let detail):
        throw .corrupted(structure: "log group", offset: segment.offset + UInt64(position), detail: detail)
      }
    }
  }

  /// Visits the operations of the group at `start`, which may reach to `limit`.
  mutating func scanGroup(
    at start: Int, limit: Int, _ visit: (LogOperation) -> Void
  ) throws(StorageError) -> Group {
    let headerByteCount = AppendLogFormat.groupHeaderByteCount
    guard limit - start >= headerByteCount + AppendLogFormat.groupTrailerByteCount else {
      return .broken("no room for a group is left")
    }
    let header = try fetch(start, headerByteCount)
    guard header.u32(0) == AppendLogFormat.groupMagic else { return .broken("it does not begin with the magic") }
    let operationCount = Int(header.u32(4))
    let payload = header.u64(8)
    let room = limit - start - headerByteCount - AppendLogFormat.groupTrailerByteCount
    guard payload <= UInt64(room) else { return .broken("its payload of \(payload) bytes ends outside the log") }
    var crc = CRC32C.of(
      header, byteCount: headerByteCount,
      seed: AppendLogFormat.seed(
        volumeID: volumeID, life: segment.life, offset: segment.offset + UInt64(start)))
    var position = start + headerByteCount
    let end = position + Int(payload)
    for _ in 0..<operationCount {
      let headByteCount = min(AppendLogFormat.longestOperationHeaderByteCount, end - position)
      guard headByteCount > 0 else { return .broken("it ends before its operations do") }
      let head = try fetch(position, headByteCount)
      guard let kind = OperationKind(rawValue: head.u8(0)),
        let key = Varint.decode(head + 1, byteCount: headByteCount - 1),
        let operand = Varint.decode(head + 1 + key.byteCount, byteCount: headByteCount - 1 - key.byteCount)
      else { return .broken("an operation has no sound header") }
      let fieldByteCount = 1 + key.byteCount + operand.byteCount
      let left = UInt64(min(end - position, longestOperationByteCount) - fieldByteCount)
      guard key.value <= left, operand.value <= left - key.value,
        kind.accepts(operandByteCount: Int(operand.value))
      else { return .broken("an operation has impossible lengths") }
      let byteCount = fieldByteCount + Int(key.value) + Int(operand.value)
      let bytes = try fetch(position, byteCount)
      crc = CRC32C.of(bytes, byteCount: byteCount, seed: crc)
      counts.operations += 1
      visit(
        LogOperation(
          kind: kind,
          key: UnsafeRawBufferPointer(start: bytes + fieldByteCount, count: Int(key.value)),
          operand: UnsafeRawBufferPointer(
            start: bytes + fieldByteCount + Int(key.value), count: Int(operand.value))))
      position += byteCount
    }
    guard position == end else { return .broken("its operations end before it does") }
    guard try fetch(position, 4).u32(0) == crc else { return .broken("its checksum is wrong") }
    counts.groups += 1
    return .sound(end: position + AppendLogFormat.groupTrailerByteCount)
  }

  /// The bytes [position, position + count) of the segment, valid until the next fetch.
  private mutating func fetch(_ position: Int, _ count: Int) throws(StorageError) -> UnsafeRawPointer {
    if position >= windowStart, position + count <= windowEnd {
      return UnsafeRawPointer(window.pointer + (position - windowStart))
    }
    let unit = channel.transferUnitByteCount
    // Keep what is already here of the first unit on.
    let start = position / unit * unit
    if start >= windowStart, start < windowEnd {
      window.pointer.copyMemory(from: window.pointer + (start - windowStart), byteCount: windowEnd - start)
    } else {
      windowEnd = start
    }
    windowStart = start
    let wanted = (position + count + unit - 1) / unit * unit
    let end = min(max(wanted, windowEnd + readByteCount), limit, windowStart + window.byteCount)
    let deviceEnd = min(end, tailStart)
    if deviceEnd > windowEnd {
      batch.removeAll()
      batch.append(
        .read, offset: segment.offset + UInt64(windowEnd),
        memory: .borrowed(window.pointer + (windowEnd - windowStart)), byteCount: deviceEnd - windowEnd,
        cause: .record)
      try channel.submit(&batch)
      counts.blocks += UInt64((deviceEnd - windowEnd) / unit)
      windowEnd = deviceEnd
    }
    if end > windowEnd, tailStart <= windowEnd, let base = tail.baseAddress {
      let available = min(end, tailStart + tail.count) - windowEnd
      if available > 0 {
        (window.pointer + (windowEnd - windowStart)).copyMemory(
          from: base + (windowEnd - tailStart), byteCount: available)
        counts.blocks += UInt64((available + unit - 1) / unit)
        windowEnd += available
      }
    }
    guard position + count <= windowEnd else {
      throw .corrupted(
        structure: "log segment", offset: segment.offset + UInt64(position),
        detail: "\(count) bytes are wanted, the segment ends after \(windowEnd - position)")
    }
    return UnsafeRawPointer(window.pointer + (position - windowStart))
  }
}
