// Goal: estimates count what can be counted exactly, grow as the structures do, and refuse what cannot be.
// Method: operations and logical bytes against sums by hand; ratios between runs; each refusal provoked alone; bytes of
// the quick start against its committed record.

import EngineCatalogue
import Experiment
import Foundation
import KeyValue
import Results
import Testing

@Suite("Study: estimates")
struct StudyEstimateTests {
  private func row(
    _ text: String, sets: [String] = [], resources: HostResources = HostResources()
  ) throws -> PlanOutline.Row {
    let plan = try Plan(Toy.decode(text, sets: sets), vocabulary: Toy.vocabulary)
    return PlanOutline(plan, vocabulary: Toy.vocabulary, resources: resources).rows[0]
  }

  @Test("operations and logical bytes are exact")
  func exact() throws {
    let estimate = try row(Toy.small, sets: ["workload.records=1_000"]).estimate
    #expect(estimate.operationCount == 2_000)
    #expect(estimate.logicalWriteByteCount == 1_000 * 116)
    let mixed = Toy.small.replacing("{ phase: read }", with: "{ phase: mixed, mix: { get_hit: 1, put: 3 } }")
    #expect(try row(mixed).estimate.logicalWriteByteCount == 100 * 116 + 750 * 116)
  }

  @Test("a random load larger than its memory costs more than a sequential one")
  func order() throws {
    let sets = ["workload.records=1_000_000", "memory_budget=data/8"]
    let random = try row(Toy.small, sets: sets).estimate
    let sequential = try row(Toy.small, sets: sets + ["phases.load.order=sequential"]).estimate
    #expect(random.deviceWriteByteCount > 5 * sequential.deviceWriteByteCount)
    #expect(random.deviceReadByteCount > sequential.deviceReadByteCount)
    #expect(random.seconds > sequential.seconds)
    #expect(random.peakMemoryByteCount > 116_000_000)
  }

  @Test("the quick start's engines declare their costs, within a factor of three of its record")
  func declared() throws {
    var root = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { root.deleteLastPathComponent() }
    let study = try Study.load(
      StudyRequest(path: root.path + "/Experiments/quickstart"), vocabulary: .standard)
    let record = try RecordReader(directory: root.path + "/Results/quickstart").read()
    let plan = try Plan(study, vocabulary: .standard)
    let rows = PlanOutline(plan, vocabulary: .standard, resources: HostResources()).rows
    #expect(engineCatalogue.allSatisfy { $0.descriptor.costs != nil || $0.descriptor.absentBecause != nil })
    for row in rows {
      #expect(!row.estimate.warnings.contains { $0.contains("declares no costs") })
      let phases = record.runs.filter { $0.label == row.run.label }
      #expect(!phases.isEmpty, "\(row.run.label) is not in the record")
      let written = phases.reduce(0.0) { $0 + Double($1.deviceWriteBytes ?? 0) }
      let read = phases.reduce(0.0) { $0 + Double($1.deviceReadBytes ?? 0) }
      for (estimate, measured) in [
        (row.estimate.deviceWriteByteCount, written), (row.estimate.deviceReadByteCount, read),
      ] {
        let estimate = Double(estimate)
        #expect(
          estimate <= 3 * measured && measured <= 3 * estimate,
          "\(row.run.label): \(estimate) estimated, \(measured) measured")
      }
    }
  }

  @Test("each refusal, and none without a reason")
  func refusals() throws {
    #expect(try row(Toy.small).refusals.isEmpty)
    #expect(
      try row(Toy.small, sets: ["workload.key_bytes=1KiB"]).refusals
        == [
          "workload.key_bytes: 1024 bytes of a key are more than engine 'tree' (tree) takes, 512: an eighth of a page"
        ])
    #expect(
      try row(Toy.small, sets: ["workload.value_bytes=8KiB"]).refusals
        == [
          "workload.value_bytes: 8192 bytes of the longest value are more than engine 'tree' (tree) takes, 4096: a page"
        ])
    #expect(
      try row(Toy.small, sets: ["device.capacity=1MiB", "workload.records=100_000"]).refusals == [
        "the records are 11.1 MiB, and the device holds 1.00 MiB; raise device.capacity or lower the records"
      ])
    let memory = HostResources(freeMemoryByteCount: 10 << 20)
    let reasons = try row(Toy.small, resources: memory).refusals
    #expect(reasons.count == 1)
    #expect(reasons[0].hasPrefix("it needs about 65.0 MiB of memory, and 10.0 MiB are free"))
    let disk = HostResources(freeDiskByteCount: 100)
    #expect(try row(Toy.small, resources: disk).refusals.isEmpty)
    #expect(try row(Toy.small, sets: ["device.kind=file"], resources: disk).refusals.count == 1)
    let absent = Toy.small.replacing("engine: tree", with: "engine: heap")
    #expect(try row(absent).refusals == ["engine 'heap' is absent: its library is not here"])
  }

  @Test("the table for a terminal")
  func table() throws {
    let study = try Toy.decode(Toy.small, sets: ["workload.value_bytes=100,1KiB", "title=A title"])
    let outline = PlanOutline(try Plan(study, vocabulary: Toy.vocabulary), vocabulary: Toy.vocabulary)
    let text = PlanRenderer.text(outline)
    #expect(text.hasPrefix("study small: A title\n\nrun  id            engine  repeat  records"))
    #expect(text.contains("workload.value_bytes=1024\n"))
    #expect(text.contains("2 runs, less than 1 s: 2.20 k operations"))
    #expect(PlanRenderer.text(outline, maximumRowCount: 1).contains("… and 1 more"))
    let json = PlanRenderer.json(outline)
    #expect(json.contains("\"run_count\": 2"))
    #expect(json == PlanRenderer.json(outline))
  }

  @Test("this machine's resources can be read")
  func resources() {
    let resources = HostResources.current(path: "/tmp")
    #expect((resources.freeMemoryByteCount ?? 0) > 0)
    #expect((resources.freeDiskByteCount ?? 0) > 0)
  }
}
