// Looking at a volume: what it holds, how its units are used, and whether everything is as it must be.
//
// Invariants
// 1. Looking changes nothing: it reads with the cause `verification` and writes never.
// 2. `verify` builds the durable state a second time from the device alone and compares; it trusts nothing in memory.

import Accounting
import Primitives

/// How a volume's units are used, in bytes. The parts sum to the capacity.
public struct VolumeAccounting: Equatable, Sendable {
  /// The address space the volume uses.
  public var capacityByteCount: UInt64 = 0
  /// Can be allocated.
  public var freeByteCount: UInt64 = 0
  /// The engine's extents, those of an open transaction included, those it freed excluded when the transaction
  /// commits.
  public var liveByteCount: UInt64 = 0
  /// Freed, and waiting for superblocks or pins to forget them.
  public var deferredByteCount: UInt64 = 0
  /// Superblocks.
  public var superblockByteCount: UInt64 = 0
  /// Space map.
  public var spaceMapByteCount: UInt64 = 0
  /// Pending log.
  public var pendingLogByteCount: UInt64 = 0
  /// Node directory pages.
  public var nodeDirectoryByteCount: UInt64 = 0
  /// Log segments and their lists.
  public var logByteCount: UInt64 = 0
  /// The longest extent that can be allocated: shows fragmentation.
  public var largestFreeExtentByteCount: UInt64 = 0
  /// Behind the last unit ever allocated nothing was written.
  public var usedEndByteCount: UInt64 = 0

  /// All zero.
  public init() {}

  /// The volume's own blocks, logs excluded.
  public var metadataByteCount: UInt64 {
    superblockByteCount + spaceMapByteCount + pendingLogByteCount + nodeDirectoryByteCount
  }

  /// Everything that is not free.
  public var allocatedByteCount: UInt64 { capacityByteCount - freeByteCount }
}

/// What a volume says of itself.
public struct VolumeDescription: Equatable, Sendable {
  /// One log.
  public struct Log: Equatable, Sendable {
    /// 0 or 1.
    public var number: Int
    /// The first position that was not truncated.
    public var startPosition: UInt64
    /// Where the newest superblock knew the log to be synced to.
    public var durablePosition: UInt64
    /// Its segments, oldest first: where, the position of the first byte, and the era.
    public var segments: [Segment]
  }

  /// One segment of a log.
  public struct Segment: Equatable, Sendable {
    /// Where it lies.
    public var extent: Extent
    /// The log position of its first byte.
    public var position: UInt64
    /// The opening that appends or appended to it.
    public var era: UInt64
  }

  /// The format of the bytes.
  public var formatVersion: Int
  /// Part of every checksum.
  public var volumeID: UInt64
  /// The engine it belongs to.
  public var engineTag: String
  /// The engine's root.
  public var engineRoot: [UInt8]
  /// The unit of offsets and lengths.
  public var transferUnitByteCount: Int
  /// The newest superblock's epoch.
  public var epoch: UInt64
  /// The epoch that wrote the space map.
  public var spaceMapEpoch: UInt64
  /// Chunks of the space map.
  public var spaceMapChunkCount: Int
  /// Size of the pending log, and how much of it holds records.
  public var pendingLogUnitCount: Int
  /// Units of the pending log that hold records.
  public var pendingLogUsedUnitCount: Int
  /// Mapped nodes in use.
  public var nodeCount: Int
  /// Free extents.
  public var freeExtentCount: Int
  /// The logs.
  public var logs: [Log]
  /// How the units are used.
  public var accounting: VolumeAccounting
}

/// Something `verify` found.
public struct VolumeFinding: Equatable, Sendable, CustomStringConvertible {
  /// The structure that is wrong.
  public var structure: String
  /// Where on the device.
  public var offset: UInt64
  /// What is wrong with it.
  public var detail: String
  /// Whether the volume is usable all the same (an invalid older superblock is what a crash may leave).
  public var isHarmless: Bool

  /// A finding.
  public init(structure: String, offset: UInt64, detail: String, isHarmless: Bool = false) {
    self.structure = structure
    self.offset = offset
    self.detail = detail
    self.isHarmless = isHarmless
  }

  /// One line.
  public var description: String {
    "\(isHarmless ? "harmless: " : "")\(structure) at offset \(offset): \(detail)"
  }
}

extension Volume {
  /// How the units are used. Cost: O(the volume's own blocks).
  public func accounting() -> VolumeAccounting {
    absorbPins()
    var result = VolumeAccounting()
    let unit = UInt64(transferUnitByteCount)
    var own = 0
    for (structure, range) in ownUnits {
      own += range.count
      let byteCount = UInt64(range.count) * unit
      switch structure {
      case "superblock": result.superblockByteCount += byteCount
      case "space map": result.spaceMapByteCount += byteCount
      case "pending log": result.pendingLogByteCount += byteCount
      case "node directory": result.nodeDirectoryByteCount += byteCount
      default: result.logByteCount += byteCount
      }
    }
    let waiting = deferred.unitCount + deferredMetadata.unitCount + held.unitCount
    result.capacityByteCount = UInt64(unitCount) * unit
    result.freeByteCount = UInt64(free.unitCount) * unit
    result.liveByteCount = UInt64(durable.setCount - dropped.setCount + newborn.setCount - own) * unit
    result.deferredByteCount = UInt64(dropped.setCount + waiting) * unit
    result.largestFreeExtentByteCount = UInt64(free.largestUnitCount) * unit
    result.usedEndByteCount = UInt64(usedEndUnit) * unit
    return result
  }

  /// What the volume says of itself.
  public func inspect() -> VolumeDescription {
    VolumeDescription(
      formatVersion: Int(Superblock.formatVersion), volumeID: volumeID, engineTag: engineTag,
      engineRoot: root,
      transferUnitByteCount: transferUnitByteCount, epoch: durableEpoch, spaceMapEpoch: superblock.mapEpoch,
      spaceMapChunkCount: map.chunkUnits.count, pendingLogUnitCount: superblock.pendingUnitCount,
      pendingLogUsedUnitCount: superblock.pendingUsedUnitCount, nodeCount: directory.usedCount,
      freeExtentCount: free.extentCount,
      logs: logLists.enumerated().map { number, list in
        VolumeDescription.Log(
          number: number, startPosition: list.startPosition,
          durablePosition: superblock.logs[number].durablePosition,
          segments: list.segments.map {
            VolumeDescription.Segment(extent: extent($0.units), position: $0.base, era: $0.era)
          })
      }, accounting: accounting())
  }

  /// Reads a volume of any engine and says what it holds.
  ///
  /// - Throws: as `open`.
  public static func inspect(channel: IOChannel) throws(StorageError) -> VolumeDescription {
    let (superblock, _) = try readSuperblocks(channel, cause: .verification)
    let volume = shadow(of: superblock, channel: channel)
    try volume.load(cause: .verification)
    return volume.inspect()
  }

  /// Checks a volume of any engine, as it lies on the device: superblocks, space map, pending log, node directory,
  /// logs to their ends. The engine's own blocks are the engine's to check.
  ///
  /// - Returns: what is wrong, nothing when all is well.
  /// - Throws: what the device throws. What is wrong with the bytes is a finding, not an error.
  public static func verify(channel: IOChannel) throws(StorageError) -> [VolumeFinding] {
    try verify(channel: channel, counting: nil)
  }

  /// As `verify(channel:)`, on a volume the caller made, which then knows how many checksums were compared and where
  /// its logs end.
  static func verify(channel: IOChannel, counting made: Volume?) throws(StorageError) -> [VolumeFinding] {
    var findings = Findings()
    var found: (superblock: Superblock, otherIsValid: Bool)?
    try findings.collect { () throws(StorageError) in
      found = try readSuperblocks(channel, cause: .verification)
    }
    guard let (newest, otherIsValid) = found else { return findings.all }
    if !otherIsValid {
      findings.all.append(
        VolumeFinding(
          structure: "superblock",
          offset: ((newest.epoch & 1) ^ 1) * UInt64(newest.transferUnitByteCount),
          detail: "it is not valid; the volume uses the other one", isHarmless: true))
    }
    try (made ?? shadow(of: newest, channel: channel)).verifyStructures(&findings)
    return findings.all
  }

  /// As the static `verify`, and compares what is on the device with the volume in memory.
  ///
  /// Precondition: no transaction is open.
  public func verify() throws(StorageError) -> [VolumeFinding] {
    try check()
    precondition(!transactionIsOpen, "A volume is verified between transactions.")
    for log in logs { try log?.flush() }
    var findings = Findings(all: try Volume.verify(channel: channel))
    if let problem = partitionProblem() {
      findings.all.append(
        VolumeFinding(structure: "unit sets", offset: 0, detail: problem, isHarmless: false))
    }
    guard findings.all.allSatisfy(\.isHarmless) else { return findings.all }
    let (onDevice, _) = try Volume.readSuperblocks(channel, cause: .verification)
    let shadow = Volume.shadow(of: onDevice, channel: channel)
    try shadow.load(cause: .verification)
    func compare(_ what: String, _ isEqual: Bool) {
      if isEqual { return }
      findings.all.append(
        VolumeFinding(
          structure: what, offset: 0, detail: "the device and the open volume disagree", isHarmless: false))
    }
    compare("superblock", onDevice == superblock)
    compare("space map", shadow.durable.runs == durable.runs)
    compare("log segment list", shadow.logLists == logLists)
    if !directory.isDirty { compare("node directory", shadow.directory.holdsSame(as: directory)) }
    return findings.all
  }

  /// A second volume on the same channel that reads only, with a budget of its own.
  static func shadow(of superblock: Superblock, channel: IOChannel) -> Volume {
    Volume(
      channel: channel, budget: MemoryBudget(limitByteCount: .max),
      configuration: VolumeConfiguration(engineTag: "verification"), superblock: superblock,
      durableEpoch: superblock.epoch)
  }

  private func verifyStructures(_ findings: inout Findings) throws(StorageError) {
    let before = findings.all.count
    try findings.collect { () throws(StorageError) in try loadSpaceMap(cause: .verification) }
    if findings.all.count == before {
      try findings.collect { () throws(StorageError) in _ = try replayPendingLog(cause: .verification) }
    }
    try findings.collect { () throws(StorageError) in try directory.load(from: self, cause: .verification) }
    for number in logLists.indices {
      let known = findings.all.count
      try findings.collect { () throws(StorageError) in
        logLists[number] = try loadLogList(superblock.logs[number], cause: .verification)
      }
      if findings.all.count > known { continue }
      try findings.collect { () throws(StorageError) in
        let log = try openLog(number, configuration: VolumeLogConfiguration(cause: .verification))
        var scanner = LogScanner(volume: self, log: log, cause: .verification)
        defer { scanner.releaseMemory() }
        let found = try scanner.scan(from: log.startPosition, proofByteCount: .max) { _, _ in true }
        logEnds[number] = found.endPosition
      }
    }
    if findings.all.count > before { return }
    try findings.collect { () throws(StorageError) in try checkOwnUnits() }
    var seen = UnitBitmap()
    for (_, range) in ownUnits { seen.insert(range) }
    directory.forEachEntry { number, range in
      if !durable.containsAll(range) || !seen.containsNone(range) {
        findings.all.append(
          VolumeFinding(
            structure: "node directory", offset: extent(range).offset,
            detail: "node \(number) is on units that are not allocated, or that belong to something else too",
            isHarmless: false))
      }
      seen.insert(range)
    }
  }

  /// Nil when every unit is in exactly one of free, newborn, durable, held, deferred; otherwise what is wrong. Cost:
  /// O(units).
  func partitionProblem() -> String? {
    var seen = UnitBitmap()
    var problem: String?
    func add(_ what: String, _ range: Range<Int>) {
      if !seen.containsNone(range) {
        problem = problem ?? "units \(range) are \(what) and something else too"
      }
      seen.insert(range)
    }
    for range in free.extents { add("free", range) }
    durable.forEachRun { add("durable", $0) }
    newborn.forEachRun { add("newborn", $0) }
    for entry in held.all { add("held", entry.range) }
    for entry in deferred.all { add("deferred", entry.range) }
    for entry in deferredMetadata.all { add("deferred", entry.range) }
    dropped.forEachRun {
      if !durable.containsAll($0) { problem = problem ?? "units \($0) are dropped and not durable" }
    }
    fresh.forEachRun {
      if !newborn.containsAll($0) { problem = problem ?? "units \($0) are fresh and not newborn" }
    }
    if seen.setCount != unitCount { problem = problem ?? "\(unitCount - seen.setCount) units are nowhere" }
    return problem
  }
}

/// Collects what is wrong with bytes, lets other errors pass.
private struct Findings {
  var all: [VolumeFinding] = []

  mutating func collect(_ body: () throws(StorageError) -> Void) throws(StorageError) {
    do throws(StorageError) {
      try body()
    } catch {
      guard case .corrupted(let structure, let offset, let detail) = error else { throw error }
      all.append(VolumeFinding(structure: structure, offset: offset, detail: detail, isHarmless: false))
    }
  }
}
