// Why a byte moved. Every transfer carries a cause and a level; amplification is a sum over causes.
//
//            ┌ data ........ nodes, runs, tables: what a dictionary stores        → wa_data
//   Cause ───┤ log ......... logs and journals: what durability costs             ┐
//            ├ metadata .... superblocks, maps, directories: what finding costs   ├ → wa_total
//            └ padding ..... rounding to the transfer unit: what the device costs ┘
//
// Invariants
// 1. A raw value never changes its meaning: traces and records on disk carry it.
// 2. Every cause belongs to exactly one class, so wa_total − wa_data is log + metadata + padding.

/// What kind of device call a count belongs to.
public enum Direction: UInt8, CaseIterable, Sendable {
  case read = 0
  case write = 1
  case discard = 2
  case sync = 3
  case create = 4
  case delete = 5
  case truncate = 6
  case directorySync = 7

  /// The name used in `io.csv` and in traces.
  public var name: String {
    switch self {
    case .read: "read"
    case .write: "write"
    case .discard: "discard"
    case .sync: "sync"
    case .create: "create"
    case .delete: "delete"
    case .truncate: "truncate"
    case .directorySync: "directory_sync"
    }
  }
}

/// Which sum a cause enters.
public enum CauseClass: String, CaseIterable, Sendable {
  case data, log, metadata, padding
}

/// Why a transfer happened; the second coordinate of the ledger.
public enum Cause: UInt8, CaseIterable, Sendable {
  // Rounding to the transfer unit.
  case padding = 0
  // Tree pages and nodes.
  case leaf = 1
  case interior = 2
  case overflow = 3
  // Files of the simple engines.
  case record = 4
  case sortedRun = 5
  // LSM-tree.
  case flush = 6
  case compaction = 7
  case filter = 8
  case tableIndex = 9
  // Bε-tree.
  case buffer = 10
  case basement = 11
  // Our own durability and metadata.
  case log = 16
  case superblock = 17
  case spaceMap = 18
  case pendingLog = 19
  case nodeDirectory = 20
  case manifest = 21
  // A guest's files (SQLite).
  case freeList = 32
  case databaseHeader = 33
  case walHeader = 34
  case walFrameHeader = 35
  case walLeaf = 36
  case walInterior = 37
  case walOverflow = 38
  case walOther = 39
  case checkpointLeaf = 40
  case checkpointInterior = 41
  case checkpointOverflow = 42
  case checkpointOther = 43
  case journalHeader = 44
  case journalPage = 45
  case guestOther = 46
  // The file space's own directory.
  case fileDirectory = 48
  // Scrubbing, calibration, verification: never part of a workload phase.
  case verification = 56

  /// The number of raw values a table indexed by cause must hold.
  public static let tableCount = 64

  /// The name used in `io.csv`, in traces and in figures.
  public var name: String { description.name }

  /// Which sum this cause enters.
  public var causeClass: CauseClass { description.causeClass }

  /// One sentence for the data dictionary.
  public var meaning: String { description.meaning }

  private var description: (name: String, causeClass: CauseClass, meaning: String) {
    switch self {
    case .padding: ("padding", .padding, "Bytes added by rounding a request to the transfer unit.")
    case .leaf: ("leaf", .data, "A leaf page or leaf node.")
    case .interior: ("interior", .data, "An interior page or node, pivots included.")
    case .overflow: ("overflow", .data, "A value too large for its page.")
    case .record: ("record", .data, "Records of the append-only log engine.")
    case .sortedRun: ("sorted_run", .data, "The sorted file, written or read.")
    case .flush: ("flush", .data, "A memtable written as a table of level 0.")
    case .compaction: ("compaction", .data, "Tables read and written by a merge.")
    case .filter: ("filter", .data, "A filter block.")
    case .tableIndex: ("table_index", .data, "Index blocks and fence pointers of a table.")
    case .buffer: ("buffer", .data, "A message buffer read or written apart from its node.")
    case .basement: ("basement", .data, "An independently readable part of a leaf.")
    case .log: ("log", .log, "Our engines' write-ahead log.")
    case .superblock: ("superblock", .metadata, "A volume's superblock.")
    case .spaceMap: ("space_map", .metadata, "The map of live and free extents.")
    case .pendingLog: ("pending_log", .metadata, "Allocations and frees between checkpoints.")
    case .nodeDirectory: ("node_directory", .metadata, "The map from node id to extent.")
    case .manifest: ("manifest", .metadata, "The set of live tables.")
    case .freeList: ("free_list", .data, "A guest's free-list page.")
    case .databaseHeader: ("database_header", .data, "Page 1 of a guest database that is no tree page.")
    case .walHeader: ("wal_header", .log, "The header of a guest's write-ahead log.")
    case .walFrameHeader: ("wal_frame_header", .log, "Frame headers of a guest's write-ahead log.")
    case .walLeaf: ("wal_leaf", .log, "Leaf pages in a guest's write-ahead log.")
    case .walInterior: ("wal_interior", .log, "Interior pages in a guest's write-ahead log.")
    case .walOverflow: ("wal_overflow", .log, "Overflow pages in a guest's write-ahead log.")
    case .walOther: ("wal_other", .log, "Other pages in a guest's write-ahead log.")
    case .checkpointLeaf: ("checkpoint_leaf", .data, "Leaf pages copied from the log into the database.")
    case .checkpointInterior: ("checkpoint_interior", .data, "Interior pages copied from the log.")
    case .checkpointOverflow: ("checkpoint_overflow", .data, "Overflow pages copied from the log.")
    case .checkpointOther: ("checkpoint_other", .data, "Other pages copied from the log.")
    case .journalHeader: ("journal_header", .log, "Headers of a guest's rollback journal.")
    case .journalPage: ("journal_page", .log, "Original pages saved in a guest's rollback journal.")
    case .guestOther: ("guest_other", .metadata, "Any other byte of a guest's files.")
    case .fileDirectory: ("file_directory", .metadata, "The file space's directory: names, sizes, regions.")
    case .verification: ("verification", .metadata, "Scrubbing and inspection, outside workload phases.")
    }
  }
}

/// A level of a structure: the height above the leaves in a tree, the level number in an LSM-tree, or none.
public struct Level: RawRepresentable, Hashable, Sendable {
  /// 0 for none, otherwise the level plus one.
  public let rawValue: UInt8

  /// How many raw values a table indexed by level must hold; deeper levels share the last.
  public static let tableCount = 16

  /// The level with this table index.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The transfer belongs to no level.
  @inlinable public static var none: Level { Level(rawValue: 0) }

  /// Level `number` (0 is the leaves of a tree, or level 0 of an LSM-tree).
  @inlinable public static func number(_ number: Int) -> Level {
    Level(rawValue: UInt8(truncatingIfNeeded: min(number, tableCount - 2) + 1))
  }

  /// The level number, nil for none.
  public var number: Int? { rawValue == 0 ? nil : Int(rawValue) - 1 }
}

/// Who asked: one number per concurrent client of a run, 0 for the only one.
public struct Client: RawRepresentable, Hashable, Sendable {
  /// The client's number.
  public let rawValue: UInt8
  /// The client with this number.
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The only, or first, client.
  @inlinable public static var first: Client { Client(rawValue: 0) }
}
