// A guest's reads: gathered bytes from memory, the others as one batch, gaps in what was gathered filled first.

import Accounting
import Primitives

extension FileSpace {
  /// Reads up to `destination.count` bytes at `offset`.
  ///
  /// - Parameter attribution: whose bytes they are; nil asks `readClassifier` once they are there.
  /// - Returns: the bytes read; fewer than asked only at the file's end. What lies behind them is not touched.
  public func read(
    _ file: SpaceFile, at offset: UInt64, into destination: UnsafeMutableRawBufferPointer,
    _ attribution: Attribution? = nil
  ) throws(StorageError) -> Int {
    try check(file)
    let available = offset < file.byteCount ? file.byteCount - offset : 0
    let total = Int(min(UInt64(destination.count), available))
    guard total > 0, let target = destination.baseAddress else {
      let owner = attribution ?? classify(file, offset, UnsafeRawBufferPointer(start: nil, count: 0))
      channel.enterUnmoved(.read, byteCount: 0, cause: owner.cause, level: owner.level)
      return 0
    }
    var done = 0
    if offset & unitMask == 0 && UInt64(total) & unitMask == 0 && file.gatheredUnitCount == 0
      && offset + UInt64(total) <= file.writtenEnd
    {
      try readAligned(file, offset, UnsafeMutableRawBufferPointer(start: target, count: total), attribution)
      return total
    }
    while done < total {
      let position = offset + UInt64(done)
      let room = bounceByteCount - Int(position & unitMask)
      let count = min(total - done, room)
      try readPart(
        file, position, UnsafeMutableRawBufferPointer(start: target + done, count: count), attribution,
        isFirst: done == 0)
      done += count
    }
    return total
  }

  /// Reads whole units straight into the guest's memory: the common case, a page of a database.
  func readAligned(
    _ file: SpaceFile, _ offset: UInt64, _ destination: UnsafeMutableRawBufferPointer,
    _ attribution: Attribution?
  ) throws(StorageError) {
    let owner = attribution ?? Attribution(.guestOther)
    readBatch.removeAll()
    var done = 0
    while done < destination.count {
      let position = offset + UInt64(done)
      let region = file.region(at: position)
      let count = Int(min(UInt64(destination.count - done), region.fileEnd - position))
      pieces[0] = Piece(
        cause: owner.cause, level: owner.level, requestedOperationCount: done == 0 ? 1 : 0,
        requestedByteCount: count, transferredByteCount: count)
      readBatch.append(
        .read, offset: region.deviceOffset + (position - region.fileOffset),
        memory: .borrowed(destination.baseAddress! + done), byteCount: count,
        pieces: UnsafeMutableBufferPointer(rebasing: pieces[..<1]))
      done += count
    }
    readFile = attribution == nil ? file : nil
    readOffset = offset
    readMemory = UnsafeRawBufferPointer(destination)
    try channel.submit(&readBatch)
  }

  func classify(
    _ file: SpaceFile, _ offset: UInt64, _ bytes: UnsafeRawBufferPointer
  ) -> Attribution {
    readClassifier?(file, offset, bytes) ?? Attribution(.guestOther)
  }

  /// Reads a part that fits the bounce buffer with its rounding.
  func readPart(
    _ file: SpaceFile, _ offset: UInt64, _ destination: UnsafeMutableRawBufferPointer,
    _ attribution: Attribution?, isFirst: Bool
  ) throws(StorageError) {
    let end = offset + UInt64(destination.count)
    let firstUnit = offset >> unitShift
    let endUnit = (end + unitMask) >> unitShift
    let start = firstUnit << unitShift
    let writtenUnit = file.writtenEnd >> unitShift
    var needsPlacing = false
    if file.gatheredUnitCount > 0 {
      for unit in firstUnit..<endUnit {
        guard let index = gather.find(file, unit) else { continue }
        needsPlacing = true
        let from = Int(max(offset, unit << unitShift) & unitMask)
        let to = Int(min(end, (unit + 1) << unitShift) - (unit << unitShift))
        if !gather.covers(index, from, to) { try readGaps(index) }
      }
    }
    // One request of the guest, whatever it takes.
    var owed = (operations: isFirst ? 1 : 0, bytes: destination.count)
    let owner = attribution ?? Attribution(.guestOther)
    readBatch.removeAll()
    var unit = firstUnit
    while unit < endUnit {
      if unit >= writtenUnit || (needsPlacing && gather.find(file, unit) != nil) {
        needsPlacing = true
        unit += 1
        continue
      }
      let region = file.region(at: unit << unitShift)
      let regionEnd = min(endUnit, writtenUnit, region.fileEnd >> unitShift)
      var runEnd = unit + 1
      while runEnd < regionEnd && !(needsPlacing && gather.find(file, runEnd) != nil) { runEnd += 1 }
      let byteCount = Int((runEnd - unit) << unitShift)
      let useful = Int(min(end, runEnd << unitShift) - max(offset, unit << unitShift))
      pieces[0] = Piece(
        cause: owner.cause, level: owner.level, requestedOperationCount: owed.operations,
        requestedByteCount: owed.bytes, transferredByteCount: useful)
      owed = (0, 0)
      pieces[1] = Piece(
        cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
        transferredByteCount: byteCount - useful)
      readBatch.append(
        .read, offset: region.deviceOffset + ((unit << unitShift) - region.fileOffset),
        memory: .borrowed(bounce + Int((unit << unitShift) - start)), byteCount: byteCount,
        pieces: UnsafeMutableBufferPointer(rebasing: pieces[..<(byteCount > useful ? 2 : 1)]))
      unit = runEnd
    }
    let source = bounce + Int(offset - start)
    readFile = attribution == nil ? file : nil
    readOffset = offset
    readMemory = UnsafeRawBufferPointer(start: source, count: destination.count)
    if needsPlacing {
      for unit in firstUnit..<endUnit {
        let place = bounce + Int((unit << unitShift) - start)
        if let index = gather.find(file, unit) {
          place.copyMemory(from: gather.content(index), byteCount: transferUnitByteCount)
        } else if unit >= writtenUnit {
          place.initializeMemory(as: UInt8.self, repeating: 0, count: transferUnitByteCount)
        }
      }
    }
    if readBatch.isEmpty {
      let whose = attribution ?? classify(file, offset, readMemory)
      channel.enterUnmoved(
        .read, byteCount: destination.count, cause: whose.cause, level: whose.level,
        operationCount: isFirst ? 1 : 0)
    } else {
      try channel.submit(&readBatch)
    }
    destination.baseAddress!.copyMemory(from: source, byteCount: destination.count)
  }

  /// Completes a gathered unit that a read needs more of.
  func readGaps(_ index: Int) throws(StorageError) {
    if fillWithoutReading(index) { return }
    let unit = gather.units[index]
    readBatch.removeAll()
    readFile = nil
    readBatch.append(
      .read, offset: deviceOffset(unit.file.takeUnretainedValue(), unit.number << unitShift),
      memory: .borrowed(bounce), byteCount: transferUnitByteCount,
      pieces: CollectionOfOne(
        Piece(
          cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
          transferredByteCount: transferUnitByteCount)))
    try channel.submit(&readBatch)
    fill(index, from: bounce)
  }
}
