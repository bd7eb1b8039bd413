// What a durable commit of the volume writes beside the copied pages, and how a write cache stretches or cuts the interval b.
//
//   commit   pages ── pending record (runs taken and freed) ── sync ── superblock ── sync
//            every (pending units ÷ record units)th commit: space map chunks and index instead
//   b        operations between durable commits, or between two flushes when half of the cache is changed pages before
//
// Deviations: every copied page counts for one run taken and one freed (neighbours join, so that is the most); all of the
// space map's chunks change between two of its checkpoints.

import Primitives

/// The volume's own writes.
public struct VolumeCommitModel: Equatable, Sendable {
  /// T, in bytes.
  public var transferUnitByteCount: Double
  /// Bytes the volume uses from its beginning to its last unit in use.
  public var usedByteCount: Double
  /// Units of the pending log.
  public var pendingUnitCount: Double

  /// Bytes of a block's head.
  static let blockHeadByteCount = 24.0
  /// Bytes of a pending record before its runs.
  static let recordHeadByteCount = 32.0
  /// Bytes of a run.
  static let runByteCount = 8.0

  /// A volume; the pending log has 1/256 of the capacity, from 4 to 64 units.
  public init(transferUnitByteCount: Double, usedByteCount: Double, capacityByteCount: Double) {
    precondition(
      transferUnitByteCount > 0 && capacityByteCount > 0, "Units and devices have at least one byte.")
    self.transferUnitByteCount = transferUnitByteCount
    self.usedByteCount = usedByteCount
    pendingUnitCount = min(
      64, max(4, DeterministicMath.ceiling(capacityByteCount / transferUnitByteCount / 256)))
  }

  /// Units of the record of a commit that copies so many pages.
  public func recordUnitCount(pageCount: Double) -> Double {
    let bytes = Self.blockHeadByteCount + Self.recordHeadByteCount + 2 * pageCount * Self.runByteCount
    return max(1, DeterministicMath.ceiling(bytes / transferUnitByteCount))
  }

  /// Chunks of the space map: one for 8·(T − 24) units.
  public var chunkCount: Double {
    let chunk = 8 * (transferUnitByteCount - Self.blockHeadByteCount) * transferUnitByteCount
    return max(1, DeterministicMath.ceiling(usedByteCount / chunk))
  }

  /// Bytes of a durable commit that copies so many pages: superblock, pending record, and its share of the space map's next
  /// checkpoint.
  public func commitByteCount(pageCount: Double) -> Double {
    let units = recordUnitCount(pageCount: pageCount)
    let map = (chunkCount + 1) * min(1, units / pendingUnitCount)
    return transferUnitByteCount * (1 + units + map)
  }

  /// Syncs of a durable commit.
  public static var syncsPerCommit: Double { 2 }

  /// Bytes transferred by a durable append of r bytes to a log whose last unit is written again: r + T on average.
  public func logAppendByteCount(recordByteCount: Double) -> Double {
    recordByteCount + transferUnitByteCount
  }
}

extension CopyOnWriteModel {
  /// Operations after which `byteCount` bytes of pages are changed, at most `limit`. By bisection, to one operation.
  public func operationCount(changing byteCount: Double, atMost limit: Double) -> Double {
    if pageByteCount * pagesPerCommit(batchOperationCount: limit) <= byteCount { return limit }
    var low = 1.0
    var high = max(1, limit)
    while high - low > 1 {
      let middle = 0.5 * (low + high)
      if pageByteCount * pagesPerCommit(batchOperationCount: middle) <= byteCount {
        low = middle
      } else {
        high = middle
      }
    }
    return low
  }
}

/// Bytes per operation of uniform updates or inserts, with everything the formula needs.
public struct CopyOnWriteUpdateModel: Equatable, Sendable {
  /// The tree.
  public var shape: BTreeShape
  /// The volume's own writes.
  public var volume: VolumeCommitModel
  /// Bytes of changed pages at which they are written without a durable commit.
  public var changedByteLimit: Double
  /// Operations of a batch, whose keys are sorted: a page is visited once by each batch, and the limit looked at behind it.
  public var batchOperationCount: Double

  /// A tree on a volume.
  public init(
    shape: BTreeShape, volume: VolumeCommitModel, changedByteLimit: Double, batchOperationCount: Double
  ) {
    precondition(batchOperationCount >= 1, "A batch has at least one operation.")
    self.batchOperationCount = batchOperationCount
    self.shape = shape
    self.volume = volume
    self.changedByteLimit = changedByteLimit
  }

  /// Bytes per operation of uniform overwrites, b of them between two durable commits.
  ///
  /// (P/b)·Σ nᵢ(1 − (1 − 1/nᵢ)ᵇ) + (record + map + superblock)/b; with the smaller interval between flushes in the first
  /// term when the cache cannot hold b operations' changed pages.
  ///
  /// Source: A. F. Cárdenas, CACM 18(5), 1975, for the distinct pages.
  public func overwriteBytesPerOperation(operationsPerCommit b: Double) -> Double {
    precondition(b >= 1, "A commit has at least one operation.")
    let tree = CopyOnWriteModel(
      pageByteCount: shape.layout.pageByteCount, levelNodeCounts: shape.levels, commitOverheadByteCount: 0)
    let flush = operationCount(betweenFlushesOf: tree, operationsPerCommit: b)
    let pages = tree.pagesPerCommit(batchOperationCount: flush) * (b / flush)
    // What was written by a flush and is changed again keeps its place: a commit's runs are the distinct pages.
    let distinct = tree.pagesPerCommit(batchOperationCount: b)
    return (shape.layout.pageByteCount * pages + volume.commitByteCount(pageCount: distinct)) / b
  }

  /// Operations after which changed pages are written: b, or whole batches when the cache cannot hold what b change.
  private func operationCount(betweenFlushesOf tree: CopyOnWriteModel, operationsPerCommit b: Double)
    -> Double
  {
    let fitting = tree.operationCount(changing: changedByteLimit, atMost: b)
    return min(b, DeterministicMath.ceiling(fitting / batchOperationCount) * batchOperationCount)
  }

  /// Bytes per operation of N uniform inserts into an empty tree, b between two durable commits.
  ///
  /// The overwrite's sum over a tree that grows, and one page more for each that a split makes. What was not written yet is
  /// changed where it is, so the tree that is copied is the one that was last written: at the last durable commit, or the
  /// last time the cache could not hold more changed pages. Sampled at 256 sizes.
  public func insertBytesPerOperation(entryCount: Double, operationsPerCommit b: Double) -> Double {
    let stepCount = 256.0
    var sum = 0.0
    var step = 0.5
    while step < stepCount {
      let inserted = entryCount * step / stepCount
      let tree = CopyOnWriteModel(
        pageByteCount: shape.layout.pageByteCount,
        levelNodeCounts: shape.holding(entryCount: inserted).levels,
        commitOverheadByteCount: 0)
      let interval = operationCount(betweenFlushesOf: tree, operationsPerCommit: b)
      let writes = DeterministicMath.ceiling(inserted / interval) - 1
      var grown = self
      grown.shape = shape.holding(entryCount: max(1, writes * interval))
      sum += grown.overwriteBytesPerOperation(operationsPerCommit: b)
      step += 1
    }
    return sum / stepCount + shape.layout.pageByteCount / shape.leafEntryCount
  }
}
