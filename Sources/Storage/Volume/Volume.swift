// A volume: one device address space in which engines allocate extents, change them atomically, and find exactly the
// last durable state again after a crash. It carries trees that copy on write, trees whose nodes go through a
// directory, sets of tables with a log, and plain logs.
//
//   unit 0, 1        superblocks, alternating by epoch                        Superblock.swift
//   anywhere else    space map: index block ─▶ chunk blocks (one bit a unit)  SpaceMap.swift
//                    pending log: what changed since the space map            SpaceMap.swift
//                    node directory pages                                     NodeDirectory.swift
//                    log segment lists, log segments                          VolumeLog.swift
//                    the engine's extents, reached from the engine root
//
//   superblock ─┬─▶ space map index ─▶ chunks          every arrow carries the checksum of what it points to
//               ├─▶ pending log (generation, units used)
//               ├─▶ directory root ─▶ pages
//               ├─▶ log list ─▶ segments
//               └─▶ engine root (up to 256 bytes that the engine understands)
//
// Where a unit can be
//
//                     allocate                     durable commit
//        free ──────────────────────▶ newborn ───────────────────────▶ durable
//         ▲  ▲                          │  │                              │ free
//         │  └──── free, unseen ────────┘  │ free, seen by a pin          ▼
//         │  ┌──── the pins end ── held ◀──┘                           dropped
//         │  │                                                            │ durable commit n
//         └──┴─── durable commit n+1 happened, and no pin sees it ── deferred (freed by n)
//
// Invariants
// 1. Every unit is in exactly one of: free, newborn, durable (dropped is a part of durable), held, deferred.
// 2. The newest superblock describes the units `durable`, all of them and no others; the older one describes a state
//    of which no unit is free or newborn. So space freed by durable commit n is allocated again after durable commit
//    n+1, hence belongs to commit n+2 at the earliest.
// 3. A unit born and freed between two durable commits was never described by a superblock; it is free at once,
//    unless a pin sees it.
// 4. A pin holds the states from its commit sequence on: a unit freed by commit f is held while a pin p < f lives.
// 5. `commit` makes visible; a durable commit makes all that is visible durable. What a crash takes away from commits
//    that were not durable: their root, their directory changes and their allocations, all together. The units are
//    free after reopening, because no superblock ever described them. Nothing leaks, nothing is half there.
// 6. After a failed write or sync the channel refuses, and so does the volume; only opening it anew heals it, and
//    gives the last durable commit or the one that was in flight.
// 7. A log grows by a superblock of its own that repeats the last durable engine root: making room for log records
//    never makes an engine's unfinished state durable.
//
// One durable commit, step by step (n is the epoch of the newest superblock)
//   1. The engine wrote its blocks into newborn extents; nothing points to them yet.
//   2. Dirty directory pages and changed log lists get new extents; their old ones are dropped.
//   3. The runs newborn → allocated and dropped → freed become one record of the pending log. When it does not fit,
//      a checkpoint: dirty chunks of the space map and its index go to new extents, the pending log begins anew in a
//      new extent, and its first record holds what this commit freed (needed by invariant 2 after reopening).
//   4. All of that is one batch. Sync: everything superblock n+1 will point to is on the medium.
//   5. Superblock n+1 goes to the slot of superblock n-1. Sync.
//   6. Deferred units that were freed by commit n or earlier become free.
//   A crash before the end of 5 leaves superblock n, whose blocks nobody touched; a torn slot is invalid and n wins.
//
// What is assumed of the medium: a write touches no unit outside it; a unit being written may be left with any mixture
// of old and new bytes, or garbage; a sync that returned makes what was written before it permanent. For the last
// unit of a log, which is written again as it fills, a torn write must leave each byte old or new.
//
// Deviation: one writer. A volume is used by one thread at a time, the writer's; other threads may pin what was published
// (`pinPublished`), end pins, and read blocks through a reader of their own (`makeReader`). `PinTable` says how.

import Accounting
import Primitives

/// A volume on a device.
public final class Volume {
  /// The largest engine root, in bytes.
  public static let rootCapacityByteCount = Superblock.rootCapacityByteCount
  /// How many logs a volume carries.
  public static let logCount = Superblock.logCount

  /// The way to the device.
  public let channel: IOChannel
  /// The engine's memory budget; logs, the directory and the map of units reserve from it.
  public let budget: MemoryBudget
  /// The unit of every offset and length, in bytes.
  public let transferUnitByteCount: Int
  /// Drawn from the seed when the volume was created; part of every checksum.
  public let volumeID: UInt64
  /// The engine this volume belongs to.
  public let engineTag: String
  /// The epoch of the newest superblock.
  @exclusivity(unchecked) public internal(set) var durableEpoch: UInt64
  /// How many commits, durable or not, this opening saw; what pins hold.
  public internal(set) var commitSequence: UInt64 = 0
  /// The engine root of the last commit, durable or not.
  public internal(set) var root: [UInt8]
  /// Counters of this opening.
  public internal(set) var statistics = VolumeStatistics()

  let unitCount: Int
  let configuration: VolumeConfiguration

  // Units. Used by one thread, and none of their operations calls back: exclusive without a check at run time.
  @exclusivity(unchecked) var free = FreeExtents()
  @exclusivity(unchecked) var durable = UnitBitmap()
  @exclusivity(unchecked) var newborn = UnitBitmap()
  /// Newborn units that no pin sees.
  @exclusivity(unchecked) var fresh = UnitBitmap()
  @exclusivity(unchecked) var dropped = UnitBitmap()
  @exclusivity(unchecked) var transactionBorn = UnitBitmap()
  @exclusivity(unchecked) var transactionFreed = UnitBitmap()
  @exclusivity(unchecked) var usedEndUnit: Int
  /// Dropped by commits since the last durable one.
  @exclusivity(unchecked) var drops: [DeferredUnits] = []
  @exclusivity(unchecked) var deferred = DeferredQueue()
  @exclusivity(unchecked) var deferredMetadata = DeferredQueue()
  @exclusivity(unchecked) var held = DeferredQueue()
  let pins = PinTable()
  /// The oldest pin when the writer last took note: what it keeps is not reused, whatever ended since.
  @exclusivity(unchecked) var notedPinSequence: UInt64?

  // The durable state.
  @exclusivity(unchecked) var superblock: Superblock
  @exclusivity(unchecked) var map: SpaceMapState
  /// Set when the other slot was invalid at open: the next epoch leaves a gap, so that an epoch whose superblock was
  /// lost is never used twice.
  var skipsEpochs = false
  var forcesCheckpoint = false

  // The open transaction.
  @exclusivity(unchecked) var transactionSerial: UInt64 = 0
  @exclusivity(unchecked) var transactionIsOpen = false
  @exclusivity(unchecked) var transactionFrees: [Range<Int>] = []
  var transactionRoot: [UInt8]?
  var transactionTruncations: [UInt64?] = Array(repeating: nil, count: Superblock.logCount)

  @exclusivity(unchecked) var directory: NodeDirectory
  private var openLogs = [WeakLog](repeating: WeakLog(), count: Superblock.logCount)
  @exclusivity(unchecked) var logLists: [LogSegmentList]
  /// Where the records of each log end, as `verify` found them.
  var logEnds = [UInt64](repeating: 0, count: Superblock.logCount)
  @exclusivity(unchecked) var isClosed = false
  private var heldByteCount = 0

  init(
    channel: IOChannel, budget: MemoryBudget, configuration: VolumeConfiguration,
    superblock: Superblock, durableEpoch: UInt64
  ) {
    self.channel = channel
    self.budget = budget
    self.configuration = configuration
    self.superblock = superblock
    self.durableEpoch = durableEpoch
    transferUnitByteCount = superblock.transferUnitByteCount
    volumeID = superblock.volumeID
    engineTag = superblock.engineTag
    root = superblock.root
    unitCount = superblock.capacityUnitCount
    usedEndUnit = superblock.usedEndUnit
    map = SpaceMapState(transferUnitByteCount: superblock.transferUnitByteCount)
    directory = NodeDirectory(transferUnitByteCount: superblock.transferUnitByteCount)
    logLists = Array(repeating: LogSegmentList(), count: Superblock.logCount)
  }

  /// How many units the pending log gets at a checkpoint when there is room.
  var pendingDefaultUnitCount: Int {
    configuration.pendingLogUnitCount ?? min(64, max(4, unitCount / 256))
  }

  /// The logs that are open. A log holds its volume, not the other way round.
  var logs: [VolumeLog?] { openLogs.map(\.log) }

  func register(_ log: VolumeLog) { openLogs[log.number].log = log }

  // MARK: Creating and opening

  /// Formats the channel's device and opens the empty volume. What was on the device is discarded.
  ///
  /// Cost: one discard, five syncs, about ten units written.
  /// - Throws: what the device throws; `.noSpace` when the device has fewer than about 16 units.
  public static func create(
    channel: IOChannel, budget: MemoryBudget,
    configuration: VolumeConfiguration
  ) throws(StorageError) -> Volume {
    let device = channel.device
    let unit = device.transferUnitByteCount
    precondition(unit >= 512 && unit % 512 == 0, "A volume needs transfer units of a multiple of 512 bytes.")
    var superblock = Superblock()
    superblock.volumeID = ContentHash.mix(configuration.seed ^ 0x766F_6C75_6D65_2069)
    superblock.transferUnitByteCount = unit
    superblock.capacityUnitCount = Int(
      min(device.capacityByteCount / UInt64(unit), UInt64(1) << 40))
    superblock.engineTag = configuration.engineTag
    superblock.usedEndUnit = 2
    guard superblock.capacityUnitCount >= 8 else {
      throw .noSpace(requestedByteCount: UInt64(8 * unit), freeByteCount: device.capacityByteCount)
    }
    try channel.control(
      .discard(
        offset: 0, byteCount: UInt64(superblock.capacityUnitCount) * UInt64(unit), cause: .superblock))
    try channel.control(.sync(cause: .superblock))
    let volume = Volume(
      channel: channel, budget: budget, configuration: configuration, superblock: superblock,
      durableEpoch: 0)
    volume.durable.insert(0..<2)
    volume.free.insert(2..<superblock.capacityUnitCount)
    // Twice, so that both slots hold a superblock.
    try volume.publish(.everything, checkpoint: true)
    try volume.publish(.everything, checkpoint: false)
    return volume
  }

  /// Opens the volume on the channel's device at its last durable commit.
  ///
  /// Cost: the superblocks, the space map, the pending log, the log lists and the node directory are read; O(units in
  /// use / 64 + free extents) time.
  /// - Throws: `.corrupted` when both superblocks or anything the newer valid one points to cannot be what was
  ///   written, or when the volume belongs to another engine; what the device throws.
  public static func open(
    channel: IOChannel, budget: MemoryBudget,
    configuration: VolumeConfiguration
  ) throws(StorageError) -> Volume {
    let (superblock, otherIsValid) = try readSuperblocks(channel, cause: .superblock)
    guard superblock.engineTag == configuration.engineTag else {
      throw .corrupted(
        structure: "superblock", offset: (superblock.epoch & 1) * UInt64(superblock.transferUnitByteCount),
        detail: "the volume belongs to engine '\(superblock.engineTag)', not to '\(configuration.engineTag)'")
    }
    let volume = Volume(
      channel: channel, budget: budget, configuration: configuration, superblock: superblock,
      durableEpoch: superblock.epoch)
    volume.skipsEpochs = !otherIsValid
    do throws(StorageError) {
      try volume.load()
    } catch {
      volume.releaseMemory()
      throw error
    }
    return volume
  }

  /// Reads both slots: the newest valid superblock, and whether the other is valid too.
  static func readSuperblocks(
    _ channel: IOChannel, cause: Cause
  ) throws(StorageError) -> (superblock: Superblock, otherIsValid: Bool) {
    let device = channel.device
    let unit = device.transferUnitByteCount
    guard device.capacityByteCount >= UInt64(2 * unit) else {
      throw .corrupted(
        structure: "superblock", offset: 0, detail: "the device ends before the second superblock")
    }
    var batch = TransferBatch()
    batch.append(.read, offset: 0, memory: .vended, byteCount: 2 * unit, cause: cause)
    try channel.submit(&batch)
    let (frame, offset) = batch.frame(ofRequest: 0)
    var found: [Superblock] = []
    var reasons: [String] = []
    for slot in 0..<2 {
      let bytes = UnsafeRawBufferPointer(start: frame.pointer + offset + slot * unit, count: unit)
      do throws(StorageError) {
        found.append(
          try Superblock.decode(bytes, slot: UInt64(slot), deviceCapacityByteCount: device.capacityByteCount))
      } catch {
        reasons.append(error.description)
      }
    }
    guard let newest = found.max(by: { $0.epoch < $1.epoch }) else {
      throw .corrupted(
        structure: "superblock", offset: 0, detail: "neither is valid: \(reasons.joined(separator: "; "))")
    }
    return (newest, found.count == 2)
  }

  /// Releases the volume's memory accounts. Does not write: what was not committed durably is gone.
  ///
  /// Precondition: no transaction is open.
  public func close() {
    precondition(!transactionIsOpen, "A volume is closed between transactions.")
    if isClosed { return }
    isClosed = true
    releaseMemory()
  }

  deinit { if !isClosed { releaseMemory() } }

  /// Makes the account `directory` hold what the sets of units take: some 7 bits for each unit in use, in steps of
  /// 4 KiB. Between transactions, so that giving units back never fails.
  func accountMemory() throws(StorageError) {
    let sets = [durable, newborn, fresh, dropped, transactionBorn, transactionFreed]
    let queued = deferred.all.count + deferredMetadata.all.count + held.all.count + drops.count
    let byteCount =
      sets.reduce(0) { $0 + $1.memoryByteCount } + free.memoryByteCount
      + queued * MemoryLayout<DeferredUnits>.stride
    let rounded = (byteCount + 4_095) / 4_096 * 4_096
    if rounded > heldByteCount {
      try budget.require(rounded - heldByteCount, for: .directory)
    } else {
      budget.release(heldByteCount - rounded, for: .directory)
    }
    heldByteCount = rounded
  }

  func releaseMemory() {
    budget.release(heldByteCount, for: .directory)
    heldByteCount = 0
    for log in logs { log?.releaseMemory() }
    directory.releaseMemory(budget)
  }

  /// Refuses after a failed write, and after `close`.
  func check() throws(StorageError) {
    if isClosed { throw .closed }
    if let reason = channel.poisonedBy { throw .poisoned(by: reason) }
  }

  // MARK: Transactions and pins

  /// Begins a transaction. There is at most one at a time.
  ///
  /// - Throws: `.poisoned`, `.closed`; `.outOfBudget` when the account `directory` cannot hold the sets of units.
  public func beginTransaction() throws(StorageError) -> VolumeTransaction {
    try check()
    precondition(!transactionIsOpen, "A volume has one transaction at a time.")
    absorbPins()
    try accountMemory()
    transactionSerial += 1
    transactionIsOpen = true
    return VolumeTransaction(volume: self, serial: transactionSerial)
  }

  /// Makes everything committed so far durable and writes the space map, which empties the pending log.
  ///
  /// Precondition: no transaction is open. Cost: as a durable commit, and the dirty part of the space map.
  public func checkpoint() throws(StorageError) { try publish(.everything, checkpoint: true) }

  /// Whether an extent was allocated after the last durable commit and is seen by no pin: its block may be changed
  /// in place. Constant time.
  public func isNewborn(_ extent: Extent) -> Bool {
    fresh.contains(Int(extent.offset / UInt64(transferUnitByteCount)))
  }

  /// Whether an extent was allocated by the open transaction. Constant time.
  public func isBornInTransaction(_ extent: Extent) -> Bool {
    transactionBorn.contains(Int(extent.offset / UInt64(transferUnitByteCount)))
  }

  /// Who sees an extent that is allocated. Constant time.
  public func age(of extent: Extent) -> ExtentAge {
    let unit = Int(extent.offset / UInt64(transferUnitByteCount))
    if !fresh.contains(unit) { return .older }
    return transactionBorn.contains(unit) ? .bornInTransaction : .newborn
  }

  /// The extent of a node.
  ///
  /// - Throws: `.corrupted` when the id names nothing: it came from a page that cannot be what was written.
  public func resolve(_ id: NodeID) throws(StorageError) -> Extent {
    let word: UInt64
    if id.isMapped {
      word = directory.entry(id.number)
      guard word != 0 else {
        throw .corrupted(structure: "node id", offset: 0, detail: "node \(id.number) is not in the directory")
      }
    } else {
      word = id.rawValue
    }
    let (start, count) = PackedExtent.unpack(word)
    guard start >= 2, count > 0, start < UInt64(unitCount), count <= UInt64(unitCount) - start else {
      throw .corrupted(
        structure: "node id", offset: start &* UInt64(transferUnitByteCount),
        detail: "\(count) units at unit \(start) are not inside the volume")
    }
    return extent(Int(start)..<Int(start + count))
  }

  /// Which write put a mapped node where the directory says, 0 when that was not told. Constant time.
  public func birth(of id: NodeID) -> UInt16 { id.isMapped ? directory.birth(id.number) : 0 }

  // MARK: Units

  func extent(_ range: Range<Int>) -> Extent {
    Extent(
      offset: UInt64(range.lowerBound) * UInt64(transferUnitByteCount),
      byteCount: range.count * transferUnitByteCount)
  }

  func units(_ extent: Extent) -> Range<Int> { geometry.units(extent) }

  /// Takes free units, nil when no free extent is long enough.
  func takeUnits(_ count: Int, near hint: Int? = nil) -> Range<Int>? {
    guard let start = free.allocate(count, near: hint, end: unitCount) else { return nil }
    usedEndUnit = max(usedEndUnit, start + count)
    return start..<(start + count)
  }

  /// Units the engine may not have, so that a durable commit finds room for its own blocks.
  var reservedUnitCount: Int { 3 * (map.chunkCount(for: usedEndUnit) + 1) + 4 }

  /// Bytes an engine can still allocate, in extents of any size.
  public var availableByteCount: UInt64 {
    UInt64(max(0, free.unitCount - reservedUnitCount)) * UInt64(transferUnitByteCount)
  }

  func allocate(byteCount: Int, near: UInt64?) throws(StorageError) -> Extent {
    try check()
    precondition(byteCount > 0, "An extent has at least one byte.")
    let count = (byteCount - 1) / transferUnitByteCount + 1
    precondition(count <= PackedExtent.maximumUnitCount, "An extent has fewer than 2^23 units.")
    let hint = near.map { Int(min($0 / UInt64(transferUnitByteCount), UInt64(unitCount))) }
    guard free.unitCount - count >= reservedUnitCount, let range = takeUnits(count, near: hint) else {
      throw .noSpace(
        requestedByteCount: UInt64(byteCount),
        freeByteCount: UInt64(free.unitCount) * UInt64(transferUnitByteCount))
    }
    newborn.insert(range)
    fresh.insert(range)
    transactionBorn.insert(range)
    return extent(range)
  }

  func free(_ extent: Extent) {
    let range = units(extent)
    if transactionBorn.containsAll(range) {
      transactionBorn.remove(range)
      newborn.remove(range)
      fresh.remove(range)
      free.insert(range)
      return
    }
    precondition(
      transactionFreed.containsNone(range)
        && (newborn.containsAll(range) || (durable.containsAll(range) && dropped.containsNone(range))),
      "An extent that is freed is allocated, and was allocated in one piece: \(extent).")
    transactionFreed.insert(range)
    transactionFrees.append(range)
  }

  /// Ends the open transaction by making its changes visible.
  func commitInMemory() {
    commitSequence += 1
    for range in transactionFrees {
      if newborn.containsAll(range) {
        newborn.remove(range)
        if fresh.containsAll(range) {
          fresh.remove(range)
          free.insert(range)
        } else {
          fresh.remove(range)
          held.append(DeferredUnits(range: range, sequence: commitSequence, epoch: 0))
        }
      } else {
        dropped.insert(range)
        drops.append(DeferredUnits(range: range, sequence: commitSequence, epoch: 0))
      }
    }
    if let transactionRoot { root = transactionRoot }
    directory.commit()
    for (index, position) in transactionTruncations.enumerated() {
      if let position { logs[index]?.truncationPosition = position }
    }
    endTransaction()
  }

  /// Ends the open transaction as if it had not been.
  func rollback(_ serial: UInt64) {
    guard transactionIsOpen, serial == transactionSerial else { return }
    transactionBorn.forEachRun { range in
      newborn.remove(range)
      fresh.remove(range)
      free.insert(range)
    }
    directory.rollback()
    endTransaction()
  }

  private func endTransaction() {
    transactionIsOpen = false
    transactionBorn.removeAll()
    transactionFreed.removeAll()
    transactionFrees.removeAll(keepingCapacity: true)
    transactionRoot = nil
    for index in transactionTruncations.indices { transactionTruncations[index] = nil }
  }

  /// Whether a durable commit would change anything on the device.
  var hasUndurableChanges: Bool {
    !newborn.isEmpty || !dropped.isEmpty || root != superblock.root || directory.isDirty
      || logs.contains { $0?.hasUndurableChanges ?? false }
  }

  func releaseDeferred() {
    let oldestPin = notedPinSequence ?? .max
    while let next = deferred.first, next.epoch < durableEpoch, next.sequence <= oldestPin {
      free.insert(deferred.removeFirst().range)
    }
    while let next = deferredMetadata.first, next.epoch < durableEpoch {
      free.insert(deferredMetadata.removeFirst().range)
    }
    while let next = held.first, next.sequence <= oldestPin { free.insert(held.removeFirst().range) }
  }
}

/// Since when an extent is there, and who sees it.
public enum ExtentAge: Sendable {
  /// Allocated by the open transaction.
  case bornInTransaction
  /// Allocated after the last durable commit and seen by no pin: its block may be changed in place.
  case newborn
  /// A superblock or a pin may see it.
  case older
}

/// Counters of one opening of a volume.
public struct VolumeStatistics: Equatable, Sendable {
  /// Checksums computed over bytes that came from the device and found right.
  public var verifiedChecksumCount: UInt64 = 0
  /// Superblocks written.
  public var durableCommitCount: UInt64 = 0
  /// Durable commits that wrote the space map.
  public var spaceMapCheckpointCount: UInt64 = 0
  /// Superblocks written only to make room in a log.
  public var logGrowthCount: UInt64 = 0
  /// Log units that were written again because records were added to them.
  public var logTailRewriteCount: UInt64 = 0

  /// All zero.
  public init() {}
}

/// Units that wait until no superblock and no pin sees them.
struct DeferredUnits {
  var range: Range<Int>
  /// The commit that freed them.
  var sequence: UInt64
  /// The epoch of the durable commit that freed them.
  var epoch: UInt64
}

/// A log as its volume knows it.
private struct WeakLog {
  weak var log: VolumeLog?
}

/// Units waiting in the order in which they were freed.
struct DeferredQueue {
  private var entries: [DeferredUnits] = []
  private var head = 0
  /// Units in the queue.
  private(set) var unitCount = 0

  var first: DeferredUnits? { head < entries.count ? entries[head] : nil }

  /// The entries in order.
  var all: ArraySlice<DeferredUnits> { entries[head...] }

  mutating func append(_ units: DeferredUnits) {
    entries.append(units)
    unitCount += units.range.count
  }

  mutating func removeFirst() -> DeferredUnits {
    let result = entries[head]
    head += 1
    unitCount -= result.range.count
    if head == entries.count {
      entries.removeAll(keepingCapacity: true)
      head = 0
    } else if head > 1_024, head * 2 > entries.count {
      entries.removeFirst(head)
      head = 0
    }
    return result
  }
}
