// Parameters as data: what an engine, a workload or a device can be given, with type, default and range. The
// command line's `engines`, the study decoder's messages and the JSON Schema are all made from these.

/// What values a parameter takes.
public enum ParameterKind: Equatable, Sendable {
  /// A whole number.
  case integer(ClosedRange<Int>)
  /// A size, written as `64MiB` in a study.
  case bytes(ClosedRange<Int>)
  /// A real number.
  case real(ClosedRange<Double>)
  /// One of these words.
  case choice([String])
  case boolean
}

/// A parameter's value. `description` is the canonical spelling used in records and ids.
public enum ParameterValue: Hashable, Sendable, CustomStringConvertible {
  case integer(Int)
  case real(Double)
  case text(String)
  case boolean(Bool)

  /// The canonical spelling.
  public var description: String {
    switch self {
    case .integer(let value): String(value)
    case .real(let value): String(value)
    case .text(let value): value
    case .boolean(let value): String(value)
    }
  }
}

/// One parameter: its name in a study (`snake_case`, unit last), its type, default, range and meaning.
public struct ParameterDescriptor: Equatable, Sendable {
  /// `snake_case`, units last.
  public var name: String
  /// The values it takes.
  public var kind: ParameterKind
  /// nil when the study must say it.
  public var defaultValue: ParameterValue?
  /// One sentence: meaning and unit.
  public var meaning: String

  /// A parameter.
  public init(_ name: String, _ kind: ParameterKind, default defaultValue: ParameterValue?, _ meaning: String)
  {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.meaning = meaning
  }
}

/// Values for a list of descriptors, complete after `resolved`.
public struct ParameterSet: Equatable, Sendable {
  /// The values by name.
  public private(set) var values: [String: ParameterValue]

  /// A set of these values.
  public init(_ values: [String: ParameterValue] = [:]) { self.values = values }

  /// The value of one parameter, nil when it has none.
  public subscript(name: String) -> ParameterValue? {
    get { values[name] }
    set { values[name] = newValue }
  }

  /// Names and values sorted by name: the only order that reaches a file.
  public var sorted: [(name: String, value: ParameterValue)] {
    values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
  }

  /// The integer (or size in bytes) `name`; the set must have been checked against its descriptors.
  public func integer(_ name: String) -> Int {
    guard case .integer(let value)? = values[name] else {
      preconditionFailure("Parameter '\(name)' is not an integer in this set.")
    }
    return value
  }

  /// The real number `name`; an integer is accepted.
  public func real(_ name: String) -> Double {
    switch values[name] {
    case .real(let value)?: return value
    case .integer(let value)?: return Double(value)
    default: preconditionFailure("Parameter '\(name)' is not a number in this set.")
    }
  }

  /// The word `name`.
  public func text(_ name: String) -> String {
    guard case .text(let value)? = values[name] else {
      preconditionFailure("Parameter '\(name)' is not a word in this set.")
    }
    return value
  }

  /// The truth value `name`.
  public func boolean(_ name: String) -> Bool {
    guard case .boolean(let value)? = values[name] else {
      preconditionFailure("Parameter '\(name)' is not a truth value in this set.")
    }
    return value
  }
}

/// What the catalogue says of an engine without opening it.
public struct EngineDescriptor: Sendable {
  /// The name in a study: lower case, hyphens.
  public var name: String
  /// One sentence.
  public var summary: String
  /// What it can be given.
  public var parameters: [ParameterDescriptor]
  /// nil when the engine can be used here, otherwise the reason it is absent.
  public var absentBecause: String?
  /// Raised when the bytes on the device change meaning; part of a run's identity.
  public var formatVersion: Int
  /// Whether every byte it reads back is checksummed, so that damage is answered with an error.
  public var detectsDamage: Bool
  /// Whether it notices a write that the device acknowledged and dropped, when it reads the place. False is a declaration: the
  /// place then holds what it held before, whole, and is believed.
  public var detectsLostWrites: Bool
  /// What it can take, known without opening it; nil for an engine that is absent.
  public var limits: LimitRule?
  /// What its operations cost, roughly; nil when nobody said, and then a plan assumes a tree of pages.
  public var costs: CostRule?

  /// A descriptor.
  public init(
    name: String, summary: String, parameters: [ParameterDescriptor], absentBecause: String? = nil,
    formatVersion: Int, detectsDamage: Bool = true, detectsLostWrites: Bool = false,
    limits: LimitRule? = nil, costs: CostRule? = nil
  ) {
    self.name = name
    self.summary = summary
    self.parameters = parameters
    self.absentBecause = absentBecause
    self.formatVersion = formatVersion
    self.detectsDamage = detectsDamage
    self.detectsLostWrites = detectsLostWrites
    self.limits = limits
    self.costs = costs
  }
}
