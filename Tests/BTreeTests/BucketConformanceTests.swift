// Goal: bucket views, bucket snapshots and transactions over buckets keep the contract that all engines keep, and the structure of
// several trees in one volume survives growing and shrinking.
// Method: the conformance suite and the structural stress on a tree whose key space is divided among buckets (`BucketedTree`).

import BTree
import EngineCatalogue
import KeyValue
import Testing

@Suite struct BucketConformanceTests {
  @Test(arguments: Array(Setting.all[1...2]), ConformanceSuite.checks)
  func conforms(setting: Setting, check: ConformanceCheck) throws {
    let suite = BucketedTree.entry().conformanceSuite(
      parameters: setting.parameters, memoryByteCount: setting.memoryByteCount, randomOperationCount: 2_000)
    try suite.run(check, seed: 1)
  }

  @Test(
    arguments: [
      ["checkpoint_operations": .integer(700)],
      ["commit": .text("log"), "checkpoint_operations": .integer(900), "redistribution": .boolean(true)],
    ] as [[String: ParameterValue]])
  func structureSurvivesAllStages(changes: [String: ParameterValue]) throws {
    let counts = BucketCounts()
    let bench = try Bench(changes, memoryByteCount: 3 << 20)
    var stress = StructuralStress(seed: 61, operationCount: 30_000, keyCount: 6_000, checkInterval: 1_000)
    let report = try stress.run(
      BucketedTree(bench.engine, parts: .numbers, counts: counts),
      reopen: {
        BucketedTree(
          try Bench.open(bench.memory, changes, 3 << 20, creates: false), parts: .numbers, counts: counts)
      })
    #expect(report.checkCount > 20 && report.reopenCount > 0)
    #expect(counts.made > 60 && counts.dropped > 20, "\(counts.made) made, \(counts.dropped) dropped")
  }
}
