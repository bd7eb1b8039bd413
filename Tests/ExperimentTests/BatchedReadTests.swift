// Goal: `keys_per_get` and `bulk` change how an engine is asked, not what is asked or answered; what cannot be asked that way is
// said before anything runs.
// Method: the same small study with and without, on every engine: equal streams, equal answers, equal contents; studies with a
// mistake each.

import EngineCatalogue
import Results
import Testing

@testable import Experiment

@Suite("Batched reads and bulk loads")
struct BatchedReadTests {
  private func study(
    _ engine: String, keysPerGet: Int, bulk: Bool, order: String = "sequential", shape: String = "sequential"
  ) -> String {
    """
    schema: 1
    study: batched
    title: Together
    question: Is it the same?
    seed: 5
    memory_budget: 2MiB
    device: { kind: memory, capacity: 64MiB, profile: ssd-virtual }
    workload: { records: 1_500, key_shape: \(shape), value_bytes: 60 }
    commit: { batch_operations: 40, sync_every_commits: 0 }
    engines:
      - { engine: "\(engine)" }
    phases:
      - { phase: load, order: \(order), bulk: \(bulk) }
      - { phase: reopen }
      - { phase: read, name: hits, operations: 500, keys_per_get: \(keysPerGet) }
      - { phase: read, name: misses, operations: 107, operation: get_miss, keys_per_get: \(keysPerGet) }
      - { phase: read, name: scan, operations: 2, operation: scan, scan_entries: 1_500 }
    """
  }

  private func outcome(_ engine: String, keysPerGet: Int, bulk: Bool) throws -> RunOutcome {
    let text = study(engine, keysPerGet: keysPerGet, bulk: bulk)
    let plan = try Plan(try Study.decode(text, file: "batched", vocabulary: .standard), vocabulary: .standard)
    let entry = try #require(engineEntry(named: engine))
    return try RunExecutor(spec: plan.runs[0], entry: entry).execute()
  }

  @Test(arguments: engineCatalogue.map(\.descriptor.name))
  func theSameOperationsAndAnswers(engine: String) throws {
    let alone = try outcome(engine, keysPerGet: 1, bulk: false)
    let together = try outcome(engine, keysPerGet: 16, bulk: true)
    #expect(alone.failure == nil && together.failure == nil, "\(together.failure ?? "")")
    for (left, right) in zip(alone.runs, together.runs) {
      #expect(left.streamHash == right.streamHash && left.operations == right.operations)
      #expect(left.answersChecked == right.answersChecked)
      #expect(left.returnedBytes == right.returnedBytes)
      #expect(
        left.logicalWriteBytes == right.logicalWriteBytes && left.liveLogicalBytes == right.liveLogicalBytes)
    }
    // Distributions count operations, not calls.
    let counts = together.histograms.filter { $0.phase == "hits" }
    #expect(!counts.isEmpty || together.runs[2].deviceReadCount == nil)
    #expect(try outcome(engine, keysPerGet: 16, bulk: true).deviceHash == together.deviceHash)
  }

  @Test func sixteenColdKeysTakeLessDeviceTimeThanSixteenTimesOne() throws {
    let alone = try outcome("btree", keysPerGet: 1, bulk: true)
    let together = try outcome("btree", keysPerGet: 16, bulk: true)
    let one = try #require(alone.runs[2].deviceS)
    let sixteen = try #require(together.runs[2].deviceS)
    #expect(sixteen * 2 < one)
  }

  @Test(arguments: [
    ("order: random, bulk: true", "wants order sequential"), ("order: sequential, bulk: true", "come sorted"),
  ])
  func aBulkLoadOfUnsortedKeysIsRefused(load: String, word: String) {
    let text = study("btree", keysPerGet: 1, bulk: false, shape: "random")
      .replacing("order: sequential, bulk: false", with: load)
    #expect {
      _ = try Plan(try Study.decode(text, file: "batched", vocabulary: .standard), vocabulary: .standard)
    } throws: { "\($0)".contains(word) }
  }

  @Test func keysPerGetOfAScanIsRefused() {
    let text = study("btree", keysPerGet: 1, bulk: false)
      .replacing("scan_entries: 1_500", with: "scan_entries: 1_500, keys_per_get: 4")
    #expect {
      _ = try Plan(try Study.decode(text, file: "batched", vocabulary: .standard), vocabulary: .standard)
    } throws: { "\($0)".contains("get_hit or get_miss") }
  }
}
