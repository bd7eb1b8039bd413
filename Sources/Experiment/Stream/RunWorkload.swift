// Where a run's operations come from: made from the seed, or replayed from a recorded stream; the run does not care.

import KeyValue
import Primitives
import Workload

/// The workload of one run.
struct RunWorkload {
  /// Keys and values.
  let spec: WorkloadSpec
  private let recorded: RecordedStream?

  /// The workload of `run`; reads its recorded stream again, when it has one.
  ///
  /// - Throws: `WorkloadError`, `StorageError`, or what reading the file throws.
  init(_ run: RunSpec) throws {
    var spec = try WorkloadSpec(parameters: run.workload, seed: run.seed)
    recorded = try run.stream.map { stream in
      let (recorded, contentHash) = try StudyStream.read(stream.file)
      guard contentHash == stream.contentHash else {
        throw WorkloadError(
          parameter: "stream", reason: "'\(stream.path)' has changed since the run was planned")
      }
      return recorded
    }
    if let recorded, let stream = run.stream {
      if stream.bringsLengths {
        spec = WorkloadSpec(
          recordCount: spec.recordCount, keys: spec.keys,
          values: ValueCodec(sizes: .recorded(RecordedLengths(of: recorded)), seed: spec.seed),
          checksAnswers: spec.checksAnswers, seed: spec.seed)
      } else {
        try Self.checkLengths(of: recorded, spec)
      }
    }
    self.spec = spec
  }

  /// Holds every recorded value's size against the size that the workload gives it.
  private static func checkLengths(of recorded: RecordedStream, _ spec: WorkloadSpec) throws(WorkloadError) {
    for section in recorded.sections {
      var fault: Operation?
      recorded.forEachOperation(of: section) { operation in
        guard operation.kind == .put || operation.kind == .overwrite else { return }
        let size = spec.values.byteCount(keyIndex: operation.keyIndex, version: operation.version)
        if size != Int(operation.length), fault == nil { fault = operation }
      }
      if let fault {
        throw WorkloadError(
          parameter: "stream",
          reason:
            "version \(fault.version) in section '\(section.name)' has \(fault.length) bytes, which this "
            + "workload's values do not have")
      }
    }
  }

  /// What a phase does; nil for a verb.
  ///
  /// - Parameters:
  ///   - ordinal: the phase's place among all phases of the run.
  ///   - position: where the run stands.
  /// - Throws: `WorkloadError`.
  func operations(
    of phase: PhaseSpec, ordinal: Int, position: StreamPosition
  ) throws -> (phase: DataPhase, stream: OperationStream)? {
    if phase.kind == StudyStream.replayKind {
      guard let recorded, let section = recorded.section(named: phase.name) else {
        throw WorkloadError(parameter: "stream", reason: "has no section '\(phase.name)'")
      }
      return (
        DataPhase(replaying: section),
        try OperationStream(replaying: section, of: recorded, workload: spec, position: position)
      )
    }
    guard
      let data = try DataPhase.decode(kind: phase.kind, parameters: phase.parameters, workload: spec)
    else { return nil }
    return (
      data,
      try OperationStream(phase: data, phaseOrdinal: ordinal, workload: spec, position: position)
    )
  }
}
