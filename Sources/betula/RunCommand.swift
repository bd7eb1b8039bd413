// `betula run`: plan, run, record, report.

import ArgumentParser
import CSystem
import Experiment
import Foundation
import Report
import Results

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a study, write its record, draw its figures.")

  @OptionGroup var arguments: StudyArguments

  @Option(help: "Where the record is written; the default is Scratch/<study> (ignored by git).")
  var out: String?

  @Option(help: "Keep each run's device as <run id>.volume in this folder.")
  var keepVolumes: String?

  @Option(help: "Keep each run's I/O trace as <run id>.trace in this folder; see `betula trace`.")
  var keepTraces: String?
  @Flag(help: "End with exit status 2 when a claim is not held, 3 when one cannot be decided.")
  var checkClaims = false

  @Flag(help: "Print the summary as JSON.")
  var json = false

  @Flag(help: "No progress, no table; errors only.")
  var quiet = false

  func run() throws {
    try withUserErrors {
      let study = try arguments.load()
      let plan = try Plan(study, vocabulary: .standard)
      try refuseWhatCannotFit(plan)
      let directory = out ?? "Scratch/\(study.name)"
      let writer = RecordWriter(directory: directory)
      try writer.refuseStrangers()
      _ = betula_catch_interrupts()
      let line = ProgressLine(isQuiet: quiet)
      let isQuiet = quiet
      let options = StudyRunner.Options(
        keepVolumesDirectory: keepVolumes, keepTracesDirectory: keepTraces,
        repository: FileManager.default.currentDirectoryPath, scale: arguments.scale ?? "",
        observer: RunObserver(
          progressed: { line.show($0) }, isInterrupted: { betula_interrupt_count() > 0 },
          noted: { if !isQuiet { line.note($0) } }))
      defer { line.clear() }
      var record = try StudyRunner(plan: plan, options: options).run()
      record.claims = Report.claimRows(of: record)
      line.clear()
      try writer.write(record)
      let outcome = try ReportPrinter(directory: directory, json: json, quiet: quiet).run()
      let failed = Set(record.runs.filter { $0.status == .failed }.map(\.runIdentifier))
      if !failed.isEmpty {
        complain(
          "\(failed.count) of \(plan.runs.count) runs failed; see the reason column of \(directory)/runs.csv")
        throw ExitStatus.runFailed
      }
      if checkClaims { try requireHeld(outcome.claims) }
    }
  }
}
