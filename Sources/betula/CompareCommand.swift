// `betula compare`: two records, or two engines of one, metric by metric.

import Accounting
import ArgumentParser
import Foundation
import Report
import Results

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Hold two records, or two engines of one, against each other: ratio, interval, noise, a word.",
    discussion: """
      betula compare Results/before Results/after
      betula compare Results/quickstart --engines sqlite-wal,sqlite-rollback

      A difference is called one when the 95 % interval of the ratio excludes 1; of times, when it is also larger than \
      1.5 and than what repeats of one side differ by from themselves. See the guide, Claims and statistics.
      """)

  @Argument(help: "A record: a folder with a manifest.json; the first side.")
  var record: String

  @Argument(help: "Another record: the second side.")
  var other: String?

  @Option(help: "Two labels: the engine of the first side and that of the second.")
  var engines: String?

  @Option(help: "Metrics, separated by commas; `betula explain` knows them.")
  var metrics: String?

  @Option(help: "Only this phase; may be given often.")
  var phase: [String] = []

  @Flag(help: "Print as JSON.")
  var json = false

  @Flag(help: "Print as comma-separated text.")
  var csv = false

  func validate() throws {
    if other == nil && engines == nil {
      throw ValidationError("Give a second record, or two engines of this one: --engines A,B.")
    }
    if json && csv { throw ValidationError("One of --json and --csv.") }
    if let engines, Self.parts(engines).count != 2 {
      throw ValidationError("'\(engines)' is no pair of labels: A,B.")
    }
  }

  func run() throws {
    try withUserErrors {
      let wanted = metrics.map { Self.parts($0) } ?? Comparison.defaultMetrics
      for id in wanted where !Self.isNumber(id) {
        let nearest = MetricRegistry.nearest(to: id).joined(separator: ", ")
        complain("'\(id)' is no metric a run or its time has a number for; nearest: \(nearest)")
        throw ExitStatus.badData
      }
      let first = try RecordReader(directory: record).read()
      let second = try other.map { try RecordReader(directory: $0).read() } ?? first
      let labels = engines.map { Self.parts($0) }.map { ($0[0], $0[1]) }
      let comparison = Comparison(first, second, metrics: wanted, labels: labels, phases: phase)
      if json {
        try printJSON(comparison)
      } else {
        print(csv ? comparison.commaSeparatedText : comparison.text, terminator: "")
      }
      if csv { for note in comparison.notes { complain(note) } }
      if comparison.lines.isEmpty { throw ExitStatus.badData }
    }
  }

  private func printJSON(_ comparison: Comparison) throws {
    struct Output: Encodable {
      var lines: [Comparison.Line]
      var notes: [String]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let bytes = try encoder.encode(Output(lines: comparison.lines, notes: comparison.notes))
    print(String(decoding: bytes, as: UTF8.self))
  }

  private static func parts(_ text: String) -> [String] {
    text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  private static func isNumber(_ id: String) -> Bool {
    guard let metric = MetricRegistry.entry(id), metric.kind != .text else { return false }
    return metric.tables.contains(.runs) || metric.tables.contains(.timing)
  }
}
