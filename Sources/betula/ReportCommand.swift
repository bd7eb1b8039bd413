// `betula report`: tables and figures made again from a record, without running anything.

import ArgumentParser
import Foundation
import Report
import Results

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Make the tables and figures of a record again, from the record alone.")

  @Argument(help: "A record: a folder with a manifest.json.")
  var record: String

  @Flag(help: "End with exit status 2 when a claim is not held, 3 when one cannot be decided.")
  var checkClaims = false

  @Flag(help: "Print the summary as JSON.")
  var json = false

  @Flag(help: "Print nothing.")
  var quiet = false

  func run() throws {
    try withUserErrors {
      let outcome = try ReportPrinter(directory: record, json: json, quiet: quiet).run()
      if checkClaims { try requireHeld(outcome.claims) }
    }
  }
}
