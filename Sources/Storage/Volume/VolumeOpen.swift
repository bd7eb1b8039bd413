// How a volume comes back: newest superblock, space map, pending log, directory, log lists, then the free extents.
//
// Invariants
// 1. Loading writes nothing, so it can be repeated and interrupted at will.
// 2. Every count and unit number from the device is checked before it is used; what cannot be what was written is
//    `.corrupted` with its structure and offset, never a trap.

import Accounting
import Primitives

extension Volume {
  /// Reads and verifies a block of the volume's own.
  func readOwnBlock(
    _ range: Range<Int>, type: BlockType, expecting checksum: UInt32?, cause: Cause
  ) throws(StorageError) -> VolumeBlock {
    guard range.lowerBound >= 2, range.upperBound <= unitCount else {
      throw .corrupted(
        structure: type.description,
        offset: UInt64(clamping: range.lowerBound) &* UInt64(transferUnitByteCount),
        detail: "units \(range) are not inside the volume")
    }
    let block = try readBlock(extent(range), type: type, cause: cause)
    if let checksum, block.checksum != checksum {
      throw .corrupted(
        structure: type.description, offset: extent(range).offset,
        detail:
          "its checksum is \(block.checksum), its pointer says \(checksum): an older block of this place")
    }
    return block
  }

  /// Loads everything but the engine's blocks. Each structure is read under its own cause, or all under `cause`.
  func load(cause: Cause? = nil) throws(StorageError) {
    try loadSpaceMap(cause: cause ?? .spaceMap)
    let freedLast = try replayPendingLog(cause: cause ?? .pendingLog)
    try directory.load(from: self, cause: cause ?? .nodeDirectory)
    for number in logLists.indices {
      logLists[number] = try loadLogList(superblock.logs[number], cause: cause ?? .log)
    }
    try checkOwnUnits()
    // What the newest commit freed waits for the next one; everything else that is not allocated is free.
    var waiting = UnitBitmap()
    for run in freedLast {
      waiting.insert(run)
      deferredMetadata.append(DeferredUnits(range: run, sequence: 0, epoch: superblock.epoch))
    }
    forEachUndescribedRun(waiting) { free.insert($0) }
  }

  func loadSpaceMap(cause: Cause) throws(StorageError) {
    let place = superblock.mapStartUnit..<(superblock.mapStartUnit + superblock.mapUnitCount)
    let index = try readOwnBlock(
      place, type: .spaceMapIndex, expecting: superblock.mapChecksum, cause: cause)
    let image = ImageReader(index.payload)
    let count = Int(image.load(UInt32.self, at: 0))
    let expected = SpaceMapState.indexHeadByteCount + SpaceMapState.indexEntryByteCount * count
    guard index.payloadByteCount == expected, count <= map.chunkCount(for: superblock.usedEndUnit) else {
      throw .corrupted(
        structure: index.type.description, offset: extent(place).offset,
        detail: "\(count) chunks do not make \(index.payloadByteCount) bytes")
    }
    for chunk in 0..<count {
      let at = SpaceMapState.indexHeadByteCount + SpaceMapState.indexEntryByteCount * chunk
      let unit = image.load(UInt64.self, at: at)
      guard unit < UInt64(unitCount) else {
        throw .corrupted(
          structure: index.type.description, offset: extent(place).offset,
          detail: "chunk \(chunk) at unit \(unit) is not inside the volume")
      }
      map.chunkUnits.append(Int(unit))
      map.chunkChecksums.append(image.load(UInt32.self, at: at + 8))
    }
    for chunk in 0..<count where map.chunkUnits[chunk] != 0 {
      let unit = map.chunkUnits[chunk]
      let block = try readOwnBlock(
        unit..<(unit + 1), type: .spaceMapChunk, expecting: map.chunkChecksums[chunk], cause: cause)
      let payload = ImageReader(block.payload)
      let wordCount = map.chunkUnitCount / 64
      guard block.payloadByteCount == 8 + 8 * wordCount, payload.load(UInt64.self, at: 0) == UInt64(chunk)
      else {
        throw .corrupted(
          structure: block.type.description, offset: extent(unit..<(unit + 1)).offset,
          detail: "it is not chunk \(chunk)")
      }
      for word in 0..<wordCount {
        var bits = payload.load(UInt64.self, at: 8 + 8 * word)
        let base = chunk * map.chunkUnitCount + 64 * word
        while bits != 0 {
          let low = bits.trailingZeroBitCount
          let length = (~(bits >> UInt64(low))).trailingZeroBitCount
          let run = base + low..<(base + low + length)
          guard run.upperBound <= superblock.usedEndUnit else {
            throw .corrupted(
              structure: block.type.description, offset: extent(unit..<(unit + 1)).offset,
              detail: "units \(run) are allocated beyond the used end \(superblock.usedEndUnit)")
          }
          durable.insert(run)
          bits = low + length >= 64 ? 0 : bits & (UInt64.max << UInt64(low + length))
        }
      }
    }
  }

  /// Applies the pending log.
  ///
  /// - Returns: the runs that the superblock's own epoch freed.
  func replayPendingLog(cause: Cause) throws(StorageError) -> [Range<Int>] {
    var freedLast: [Range<Int>] = []
    try forEachPendingRecord(cause: cause) { record throws(StorageError) in
      for run in record.allocated {
        guard durable.containsNone(run) else {
          throw pendingCorruption(record, "it allocates units \(run), some of which were allocated")
        }
        durable.insert(run)
      }
      for run in record.freed {
        let isPlausible =
          record.epoch == superblock.mapEpoch ? durable.containsNone(run) : durable.containsAll(run)
        guard isPlausible else {
          throw pendingCorruption(record, "it frees units \(run), some of which were not allocated")
        }
        durable.remove(run)
        if record.epoch == superblock.epoch { freedLast.append(run) }
      }
      for run in record.allocated + record.freed { map.dirtyChunks.insert(map.chunks(of: run)) }
    }
    return freedLast
  }

  private func pendingCorruption(_ record: PendingRecord, _ detail: String) -> StorageError {
    let unit = UInt64(superblock.pendingStartUnit) &+ record.position
    return .corrupted(
      structure: "pending log record", offset: unit &* UInt64(transferUnitByteCount), detail: detail)
  }

  /// Reads the records that the superblock knows of, in order.
  func forEachPendingRecord(
    cause: Cause, _ body: (PendingRecord) throws(StorageError) -> Void
  ) throws(StorageError) {
    let used = superblock.pendingUsedUnitCount
    if used == 0 { return }
    let place = extent(superblock.pendingStartUnit..<(superblock.pendingStartUnit + used))
    var batch = TransferBatch()
    batch.append(.read, offset: place.offset, memory: .vended, byteCount: place.byteCount, cause: cause)
    try channel.submit(&batch)
    let (frame, frameOffset) = batch.frame(ofRequest: 0)
    let bytes = UnsafeRawBufferPointer(start: frame.pointer + frameOffset, count: place.byteCount)
    var position = 0
    var lastEpoch = superblock.mapEpoch
    while position < used {
      let offset = place.offset + UInt64(position * transferUnitByteCount)
      let rest = UnsafeRawBufferPointer(rebasing: bytes[(position * transferUnitByteCount)...])
      let payloadByteCount = Int(ImageReader(rest).load(UInt32.self, at: 8))
      let count = (VolumeBlock.headerByteCount + payloadByteCount - 1) / transferUnitByteCount + 1
      guard count <= used - position else {
        throw .corrupted(
          structure: "pending log record", offset: offset,
          detail: "it ends beyond the pending log's used units")
      }
      let block = UnsafeRawBufferPointer(rebasing: rest[..<(count * transferUnitByteCount)])
      _ = try BlockHeader.verify(block, volumeID: volumeID, offset: offset, type: .pendingRecord)
      statistics.verifiedChecksumCount += 1
      let payload = UnsafeRawBufferPointer(
        rebasing: block[VolumeBlock.headerByteCount..<(VolumeBlock.headerByteCount + payloadByteCount)])
      let record = try PendingRecord.decode(payload, offset: offset, usedEndUnit: superblock.usedEndUnit)
      let isFirst = position == 0
      guard record.generation == superblock.mapEpoch, record.position == UInt64(position),
        record.epoch <= superblock.epoch,
        record.epoch > lastEpoch || (isFirst && record.epoch == lastEpoch && record.allocated.isEmpty)
      else {
        throw .corrupted(
          structure: "pending log record", offset: offset,
          detail:
            "generation \(record.generation), epoch \(record.epoch), position \(record.position) is not the next"
        )
      }
      lastEpoch = record.epoch
      try body(record)
      position += count
    }
  }

  /// The units of the volume's own blocks, by structure, in a fixed order.
  var ownUnits: [(structure: String, range: Range<Int>)] {
    var result: [(structure: String, range: Range<Int>)] = [("superblock", 0..<2)]
    if superblock.mapUnitCount > 0 {
      result.append(
        ("space map", superblock.mapStartUnit..<(superblock.mapStartUnit + superblock.mapUnitCount)))
      for unit in map.chunkUnits where unit != 0 { result.append(("space map", unit..<(unit + 1))) }
      result.append(
        (
          "pending log",
          superblock.pendingStartUnit..<(superblock.pendingStartUnit + superblock.pendingUnitCount)
        ))
    }
    for unit in directory.pageUnits { result.append(("node directory", unit..<(unit + 1))) }
    for list in logLists {
      if list.unitCount > 0 { result.append(("log", list.startUnit..<(list.startUnit + list.unitCount))) }
      for segment in list.segments { result.append(("log", segment.units)) }
    }
    return result
  }

  /// The volume's own blocks lie on allocated units and do not overlap.
  func checkOwnUnits() throws(StorageError) {
    var seen = UnitBitmap()
    for (structure, range) in ownUnits {
      guard durable.containsAll(range), seen.containsNone(range) else {
        throw .corrupted(
          structure: structure, offset: UInt64(range.lowerBound) &* UInt64(transferUnitByteCount),
          detail: "its units \(range) are not allocated, or belong to something else too")
      }
      seen.insert(range)
    }
  }
}
