// The phase kind `crash`: writes, a power cut, and what coming back costs.
//
//   checkpoint ─▶ N puts of new keys, in commits ─▶ power cut ─▶ open ─▶ check ─▶ drop cache ─▶ next phase
//                 └──── device_*, io.csv ────────┘            └ recovery_* ┘
//                 (the cut leaves the last synced state and the chosen unsynced sectors)
//
// Invariants
// 1. What is recovered is the state after the first p commits of the phase, exactly: every key and value is scanned and
//    compared; anything else voids the run.
// 2. p honours the engine's durability class: class n lost fewer than n commits, and a commit that the class promised
//    when it was synced is there.
// 3. The check is in no number. The columns device_* and the rows of io.csv hold the writes and the recovery.
// 4. The harness goes back to the same p commits, so that later phases are checked against what is there.
// 5. Same spec, same bytes: `random` survivors are drawn from the run's seed and the phase's place.

import Accounting
import CSystem
import EngineCatalogue
import KeyValue
import Primitives
import Results
import Storage
import Workload

/// What a run carries from phase to phase.
struct RunState {
  var device: RunDevice
  var engine: any Engine
  var checker: AnswerChecker
  var position: StreamPosition
  var commitCount: UInt64
}

/// A recovery that broke the engine's promise.
struct BrokenPromise: Error, CustomStringConvertible {
  var description: String
}

/// The writes of a crash phase, and what a check of the reopened engine says.
struct CrashPhase {
  let workload: WorkloadSpec
  let commit: CommitSpec
  let position: StreamPosition
  private(set) var commits: [[Operation]] = []
  private(set) var logicalWriteByteCount: UInt64 = 0
  /// Commits of the phase up to the last one that was synced.
  private(set) var syncedCount = 0
  private(set) var streamHash = ""
  private(set) var endPosition: StreamPosition

  init(workload: WorkloadSpec, commit: CommitSpec, position: StreamPosition) {
    self.workload = workload
    self.commit = commit
    self.position = position
    endPosition = position
  }

  var operationCount: Int { commits.reduce(0) { $0 + $1.count } }

  /// Applies the phase's operations.
  mutating func write(
    _ stream: consuming OperationStream, to engine: any Engine, commitCount: inout UInt64
  ) throws {
    var encoder = OperationEncoder(workload: workload)
    var batch = WriteBatch(reservedByteCount: 1 << 16)
    var gathered: [Operation] = []
    var operation = Operation()
    func apply() throws {
      if gathered.isEmpty { return }
      commitCount += 1
      let every = UInt64(commit.syncEveryCommits)
      let syncs = every > 0 && commitCount % every == 0
      try engine.apply(batch, sync: syncs)
      logicalWriteByteCount += UInt64(batch.logicalByteCount)
      commits.append(gathered)
      if syncs { syncedCount = commits.count }
      batch.removeAll()
      gathered.removeAll(keepingCapacity: true)
    }
    while stream.next(&operation) {
      encoder.append(operation, to: &batch)
      gathered.append(operation)
      if gathered.count == commit.batchOperations { try apply() }
    }
    try apply()
    streamHash = stream.hash.description
    endPosition = stream.position
  }

  /// How many of the phase's commits the reopened engine holds.
  ///
  /// - Throws: `BrokenPromise` when that is no prefix, or shorter than the class promises.
  func recoveredCommitCount(in engine: any Engine) throws -> Int {
    let first = position.nextKeyIndex
    var isFound = [Bool](repeating: false, count: operationCount)
    let cursor = try engine.makeCursor(.all, .forward)
    while try cursor.next() {
      cursor.withCurrent { key, _ in
        let index = key.withUnsafeBytes { workload.keys.decode($0)?.index }
        guard let index, index >= first, index - first < UInt64(isFound.count) else { return }
        isFound[Int(index - first)] = true
      }
    }
    var recovered = 0
    var place = 0
    var gap: Int?
    for (number, operations) in commits.enumerated() {
      let found = isFound[place..<(place + operations.count)].count { $0 }
      place += operations.count
      if found > 0 && found < operations.count {
        throw BrokenPromise(
          description:
            "after the power cut commit \(number) is there in part: \(found) of \(operations.count) keys")
      }
      if found == 0 {
        gap = gap ?? number
      } else if let gap {
        throw BrokenPromise(
          description: "after the power cut commit \(number) is there and commit \(gap) before it is not")
      } else {
        recovered = number + 1
      }
    }
    try check(recovered, engine.durabilityClass)
    return recovered
  }

  private func check(_ recovered: Int, _ durability: DurabilityClass) throws {
    let lost = commits.count - recovered
    guard case .everyCommits(let kept) = durability else { return }
    let promised = commit.syncEveryCommits > 0 && kept <= commit.syncEveryCommits ? syncedCount : 0
    if lost >= kept || recovered < promised {
      throw BrokenPromise(
        description:
          "after the power cut \(recovered) of \(commits.count) commits are there, \(promised) were synced, and class "
          + "\(durability) loses fewer than \(kept)")
    }
  }

  /// The state after the first commits, scanned and compared with what the engine holds.
  func rolledBack(
    _ before: AnswerChecker, to recovered: Int, in engine: any Engine
  ) throws -> AnswerChecker {
    var checker = before
    for operations in commits[..<recovered] {
      for operation in operations { checker.note(operation) }
      checker.applied()
    }
    guard workload.checksAnswers else { return checker }
    let cursor = try engine.makeCursor(.all, .forward)
    checker.beginScanOfEverything()
    try cursor.showNext(upTo: .max) { checker.checkEntry(key: $0, value: $1) }
    checker.endScan()
    if checker.wrongAnswerCount > 0, let wrong = checker.firstWrongAnswer { throw wrong }
    return checker
  }
}

extension RunSpec {
  /// Whether a phase cuts the power, so that the run goes on on another device.
  public var cutsPower: Bool { phases.contains { $0.kind == "crash" } }
}

extension RunExecutor {
  /// Runs a crash phase.
  ///
  /// - Returns: the run's state after recovery; unchanged when the engine promises nothing.
  func runCrash(
    _ phase: PhaseSpec, _ stream: consuming OperationStream, _ ordinal: Int, _ workload: WorkloadSpec,
    _ state: RunState
  ) throws -> RunState {
    if let reason = Self.reasonNotToCrash(state.engine) {
      var row = Self.row(of: spec, phase, ordinal, status: .skipped)
      row.reason = reason
      outcome.runs.append(row)
      return state
    }
    guard let fault = state.device.stack.fault else {
      preconditionFailure("The device of a run with a crash phase keeps what a crash leaves.")
    }
    try state.engine.checkpoint()
    unsettled = nil
    let start = MeterReading(state.device)
    var result = state
    var written = CrashPhase(workload: workload, commit: spec.commit, position: state.position)
    try written.write(stream, to: state.engine, commitCount: &result.commitCount)
    let atCut = MeterReading(state.device)
    try checkConservation(channel: state.device.channel, counting: state.device.stack.counting)
    let image = fault.crash(survivors: survivors(phase, ordinal))
    // Whatever the old engine still does while it is let go, it does to a dead device.
    fault.add(ScriptedFault(at: fault.callCount, repeats: true, .powerLoss))

    result.device = try RunDevice(spec, reopening: image, timeModel: timeModel)
    let openingStart = betula_monotonic_nanoseconds()
    do {
      result.engine = try entry.open(
        result.device.environment(for: spec, creates: false), spec.engineParameters)
    } catch {
      throw BrokenPromise(description: "after the power cut the engine cannot be opened: \(error)")
    }
    let openingEnd = betula_monotonic_nanoseconds()
    let opened = MeterReading(result.device)

    let recovered = try written.recoveredCommitCount(in: result.engine)
    result.checker = try written.rolledBack(state.checker, to: recovered, in: result.engine)
    try result.engine.verify()
    try result.engine.dropCache()
    temperature = "cold"
    result.position = written.endPosition

    let end = atCut.continued(by: opened)
    var row = baseRow(phase, ordinal, result.engine)
    row.operations = UInt64(written.operationCount)
    row.logicalWriteBytes = written.logicalWriteByteCount
    row.streamHash = written.streamHash
    if workload.checksAnswers { row.answersChecked = 1 }
    row.memoryPeakBytes = UInt64(
      max(state.device.budget.peakByteCount, result.device.budget.peakByteCount))
    if result.engine.limits.countsTransfers {
      fillDevice(&row, start, end)
      row.recoveryReadCount = opened.counts[.read].operationCount
      row.recoveryReadBytes = opened.counts[.read].byteCount
      row.recoveryWriteBytes = opened.counts[.write].byteCount
      row.recoveryDeviceS = opened.charge.deviceSeconds
    }
    row.recoveryLostOperations = UInt64(
      written.operationCount - written.commits[..<recovered].reduce(0) { $0 + $1.count })
    fillSpace(&row, try result.engine.spaceReport(), result.checker.state)
    try finishRow(row, phase, start, end, isCounted: result.engine.limits.countsTransfers)
    outcome.timing[outcome.timing.count - 1].recoveryWallS = Double(openingEnd - openingStart) / 1e9
    return result
  }

  /// Why a power cut would show nothing, nil when it would.
  private static func reasonNotToCrash(_ engine: any Engine) -> String? {
    if !engine.limits.stores { return "the engine keeps nothing, so nothing can be recovered" }
    if engine.durabilityClass == .none {
      return "durability class none promises nothing: there is no committed prefix to recover"
    }
    if !engine.limits.countsTransfers { return "the engine's bytes are not on the device that loses power" }
    return nil
  }

  private func survivors(_ phase: PhaseSpec, _ ordinal: Int) -> CrashSurvivors {
    switch phase.parameters.text("survivors") {
    case "all": .all
    case "random": .seeded(spec.seed &* 1_000_003 &+ UInt64(ordinal))
    default: .none
    }
  }
}

extension MeterReading {
  /// This reading with what another device counted since it was made added, at the other's time.
  func continued(by later: MeterReading) -> MeterReading {
    var result = later
    result.ledger = ledger
    result.ledger.merge(later.ledger)
    result.counts = counts.adding(later.counts)
    result.charge = charge.adding(later.charge)
    return result
  }
}
