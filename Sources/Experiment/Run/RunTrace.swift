// The trace of one run: where it goes, what its header says, and its phases.
//
//   <path>.unfinished ──run ends well──▶ <path>           a failed or interrupted run leaves neither
//
// Invariants
// 1. A trace is there under its name only when its run ended well and every byte was written.
// 2. A phase's marks stand exactly where the run reads its counters, so a phase of the trace is a phase of `io.csv`.
// 3. The header names the run and no place or time: equal runs, equal traces.

import Foundation
import Primitives
import Storage

/// What a run is asked to leave of its I/O.
public struct TraceRequest: Equatable, Sendable {
  /// Where the trace goes; in memory, it comes back in the outcome.
  public var destination: TraceWriter.Destination
  /// The one phase whose calls are kept; nil for the whole run. The head then stands nowhere when the phase begins, so
  /// its first transfer pays its setup.
  public var phase: String?

  /// A request.
  public init(_ destination: TraceWriter.Destination, phase: String? = nil) {
    self.destination = destination
    self.phase = phase
  }
}

/// The trace of a run while it goes on.
final class RunTrace {
  /// What the device writes to.
  let destination: TraceWriter.Destination
  private let request: TraceRequest
  private let writer: TraceWriter
  private var isFinished = false

  private init(_ request: TraceRequest, _ destination: TraceWriter.Destination, _ writer: TraceWriter) {
    self.request = request
    self.destination = destination
    self.writer = writer
    writer.isPaused = request.phase != nil
  }

  /// Makes a device's description trace as requested.
  static func prepare(_ description: inout DeviceDescription, _ spec: RunSpec, _ request: TraceRequest) throws
  {
    description.traceDescription = text(spec, request)
    switch request.destination {
    case .memory: description.trace = .memory
    case .file(let path):
      let folder = (path as NSString).deletingLastPathComponent
      if !folder.isEmpty {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      }
      description.trace = .file(path: path + ".unfinished")
    }
  }

  /// The trace of a stack made from a prepared description; nil when it has none.
  static func of(_ stack: DeviceStack, _ request: TraceRequest?) -> RunTrace? {
    guard let request, let writer = stack.tracing?.writer, let destination = stack.description.trace else {
      return nil
    }
    return RunTrace(request, destination, writer)
  }

  /// What the header says of a run.
  private static func text(_ spec: RunSpec, _ request: TraceRequest) -> LabelledText {
    var text = LabelledText()
    text["run"] = spec.id
    text["study"] = spec.study
    text["engine"] = spec.engine
    text["label"] = spec.label
    text["seed"] = String(spec.seed)
    text["study_seed"] = String(spec.studySeed)
    text["repeat"] = String(spec.repeatIndex)
    text["records"] = String(spec.records)
    text["memory_budget_bytes"] = String(spec.memoryBudgetByteCount)
    text["batch_operations"] = String(spec.commit.batchOperations)
    text["sync_every_commits"] = String(spec.commit.syncEveryCommits)
    text["device"] = spec.device.kind.rawValue
    text["profile"] = spec.device.profile
    text["coalesce"] = String(spec.device.coalesces)
    text["maximum_transfer_bytes"] = String(spec.device.maximumTransferByteCount)
    let axes = spec.axisPoints.map { "\($0.path)=\($0.value)" }.joined(separator: " ")
    if !axes.isEmpty { text["axes"] = axes }
    if let phase = request.phase { text["only_phase"] = phase }
    return text
  }

  /// The phase's counters are about to be read for the first time.
  func beginPhase(_ name: String) {
    if let wanted = request.phase { writer.isPaused = name != wanted }
    writer.mark(.phaseBegins(name))
  }

  /// The phase's last operation is acknowledged.
  func acknowledge() { writer.mark(.acknowledged) }

  /// The phase's counters have been read for the last time.
  func endPhase() {
    writer.mark(.phaseEnds)
    if request.phase != nil { writer.isPaused = true }
  }

  /// Ends the trace and gives it its name.
  ///
  /// - Returns: its bytes when it is in memory.
  func finish() throws -> [UInt8]? {
    writer.isPaused = false
    try writer.finish()
    guard case .file(let path) = request.destination, case .file(let unfinished) = destination else {
      return writer.bytes
    }
    if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
    try FileManager.default.moveItem(atPath: unfinished, toPath: path)
    isFinished = true
    return nil
  }

  /// Removes what an unfinished trace left.
  func discard() throws {
    guard !isFinished, case .file(let unfinished) = destination else { return }
    if FileManager.default.fileExists(atPath: unfinished) {
      try FileManager.default.removeItem(atPath: unfinished)
    }
  }
}
