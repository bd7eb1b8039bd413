// Goal: the B-tree keeps the engine contract under every setting that changes its code's way: both commit modes, tiny and large
// pages, redistribution, never merging, frequent checkpoints, a cache of a few pages.
// Method: the conformance suite on a memory device; each case is named by setting and check.

import BTree
import EngineCatalogue
import KeyValue
import Testing

/// Settings of the B-tree on trial.
struct Setting: Sendable, CustomStringConvertible {
  var description: String
  var changes: [String: ParameterValue]
  var memoryByteCount = 14 << 20

  var entry: EngineEntry {
    guard let entry = engineEntry(named: "btree") else {
      preconditionFailure("The B-tree is in the catalogue.")
    }
    return entry
  }

  var parameters: ParameterSet {
    var set = entry.defaultParameters
    for (name, value) in changes { set[name] = value }
    return set
  }

  static let all: [Setting] = [
    Setting(description: "path-copy", changes: [:]),
    Setting(description: "log", changes: ["commit": .text("log")]),
    Setting(
      description: "path-copy, checkpoint every 50, cache of 2 MiB, redistribution",
      changes: ["checkpoint_operations": .integer(50), "redistribution": .boolean(true)],
      memoryByteCount: 2 << 20),
    Setting(
      description: "log, checkpoint every 70, cache of 2 MiB, no merging",
      changes: [
        "commit": .text("log"), "checkpoint_operations": .integer(70), "merge_threshold_percent": .integer(0),
        "log_segment_bytes": .integer(8_192),
      ], memoryByteCount: 2 << 20),
    Setting(
      description: "pages of 16 KiB", changes: ["page_bytes": .integer(16_384), "commit": .text("log")],
      memoryByteCount: 6 << 20),
  ]
}

@Suite struct ConformanceTests {
  @Test(arguments: Setting.all, ConformanceSuite.checks)
  func conforms(setting: Setting, check: ConformanceCheck) throws {
    let suite = setting.entry.conformanceSuite(
      parameters: setting.parameters, memoryByteCount: setting.memoryByteCount, randomOperationCount: 3_000)
    try suite.run(check, seed: 1)
  }
}
