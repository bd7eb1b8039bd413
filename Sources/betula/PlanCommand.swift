// `betula plan`: what a study would do, without doing it.

import ArgumentParser
import Experiment
import Foundation

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract:
      "Print the runs of a study with estimates of operations, bytes, memory, disk and time; run nothing.")

  @OptionGroup var arguments: StudyArguments

  @Flag(help: "Print as JSON.")
  var json = false

  func run() throws {
    try withUserErrors {
      let study = try arguments.load()
      let plan = try Plan(study, vocabulary: .standard)
      let outline = PlanOutline(
        plan, vocabulary: .standard, resources: .current(path: NSTemporaryDirectory()))
      print(json ? PlanRenderer.json(outline) : PlanRenderer.text(outline))
      try refuseWhatCannotFit(plan)
    }
  }
}

/// Refuses a plan with a run that cannot fit this machine, one sentence a run; or one run of it, the others aside.
func refuseWhatCannotFit(_ plan: Plan, only chosen: RunSpec? = nil) throws {
  let outline = PlanOutline(plan, vocabulary: .standard, resources: .current(path: NSTemporaryDirectory()))
  let rows = outline.rows.filter { chosen == nil || $0.run.id == chosen?.id }
  let refusals = rows.flatMap { row in row.refusals.map { "\(row.run.label): \($0)" } }
  if refusals.isEmpty { return }
  for refusal in refusals.prefix(20) { complain(refusal) }
  if refusals.count > 20 { complain("and \(refusals.count - 20) more") }
  throw ExitStatus.cannotFit
}
