// A plan, run so that nothing done is ever done twice: finished runs are stored one by one, made in processes beside
// each other, and put together to a record when all are there.
//
//   plan ─▶ survey of the store ─▶ groups that share loads ─▶ queue ─┬─▶ worker ─▶ store
//                │                                                   └─▶ worker ─▶ store
//                └── valid runs ────────────────────────────────────────────────────▶ record, in the plan's order
//
// Invariants
// 1. The record is a function of plan and build: not of the number of jobs, of the order in which runs ended, or of
//    how often the sweep was ended and begun again (clock readings excepted).
// 2. A run that ends its process fails alone; its row says how the process ended and what it said last.
// 3. Runs of file devices are made one at a time, with nothing beside them, in the plan's order, after all others.
// 4. The estimated memory of what is made side by side stays below the share of free memory that may be planned for.

import CSystem
import Foundation
import KeyValue
import Results

/// How a sweep is run.
public struct SweepOptions {
  /// Where finished runs are kept, a folder for each study.
  public var storeFolder: String
  /// Where volumes are kept, nil for nowhere.
  public var keepVolumesDirectory: String?
  /// Where traces are kept, nil for nowhere.
  public var keepTracesDirectory: String?
  /// The folder whose commit the manifest names, nil for none.
  public var repository: String?
  /// The scale asked for; a word for the manifest.
  public var scale: String
  /// The most runs side by side; nil for the study's number, or one less than the machine has processors.
  public var jobs: Int?
  /// Which stored runs count.
  public var reuse: RunStore.Reuse
  /// The program and arguments that begin a worker of this process.
  public var workerCommand: [String]
  /// Who hears of progress and may interrupt.
  public var observer: RunObserver

  /// The defaults reuse what this build made.
  public init(
    storeFolder: String, workerCommand: [String], keepVolumesDirectory: String? = nil,
    keepTracesDirectory: String? = nil, repository: String? = nil, scale: String = "", jobs: Int? = nil,
    reuse: RunStore.Reuse = .sameBuild,
    observer: RunObserver = RunObserver()
  ) {
    self.storeFolder = storeFolder
    self.workerCommand = workerCommand
    self.keepVolumesDirectory = keepVolumesDirectory
    self.keepTracesDirectory = keepTracesDirectory
    self.repository = repository
    self.scale = scale
    self.jobs = jobs
    self.reuse = reuse
    self.observer = observer
  }
}

/// Runs a plan in worker processes.
public final class SweepRunner {
  private let plan: Plan
  private let options: SweepOptions
  private let store: RunStore
  private let jobs: Int
  private var queue: SweepQueue
  private var workers: [WorkerProcess] = []
  private var timeLeft = TimeLeft()
  private var survey = RunStore.Survey()
  private var finishedCount = 0
  private var failedCount = 0
  private var doneOperations: UInt64 = 0
  /// Workers that ended before they began a run, one after the other.
  private var fruitlessEnds = 0
  private let memoryLimitByteCount: Int

  /// A sweep of `plan`.
  public init(plan: Plan, options: SweepOptions) {
    self.plan = plan
    self.options = options
    store = RunStore(folder: options.storeFolder, study: plan.study.name, build: BuildIdentity.current)
    let most = max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
    let wanted = options.jobs ?? plan.study.jobs ?? most
    jobs = max(1, min(wanted, plan.study.jobs ?? wanted, Self.maximumJobs))
    queue = SweepQueue(vocabulary: .standard)
    let free = HostResources.current(path: NSTemporaryDirectory()).freeMemoryByteCount
    memoryLimitByteCount = free.map { Int(RunEstimate.usableShare * Double($0)) } ?? .max
  }

  /// The most processes.
  public static let maximumJobs = 200

  // MARK: The record that is there

  /// Whether the record in `directory` is the one this sweep would come to: made by this build from this plan, every
  /// run done, its files there in their lengths.
  public func isFinished(_ directory: String) -> Bool {
    guard options.reuse != .none, options.keepVolumesDirectory == nil, options.keepTracesDirectory == nil
    else { return false }
    let reader = RecordReader(directory: directory)
    // A record that cannot be read is not the one wanted; writing will say what is wrong with it.
    guard reader.exists, let manifest = try? reader.readManifest(), let sweep = manifest.sweep,
      sweep.planHash == plan.hash, sweep.failedRunCount == 0,
      sweep.skippedRunCount == plan.runs.lazy.filter({ $0.absence != nil }).count,
      options.reuse == .any || (sweep.build == store.build && sweep.otherBuildRunCount == 0),
      manifest.figures == plan.study.figures, manifest.claims ?? [] == plan.study.claims,
      isSame(manifest.study, plan.manifestStudy(scale: options.scale))
    else { return false }
    return manifest.outputs.allSatisfy { output in
      let path = directory + "/" + output.file
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)  // gone: not finished
      return (attributes?[.size] as? NSNumber)?.intValue == output.byteCount
    }
  }

  /// Whether two studies have the same JSON: a whole real number is read back as an integer.
  private func isSame(_ one: Manifest.Study, _ other: Manifest.Study) -> Bool {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // What cannot be encoded cannot have been written.
    guard let first = try? encoder.encode(one), let second = try? encoder.encode(other) else { return false }
    return first == second
  }

  /// Removes the plan's stored runs.
  public func discardRuns() throws(RecordError) {
    try store.prepare()
    try store.discard(plan.runs.map(\.id))
  }

  // MARK: The sweep

  /// Makes what is missing, and puts the record together.
  ///
  /// - Throws: `RunInterrupted` (what was finished is kept), `RecordError` when the store refuses, `SweepFailure`.
  public func run() throws -> RecordText {
    betula_ignore_broken_pipes()
    var draft = ManifestDraft(plan: plan, repository: options.repository, scale: options.scale)
    try store.prepare()
    try removeLeftoverFiles()
    let able = plan.runs.filter { $0.absence == nil }
    for run in plan.runs {
      if let absence = run.absence { options.observer.noted("\(run.label) skipped: \(absence)") }
    }
    survey = try store.survey(able.map(\.id), reuse: options.reuse)
    if let keep = options.keepVolumesDirectory {
      survey.valid = survey.valid.filter { FileManager.default.fileExists(atPath: "\(keep)/\($0).volume") }
    }
    if let keep = options.keepTracesDirectory {
      let traced = Set(able.filter { !$0.cutsPower }.map(\.id))
      survey.valid = survey.valid.filter {
        !traced.contains($0) || FileManager.default.fileExists(atPath: "\(keep)/\($0).trace")
      }
    }
    for note in survey.notes { options.observer.noted(note) }
    noteSurvey()
    finishedCount = plan.runs.count - able.count + survey.valid.count
    queue.add(able.filter { !survey.valid.contains($0.id) })
    defer { endWorkers() }
    try work()
    return try assemble(&draft)
  }

  private func noteSurvey() {
    let total = plan.runs.count
    if !survey.valid.isEmpty {
      options.observer.noted(
        "\(survey.valid.count) of \(total) runs are there already, in \(store.directory)")
    }
    if survey.failedCount > 0 {
      options.observer.noted("\(survey.failedCount) runs failed before and are tried again")
    }
    if survey.outdatedCount > 0 {
      options.observer.noted(
        "\(survey.outdatedCount) stored runs are of another build and are made again; --reuse any takes them as they are"
      )
    }
  }

  private func removeLeftoverFiles() throws(RecordError) {
    let folders = Set(plan.runs.filter { $0.device.kind == .file }.map(\.device.path))
    for folder in folders {
      do {
        try RunDevice.removeLeftovers(folder: folder)
      } catch {
        throw .unusable(path: folder ?? NSTemporaryDirectory(), reason: "cannot be cleaned up: \(error)")
      }
    }
  }

  private func work() throws {
    while !queue.isEmpty || workers.contains(where: { !$0.assigned.isEmpty }) {
      try assign()
      let descriptors = workers.flatMap(\.descriptors)
      let result = betula_await_readable(descriptors, Int32(descriptors.count), 200)
      guard result >= 0 else {
        throw SweepFailure(description: "workers cannot be waited for: errno \(-result)")
      }
      for worker in workers { try hear(worker) }
      workers.removeAll { $0.descriptors.isEmpty }
      showProgress()
      if options.observer.isInterrupted() { throw interrupted() }
    }
  }

  /// Gives idle workers runs, and starts workers while there are runs for them.
  private func assign() throws(SweepFailure) {
    for worker in workers where worker.isIdle {
      let busy = workers.filter { !$0.assigned.isEmpty }
      if busy.contains(where: \.isAlone) { return }
      let held = busy.reduce(0) { $0 + $1.memoryByteCount }
      let room = busy.isEmpty ? Int.max : memoryLimitByteCount - held
      guard let next = queue.next(memoryByteCount: room, isAlone: busy.isEmpty) else { continue }
      worker.isAlone = next.isAlone
      worker.memoryByteCount = next.memoryByteCount
      worker.dispatched = next.operations
      worker.dispatch(next.runs.map(\.ordinal))
    }
    let free = workers.filter { $0.assigned.isEmpty }.count
    let useful = queue.isFileNext ? (workers.isEmpty ? 1 : 0) : queue.groupCount - free
    let count = min(jobs - workers.count, useful)
    guard count > 0 else { return }
    let assignment = WorkerAssignment(
      study: plan.study.portableYAML,
      storeFolder: URL(fileURLWithPath: options.storeFolder).standardizedFileURL.path,
      build: store.build, keepVolumesDirectory: options.keepVolumesDirectory,
      keepTracesDirectory: options.keepTracesDirectory)
    for _ in 0..<count { workers.append(try WorkerProcess(command: options.workerCommand, assignment)) }
  }

  private func hear(_ worker: WorkerProcess) throws {
    let heard = try worker.hear()
    for report in heard.reports {
      switch report {
      case .ready(let hash):
        guard hash == plan.hash else {
          throw SweepFailure(description: "a worker expanded the study to another plan")
        }
      case .began: fruitlessEnds = 0
      case .progress, .idle: break
      case .finished(let ordinal, let failure):
        finishedCount += 1
        if let failure { noteFailure(plan.runs[ordinal], failure) }
      case .measured(let label, let operationCount, let seconds):
        doneOperations += operationCount
        timeLeft.add(label: label, operationCount: operationCount, seconds: seconds)
      case .note(let text): options.observer.noted(text)
      }
    }
    if heard.hasEnded { try bury(worker) }
  }

  private func noteFailure(_ run: RunSpec, _ reason: String) {
    failedCount += 1
    options.observer.noted("\(run.label) failed: \(reason)")
  }

  /// A worker's output has ended: what it was making has failed, what it had not begun is made by another.
  private func bury(_ worker: WorkerProcess) throws {
    let end = worker.await()
    if options.observer.isInterrupted() { throw interrupted() }
    let words = worker.lastSentence
    if end == .status(SweepWorker.storeRefusedStatus) {
      throw SweepFailure(description: "a worker could not store a run: \(words)")
    }
    let lost = worker.active
    if lost.isEmpty {
      fruitlessEnds += 1
      guard fruitlessEnds < 3 else {
        throw SweepFailure(
          description: "workers end before they begin a run, the last \(end.description): \(words)")
      }
    }
    var reason = "the process that made it ended \(end.description)"
    if end == .signal(9) { reason += ", as when memory runs out" }
    if !words.isEmpty { reason += "; its last words: \(words)" }
    for ordinal in lost {
      let run = plan.runs[ordinal]
      try store.write(RunExecutor.voided(run, reason: reason).stored(run, build: store.build))
      finishedCount += 1
      noteFailure(run, reason)
    }
    let rest = worker.assigned.subtracting(lost).sorted()
    queue.add(rest.map { plan.runs[$0] }, first: true)
    try removeLeftoverFiles()
  }

  private func interrupted() -> RunInterrupted {
    let kept = finishedCount - plan.runs.lazy.filter { $0.absence != nil }.count - failedCount
    return RunInterrupted(
      remains: "no record was written; \(kept) of \(plan.runs.count) runs are kept in \(store.directory), "
        + "and the same command goes on from there")
  }

  /// Lets idle workers go; busy ones are asked to end, and ended when they do not within two seconds.
  private func endWorkers() {
    for worker in workers {
      if !worker.assigned.isEmpty { worker.end(gently: true) }
      worker.dismiss()
    }
    let deadline = betula_monotonic_nanoseconds() + 2_000_000_000
    while workers.contains(where: { !$0.descriptors.isEmpty }), betula_monotonic_nanoseconds() < deadline {
      let descriptors = workers.flatMap(\.descriptors)
      _ = betula_await_readable(descriptors, Int32(descriptors.count), 100)
      // What they still say matters no more; a run they stored is found in the store.
      for worker in workers { _ = try? worker.hear() }
    }
    for worker in workers {
      if !worker.descriptors.isEmpty { worker.end(gently: false) }
      _ = worker.await()
    }
    workers = []
  }

  private func showProgress() {
    var left = queue.operations
    var inFlight: UInt64 = 0
    var active: [SweepProgress.Active] = []
    for worker in workers where !worker.assigned.isEmpty {
      var done = worker.measuredOperations
      if let progress = worker.progress {
        done = max(done, progress.total)
        inFlight += done - worker.measuredOperations
        active.append(
          SweepProgress.Active(
            label: plan.runs[progress.ordinal].label, phase: progress.phase,
            completedOperations: progress.done,
            totalOperations: progress.count))
      }
      for (label, count) in worker.dispatched.sorted(by: { $0.key < $1.key }) {
        let counted = min(done, count)
        done -= counted
        left[label, default: 0] += count - counted
      }
    }
    let completed = doneOperations + inFlight
    options.observer.progressed(
      SweepProgress(
        runCount: plan.runs.count, finishedRunCount: finishedCount, reusedRunCount: survey.valid.count,
        active: active, completedOperations: completed,
        totalOperations: completed + left.values.reduce(0, +),
        secondsLeft: timeLeft.seconds(left: left, jobs: min(jobs, max(1, workers.count)))))
  }

  // MARK: The record

  private func assemble(_ draft: inout ManifestDraft) throws -> RecordText {
    var seen: Set<String> = []
    for run in plan.runs where run.absence == nil && seen.insert(run.label).inserted {
      draft.addReadBack(run, try store.read(run.id).settings.map { ($0.name, $0.value) })
    }
    let sharedCount = queue.savedLoadCount
    if jobs > 1 && queue.hasParallelWork {
      draft.furtherLimits.append(
        "Up to \(jobs) runs were made side by side on this machine: times in timing.csv and latency.csv are those of a "
          + "shared machine. For times, run with --jobs 1, or say execution: { jobs: 1 } in the study.")
    }
    if sharedCount > 0 {
      draft.furtherLimits.append(
        "\(sharedCount) runs shared a load made once: their shared phases repeat one measurement of time.")
    }
    if survey.otherBuildCount > 0 {
      draft.furtherLimits.append(
        "\(survey.otherBuildCount) runs were made by other builds than the one named here.")
    }
    let absent = plan.runs.filter { $0.absence != nil }.count
    let manifest = draft.finished(
      sweep: Manifest.Sweep(
        build: store.build, planHash: plan.hash, runCount: plan.runs.count,
        reusedRunCount: survey.valid.count, otherBuildRunCount: survey.otherBuildCount,
        failedRunCount: failedCount, skippedRunCount: absent, jobs: jobs))
    return try RecordText(manifest: manifest, runCount: plan.runs.count) { index throws(RecordError) in
      let run = plan.runs[index]
      guard let absence = run.absence else {
        return try AxisColumns.filled(store.read(run.id), run, plan.study)
      }
      var stored = StoredRun(
        id: run.id, study: run.study, build: store.build, status: .skipped, reason: absence)
      let rows = RunExecutor.emptyRows(run, status: .skipped, reason: absence)
      stored.setRows(AxisColumns.filled(rows, run, plan.study))
      return stored
    }
  }
}
