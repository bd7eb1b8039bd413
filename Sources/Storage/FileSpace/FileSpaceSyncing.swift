// Syncs: what was gathered, then the directory when names, sizes or regions changed, each with a sync behind it.

import Accounting
import Primitives

extension FileSpace {
  /// Whether anything was written, made, cut or deleted that no sync covered yet.
  public var hasUnsyncedChanges: Bool { gather.count > 0 || wroteSinceSync || directoryChanged }

  /// Makes everything written so far durable, and the directory when it changed.
  ///
  /// - Parameter cause: what the sync is for, in the ledger.
  public func sync(_ file: SpaceFile, cause: Cause) throws(StorageError) {
    try check(file)
    try syncAll(cause: cause)
  }

  /// `sync` for every file.
  public func syncAll(cause: Cause) throws(StorageError) {
    try check()
    try flush()
    try channel.control(.sync(cause: cause))
    wroteSinceSync = false
    recycledSinceSync = false
    if directoryChanged { try commitDirectory() }
  }

  /// Writes the directory to the older slot and syncs; then what was given up is free.
  ///
  /// Precondition: nothing is gathered.
  func commitDirectory() throws(StorageError) {
    let next = generation + 1
    var directory = FileDirectory(
      transferUnitByteCount: UInt32(transferUnitByteCount), chunkByteCount: UInt64(chunkByteCount),
      capacityByteCount: channel.device.capacityByteCount, nextFileID: nextFileID, entries: [])
    for file in files {
      var entry = FileDirectory.Entry(id: file.id, name: file.name, byteCount: file.byteCount, regions: [])
      for region in file.regions {
        guard let start = chunkNumber(ofDeviceOffset: region.deviceOffset) else {
          preconditionFailure("A region begins at a chunk.")
        }
        entry.regions.append(
          FileDirectory.ClosedChunkRun(start: start, count: UInt32(region.byteCount / UInt64(chunkByteCount)))
        )
      }
      directory.entries.append(entry)
    }
    let needed = directory.imageByteCount
    let room = slotByteCount / FileDirectory.sectorByteCount * FileDirectory.payloadByteCount
    guard needed <= room else {
      throw .noSpace(requestedByteCount: UInt64(needed), freeByteCount: UInt64(room))
    }
    if wroteSinceSync || recycledSinceSync {
      try channel.control(.sync(cause: .fileDirectory))
      wroteSinceSync = false
      recycledSinceSync = false
    }
    if namesChanged { try channel.control(.namespace(.directorySync, fileID: 0)) }
    _ = slotMemory.initializeMemory(as: UInt8.self, repeating: 0)
    let used = directory.encode(
      generation: next, into: UnsafeMutableRawBufferPointer(rebasing: slotMemory[..<slotByteCount]))
    let written = Int(roundedUp(UInt64(used)))
    writeBatch.removeAll()
    writeBatch.append(
      .write, offset: (next & 1) * UInt64(slotByteCount), memory: .borrowed(slotMemory.baseAddress!),
      byteCount: written,
      pieces: [
        Piece(
          cause: .fileDirectory, requestedOperationCount: 1, requestedByteCount: used,
          transferredByteCount: used),
        Piece(
          cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
          transferredByteCount: written - used),
      ].prefix(written > used ? 2 : 1))
    try channel.submit(&writeBatch)
    try channel.control(.sync(cause: .fileDirectory))
    generation = next
    directoryChanged = false
    namesChanged = false
    for freed in pendingFrees {
      try channel.control(
        .discard(offset: freed.deviceOffset, byteCount: freed.byteCount, cause: .fileDirectory))
      guard let start = chunkNumber(ofDeviceOffset: freed.deviceOffset) else {
        preconditionFailure("A region begins at a chunk.")
      }
      allocator.putBack(start: start, count: UInt32(freed.byteCount / UInt64(chunkByteCount)))
    }
    if !pendingFrees.isEmpty { recycledSinceSync = true }
    pendingFrees.removeAll(keepingCapacity: true)
  }
}
