// `betula trace`: a run's I/O, recorded once, looked at and priced on any device without the engine.

import ArgumentParser
import CSystem
import EngineCatalogue
import Experiment
import Foundation
import Primitives
import Report
import Storage

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Record the I/O of a run, show it, and charge it under any time model.",
    discussion: "See the guide, Traces.",
    subcommands: [TraceRecordCommand.self, TraceShowCommand.self, TraceChargeCommand.self])
}

/// Which run of a study a command means.
struct RunArguments: ParsableArguments {
  @Option(help: "The run whose id begins so; `betula plan` lists them.")
  var run: String?

  @Option(help: "The run of the engine with this label.")
  var engine: String?
}

/// Makes one run for its side effects; a failed run ends the program.
func makeRun(_ spec: RunSpec, trace: TraceRequest?, quiet: Bool) throws -> RunOutcome {
  guard let entry = engineEntry(named: spec.engine) else {
    preconditionFailure("A plan names engines of the catalogue.")
  }
  if let reason = entry.descriptor.absentBecause {
    complain("\(spec.label) cannot be run here: \(reason)")
    throw ExitStatus.cannotFit
  }
  _ = betula_catch_interrupts()
  let line = ProgressLine(isQuiet: quiet)
  defer { line.clear() }
  let executor = RunExecutor(
    spec: spec, entry: entry,
    observer: RunObserver(isInterrupted: { betula_interrupt_count() > 0 }, noted: { line.note($0) }),
    trace: trace
  ) { phase, done, total in
    line.show(
      SweepProgress(
        runCount: 1, finishedRunCount: 0, reusedRunCount: 0,
        active: [
          SweepProgress.Active(
            label: spec.label, phase: phase, completedOperations: done, totalOperations: total)
        ],
        completedOperations: done, totalOperations: total, secondsLeft: nil))
  }
  let outcome = try executor.execute()
  line.clear()
  if let failure = outcome.failure {
    complain("\(spec.label) failed, nothing is kept: \(failure)")
    throw ExitStatus.runFailed
  }
  return outcome
}

/// A study's plan, refused when a run of it cannot fit.
func planOne(_ arguments: StudyArguments, _ choice: RunArguments) throws -> RunSpec {
  let plan = try Plan(try arguments.load(), vocabulary: .standard)
  let spec = try RunChoice.run(of: plan, id: choice.run, label: choice.engine)
  try refuseWhatCannotFit(plan, only: spec)
  return spec
}

struct TraceRecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Make one run of a study and keep its I/O trace.",
    discussion: """
      `betula run --keep-traces FOLDER` keeps the traces of all runs of a study.
      """)

  @OptionGroup var arguments: StudyArguments
  @OptionGroup var choice: RunArguments

  @Option(help: "Keep the calls of this phase only; the phases before it are run all the same.")
  var phase: String?

  @Option(help: "Where the trace is written.")
  var out: String

  @Flag(help: "No progress and no summary; errors only.")
  var quiet = false

  func run() throws {
    try withUserErrors {
      let spec = try planOne(arguments, choice)
      if spec.cutsPower {
        throw ValidationError("a phase of this run cuts the power; what follows is on another device")
      }
      if let phase, !spec.phases.contains(where: { $0.name == phase }) {
        throw UnknownNameError(kind: "phase", name: phase, known: spec.phases.map(\.name))
      }
      _ = try makeRun(spec, trace: TraceRequest(.file(path: out), phase: phase), quiet: quiet)
      // Read back before it is promised.
      let summary = try withFile(out) { try TraceSummary(path: out) }
      if !quiet { print(summary.headline(path: out)) }
      if summary.audit.whole.batches.transferCount == 0 {
        complain(
          "no transfer passed the counted device: this engine's files are not on it, or it does no I/O")
      }
    }
  }
}

struct TraceShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print what a trace holds: per phase, by direction and cause.")

  @Argument(help: "A trace, as `trace record` and `run --keep-traces` leave it.")
  var file: String

  @Option(help: "Only this phase; may be given often. Also `outside` and `whole`.")
  var phase: [String] = []

  @Option(help: "Also list the first so many transfers of the phases shown.")
  var limit: Int?

  @Flag(help: "Print as JSON.")
  var json = false

  @Flag(help: "Print as CSV: the columns of io.csv, or with --limit the transfers.")
  var csv = false

  func validate() throws {
    if json && csv { throw ValidationError("--json and --csv exclude each other.") }
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
  }

  func run() throws {
    try withUserErrors {
      try withFile(file) {
        let summary = try TraceSummary(path: file)
        let named = try summary.audit.named(phase)
        let transfers = try limit.map { try TraceListing(path: file, phases: phase, limit: $0) }
        if csv {
          print(transfers?.commaSeparatedText ?? summary.commaSeparatedText(named), terminator: "")
        } else if json {
          print(try summary.json(named, transfers))
        } else {
          print(summary.text(path: file, named), terminator: "")
          if let transfers { print("\n" + transfers.text, terminator: "") }
        }
      }
    }
  }
}

struct TraceChargeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "charge", abstract: "Charge a trace under one or many time models, per phase.",
    discussion: """
      Without options: all four models with the constants of the run's own profile. Lists make a grid, \
      --block 4KiB,64KiB --parallelism 1,4,16; a model that does not use a constant is charged once.
      """)

  @Argument(help: "A trace.")
  var file: String

  @Option(
    help: "dam, affine, pdam, profile, or the name of a device profile; a list, may be given often.")
  var model: [String] = []

  @Option(help: "Take the constants of this device profile instead of the run's; a list, may be given often.")
  var profile: [String] = []

  @Option(help: "B, a size; a list.")
  var block: String?

  @Option(help: "P, blocks served at once; a list.")
  var parallelism: String?

  @Option(help: "s, the setup of every transfer: 5ms, 43us; a list.")
  var setup: String?

  @Option(help: "t, the time of a byte: 10ns, 1.09ns; a list.")
  var perByte: String?

  @Option(help: "Only this phase; may be given often. Also `outside` and `whole`.")
  var phase: [String] = []

  @Option(help: "Also write the rows to this CSV file.")
  var csv: String?

  @Flag(help: "Print as JSON.")
  var json = false

  func run() throws {
    try withUserErrors {
      let grid = try withFile(file) { try makeGrid(TraceReader(path: file).description["profile"]) }
      let table = try withFile(file) { try ChargeTable(path: file, models: grid.models, phases: phase) }
      if let csv { try writeFile(table.commaSeparatedText, to: csv) }
      print(json ? try table.json() : table.text, terminator: "")
    }
  }

  private func makeGrid(_ own: String?) throws -> ChargeGrid {
    var kinds: [ChargeModel.Kind] = []
    var profiles = try list(profile).map { try DeviceProfile.named($0) }
    for word in list(model) {
      if let kind = ChargeModel.Kind(rawValue: word) {
        if !kinds.contains(kind) { kinds.append(kind) }
      } else {
        do throws(UnknownNameError) {
          profiles.append(try DeviceProfile.named(word))
        } catch {
          throw UnknownNameError(
            kind: "model", name: word, known: ChargeModel.Kind.allCases.map(\.rawValue) + error.known)
        }
        if !kinds.contains(.profile) { kinds.append(.profile) }
      }
    }
    if kinds.isEmpty { kinds = ChargeModel.Kind.allCases }
    if profiles.isEmpty { profiles = [try DeviceProfile.named(own ?? DeviceProfile.all[0].name)] }
    var grid = ChargeGrid(kinds: kinds, profiles: profiles)
    do {
      grid.blockByteCounts = try list(block.map { [$0] } ?? []).map {
        try number($0, Quantity.parseByteCount($0), 1...ChargeGrid.largestBlockByteCount, "1B … 1TiB")
      }
      grid.parallelBlockCounts = try list(parallelism.map { [$0] } ?? []).map {
        let largest = ChargeGrid.largestParallelBlockCount
        return try number($0, Quantity.parseInteger($0), 1...largest, "1 … \(largest)")
      }
      grid.setups = try list(setup.map { [$0] } ?? []).map { try ChargeGrid.Duration($0) }
      grid.perBytes = try list(perByte.map { [$0] } ?? []).map { try ChargeGrid.Duration($0) }
    } catch let error as QuantityError {
      complain("\(error)")
      throw ExitStatus.badData
    }
    return grid
  }

  private func list(_ texts: [String]) -> [String] {
    texts.flatMap { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
  }

  private func number(_ text: String, _ value: Int, _ range: ClosedRange<Int>, _ words: String) throws -> Int
  {
    guard range.contains(value) else { throw QuantityError(text: text, reason: "it is not within \(words)") }
    return value
  }
}
