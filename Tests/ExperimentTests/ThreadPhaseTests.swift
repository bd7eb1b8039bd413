// Goal: phases with threads do exactly their operations, record nothing that depends on how threads fall together, change no
// identity when they are not asked for, and notice readers that are wrong.
// Method: small studies on the B-tree, run twice and compared; engines that declare no concurrent readers; an engine whose
// snapshots are stale.

import EngineCatalogue
import KeyValue
import Results
import Testing

@testable import Experiment

private func study(_ phases: String, engine: String = "btree") throws -> Study {
  try Study.decode(
    """
    schema: 1
    study: threads
    memory_budget: 2MiB
    device: { kind: memory, capacity: 64MiB }
    workload: { records: 20_000, value_bytes: 100 }
    commit: { batch_operations: 100 }
    engines: [{ engine: \(engine), label: it }]
    phases:
      - { phase: load }
      - { phase: read, name: alone, operations: 1_000 }
    \(phases)
    """, file: "threads", vocabulary: .standard)
}

private func run(_ study: Study, _ entry: EngineEntry? = nil) throws -> RunOutcome {
  let spec = try #require(try Plan(study, vocabulary: .standard).runs.first)
  let found = try entry ?? #require(engineEntry(named: spec.engine))
  return try RunExecutor(spec: spec, entry: found).execute()
}

private func problems(_ phases: String) -> String {
  do {
    _ = try study(phases)
    return ""
  } catch {
    return "\(error)"
  }
}

@Suite("Phases with threads")
struct ThreadPhaseTests {
  static let phases = """
      - { phase: read, name: together, operations: 5_000, threads: 4 }
      - { phase: read, name: scans, operations: 300, operation: scan, scan_entries: 20, threads: 2 }
      - { phase: write, name: beside, operations: 4_000, operation: overwrite, reader_threads: 3, reader_operations: 2_000 }
      - phase: mixed
        name: mix
        operations: 2_000
        mix: { get_hit: 50, put: 25, overwrite: 25 }
        reader_threads: 2
        reader_operations: 1_000
      - { phase: read, name: after, operations: 1_000 }
    """

  @Test("totals are recorded, the same each time, and nothing else")
  func totals() throws {
    let one = try run(study(Self.phases))
    let two = try run(study(Self.phases))
    #expect(one.failure == nil)
    #expect(one.runs.map(\.operations) == [20_000, 1_000, 5_000, 300, 4_000 + 6_000, 2_000 + 2_000, 1_000])
    // Half of the mix are gets, drawn; the others are fixed.
    let mixed = try #require(one.runs[5].answersChecked)
    #expect((2_800...3_200).contains(mixed))
    #expect(one.runs.map(\.answersChecked) == [0, 1_000, 5_000, 300, 6_000, mixed, 1_000])
    #expect(one.runs[4].logicalWriteBytes == 4_000 * 116)
    #expect(Table<RunColumns>.text(one.runs) == Table<RunColumns>.text(two.runs))
    #expect(Table<IOColumns>.text(one.io) == Table<IOColumns>.text(two.io))
    #expect(Table<SeriesColumns>.text(one.series) == Table<SeriesColumns>.text(two.series))
    #expect(Table<HistogramColumns>.text(one.histograms) == Table<HistogramColumns>.text(two.histograms))
    // Before the first phase with threads everything is measured, from it on only totals.
    #expect(one.runs.map { $0.deviceReadCount != nil } == [true, true, false, false, false, false, false])
    #expect(Set(one.io.map(\.phaseName)) == ["load", "alone"])
    #expect(one.timing.count == 7 && one.timing.allSatisfy { ($0.wallS ?? 0) > 0 })
    let timed = Set(one.latency.filter { $0.phaseName == "beside" }.map(\.operation))
    #expect(timed == ["commit", "get_hit"])
  }

  @Test("one thread is what a phase has without the key")
  func identity() throws {
    let without = try study("  - { phase: read, operations: 10 }\n  - { phase: write, operations: 10 }")
    let with = try study(
      "  - { phase: read, operations: 10, threads: 1 }\n  - { phase: write, operations: 10, reader_threads: 0 }"
    )
    let more = try study(
      "  - { phase: read, operations: 10, threads: 2 }\n  - { phase: write, operations: 10 }")
    let ids = try [without, with, more].map { try Plan($0, vocabulary: .standard).runs[0].id }
    #expect(ids[0] == ids[1])
    #expect(ids[0] != ids[2])
  }

  @Test("what cannot be is refused with a sentence")
  func mistakes() throws {
    let upserts = problems("  - { phase: write, operations: 10, operation: upsert_add, reader_threads: 1 }")
    #expect(upserts.contains("reader_threads") && upserts.contains("upsert_add"))
    #expect(problems("  - { phase: write, reader_operations: 10 }").contains("reader_threads is 0"))
    #expect(problems("  - { phase: read, threads: 65 }").contains("1 … 64"))
    #expect(problems("  - { phase: read, threads: 64 }").isEmpty)
  }

  @Test("engines with one reader are refused by the plan", arguments: engineCatalogue.map(\.descriptor.name))
  func engines(name: String) throws {
    let study = try study("  - { phase: read, operations: 10, threads: 2 }", engine: "\"\(name)\"")
    let refusals = PlanOutline(try Plan(study, vocabulary: .standard), vocabulary: .standard).rows[0].refusals
    let isRefused = refusals.contains {
      $0.hasPrefix("phases.read.threads: engine '\(name)' (it) is read by one thread at a time")
    }
    #expect(isRefused == (name != "btree"))
  }

  @Test("stale snapshots void the run", arguments: ["threads: 2", "reader_threads: 1"])
  func stale(key: String) throws {
    let entry = try #require(engineEntry(named: "btree"))
    let lying = EngineEntry(entry.descriptor) { environment, parameters throws(EngineError) in
      StaleSnapshots(try entry.open(environment, parameters))
    }
    let kind = key.hasPrefix("threads") ? "read" : "write"
    let outcome = try run(study("  - { phase: \(kind), name: together, operations: 500, \(key) }"), lying)
    let reason = try #require(outcome.failure)
    #expect(reason.contains("phase 'together'") && reason.contains("no value"), "\(reason)")
    #expect(outcome.runs.allSatisfy { $0.status == .failed })
  }
}

/// Hands out the state of its first moment, when it was empty, for ever.
private final class StaleSnapshots: Engine {
  private let base: any Engine

  init(_ base: any Engine) { self.base = base }

  var limits: EngineLimits { base.limits }
  var durabilityClass: DurabilityClass { base.durabilityClass }
  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try base.apply(batch, sync: sync)
  }
  func get(_ key: RawSpan, _ body: (RawSpan) -> Void) throws(EngineError) -> Bool { try base.get(key, body) }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try base.makeCursor(range, order)
  }
  func makeSnapshot() throws(EngineError) -> any ReadView { ReferenceView(state: ReferenceState()) }
  func checkpoint() throws(EngineError) { try base.checkpoint() }
  func settle() throws(EngineError) { try base.settle() }
  func dropCache() throws(EngineError) { try base.dropCache() }
  func close() throws(EngineError) { try base.close() }
  func spaceReport() throws(EngineError) -> SpaceReport { try base.spaceReport() }
  func settingsReadBack() -> [(name: String, value: String)] { base.settingsReadBack() }
  func statistics() -> [(name: String, value: UInt64)] { base.statistics() }
  func verify() throws(EngineError) { try base.verify() }
}
