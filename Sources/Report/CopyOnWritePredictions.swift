// The copy-on-write B-tree's predictions: from a run's sizes and settings to the shape of its tree, and from there to bytes,
// syncs and reads.
//
// Assumed, and nowhere measured:
//   - pages as the engine's format lays them out: a head of 48 bytes, 14 bytes beside key and value in a leaf, 20 beside
//     what a separator needs beyond eight bytes above it; separators and prefixes as long as uniform random keys make them;
//   - pages as full as random inserts leave them (Yao 1978), or full after ascending ones; overwrites keep them so;
//   - four fifths of the memory are page cache, half of which may be changed pages before they are written;
//   - overwrites choose keys uniformly; the volume begins at its front and grows by what two durable states need.

import CostModel
import Results

extension Predictions.Conditions {
  /// The share of the memory that is page cache.
  private static let cacheShare = 0.8

  /// Bytes of pages the engine keeps.
  var treeCacheByteCount: Double { Self.cacheShare * memoryByteCount }

  /// The tree after the load; nil when the record does not say how it grew, or no formula says how full that leaves it.
  var treeShape: BTreeShape? { parameters["redistribution"] == "true" ? nil : grownShape }

  /// The tree as splits alone would leave it.
  var grownShape: BTreeShape? {
    guard let page = number("page_bytes"), let order = loadOrder else { return nil }
    let isSequential = parameters["key_shape"] == "sequential"
    guard parameters["key_shape"] == "random" || isSequential else { return nil }
    // Streams of ascending keys fill their leaves as one does.
    let growth: BTreeGrowth = isSequential && order != "random" ? .ascending : .random
    // The leaves decide how many leading bytes neighbours share, and those how many leaves there are: two rounds do.
    var shape: BTreeShape?
    for _ in 0..<2 {
      let leaves = shape?.levels.first ?? max(1, records * recordByteCount / page)
      let shared = isSequential ? max(0, keyByteCount - 4) : Double(Self.wholeBytes(leaves))
      let separator = shared + 1
      let layout = Self.layout(
        page, keyByteCount: keyByteCount, valueByteCount: recordByteCount - keyByteCount,
        prefixByteCount: shared, separatorByteCount: separator)
      guard let layout else { return nil }
      shape = BTreeShape(entryCount: records, layout: layout, growth: growth)
    }
    return shape
  }

  /// ⌊log256 n⌋: the bytes that neighbours among n random keys have in common at least.
  private static func wholeBytes(_ count: Double) -> Int {
    var bytes = 0
    var reach = 256.0
    while reach <= count {
      bytes += 1
      reach *= 256
    }
    return bytes
  }

  private static func layout(
    _ page: Double, keyByteCount: Double, valueByteCount: Double, prefixByteCount: Double,
    separatorByteCount: Double
  ) -> BTreePageLayout? {
    let entry = 14 + max(0, keyByteCount - prefixByteCount - 8) + valueByteCount
    let child = 20 + max(0, separatorByteCount - 8)
    guard page - 48 - 2 * separatorByteCount >= 4 * max(entry, child) else { return nil }
    return BTreePageLayout(
      pageByteCount: page, headByteCount: 48, fenceByteCount: 2 * separatorByteCount,
      leafEntryByteCount: entry, childByteCount: child)
  }

  /// Operations between two durable states of the tree: the study's commits, the engine's own checkpoints, or the phase,
  /// at whose end everything is made durable.
  var treeCommitOperations: Double {
    let asked = operations.map { min($0, number("maximum_operations") ?? $0) }
    var interval = max(1, asked ?? records)
    if parameters["commit"] != "log", syncEveryCommits > 0 {
      interval = min(interval, batchOperations * syncEveryCommits)
    }
    if let own = number("checkpoint_operations") { interval = min(interval, max(own, batchOperations)) }
    if let own = number("checkpoint_bytes") {
      interval = min(interval, max(own / recordByteCount, batchOperations))
    }
    return interval
  }

  /// Bytes and intervals of updates; nil without a shape or an interval.
  var updateModel: CopyOnWriteUpdateModel? {
    guard let shape = treeShape, capacityByteCount > 0 else { return nil }
    let volume = VolumeCommitModel(
      transferUnitByteCount: transferUnitByteCount,
      usedByteCount: shape.leafByteCount + shape.interiorByteCount, capacityByteCount: capacityByteCount)
    return CopyOnWriteUpdateModel(
      shape: shape, volume: volume, changedByteLimit: treeCacheByteCount / 2,
      batchOperationCount: batchOperations)
  }

  /// Bytes per operation that durable commits append to the log; 0 by path copying.
  ///
  /// A commit's record: 16 bytes of head, a byte of flags, 9 beside key and value of each operation. Without a sync it
  /// is written when the buffer is full, and nothing twice.
  func logBytesPerOperation(_ volume: VolumeCommitModel) -> Double {
    guard parameters["commit"] == "log" else { return 0 }
    let bytes = 17 + batchOperations * (9 + recordByteCount)
    if syncEveryCommits == 0 { return bytes / batchOperations }
    let appended = volume.logAppendByteCount(recordByteCount: bytes * syncEveryCommits)
    return appended / (batchOperations * syncEveryCommits)
  }

  /// Pages that a scan reads; nil where no rule says.
  func scanReadPageCount(_ shape: BTreeShape) -> Double? {
    if scansFromFirst {
      return shape.fullScanReadPageCount(
        entryCount: records, limit: scanEntries, cachedByteCount: treeCacheByteCount)
    }
    guard distribution == "uniform", let page = number("page_bytes") else { return nil }
    let ahead = min(number("read_ahead_leaves") ?? 0, memoryByteCount / (16 * page))
    return shape.shortScanReadPageCount(
      entryCount: records, limit: scanEntries, cachedByteCount: treeCacheByteCount,
      readAheadLeafCount: Int(ahead))
  }

  /// Syncs per operation.
  var syncsPerOperation: Double {
    let tree = VolumeCommitModel.syncsPerCommit / treeCommitOperations
    guard parameters["commit"] == "log", syncEveryCommits > 0 else { return tree }
    return tree + 1 / (batchOperations * syncEveryCommits)
  }
}

extension Predictions {
  static let copyOnWriteModels: [Model] = [
    Model(
      name: "b_tree_copy_on_write_put", engine: "btree", phaseKind: "write", metric: "device_write_bytes",
      per: "operations",
      words:
        "(P ÷ b)·Σ nᵢ(1 − (1 − 1/nᵢ)ᵇ) + (pending record + space map + superblock) ÷ b, b operations between "
        + "durable states (Cárdenas, CACM 1975; fill of random inserts: Yao 1978); a log's appends beside it",
      predict: { run in
        guard run.operation == "overwrite", run.distribution == "uniform", let model = run.updateModel else {
          return nil
        }
        return model.overwriteBytesPerOperation(operationsPerCommit: run.treeCommitOperations)
          + run.logBytesPerOperation(model.volume)
      }),
    Model(
      name: "b_tree_copy_on_write_syncs", engine: "btree", phaseKind: "write", metric: "device_sync_count",
      per: "operations",
      words:
        "a durable state costs two syncs, one before its superblock and one behind it; a log's append one",
      predict: { $0.syncsPerOperation }),
    Model(
      name: "b_tree_copy_on_write_load", engine: "btree", phaseKind: "load", metric: "device_write_bytes",
      per: "operations",
      words: "the sum of the updates' pages over a tree that grows, and a page for each split",
      predict: { run in
        guard run.loadOrder == "random", run.parameters["key_shape"] == "random", let model = run.updateModel
        else { return nil }
        return model.insertBytesPerOperation(
          entryCount: run.records, operationsPerCommit: run.treeCommitOperations)
          + run.logBytesPerOperation(model.volume)
      }),
    Model(
      name: "b_tree_cached_get", engine: "btree", phaseKind: "read", metric: "device_read_count",
      per: "operations",
      words: "the pages of a path that are not cached, upper levels first, uniform keys; from a full cache",
      predict: { run in
        guard run.operation == "get_hit", run.distribution == "uniform", let shape = run.treeShape else {
          return nil
        }
        return shape.pointReadPageCount(cachedByteCount: run.treeCacheByteCount)
      }),
    Model(
      name: "b_tree_scan", engine: "btree", phaseKind: "read", metric: "device_read_bytes", per: "operations",
      words:
        "the leaves of l entries and the one they begin in (Bender et al., TOPC 2021, Lemma 2), as far as they are not cached, "
        + "with those that were read together with them in vain; from the first key: its leaves and the pages above them",
      predict: { run in
        guard run.operation == "scan", let shape = run.treeShape else { return nil }
        return run.scanReadPageCount(shape).map { $0 * shape.layout.pageByteCount }
      }),
    Model(
      name: "b_tree_leaf_fill", engine: "btree", phaseKind: "load", metric: "live_logical_bytes",
      per: "statistic_leaf_used_bytes",
      words: "entries a leaf holds on average, of their bytes ÷ page: splits in halves under random inserts "
        + "(Yao 1978), every one there is room for under ascending ones",
      predict: { run in
        run.treeShape.map { $0.leafEntryCount * run.recordByteCount / $0.layout.pageByteCount }
      }),
    Model(
      name: "b_tree_leaf_full", engine: "btree", phaseKind: "load", metric: "live_logical_bytes",
      per: "statistic_leaf_used_bytes", words: "every entry a leaf has room for, of their bytes ÷ page",
      predict: { run in
        run.grownShape.map {
          Double($0.layout.leafCapacity) * run.recordByteCount / $0.layout.pageByteCount
        }
      }),
  ]
}
