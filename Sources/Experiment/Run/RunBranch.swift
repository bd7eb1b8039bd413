// Load once, branch many: runs that agree up to a `reopen` share everything before it.
//
//   A: load settle reopen read-zipf            load settle ─▶ close ─┬─ device clone ─▶ open ─▶ read-zipf      rows of A
//   B: load settle reopen read-uniform    ⇒                          ├─ device clone ─▶ open ─▶ read-uniform   rows of B
//   C: load settle reopen warm reopen r                              └─ device clone ─▶ open ─▶ warm ─▶ close ─┬─ …
//   D: load settle reopen warm reopen s                                                                        └─ …
//
// A reopen is the one moment at which an engine is nothing but the bytes on its device: it has closed and not opened
// again. What else a run carries over a phase (counts, clock and head position, expected answers, stream position,
// commits, rows) are values.
//
// Invariants
// 1. Every run's rows are those it would have had alone, byte for byte, clock readings excepted: the shared phases were
//    measured once, and every run that shares them repeats that measurement.
// 2. A shared beginning that fails has failed for every run that shares it, with the same reason.
// 3. Only memory devices branch, and only engines whose every transfer is counted there.

import Accounting
import CSystem
import EngineCatalogue
import KeyValue
import Primitives
import Results
import Storage
import Workload

/// A writing phase whose settled columns are still owed.
struct UnsettledPhase {
  /// The place of its row.
  var row: Int
  /// The counters when it began.
  var start: MeterReading
  var logicalWriteByteCount: UInt64
}

/// A run in the middle of a reopen phase: the engine has closed and is not open again.
struct RunBranchPoint {
  /// The reopen phase.
  let ordinal: Int
  /// Never used itself, only doubled.
  let device: RunDevice
  let checker: AnswerChecker
  let position: StreamPosition
  let commitCount: UInt64
  let outcome: RunOutcome
  let unsettled: UnsettledPhase?
  let peakAllocatedRatio: Double?
  /// Counters when the phase began, and when the engine had closed.
  let start: MeterReading
  let closed: MeterReading

  /// A device to go on with.
  func branchDevice() -> RunDevice {
    guard let branch = device.branch() else {
      preconditionFailure("A branch point is made on memory devices only.")
    }
    return branch
  }

  /// The reading at the phase's start, its clocks moved so that the time between close and now is nobody's.
  func startReading() -> MeterReading {
    let now = MeterReading(device)
    var reading = start
    reading.wallNanoseconds = now.wallNanoseconds - (closed.wallNanoseconds - start.wallNanoseconds)
    reading.userNanoseconds = now.userNanoseconds - (closed.userNanoseconds - start.userNanoseconds)
    reading.systemNanoseconds = now.systemNanoseconds - (closed.systemNanoseconds - start.systemNanoseconds)
    return reading
  }

  /// What the shared phases left, as rows of `spec`.
  func outcome(for spec: RunSpec) -> RunOutcome {
    var own = outcome
    let id = Cell.text(spec.id)
    for index in own.runs.indices { own.runs[index]["run_id"] = id }
    for index in own.io.indices { own.io[index]["run_id"] = id }
    for index in own.series.indices { own.series[index]["run_id"] = id }
    for index in own.histograms.indices { own.histograms[index]["run_id"] = id }
    for index in own.timing.indices { own.timing[index]["run_id"] = id }
    for index in own.latency.indices { own.latency[index]["run_id"] = id }
    return own
  }
}

extension RunSpec {
  /// The place of the first reopen after `ordinal`, nil when there is none, or when nothing comes after it.
  func nextReopen(after ordinal: Int) -> Int? {
    phases.indices.first { $0 > ordinal && phases[$0].kind == "reopen" && $0 + 1 < phases.count }
  }

  /// What two runs must agree in to share their phases up to `ordinal`, that one included.
  func sharingKey(through ordinal: Int) -> String {
    guard case .map(let entries) = content else { preconditionFailure("A run's content is a map.") }
    let base = entries.filter { $0.key != "phases" }
    let prefix = StudyValue.list(phases[...ordinal].map(\.value))
    return study + StudyValue.map(base + [.init("phases", prefix)]).canonicalJSON
  }

  /// Operations of the phases from `first` on, up to and not including `end`.
  func operationCount(from first: Int = 0, to end: Int? = nil) -> UInt64 {
    phases[first..<(end ?? phases.count)].reduce(0) { sum, phase in
      if phase.kind == "load" { return sum + UInt64(records) }
      if case .integer(let count)? = phase.parameters["operations"] { return sum + UInt64(count) }
      return sum
    }
  }
}

/// Runs that share a beginning, or one that shares none.
public struct RunGroup: Sendable {
  /// In the plan's order, at least one.
  public let runs: [RunSpec]
  /// Phases below this place are behind: 0, or the place of the reopen the group branches at.
  private let doneOrdinal: Int?
  /// The reopen up to which all share, nil for a single run.
  private let sharedOrdinal: Int?

  /// Groups runs that can share their loads. About 30 µs a run that has a reopen.
  public static func groups(of runs: [RunSpec]) -> [RunGroup] { groups(of: runs, after: nil) }

  private static func groups(of runs: [RunSpec], after done: Int?) -> [RunGroup] {
    var places: [String: Int] = [:]
    var clusters: [(runs: [RunSpec], shared: Int?)] = []
    for run in runs {
      guard run.device.kind == .memory, runs.count > 1, let reopen = run.nextReopen(after: done ?? -1) else {
        clusters.append(([run], nil))
        continue
      }
      let key = run.sharingKey(through: reopen)
      if let place = places[key] {
        clusters[place].runs.append(run)
      } else {
        places[key] = clusters.count
        clusters.append(([run], reopen))
      }
    }
    return clusters.map { cluster in
      let shared = cluster.runs.count > 1 ? cluster.shared : nil
      return RunGroup(runs: cluster.runs, doneOrdinal: done, sharedOrdinal: shared)
    }
  }

  /// The groups that the runs fall into behind the shared beginning.
  fileprivate var branches: [RunGroup] {
    guard let sharedOrdinal else { return [] }
    return Self.groups(of: runs, after: sharedOrdinal)
  }

  /// Operations that are really done: those of a shared beginning count once.
  public var operationCount: UInt64 {
    guard let sharedOrdinal else { return runs[0].operationCount(from: doneOrdinal ?? 0) }
    return branches.reduce(runs[0].operationCount(from: doneOrdinal ?? 0, to: sharedOrdinal)) {
      $0 + $1.operationCount
    }
  }

  /// How often a beginning is shared instead of made: runs less loads.
  public var savedLoadCount: Int { sharedOrdinal == nil ? 0 : runs.count - 1 }

  fileprivate var origin: Int? { doneOrdinal }
  fileprivate var branchOrdinal: Int? { sharedOrdinal }
}

/// Makes the runs of groups, each shared beginning once.
struct GroupExecutor {
  /// What is told of the work.
  struct Events {
    /// These runs are being made now; a crash is theirs.
    var began: ([RunSpec]) -> Void = { _ in }
    /// A run is done.
    var finished: (RunSpec, RunOutcome) throws -> Void
    /// So many operations of an engine took so many seconds.
    var measured: (_ label: String, _ operationCount: UInt64, _ seconds: Double) -> Void = { _, _, _ in }
    /// Operations done of a phase: (run, phase, done, of how many).
    var ticked: (RunSpec, String, UInt64, UInt64) -> Void = { _, _, _, _ in }
  }

  var observer = RunObserver()
  var keepVolumesDirectory: String?
  /// Where each run leaves its trace, nil for nowhere. A run that is traced shares nothing.
  var keepTracesDirectory: String?
  /// False makes every run from its beginning: for the test that compares.
  var branches = true
  var events: Events

  /// Makes every run of `group`.
  ///
  /// - Throws: `RunInterrupted`, or what `finished` throws.
  func execute(_ group: RunGroup) throws {
    if branches {
      try execute(group, from: nil)
    } else {
      for run in group.runs {
        try events.finished(run, try make([run], from: nil, start: 0, branchOrdinal: nil).outcome)
      }
    }
  }

  private func execute(_ group: RunGroup, from point: RunBranchPoint?) throws {
    let made = try make(
      group.runs, from: point, start: group.origin ?? 0, branchOrdinal: group.branchOrdinal)
    if let next = made.point {
      for branch in group.branches { try execute(branch, from: next) }
      return
    }
    try events.finished(group.runs[0], made.outcome)
    for run in group.runs.dropFirst() {
      // No branch point: the shared beginning failed, or the engine's bytes are not on the device.
      if let failure = made.outcome.failure, !made.hasPassedBranch {
        try events.finished(run, RunExecutor.voided(run, reason: failure))
      } else {
        let alone = try make([run], from: point, start: group.origin ?? 0, branchOrdinal: nil)
        try events.finished(run, alone.outcome)
      }
    }
  }

  /// Makes one run, or the beginning that `runs` share.
  private func make(
    _ runs: [RunSpec], from point: RunBranchPoint?, start: Int, branchOrdinal: Int?
  ) throws(RunInterrupted) -> (outcome: RunOutcome, point: RunBranchPoint?, hasPassedBranch: Bool) {
    let spec = runs[0]
    guard let entry = engineEntry(named: spec.engine) else {
      preconditionFailure("A plan names engines of the catalogue only.")
    }
    events.began(runs)
    let begin = betula_monotonic_nanoseconds()
    let executor = RunExecutor(
      spec: spec, entry: entry, observer: observer, keepVolumesDirectory: keepVolumesDirectory,
      trace: keepTracesDirectory.map { TraceRequest(.file(path: "\($0)/\(spec.id).trace")) },
      tick: { events.ticked(spec, $0, $1, $2) }, origin: point, branchOrdinal: branchOrdinal)
    let outcome = try executor.execute()
    let end = executor.branchPoint == nil ? nil : branchOrdinal
    if outcome.failure == nil {
      events.measured(
        spec.label, spec.operationCount(from: start, to: end),
        Double(betula_monotonic_nanoseconds() - begin) / 1e9)
    }
    return (outcome, executor.branchPoint, executor.hasPassedBranch)
  }
}
