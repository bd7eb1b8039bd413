// What an engine says of its own blocks when an image is looked at: which extents are its, how full they are, what is
// wrong with them. Every engine fills the same report, so that one command shows them all.
//
//   engine root ─▶ block ─▶ block …      for each: addBlock(structure, level, extent, used bytes, entries)
//                                          ├─ a line of the table: level │ blocks │ bytes │ fill │ entries
//                                          └─ a claim: these units are mine, held against the space map
//
// Invariants
// 1. An engine claims every extent it owns exactly once, also those whose block is damaged: then nothing is leaked,
//    nothing is owned twice, and what is left over in the space map is a finding.
// 2. Parts keep the order in which they were first named.

import Accounting
import Primitives

/// An engine's own account of an image.
public struct StructureReport: Sendable {
  /// Blocks of one structure and level together.
  public struct Part: Equatable, Sendable {
    /// What the blocks are: `leaf`, `interior`, `block`, `log record` …
    public var structure: String
    /// The level as in the ledger, nil for structures without levels. In trees 0 is the leaves.
    public var level: Int?
    /// How many there are.
    public var blockCount: UInt64 = 0
    /// Their bytes on the device.
    public var byteCount: UInt64 = 0
    /// Bytes of those in use.
    public var usedByteCount: UInt64 = 0
    /// What they hold: keys, pivots, messages, frames.
    public var entryCount: UInt64 = 0

    /// Used bytes ÷ bytes, nil without bytes.
    public var fill: Double? { byteCount > 0 ? Double(usedByteCount) / Double(byteCount) : nil }
  }

  /// An extent and what it holds.
  public struct Claim: Equatable, Sendable {
    /// What the owner calls it.
    public var structure: String
    /// Where it is.
    public var extent: Extent
  }

  /// Facts of the engine as a whole, in the order they were added.
  public private(set) var facts: [(name: String, value: String)] = []
  /// Blocks by structure and level.
  public private(set) var parts: [Part] = []
  /// The extents the engine owns.
  public private(set) var claims: [Claim] = []
  /// What is wrong.
  public private(set) var findings: [VolumeFinding] = []
  /// What an opening of this image would have to do first, one sentence each; none after a clean close.
  public private(set) var recovery: [String] = []
  /// Checksums the engine computed and compared itself, those of volume blocks not counted.
  public var checksumCount: UInt64 = 0

  /// What the engine's steps took, in their order; empty for an engine that takes one.
  public var steps: [ExaminationStep] = []

  /// Nothing yet.
  public init() {}

  /// Adds a fact.
  public mutating func addFact(_ name: String, _ value: String) { facts.append((name, value)) }

  /// Adds a block to its structure and level, without claiming an extent (a record of a log, a page of a file).
  public mutating func addPart(
    _ structure: String, level: Int? = nil, byteCount: UInt64, usedByteCount: UInt64, entryCount: UInt64,
    blockCount: UInt64 = 1
  ) {
    let known = parts.firstIndex { $0.structure == structure && $0.level == level }
    let index = known ?? parts.count
    if known == nil { parts.append(Part(structure: structure, level: level)) }
    parts[index].blockCount += blockCount
    parts[index].byteCount += byteCount
    parts[index].usedByteCount += usedByteCount
    parts[index].entryCount += entryCount
  }

  /// Adds a block that was read and is right, and claims its extent.
  public mutating func addBlock(
    _ structure: String, level: Int? = nil, extent: Extent, usedByteCount: Int, entryCount: Int
  ) {
    addPart(
      structure, level: level, byteCount: UInt64(extent.byteCount), usedByteCount: UInt64(usedByteCount),
      entryCount: UInt64(entryCount))
    claim(extent, structure)
  }

  /// Claims an extent of the volume.
  public mutating func claim(_ extent: Extent, _ structure: String) {
    claims.append(Claim(structure: structure, extent: extent))
  }

  /// Adds something that is wrong.
  public mutating func addFinding(
    _ structure: String, offset: UInt64, _ detail: String, isHarmless: Bool = false
  ) {
    findings.append(
      VolumeFinding(structure: structure, offset: offset, detail: detail, isHarmless: isHarmless))
  }

  /// Adds what an opening has to do first.
  public mutating func addRecovery(_ sentence: String) { recovery.append(sentence) }

  /// Adds a finding for an error of the bytes; an error of the device goes on its way.
  public mutating func note(_ error: StorageError) throws(StorageError) {
    switch error {
    case .corrupted(let structure, let offset, let detail): addFinding(structure, offset: offset, detail)
    case .outOfRange(let offset, _, _), .misaligned(let offset, _, _):
      addFinding("engine", offset: offset, error.description)
    case .notFound, .noSpace: addFinding("engine", offset: 0, error.description)
    case .deviceFailed, .poisoned, .outOfBudget, .closed: throw error
    }
  }
}

/// What an engine is given to look at: an image that nothing is written to.
public struct EngineImage {
  /// The way to the image; what is written goes to memory and is forgotten.
  public var channel: IOChannel
  /// Memory without a limit.
  public var budget: MemoryBudget
  /// The volume, loaded; nil when the image is a file space.
  public var volume: Volume?

  /// An image.
  public init(channel: IOChannel, budget: MemoryBudget, volume: Volume?) {
    self.channel = channel
    self.budget = budget
    self.volume = volume
  }
}
