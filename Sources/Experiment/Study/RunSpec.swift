// One run, complete: everything the executor needs and nothing it has to look up. Two equal specs do the same
// operations on the same bytes; a spec's id is the hash of its content.
//
//   study ──expand──▶ RunSpec ──▶ canonical JSON ──SHA-256──▶ id (first 12 hexadecimal digits)
//
// Invariants
// 1. `id` is a function of engine, format version, label, every parameter, device, budget, commit, phases, seed
//    and repeat, and of nothing else: not of the study's name, the run's place in the plan, key order, comments,
//    or figures. A recorded stream enters by the hash of its bytes, not by its path. Values written as sizes, counts
//    or fractions enter as the numbers they stand for.
// 2. Parameter sets are complete (defaults filled in) and within the ranges of their descriptors.
// 3. Runs of one repeat have the same seed, so every engine sees the same operation stream.
//
// A finished run is found again by its id: adding a value to an axis, or reordering a study, repeats no work.

import KeyValue
import Results

/// What a run's bytes live on.
public struct DeviceSpec: Equatable, Sendable {
  /// Which base device.
  public enum Kind: String, CaseIterable, Sendable { case memory, file }
  /// How a file device does its calls: bypassing the page cache, or through it.
  public enum FileAccess: String, CaseIterable, Sendable { case direct, buffered }

  /// Memory or a file.
  public var kind: Kind
  /// The size of the address space, in bytes, a multiple of the transfer unit.
  public var capacityByteCount: Int
  /// What every transfer's offset and length is a multiple of, in bytes.
  public var transferUnitByteCount: Int
  /// Whether adjacent transfers of a batch are merged.
  public var coalesces: Bool
  /// Merged transfers stay at or below this size, in bytes.
  public var maximumTransferByteCount: Int
  /// The device profile that `device_s` is computed with.
  public var profile: String
  /// Used by file devices only.
  public var access: FileAccess
  /// The most transfers of a batch in flight at once; used by file devices only.
  public var queueDepth: Int
  /// The folder a file device makes its file in; nil means a scratch folder.
  public var path: String?
  /// The modelled flash drive below the device; nil for none.
  public var flash: FlashSpec?

  /// What a drive keeps busy with, and more than any engine of ours asks for at once but a large batch.
  public static let defaultQueueDepth = 64

  /// A device; the values a study leaves out are those given here.
  public init(
    kind: Kind = .memory, capacityByteCount: Int = 4 << 30, transferUnitByteCount: Int = 4096,
    coalesces: Bool = true, maximumTransferByteCount: Int = 4 << 20, profile: String,
    access: FileAccess = .direct, queueDepth: Int = defaultQueueDepth, path: String? = nil,
    flash: FlashSpec? = nil
  ) {
    self.kind = kind
    self.capacityByteCount = capacityByteCount
    self.transferUnitByteCount = transferUnitByteCount
    self.coalesces = coalesces
    self.maximumTransferByteCount = maximumTransferByteCount
    self.profile = profile
    self.access = access
    self.queueDepth = queueDepth
    self.path = path
    self.flash = flash
  }

  /// The keys of a study's `device:`, file keys only for files, the flash drive only when there is one.
  public var value: StudyValue {
    var entries: [StudyValue.Entry] = [
      .init("kind", .text(kind.rawValue)),
      .init("capacity", .integer(capacityByteCount)),
      .init("transfer_unit", .integer(transferUnitByteCount)),
      .init("coalesce", .boolean(coalesces)),
      .init("maximum_transfer", .integer(maximumTransferByteCount)),
      .init("profile", .text(profile)),
    ]
    if kind == .file {
      entries.append(.init("io", .text(access.rawValue)))
      entries.append(.init("queue_depth", .integer(queueDepth)))
      if let path { entries.append(.init("path", .text(path))) }
    }
    if let flash { entries.append(.init("flash", flash.value)) }
    return .map(entries)
  }
}

/// How operations are grouped into commits.
public struct CommitSpec: Equatable, Sendable {
  /// Write operations per commit: the atomic unit.
  public var batchOperations: Int
  /// Every how many commits one is synced: 0 never, 1 each, n every n-th.
  public var syncEveryCommits: Int

  /// A grouping.
  public init(batchOperations: Int, syncEveryCommits: Int) {
    self.batchOperations = batchOperations
    self.syncEveryCommits = syncEveryCommits
  }

  /// The keys of a study's `commit:`.
  public var value: StudyValue {
    .map([
      .init("batch_operations", .integer(batchOperations)),
      .init("sync_every_commits", .integer(syncEveryCommits)),
    ])
  }
}

/// One phase of a run.
public struct PhaseSpec: Equatable, Sendable {
  /// The word after `phase:` in a study (load, read, mixed, write, settle, reopen, drop_cache, warm, checkpoint).
  public var kind: String
  /// Unique within the run; names the phase's rows.
  public var name: String
  /// Complete for the kind's descriptors. A nested key is joined by a dot: `mix.get_hit`.
  public var parameters: ParameterSet

  /// A phase of `kind`, its parameters complete.
  public init(kind: String, name: String, parameters: ParameterSet = ParameterSet()) {
    self.kind = kind
    self.name = name
    self.parameters = parameters
  }

  /// The phase's item in a study's `phases:`.
  public var value: StudyValue {
    let head: [StudyValue.Entry] = [.init("phase", .text(kind)), .init("name", .text(name))]
    guard case .map(let entries) = StudyValue(parameters) else { return .map(head) }
    return .map(head + entries)
  }
}

/// Where in its study's grid a run stands: one axis and the value taken on it.
public struct AxisPoint: Equatable, Sendable {
  /// The key path as the study writes it.
  public var path: String
  /// The value taken.
  public var value: ParameterValue

  /// A place on one axis.
  public init(path: String, value: ParameterValue) {
    self.path = path
    self.value = value
  }
}

/// One run, complete and self-contained.
public struct RunSpec: Equatable, Sendable {
  /// 12 hexadecimal digits: the beginning of the SHA-256 of `canonicalText`.
  public let id: String
  /// The place in the plan, from 0; not part of the identity.
  public var ordinal: Int
  /// The study's id; not part of the identity.
  public var study: String
  /// The engine's name in this study: the `engine` column of every record, unique among a study's engines.
  public let label: String
  /// The catalogue's name.
  public let engine: String
  /// The catalogue's number for the meaning of the engine's bytes.
  public let engineFormatVersion: Int
  /// Complete for the engine's descriptors.
  public let engineParameters: ParameterSet
  /// Complete for the workload's descriptors; `records` is this run's own number.
  public let workload: ParameterSet
  /// What the bytes live on.
  public let device: DeviceSpec
  /// A number of bytes, fractions of the data resolved.
  public let memoryBudgetByteCount: Int
  /// How writes are grouped.
  public let commit: CommitSpec
  /// In order; names are unique.
  public let phases: [PhaseSpec]
  /// The study's seed.
  public let studySeed: Int
  /// From 0.
  public let repeatIndex: Int
  /// Where in the grid this run stands, in the study's order of axes; the values are also in the fields above.
  public var axisPoints: [AxisPoint]
  /// The recorded stream that replay phases take their operations from; its content is part of the identity.
  public let stream: StudyStream?

  /// A run; computes its id.
  public init(
    ordinal: Int, study: String, label: String, engine: String, engineFormatVersion: Int,
    engineParameters: ParameterSet, workload: ParameterSet, device: DeviceSpec, memoryBudgetByteCount: Int,
    commit: CommitSpec, phases: [PhaseSpec], studySeed: Int, repeatIndex: Int, axisPoints: [AxisPoint] = [],
    stream: StudyStream? = nil
  ) {
    precondition(memoryBudgetByteCount > 0, "A run's memory budget is at least one byte.")
    self.ordinal = ordinal
    self.study = study
    self.label = label
    self.engine = engine
    self.engineFormatVersion = engineFormatVersion
    self.engineParameters = engineParameters
    self.workload = workload
    self.device = device
    self.memoryBudgetByteCount = memoryBudgetByteCount
    self.commit = commit
    self.phases = phases
    self.studySeed = studySeed
    self.repeatIndex = repeatIndex
    self.axisPoints = axisPoints
    self.stream = stream
    let content = Self.content(
      label: label, engine: engine, engineFormatVersion: engineFormatVersion,
      engineParameters: engineParameters, workload: workload, device: device,
      memoryBudgetByteCount: memoryBudgetByteCount, commit: commit, phases: phases, studySeed: studySeed,
      repeatIndex: repeatIndex, streamHash: stream?.contentHash)
    id = String(SHA256.hexadecimal(Array(content.canonicalJSON.utf8)).prefix(12))
  }

  /// The number of records the load phase writes.
  public var records: Int { workload.integer("records") }

  /// The seed of the operation stream: a function of the study's seed and the repeat, the same for every engine.
  /// Below 2^53, so that every reader of JSON or CSV keeps it exactly.
  public var seed: UInt64 { Self.seed(studySeed: studySeed, repeatIndex: repeatIndex) }

  /// The seed of repeat `repeatIndex`: SplitMix64 of the study's seed and the repeat, its upper 53 bits.
  ///
  /// Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), figure 16.
  public static func seed(studySeed: Int, repeatIndex: Int) -> UInt64 {
    let step: UInt64 = 0x9E37_79B9_7F4A_7C15
    var z = UInt64(truncatingIfNeeded: studySeed) &+ step &* UInt64(truncatingIfNeeded: repeatIndex &+ 1)
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return (z ^ (z >> 31)) >> 11
  }

  /// What the id is the hash of.
  public var content: StudyValue {
    Self.content(
      label: label, engine: engine, engineFormatVersion: engineFormatVersion,
      engineParameters: engineParameters, workload: workload, device: device,
      memoryBudgetByteCount: memoryBudgetByteCount, commit: commit, phases: phases, studySeed: studySeed,
      repeatIndex: repeatIndex, streamHash: stream?.contentHash)
  }

  /// The text whose SHA-256 begins with `id`.
  public var canonicalText: String { content.canonicalJSON }

  /// The whole run for a manifest: id, place, axis points and content.
  public var value: StudyValue {
    guard case .map(let entries) = content else { preconditionFailure("A run's content is a map.") }
    let head: [StudyValue.Entry] = [
      .init("run_id", .text(id)), .init("ordinal", .integer(ordinal)), .init("study", .text(study)),
      .init("axes", .map(axisPoints.map { .init($0.path, StudyValue($0.value)) })),
    ]
    return .map(head + entries)
  }

  private static func content(
    label: String, engine: String, engineFormatVersion: Int, engineParameters: ParameterSet,
    workload: ParameterSet, device: DeviceSpec, memoryBudgetByteCount: Int, commit: CommitSpec,
    phases: [PhaseSpec], studySeed: Int, repeatIndex: Int, streamHash: String?
  ) -> StudyValue {
    let entries: [StudyValue.Entry] = [
      .init("label", .text(label)),
      .init("engine", .text(engine)),
      .init("engine_format_version", .integer(engineFormatVersion)),
      .init("engine_parameters", StudyValue(engineParameters)),
      .init("workload", StudyValue(workload)),
      .init("device", device.value),
      .init("memory_budget_bytes", .integer(memoryBudgetByteCount)),
      .init("commit", commit.value),
      .init("phases", .list(phases.map(\.value))),
      .init("study_seed", .integer(studySeed)),
      .init("repeat", .integer(repeatIndex)),
      .init("seed", .integer(Int(seed(studySeed: studySeed, repeatIndex: repeatIndex)))),
    ]
    // Runs without a stream keep the ids they had before there were any.
    return .map(entries + (streamHash.map { [.init("stream_sha256", .text($0))] } ?? []))
  }
}
