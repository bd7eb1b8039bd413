// The end of the log in memory: bytes gather in one buffer and leave as whole transfer units.
//
//   segment   │ … on the device … │ partly │                     │
//                                 ▲ start  ▲ flushed   ▲ position
//   buffer                        └────────┴───────────┘
//
// Invariants
// 1. `start` is a multiple of the transfer unit, start ≤ flushed ≤ position, position − start ≤ buffer.
// 2. Everything before `flushed` is on the device; bytes of the buffer from `position` on are zero when it leaves.
// 3. A unit that is written again holds what it held, followed by more: torn between old and new it is one of them.

import Accounting
import Primitives
import Storage

/// Writes the last segment.
struct AppendLogWriter {
  /// Aligned memory of `capacityByteCount`; the device copies from it.
  let buffer: Frame
  let capacityByteCount: Int
  let channel: IOChannel
  private(set) var segmentOffset: UInt64 = 0
  private(set) var start = 0
  private(set) var flushed = 0
  /// The next byte, from the start of the segment.
  private(set) var position = 0
  private var batch = TransferBatch()

  init(channel: IOChannel, pool: FramePool, capacityByteCount: Int) {
    self.channel = channel
    self.capacityByteCount = capacityByteCount
    buffer = pool.frame(byteCount: capacityByteCount, zeroed: true)
  }

  /// Begins a segment at device offset `offset`.
  mutating func begin(segmentAt offset: UInt64) {
    segmentOffset = offset
    start = 0
    flushed = 0
    position = 0
  }

  /// The bytes that are in memory, for readers: from `start` to `position`.
  var tail: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: buffer.pointer, count: position - start) }

  /// Adds bytes, and writes the buffer whenever it is full.
  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
    guard var source = bytes.baseAddress else { return }
    var left = bytes.count
    while left > 0 {
      let room = capacityByteCount - (position - start)
      let count = min(room, left)
      (buffer.pointer + (position - start)).copyMemory(from: source, byteCount: count)
      position += count
      source += count
      left -= count
      if position - start == capacityByteCount { try flush() }
    }
  }

  /// Writes what has not been written, rounded up to the transfer unit with zeros.
  mutating func flush() throws(StorageError) {
    if flushed == position { return }
    let unit = channel.transferUnitByteCount
    // Whole units before `flushed` need not be written again.
    let first = (flushed - start) / unit * unit
    let used = position - start
    let end = (used + unit - 1) / unit * unit
    (buffer.pointer + used).initializeMemory(as: UInt8.self, repeating: 0, count: end - used)
    let newByteCount = position - flushed
    var pieces = [
      Piece(
        cause: .record, requestedOperationCount: 1, requestedByteCount: newByteCount,
        transferredByteCount: newByteCount)
    ]
    if end - first > newByteCount {
      pieces.append(
        Piece(
          cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
          transferredByteCount: end - first - newByteCount))
    }
    batch.removeAll()
    batch.append(
      .write, offset: segmentOffset + UInt64(start + first), memory: .borrowed(buffer.pointer + first),
      byteCount: end - first, pieces: pieces)
    try channel.submit(&batch)
    flushed = position
    // The last, partly filled unit stays in memory.
    let kept = used / unit * unit
    (buffer.pointer).copyMemory(from: buffer.pointer + kept, byteCount: used - kept)
    start += kept
  }
}
