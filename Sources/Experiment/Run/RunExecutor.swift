// One run from beginning to end: the only place that composes an engine, a workload and a device.
//
//   RunSpec ─▶ RunDevice ─▶ engine.open ─▶ phase ─▶ phase ─▶ … ─▶ close ─▶ rows
//                                            │ each phase ends with: conservation checked, rows written
//
// Invariants
// 1. A run either has a row for each of its phases with status ok (or skipped, for a crash phase of an engine that
//    promises nothing), or has failed: then the phase that failed and
//    every other phase of the run carry the reason, because a wrong answer or a lost byte voids the whole run.
// 2. Numbers that depend on a clock go to timing and latency rows only.
// 3. Nothing here knows an engine by name.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Results
import Storage
import Workload

/// What a run left: rows for the record, and what the manifest says of its engine.
public struct RunOutcome: Sendable {
  /// One row a phase.
  public var runs: [RunRow] = []
  /// What moved, by phase, direction, cause and level.
  public var io: [IORow] = []
  /// Counters by operation count.
  public var series: [SeriesRow] = []
  /// Distributions over operations.
  public var histograms: [HistogramRow] = []
  /// Time by the machine's clocks, one row a phase.
  public var timing: [TimingRow] = []
  /// Latency by the machine's clock, one row a phase and kind of operation.
  public var latency: [LatencyRow] = []
  /// Settings as read back from the running engine.
  public var settings: [(name: String, value: String)] = []
  /// Why the run failed, nil when it did not.
  public var failure: String?
  /// The hash of the device's bytes at the end, nil where the device is a file.
  public var deviceHash: UInt64?
  /// The trace, when it was asked for in memory.
  public var trace: [UInt8]?

  /// Nothing yet.
  public init() {}
}

/// Makes one run.
public final class RunExecutor {
  let spec: RunSpec
  let entry: EngineEntry
  let observer: RunObserver
  private let keepVolumesDirectory: String?
  private let traceRequest: TraceRequest?
  let timeModel: TimeModel?
  let tick: (String, UInt64, UInt64) -> Void
  /// Where the run goes on from, nil for its beginning.
  private let origin: RunBranchPoint?
  /// The reopen phase at which the run ends and leaves a branch point, nil for a run to its end.
  private let branchOrdinal: Int?

  var outcome = RunOutcome()
  var temperature = "cold"
  /// The last writing phase whose settled columns are still owed.
  var unsettled: UnsettledPhase?
  private var peakAllocatedRatio: Double?
  private let kernelAgreement: KernelAgreement
  /// Left when the run ended at its branch phase instead of its end.
  private(set) var branchPoint: RunBranchPoint?
  /// Whether the branch phase was run through, because the engine cannot be doubled there.
  private(set) var hasPassedBranch = false

  /// An executor for `spec`.
  ///
  /// - Parameters:
  ///   - tick: called with (phase, operations done, operations of the phase) every few thousand operations.
  ///   - keepVolumesDirectory: where the device's bytes are kept as `<run id>.volume`; nil to keep none.
  ///   - trace: the trace to leave; nil for none.
  ///   - timeModel: what the clock charges under instead of the spec's profile.
  public convenience init(
    spec: RunSpec, entry: EngineEntry, observer: RunObserver = RunObserver(),
    keepVolumesDirectory: String? = nil, trace: TraceRequest? = nil, timeModel: TimeModel? = nil,
    tick: @escaping (String, UInt64, UInt64) -> Void = { _, _, _ in }
  ) {
    self.init(
      spec: spec, entry: entry, observer: observer, keepVolumesDirectory: keepVolumesDirectory, trace: trace,
      timeModel: timeModel, tick: tick, origin: nil, branchOrdinal: nil)
  }

  /// An executor of a part of `spec`: from `origin` on, to the reopen phase `branchOrdinal`.
  init(
    spec: RunSpec, entry: EngineEntry, observer: RunObserver, keepVolumesDirectory: String?,
    trace: TraceRequest? = nil, timeModel: TimeModel? = nil,
    tick: @escaping (String, UInt64, UInt64) -> Void, origin: RunBranchPoint?, branchOrdinal: Int?
  ) {
    self.origin = origin
    self.branchOrdinal = branchOrdinal
    self.spec = spec
    self.entry = entry
    self.observer = observer
    self.keepVolumesDirectory = keepVolumesDirectory
    // After a power cut a run goes on on another device, which a trace does not follow.
    traceRequest = spec.cutsPower ? nil : trace
    if trace != nil, spec.cutsPower {
      observer.noted("\(spec.label): no trace is kept, because a phase of this run cuts the power")
    }
    self.timeModel = timeModel
    self.tick = tick
    kernelAgreement = KernelAgreement(spec.device, noted: observer.noted)
  }

  /// Makes the run.
  ///
  /// - Throws: `RunInterrupted` only; every other failure is in the outcome.
  public func execute() throws(RunInterrupted) -> RunOutcome {
    var failure: (phase: String, reason: String)?
    do {
      try run { phase, error in failure = (phase, error) }
    } catch is RunInterrupted {
      throw RunInterrupted()
    } catch {
      failure = failure ?? ("open", "\(error)")
    }
    if let failure { void(failure) }
    return outcome
  }

  private func run(failed: (String, String) -> Void) throws {
    var phaseName = origin.map { spec.phases[$0.ordinal].name } ?? "open"
    do {
      let source = try RunWorkload(spec)
      let workload = source.spec
      var device =
        try origin?.branchDevice() ?? RunDevice(spec, trace: traceRequest, timeModel: timeModel)
      defer { removeFile(of: device) }
      var engine: any Engine
      var position = origin?.position ?? StreamPosition()
      var commitCount: UInt64 = origin?.commitCount ?? 0
      var checker: AnswerChecker
      if let origin {
        checker = origin.checker
        engine = try goOn(from: origin, device)
        try checkConservation(channel: device.channel, counting: device.stack.counting)
      } else {
        engine = try entry.open(device.environment(for: spec, creates: true), spec.engineParameters)
        outcome.settings = engine.settingsReadBack()
        checker = AnswerChecker(
          workload: workload, maximumValueByteCount: engine.limits.maximumValueByteCount)
      }

      for (ordinal, phase) in spec.phases.enumerated().dropFirst(origin.map { $0.ordinal + 1 } ?? 0) {
        phaseName = phase.name
        if observer.isInterrupted() { throw RunInterrupted() }
        tick(phase.name, 0, 0)
        device.budget.resetPeak()
        checker.beginPhase(phase.name)
        if let (data, stream) = try source.operations(of: phase, ordinal: ordinal, position: position) {
          if phase.kind == "crash" {
            let after = try runCrash(
              phase, stream, ordinal, workload,
              RunState(
                device: device, engine: engine, checker: checker, position: position, commitCount: commitCount
              ))
            (device, engine, checker) = (after.device, after.engine, after.checker)
            (position, commitCount) = (after.position, after.commitCount)
          } else {
            let request = ThreadRequest(phase)
            if request.usesThreads {
              (checker, position, commitCount) = try runThreads(
                request, phase, data, stream, ordinal, workload,
                RunState(
                  device: device, engine: engine, checker: checker, position: position,
                  commitCount: commitCount))
              temperature = "warm"
              try checkConservation(channel: device.channel, counting: device.stack.counting)
              continue
            }
            let loop = PhaseLoop(
              engine: engine, device: device, workload: workload, phase: data,
              stream: stream, checker: checker, commit: spec.commit, commitCount: commitCount)
            (checker, position, commitCount) = try runData(loop, phase, ordinal, engine, device)
            temperature = "warm"
          }
        } else if ordinal == branchOrdinal, engine.limits.countsTransfers, device.stack.canBranch {
          // An engine whose bytes are not on the device cannot be doubled with it, and runs to its end.
          let start = MeterReading(device)
          try engine.close()
          branchPoint = RunBranchPoint(
            ordinal: ordinal, device: device, checker: checker, position: position, commitCount: commitCount,
            outcome: outcome, unsettled: unsettled, peakAllocatedRatio: peakAllocatedRatio, start: start,
            closed: MeterReading(device))
          return
        } else {
          if ordinal == branchOrdinal { hasPassedBranch = true }
          engine = try runVerb(phase, ordinal, engine, device, checker)
        }
        try checkConservation(channel: device.channel, counting: device.stack.counting)
      }
      phaseName = "close"
      try engine.close()
      try checkConservation(channel: device.channel, counting: device.stack.counting)
      try device.budget.requireReleased()
      outcome.deviceHash = device.stack.memory?.contentHash()
      if let keepVolumesDirectory {
        let path = keepVolumesDirectory + "/" + spec.id + ".volume"
        try device.keep(at: path)
        try KeptVolumeNote(spec).write(besideImage: path)
      }
      outcome.trace = try device.trace?.finish()
    } catch let interrupted as RunInterrupted {
      throw interrupted
    } catch {
      failed(phaseName, "\(error)")
      throw error
    }
  }

  private func removeFile(of device: RunDevice) {
    do {
      try device.removeFile()
    } catch {
      observer.noted("the device's file could not be removed: \(error)")
    }
  }

  // MARK: Phases

  private func runData(
    _ loop: consuming PhaseLoop, _ phase: PhaseSpec, _ ordinal: Int, _ engine: any Engine, _ device: RunDevice
  ) throws -> (AnswerChecker, StreamPosition, UInt64) {
    device.trace?.beginPhase(phase.name)
    let start = MeterReading(device)
    let statisticsBefore = engine.statistics()
    let treeBefore = engine.treeReport()
    let checkedBefore = loop.checker.checkedAnswerCount
    var sampleRows: [SeriesRow] = []
    var nextLook: UInt64 = 0
    try loop.run { loop in
      if observer.isInterrupted() { throw RunInterrupted() }
      tick(phase.name, loop.operationCount, loop.phase.operationCount)
      if loop.operationCount >= nextLook || loop.operationCount == loop.phase.operationCount {
        nextLook = loop.operationCount + loop.sampleInterval
        sampleRows.append(try sample(loop, phase, start, engine, device))
      }
    }
    let acknowledged = MeterReading(device)
    device.trace?.acknowledge()
    let wrote = loop.logicalWriteByteCount > 0
    if wrote { try engine.checkpoint() }
    let end = MeterReading(device)
    device.trace?.endPhase()

    var row = baseRow(phase, ordinal, engine)
    // What is replayed is what was recorded.
    row.phaseKind = loop.phase.kind
    row.operations = loop.operationCount
    row.logicalWriteBytes = loop.logicalWriteByteCount
    row.streamHash = loop.stream.hash.description
    row.cacheTemperature = temperature
    if loop.checks { row.answersChecked = loop.checker.checkedAnswerCount - checkedBefore }
    row.memoryPeakBytes = UInt64(device.budget.peakByteCount)
    for account in MemoryAccount.allCases where device.budget.peak(of: account) > 0 {
      row.setMemoryPeak(of: account, byteCount: device.budget.peak(of: account))
    }
    let isCounted = engine.limits.countsTransfers
    if isCounted { fillDevice(&row, start, end) }
    let ledger = end.ledger.subtracting(start.ledger)
    if wrote, isCounted {
      let acknowledgedLedger = acknowledged.ledger.subtracting(start.ledger)
      let bytes = loop.logicalWriteByteCount
      row.waDataAck = WriteAmplification.data(ledger: acknowledgedLedger, logicalWriteByteCount: bytes)
      row.waTotalAck = WriteAmplification.total(ledger: acknowledgedLedger, logicalWriteByteCount: bytes)
      row.waDataEnd = WriteAmplification.data(ledger: ledger, logicalWriteByteCount: bytes)
      row.waTotalEnd = WriteAmplification.total(ledger: ledger, logicalWriteByteCount: bytes)
      row.waFlashAck = acknowledged.flashAmplification(since: start, logicalWriteByteCount: bytes)
      row.waFlashEnd = end.flashAmplification(since: start, logicalWriteByteCount: bytes)
    }
    if isCounted {
      fillReads(&row, loop)
      row.setCommits(loop.transfers)
    }
    for (before, after) in zip(statisticsBefore, engine.statistics()) where before.name == after.name {
      let isLevel = after.name.hasSuffix("_used_bytes")
      row.setStatistic(after.name, isLevel ? after.value : after.value &- before.value)
      if after.name.hasSuffix("_inspected"), row.raStruct == nil, !wrote {
        row.raStruct = ReadAmplification.inspections(
          inspectedCount: after.value &- before.value, operationCount: loop.operationCount)
      }
    }
    row.setTree(engine.treeReport(), since: treeBefore)
    fillSpace(&row, try engine.spaceReport(), loop.checker.state)
    outcome.latency += loop.latency.rows(runID: spec.id, phase: phase.name)
    if isCounted, !spec.isTotalsOnly(at: ordinal) {
      outcome.histograms += loop.transfers.rows(runID: spec.id, phase: phase.name)
      outcome.series += sampleRows
    }
    try finishRow(row, phase, start, end, isCounted: isCounted)
    if wrote, isCounted, !spec.isTotalsOnly(at: ordinal) {
      unsettled = UnsettledPhase(
        row: outcome.runs.count - 1, start: start, logicalWriteByteCount: loop.logicalWriteByteCount)
    }
    return loop.finish()
  }

  private func runVerb(
    _ phase: PhaseSpec, _ ordinal: Int, _ engine: any Engine, _ device: RunDevice, _ checker: AnswerChecker
  ) throws -> any Engine {
    device.trace?.beginPhase(phase.name)
    let start = MeterReading(device)
    var current = engine
    switch phase.kind {
    case "settle": try engine.settle()
    case "checkpoint": try engine.checkpoint()
    case "drop_cache":
      try engine.dropCache()
      temperature = "cold"
    case "reopen":
      try engine.close()
      current = try entry.open(device.environment(for: spec, creates: false), spec.engineParameters)
      temperature = "cold"
    default: preconditionFailure("Phase kind '\(phase.kind)' is in the catalogue but has no meaning here.")
    }
    try finishVerb(phase, ordinal, start, current, device, checker)
    return current
  }

  /// The second half of a reopen phase, on a branch of the device its first half was made on.
  private func goOn(from origin: RunBranchPoint, _ device: RunDevice) throws -> any Engine {
    let start = origin.startReading()
    outcome = origin.outcome(for: spec)
    unsettled = origin.unsettled
    peakAllocatedRatio = origin.peakAllocatedRatio
    temperature = "cold"
    if observer.isInterrupted() { throw RunInterrupted() }
    let engine = try entry.open(device.environment(for: spec, creates: false), spec.engineParameters)
    try finishVerb(spec.phases[origin.ordinal], origin.ordinal, start, engine, device, origin.checker)
    return engine
  }

  /// The row of a phase that was a verb.
  private func finishVerb(
    _ phase: PhaseSpec, _ ordinal: Int, _ start: MeterReading, _ current: any Engine, _ device: RunDevice,
    _ checker: AnswerChecker
  ) throws {
    let end = MeterReading(device)
    device.trace?.endPhase()
    var row = baseRow(phase, ordinal, current)
    row.operations = 0
    row.memoryPeakBytes = UInt64(device.budget.peakByteCount)
    if current.limits.countsTransfers { fillDevice(&row, start, end) }
    fillSpace(&row, try current.spaceReport(), checker.state)
    if phase.kind == "settle" {
      row.saSettled = row.saLive
      if let owed = unsettled {
        let ledger = end.ledger.subtracting(owed.start.ledger)
        let bytes = owed.logicalWriteByteCount
        outcome.runs[owed.row].waDataSettled = WriteAmplification.data(
          ledger: ledger, logicalWriteByteCount: bytes)
        outcome.runs[owed.row].waTotalSettled = WriteAmplification.total(
          ledger: ledger, logicalWriteByteCount: bytes)
        outcome.runs[owed.row].waFlashSettled = end.flashAmplification(
          since: owed.start, logicalWriteByteCount: bytes)
        outcome.runs[owed.row].saSettled = row.saLive
        outcome.runs[owed.row].settleDebtBytes =
          end.ledger.subtracting(start.ledger).total(.write).transferredByteCount
        unsettled = nil
      }
    }
    try finishRow(row, phase, start, end, isCounted: current.limits.countsTransfers)
  }

  // MARK: Rows

  func baseRow(_ phase: PhaseSpec, _ ordinal: Int, _ engine: (any Engine)?) -> RunRow {
    var row = Self.row(of: spec, phase, ordinal, status: .ok)
    row.batchOperations = UInt64(spec.commit.batchOperations)
    row.syncEveryCommits = UInt64(spec.commit.syncEveryCommits)
    row.durabilityClass = engine?.durabilityClass.description
    row.records = UInt64(spec.records)
    row.memoryBudgetBytes = UInt64(spec.memoryBudgetByteCount)
    for (name, value) in spec.engineParameters.sorted { row.setParameter(name, value.description) }
    for (name, value) in spec.workload.sorted where name != "records" {
      row.setParameter(name, value.description)
    }
    row.setParameters(of: spec.device.flash)
    return row
  }

  func fillDevice(_ row: inout RunRow, _ start: MeterReading, _ end: MeterReading) {
    let counts = end.counts.subtracting(start.counts)
    row.deviceReadCount = counts[.read].operationCount
    row.deviceReadBytes = counts[.read].byteCount
    row.deviceWriteCount = counts[.write].operationCount
    row.deviceWriteBytes = counts[.write].byteCount
    row.deviceSyncCount = counts[.sync].operationCount
    row.deviceDiscardBytes = counts[.discard].byteCount
    let ledger = end.ledger.subtracting(start.ledger)
    row.requestedReadBytes = ledger.total(.read).requestedByteCount
    row.requestedWriteBytes = ledger.total(.write).requestedByteCount
    row.leafWriteCount = ledger.total(.write, .leaf).requestedOperationCount
    let charge = end.charge.subtracting(start.charge)
    row.setDiskAccessModelCount(charge.damBlockCount, blockByteCount: end.blockByteCount)
    row.affineMs = charge.affineSeconds * 1000
    row.pdamSteps = charge.pdamStepCount
    row.deviceS = charge.deviceSeconds
    row.fillFlash(start, end)
  }

  private func fillReads(_ row: inout RunRow, _ loop: borrowing PhaseLoop) {
    let hit = loop.tallies[LatencySampler.slot(.getHit)]
    let miss = loop.tallies[LatencySampler.slot(.getMiss)]
    let scan = loop.tallies[LatencySampler.slot(.scan)]
    let readCount = hit.operationCount + miss.operationCount + scan.operationCount
    guard readCount > 0 else { return }
    let returned = hit.returnedByteCount + miss.returnedByteCount + scan.returnedByteCount
    let transfers = hit.readTransferCount + miss.readTransferCount + scan.readTransferCount
    let bytes = hit.readByteCount + miss.readByteCount + scan.readByteCount
    row.returnedBytes = returned
    row.raIos = quotient(transfers, readCount)
    row.raBytes = quotient(bytes, returned)
    row.readBytesPerOperation = quotient(bytes, readCount)
    row.raIosHit = quotient(hit.readTransferCount, hit.operationCount)
    row.raIosMiss = quotient(miss.readTransferCount, miss.operationCount)
    row.raIosScan = quotient(scan.readTransferCount, scan.operationCount)
    row.raBytesHit = quotient(hit.readByteCount, hit.returnedByteCount)
    row.raBytesScan = quotient(scan.readByteCount, scan.returnedByteCount)
    row.readBytesPerOperationHit = quotient(hit.readByteCount, hit.operationCount)
    row.readBytesPerOperationMiss = quotient(miss.readByteCount, miss.operationCount)
    row.readBytesPerOperationScan = quotient(scan.readByteCount, scan.operationCount)
    let transfersPerOperation = loop.transfers.readTransfers
    row.readTransfersPerOperationP50 = transfersPerOperation.valueAtPercentile(50)
    row.readTransfersPerOperationP90 = transfersPerOperation.valueAtPercentile(90)
    row.readTransfersPerOperationP99 = transfersPerOperation.valueAtPercentile(99)
    row.readTransfersPerOperationP999 = transfersPerOperation.valueAtPercentile(99.9)
    row.readTransfersPerOperationMax = transfersPerOperation.maxRecorded
    let bytesPerOperation = loop.transfers.readBytes
    row.readBytesPerOperationP50 = bytesPerOperation.valueAtPercentile(50)
    row.readBytesPerOperationP90 = bytesPerOperation.valueAtPercentile(90)
    row.readBytesPerOperationP99 = bytesPerOperation.valueAtPercentile(99)
    row.readBytesPerOperationP999 = bytesPerOperation.valueAtPercentile(99.9)
    row.readBytesPerOperationMax = bytesPerOperation.maxRecorded
  }

  func fillSpace(_ row: inout RunRow, _ space: SpaceReport, _ state: KeyState) {
    row.allocatedBytes = space.allocatedByteCount
    row.liveLogicalBytes = state.liveLogicalByteCount
    row.freeLargestExtent = space.largestFreeExtentByteCount
    for part in space.parts { row.setSpacePart(part.name, byteCount: part.byteCount) }
    row.dataMemoryRatio = quotient(state.liveLogicalByteCount, UInt64(spec.memoryBudgetByteCount))
    let ratio = SpaceAmplification.ratio(
      allocatedByteCount: space.allocatedByteCount, liveLogicalByteCount: state.liveLogicalByteCount)
    row.saLive = ratio
    if let ratio { peakAllocatedRatio = max(peakAllocatedRatio ?? ratio, ratio) }
    row.saPeak = peakAllocatedRatio
  }

  private func sample(
    _ loop: borrowing PhaseLoop, _ phase: PhaseSpec, _ start: MeterReading, _ engine: any Engine,
    _ device: RunDevice
  ) throws -> SeriesRow {
    let now = MeterReading(device)
    let ledger = now.ledger.subtracting(start.ledger)
    var row = SeriesRow(
      runID: spec.id, phase: phase.name, operations: loop.operationCount, ledger: ledger,
      logicalWriteByteCount: loop.logicalWriteByteCount)
    let counts = now.counts.subtracting(start.counts)
    row.returnedBytes = loop.tallies.reduce(0) { $0 + $1.returnedByteCount }
    row.deviceReadCount = counts[.read].operationCount
    row.deviceReadBytes = counts[.read].byteCount
    row.deviceWriteCount = counts[.write].operationCount
    row.deviceWriteBytes = counts[.write].byteCount
    row.deviceSyncCount = counts[.sync].operationCount
    let space = try engine.spaceReport()
    row.allocatedBytes = space.allocatedByteCount
    if let ratio = SpaceAmplification.ratio(
      allocatedByteCount: space.allocatedByteCount,
      liveLogicalByteCount: loop.checker.state.liveLogicalByteCount)
    {
      peakAllocatedRatio = max(peakAllocatedRatio ?? ratio, ratio)
    }
    row.deviceS = now.charge.subtracting(start.charge).deviceSeconds
    row.memoryHeldBytes = UInt64(device.budget.heldByteCount)
    return row
  }

  /// Publishes a phase's rows.
  ///
  /// - Throws: `KernelDisagreement` when the kernel's count of a phase past the page cache is not ours.
  func finishRow(
    _ row: RunRow, _ phase: PhaseSpec, _ start: MeterReading, _ end: MeterReading, isCounted: Bool
  ) throws {
    if let ordinal = row.phaseIndex, spec.isTotalsOnly(at: Int(ordinal)) {
      outcome.runs.append(totalsOnly(row, phase, Int(ordinal)))
    } else {
      outcome.runs.append(row)
      outcome.io += IORow.rows(
        runID: spec.id, phase: phase.name, ledger: end.ledger.subtracting(start.ledger))
    }
    let seconds = end.seconds(since: start)
    var timing = TimingRow(
      runID: spec.id, phase: phase.name, wallSeconds: seconds.wall, userSeconds: seconds.user,
      systemSeconds: seconds.system, operationCount: row.operations ?? 0)
    if spec.device.kind == .file, let kernel = end.kernelResidual(since: start) {
      timing.kernelReadBytes = kernel.counts.deviceReadByteCount
      timing.kernelWriteBytes = kernel.counts.deviceWriteByteCount
      timing.kernelWriteResidualBytes = Double(kernel.residual.writeByteCount)
      // The files of a control that is not counted are no part of the device.
      if isCounted { try kernelAgreement.check(kernel.residual, phase: phase.name) }
    }
    outcome.timing.append(timing)
  }

  /// Marks the run failed: what it had measured is not published, each phase says why.
  private func void(_ failure: (phase: String, reason: String)) {
    outcome = Self.voided(spec, reason: "phase '\(failure.phase)': \(failure.reason)")
  }

  /// The outcome of a run that failed.
  static func voided(_ spec: RunSpec, reason: String) -> RunOutcome {
    var outcome = RunOutcome()
    outcome.failure = reason
    outcome.runs = emptyRows(spec, status: .failed, reason: reason)
    return outcome
  }

  /// Rows for a run that has nothing to show.
  static func emptyRows(_ spec: RunSpec, status: RunStatus, reason: String) -> [RunRow] {
    spec.phases.enumerated().map { ordinal, phase in
      var row = row(of: spec, phase, ordinal, status: status)
      row.reason = reason
      return row
    }
  }

  /// What identifies a row.
  static func row(of spec: RunSpec, _ phase: PhaseSpec, _ ordinal: Int, status: RunStatus) -> RunRow {
    var row = RunRow(runID: spec.id, phase: phase.name)
    row.study = spec.study
    row.engine = spec.engine
    row.label = spec.label
    row.phaseKind = phase.kind
    row.phaseIndex = UInt64(ordinal)
    row.repeat = UInt64(spec.repeatIndex)
    row.seed = spec.seed
    row.status = status
    return row
  }
}
