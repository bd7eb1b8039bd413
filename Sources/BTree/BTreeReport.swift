// What the engine says of itself: settings, counters, space, and whether everything is as it must be.

import Accounting
import KeyValue
import Primitives
import Storage

extension BTreeEngine {
  /// What survives a crash.
  public var durabilityClass: DurabilityClass {
    syncEveryCommits == 0 ? .prefix : .everyCommits(syncEveryCommits)
  }

  /// Effective settings, sorted by name.
  public func settingsReadBack() -> [(name: String, value: String)] {
    [
      ("bulk_fill_percent", String(settings.bulkFillPercent)),
      ("cache_bytes", String(store.cache.capacityByteCount)),
      ("cache_shards", String(settings.cacheShardCount)),
      ("checkpoint_bytes", String(settings.checkpointByteCount)),
      ("checkpoint_operations", String(settings.checkpointOperationCount)),
      ("commit", settings.usesLog ? "log" : "path-copy"),
      ("maximum_inline_bytes", String(settings.geometry.maximumInlineByteCount)),
      ("maximum_key_bytes", String(limits.maximumKeyByteCount)),
      ("maximum_value_bytes", String(limits.maximumValueByteCount)),
      ("merge_threshold_percent", String(settings.policy.mergeThresholdPercent)),
      ("page_bytes", String(settings.geometry.pageByteCount)),
      ("read_ahead_leaves", String(settings.readAheadLeafCount)),
      ("redistribution", String(settings.policy.redistributes)),
      ("transfer_unit_bytes", String(volume.transferUnitByteCount)),
    ]
  }

  /// Counters, sorted by name.
  public func statistics() -> [(name: String, value: UInt64)] {
    var counts = store.counts.pointee
    // A snapshot's are added when it ends.
    counts.addReads(store.share.endedReaders.withLock { $0 })
    let cache = store.cached.settled.statistics
    let trees = [forest.main, forest.catalogue, forest.buckets]
    func bytes(_ pages: (TreeState) -> Int) -> UInt64 {
      UInt64(trees.reduce(0) { $0 + pages($1) } * settings.geometry.pageByteCount)
    }
    return [
      ("batched_reads", counts.batchedReads),
      ("bulk_pages", counts.bulkPages),
      ("cache_evictions", cache.evictionCount),
      ("cache_hits", cache.hitCount),
      ("cache_write_backs", cache.writeBackCount),
      ("checkpoints", counts.checkpoints),
      ("descents", counts.descents),
      ("interior_used_bytes", bytes { $0.interiorCount }),
      ("leaf_used_bytes", bytes { $0.leafCount }),
      ("leaves_prefetched", counts.leavesPrefetched),
      ("page_copies", counts.pagesCopied),
      ("page_merges", counts.merges),
      ("page_reads", counts.pagesRead),
      ("page_redistributions", counts.redistributions),
      ("page_shifts", counts.shifts),
      ("page_splits", counts.leafSplits + counts.interiorSplits),
      ("page_writes", counts.pagesWritten),
      ("pages_inspected", counts.pagesInspected),
      ("root_collapses", counts.rootCollapses),
      ("transactions_rolled_back", counts.rollbacks),
    ]
  }

  /// The form of the tree of the engine's own keys, without a look at its pages; nil for a volume of an earlier version whose
  /// pages were never told apart by level.
  public func treeReport() -> TreeReport? {
    guard let counts = forest.main.pageCounts else { return nil }
    let height = forest.main.height
    let levels = counts.enumerated().map { place, count in
      TreeReport.Level(level: place == counts.count - 1 ? height : place, nodeCount: UInt64(count))
    }
    return TreeReport(height: height, levels: levels)
  }

  /// Where the bytes on the device are.
  public func spaceReport() throws(EngineError) -> SpaceReport {
    try requireOpen()
    let accounting = volume.accounting()
    let page = UInt64(settings.geometry.pageByteCount)
    let trees = [forest.main, forest.catalogue, forest.buckets]
    func sum(_ count: (TreeState) -> Int) -> UInt64 { UInt64(trees.reduce(0) { $0 + count($1) }) }
    let parts: [(String, UInt64)] = [
      ("dead_versions", accounting.deferredByteCount),
      ("interior", sum { $0.interiorCount } * page),
      ("leaf", sum { $0.leafCount } * page),
      ("log", accounting.logByteCount),
      ("metadata", accounting.metadataByteCount),
      ("overflow", sum { $0.overflowByteCount }),
    ]
    return SpaceReport(
      allocatedByteCount: accounting.allocatedByteCount,
      parts: parts.map { SpaceReport.Part(name: $0.0, byteCount: $0.1) },
      largestFreeExtentByteCount: accounting.largestFreeExtentByteCount)
  }

  /// Reads everything: the volume's structures, every page and long value of every tree, and compares the counts.
  public func verify() throws(EngineError) {
    try requireOpen()
    writer.reset()
    try rethrowingStorageErrors { () throws(StorageError) in
      for finding in try volume.verify() where !finding.isHarmless {
        throw .corrupted(structure: finding.structure, offset: finding.offset, detail: finding.detail)
      }
      var checker = TreeChecker(store)
      try checker.check(forest.main, name: "main tree")
      try checker.check(forest.catalogue, name: "bucket catalogue")
      var sums = TreeState()
      for (name, tree) in try store.allBuckets(in: forest) {
        try checker.check(tree, name: "bucket '\(String(decoding: name, as: UTF8.self))'")
        sums.add(tree)
      }
      guard sums == forest.buckets else {
        throw .corrupted(
          structure: "bucket catalogue", offset: 0, detail: "the buckets' sums are not those of the root")
      }
      let counted = volume.accounting().liveByteCount
      let own = forest.allocatedByteCount(pageByteCount: settings.geometry.pageByteCount)
      guard counted == own else {
        throw .corrupted(
          structure: "volume accounting", offset: 0,
          detail: "the volume counts \(counted) live bytes, the trees \(own)")
      }
    }
  }
}
