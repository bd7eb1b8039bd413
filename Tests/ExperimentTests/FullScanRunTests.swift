// Goal (scan_start): in a study a phase of scans from the first key returns every record with every scan, on every engine; what is
// said of a phase without scans is refused; a study that does not use the key is the study it was.
// Method: a small study with answers checked on every engine, forward and reverse; plans with and without the key.

import EngineCatalogue
import Results
import Testing

@testable import Experiment

@Suite("Scans from the first key")
struct FullScanRunTests {
  private func study(_ engine: String, _ scan: String) -> String {
    """
    schema: 1
    study: full-scans
    title: Everything
    question: Is it all?
    seed: 5
    memory_budget: 2MiB
    device: { kind: memory, capacity: 64MiB, profile: ssd-virtual }
    workload: { records: 1_500, key_shape: random, value_bytes: 60 }
    commit: { batch_operations: 40, sync_every_commits: 0 }
    engines:
      - { engine: "\(engine)" }
    phases:
      - { phase: load }
      - { phase: read, name: scans, operations: 3, \(scan) }
    """
  }

  private func plan(_ engine: String, _ scan: String) throws -> Plan {
    try Plan(
      try Study.decode(study(engine, scan), file: "s.yaml", vocabulary: .standard), vocabulary: .standard)
  }

  @Test(arguments: engineCatalogue.map(\.descriptor.name), ["forward", "reverse"])
  func everyScanReturnsEveryRecord(engine: String, order: String) throws {
    let entry = try #require(engineEntry(named: engine))
    let scan = "operation: scan, scan_entries: 1_500, scan_order: \(order)"
    let full = try RunExecutor(spec: plan(engine, scan + ", scan_start: first").runs[0], entry: entry)
      .execute()
    #expect(full.failure == nil, "\(full.failure ?? "")")
    // The null engine keeps nothing.
    let kept: UInt64 = engine == "null" ? 0 : 3 * 1_500 * (16 + 60)
    #expect(full.runs[1].returnedBytes == kept && full.runs[1].answersChecked != 0)
    let drawn = try RunExecutor(spec: plan(engine, scan).runs[0], entry: entry).execute()
    #expect(engine == "null" || (drawn.runs[1].returnedBytes ?? 0) < kept)
  }

  @Test func drawnStartsAreWhatAPhaseHasWithoutTheKey() throws {
    let scan = "operation: scan, scan_entries: 100"
    let ids = try ["", ", scan_start: drawn", ", scan_start: first"].map {
      try plan("btree", scan + $0).runs[0].id
    }
    #expect(ids[0] == ids[1] && ids[0] != ids[2])
  }

  @Test func aPhaseWithoutScansTakesNoStart() throws {
    for start in ["first", "drawn"] {
      #expect {
        _ = try plan("btree", "scan_start: \(start)")
      } throws: {
        "\($0)".contains("key 'phases.scans.scan_start': is given, and no operation of this phase is scan")
      }
    }
  }
}
