// Reading a log's records from the device and from the log's buffer, and deciding where the log ends.
//
//   position   p                 p + 16              p + 16 + length
//              [ head ][ payload … ]   ← one window of whole units in memory, grown for a long record
//
// Invariants
// 1. The window lies in one era and one contiguous range of positions.
// 2. A length is believed only when the record ends inside its era and inside what is known to exist.

import Accounting
import Primitives

struct LogScanner {
  private let volume: Volume
  private let log: VolumeLog
  private let cause: Cause
  private let unit: Int
  private var window: Frame?
  private var windowStart: UInt64 = 0
  private var windowCount = 0
  private var heldByteCount = 0

  init(volume: Volume, log: VolumeLog, cause: Cause) {
    self.volume = volume
    self.log = log
    self.cause = cause
    unit = volume.transferUnitByteCount
  }

  mutating func releaseMemory() {
    volume.budget.release(heldByteCount, for: .logBuffer)
    heldByteCount = 0
    window = nil
  }

  /// One era of a log: consecutive segments and where its records end, if that is known.
  private struct Era {
    var segments: Range<Int>
    var number: UInt64
    var base: UInt64
    var limit: UInt64
    var endIsKnown: Bool
  }

  private func eras(_ segments: ContiguousArray<LogSegment>) -> [Era] {
    var result: [Era] = []
    for (index, segment) in segments.enumerated() {
      if let last = result.last, last.number == segment.era {
        result[result.count - 1].segments = last.segments.lowerBound..<(index + 1)
      } else {
        result.append(
          Era(
            segments: index..<(index + 1), number: segment.era, base: segment.base, limit: 0,
            endIsKnown: false))
      }
    }
    for index in result.indices {
      let last = segments[result[index].segments.upperBound - 1]
      let isLastEra = index == result.count - 1
      result[index].limit = min(last.end, last.fullEnd(unit))
      result[index].endIsKnown = !isLastEra || last.end != .max
      if isLastEra, log.tailIsKnown {
        // The tail may lie at the end of an earlier era when this one holds nothing yet.
        result[index].limit = max(result[index].base, min(result[index].limit, log.tailPosition))
        result[index].endIsKnown = true
      }
    }
    return result
  }

  /// Hands out records; see `VolumeLog.replay`.
  mutating func scan(
    from start: UInt64, proofByteCount: Int, _ body: (UInt64, UnsafeRawBufferPointer) -> Bool
  ) throws(StorageError) -> VolumeLogReplay {
    var result = VolumeLogReplay()
    result.endPosition = start
    let segments = volume.logLists[log.number].segments
    for era in eras(segments) where era.limit > start || (!era.endIsKnown && era.limit >= start) {
      var position = max(start, era.base)
      windowCount = 0
      while position < era.limit {
        guard let payload = try record(at: position, era: era, segments) else { break }
        let next = position + UInt64(VolumeLog.recordHeaderByteCount + payload.count)
        result.recordCount += 1
        result.payloadByteCount += UInt64(payload.count)
        result.endPosition = next
        if !body(position, payload) {
          result.stoppedEarly = true
          return result
        }
        position = next
      }
      if position >= era.limit {
        result.endPosition = max(result.endPosition, position)
        continue
      }
      let durable = max(
        volume.superblock.logs[log.number].durablePosition, log.era == nil ? 0 : log.durablePosition)
      if era.endIsKnown || durable > position {
        throw corruption(
          at: position, segments,
          "the record at position \(position) is not valid, and the log is known to go on to \(max(durable, era.endIsKnown ? era.limit : 0))"
        )
      }
      if let proof = try proof(behind: position, era: era, byteCount: proofByteCount, segments) {
        throw corruption(
          at: position, segments,
          "the record at position \(position) is not valid, and the one at \(proof) was appended when it was durable"
        )
      }
      result.endPosition = position
    }
    return result
  }

  private func corruption(
    at position: UInt64, _ segments: ContiguousArray<LogSegment>, _ detail: String
  ) -> StorageError {
    let segment = segments.last { $0.base <= position }
    let offset = segment.map { UInt64($0.startUnit * unit) + (position - $0.base) } ?? 0
    return .corrupted(structure: "log \(log.number)", offset: offset, detail: detail)
  }

  /// The payload of the record at a position, nil when there is no valid one. Valid until the next call.
  private mutating func record(
    at position: UInt64, era: Era, _ segments: ContiguousArray<LogSegment>
  ) throws(StorageError) -> UnsafeRawBufferPointer? {
    let head = VolumeLog.recordHeaderByteCount
    guard position + UInt64(head) <= era.limit else { return nil }
    try load(position, head, era, segments)
    guard let length = plausibleLength(at: position, era) else { return nil }
    try load(position, head + length, era, segments)
    return verifiedPayload(at: position, length: length, era)
  }

  /// The bytes of the window from a position on.
  private func bytes(from position: UInt64) -> UnsafeRawBufferPointer {
    guard let window else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let start = Int(position - windowStart)
    return UnsafeRawBufferPointer(rebasing: window.bytes[start..<windowCount])
  }

  private func plausibleLength(at position: UInt64, _ era: Era) -> Int? {
    let image = ImageReader(bytes(from: position))
    let word = image.load(UInt32.self, at: 4)
    let length = Int(word & (1 << 28 - 1))
    guard word >> 28 == 1, image.load(UInt64.self, at: 8) <= position,
      position + UInt64(VolumeLog.recordHeaderByteCount + length) <= era.limit
    else { return nil }
    return length
  }

  private func verifiedPayload(at position: UInt64, length: Int, _ era: Era) -> UnsafeRawBufferPointer? {
    let all = bytes(from: position)
    let image = ImageReader(all)
    let head = VolumeLog.recordHeaderByteCount
    let payload = UnsafeRawBufferPointer(rebasing: all[head..<(head + length)])
    let crc = VolumeLog.checksum(
      volumeID: volume.volumeID, era: era.number, position: position, length: image.load(UInt32.self, at: 4),
      durable: image.load(UInt64.self, at: 8), payload: payload)
    guard crc == image.load(UInt32.self, at: 0) else { return nil }
    volume.statistics.verifiedChecksumCount += 1
    return payload
  }

  /// A valid record of the era behind `position` that was appended when the log was synced beyond it.
  private mutating func proof(
    behind position: UInt64, era: Era, byteCount: Int, _ segments: ContiguousArray<LogSegment>
  ) throws(StorageError) -> UInt64? {
    let head = UInt64(VolumeLog.recordHeaderByteCount)
    let searchEnd = min(era.limit, position + UInt64(byteCount))
    var candidate = position + 1
    while candidate + head <= searchEnd {
      try load(candidate, Int(head), era, segments)
      let window = ImageReader(bytes(from: candidate))
      let available = window.bytes.count - Int(head)
      var step = 0
      var found = false
      // Only a head whose durable position lies between the hole and itself is worth a checksum.
      while step <= available, candidate + UInt64(step) + head <= searchEnd {
        let durable = window.load(UInt64.self, at: step + 8)
        // Sixteen zeros: none of the next eight places is a head. Most of what is searched was never written.
        if durable == 0, step + 24 <= window.bytes.count, window.load(UInt64.self, at: step + 16) == 0 {
          step += 8
          continue
        }
        if durable > position, durable <= candidate + UInt64(step) {
          found = true
          break
        }
        step += 1
      }
      candidate += UInt64(step)
      if !found { continue }
      if let length = plausibleLength(at: candidate, era) {
        try load(candidate, Int(head) + length, era, segments)
        if verifiedPayload(at: candidate, length: length, era) != nil { return candidate }
      }
      candidate += 1
    }
    return nil
  }

  /// Brings `count` bytes from `position` on into the window. Precondition: they end inside the era.
  private mutating func load(
    _ position: UInt64, _ count: Int, _ era: Era, _ segments: ContiguousArray<LogSegment>
  ) throws(StorageError) {
    let isLoaded =
      windowCount > 0 && position >= windowStart
      && position + UInt64(count) <= windowStart + UInt64(windowCount)
    if isLoaded { return }
    let start = position / UInt64(unit) * UInt64(unit)
    let last = segments[era.segments.upperBound - 1].fullEnd(unit)
    let within = Int(position - start)
    let wantedByteCount = max(within + count, log.configuration.readByteCount)
    let rounded = (wantedByteCount + unit - 1) / unit * unit
    try reserve(rounded)
    guard let window else { preconditionFailure("A reserved window has memory.") }
    // From the device up to what is only in the buffer, then from the buffer.
    let deviceEnd = min(start + UInt64(rounded), min(last, max(start, log.bufferedFrom)))
    var end = start
    if deviceEnd > start {
      try readDevice(start, deviceEnd, era, segments, into: window)
      end = deviceEnd
    }
    let loaded = Int(end - start)
    let rest = UnsafeMutableRawBufferPointer(rebasing: window.mutableBytes[loaded..<rounded])
    let buffered = log.copyBuffered(from: end, into: rest)
    windowStart = start
    windowCount = loaded + buffered
    precondition(within + count <= windowCount, "A log is read where it has bytes.")
  }

  private func readDevice(
    _ start: UInt64, _ end: UInt64, _ era: Era, _ segments: ContiguousArray<LogSegment>, into window: Frame
  ) throws(StorageError) {
    var batch = TransferBatch()
    var (low, high) = (era.segments.lowerBound, era.segments.upperBound)
    while high - low > 1 {
      let middle = (low + high) / 2
      if segments[middle].base <= start { low = middle } else { high = middle }
    }
    var position = start
    while position < end {
      let segment = segments[low]
      let count = Int(min(end, segment.fullEnd(unit)) - position)
      batch.append(
        .read, offset: UInt64(segment.startUnit * unit) + (position - segment.base),
        memory: .borrowed(window.pointer + Int(position - start)), byteCount: count, cause: cause)
      position += UInt64(count)
      low += 1
    }
    try volume.channel.submit(&batch)
  }

  private mutating func reserve(_ byteCount: Int) throws(StorageError) {
    if let window, window.byteCount >= byteCount { return }
    windowCount = 0
    window = nil
    volume.budget.release(heldByteCount, for: .logBuffer)
    heldByteCount = 0
    try volume.budget.require(byteCount, for: .logBuffer)
    heldByteCount = byteCount
    window = volume.channel.pool.frame(byteCount: byteCount)
  }
}
