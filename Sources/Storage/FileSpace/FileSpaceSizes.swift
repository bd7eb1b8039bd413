// Files that grow, shrink and give their regions back: allocation in chunks, an eighth at a time, zeros where nobody wrote.

import Accounting
import Primitives

extension FileSpace {
  /// Cuts a file, or lengthens it with zeros.
  public func truncate(_ file: SpaceFile, to byteCount: UInt64) throws(StorageError) {
    try check(file)
    try flush()
    try channel.control(.namespace(.truncate, fileID: file.id))
    if byteCount == file.byteCount { return }
    directoryChanged = true
    if byteCount > file.byteCount {
      try allocate(file, upTo: byteCount)
      try prepareGrowth(file, to: byteCount, writesFrom: byteCount)
      file.byteCount = byteCount
      return
    }
    let chunk = UInt64(chunkByteCount)
    let kept = (byteCount + chunk - 1) / chunk * chunk
    if kept < file.allocatedByteCount { pendingFrees.append(contentsOf: file.removeRegions(from: kept)) }
    file.byteCount = byteCount
    file.writtenEnd = min(file.writtenEnd, roundedUp(byteCount))
    file.staleEnd = file.allocatedByteCount
    file.lastWriteEnd = byteCount
    keepTail(&file.tails.recent, below: byteCount)
    keepTail(&file.tails.last, below: byteCount)
  }

  /// After a cut, a tail beyond the end is nothing, and the one at the end is zero behind it.
  func keepTail(_ tail: inout SpaceFile.Tail, below byteCount: UInt64) {
    guard tail.unit != .max else { return }
    let start = tail.unit << unitShift
    if start >= byteCount {
      tail.unit = .max
    } else if start + UInt64(transferUnitByteCount) > byteCount {
      let kept = Int(byteCount - start)
      (tail.memory + kept).initializeMemory(as: UInt8.self, repeating: 0, count: transferUnitByteCount - kept)
    }
  }

  /// Gives a file regions for its first `end` bytes.
  func allocate(_ file: SpaceFile, upTo end: UInt64) throws(StorageError) {
    let chunk = UInt64(chunkByteCount)
    guard end <= channel.device.capacityByteCount else {
      throw .noSpace(requestedByteCount: end, freeByteCount: allocator.freeChunkCount * chunk)
    }
    while file.allocatedByteCount < end {
      let missing = (end - file.allocatedByteCount + chunk - 1) / chunk
      let growth = min(file.allocatedByteCount / 8, UInt64(configuration.largestGrowthByteCount)) / chunk
      let continuation = file.regions.last.flatMap { chunkNumber(ofDeviceOffset: $0.deviceEnd) }
      guard let run = allocator.take(UInt32(clamping: max(missing, growth)), continuation: continuation)
      else {
        if pendingFrees.isEmpty { throw .noSpace(requestedByteCount: missing * chunk, freeByteCount: 0) }
        // Given up, but still named by the durable directory: make one durable that does not.
        try flush()
        try commitDirectory()
        continue
      }
      let offset = deviceOffset(ofChunk: run.start)
      let byteCount = UInt64(run.count) * chunk
      if !run.isClean {
        try channel.control(.discard(offset: offset, byteCount: byteCount, cause: .fileDirectory))
        wroteSinceSync = true
      }
      file.appendRegion(deviceOffset: offset, byteCount: byteCount)
      directoryChanged = true
    }
  }

  /// Zeroes what an earlier, longer state of the file may have left between its end and `writesFrom`, before the
  /// file ends at `newEnd`.
  func prepareGrowth(
    _ file: SpaceFile, to newEnd: UInt64, writesFrom: UInt64
  ) throws(StorageError) {
    let stale = min(file.staleEnd, newEnd)
    let end = file.byteCount
    guard stale > end else { return }
    // The rest of the unit the file ends in.
    let unitEnd = roundedUp(end)
    if end < unitEnd { try writeZeros(file, from: end, to: unitEnd) }
    guard writesFrom > unitEnd else { return }
    // Whole units that are skipped, and the beginning of the unit the write begins in.
    let firstWritten = writesFrom & ~unitMask
    if firstWritten > unitEnd { try discard(file, from: unitEnd, to: min(firstWritten, roundedUp(stale))) }
    if writesFrom > firstWritten { try writeZeros(file, from: firstWritten, to: writesFrom) }
  }

  /// Puts zeros that nobody asked for into one unit of the gather buffer.
  func writeZeros(_ file: SpaceFile, from start: UInt64, to end: UInt64) throws(StorageError) {
    let index = try gatheredUnit(file, start >> unitShift)
    let within = Int(start & unitMask)
    let count = Int(end - start)
    (gather.content(index) + within).initializeMemory(as: UInt8.self, repeating: 0, count: count)
    gather.mark(
      index, within, within + count, Attribution(.padding), requestedOperationCount: 0, requestedByteCount: 0)
  }

  func discard(_ file: SpaceFile, from start: UInt64, to end: UInt64) throws(StorageError) {
    var position = start
    while position < end {
      let region = file.region(at: position)
      let count = min(end, region.fileEnd) - position
      try channel.control(
        .discard(
          offset: region.deviceOffset + (position - region.fileOffset), byteCount: count,
          cause: .fileDirectory))
      wroteSinceSync = true
      position += count
    }
  }
}
