// How a durable state is published: the second half of `Volume`'s walk through a durable commit.
//
//   plan (may find no room, changes nothing)     apply (cannot fail)      write (may poison)
//   ─ directory pages: new places                ─ bits of the runs       ─ one batch, sync
//   ─ log lists: segments, new places            ─ block images,          ─ superblock, sync
//   ─ runs ─▶ fits the pending log?                checksums upwards      then: epoch + 1, deferred units
//        no ─▶ checkpoint: chunks, index, pending extent: new places
//
// Invariants
// 1. Everything that can fail for lack of room happens while planning; a failed plan gives back what it took.
// 2. Planning a checkpoint ends: giving a chunk a new place can make another chunk dirty, but each only once.

import Accounting
import Primitives

/// What a publication makes durable.
enum PublishScope {
  /// All that is visible.
  case everything
  /// The last durable state again, with a log that has room for this many more bytes.
  case logGrowth(number: Int, byteCount: Int)
}

/// Units taken and given up by a plan, for the volume's own blocks.
struct StagedUnits {
  var taken: [Range<Int>] = []
  var released: [Range<Int>] = []
}

/// A checkpoint's new places.
private struct CheckpointPlan {
  var chunkUnits: [Int]
  var rewritten: [Int]
  var index: Range<Int>
  var pending: Range<Int>
}

extension Volume {
  /// Takes units for the volume's own blocks.
  func stage(_ count: Int, near: Int? = nil, in staged: inout StagedUnits) throws(StorageError) -> Range<Int>
  {
    guard let range = takeUnits(count, near: near) else {
      throw .noSpace(
        requestedByteCount: UInt64(count) * UInt64(transferUnitByteCount),
        freeByteCount: UInt64(free.unitCount) * UInt64(transferUnitByteCount))
    }
    staged.taken.append(range)
    return range
  }

  /// Writes the next superblock.
  func publish(_ scope: PublishScope, checkpoint: Bool) throws(StorageError) {
    try check()
    // Not within a transaction: what it may reuse was decided when it began.
    if !transactionIsOpen { absorbPins() }
    var isEverything = false
    if case .everything = scope {
      isEverything = true
      precondition(!transactionIsOpen, "A durable commit happens between transactions.")
      for log in logs {
        if let log, log.truncationPosition != nil { try log.flush() }
      }
    }
    let epoch = durableEpoch + (skipsEpochs ? 3 : 1)

    // Plan.
    let bornRuns = isEverything ? newborn.runs : []
    let droppedRuns = isEverything ? dropped.runs : []
    var staged = StagedUnits()
    var directoryPlan: DirectoryPlan?
    var logPlans: [LogPlan] = []
    var recordUnit: Int?
    var checkpointPlan: CheckpointPlan?
    do throws(StorageError) {
      if isEverything, directory.isDirty { directoryPlan = try directory.plan(for: self, &staged) }
      for number in logs.indices {
        logPlans.append(try planLog(number, scope: scope, epoch: epoch, &staged))
      }
      let runCount =
        PendingRecord.storedRunCount(staged.taken) + PendingRecord.storedRunCount(staged.released)
        + PendingRecord.storedRunCount(bornRuns) + PendingRecord.storedRunCount(droppedRuns)
      let units = PendingRecord.unitCount(runCount: runCount, transferUnitByteCount: transferUnitByteCount)
      if !checkpoint, superblock.pendingUsedUnitCount + units <= superblock.pendingUnitCount {
        recordUnit = superblock.pendingStartUnit + superblock.pendingUsedUnitCount
      } else {
        checkpointPlan = try planCheckpoint(born: bornRuns, dropped: droppedRuns, &staged)
      }
    } catch {
      for range in staged.taken { free.insert(range) }
      throw error
    }

    // Apply.
    let allocated = coalesced(bornRuns + staged.taken)
    let freed = coalesced(droppedRuns + staged.released)
    for run in allocated { durable.insert(run) }
    for run in freed { durable.remove(run) }
    for run in allocated + freed { map.dirtyChunks.insert(map.chunks(of: run)) }
    for range in staged.released {
      deferredMetadata.append(DeferredUnits(range: range, sequence: 0, epoch: epoch))
    }
    if isEverything {
      newborn.removeAll()
      fresh.removeAll()
      dropped.removeAll()
      for entry in drops {
        deferred.append(DeferredUnits(range: entry.range, sequence: entry.sequence, epoch: epoch))
      }
      drops.removeAll(keepingCapacity: true)
    }
    var next = superblock
    next.epoch = epoch
    next.usedEndUnit = usedEndUnit
    if isEverything { next.root = root }
    var batch = TransferBatch()
    if let directoryPlan { directory.write(directoryPlan, for: self, &next, &batch) }
    for plan in logPlans { applyLog(plan, &next, &batch) }
    if let checkpointPlan {
      writeSpaceMap(checkpointPlan, epoch: epoch, &next, &batch)
      next.pendingUsedUnitCount = writePendingRecord(
        allocated: [], freed: freed, at: next.pendingStartUnit, position: 0, next, &batch)
    } else if let recordUnit {
      next.pendingUsedUnitCount += writePendingRecord(
        allocated: allocated, freed: freed, at: recordUnit, position: next.pendingUsedUnitCount, next, &batch)
    }

    // Write.
    try channel.submit(&batch)
    try channel.control(.sync(cause: checkpointPlan == nil ? .pendingLog : .spaceMap))
    for (number, log) in logs.enumerated() {
      guard let log else { continue }
      log.becameDurable()
      next.logs[number].durablePosition = max(next.logs[number].startPosition, log.durablePosition)
    }
    try write(next)
    superblock = next
    durableEpoch = epoch
    skipsEpochs = false
    releaseDeferred()
    statistics.durableCommitCount += 1
    if checkpointPlan != nil { statistics.spaceMapCheckpointCount += 1 }
    if !isEverything { statistics.logGrowthCount += 1 }
  }

  private func write(_ next: Superblock) throws(StorageError) {
    let frame = channel.pool.frame(byteCount: transferUnitByteCount, zeroed: true)
    next.encode(into: frame.mutableBytes)
    var batch = TransferBatch()
    batch.append(
      .write, offset: (next.epoch & 1) * UInt64(transferUnitByteCount), memory: .frame(frame, offset: 0),
      byteCount: transferUnitByteCount, cause: .superblock)
    try channel.submit(&batch)
    try channel.control(.sync(cause: .superblock))
  }

  /// Adds a block of the volume's own to a batch; `fill` writes the payload and returns its length.
  ///
  /// - Returns: the block's checksum.
  @discardableResult
  func appendBlock(
    _ range: Range<Int>, type: BlockType, cause: Cause, to batch: inout TransferBatch,
    fill: (UnsafeMutableRawBufferPointer) -> Int
  ) -> UInt32 {
    let place = extent(range)
    let frame = channel.pool.frame(byteCount: place.byteCount, zeroed: true)
    let payload = UnsafeMutableRawBufferPointer(rebasing: frame.mutableBytes[VolumeBlock.headerByteCount...])
    let count = fill(payload)
    let checksum = BlockHeader.seal(
      frame.mutableBytes, volumeID: volumeID, offset: place.offset, type: type, payloadByteCount: count,
      level: .none)
    batch.append(
      .write, offset: place.offset, memory: .frame(frame, offset: 0), byteCount: place.byteCount, cause: cause
    )
    return checksum
  }

  /// - Returns: the units written, 0 for a record without runs, which is not written.
  private func writePendingRecord(
    allocated: [Range<Int>], freed: [Range<Int>], at unit: Int, position: Int, _ next: Superblock,
    _ batch: inout TransferBatch
  ) -> Int {
    if allocated.isEmpty && freed.isEmpty { return 0 }
    let record = PendingRecord(
      generation: next.mapEpoch, epoch: next.epoch, position: UInt64(position), allocated: allocated,
      freed: freed)
    let runCount = PendingRecord.storedRunCount(allocated) + PendingRecord.storedRunCount(freed)
    let count = PendingRecord.unitCount(runCount: runCount, transferUnitByteCount: transferUnitByteCount)
    precondition(
      position + count <= next.pendingUnitCount, "A planned record fits into the pending log.")
    appendBlock(unit..<(unit + count), type: .pendingRecord, cause: .pendingLog, to: &batch) {
      record.encode(into: $0)
    }
    return count
  }

  // MARK: Checkpoint

  private func planCheckpoint(
    born: [Range<Int>], dropped: [Range<Int>], _ staged: inout StagedUnits
  ) throws(StorageError) -> CheckpointPlan {
    var dirty = map.dirtyChunks
    func touch(_ runs: [Range<Int>]) {
      for run in runs { dirty.insert(map.chunks(of: run)) }
    }
    touch(born)
    touch(dropped)
    if superblock.mapUnitCount > 0 {
      staged.released.append(
        superblock.mapStartUnit..<(superblock.mapStartUnit + superblock.mapUnitCount))
      staged.released.append(
        superblock.pendingStartUnit..<(superblock.pendingStartUnit + superblock.pendingUnitCount))
    }
    // The pending log first, in one piece and as large as there is room for. Its first record holds what this
    // checkpoint frees: what is known by now, one run for each chunk that may move, and a spare.
    let dropCount = PendingRecord.storedRunCount(dropped)
    let bound = PendingRecord.unitCount(
      runCount: dropCount + PendingRecord.storedRunCount(staged.released) + map.chunkUnits.count + 1,
      transferUnitByteCount: transferUnitByteCount)
    let wanted = max(bound + 1, pendingDefaultUnitCount)
    let pendingCount = max(bound, min(wanted, free.largestUnitCount / 2))
    let pending = try stage(pendingCount, in: &staged)
    // Places for the dirty chunks and the index, until no new place makes another chunk dirty.
    var chunkUnits = map.chunkUnits
    var rewritten = UnitBitmap()
    var index: Range<Int>?
    while true {
      touch(staged.taken)
      touch(staged.released)
      let chunkCount = map.chunkCount(for: usedEndUnit)
      while chunkUnits.count < chunkCount { chunkUnits.append(0) }
      var isStable = true
      var nextDirty = dirty.firstSet(from: 0)
      while let chunk = nextDirty {
        nextDirty = dirty.firstSet(from: chunk + 1)
        if rewritten.contains(chunk) { continue }
        isStable = false
        rewritten.insert(chunk..<(chunk + 1))
        if chunkUnits[chunk] != 0 { staged.released.append(chunkUnits[chunk]..<(chunkUnits[chunk] + 1)) }
        chunkUnits[chunk] = try stage(1, in: &staged).lowerBound
      }
      if !isStable { continue }
      let needed = map.indexUnitCount(for: chunkUnits.count)
      if let index, index.count >= needed { break }
      // An index that became too short is left to the plan's record as taken and released at once.
      if let index, let position = staged.taken.firstIndex(of: index) {
        staged.taken.remove(at: position)
        free.insert(index)
      }
      index = try stage(needed, in: &staged)
    }
    guard let index else { preconditionFailure("A stable checkpoint plan has an index.") }
    return CheckpointPlan(
      chunkUnits: chunkUnits, rewritten: rewritten.runs.flatMap(Array.init), index: index, pending: pending)
  }

  private func writeSpaceMap(
    _ plan: CheckpointPlan, epoch: UInt64, _ next: inout Superblock, _ batch: inout TransferBatch
  ) {
    map.chunkUnits = plan.chunkUnits
    while map.chunkChecksums.count < map.chunkUnits.count { map.chunkChecksums.append(0) }
    let wordCount = map.chunkUnitCount / 64
    for chunk in plan.rewritten {
      let unit = plan.chunkUnits[chunk]
      map.chunkChecksums[chunk] = appendBlock(
        unit..<(unit + 1), type: .spaceMapChunk, cause: .spaceMap, to: &batch
      ) { payload in
        let image = ImageWriter(payload)
        image.store(UInt64(chunk), at: 0)
        for word in 0..<wordCount {
          let index = chunk * wordCount + word
          if index < durable.words.count { image.store(durable.words[index], at: 8 + 8 * word) }
        }
        return 8 + 8 * wordCount
      }
    }
    map.dirtyChunks.removeAll()
    next.mapStartUnit = plan.index.lowerBound
    next.mapUnitCount = plan.index.count
    next.mapEpoch = epoch
    next.mapChecksum = appendBlock(plan.index, type: .spaceMapIndex, cause: .spaceMap, to: &batch) {
      payload in
      let image = ImageWriter(payload)
      image.store(UInt32(map.chunkUnits.count), at: 0)
      var offset = SpaceMapState.indexHeadByteCount
      for (unit, checksum) in zip(map.chunkUnits, map.chunkChecksums) {
        image.store(UInt64(unit), at: offset)
        image.store(checksum, at: offset + 8)
        offset += SpaceMapState.indexEntryByteCount
      }
      return offset
    }
    next.pendingStartUnit = plan.pending.lowerBound
    next.pendingUnitCount = plan.pending.count
    next.pendingUsedUnitCount = 0
  }
}
