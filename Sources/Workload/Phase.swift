// The phases of a run as data: which kinds there are, what each takes, and the decoded form that a stream is made from.
//
//   phaseCatalogue: load │ read │ write │ mixed │ warm    move data: DataPhase ──▶ OperationStream
//                   replay                                moves data that was recorded: section ──▶ OperationStream
//                   crash                                 moves data, then cuts the power
//                   settle │ reopen │ drop_cache │ checkpoint    verbs: no operations
//
// Invariants
// 1. Every data phase is, in the end, a list of weighted operations over one distribution, or a load.
// 2. `name` is not a parameter: it labels rows and changes no operation.

import KeyValue
import Primitives

/// A kind of phase, as the study decoder and the manual know it.
public struct PhaseDescriptor: Equatable, Sendable {
  /// The word after `phase:`.
  public var kind: String
  /// One sentence.
  public var summary: String
  /// Whether the phase consists of operations; verbs do not.
  public var movesData: Bool
  /// What it takes besides `name`. A nested key is joined by a dot: `mix.get_hit`.
  public var parameters: [ParameterDescriptor]
}

/// Every kind of phase.
public let phaseCatalogue: [PhaseDescriptor] = [
  PhaseDescriptor(
    kind: "load", summary: "Puts every record once.", movesData: true,
    parameters: [
      ParameterDescriptor(
        "order", .choice(["random", "sequential", "interleaved"]), default: .text("random"),
        "Order of the record indices: random (a permutation), sequential (key order for key_shape sequential), or "
          + "interleaved (eight ascending streams, a record of each in turn)."
      ),
      ParameterDescriptor(
        "bulk", .boolean, default: .boolean(false),
        "Whether the engine is told that the keys come sorted; wants order sequential and key_shape sequential."
      ),
    ]),
  PhaseDescriptor(
    kind: "read", summary: "One kind of read, repeated.", movesData: true,
    parameters: [operationsParameter, readOperationParameter, keysPerGetParameter] + keyChoiceParameters
      + scanParameters + [threadsParameter]),
  PhaseDescriptor(
    kind: "write", summary: "One kind of write, repeated.", movesData: true,
    parameters: [operationsParameter, writeOperationParameter] + keyChoiceParameters + writeParameters
      + readerParameters),
  PhaseDescriptor(
    kind: "mixed", summary: "Reads and writes in given proportions.", movesData: true,
    parameters: [operationsParameter] + mixParameters + keyChoiceParameters + scanParameters + writeParameters
      + readerParameters),
  PhaseDescriptor(
    kind: "warm", summary: "Gets that fill the caches; the same keys are hot as in the other phases.",
    movesData: true,
    parameters: [operationsParameter] + keyChoiceParameters),
  PhaseDescriptor(
    kind: "replay", summary: "The operations of the recorded stream's section of this name, as they were.",
    movesData: true, parameters: []),
  PhaseDescriptor(
    kind: "crash",
    summary:
      "Checkpoints, puts new keys, cuts the power, and opens again: what recovery costs and what is lost.",
    movesData: true,
    parameters: [
      operationsParameter,
      ParameterDescriptor(
        "survivors", .choice(["none", "all", "random"]), default: .text("none"),
        "Which unsynced sectors the cut leaves: none, all, or each with probability one half."),
    ]),
  PhaseDescriptor(
    kind: "settle", summary: "Finishes owed compaction and flushing, and checkpoints.", movesData: false,
    parameters: []),
  PhaseDescriptor(
    kind: "reopen", summary: "Closes and opens the engine: the next phase begins cold.", movesData: false,
    parameters: []),
  PhaseDescriptor(
    kind: "drop_cache", summary: "Forgets every clean cached block: the next phase begins cold.",
    movesData: false,
    parameters: []),
  PhaseDescriptor(
    kind: "checkpoint", summary: "Makes everything applied durable.", movesData: false, parameters: []),
]

private let operationsParameter = ParameterDescriptor(
  "operations", .integer(0...((1 << 31) - 2)), default: .integer(100_000), "Number of operations.")

private let threadsParameter = ParameterDescriptor(
  "threads", .integer(1...64), default: .integer(1),
  "Threads that share the operations, each on a snapshot of its own; above 1 only totals are recorded.")

private let readerParameters: [ParameterDescriptor] = [
  ParameterDescriptor(
    "reader_threads", .integer(0...64), default: .integer(0),
    "Threads that get keys on snapshots while the operations are done; above 0 only totals are recorded."),
  ParameterDescriptor(
    "reader_operations", .integer(1...((1 << 31) - 2)), default: .integer(100_000),
    "Gets of each reader thread, of keys that were there when the phase began, drawn uniformly."),
]

private let readOperationParameter = ParameterDescriptor(
  "operation", .choice(["get_hit", "get_miss", "scan"]), default: .text("get_hit"),
  "The read that is repeated: a key put before, a key that cannot exist, or entries in key order.")

private let keysPerGetParameter = ParameterDescriptor(
  "keys_per_get", .integer(1...65_536), default: .integer(1),
  "Keys that are asked for together; an operation is still one key.")

private let writeOperationParameter = ParameterDescriptor(
  "operation",
  .choice(["overwrite", "put", "delete", "upsert_add", "upsert_append", "upsert_patch", "range_delete"]),
  default: .text("overwrite"), "The write that is repeated.")

private let mixParameters: [ParameterDescriptor] = StreamOperation.allCases.map { operation in
  ParameterDescriptor(
    "mix.\(operation.name)", .real(0...1e9), default: .real(0),
    "Weight of \(operation.name) among the operations; the weights need not sum to 100.")
}

private let scanParameters: [ParameterDescriptor] = [
  ParameterDescriptor(
    "scan_entries", .integer(1...(1 << 31)), default: .integer(100), "Entries that a scan reads, at most."),
  ParameterDescriptor(
    "scan_distribution", .choice(["fixed", "uniform"]), default: .text("fixed"),
    "Entries of a scan: always scan_entries, or uniform from 1 to scan_entries."),
  ParameterDescriptor(
    "scan_order", .choice(["forward", "reverse"]), default: .text("forward"), "Direction of scans."),
  ParameterDescriptor(
    "scan_start", .choice(ScanStart.allCases.map(\.rawValue)), default: .text("drawn"),
    "Where scans begin: at a key drawn as others are, or at the first key in their direction, the last for reverse."
  ),
]

private let writeParameters: [ParameterDescriptor] = [
  ParameterDescriptor(
    "upsert_operand_bytes", .bytes(1...(1 << 20)), default: .integer(8),
    "Bytes that an upsert_append or upsert_patch carries, the patch's offset not counted."),
  ParameterDescriptor(
    "range_delete_entries", .integer(1...(1 << 31)), default: .integer(100),
    "Entries that a range_delete aims at: exact for key_shape sequential, the expectation otherwise."),
]

/// The choice of keys: the distribution and the parameters of all distributions, each once.
private let keyChoiceParameters: [ParameterDescriptor] = {
  var parameters = [
    ParameterDescriptor(
      "distribution", .choice(distributionCatalogue.map(\.name)), default: .text("uniform"),
      "Which of the keys put before an operation takes.")
  ]
  for parameter in distributionCatalogue.flatMap(\.parameters) {
    if let known = parameters.first(where: { $0.name == parameter.name }) {
      precondition(known == parameter, "Parameter '\(parameter.name)' has one meaning in all distributions.")
    } else {
      parameters.append(parameter)
    }
  }
  return parameters
}()

/// Where a scan begins.
public enum ScanStart: String, Sendable, CaseIterable {
  /// At a key of the phase's distribution.
  case drawn
  /// At the first of the keys put before, in the scan's direction.
  case first
}

/// A data phase, decoded.
public struct DataPhase: Equatable, Sendable {
  /// What the phase does.
  public enum Content: Equatable, Sendable {
    /// Puts the workload's records, in a random or the sequential order of indices.
    case load(random: Bool)
    /// Puts the workload's records as `InterleavedOrder` says.
    case interleavedLoad
    /// Operations with their weights, at least one above 0.
    case operations([WeightedOperation])
  }

  /// An operation and how often it comes.
  public struct WeightedOperation: Equatable, Sendable {
    /// The operation.
    public var operation: StreamOperation
    /// Its share, relative to the sum of weights.
    public var weight: Double

    /// An operation of this weight.
    public init(_ operation: StreamOperation, weight: Double = 1) {
      self.operation = operation
      self.weight = weight
    }
  }

  /// The word after `phase:`.
  public var kind: String
  /// What is done.
  public var content: Content
  /// How many operations; a load does as many as there are records.
  public var operationCount: UInt64
  /// The distribution's name in the catalogue.
  public var distribution: String
  /// Complete for the distribution.
  public var parameters: ParameterSet
  /// Entries of a scan, at most.
  public var scanEntryCount: Int
  /// Whether scans have 1 … `scanEntryCount` entries instead of always that many.
  public var variesScanLength: Bool
  /// Direction of scans.
  public var scanOrder: ScanOrder
  /// Where scans begin.
  public var scanStart = ScanStart.drawn
  /// Bytes of an append's or patch's operand, a patch's offset not counted.
  public var upsertOperandByteCount: Int
  /// Entries a range delete aims at.
  public var rangeDeleteEntryCount: Int
  /// Keys of one read of several keys; 1 asks for each alone.
  public var keysPerGet = 1
  /// Whether a load goes through the engine's bulk load.
  public var isBulk = false

  /// A phase with given content; for tests and programs.
  public init(
    kind: String = "mixed", content: Content, operationCount: UInt64, distribution: String = "uniform",
    parameters: ParameterSet = ParameterSet(), scanEntryCount: Int = 100, variesScanLength: Bool = false,
    scanOrder: ScanOrder = .forward, upsertOperandByteCount: Int = 8, rangeDeleteEntryCount: Int = 100
  ) {
    self.kind = kind
    self.content = content
    self.operationCount = operationCount
    self.distribution = distribution
    self.parameters = parameters
    self.scanEntryCount = scanEntryCount
    self.variesScanLength = variesScanLength
    self.scanOrder = scanOrder
    self.upsertOperandByteCount = upsertOperandByteCount
    self.rangeDeleteEntryCount = rangeDeleteEntryCount
  }

  /// The phase that an item of a study's `phases:` describes; nil for a verb.
  ///
  /// - Parameters:
  ///   - kind: the word after `phase:`.
  ///   - parameters: within the ranges of the kind's descriptors; what is left out takes its default.
  ///   - workload: says how many records a load puts.
  /// - Throws: for an unknown kind, and when no operation of a mix has a weight.
  public static func decode(
    kind: String, parameters: ParameterSet, workload: WorkloadSpec
  ) throws(WorkloadError) -> DataPhase? {
    guard let descriptor = phaseCatalogue.first(where: { $0.kind == kind }) else {
      let known = phaseCatalogue.map(\.kind).joined(separator: ", ")
      throw WorkloadError(parameter: "phase", reason: "'\(kind)' is none of \(known)")
    }
    guard descriptor.movesData else { return nil }
    if kind == "replay" {
      throw WorkloadError(parameter: "phase", reason: "a replay takes its operations from a recorded stream")
    }
    let complete = try parameters.filled(with: descriptor.parameters)
    if kind == "load" {
      var phase = DataPhase(
        kind: kind,
        content: complete.text("order") == "interleaved"
          ? .interleavedLoad : .load(random: complete.text("order") == "random"),
        operationCount: workload.recordCount)
      phase.isBulk = complete.boolean("bulk")
      return phase
    }
    if kind == "crash" {
      return DataPhase(
        kind: kind, content: .operations([WeightedOperation(.put)]),
        operationCount: UInt64(complete.integer("operations")))
    }
    var phase = DataPhase(
      kind: kind, content: .operations(try operations(kind, complete)),
      operationCount: UInt64(complete.integer("operations")),
      distribution: complete.text("distribution"), parameters: complete)
    let has = { (name: String) in complete[name] != nil }
    if has("scan_entries") {
      phase.scanEntryCount = complete.integer("scan_entries")
      phase.variesScanLength = complete.text("scan_distribution") == "uniform"
      phase.scanOrder = complete.text("scan_order") == "reverse" ? .reverse : .forward
      phase.scanStart = ScanStart(rawValue: complete.text("scan_start")) ?? .drawn
    }
    if has("keys_per_get") { phase.keysPerGet = complete.integer("keys_per_get") }
    if has("upsert_operand_bytes") {
      phase.upsertOperandByteCount = complete.integer("upsert_operand_bytes")
      phase.rangeDeleteEntryCount = complete.integer("range_delete_entries")
    }
    return phase
  }

  /// Whether some operation of the phase is `operation`.
  public func contains(_ operation: StreamOperation) -> Bool {
    switch content {
    case .load, .interleavedLoad: operation == .put
    case .operations(let list): list.contains { $0.operation == operation && $0.weight > 0 }
    }
  }

  private static func operations(
    _ kind: String, _ parameters: ParameterSet
  ) throws(WorkloadError) -> [WeightedOperation] {
    if kind == "warm" { return [WeightedOperation(.getHit)] }
    if kind != "mixed" {
      let name = parameters.text("operation")
      guard let operation = StreamOperation(name: name) else {
        throw WorkloadError(parameter: "operation", reason: "'\(name)' is no operation")
      }
      return [WeightedOperation(operation)]
    }
    let list = StreamOperation.allCases.map {
      WeightedOperation($0, weight: parameters.real("mix.\($0.name)"))
    }.filter { $0.weight > 0 }
    if list.isEmpty {
      throw WorkloadError(parameter: "mix", reason: "no operation has a weight above 0")
    }
    return list
  }
}
