// What the keys and values of a run are: the study's `workload:` section decoded. Phases say what is done with them.

import KeyValue
import Primitives

/// The parameters of a study's `workload:` section, in the order they are explained in.
public let workloadParameters: [ParameterDescriptor] = [
  ParameterDescriptor(
    "records", .integer(1...(1 << 40)), default: .integer(1_000_000), "Keys that the load phase puts."),
  ParameterDescriptor(
    "key_shape", .choice(KeyShape.allCases.map(\.rawValue)), default: .text("random"),
    "How keys look: random (uniform), sequential (index order is key order), shared_prefix (groups of similar keys)."
  ),
  ParameterDescriptor(
    "key_bytes", .bytes(8...4096), default: .integer(16), "Length of every key, in bytes."),
  ParameterDescriptor(
    "prefix_bytes", .bytes(1...4088), default: .integer(8),
    "Length of the prefix that the keys of a group share, in bytes; for key_shape shared_prefix."),
  ParameterDescriptor(
    "prefix_groups", .integer(1...(1 << 40)), default: .integer(1000),
    "Number of groups; for key_shape shared_prefix."),
  ParameterDescriptor(
    "value_distribution", .choice(["fixed", "uniform", "normal", "pareto"]), default: .text("fixed"),
    "Distribution of value sizes: fixed (value_bytes), uniform (minimum to maximum), normal (mean value_bytes), pareto."
  ),
  ParameterDescriptor(
    "value_bytes", .bytes(0...(1 << 30)), default: .integer(100),
    "Size of every value (fixed) or mean before clamping (normal), in bytes."),
  ParameterDescriptor(
    "value_bytes_min", .bytes(0...(1 << 30)), default: .integer(10),
    "Smallest value, in bytes; for all distributions but fixed."),
  ParameterDescriptor(
    "value_bytes_max", .bytes(0...(1 << 30)), default: .integer(1024),
    "Largest value, in bytes; for all distributions but fixed."),
  ParameterDescriptor(
    "value_bytes_deviation", .real(0...1e9), default: .real(20),
    "Standard deviation of value sizes before clamping, in bytes; for normal."),
  ParameterDescriptor(
    "value_pareto_location", .real(0...1e9), default: .real(0),
    "Location of the generalized Pareto distribution of value sizes, in bytes."),
  ParameterDescriptor(
    "value_pareto_shape", .real(0...4), default: .real(0.2615),
    "Shape k of the generalized Pareto distribution; mixgraph's value by default."),
  ParameterDescriptor(
    "value_pareto_scale", .real(0.001...1e9), default: .real(25.45),
    "Scale of the generalized Pareto distribution, in bytes; mixgraph's value by default."),
  ParameterDescriptor(
    "check_answers", .boolean, default: .boolean(true),
    "Whether every answer is held against the expected one; a wrong answer voids the run."),
]

/// The keys and values of a run.
public struct WorkloadSpec: Sendable, Equatable {
  /// Keys that a load phase puts.
  public let recordCount: UInt64
  /// Index ↔ key.
  public let keys: KeyCodec
  /// (Index, version) → value.
  public let values: ValueCodec
  /// Whether answers are checked.
  public let checksAnswers: Bool
  /// The run's seed: everything random in a run is a function of it.
  public let seed: UInt64

  /// A workload of given parts.
  public init(
    recordCount: UInt64, keys: KeyCodec, values: ValueCodec, checksAnswers: Bool = true, seed: UInt64
  ) {
    self.recordCount = recordCount
    self.keys = keys
    self.values = values
    self.checksAnswers = checksAnswers
    self.seed = seed
  }

  /// The workload that a `workload:` section describes.
  ///
  /// - Parameters:
  ///   - parameters: within the ranges of `workloadParameters`; what is left out takes its default.
  ///   - seed: the run's seed, the repeat already mixed in.
  /// - Throws: when parameters do not fit together.
  public init(parameters: ParameterSet, seed: UInt64) throws(WorkloadError) {
    let complete = try parameters.filled(with: workloadParameters)
    guard let shape = KeyShape(rawValue: complete.text("key_shape")) else {
      throw WorkloadError(parameter: "key_shape", reason: "'\(complete.text("key_shape"))' is no key shape")
    }
    self.init(
      recordCount: UInt64(complete.integer("records")),
      keys: try KeyCodec(
        shape: shape, keyByteCount: complete.integer("key_bytes"),
        prefixByteCount: complete.integer("prefix_bytes"),
        groupCount: UInt64(complete.integer("prefix_groups")), seed: seed),
      values: ValueCodec(sizes: try Self.sizes(complete), seed: seed),
      checksAnswers: complete.boolean("check_answers"), seed: seed)
  }

  /// Expected logical bytes of the loaded records: records × (key + mean value).
  public var expectedByteCount: Double {
    Double(recordCount) * (Double(keys.keyByteCount) + values.sizes.meanByteCount)
  }

  private static func sizes(_ parameters: ParameterSet) throws(WorkloadError) -> ValueSizes {
    let name = parameters.text("value_distribution")
    let mean = parameters.integer("value_bytes")
    if name == "fixed" { return .fixed(mean) }
    let least = parameters.integer("value_bytes_min")
    let most = parameters.integer("value_bytes_max")
    if least > most {
      throw WorkloadError(
        parameter: "value_bytes_min", reason: "is \(least), but value_bytes_max is \(most)")
    }
    switch name {
    case "uniform": return .uniform(least...most)
    case "normal":
      return .normal(mean: Double(mean), deviation: parameters.real("value_bytes_deviation"), least...most)
    case "pareto":
      return .pareto(
        location: parameters.real("value_pareto_location"), shape: parameters.real("value_pareto_shape"),
        scale: parameters.real("value_pareto_scale"), least...most)
    default:
      throw WorkloadError(parameter: "value_distribution", reason: "'\(name)' is no distribution of sizes")
    }
  }
}

extension ParameterSet {
  /// The set with defaults for what it leaves out.
  ///
  /// - Throws: when a parameter without default is left out.
  func filled(with descriptors: [ParameterDescriptor]) throws(WorkloadError) -> ParameterSet {
    var complete = self
    for descriptor in descriptors where complete[descriptor.name] == nil {
      guard let value = descriptor.defaultValue else {
        throw WorkloadError(parameter: descriptor.name, reason: "has no default and must be given")
      }
      complete[descriptor.name] = value
    }
    return complete
  }
}
