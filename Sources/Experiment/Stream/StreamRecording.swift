// A run's operations as a file: what `betula stream record` writes. No engine is needed, for no answer of an engine
// enters a stream.
//
// Invariants
// 1. The file is a function of the workload, its seed and the phases: engines with the same operations give one file.

import Primitives
import Workload

/// Records streams.
public enum StreamRecording {
  /// The recorded stream of `run`, its data phases as sections.
  ///
  /// Cost: about 50 ns and 1 to 5 bytes an operation.
  /// - Throws: `WorkloadError`; `StorageError` when the run itself replays a stream that is bad.
  public static func bytes(of run: RunSpec) throws -> [UInt8] {
    let source = try RunWorkload(run)
    var text = LabelledText()
    text["study"] = run.study
    text["study_seed"] = run.stream.map { $0.description["study_seed"] } ?? String(run.studySeed)
    text["repeat"] = String(run.repeatIndex)
    text["seed"] = run.stream.map { $0.description["seed"] } ?? String(run.seed)
    if let stream = run.stream, stream.bringsLengths { text["lengths"] = "recorded" }
    for (name, value) in run.workload.sorted where name != "check_answers" {
      text[StudyStream.workloadPrefix + name] = value.description
    }
    var recorder = StreamRecorder(description: text)
    var position = StreamPosition()
    for (ordinal, phase) in run.phases.enumerated() {
      guard let (data, made) = try source.operations(of: phase, ordinal: ordinal, position: position) else {
        continue
      }
      var stream = made
      guard stream.start == position else {
        throw WorkloadError(
          parameter: "stream",
          reason:
            "'\(phase.name)' replays a section without those before it; a stream is recorded from its run's "
            + "first operation on")
      }
      recorder.beginSection(
        name: phase.name, kind: data.kind, scanOrder: data.scanOrder, position: stream.start)
      var operation = Operation()
      while stream.next(&operation) { recorder.append(operation) }
      recorder.endSection()
      position = stream.position
    }
    return recorder.finish()
  }
}
