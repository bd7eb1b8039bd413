// `betula run`: plan, make what is missing, record, report.

import ArgumentParser
import CSystem
import Experiment
import Foundation
import Report
import Results

extension RunStore.Reuse: ExpressibleByArgument {}

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a study, write its record, draw its figures.",
    discussion: """
      Finished runs are kept one by one in the store. A run command that was ended in any way goes on from there when \
      it is given again; a record that is complete already is only drawn anew.
      """)

  @OptionGroup var arguments: StudyArguments

  @Option(help: "Where the record is written; the default is Scratch/<study> (ignored by git).")
  var out: String?

  @Option(
    help: "Runs made side by side; the default is one less than there are processors. On files always 1.")
  var jobs: Int?

  @Option(help: "Where finished runs are kept, in a folder for each study.")
  var store = "Scratch/runs"

  @Option(help: "Which kept runs count: same-build, any (build with the same record format), none.")
  var reuse = RunStore.Reuse.sameBuild

  @Flag(help: "Make every run again: --reuse none.")
  var again = false

  @Flag(help: "Remove the kept runs of this plan when the record is written.")
  var discardRuns = false

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

  /// The report of a finished record is drawn anew up to this many runs.
  private static let redrawnRunCount = 1_000

  func validate() throws {
    if let jobs, !(1...SweepRunner.maximumJobs).contains(jobs) {
      throw ValidationError("--jobs is \(jobs); 1 … \(SweepRunner.maximumJobs) is wanted")
    }
  }

  func run() throws {
    try withUserErrors {
      let study = try arguments.load()
      let plan = try Plan(study, vocabulary: .standard)
      try refuseWhatCannotFit(plan)
      let directory = out ?? "Scratch/\(study.name)"
      let writer = RecordWriter(directory: directory)
      try writer.cleanUp()
      try writer.refuseStrangers()
      _ = betula_catch_interrupts()
      let line = ProgressLine(isQuiet: quiet)
      let isQuiet = quiet
      let sweep = SweepRunner(
        plan: plan,
        options: SweepOptions(
          storeFolder: store,
          workerCommand: [
            BuildIdentity.executablePath, "worker", "--parent",
            String(ProcessInfo.processInfo.processIdentifier),
          ],
          keepVolumesDirectory: keepVolumes, keepTracesDirectory: keepTraces,
          repository: FileManager.default.currentDirectoryPath, scale: arguments.scale ?? "", jobs: jobs,
          reuse: again ? .none : reuse,
          observer: RunObserver(
            progressed: { line.show($0) }, isInterrupted: { betula_interrupt_count() > 0 },
            noted: { if !isQuiet { line.note($0) } })))
      defer { line.clear() }
      var failedRunCount = 0
      var isDrawn = false
      if sweep.isFinished(directory) {
        if !quiet {
          complain(
            "\(directory) is the record of these \(plan.runs.count) runs already; --again makes them anew")
        }
        // A report of many runs takes longer than anything else here.
        let isThere = FileManager.default.fileExists(atPath: directory + "/report.html")
        isDrawn = isThere && !json && plan.runs.count > Self.redrawnRunCount
        if isDrawn && !quiet {
          complain("its report is there, too; betula report \(directory) draws it anew")
        }
      } else {
        var record = try sweep.run()
        line.clear()
        if !study.claims.isEmpty { record.setRows(Report.claimRows(of: try record.record())) }
        failedRunCount = record.manifest.sweep?.failedRunCount ?? 0
        try writer.write(record)
      }
      let printer = ReportPrinter(directory: directory, json: json, quiet: quiet)
      let claims = isDrawn ? try RecordReader(directory: directory).read().claims : try printer.run().claims
      if failedRunCount > 0 {
        complain(
          "\(failedRunCount) of \(plan.runs.count) runs failed; see the reason column of \(directory)/runs.csv"
        )
        throw ExitStatus.runFailed
      }
      if discardRuns { try sweep.discardRuns() }
      if checkClaims { try requireHeld(claims) }
    }
  }
}
