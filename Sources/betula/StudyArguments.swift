// What every command that takes a study accepts.

import ArgumentParser
import Experiment

/// A study and changes to it.
struct StudyArguments: ParsableArguments {
  @Argument(help: "A study file, or a folder with a study.yaml.")
  var study: String

  @Option(
    name: .customLong("set"),
    help: "Change one key: path=value. A comma list is an axis. May be given often.")
  var sets: [String] = []

  @Option(
    name: .customLong("axis"),
    help: "Make one key an axis, in place of the study's own: path=value,value,… May be given often.")
  var axes: [String] = []

  @Option(help: "Apply one of the study's scales (smoke, laptop, paper …).")
  var scale: String?

  /// `path=value` as `path=[value]`: an axis, also when it has one value.
  private static func bracketed(_ axis: String) -> String {
    guard let equals = axis.firstIndex(of: "=") else { return axis }
    let values = axis[axis.index(after: equals)...]
    return values.hasPrefix("[") ? axis : axis[...equals] + "[" + values + "]"
  }

  /// Reads the study.
  func load() throws(StudyProblems) -> Study {
    try Study.load(
      StudyRequest(path: study, scale: scale, sets: sets + axes.map(Self.bracketed)), vocabulary: .standard)
  }
}
