// One entry of the metric registry: what a column, an axis label and a printed figure mean.

/// A metric, or a family of metrics whose ids differ in their ending (`dam_ios_<B>`).
public struct Metric: Sendable, Equatable {
  /// The column's name: `snake_case`, unit last. A family's id ends in a placeholder in angle brackets.
  public var id: String
  /// The tables whose column it is.
  public var tables: [RecordTable]
  /// What its cells hold.
  public var kind: MetricKind
  /// The unit, `1` for a pure ratio of equal units spelled out (`byte/byte`), empty for words.
  public var unit: String
  /// A short axis label without the unit.
  public var label: String
  /// How the number is made.
  public var formula: String
  /// What is counted in.
  public var included: String
  /// What is not counted in.
  public var excluded: String
  /// Which way it improves.
  public var preference: MetricPreference
  /// Where the definition comes from.
  public var source: String
  /// Whether the wall clock has a say in it.
  public var isClockDependent: Bool
  /// Whether its table has the column even when every cell is empty.
  public var isAlwaysWritten: Bool

  /// An entry of the registry.
  public init(
    _ id: String, in tables: [RecordTable], _ kind: MetricKind, unit: String, label: String,
    formula: String, included: String = "", excluded: String = "",
    preference: MetricPreference = .neither, source: String, isClockDependent: Bool = false,
    isAlwaysWritten: Bool = false
  ) {
    self.id = id
    self.tables = tables
    self.kind = kind
    self.unit = unit
    self.label = label
    self.formula = formula
    self.included = included
    self.excluded = excluded
    self.preference = preference
    self.source = source
    self.isClockDependent = isClockDependent
    self.isAlwaysWritten = isAlwaysWritten
  }

  /// The part of a family's id before its placeholder, nil for a single metric.
  public var familyPrefix: String? {
    guard let bracket = id.firstIndex(of: "<") else { return nil }
    return String(id[..<bracket])
  }

  /// The id in words a file name or an HTML anchor can hold: a family's placeholder without its brackets.
  public var anchor: String { String(id.filter { $0 != "<" && $0 != ">" }) }

  /// The label with its unit, for an axis.
  public var axisTitle: String { unit.isEmpty ? label : "\(label) (\(unit))" }
}
