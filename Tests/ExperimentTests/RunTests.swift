// Goal: a run can be trusted. The same spec gives the same bytes; a run that lost count, lied, leaked or was stopped
// publishes no number.
// Method: small studies through the executor with every engine of the catalogue, and with canary engines that each
// break one rule and must be caught.

import Accounting
import EngineCatalogue
import Foundation
import KeyValue
import Primitives
import Results
import Storage
import Testing

@testable import Experiment

/// A study that touches every kind of phase, small enough for engines whose operations are O(n).
private func smallStudy(engine: String, extra: String = "") -> String {
  """
  schema: 1
  study: small
  title: Every phase, small
  question: Does it hold together?
  seed: 7
  memory_budget: 4MiB
  device: { kind: memory, capacity: 256MiB, profile: hdd-wd-black-2011 }
  workload: { records: 400, value_bytes: 60 }
  commit: { batch_operations: 50, sync_every_commits: 2 }
  engines:
    - { engine: "\(engine)" }
  phases:
    - { phase: load, order: random }
    - { phase: settle }
    - { phase: reopen }
    - { phase: read, name: cold, operations: 200 }
    - { phase: drop_cache }
    - { phase: read, name: misses, operations: 100, operation: get_miss }
    - { phase: read, name: scans, operations: 20, operation: scan, scan_entries: 15 }
    - phase: mixed
      operations: 300
      mix: { get_hit: 30, get_miss: 5, overwrite: 20, put: 10, delete: 10, upsert_add: 5, upsert_append: 5,
             upsert_patch: 5, scan: 5, range_delete: 5 }
    - { phase: checkpoint }
    - { phase: write, name: rewrite, operations: 100, operation: overwrite, distribution: zipf, theta: 0.9 }
    - { phase: settle, name: settle_end }
  \(extra)
  """
}

private func smallPlan(engine: String) throws -> Plan {
  let study = try Study.decode(smallStudy(engine: engine), file: "small", vocabulary: .standard)
  return try Plan(study, vocabulary: .standard)
}

private func entry(_ name: String) throws -> EngineEntry { try #require(engineEntry(named: name)) }

/// Everything of an outcome that must not depend on a clock, as the text of its files.
private func deterministicText(_ outcome: RunOutcome) -> String {
  Table<RunColumns>.text(outcome.runs) + Table<IOColumns>.text(outcome.io)
    + Table<SeriesColumns>.text(outcome.series) + Table<HistogramColumns>.text(outcome.histograms)
}

@Suite("Runs")
struct RunTests {
  @Test(
    "every engine runs every phase, and twice the same", arguments: engineCatalogue.map(\.descriptor.name))
  func sameBytes(engine: String) throws {
    let spec = try smallPlan(engine: engine).runs[0]
    let one = try RunExecutor(spec: spec, entry: entry(engine)).execute()
    let two = try RunExecutor(spec: spec, entry: entry(engine)).execute()
    #expect(one.failure == nil)
    #expect(one.runs.count == spec.phases.count)
    #expect(one.runs.allSatisfy { $0.status == .ok })
    #expect(deterministicText(one) == deterministicText(two))
    #expect(one.deviceHash == two.deviceHash)
    #expect(one.deviceHash != nil)
  }

  @Test("all engines see the same operations")
  func sameStream() throws {
    var hashes: Set<[String?]> = []
    for entry in engineCatalogue {
      let spec = try smallPlan(engine: entry.descriptor.name).runs[0]
      let outcome = try RunExecutor(spec: spec, entry: entry).execute()
      hashes.insert(outcome.runs.map(\.streamHash))
    }
    #expect(hashes.count == 1)
  }

  @Test("logical bytes, answers and amplification of a load are what the definitions say")
  func knownAnswers() throws {
    let spec = try smallPlan(engine: "sqlite").runs[0]
    let outcome = try RunExecutor(spec: spec, entry: entry("sqlite")).execute()
    let load = try #require(outcome.runs.first { $0.phaseName == "load" })
    #expect(load.logicalWriteBytes == 400 * (16 + 60))
    #expect(load.operations == 400)
    let written = outcome.io.filter { $0.phaseName == "load" && $0.direction == "write" }
    let bytes = written.reduce(UInt64(0)) { $0 + ($1.transferredBytes ?? 0) }
    #expect(load.deviceWriteBytes == bytes)
    #expect(load.waTotalEnd == Double(bytes) / Double(400 * 76))
    let counts = outcome.io.filter {
      $0.phaseName == "load" && ($0.direction == "write" || $0.direction == "read")
    }
    let transfers = counts.reduce(UInt64(0)) { $0 + ($1.transferredOperations ?? 0) }
    guard case .count(let blocks)? = load["dam_ios_4096"] else {
      Issue.record("A load has a count of 4 KiB blocks.")
      return
    }
    // Every transfer is whole units of 4 KiB, so blocks are bytes ÷ 4096, and at least one a transfer.
    #expect(blocks * 4096 == (load.deviceReadBytes ?? 0) + (load.deviceWriteBytes ?? 0))
    #expect(blocks >= transfers && transfers > 0)
    let cold = try #require(outcome.runs.first { $0.phaseName == "cold" })
    #expect(cold.answersChecked == 200)
    #expect(cold.returnedBytes == 200 * 76)
    #expect(cold.cacheTemperature == "cold")
    let misses = try #require(outcome.runs.first { $0.phaseName == "misses" })
    #expect(misses.returnedBytes == 0)
    #expect(misses.raBytes == nil)
  }

  @Test("a wrong answer voids the run")
  func wrongAnswer() throws {
    let spec = try smallPlan(engine: "sqlite").runs[0]
    let lying = EngineEntry(try entry("sqlite").descriptor) { environment, parameters throws(EngineError) in
      LyingEngine(try SQLiteStandIn.open(environment, parameters))
    }
    let outcome = try RunExecutor(spec: spec, entry: lying).execute()
    let reason = try #require(outcome.failure)
    #expect(reason.contains("phase 'cold'"))
    #expect(reason.contains("expected"))
    #expect(outcome.runs.count == spec.phases.count)
    #expect(outcome.runs.allSatisfy { $0.status == .failed && $0.waTotalEnd == nil })
    #expect(outcome.io.isEmpty)
  }

  @Test("a transfer that skips the ledger fails the run")
  func bypass() throws {
    let spec = try smallPlan(engine: "null").runs[0]
    let smuggling = EngineEntry(try entry("null").descriptor) { environment, parameters throws(EngineError) in
      let frame = FramePool().frame(byteCount: 4096, zeroed: true)
      var batch = TransferBatch()
      batch.append(
        .write, offset: 1 << 20, memory: .frame(frame, offset: 0), byteCount: 4096, cause: .leaf)
      do throws(StorageError) {
        try environment.channel.device.submit(&batch)
      } catch {
        throw .storage(error)
      }
      return try engineEntry(named: "null")!.open(environment, parameters)
    }
    let outcome = try RunExecutor(spec: spec, entry: smuggling).execute()
    #expect(
      outcome.failure?.contains("the ledger accounts for 0 write operations, the device counted 1") == true)
  }

  @Test("memory that is not given back fails the run")
  func leak() throws {
    let spec = try smallPlan(engine: "null").runs[0]
    let leaking = EngineEntry(try entry("null").descriptor) { environment, parameters throws(EngineError) in
      _ = environment.budget.reserve(10, for: .filter)
      return try engineEntry(named: "null")!.open(environment, parameters)
    }
    let outcome = try RunExecutor(spec: spec, entry: leaking).execute()
    #expect(outcome.failure?.contains("filter") == true)
  }

  @Test("an interrupted run throws and leaves nothing")
  func interrupt() throws {
    let spec = try smallPlan(engine: "sqlite").runs[0]
    var asked = 0
    let observer = RunObserver(isInterrupted: {
      asked += 1
      return asked > 5
    })
    #expect(throws: RunInterrupted.self) {
      _ = try RunExecutor(spec: spec, entry: try entry("sqlite"), observer: observer).execute()
    }
  }

  @Test("a study's record has a row for every run and phase, and its manifest what it depends on")
  func studyRecord() throws {
    let study = try Study.decode(
      smallStudy(engine: "null", extra: "axes: { workload.value_bytes: [10, 20] }"), file: "small",
      vocabulary: .standard)
    let plan = try Plan(study, vocabulary: .standard)
    let record = try StudyRunner(plan: plan).run()
    #expect(record.runs.count == 2 * study.phases.count)
    #expect(Set(record.runs.map(\.runIdentifier)).count == 2)
    #expect(record.manifest.study.id == "small")
    #expect(record.manifest.engines.map(\.label) == ["null"])
    #expect(!record.manifest.limits.isEmpty)
  }

  @Test("a study may write a calibrated profile out, and no other unknown name")
  func calibratedStudy() throws {
    let text = smallStudy(engine: "null")
    let written = "calibrated/43.000/1.090/38.000/0.480/4.000"
    let study = try Study.decode(
      text.replacingOccurrences(of: "hdd-wd-black-2011", with: written), file: "small", vocabulary: .standard)
    #expect(study.device.profile == written)
    let outcome = try RunExecutor(spec: Plan(study, vocabulary: .standard).runs[0], entry: entry("null"))
      .execute()
    #expect(outcome.failure == nil)
    #expect(throws: StudyProblems.self) {
      _ = try Study.decode(
        text.replacingOccurrences(of: "hdd-wd-black-2011", with: "calibrated/43/1"), file: "small",
        vocabulary: .standard)
    }
  }

  @Test("a control that is not counted has empty cells, not zeros")
  func uncountedControl() throws {
    let text = smallStudy(engine: "sqlite").replacingOccurrences(
      of: "{ engine: \"sqlite\" }", with: "{ engine: sqlite, parameters: { vfs: unix } }")
    let study = try Study.decode(text, file: "small", vocabulary: .standard)
    let outcome = try RunExecutor(spec: Plan(study, vocabulary: .standard).runs[0], entry: entry("sqlite"))
      .execute()
    #expect(outcome.failure == nil)
    #expect(outcome.io.isEmpty && outcome.series.isEmpty && outcome.histograms.isEmpty)
    #expect(outcome.runs.allSatisfy { $0.waTotalEnd == nil && $0.deviceWriteBytes == nil && $0.raIos == nil })
    #expect(outcome.timing.count == outcome.runs.count)
  }

  @Test("a calibrated profile's name gives its constants back")
  func calibratedName() throws {
    let fitted = HostCalibration.fit([(4096, 50e-6), (65_536, 110e-6), (1_048_576, 1_050e-6)])
    #expect(fitted.setup > 0 && fitted.perByte > 0)
    let profile = DeviceProfile(
      name: "x", readSetupSeconds: 43e-6, readSecondsPerByte: 1.09e-9, writeSetupSeconds: 38e-6,
      writeSecondsPerByte: 0.48e-9, parallelism: 4, blockByteCount: 4096, source: "test")
    #expect(profile.spelling == "calibrated/43.000/1.090/38.000/0.480/4.000")
    let back = try DeviceProfile.named(profile.spelling)
    #expect(abs(back.readSetupSeconds - 43e-6) < 1e-9)
    #expect(abs(back.writeSecondsPerByte - 0.48e-9) < 1e-15)
    #expect(DeviceProfile(calibratedName: "calibrated/1/2/3/4") == nil)
    #expect(DeviceProfile(calibratedName: "calibrated/1/2/3/4/-5") == nil)
  }
}

/// Opens the engine the canaries wrap.
private enum SQLiteStandIn {
  static func open(_ environment: EngineEnvironment, _ parameters: ParameterSet) throws(EngineError)
    -> any Engine
  {
    guard let entry = engineEntry(named: "sqlite") else {
      throw .unsupported(what: "sqlite", reason: "the catalogue has no such engine")
    }
    return try entry.open(environment, parameters)
  }
}

/// Passes everything on, but flips one bit of every hundredth value.
private final class LyingEngine: Engine {
  private let base: any Engine
  private var count = 0

  init(_ base: any Engine) { self.base = base }

  var limits: EngineLimits { base.limits }
  var durabilityClass: DurabilityClass { base.durabilityClass }
  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try base.apply(batch, sync: sync)
  }
  func get(_ key: RawSpan, _ body: (RawSpan) -> Void) throws(EngineError) -> Bool {
    count += 1
    guard count % 100 == 0 else { return try base.get(key, body) }
    return try base.get(key) { value in
      var copy = value.withUnsafeBytes { [UInt8]($0) }
      if !copy.isEmpty { copy[copy.count / 2] ^= 4 }
      body(copy.span.bytes)
    }
  }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try base.makeCursor(range, order)
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
