// The contract every dictionary keeps, ours and SQLite alike.
//
//   WriteBatch ──apply──▶ Engine ◀──get / cursor── reader
//                          │ snapshot ─▶ ReadView (stable)
//                          │ checkpoint, settle, dropCache, close: phase verbs
//
// Invariants
// 1. A batch is atomic: a reader, and any recovery after a crash, sees all of it or none.
// 2. `apply` makes visible; it also makes durable when `sync` is true, and with it every batch before.
//    After a crash the engine holds a prefix of the applied batches that includes every synced one
//    (unless its durability class says otherwise, see `DurabilityClass`).
// 3. Keys are ordered as unsigned bytes, a prefix before its extensions.
// 4. Views handed to closures are valid inside the closure only; no copy is made on the hit path. A closure does not
//    call the engine, its views or its cursors.
// 5. A reader never changes what is stored.
// 6. The empty key is a key like any other (the first), an empty value a value like any other.
// 7. Threads: an engine, its cursors and its phase verbs are used by one thread at a time. An engine that declares
//    `offersConcurrentReaders` allows more: `makeSnapshot` may be called on any thread between opening and closing, and
//    each snapshot, with its cursors, may be used and let go by another thread, one at a time, while the engine's thread
//    applies batches, checkpoints, and drops its cache. Readers never keep the writer waiting; `makeSnapshot` may wait for
//    the open batch to be visible. All snapshots' calls have returned when `close` is called.
// 8. A batch that is refused (`.limitExceeded`, `.unsupported`, `.outOfBudget`) changes nothing, and the engine
//    goes on working.

import Primitives

/// What an engine can take, declared up front and enforced with `.limitExceeded`.
public struct EngineLimits: Equatable, Sendable {
  /// The longest key, and the longest bound of a range delete, in bytes.
  public var maximumKeyByteCount: Int
  /// The longest value, in bytes.
  public var maximumValueByteCount: Int
  /// The most operations of one batch.
  public var maximumBatchOperationCount: Int
  /// False for the null engine only: reads find nothing.
  public var stores: Bool
  /// False when `makeSnapshot` is refused.
  public var offersSnapshots: Bool
  /// False when range deletes are refused.
  public var offersRangeDelete: Bool
  /// True when snapshots may be made, read and let go on any thread, each used by one thread at a time, beside the one
  /// thread that uses the engine.
  public var offersConcurrentReaders: Bool
  /// False for a control whose bytes do not pass the counted device: what it moves is not measured, which is not 0.
  public var countsTransfers: Bool

  /// Limits; what is not said is offered.
  public init(
    maximumKeyByteCount: Int, maximumValueByteCount: Int, maximumBatchOperationCount: Int = 1 << 24,
    stores: Bool = true, offersSnapshots: Bool, offersRangeDelete: Bool = true,
    offersConcurrentReaders: Bool = false, countsTransfers: Bool = true
  ) {
    self.maximumKeyByteCount = maximumKeyByteCount
    self.maximumValueByteCount = maximumValueByteCount
    self.maximumBatchOperationCount = maximumBatchOperationCount
    self.stores = stores
    self.offersSnapshots = offersSnapshots
    self.offersRangeDelete = offersRangeDelete
    self.offersConcurrentReaders = offersConcurrentReaders
    self.countsTransfers = countsTransfers
  }
}

/// What survives a crash, by name; printed beside every number.
public enum DurabilityClass: Equatable, Sendable, Codable, CustomStringConvertible {
  /// Nothing is promised after a crash (SQLite with `synchronous=OFF`).
  case none
  /// A committed prefix survives; how long is not bounded (`sync_every_commits: 0`).
  case prefix
  /// A committed prefix that includes all but fewer than `n` commits.
  case everyCommits(Int)
  /// A committed prefix, durable at the engine's own checkpoints (SQLite WAL + NORMAL).
  case atCheckpoints

  /// The name in records.
  public var description: String {
    switch self {
    case .none: "none"
    case .prefix: "prefix"
    case .everyCommits(1): "each_commit"
    case .everyCommits(let n): "every_\(n)_commits"
    case .atCheckpoints: "at_checkpoints"
    }
  }
}

/// Which keys a cursor may stand on: lower bound included, upper bound excluded, nil for open.
public struct KeyRange: Equatable, Sendable {
  /// The first key that may be shown; nil for no bound.
  public var lowerBound: [UInt8]?
  /// The first key that may not be shown any more; nil for no bound.
  public var upperBound: [UInt8]?
  /// The keys of [lowerBound, upperBound).
  public init(lowerBound: [UInt8]? = nil, upperBound: [UInt8]? = nil) {
    self.lowerBound = lowerBound
    self.upperBound = upperBound
  }
  /// Every key.
  public static var all: KeyRange { KeyRange() }
}

/// Which way a cursor walks.
public enum ScanOrder: String, Sendable, CaseIterable { case forward, reverse }

/// A walk over keys in order. Made standing before its first entry; each `next` moves one on.
public protocol Cursor: AnyObject {
  /// Moves to the next entry.
  ///
  /// - Returns: false at the end; the cursor then stays there.
  func next() throws(EngineError) -> Bool

  /// Shows the current key and value, borrowed; must follow a `next` that returned true.
  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void)

  /// Shows the next entries one after the other, at most `limit` of them: the same as `next` and `withCurrent` in turn, with one
  /// call for all. When it shows `limit` entries the cursor then stands on the last of them, otherwise at its end.
  ///
  /// - Returns: how many were shown; fewer than `limit` only at the end.
  @discardableResult
  func showNext(
    upTo limit: Int, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
  ) throws(EngineError) -> Int

  /// Moves so that the following `next` stands on the first entry at or after `key` in scan order,
  /// within the cursor's bounds. It may move either way, and also away from the end.
  func seek(to key: RawSpan) throws(EngineError)
}

extension Cursor {
  /// Entry by entry.
  @discardableResult
  public func showNext(
    upTo limit: Int, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
  ) throws(EngineError) -> Int {
    var count = 0
    while count < limit, try next() {
      withCurrent(body)
      count += 1
    }
    return count
  }
}

/// A state that can be read: the engine's newest, or a snapshot.
public protocol ReadView: AnyObject {
  /// Looks `key` up and, when found, shows its value to `body`, borrowed.
  ///
  /// - Returns: whether the key was found.
  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool

  /// Looks several keys up and shows the value of each that is found to `body`, borrowed, with the key's place in the batch;
  /// in no promised order. A key that is missing is not mentioned. Same answers as one `get` for each key.
  ///
  /// Cost: engines that can read what is missing in flight together; the default asks for one key after the other.
  func getBatch(
    _ batch: borrowing ReadBatch, _ body: (_ index: Int, _ value: RawSpan) -> Void
  ) throws(EngineError)

  /// A walk over `range`. Writes to the engine while a cursor on the newest state is open end that
  /// cursor's validity; a cursor on a snapshot is not affected.
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor
}

/// A dictionary on a device.
public protocol Engine: ReadView {
  var limits: EngineLimits { get }

  /// The durability class this engine runs under, as read back from its settings.
  var durabilityClass: DurabilityClass { get }

  /// Applies a batch atomically; see the invariants.
  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError)

  /// Begins to load entries that are sorted already; see `BulkLoad`. Engines that have a bulk load of their own use it while
  /// they are empty and apply batch after batch otherwise.
  func makeBulkLoad() throws(EngineError) -> any BulkLoad

  /// A stable view of everything applied so far. It ends when the returned object is released. See invariant 7 for
  /// threads.
  func makeSnapshot() throws(EngineError) -> any ReadView

  /// Makes everything applied so far durable and brings the engine's structure on the device up to date.
  func checkpoint() throws(EngineError)

  /// Finishes owed background work (compaction, flushing) and checkpoints.
  func settle() throws(EngineError)

  /// Forgets every clean cached block, so that the next reads are cold. Does not write.
  func dropCache() throws(EngineError)

  /// Checkpoints and releases the device; every later call throws `.storage(.closed)`.
  func close() throws(EngineError)

  /// How the space is used now.
  func spaceReport() throws(EngineError) -> SpaceReport

  /// Settings as read back from the running engine (pragmas, effective geometry), name and value, sorted by
  /// name.
  func settingsReadBack() -> [(name: String, value: String)]

  /// Counters that are not I/O (nodes inspected, cache hits …), name and value, sorted by name. A name ending in
  /// `_used_bytes` is a level, recorded as it stands; all others only grow and are recorded as what a phase added. Nothing
  /// here may depend on a clock or on other engines of the process.
  func statistics() -> [(name: String, value: UInt64)]

  /// The form of its tree; nil for an engine that is none. Deterministic, as statistics are. Cheap: no I/O.
  func treeReport() -> TreeReport?

  /// Checks every structural invariant and checksum; throws `.storage(.corrupted)` at the first that fails.
  func verify() throws(EngineError)
}

/// Where an engine's bytes are, in bytes. Source: the split of space amplification in the metric registry.
public struct SpaceReport: Equatable, Sendable {
  /// Allocated on the device now, everything included.
  public var allocatedByteCount: UInt64
  /// Named parts whose sum is `allocatedByteCount`, sorted by name.
  public var parts: [Part]
  /// The largest free extent, nil when the engine's space is not a volume.
  public var largestFreeExtentByteCount: UInt64?

  /// One named part.
  public struct Part: Equatable, Sendable {
    /// `snake_case`.
    public var name: String
    /// Its bytes on the device.
    public var byteCount: UInt64
    /// A part.
    public init(name: String, byteCount: UInt64) {
      self.name = name
      self.byteCount = byteCount
    }
  }

  /// A report; the parts sum to the allocated bytes.
  public init(allocatedByteCount: UInt64, parts: [Part], largestFreeExtentByteCount: UInt64? = nil) {
    self.allocatedByteCount = allocatedByteCount
    self.parts = parts
    self.largestFreeExtentByteCount = largestFreeExtentByteCount
  }
}
