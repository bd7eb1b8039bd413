// Goal: what an engine would refuse is refused by the plan, with key, limit and reason, and by the same numbers.
// Method: studies beyond one limit of one engine; the limit itself is planned, run, and taken by the engine.

import EngineCatalogue
import KeyValue
import Testing

@testable import Experiment

private func study(_ engine: String, _ sets: [String]) throws -> PlanOutline {
  let text = """
    schema: 1
    study: limits
    memory_budget: 2MiB
    device: { kind: memory, capacity: 256MiB }
    workload: { records: 40, key_bytes: 16, value_bytes: 100 }
    commit: { batch_operations: 10 }
    engines: [{ engine: "\(engine)", label: it }]
    phases: [{ phase: load }, { phase: read, operations: 40 }]
    """
  let study = try Study.decode(text, file: "limits", sets: sets, vocabulary: .standard)
  return PlanOutline(try Plan(study, vocabulary: .standard), vocabulary: .standard)
}

@Suite("Study: what engines refuse")
struct EngineRefusalTests {
  @Test("every engine of the catalogue that is here declares its limits")
  func everyEngineDeclares() {
    for entry in engineCatalogue where entry.descriptor.absentBecause == nil {
      #expect(entry.descriptor.limits != nil, "\(entry.descriptor.name) declares no limits")
    }
  }

  @Test(
    "longer keys and values than the engine takes",
    arguments: [
      ("append-log", "workload.key_bytes", "2049", "2048: a quarter of the longest value"),
      ("sorted-file", "workload.key_bytes", "1025", "1024: a quarter of block_bytes, 4096"),
      (
        "append-log", "workload.value_bytes", "65537",
        "65536: the largest power of two within 1/32 of the memory, 2097152 bytes"
      ),
      ("sorted-file", "workload.value_bytes", "65537", "65536: the largest power of two within 1/32"),
      ("sqlite", "workload.value_bytes", "200_000", "an eighth of the page cache"),
    ])
  func tooLong(engine: String, key: String, value: String, sentence: String) throws {
    let memory = key == "workload.key_bytes" ? ["memory_budget=256KiB"] : []
    let refusals = try study(engine, ["\(key)=\(value)"] + memory).rows[0].refusals
    #expect(refusals.count == 1)
    let refusal = try #require(refusals.first)
    #expect(refusal.hasPrefix("\(key): "))
    #expect(refusal.contains("engine '\(engine)' (it) takes, "))
    #expect(refusal.contains(sentence), "\(refusal)")
  }

  @Test("the longest value counts, not the mean")
  func longest() throws {
    let refusals = try study(
      "append-log",
      [
        "workload.value_distribution=uniform", "workload.value_bytes_min=1",
        "workload.value_bytes_max=100_000",
      ]
    ).rows[0].refusals
    #expect(
      refusals.count == 1
        && refusals[0].hasPrefix("workload.value_bytes_max: 100000 bytes of the longest value"))
  }

  @Test("at the limit the plan says yes and the run goes through", arguments: ["append-log", "sorted-file"])
  func atTheLimit(engine: String) throws {
    let sets = [
      "workload.value_bytes=65536", "workload.key_bytes=\(engine == "sorted-file" ? 1_024 : 4_096)",
    ]
    let row = try study(engine, sets).rows[0]
    #expect(row.refusals.isEmpty)
    let outcome = try RunExecutor(spec: row.run, entry: try #require(engineEntry(named: engine))).execute()
    #expect(outcome.failure == nil)
  }

  @Test("parameters that make no engine")
  func impossible() throws {
    let cases: [(String, [String], String)] = [
      ("sqlite", ["engines.it.page_bytes=3000"], "page_bytes is 3000, which is not a power of two"),
      ("sqlite", ["engines.it.cache_bytes=8MiB"], "does not fit the memory budget"),
      ("sqlite", ["memory_budget=256KiB"], "is too small"),
      ("sorted-file", ["engines.it.block_bytes=128KiB"], "needs 4194304 bytes of memory"),
      ("sorted-file", ["device.transfer_unit=16KiB"], "block_bytes is 4096, not a multiple"),
      ("append-log", ["memory_budget=64KiB"], "an append log needs 131072 bytes of memory"),
    ]
    for (engine, sets, sentence) in cases {
      let refusals = try study(engine, sets).rows[0].refusals
      #expect(refusals.count == 1, "\(engine) \(sets): \(refusals)")
      #expect(refusals.first?.hasPrefix("engines.it: engine '\(engine)' would not open: ") == true)
      #expect(refusals.first?.contains(sentence) == true, "\(refusals)")
    }
  }
}
