// Goal: sharing a load changes no number, and a sweep's bookkeeping is right.
// Method: differential. Every engine runs a study of seven variants, some of which part at a second reopen, once with
// shared loads and once from the beginning each; every deterministic table must agree, and so must the device's bytes.
// A canary that branches too late must be caught by the same comparison.

import EngineCatalogue
import Foundation
import KeyValue
import Results
import Storage
import Testing

@testable import Experiment

/// Variants that differ before the reopen, after it, and after a second reopen.
private func branchingStudy(engine: String, parameters: String = "{}") -> String {
  """
  schema: 1
  study: branching
  title: Variants over one load
  question: Does sharing change a number?
  seed: 3
  memory_budget: 4MiB
  device: { kind: memory, capacity: 256MiB, profile: hdd-wd-black-2011 }
  workload: { records: 300, value_bytes: 60 }
  commit: { batch_operations: 20, sync_every_commits: 3 }
  engines:
    - { engine: "\(engine)", parameters: \(parameters) }
  phases:
    - { phase: load }
    - { phase: write, name: early, operations: 100, operation: overwrite }
    - { phase: reopen }
    - { phase: mixed, operations: 150, mix: { get_hit: 40, overwrite: 40, delete: 10, upsert_add: 10 } }
    - { phase: reopen, name: again }
    - { phase: read, operations: 50 }
    - { phase: settle }
  axes:
    phases.early.operations: [100, 120]
    phases.mixed.operations: [150, 160]
    phases.read.operations: [50, 60]
  """
}

private func expanded(_ text: String) throws -> Plan {
  try Plan(Study.decode(text, file: "branching", vocabulary: .standard), vocabulary: .standard)
}

private func deterministicText(_ record: Record) -> [String] {
  [
    Table<RunColumns>.text(record.runs), Table<IOColumns>.text(record.io),
    Table<SeriesColumns>.text(record.series),
    Table<HistogramColumns>.text(record.histograms),
  ]
}

@Suite("Sweeps")
struct SweepTests {
  @Test(
    "runs that share a load have the rows and bytes they have alone",
    arguments: engineCatalogue.map(\.descriptor.name))
  func sharing(engine: String) throws {
    var variants = ["{}"]
    if engine == "sqlite" { variants += ["{ journal_mode: delete }", "{ vfs: unix }"] }
    var studies = variants.map { branchingStudy(engine: engine, parameters: $0) }
    // A drive whose wear goes on in each branch.
    studies.append(
      studies[0].replacingOccurrences(
        of: "capacity: 256MiB,",
        with: "capacity: 256MiB, flash: { capacity: 16MiB, erase_block: 64KiB, precondition: full },"))
    for study in studies {
      let plan = try expanded(study)
      #expect(plan.runs.count == 8)
      var hashes: [Bool: [String: UInt64?]] = [:]
      for branches in [true, false] {
        var found: [String: UInt64?] = [:]
        let executor = GroupExecutor(
          branches: branches,
          events: GroupExecutor.Events(finished: { run, outcome in
            #expect(outcome.failure == nil)
            found[run.id] = outcome.deviceHash
          }))
        for group in RunGroup.groups(of: plan.runs) { try executor.execute(group) }
        hashes[branches] = found
      }
      #expect(hashes[true] == hashes[false])
      #expect(hashes[true]?.count == 8)
      let shared = try StudyRunner(plan: plan).run()
      let alone = try StudyRunner(plan: plan, options: .init(sharesLoads: false)).run()
      #expect(deterministicText(shared) == deterministicText(alone))
      #expect(shared.timing.count == alone.timing.count)
      #expect(shared.timing.allSatisfy { ($0.wallS ?? -1) >= 0 && ($0.wallS ?? 1e9) < 600 })
    }
  }

  @Test("beginnings are grouped by content, and each is made once")
  func grouping() throws {
    let plan = try expanded(branchingStudy(engine: "null"))
    let groups = RunGroup.groups(of: plan.runs)
    #expect(groups.map(\.runs.count) == [4, 4])
    #expect(groups.map(\.savedLoadCount) == [3, 3])
    // Load and early once, each of two mixed phases once, each read once.
    #expect(groups[0].operationCount == 300 + 100 + 150 + 160 + 2 * (50 + 60))
    var begun: [[Int]] = []
    let executor = GroupExecutor(
      events: GroupExecutor.Events(began: { begun.append($0.map(\.ordinal)) }, finished: { _, _ in }))
    try executor.execute(groups[0])
    #expect(begun.map(\.count) == [4, 2, 1, 1, 2, 1, 1])
    // Runs of other seeds, budgets or engines share nothing.
    let text = branchingStudy(engine: "null")
    let apart = try expanded(
      text.replacingOccurrences(of: "axes:", with: "repeats: 2\naxes:\n  memory_budget: [4MiB, 5MiB]"))
    #expect(RunGroup.groups(of: apart.runs).map(\.runs.count) == Array(repeating: 4, count: 8))
    let files = try expanded(text.replacingOccurrences(of: "kind: memory", with: "kind: file"))
    #expect(RunGroup.groups(of: files.runs).map(\.runs.count) == Array(repeating: 1, count: 8))
  }

  @Test("a shared beginning that fails has failed for every run, with the reason each would give")
  func sharedFailure() throws {
    // Too small a device: the load does not fit.
    let text = branchingStudy(engine: "sqlite").replacingOccurrences(of: "256MiB", with: "1MiB")
      .replacingOccurrences(of: "records: 300", with: "records: 20_000")
    let plan = try expanded(text)
    let shared = try StudyRunner(plan: plan).run()
    let alone = try StudyRunner(plan: plan, options: .init(sharesLoads: false)).run()
    #expect(shared.runs.allSatisfy { $0.status == .failed })
    #expect(deterministicText(shared) == deterministicText(alone))
  }

  @Test("the comparison notices a run that goes on from the wrong place")
  func canary() throws {
    let plan = try expanded(branchingStudy(engine: "sqlite"))
    let group = RunGroup.groups(of: plan.runs)[0]
    let run = group.runs[0]
    let entry = try #require(engineEntry(named: "sqlite"))
    func execute(_ spec: RunSpec, from point: RunBranchPoint?, to ordinal: Int?) throws -> RunExecutor {
      let executor = RunExecutor(
        spec: spec, entry: entry, observer: RunObserver(), keepVolumesDirectory: nil, tick: { _, _, _ in },
        origin: point, branchOrdinal: ordinal)
      _ = try executor.execute()
      return executor
    }
    let honest = try RunExecutor(spec: run, entry: entry).execute()
    // A load with other writes before the reopen, passed off as this run's.
    let stranger = try #require(RunGroup.groups(of: plan.runs)[1].runs.first)
    let point = try #require(try execute(stranger, from: nil, to: 2).branchPoint)
    let forged = try RunExecutor(
      spec: run, entry: entry, observer: RunObserver(), keepVolumesDirectory: nil, tick: { _, _, _ in },
      origin: point, branchOrdinal: nil
    ).execute()
    #expect(Table<RunColumns>.text(honest.runs) != Table<RunColumns>.text(forged.runs))
    #expect(honest.deviceHash != forged.deviceHash)
  }

  @Test("the queue hands out every run once, files alone and last")
  func queue() throws {
    let text = branchingStudy(engine: "null")
      .replacingOccurrences(of: "axes:", with: "axes:\n  device.kind: [memory, file]")
    let plan = try expanded(text)
    var queue = SweepQueue(vocabulary: .standard)
    queue.add(plan.runs)
    #expect(plan.runs.count == 16)
    #expect(queue.savedLoadCount == 6)
    #expect(queue.next(memoryByteCount: 0, isAlone: true) == nil)
    var handed: [Int] = []
    while let work = queue.next(memoryByteCount: .max, isAlone: false) {
      #expect(!work.isAlone)
      handed += work.runs.map(\.ordinal)
    }
    #expect(handed.count == 8 && queue.isFileNext && !queue.isEmpty)
    var files: [Int] = []
    while let work = queue.next(memoryByteCount: 0, isAlone: true) {
      #expect(work.isAlone && work.runs.count == 1)
      files += work.runs.map(\.ordinal)
    }
    #expect(files == files.sorted())
    #expect(Set(handed + files) == Set(0..<16))
    #expect(queue.isEmpty && queue.operations.values.allSatisfy { $0 == 0 })
  }

  @Test("time left: every engine at its own pace, an unknown one at the pace of all")
  func timeLeft() {
    var left = TimeLeft()
    #expect(left.seconds(left: ["a": 10], jobs: 1) == nil)
    left.add(label: "a", operationCount: 100, seconds: 1)
    left.add(label: "b", operationCount: 100, seconds: 3)
    #expect(left.seconds(left: ["a": 200, "b": 100], jobs: 1) == 5)
    #expect(left.seconds(left: ["a": 200, "b": 100], jobs: 2) == 2.5)
    #expect(left.seconds(left: ["c": 100], jobs: 1) == 2)
    #expect(left.seconds(left: [:], jobs: 1) == 0)
  }

  @Test("lines are cut wherever the pipe cut the bytes, and messages come back as they went")
  func messages() throws {
    let reports: [WorkerReport] = [
      .ready(planHash: "a"), .began(ordinals: [1, 2]),
      .finished(ordinal: 3, failure: "two\nlines, \"quoted\""),
      .progress(ordinal: 1, phase: "load", done: 1, of: 2, total: 3),
      .measured(label: "x", operationCount: 5, seconds: 0.25), .note(""), .idle,
    ]
    let bytes = reports.flatMap { [UInt8](WorkerLine.encoded($0)) }
    for step in [1, 2, 7, 64, 10_000] {
      var buffer = LineBuffer()
      var lines: [Data] = []
      for start in stride(from: 0, to: bytes.count, by: step) {
        lines += buffer.add(bytes[start..<min(bytes.count, start + step)])
      }
      #expect(try lines.map { try WorkerLine.decoded(WorkerReport.self, $0) } == reports)
    }
  }

  @Test("execution: { jobs } is read, written, set, and no part of a run's identity")
  func jobsKey() throws {
    let text = branchingStudy(engine: "null")
    let base = try Study.decode(text, file: "s", vocabulary: .standard)
    let set = try Study.decode(text, file: "s", sets: ["execution.jobs=1"], vocabulary: .standard)
    #expect(base.jobs == nil && set.jobs == 1)
    #expect(!base.yaml.contains("execution"))
    #expect(try Study.decode(set.yaml, file: "s", vocabulary: .standard) == set)
    let ids = try [base, set].map { try Plan($0, vocabulary: .standard).runs.map(\.id) }
    #expect(ids[0] == ids[1])
    #expect(throws: StudyProblems.self) {
      _ = try Study.decode(text + "\nexecution: { jobs: 0 }", file: "s", vocabulary: .standard)
    }
    #expect(throws: StudyProblems.self) {
      _ = try Study.decode(text + "\nexecution: { job: 1 }", file: "s", vocabulary: .standard)
    }
  }
}
