// `betula explain`: the definition behind a number.

import Accounting
import ArgumentParser
import Foundation

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Print the definition of a metric, or of all.")

  @Argument(help: "A metric's id, as in a CSV header; none lists them.")
  var metric: String?

  @Flag(help: "The whole data dictionary, in Markdown.")
  var dictionary = false

  @Flag(help: "Print as JSON: one metric as an object, all of them as a list.")
  var json = false

  func validate() throws {
    if json && dictionary {
      throw ValidationError("--dictionary is Markdown; --json without it lists every metric.")
    }
  }

  func run() throws {
    if json {
      try printJSON()
    } else if dictionary {
      print(MetricRegistry.dictionary)
    } else if let metric {
      print(MetricRegistry.explain(metric))
      if MetricRegistry.entry(metric) == nil { throw ExitStatus.badData }
    } else {
      for entry in MetricRegistry.entries + MetricRegistry.families {
        print("\(entry.id): \(entry.label)\(entry.unit.isEmpty ? "" : " (\(entry.unit))")")
      }
    }
  }

  private func printJSON() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let data: Data
    if let metric {
      guard let entry = MetricRegistry.entry(metric) else {
        complain(
          "there is no metric '\(metric)'; nearest: \(MetricRegistry.nearest(to: metric).joined(separator: ", "))"
        )
        throw ExitStatus.badData
      }
      data = try encoder.encode(MetricListing(entry, asked: metric))
    } else {
      let all = MetricRegistry.entries + MetricRegistry.families
      data = try encoder.encode(all.map { MetricListing($0, asked: $0.id) })
    }
    print(String(decoding: data, as: UTF8.self))
  }
}

/// A metric as JSON: every field of its entry, empty texts left out.
private struct MetricListing: Encodable {
  var id: String
  /// The family's id, when it is one column of a family.
  var family: String?
  var label: String
  var unit: String
  var kind: String
  var formula: String
  var included: String?
  var excluded: String?
  var direction: String?
  var source: String
  var files: [String]
  var isClockDependent: Bool
  var isAlwaysWritten: Bool

  enum CodingKeys: String, CodingKey {
    case id, family, label, unit, kind, formula, included, excluded, direction, source, files
    case isClockDependent = "is_clock_dependent"
    case isAlwaysWritten = "is_always_written"
  }

  init(_ metric: Metric, asked: String) {
    id = asked
    family = metric.familyPrefix == nil ? nil : metric.id
    label = metric.label
    unit = metric.unit
    kind = metric.kind.rawValue
    formula = metric.formula
    included = metric.included.isEmpty ? nil : metric.included
    excluded = metric.excluded.isEmpty ? nil : metric.excluded
    direction = metric.preference == .neither ? nil : metric.preference.rawValue
    source = metric.source
    files = metric.tables.map(\.fileName)
    isClockDependent = metric.isClockDependent
    isAlwaysWritten = metric.isAlwaysWritten
  }
}
