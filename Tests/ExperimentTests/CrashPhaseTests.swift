// Goal: the phase `crash` measures recovery and nothing else, goes on with what was recovered, and voids a run whose
// engine broke its promise.
// Method: every durable engine and every journal mode of SQLite under each syncing policy and choice of survivors, with
// checked phases afterwards; engines that promise nothing; and canaries: one that boasts, one that loses a key.

import EngineCatalogue
import KeyValue
import Primitives
import Results
import Storage
import Testing

@testable import Experiment

/// Two power cuts with checked reads and writes behind each.
private func crashStudy(
  engine: String, parameters: String = "", syncEvery: Int, survivors: String, batch: Int = 20,
  device: String = "kind: memory"
) -> String {
  """
  schema: 1
  study: crashes
  title: Crashes
  question: What does recovery cost?
  seed: 11
  memory_budget: 16MiB
  device: { \(device), capacity: 64MiB, profile: ssd-virtual }
  workload: { records: 300, value_bytes: 80 }
  commit: { batch_operations: \(batch), sync_every_commits: \(syncEvery) }
  engines:
    - { engine: "\(engine)"\(parameters.isEmpty ? "" : ", parameters: { \(parameters) }") }
  phases:
    - { phase: load }
    - { phase: crash, operations: 190, survivors: \(survivors) }
    - { phase: read, name: after, operations: 100 }
    - { phase: mixed, operations: 100, mix: { get_hit: 40, put: 30, delete: 10, overwrite: 10, scan: 10 } }
    - { phase: crash, name: again, operations: 45, survivors: \(survivors) }
    - { phase: read, name: last, operations: 100 }
  """
}

private func spec(_ text: String) throws -> RunSpec {
  let plan = try Plan(Study.decode(text, file: "crashes", vocabulary: .standard), vocabulary: .standard)
  return try #require(plan.runs.first)
}

private func entry(_ name: String) throws -> EngineEntry { try #require(engineEntry(named: name)) }

@Suite struct CrashPhaseTests {
  struct Life: Sendable, CustomStringConvertible {
    var engine: String
    var parameters = ""
    var syncEvery: Int
    var survivors: String
    var description: String { "\(engine) \(parameters) sync \(syncEvery), survivors \(survivors)" }
  }

  static let lives: [Life] = {
    var lives: [Life] = []
    for survivors in ["none", "all", "random"] {
      for every in [0, 1, 3] {
        for engine in ["append-log", "sorted-file", "sqlite"] {
          lives.append(Life(engine: engine, syncEvery: every, survivors: survivors))
        }
      }
      for journal in ["delete", "truncate", "persist"] {
        lives.append(
          Life(engine: "sqlite", parameters: "journal_mode: \(journal)", syncEvery: 1, survivors: survivors))
      }
    }
    return lives
  }()

  @Test(arguments: lives)
  func everyEngineComesBackWithAPromisedPrefix(life: Life) throws {
    let spec = try spec(
      crashStudy(
        engine: life.engine, parameters: life.parameters, syncEvery: life.syncEvery,
        survivors: life.survivors))
    let outcome = try RunExecutor(spec: spec, entry: entry(life.engine)).execute()
    #expect(outcome.failure == nil)
    #expect(outcome.runs.allSatisfy { $0.status == .ok })
    for (name, operations) in [("crash", UInt64(190)), ("again", 45)] {
      let row = try #require(outcome.runs.first { $0.phaseName == name })
      #expect(row.operations == operations)
      let lost = try #require(row.recoveryLostOperations)
      #expect(lost <= operations)
      if life.syncEvery == 1 { #expect(lost == 0) }
      if life.syncEvery == 3 { #expect(lost < 3 * 20) }
      // What had no sync and leaves nothing behind is gone.
      if life.syncEvery == 0, life.survivors == "none", life.engine != "sqlite" {
        #expect(lost == operations)
      }
      #expect(try #require(row.recoveryReadBytes) > 0)
      #expect(try #require(row.recoveryDeviceS) > 0)
      #expect(try #require(row.recoveryReadBytes) <= row.deviceReadBytes ?? 0)
      // The record's causes are the writes and the recovery, and nothing of the check.
      for direction in ["read", "write"] {
        let rows = outcome.io.filter { $0.phaseName == name && $0.direction == direction }
        let bytes = rows.reduce(UInt64(0)) { $0 + ($1.transferredBytes ?? 0) }
        #expect(bytes == (direction == "read" ? row.deviceReadBytes : row.deviceWriteBytes))
      }
      #expect(outcome.io.allSatisfy { $0.cause != "verification" })
      #expect(outcome.timing.first { $0.phaseName == name }?.recoveryWallS != nil)
    }
    let again = try RunExecutor(spec: spec, entry: entry(life.engine)).execute()
    #expect(Table<RunColumns>.text(outcome.runs) == Table<RunColumns>.text(again.runs))
    #expect(Table<IOColumns>.text(outcome.io) == Table<IOColumns>.text(again.io))
    #expect(outcome.deviceHash == again.deviceHash)
  }

  @Test(arguments: [("null", ""), ("sqlite", "journal_mode: off"), ("sqlite", "vfs: unix")])
  func whoPromisesNothingIsSkippedWithAReason(engine: String, parameters: String) throws {
    let spec = try spec(
      crashStudy(engine: engine, parameters: parameters, syncEvery: 0, survivors: "none"))
    let outcome = try RunExecutor(spec: spec, entry: entry(engine)).execute()
    #expect(outcome.failure == nil)
    for row in outcome.runs {
      let isCrash = row.phaseName == "crash" || row.phaseName == "again"
      #expect(row.status == (isCrash ? .skipped : .ok))
      #expect((row.reason?.isEmpty == false) == isCrash)
    }
  }

  @Test func nothingSinceTheCheckpointLosesNothing() throws {
    let text = crashStudy(engine: "append-log", syncEvery: 0, survivors: "none")
      .replacingOccurrences("operations: 190", "operations: 0")
    let outcome = try RunExecutor(spec: spec(text), entry: entry("append-log")).execute()
    let row = try #require(outcome.runs.first { $0.phaseName == "crash" })
    #expect(outcome.failure == nil && row.recoveryLostOperations == 0)
  }

  @Test func aFileCannotLosePower() throws {
    let spec = try spec(
      crashStudy(engine: "append-log", syncEvery: 1, survivors: "none", device: "kind: file"))
    let reasons = RunEstimate(spec, vocabulary: .standard).refusals(of: spec, vocabulary: .standard)
    #expect(reasons.contains { $0.contains("phase 'crash' cuts the power") }, "\(reasons)")
  }

  @Test func anEngineThatBoastsIsFound() throws {
    let spec = try spec(crashStudy(engine: "append-log", syncEvery: 0, survivors: "none"))
    let honest = try entry("append-log")
    let boaster = EngineEntry(honest.descriptor) { environment, parameters throws(EngineError) in
      Disguise(try honest.open(environment, parameters), durabilityClass: .everyCommits(1))
    }
    let outcome = try RunExecutor(spec: spec, entry: boaster).execute()
    #expect(outcome.failure?.contains("phase 'crash'") == true)
    #expect(outcome.failure?.contains("0 of 10 commits are there") == true, "\(outcome.failure ?? "")")
    #expect(outcome.runs.allSatisfy { $0.status == .failed })
  }

  @Test(arguments: ["a loaded key", "a key of a commit", "the reopening"])
  func anEngineThatLosesSomethingIsFound(what: String) throws {
    let spec = try spec(crashStudy(engine: "sorted-file", syncEvery: 1, survivors: "all"))
    let honest = try entry("sorted-file")
    let loser = EngineEntry(honest.descriptor) { environment, parameters throws(EngineError) in
      let engine = try honest.open(environment, parameters)
      if environment.creates { return engine }
      if what == "the reopening" { throw .storage(.notFound(what: "the root")) }
      return Disguise(
        engine, durabilityClass: engine.durabilityClass, hiddenEntry: what == "a loaded key" ? 5 : 400)
    }
    let outcome = try RunExecutor(spec: spec, entry: loser).execute()
    let reason = try #require(outcome.failure)
    #expect(reason.contains("phase 'crash'"), "\(reason)")
  }
}

extension String {
  fileprivate func replacingOccurrences(_ old: String, _ new: String) -> String {
    guard let range = firstRange(of: old) else { return self }
    return String(self[..<range.lowerBound]) + new + String(self[range.upperBound...])
  }
}

/// Passes everything on under another class, and hides one entry of every scan.
private final class Disguise: Engine {
  private let base: any Engine
  private let hiddenEntry: Int?
  let durabilityClass: DurabilityClass

  init(_ base: any Engine, durabilityClass: DurabilityClass, hiddenEntry: Int? = nil) {
    self.base = base
    self.durabilityClass = durabilityClass
    self.hiddenEntry = hiddenEntry
  }

  /// Skips an entry.
  private final class Skipping: Cursor {
    private let base: any Cursor
    private let hidden: Int
    private var count = 0
    init(_ base: any Cursor, hidden: Int) {
      self.base = base
      self.hidden = hidden
    }
    func next() throws(EngineError) -> Bool {
      count += 1
      if count == hidden { _ = try base.next() }
      return try base.next()
    }
    func withCurrent(_ body: (RawSpan, RawSpan) -> Void) { base.withCurrent(body) }
    func seek(to key: RawSpan) throws(EngineError) { try base.seek(to: key) }
  }

  var limits: EngineLimits { base.limits }
  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try base.apply(batch, sync: sync)
  }
  func get(_ key: RawSpan, _ body: (RawSpan) -> Void) throws(EngineError) -> Bool { try base.get(key, body) }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    let cursor = try base.makeCursor(range, order)
    return hiddenEntry.map { Skipping(cursor, hidden: $0) } ?? cursor
  }
  func makeSnapshot() throws(EngineError) -> any ReadView { try base.makeSnapshot() }
  func checkpoint() throws(EngineError) { try base.checkpoint() }
  func settle() throws(EngineError) { try base.settle() }
  func dropCache() throws(EngineError) { try base.dropCache() }
  func close() throws(EngineError) { try base.close() }
  func spaceReport() throws(EngineError) -> SpaceReport { try base.spaceReport() }
  func settingsReadBack() -> [(name: String, value: String)] { base.settingsReadBack() }
  func statistics() -> [(name: String, value: UInt64)] { base.statistics() }
  func verify() throws(EngineError) { try base.verify() }
}
