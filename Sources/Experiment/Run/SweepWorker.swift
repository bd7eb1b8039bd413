// A worker of a sweep: makes the runs it is told to, stores each as it is done, and says so.
//
// Invariants
// 1. A run is reported finished only when its file is in the store.
// 2. A worker does not outlive its sweep.
// 3. What a run's rows hold does not depend on which worker made it, or on what the worker made before.

import CSystem
import Foundation
import KeyValue
import Results

/// The other end of a sweep's pipes.
public struct SweepWorker {
  /// Why a worker ended before it was told to.
  public struct Failure: Error, CustomStringConvertible {
    /// A sentence.
    public var description: String
  }

  /// The exit status of a worker that could not store a run: the sweep ends with it.
  public static let storeRefusedStatus = 74

  /// Serves the sweep that started this process until it closes the pipe.
  ///
  /// - Parameter parent: the sweep's process.
  /// - Throws: `Failure`, `RunInterrupted`, or `RecordError` when the store cannot be written.
  public static func serve(parent: Int32) throws {
    guard betula_die_with_parent(parent) == 0 else {
      throw Failure(description: "the sweep that started this worker is gone")
    }
    _ = betula_catch_interrupts()
    betula_ignore_broken_pipes()
    var worker: SweepWorker?
    var lines = LineBuffer()
    while let bytes = try readInput() {
      for line in lines.add(bytes) {
        if let worker {
          try worker.make(try WorkerLine.decoded(WorkerDispatch.self, line))
        } else {
          worker = try SweepWorker(try WorkerLine.decoded(WorkerAssignment.self, line))
        }
      }
    }
  }

  private let plan: Plan
  private let store: RunStore
  private let keepVolumesDirectory: String?
  private let keepTracesDirectory: String?

  private init(_ assignment: WorkerAssignment) throws {
    let study = try Study.decode(assignment.study, file: "the sweep's study", vocabulary: .standard)
    plan = try Plan(study, vocabulary: .standard)
    store = RunStore(folder: assignment.storeFolder, study: study.name, build: assignment.build)
    keepVolumesDirectory = assignment.keepVolumesDirectory
    keepTracesDirectory = assignment.keepTracesDirectory
    Self.report(.ready(planHash: plan.hash))
  }

  private func make(_ dispatch: WorkerDispatch) throws {
    let progress = ProgressReporter()
    let executor = GroupExecutor(
      observer: RunObserver(
        isInterrupted: { betula_interrupt_count() > 0 }, noted: { Self.report(.note($0)) }),
      keepVolumesDirectory: keepVolumesDirectory, keepTracesDirectory: keepTracesDirectory,
      events: GroupExecutor.Events(
        began: { Self.report(.began(ordinals: $0.map(\.ordinal))) },
        finished: { run, outcome in
          try store.write(outcome.stored(run, build: store.build))
          Self.report(.finished(ordinal: run.ordinal, failure: outcome.failure))
        },
        measured: { Self.report(.measured(label: $0, operationCount: $1, seconds: $2)) },
        ticked: { progress.tick($0, $1, $2, $3) }))
    let runs = dispatch.ordinals.map { plan.runs[$0] }
    for group in RunGroup.groups(of: runs) { try executor.execute(group) }
    Self.report(.idle)
  }

  private static func report(_ report: WorkerReport) {
    // A sweep that no longer reads has ended, and this process ends with it.
    _ = writeAll(WorkerLine.encoded(report), to: 1)
  }

  /// The next bytes of standard input, nil at its end.
  private static func readInput() throws -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(0, &buffer, buffer.count)
      if count > 0 { return Array(buffer[..<count]) }
      if count == 0 { return nil }
      guard errno == EINTR else {
        throw Failure(description: "standard input cannot be read: errno \(errno)")
      }
      if betula_interrupt_count() > 0 { throw RunInterrupted() }
    }
  }

  /// Keeps progress to a few lines a second.
  private final class ProgressReporter {
    private var lastNanoseconds: UInt64 = 0
    private var phase = ("", 0)
    private var phaseDone: UInt64 = 0
    private var total: UInt64 = 0

    func tick(_ run: RunSpec, _ name: String, _ done: UInt64, _ count: UInt64) {
      if phase != (name, run.ordinal) {
        total += phaseDone
        phase = (name, run.ordinal)
      }
      phaseDone = done
      let now = betula_monotonic_nanoseconds()
      guard now - lastNanoseconds > 150_000_000 else { return }
      lastNanoseconds = now
      report(.progress(ordinal: run.ordinal, phase: name, done: done, of: count, total: total + done))
    }
  }
}

/// Writes all of `data`.
///
/// - Returns: false when the other end is gone.
func writeAll(_ data: Data, to descriptor: Int32) -> Bool {
  data.withUnsafeBytes { buffer in
    var done = 0
    while done < buffer.count {
      let count = write(descriptor, buffer.baseAddress! + done, buffer.count - done)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return false }
      done += count
    }
    return true
  }
}

extension RunOutcome {
  /// The outcome as it is kept.
  func stored(_ run: RunSpec, build: String) -> StoredRun {
    var stored = StoredRun(
      id: run.id, study: run.study, build: build, status: failure == nil ? .ok : .failed,
      reason: failure ?? "", settings: settings.map { .init(name: $0.name, value: $0.value) })
    stored.setRows(runs)
    stored.setRows(io)
    stored.setRows(series)
    stored.setRows(histograms)
    stored.setRows(timing)
    stored.setRows(latency)
    return stored
  }
}
