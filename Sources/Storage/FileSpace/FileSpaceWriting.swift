// A guest's writes: gathered by unit, filled where only a part was written, and sent as one batch.

import Accounting
import Primitives

extension FileSpace {
  /// Writes `bytes` at `offset`; the file grows as needed, and a gap reads as zero. The bytes are gathered: they
  /// reach the device with the next sync, namespace operation, or when the buffer is full.
  public func write(
    _ file: SpaceFile, at offset: UInt64, _ bytes: UnsafeRawBufferPointer, _ attribution: Attribution
  ) throws(StorageError) {
    try check(file)
    guard let source = bytes.baseAddress, bytes.count > 0 else {
      channel.enterUnmoved(.write, byteCount: 0, cause: attribution.cause, level: attribution.level)
      return
    }
    let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.count))
    guard !overflow else {
      throw .outOfRange(
        offset: offset, byteCount: bytes.count, capacityByteCount: channel.device.capacityByteCount)
    }
    if end > file.byteCount {
      if end > file.allocatedByteCount { try allocate(file, upTo: end) }
      if file.staleEnd > file.byteCount { try prepareGrowth(file, to: end, writesFrom: offset) }
    }
    var position = offset
    var operations = 1
    while position < end {
      let within = Int(position & unitMask)
      let count = min(transferUnitByteCount - within, Int(end - position))
      let index = try gatheredUnit(file, position >> unitShift)
      (gather.content(index) + within).copyMemory(from: source + Int(position - offset), byteCount: count)
      gather.mark(
        index, within, within + count, attribution, requestedOperationCount: operations,
        requestedByteCount: count)
      operations = 0
      position += UInt64(count)
      if position > file.byteCount {
        file.byteCount = position
        directoryChanged = true
      }
    }
    file.lastWriteEnd = end
  }

  /// The gathered unit `unit` of `file`, with room for a run; empties the buffer when there is none.
  func gatheredUnit(_ file: SpaceFile, _ unit: UInt64) throws(StorageError) -> Int {
    if file.gatheredUnitCount > 0, let index = gather.find(file, unit) {
      if gather.hasRoomForRun(index) { return index }
      try flush()
    }
    if let index = gather.add(file, unit) { return index }
    try flush()
    guard let index = gather.add(file, unit) else {
      preconditionFailure("An empty gather buffer takes a unit.")
    }
    return index
  }

  /// Hands everything gathered to the device in one batch.
  func flush() throws(StorageError) {
    if gather.count == 0 { return }
    try fillGaps()
    writeBatch.removeAll()
    for index in 0..<gather.count {
      let unit = gather.units[index]
      let file = unit.file.takeUnretainedValue()
      var pieceCount = 0
      var padding = transferUnitByteCount - Int(unit.coveredByteCount)
      for run in gather.runs(of: index) {
        let byteCount = Int(run.end - run.start)
        if run.attribution.cause == .padding {
          padding += byteCount
          continue
        }
        pieces[pieceCount] = Piece(
          cause: run.attribution.cause, level: run.attribution.level,
          requestedOperationCount: Int(run.requestedOperationCount),
          requestedByteCount: Int(run.requestedByteCount), transferredByteCount: byteCount)
        pieceCount += 1
      }
      if index == 0 {
        for piece in gather.carried {
          pieces[pieceCount] = piece
          pieceCount += 1
        }
      }
      if padding > 0 {
        pieces[pieceCount] = Piece(
          cause: .padding, requestedOperationCount: 0, requestedByteCount: 0, transferredByteCount: padding)
        pieceCount += 1
      }
      writeBatch.append(
        .write, offset: deviceOffset(file, unit.number << unitShift),
        memory: .borrowed(gather.content(index)),
        byteCount: transferUnitByteCount, pieces: UnsafeMutableBufferPointer(rebasing: pieces[..<pieceCount]))
    }
    wroteSinceSync = true
    try channel.submit(&writeBatch)
    for index in 0..<gather.count {
      let unit = gather.units[index]
      let file = unit.file.takeUnretainedValue()
      file.writtenEnd = max(file.writtenEnd, (unit.number + 1) << unitShift)
      let content = gather.content(index)
      renewTail(&file.tails.recent, of: unit.number, content, wanted: file.lastWriteEnd)
      renewTail(&file.tails.last, of: unit.number, content, wanted: file.byteCount)
    }
    gather.removeAll()
  }

  /// Keeps a written unit when the file's next write is likely to continue it: `wanted` lies inside it.
  func renewTail(
    _ tail: inout SpaceFile.Tail, of unit: UInt64, _ content: UnsafeMutableRawPointer, wanted: UInt64
  ) {
    if wanted >> unitShift == unit && wanted & unitMask != 0 {
      tail.unit = unit
      tail.memory.copyMemory(from: content, byteCount: transferUnitByteCount)
    } else if tail.unit == unit {
      tail.unit = .max
    }
  }

  /// Completes units of which only a part was written: from a tail, with zeros, or by reading the device.
  func fillGaps() throws(StorageError) {
    let perBatch = bounceByteCount / transferUnitByteCount
    var first = 0
    while first < gather.count {
      readBatch.removeAll()
      readFile = nil
      var waiting = 0
      var index = first
      while index < gather.count && waiting < perBatch {
        if fillWithoutReading(index) {
          index += 1
          continue
        }
        let unit = gather.units[index]
        readBatch.append(
          .read, offset: deviceOffset(unit.file.takeUnretainedValue(), unit.number << unitShift),
          memory: .borrowed(bounce + waiting * transferUnitByteCount), byteCount: transferUnitByteCount,
          pieces: CollectionOfOne(
            Piece(
              cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
              transferredByteCount: transferUnitByteCount)))
        waiting += 1
        index += 1
      }
      if waiting > 0 {
        try channel.submit(&readBatch)
        var next = 0
        for filled in first..<index
        where !gather.units[filled].isFilled && gather.units[filled].coveredByteCount < transferUnitByteCount
        {
          fill(filled, from: bounce + next * transferUnitByteCount)
          next += 1
        }
      }
      first = index
    }
  }

  /// Completes one unit if that takes no read.
  func fillWithoutReading(_ index: Int) -> Bool {
    let unit = gather.units[index]
    if unit.isFilled || Int(unit.coveredByteCount) == transferUnitByteCount { return true }
    let file = unit.file.takeUnretainedValue()
    if unit.number << unitShift >= file.writtenEnd {
      fill(index, from: nil)
    } else if let tail = file.tail(of: unit.number) {
      fill(index, from: tail)
    } else {
      // Bytes behind the file's end are zero whatever the device holds.
      var needsReading = false
      let known = knownByteCount(file, unit.number)
      gather.forEachGap(index) { start, _ in if start < known { needsReading = true } }
      if needsReading { return false }
      fill(index, from: nil)
    }
    return true
  }

  /// Copies the old content (nil: zeros) into the gaps of a unit; behind the file's end it is zero.
  func fill(_ index: Int, from source: UnsafeMutableRawPointer?) {
    let file = gather.units[index].file.takeUnretainedValue()
    let content = gather.content(index)
    let known = source == nil ? 0 : knownByteCount(file, gather.units[index].number)
    gather.forEachGap(index) { start, end in
      let copied = max(start, min(end, known))
      if let source, copied > start {
        (content + start).copyMemory(from: source + start, byteCount: copied - start)
      }
      if end > copied {
        (content + copied).initializeMemory(as: UInt8.self, repeating: 0, count: end - copied)
      }
    }
    gather.units[index].isFilled = true
  }

  /// How many bytes of a unit lie before the file's end.
  func knownByteCount(_ file: SpaceFile, _ unit: UInt64) -> Int {
    let start = unit << unitShift
    return file.byteCount > start ? Int(min(file.byteCount - start, UInt64(transferUnitByteCount))) : 0
  }
}
