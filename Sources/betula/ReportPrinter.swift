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
  }

  func run() throws {
    let outcome = try Report.regenerate(recordDirectory: directory)
    for note in outcome.notes { complain(note) }
    if json {
      try printJSON(outcome)
    } else if !quiet {
      print(outcome.summary)
      print("record: \(directory)")
      for file in outcome.files
      where file.hasSuffix(".png") || file.hasSuffix(".svg") || file.hasSuffix(".html") {
        print("  \(directory)/\(file)")
      }
    }
  }

  private func printJSON(_ outcome: Report.Outcome) throws {
    let record = try RecordReader(directory: directory).read()
    let phases = record.runs.map { row in
      var cells: [String: String] = [:]
      for column in row.filledColumns { cells[column] = row[column].map(\.spelling) }
      return cells
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let summary = Summary(record: directory, files: outcome.files, notes: outcome.notes, phases: phases)
    print(String(decoding: try encoder.encode(summary), as: UTF8.self))
  }
}
