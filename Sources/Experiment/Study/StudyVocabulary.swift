// The words a study may use, as tables: the decoder, its messages, overrides, axes and the JSON Schema are all made
// from these, and know no engine, phase or distribution by name.
//
//   engine catalogue ─┐
//   phase catalogue ──┤
//   distributions ────┼─▶ StudyVocabulary ─▶ decoder │ axes │ JSON Schema
//   device profiles ──┤
//   figures, metrics ─┘
//
// A parameter whose name holds a dot (`mix.get_hit`) is written as a key of a nested map (`mix: { get_hit: 50 }`).

import KeyValue

/// The words and parameters that studies are made of.
public struct StudyVocabulary: Sendable {
  /// A distribution that phases may draw keys from.
  public struct Distribution: Sendable {
    /// The word in a study.
    public var name: String
    /// One sentence.
    public var summary: String
    /// What it takes beside its name, such as `theta`; keys of the phase that names it.
    public var parameters: [ParameterDescriptor]

    /// A distribution.
    public init(_ name: String, _ summary: String, parameters: [ParameterDescriptor] = []) {
      self.name = name
      self.summary = summary
      self.parameters = parameters
    }
  }

  /// A kind of phase.
  public struct Phase: Sendable {
    /// How a phase stands to the loaded records.
    public enum Need: Sendable {
      /// Writes the records; once per study.
      case loadsRecords
      /// May write records, which then need no other loading; works on anything.
      case mayLoadRecords
      /// Works on loaded records.
      case needsRecords
      /// Works on anything.
      case nothing
    }

    /// The word after `phase:`.
    public var kind: String
    /// One sentence.
    public var summary: String
    /// Its keys beside `phase` and `name`.
    public var parameters: [ParameterDescriptor]
    /// How it stands to the loaded records.
    public var need: Need

    /// A kind of phase.
    public init(_ kind: String, _ summary: String, need: Need, parameters: [ParameterDescriptor] = []) {
      self.kind = kind
      self.summary = summary
      self.need = need
      self.parameters = parameters
    }
  }

  /// A kind of figure.
  public struct Figure: Sendable {
    /// The word after `figure:`.
    public var name: String
    /// One sentence.
    public var summary: String
    /// Whether a study chooses the metric it shows.
    public var takesMetric: Bool
    /// Whether a study chooses the axis along its horizontal.
    public var takesAxis: Bool
    /// Whether a study chooses the engines it shows.
    public var takesEngines: Bool

    /// A kind of figure; one with an axis of choice shows engines of choice.
    public init(
      _ name: String, _ summary: String, takesMetric: Bool = false, takesAxis: Bool = false,
      takesEngines: Bool = false
    ) {
      self.name = name
      self.summary = summary
      self.takesMetric = takesMetric
      self.takesAxis = takesAxis
      self.takesEngines = takesEngines || takesAxis
    }
  }

  /// What the engines are, in the catalogue's order.
  public var engines: [EngineDescriptor]
  /// The keys of `workload:`; must contain `records`, `key_bytes` and `value_bytes`.
  public var workload: [ParameterDescriptor]
  /// The kinds of phases.
  public var phases: [Phase]
  /// The distributions.
  public var distributions: [Distribution]
  /// Names of device profiles; the first is the default.
  public var deviceProfiles: [String]
  /// The kinds of figures.
  public var figures: [Figure]
  /// The ids of metrics a row of `runs.csv` or `timing.csv` has a number for.
  public var metrics: [String]
  /// The ids of the counters sampled while a phase runs.
  public var sampledMetrics: [String]
  /// Beginnings and ends of the ids of families of metrics.
  public var metricFamilies: [(prefix: String, suffix: String)]
  /// The names of cost models that claims and figures may name.
  public var models: [String]
  /// Whether a complete set of workload parameters fits together: nil, or the parameter to blame and the reason.
  public var workloadFault: @Sendable (ParameterSet) -> (parameter: String, reason: String)?
  /// Mean bytes of a value, for a complete set of workload parameters that has no fault.
  public var meanValueByteCount: @Sendable (ParameterSet) -> Double
  /// Bytes of the longest value, for a complete set of workload parameters that has no fault.
  public var longestValueByteCount: @Sendable (ParameterSet) -> Int

  /// A vocabulary.
  public init(
    engines: [EngineDescriptor], workload: [ParameterDescriptor],
    phases: [Phase], distributions: [Distribution], deviceProfiles: [String], figures: [Figure],
    metrics: [String], sampledMetrics: [String] = [],
    metricFamilies: [(prefix: String, suffix: String)] = [], models: [String] = [],
    workloadFault: @escaping @Sendable (ParameterSet) -> (parameter: String, reason: String)? = { _ in nil },
    meanValueByteCount: @escaping @Sendable (ParameterSet) -> Double = { Double($0.integer("value_bytes")) },
    longestValueByteCount: @escaping @Sendable (ParameterSet) -> Int = { $0.integer("value_bytes") }
  ) {
    precondition(!deviceProfiles.isEmpty, "A vocabulary names at least one device profile.")
    for name in ["records", "key_bytes", "value_bytes"] {
      precondition(workload.contains { $0.name == name }, "The workload has a parameter '\(name)'.")
    }
    self.engines = engines
    self.workload = workload
    self.phases = phases
    self.distributions = distributions
    self.deviceProfiles = deviceProfiles
    self.figures = figures
    self.metrics = metrics
    self.sampledMetrics = sampledMetrics
    self.metricFamilies = metricFamilies
    self.models = models
    self.workloadFault = workloadFault
    self.meanValueByteCount = meanValueByteCount
    self.longestValueByteCount = longestValueByteCount
  }

  /// Bytes of all keys and values of a workload, records × (key + mean value), rounded; at most 2^62.
  public func dataByteCount(_ workload: ParameterSet) -> Int {
    Int(min(Double(workload.integer("records")) * pairByteCount(workload), 0x1p62))
  }

  /// Mean bytes of a key with its value.
  public func pairByteCount(_ workload: ParameterSet) -> Double {
    Double(workload.integer("key_bytes")) + meanValueByteCount(workload)
  }

  /// The engine `name`, nil when there is none.
  public func engine(_ name: String) -> EngineDescriptor? { engines.first { $0.name == name } }

  /// The kind of phase `kind`, nil when there is none.
  public func phase(_ kind: String) -> Phase? { phases.first { $0.kind == kind } }

  /// The distribution `name`, nil when there is none.
  public func distribution(_ name: String) -> Distribution? { distributions.first { $0.name == name } }

  /// The keys a phase of `kind` has when its distribution is `distribution`.
  func parameters(of phase: Phase, distribution: String?) -> [ParameterDescriptor] {
    let own = distribution.flatMap { self.distribution($0) }?.parameters ?? []
    let ownNames = Set(own.map(\.name))
    let foreign = Set(distributions.flatMap { $0.parameters.map(\.name) }).subtracting(ownNames)
    let kept = phase.parameters.filter { !foreign.contains($0.name) }
    let keptNames = Set(kept.map(\.name))
    let takesDistribution = phase.parameters.contains { $0.name == Self.distributionKey }
    return takesDistribution ? kept + own.filter { !keptNames.contains($0.name) } : phase.parameters
  }

  /// Every key a phase of `kind` can have, whatever its distribution.
  func allParameters(of phase: Phase) -> [ParameterDescriptor] {
    guard phase.parameters.contains(where: { $0.name == Self.distributionKey }) else {
      return phase.parameters
    }
    var all = phase.parameters
    for parameter in distributions.flatMap(\.parameters)
    where !all.contains(where: { $0.name == parameter.name }) {
      all.append(parameter)
    }
    return all
  }

  /// Whether `id` is a metric a row has a number for, of a family or by itself.
  func isMetric(_ id: String) -> Bool {
    metrics.contains(id)
      || metricFamilies.contains { family in
        id.hasPrefix(family.prefix) && id.hasSuffix(family.suffix)
          && id.utf8.count > family.prefix.utf8.count + family.suffix.utf8.count
      }
  }

  /// The names of the distributions that take `parameter`.
  func distributions(taking parameter: String) -> [String] {
    distributions.filter { $0.parameters.contains { $0.name == parameter } }.map(\.name)
  }

  static let distributionKey = "distribution"

  /// The keys of `device:`, except `path`.
  var device: [ParameterDescriptor] {
    [
      ParameterDescriptor(
        "kind", .choice(DeviceSpec.Kind.allCases.map(\.rawValue)), default: .text("memory"),
        "What the bytes live on: memory (deterministic, charged under a profile) or a file."),
      ParameterDescriptor(
        "capacity", .bytes((1 << 20)...(1 << 46)), default: .integer(4 << 30),
        "The size of the address space, in bytes."),
      ParameterDescriptor(
        "transfer_unit", .bytes(512...(1 << 20)), default: .integer(4096),
        "What every transfer is a multiple of, in bytes: a power of two."),
      ParameterDescriptor(
        "coalesce", .boolean, default: .boolean(true), "Whether adjacent transfers of a batch are merged."),
      ParameterDescriptor(
        "maximum_transfer", .bytes(512...(1 << 30)), default: .integer(4 << 20),
        "Merged transfers stay at or below this size, in bytes."),
      ParameterDescriptor(
        "profile", .choice(deviceProfiles), default: .text(deviceProfiles[0]),
        "The device profile that the modelled time device_s is computed with."),
      ParameterDescriptor(
        "io", .choice(DeviceSpec.FileAccess.allCases.map(\.rawValue)), default: .text("direct"),
        "How a file device does its calls: direct bypasses the page cache, buffered uses it."),
      ParameterDescriptor(
        "queue_depth", .integer(1...4_096), default: .integer(DeviceSpec.defaultQueueDepth),
        "The most transfers of one batch that a file device has in flight at once."),
    ]
  }

  /// The keys of `commit:`.
  static let commit: [ParameterDescriptor] = [
    ParameterDescriptor(
      "batch_operations", .integer(1...1_000_000), default: .integer(1_000),
      "Write operations per commit: the atomic unit."),
    ParameterDescriptor(
      "sync_every_commits", .integer(0...1_000_000_000), default: .integer(0),
      "Every how many commits one is made durable: 0 never, 1 each, n every n-th."),
  ]

  /// The keys of `execution:`; they change no number but times.
  static let execution: [ParameterDescriptor] = [
    ParameterDescriptor(
      "jobs", .integer(1...SweepRunner.maximumJobs), default: nil,
      "The most runs made side by side; 1 for a study of times. Runs on files are always made alone.")
  ]

  /// The numbers at the top of a study.
  static let root: [ParameterDescriptor] = [
    ParameterDescriptor("schema", .integer(1...1), default: nil, "The version of the study format: 1."),
    ParameterDescriptor(
      "seed", .integer(0...maximumSeed), default: .integer(1),
      "Everything random follows from this number and the repeat."),
    ParameterDescriptor(
      "repeats", .integer(1...1_000), default: .integer(1),
      "How often every run is repeated, each repeat with its own operation stream."),
  ]

  /// 2^53 − 1: the largest whole number every reader of JSON keeps.
  static let maximumSeed = (1 << 53) - 1

  /// The most operations of one engine entry.
  static let maximumOperations = ParameterDescriptor(
    "maximum_operations", .integer(1...(1 << 40)), default: nil,
    "The most operations of any phase but the load, for an engine whose operations touch every record.")

  /// The records of one engine entry.
  var records: ParameterDescriptor {
    workload.first { $0.name == "records" }
      ?? ParameterDescriptor("records", .integer(1...(1 << 40)), default: nil, "Records to load.")
  }
}
