// Goal: SQLite in each of its journal and synchronous modes passes as a control, and would not if it promised more; a
// sweep answers faults, repeats single cases, and tells what recovery costs. All engines of the catalogue go through
// the laboratory in EngineTests.
// Method: the story of all operations, swept with a budget per test.

import EngineCatalogue
import KeyValue
import Primitives
import Testing

@testable import Trials

/// An engine and settings, with a name for the test.
struct Candidate: Sendable, CustomStringConvertible {
  var subject: TrialSubject
  var syncEvery: Int
  var description: String { "\(subject.label), sync every \(syncEvery)" }

  init(_ name: String, _ changes: [String: ParameterValue] = [:], syncEvery: Int) {
    guard let entry = engineEntry(named: name) else {
      preconditionFailure("Engine '\(name)' is in the catalogue.")
    }
    var parameters = entry.defaultParameters
    for (name, value) in changes { parameters[name] = value }
    let words = changes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    subject = TrialSubject(
      entry, parameters: parameters, label: ([name] + words).joined(separator: " "))
    self.syncEvery = syncEvery
  }
}

@Suite struct EngineTrialTests {
  static let smallLog: [String: ParameterValue] = [
    "segment_bytes": .integer(8_192), "buffer_bytes": .integer(4_096), "read_bytes": .integer(4_096),
  ]

  static let controls: [Candidate] =
    ["delete", "truncate", "persist", "wal"].flatMap { journal in
      ["normal", "full", "extra"].map { synchronous in
        Candidate(
          "sqlite", ["journal_mode": .text(journal), "synchronous": .text(synchronous)], syncEvery: 1)
      }
    } + [
      Candidate("sqlite", ["wal_autocheckpoint_pages": .integer(6)], syncEvery: 0),
      Candidate("sqlite", syncEvery: 3),
      Candidate(
        "sqlite", ["journal_mode": .text("persist"), "powersafe_overwrite": .boolean(false)], syncEvery: 1),
      Candidate("sqlite", ["journal_mode": .text("wal"), "page_bytes": .integer(512)], syncEvery: 1),
      Candidate("sqlite", ["journal_mode": .text("delete"), "page_bytes": .integer(1_024)], syncEvery: 1),
      Candidate(
        "sqlite", ["gather_bytes": .integer(16_384), "chunk_bytes": .integer(65_536)], syncEvery: 1),
      Candidate(
        "sqlite",
        [
          "journal_mode": .text("truncate"), "gather_bytes": .integer(16_384),
          "chunk_bytes": .integer(65_536),
        ],
        syncEvery: 1),
      Candidate("sqlite", ["journal_mode": .text("delete"), "synchronous": .text("off")], syncEvery: 0),
      Candidate("sqlite", ["journal_mode": .text("wal"), "synchronous": .text("off")], syncEvery: 0),
      Candidate("sqlite", ["journal_mode": .text("memory")], syncEvery: 0),
      Candidate("sqlite", ["journal_mode": .text("off")], syncEvery: 0),
    ]

  private static func sweep(_ candidate: Candidate, seed: UInt64, batchCount: Int) -> CrashOutcome {
    var options = CrashOptions()
    options.exhaustiveBudget = 400
    options.seededSubsetCount = 40
    let script = TrialScript.story(
      seed: seed, batchCount: batchCount, syncEveryCommits: candidate.syncEvery,
      largestValueByteCount: 9_000)
    return CrashSweep(candidate.subject, script: script, options: options).run()
  }

  @Test(arguments: controls)
  func sqliteIsAControlThatPasses(candidate: Candidate) {
    let outcome = Self.sweep(candidate, seed: 23, batchCount: 6)
    #expect(
      outcome.isSound,
      "\(outcome.failureCount) failures: \(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
    #expect(outcome.distinctImageCount > 20)
  }

  @Test func aRightEngineAnswersEveryFaultAndAWrongOneDoesNot() throws {
    let script = TrialScript.story(
      seed: 5, batchCount: 8, syncEveryCommits: 1, largestValueByteCount: 900)
    let right = FaultSweep(TinyEngine.subject(.none), script: script).run()
    #expect(right.isSound, "\(right.failures)")
    #expect(right.calls.errorCount > 0 && right.reading.errorCount > 0 && right.capacities.errorCount > 0)
    #expect(right == FaultSweep(TinyEngine.subject(.none), script: script).run())
    // Who does not look at the table's checksum is found by rot; the case repeats from its text.
    let wrong = FaultSweep(TinyEngine.subject(.rottenTableTrusted), script: script).run()
    let first = try #require(wrong.failures.first)
    let again = try #require(FaultCase(parsing: "\(first.fault)"))
    #expect(FaultSweep(TinyEngine.subject(.rottenTableTrusted), script: script).run(again) == first)
  }

  /// With a class stronger than its settings SQLite must fail: the control can tell.
  @Test func sqliteWithoutSyncsWouldBeCaught() {
    var candidate = Candidate(
      "sqlite", ["journal_mode": .text("delete"), "synchronous": .text("off")], syncEvery: 0)
    let honest = candidate.subject.open
    candidate.subject.open = { (place) throws(EngineError) in Boaster(try honest(place)) }
    #expect(Self.sweep(candidate, seed: 23, batchCount: 6).failureCount > 0)
  }

  @Test(arguments: [
    Candidate("append-log", smallLog, syncEvery: 2),
    Candidate("sqlite", ["journal_mode": .text("delete")], syncEvery: 1),
  ])
  func everyFaultIsAnsweredWithAnErrorOrRightly(candidate: Candidate) {
    var options = FaultOptions()
    options.maximumCallCount = 70
    options.maximumReadCount = 30
    options.unitsPerKind = 4
    let script = TrialScript.story(
      seed: 31, batchCount: 8, syncEveryCommits: candidate.syncEvery, largestValueByteCount: 9_000)
    let outcome = FaultSweep(candidate.subject, script: script, options: options).run()
    #expect(outcome.isSound, "\(outcome.failureCount) failures: \(outcome.failures)")
    #expect(outcome.calls.errorCount > outcome.calls.caseCount / 2)
    #expect(outcome.capacities.errorCount > 0)
    #expect(outcome.rot.count > 1)
    #expect(outcome.reading.errorCount > 0)
    // Reads of every kind of block went astray, and were counted by kind.
    #expect(
      outcome.readingByKind.count >= (candidate.subject.detectsDamage ? 3 : 2), "\(outcome.readingByKind)")
    #expect(outcome.readingByKind.allSatisfy { $0.tally.caseCount > 0 })
    #expect(
      outcome.readingByKind.reduce(0) { $0 + $1.tally.caseCount } == outcome.reading.caseCount)
    // Space ran out at every unit.
    #expect(outcome.capacities.caseCount > 40)
    if candidate.subject.detectsDamage {
      #expect(outcome.rot.allSatisfy { $0.tally.unnoticedCount == 0 })
    }
  }

  @Test func aSweepTellsTheCostOfRecovery() throws {
    let outcome = Self.sweep(
      Candidate("append-log", Self.smallLog, syncEvery: 0), seed: 21, batchCount: 9)
    #expect(outcome.recovery.count == outcome.intervalCount)
    #expect(outcome.recoveryReadsMax >= outcome.recoveryReadsP50)
    #expect(outcome.recoverySecondsMax > 0)
    #expect(outcome.lostOperationsMax > 0)
    #expect(outcome.recovery.map(\.lostOperationsMax).max() == outcome.lostOperationsMax)
    for (row, next) in zip(outcome.recovery, outcome.recovery.dropFirst()) { #expect(row.point < next.point) }
  }
}

/// Says it keeps every commit.
private final class Boaster: Engine {
  private let honest: any Engine
  init(_ honest: any Engine) { self.honest = honest }
  var limits: EngineLimits { honest.limits }
  var durabilityClass: DurabilityClass { .everyCommits(1) }
  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try honest.apply(batch, sync: sync)
  }
  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try honest.get(key, body)
  }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try honest.makeCursor(range, order)
  }
  func makeSnapshot() throws(EngineError) -> any ReadView { try honest.makeSnapshot() }
  func checkpoint() throws(EngineError) { try honest.checkpoint() }
  func settle() throws(EngineError) { try honest.settle() }
  func dropCache() throws(EngineError) { try honest.dropCache() }
  func close() throws(EngineError) { try honest.close() }
  func spaceReport() throws(EngineError) -> SpaceReport { try honest.spaceReport() }
  func settingsReadBack() -> [(name: String, value: String)] { honest.settingsReadBack() }
  func statistics() -> [(name: String, value: UInt64)] { honest.statistics() }
  func verify() throws(EngineError) { try honest.verify() }
}
