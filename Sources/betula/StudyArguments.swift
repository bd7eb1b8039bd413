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

  @Option(help: "Apply one of the study's scales (smoke, laptop, paper …).")
  var scale: String?

  /// Reads the study.
  func load() throws(StudyProblems) -> Study {
    try Study.load(StudyRequest(path: study, scale: scale, sets: sets), vocabulary: .standard)
  }
}
