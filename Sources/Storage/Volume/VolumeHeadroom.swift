// How much of what is free can be counted on: by whoever asks for extents now, and by whoever does so after a crash.
//
//   free extents   [ 7 ]   [ 2 ]      [ 12 ]        requests of at most 3 units, in any order, until one is refused:
//   left over        2       2          2           no extent has 3 units left, so 21 − 6 = 15 units were given out at least
//
// Invariants
// 1. Requests of at most k units each, none given back, are served as long as their sum is at most Σ max(0, h − k + 1) over the
//    free extents h: whoever is refused finds at most k − 1 units in each of them.
// 2. After a crash a unit is free unless the newest superblock describes it or freed it: what is newborn, held for a pin, or was
//    freed before is free again.
// 3. Neither number counts the units that are kept for the volume's own blocks.

/// Free space that can be counted on whatever the order of requests.
public struct DependableSpace: Equatable, Sendable {
  /// Units that are free for engines, in whatever pieces.
  public var freeUnitCount: Int
  /// Units that requests of at most the stated size can count on.
  public var unitCount: Int
}

extension Volume {
  /// Units for `byteCount` bytes.
  public func unitCount(ofBytes byteCount: Int) -> Int {
    (byteCount + transferUnitByteCount - 1) / transferUnitByteCount
  }

  /// Kept for the volume's own blocks, wherever the used part of the device ends.
  private var largestReservedUnitCount: Int { 3 * (map.chunkCount(for: unitCount) + 1) + 4 }

  /// Units at the device's end that were never used, less what the volume keeps: free now and after a crash, in one piece.
  /// Constant time.
  public var untouchedUnitCount: Int { max(0, unitCount - usedEndUnit - largestReservedUnitCount) }

  /// No more than `dependableSpace` says of extents of at most `largestUnitCount` units, in constant time.
  public func surelyDependableUnitCount(largestUnitCount: Int) -> Int {
    let spread = free.unitCount - free.extentCount * (largestUnitCount - 1) - largestReservedUnitCount
    return max(spread, untouchedUnitCount - largestUnitCount)
  }

  /// What extents of at most `largestUnitCount` units can count on now. O(free extents + units in use / 64).
  public func dependableSpace(largestUnitCount: Int) -> DependableSpace {
    var space = DependableSpace(freeUnitCount: 0, unitCount: 0)
    for run in free.extents { space.add(run.count, largestUnitCount) }
    return space.less(largestReservedUnitCount)
  }

  /// The same for who opens the volume after a crash that happened now. O(free extents + units in use / 64).
  public func dependableSpaceAfterCrash(largestUnitCount: Int) -> DependableSpace {
    var waiting = UnitBitmap()
    for entry in deferred.all where entry.epoch >= durableEpoch { waiting.insert(entry.range) }
    for entry in deferredMetadata.all where entry.epoch >= durableEpoch { waiting.insert(entry.range) }
    var space = DependableSpace(freeUnitCount: 0, unitCount: 0)
    forEachUndescribedRun(waiting) { space.add($0.count, largestUnitCount) }
    return space.less(largestReservedUnitCount)
  }

  /// The runs of units that neither the newest superblock describes nor `waiting` holds.
  func forEachUndescribedRun(_ waiting: UnitBitmap, _ body: (Range<Int>) -> Void) {
    var start = 0
    while start < unitCount {
      while true {
        let next = waiting.firstClear(from: durable.firstClear(from: start))
        if next == start { break }
        start = next
      }
      if start >= unitCount { return }
      let end = min(durable.firstSet(from: start) ?? unitCount, waiting.firstSet(from: start) ?? unitCount)
      body(start..<min(end, unitCount))
      start = end
    }
  }
}

extension DependableSpace {
  fileprivate mutating func add(_ count: Int, _ largestUnitCount: Int) {
    freeUnitCount += count
    unitCount += max(0, count - largestUnitCount + 1)
  }

  fileprivate func less(_ count: Int) -> DependableSpace {
    DependableSpace(freeUnitCount: max(0, freeUnitCount - count), unitCount: max(0, unitCount - count))
  }
}

extension VolumeLog {
  /// Units of a segment.
  public var unitCountOfSegment: Int { segmentUnitCount }

  /// Bytes behind a position that records may lie in: no more than these are replayed from it after a crash.
  public func byteCount(behind position: UInt64) -> UInt64 { max(position, capacityPosition) - position }

  /// Segments that making room for `byteCount` bytes of records adds; 0 when there is room and an era to append to.
  public func missingSegmentCount(_ byteCount: Int) -> Int {
    let missing = (tailIsKnown ? tailPosition : startPosition) + UInt64(byteCount)
    if era != nil, missing <= capacityPosition { return 0 }
    let segmentByteCount = UInt64(segmentUnitCount) * UInt64(volume.transferUnitByteCount)
    let behind = missing > capacityPosition ? missing - capacityPosition : 0
    return max(
      Int((behind + segmentByteCount - 1) / segmentByteCount), configuration.preallocatedSegmentCount)
  }
}

extension Volume {
  /// Units that were allocated since the last durable commit of everything: what replaying a log has to find anew.
  public var newbornUnitCount: Int { newborn.setCount }

  /// Units that the open transaction allocated.
  public var transactionUnitCount: Int { transactionBorn.setCount }

  /// Units of the volume's own blocks that a commit may move, and that are free again only one commit later.
  public var movingUnitCount: Int { pendingDefaultUnitCount + map.chunkCount(for: unitCount) + 2 }
}
