// One run out of a plan, by what a user says of it.

import Primitives

/// A plan from which one run is wanted.
public struct RunChoice: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong with the choice.
  public var message: String
  /// The runs to choose from.
  public var runs: [RunSpec]

  /// The one run of `plan` that an id, its beginning, or an engine's label names; nil takes any.
  ///
  /// - Throws: the choice, when no run or more than one is left.
  public static func run(of plan: Plan, id: String?, label: String?) throws(RunChoice) -> RunSpec {
    try run(of: plan.runs, id: id, label: label)
  }

  private static func run(of runs: [RunSpec], id: String?, label: String?) throws(RunChoice) -> RunSpec {
    var left = runs
    if let id {
      left = left.filter { $0.id.hasPrefix(id) }
      if left.isEmpty { throw RunChoice(message: "no run's id begins with '\(id)'", runs: runs) }
    }
    if let label {
      let labels = Set(runs.map(\.label)).sorted()
      left = left.filter { $0.label == label }
      if left.isEmpty {
        let nearest = nearestName(to: label, in: labels).map { "; nearest: \($0)" } ?? ""
        throw RunChoice(
          message: "no run is of an engine with the label '\(label)'\(nearest)", runs: runs)
      }
    }
    guard left.count == 1, let run = left.first else {
      throw RunChoice(message: "\(left.count) runs to choose from; name one by --run or --engine", runs: left)
    }
    return run
  }

  /// The run of `plan` whose operations are wanted: as above among first repeats, runs with equal operations being one.
  ///
  /// - Throws: the choice, when no stream or more than one is left.
  public static func stream(of plan: Plan, id: String?, label: String?) throws(RunChoice) -> RunSpec {
    var different: [RunSpec] = []
    for run in plan.runs where run.repeatIndex == 0 {
      let isKnown = different.contains { $0.workload == run.workload && $0.phases == run.phases }
      if id != nil || label != nil || !isKnown { different.append(run) }
    }
    return try run(of: different, id: id, label: label)
  }

  /// The message and the runs, twenty at most.
  public var description: String {
    var lines = [message + ":"]
    for run in runs.prefix(20) {
      let axes = run.axisPoints.map { " \($0.path)=\($0.value)" }.joined()
      let word = run.repeatIndex > 0 ? " repeat \(run.repeatIndex)" : ""
      lines.append("  --run \(run.id)  \(run.label)\(axes)\(word)")
    }
    if runs.count > 20 { lines.append("  and \(runs.count - 20) more") }
    return lines.joined(separator: "\n")
  }
}
