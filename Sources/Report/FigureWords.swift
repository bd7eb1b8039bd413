// What figures call their metrics and axes: the registry's labels, and plain words where a column has none of its own. Column names
// belong into tables and studies; a reader of a figure should not have to take underscores apart.

import Accounting
import Results

/// Words for titles and axes.
enum FigureWords {
  /// A metric, by itself or divided by another, as it begins a sentence: `Device bytes written per operation`.
  static func quantity(_ metric: String, per: String?) -> String {
    guard let per else { return words(metric) }
    return per == "operations"
      ? "\(words(metric)) per operation" : "\(words(metric)) ÷ \(continued(words(per)))"
  }

  /// The same with its unit, for an axis.
  static func axisTitle(_ metric: String, per: String?) -> String {
    guard let entry = MetricRegistry.entry(metric), entry.id == metric, per == nil else {
      return quantity(metric, per: per)
    }
    return entry.axisTitle
  }

  /// An axis of a study by its last word: `node bytes` of `engines.bepsilon.node_bytes`.
  static func axis(_ path: String) -> String {
    let last = path.split(separator: ".").last.map(String.init) ?? path
    return last == "epsilon" ? "ε" : spaced(last)
  }

  private static func words(_ metric: String) -> String {
    if let entry = MetricRegistry.entry(metric), entry.id == metric { return entry.label }
    let prefix = "statistic_"
    let text = spaced(metric.hasPrefix(prefix) ? String(metric.dropFirst(prefix.count)) : metric)
    return text.prefix(1).uppercased() + text.dropFirst()
  }

  private static func spaced(_ name: String) -> String {
    String(name.map { $0 == "_" ? " " : $0 })
  }

  /// A label in the middle of a sentence; abbreviations keep their capitals.
  private static func continued(_ label: String) -> String {
    guard let second = label.dropFirst().first, !second.isUppercase else { return label }
    return label.prefix(1).lowercased() + label.dropFirst()
  }
}
