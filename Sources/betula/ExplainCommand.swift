// `betula explain`: the definition behind a number.

import Accounting
import ArgumentParser

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Print the definition of a metric, or of all.")

  @Argument(help: "A metric's id, as in a CSV header; none lists them.")
  var metric: String?

  @Flag(help: "The whole data dictionary, in Markdown.")
  var dictionary = false

  func run() throws {
    if dictionary {
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
}
