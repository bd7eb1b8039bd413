// The knobs of the B-tree, and what they come to on a given device with a given memory.
//
// Invariant: a geometry that was made works: keys fit, the cache holds enough pages for the deepest path, and every fixed
// piece of memory has its place in the budget.

import Accounting
import KeyValue
import Primitives
import Storage

extension BTreeEngine {
  /// Name, summary and knobs.
  public static let descriptor = EngineDescriptor(
    name: "btree", summary: "A copy-on-write B-tree: path copying, snapshots, buckets, an optional log.",
    parameters: [
      ParameterDescriptor(
        "page_bytes", .bytes(4_096...(1 << 16)), default: .integer(4_096),
        "Size of a page, a multiple of the transfer unit; keys are at most a quarter of it, less 64 bytes."),
      ParameterDescriptor(
        "commit", .choice(["path-copy", "log"]), default: .text("path-copy"),
        "What a durable commit writes: the changed pages and a superblock, or one append to a log."),
      ParameterDescriptor(
        "checkpoint_operations", .integer(0...(1 << 40)), default: .integer(100_000),
        "Operations after which the tree is made durable by itself; 0 leaves it to the caller."),
      ParameterDescriptor(
        "checkpoint_bytes", .bytes(0...(1 << 40)), default: .integer(256 << 20),
        "Bytes of keys and values after which the tree is made durable by itself; 0 leaves it to the caller."),
      ParameterDescriptor(
        "merge_threshold_percent", .integer(0...50), default: .integer(40),
        "A page filled less than this is merged with a neighbour when both fit into one; 0 merges empty ones."
      ),
      ParameterDescriptor(
        "redistribution", .boolean, default: .boolean(false),
        "Whether a full leaf shares with a neighbour that has room before it is split."),
      ParameterDescriptor(
        "bulk_fill_percent", .integer(50...100), default: .integer(100),
        "How full a bulk load of sorted entries makes pages."),
      ParameterDescriptor(
        "read_ahead_leaves", .integer(0...256), default: .integer(64),
        "The most leaves a scan reads together ahead of itself, at most a sixteenth of the memory; 0 reads one at a time."
      ),
      ParameterDescriptor(
        "cache_shards", .integer(1...64), default: .integer(1),
        "Independent parts of the page cache, a power of two; more let more readers miss side by side."),
      ParameterDescriptor(
        "log_segment_bytes", .bytes(4_096...(1 << 30)), default: .integer(1 << 20),
        "Size of the extents the log grows by."),
    ], formatVersion: 2, detectsLostWrites: true,
    limits: { setting throws(EngineError) in try BTreeSettings.limits(setting) },
    costs: BTreeSettings.costs)
}

/// Effective sizes.
struct BTreeSettings {
  var geometry: NodeGeometry
  var usesLog: Bool
  var checkpointOperationCount: Int
  var checkpointByteCount: Int
  var policy: TreePolicy
  var readAheadLeafCount: Int
  var bulkFillPercent: Int
  var cacheShardCount: Int
  var maximumValueByteCount: Int
  /// Kept out of the cache: sorting, log, maps of units.
  var headroomByteCount: Int
  var log: VolumeLogConfiguration
  /// What taking back an open transaction may take; beyond it pages are copied.
  var undoByteCount: Int

  /// The fewest pages of memory a tree works with.
  static let minimumPageCount = 128

  /// What the engine will say of itself.
  var limits: EngineLimits {
    EngineLimits(
      maximumKeyByteCount: geometry.maximumKeyByteCount, maximumValueByteCount: maximumValueByteCount,
      offersSnapshots: true, offersConcurrentReaders: true)
  }

  /// Pages at ln 2 of their bytes; a changed page is written once between checkpoints, or by each synced path copy.
  @Sendable static func costs(_ setting: EngineSetting) -> EngineCostShape {
    let operations = setting.parameters.integer("checkpoint_operations")
    return EngineCostShape(
      .pageTree(
        .init(
          pageByteCount: setting.parameters.integer("page_bytes"), copies: 1, reads: 0,
          writeWindowOperationCount: operations > 0 ? operations : .max,
          syncsCopyPaths: setting.parameters.text("commit") == "path-copy")),
      spaceFactor: 1.6, writeSeconds: 4e-6, readSeconds: 1.5e-6, entrySeconds: 0.3e-6)
  }

  /// The limits and their reasons.
  ///
  /// - Throws: `.invalidParameters`, as opening would.
  static func limits(_ setting: EngineSetting) throws(EngineError) -> DeclaredLimits {
    let settings = try BTreeSettings(setting)
    return DeclaredLimits(
      settings.limits,
      keyReason: "a quarter of a page of \(settings.geometry.pageByteCount) bytes, less 64",
      valueReason:
        "the largest power of two of which thirty-two fit into a cache shard's share of the memory, at most 64 MiB"
    )
  }

  /// - Throws: `.invalidParameters` when pages, shards and memory do not go together.
  init(_ setting: EngineSetting) throws(EngineError) {
    let unit = setting.transferUnitByteCount
    let memory = setting.memoryBudgetByteCount
    let parameters = setting.parameters
    let pageByteCount = parameters.integer("page_bytes")
    guard pageByteCount % unit == 0 else {
      throw .invalidParameters(
        reason: "page_bytes is \(pageByteCount), not a multiple of the device's transfer unit, \(unit)")
    }
    let shards = parameters.integer("cache_shards")
    guard shards.nonzeroBitCount == 1 else {
      throw .invalidParameters(reason: "cache_shards is \(shards), not a power of two")
    }
    let minimum = Self.minimumPageCount * pageByteCount * shards
    guard memory >= minimum else {
      throw .invalidParameters(
        reason:
          "a B-tree of \(pageByteCount)-byte pages in \(shards) cache shards needs \(minimum) bytes of memory, "
          + "it is given \(memory)")
    }
    geometry = NodeGeometry(pageByteCount: pageByteCount)
    usesLog = parameters.text("commit") == "log"
    checkpointOperationCount = parameters.integer("checkpoint_operations")
    checkpointByteCount = parameters.integer("checkpoint_bytes")
    policy = TreePolicy(
      mergeThresholdPercent: parameters.integer("merge_threshold_percent"),
      redistributes: parameters.boolean("redistribution"))
    // What is read ahead must still be there when the scan comes to it.
    readAheadLeafCount = min(parameters.integer("read_ahead_leaves"), memory / (16 * pageByteCount))
    bulkFillPercent = parameters.integer("bulk_fill_percent")
    cacheShardCount = shards
    // The largest power of two of which thirty-two fit into a shard's share of the memory.
    let share = memory / (32 * shards)
    maximumValueByteCount = min(1 << 26, 1 << (Int.bitWidth - 1 - share.leadingZeroBitCount))
    undoByteCount = min(memory / 64, 4 << 20)
    headroomByteCount = min(memory / 8, 4 << 20 + memory / 64)
    log = VolumeLogConfiguration(
      segmentByteCount: max(parameters.integer("log_segment_bytes"), unit),
      bufferByteCount: max(unit, min(256 << 10, memory / 32)),
      readByteCount: max(unit, min(256 << 10, memory / 32)), cause: .log)
  }
}
