// A plan, run in this process: every run in the plan's order, and the record that comes of it. Nothing is written
// here; a record exists only when all runs are done. `betula run` goes through `SweepRunner`, which keeps each run.

import EngineCatalogue
import Foundation
import KeyValue
import Results
import Storage

/// Runs a plan in this process.
public struct StudyRunner {
  /// How it is run.
  public struct Options {
    /// Where volumes are kept, nil for nowhere.
    public var keepVolumesDirectory: String?
    /// Where traces are kept as `<run id>.trace`, nil for nowhere.
    public var keepTracesDirectory: String?
    /// The folder whose commit the manifest names, nil for none.
    public var repository: String?
    /// The scale asked for; a word for the manifest.
    public var scale: String
    /// Who hears of remarks and may interrupt.
    public var observer: RunObserver
    /// Whether runs share their loads; false makes each from its beginning.
    public var sharesLoads: Bool

    /// The defaults keep nothing and say nothing.
    public init(
      keepVolumesDirectory: String? = nil, keepTracesDirectory: String? = nil,
      repository: String? = nil, scale: String = "", observer: RunObserver = RunObserver(),
      sharesLoads: Bool = true
    ) {
      self.keepVolumesDirectory = keepVolumesDirectory
      self.keepTracesDirectory = keepTracesDirectory
      self.repository = repository
      self.scale = scale
      self.observer = observer
      self.sharesLoads = sharesLoads
    }
  }

  private let plan: Plan
  private let options: Options

  /// A runner for `plan`.
  public init(plan: Plan, options: Options = Options()) {
    self.plan = plan
    self.options = options
  }

  /// Runs everything.
  ///
  /// - Throws: `RunInterrupted`. Failed runs are rows of the record.
  public func run() throws(RunInterrupted) -> Record {
    var draft = ManifestDraft(plan: plan, repository: options.repository, scale: options.scale)
    var outcomes: [Int: RunOutcome] = [:]
    for run in plan.runs {
      guard let absence = run.absence else { continue }
      var outcome = RunOutcome()
      outcome.runs = RunExecutor.emptyRows(run, status: .skipped, reason: absence)
      outcomes[run.ordinal] = outcome
      options.observer.noted("\(run.label) skipped: \(absence)")
    }
    let executor = GroupExecutor(
      observer: options.observer, keepVolumesDirectory: options.keepVolumesDirectory,
      keepTracesDirectory: options.keepTracesDirectory, branches: options.sharesLoads,
      events: GroupExecutor.Events(finished: { run, outcome in
        if let failure = outcome.failure { options.observer.noted("\(run.label) failed: \(failure)") }
        outcomes[run.ordinal] = outcome
      }))
    for group in RunGroup.groups(of: plan.runs.filter({ $0.absence == nil })) {
      do {
        try executor.execute(group)
      } catch {
        // The only error there is: `finished` above throws none.
        throw error as? RunInterrupted ?? RunInterrupted()
      }
    }
    var record = Record(manifest: draft.manifest)
    for run in plan.runs {
      guard let outcome = outcomes[run.ordinal] else {
        preconditionFailure("Every run of a plan has an outcome when its groups are done.")
      }
      record.runs += AxisColumns.filled(outcome.runs, run, plan.study)
      record.io += outcome.io
      record.series += outcome.series
      record.histograms += outcome.histograms
      record.timing += outcome.timing
      record.latency += outcome.latency
      if run.absence == nil { draft.addReadBack(run, outcome.settings) }
    }
    record.manifest = draft.finished()
    return record
  }
}
