// What a study can choose about SQLite, and what follows from it.

import Accounting
import CSQLite
import KeyValue
import Storage

/// The parameters of the `sqlite` engine, checked.
struct SQLiteParameters {
  var pageByteCount: Int
  var journalMode: String
  var synchronous: String
  var cacheByteCount: Int
  var gatherByteCount: Int
  var chunkByteCount: Int
  var autocheckpointPageCount: Int
  var powersafeOverwrite: Bool
  var cacheSpill: Bool
  var secureDelete: Bool
  var usesFileSpace: Bool

  /// SQLite beside its page cache: schema, statements, the parser's scratch, and a WAL index of 32 KiB per 4,096
  /// frames. Measured, with a margin: 0.2 MiB with a log of 1,000 frames.
  static let overheadByteCount = 384 << 10
  /// Below this there is no sense in running it.
  static let smallestCacheByteCount = 64 << 10

  static let descriptors: [ParameterDescriptor] = [
    ParameterDescriptor(
      "page_bytes", .bytes(512...65_536), default: .integer(4_096), "Database page in bytes, a power of two."),
    ParameterDescriptor(
      "journal_mode", .choice(["wal", "delete", "truncate", "persist", "memory", "off"]),
      default: .text("wal"),
      "How a transaction is made atomic: write-ahead log, or a rollback journal and what becomes of it."),
    ParameterDescriptor(
      "synchronous", .choice(["auto", "off", "normal", "full", "extra"]), default: .text("auto"),
      "When SQLite syncs; auto follows sync_every_commits (see the engine's page)."),
    ParameterDescriptor(
      "cache_bytes", .bytes(0...(1 << 40)), default: .integer(0),
      "SQLite's page cache in bytes; 0 gives it what the memory budget leaves."),
    ParameterDescriptor(
      "gather_bytes", .bytes(0...(64 << 20)), default: .integer(0),
      "Writes the file space gathers before they leave, in bytes; 0 is 1 MiB, or an eighth of a smaller budget."
    ),
    ParameterDescriptor(
      "chunk_bytes", .bytes((64 << 10)...(64 << 20)), default: .integer(256 << 10),
      "The file space's smallest allocation in bytes, a power of two."),
    ParameterDescriptor(
      "wal_autocheckpoint_pages", .integer(0...(1 << 24)), default: .integer(1_000),
      "Log length in pages at which a commit checkpoints; 0 only when asked."),
    ParameterDescriptor(
      "powersafe_overwrite", .boolean, default: .boolean(true),
      "Whether the VFS reports that a write leaves its neighbours alone when power fails, as the unix VFS does."
    ),
    ParameterDescriptor(
      "cache_spill", .boolean, default: .boolean(true),
      "Whether dirty pages of an open transaction may leave a full cache."),
    ParameterDescriptor(
      "secure_delete", .boolean, default: .boolean(false),
      "Whether deleted content is overwritten with zeros."),
    ParameterDescriptor(
      "vfs", .choice(["betula", "unix"]), default: .text("betula"),
      "betula: files on the counted device; unix: SQLite's own VFS on a temporary file, wall clock only, nothing counted."
    ),
  ]

  /// - Throws: `.invalidParameters` with both numbers when memory and parameters do not go together.
  init(_ setting: EngineSetting) throws(EngineError) {
    let parameters = setting.parameters
    pageByteCount = parameters.integer("page_bytes")
    journalMode = parameters.text("journal_mode")
    autocheckpointPageCount = parameters.integer("wal_autocheckpoint_pages")
    powersafeOverwrite = parameters.boolean("powersafe_overwrite")
    cacheSpill = parameters.boolean("cache_spill")
    secureDelete = parameters.boolean("secure_delete")
    usesFileSpace = parameters.text("vfs") == "betula"
    chunkByteCount = parameters.integer("chunk_bytes")
    let unit = setting.transferUnitByteCount
    guard pageByteCount.nonzeroBitCount == 1 else {
      throw .invalidParameters(reason: "page_bytes is \(pageByteCount), which is not a power of two")
    }
    guard chunkByteCount.nonzeroBitCount == 1, chunkByteCount >= unit else {
      throw .invalidParameters(
        reason:
          "chunk_bytes is \(chunkByteCount), which is not a power of two of at least a transfer unit, \(unit)"
      )
    }
    let budget = setting.memoryBudgetByteCount
    let askedGather = parameters.integer("gather_bytes")
    gatherByteCount = askedGather > 0 ? askedGather : min(1 << 20, budget / 8)
    gatherByteCount = max(2 * unit, gatherByteCount / unit * unit)
    let spaceByteCount =
      usesFileSpace
      ? FileSpace.memoryByteCount(
        FileSpaceConfiguration(chunkByteCount: chunkByteCount, gatherByteCount: gatherByteCount),
        transferUnitByteCount: unit) : 0
    let left = budget - spaceByteCount - Self.overheadByteCount
    let askedCache = parameters.integer("cache_bytes")
    cacheByteCount = askedCache > 0 ? askedCache : left
    guard cacheByteCount >= max(Self.smallestCacheByteCount, 10 * pageByteCount) else {
      throw .invalidParameters(
        reason: "a page cache of \(cacheByteCount) bytes is too small for pages of \(pageByteCount)")
    }
    guard cacheByteCount <= left else {
      throw .invalidParameters(
        reason: "a page cache of \(cacheByteCount) bytes does not fit the memory budget, which leaves \(left)"
      )
    }
    let asked = parameters.text("synchronous")
    if asked != "auto" {
      synchronous = asked
    } else if journalMode == "memory" || journalMode == "off" {
      synchronous = "off"
    } else if journalMode == "wal" {
      synchronous = setting.syncEveryCommits == 1 ? "full" : "normal"
    } else {
      // In DELETE mode the commit is the deletion, and only EXTRA makes that durable at once.
      synchronous = journalMode == "delete" ? "extra" : "full"
    }
    isSynchronousAutomatic = asked == "auto"
    if isSynchronousAutomatic && synchronous == "off" && setting.syncEveryCommits > 0 {
      throw .invalidParameters(
        reason: "journal_mode \(journalMode) survives no crash, so sync_every_commits cannot be kept")
    }
    self.syncEveryCommits = setting.syncEveryCommits
  }

  /// What the engine takes: SQLite could take more, but a few copies of a row must fit beside its page cache.
  var limits: EngineLimits {
    EngineLimits(
      maximumKeyByteCount: 16_384, maximumValueByteCount: min(16 << 20, max(64 << 10, cacheByteCount / 8)),
      offersSnapshots: false, countsTransfers: usesFileSpace)
  }

  /// The limits and their reasons.
  ///
  /// - Throws: `.invalidParameters`, as opening would.
  static func limits(_ setting: EngineSetting) throws(EngineError) -> DeclaredLimits {
    let parameters = try SQLiteParameters(setting)
    return DeclaredLimits(
      parameters.limits, keyReason: "16 KiB: a few copies of a key must fit beside the page cache",
      valueReason: "an eighth of the page cache, \(parameters.cacheByteCount) bytes, within 64 KiB and 16 MiB"
    )
  }

  /// The cache size to ask for, in KiB. SQLite counts a page and 136 bytes against it, and takes a page and 248 (3.40:
  /// page header, hash entry and allocation); what it takes must stay within `cacheByteCount`.
  var cacheKibibyteCount: Int {
    max(1, cacheByteCount / (pageByteCount + 264) * (pageByteCount + 136) / 1_024)
  }

  /// Whether the engine chooses when to sync.
  var isSynchronousAutomatic: Bool
  var syncEveryCommits: Int

  /// The locking mode: exclusive lets the log live without shared memory and spares SQLite re-reading page 1; but
  /// under it a journal is never deleted, so DELETE mode runs without.
  var lockingMode: String { journalMode == "delete" ? "normal" : "exclusive" }

  /// Pragmas that matter for what is measured, sorted.
  static let reportedPragmas = [
    "auto_vacuum", "cache_size", "cache_spill", "journal_mode", "journal_size_limit", "locking_mode",
    "mmap_size",
    "page_size", "secure_delete", "synchronous", "temp_store", "wal_autocheckpoint",
  ]
}
