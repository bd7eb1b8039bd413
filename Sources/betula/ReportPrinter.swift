// Makes a record's report and says what was made: the end of `run` and the whole of `report`.

import Accounting
import Foundation
import Report
import Results

/// Regenerates a report and prints it.
struct ReportPrinter {
  /// The record's folder.
  var directory: String
  var json: Bool
  var quiet: Bool

  /// What `--json` prints.
  private struct Summary: Encodable {
    var record: String
    var files: [String]
    var notes: [String]
    var phases: [[String: String]]
    var claims: [[String: String]]
  }

  @discardableResult
  func run() throws -> Report.Outcome {
    let outcome = try Report.regenerate(recordDirectory: directory)
    for note in outcome.notes { complain(note) }
    if json {
      try printJSON(outcome)
    } else if !quiet {
      print(outcome.summary)
      if !outcome.claimsText.isEmpty { print(outcome.claimsText) }
      print("record: \(directory)")
      for file in outcome.files
      where file.hasSuffix(".png") || file.hasSuffix(".svg") || file.hasSuffix(".html") {
        print("  \(directory)/\(file)")
      }
    }
    return outcome
  }

  private func printJSON(_ outcome: Report.Outcome) throws {
    let record = try RecordReader(directory: directory).read()
    func cells<Columns>(_ row: Row<Columns>) -> [String: String] {
      var cells: [String: String] = [:]
      for column in row.filledColumns { cells[column] = row[column].map(\.spelling) }
      return cells
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let summary = Summary(
      record: directory, files: outcome.files, notes: outcome.notes, phases: record.runs.map { cells($0) },
      claims: outcome.claims.map { cells($0) })
    print(String(decoding: try encoder.encode(summary), as: UTF8.self))
  }
}
