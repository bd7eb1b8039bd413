// Goal: the Bε-tree keeps the engine contract under every setting that changes its code's way: nodes of one block and of many
// parts, ε from 0 to 1, every flush policy, no merging, frequent checkpoints, little memory.
// Method: the conformance suite on a memory device; each case is named by setting and check.

import BEpsilonTree
import EngineCatalogue
import KeyValue
import Testing

/// Settings of the Bε-tree on trial.
struct Setting: Sendable, CustomStringConvertible {
  var description: String
  var changes: [String: ParameterValue]
  var memoryByteCount = 14 << 20

  var entry: EngineEntry {
    guard let entry = engineEntry(named: "bepsilon") else {
      preconditionFailure("The Bε-tree is in the catalogue.")
    }
    return entry
  }

  var parameters: ParameterSet {
    var set = entry.defaultParameters
    for (name, value) in changes { set[name] = value }
    return set
  }

  static let all: [Setting] = [
    Setting(description: "default", changes: [:]),
    Setting(
      description: "4 KiB nodes, ε 1/2, 1 MiB",
      changes: ["node_bytes": .integer(4_096), "epsilon": .real(0.5)], memoryByteCount: 1 << 20),
    Setting(
      description: "8 KiB nodes, ε 0, checkpoint every 50, no merging, 1 MiB",
      changes: [
        "node_bytes": .integer(8_192), "epsilon": .real(0), "checkpoint_operations": .integer(50),
        "merge_threshold_percent": .integer(0), "flush_policy": .text("all"),
      ], memoryByteCount: 1 << 20),
    Setting(
      description: "4 KiB nodes, ε 1, round-robin, 512 KiB",
      changes: [
        "node_bytes": .integer(4_096), "epsilon": .real(1), "flush_policy": .text("round-robin"),
        "entry_bytes": .integer(32),
      ], memoryByteCount: 512 << 10),
    Setting(
      description: "32 KiB nodes in parts of 4 KiB, F 4, random, 1 MiB",
      changes: [
        "node_bytes": .integer(32_768), "basement_bytes": .integer(4_096), "fanout": .integer(4),
        "flush_policy": .text("random"), "checkpoint_operations": .integer(700),
      ], memoryByteCount: 1 << 20),
    Setting(
      description: "64 KiB nodes in parts of 8 KiB, bytes, shared, no bypass, cache-aware, 1.5 MiB",
      changes: [
        "node_bytes": .integer(65_536), "basement_bytes": .integer(8_192), "unit": .text("bytes"),
        "epsilon": .real(0.25), "buffer_layout": .text("shared"), "sequential_bypass": .boolean(false),
        "flush_policy": .text("cache-aware"), "log_segment_bytes": .integer(8_192),
      ], memoryByteCount: 3 << 19),
    Setting(
      description: "copy-on-write, 4 KiB nodes, ε 1/2, all, 1 MiB",
      changes: [
        "node_bytes": .integer(4_096), "epsilon": .real(0.5), "durability": .text("copy-on-write"),
        "flush_policy": .text("all"),
      ], memoryByteCount: 1 << 20),
    Setting(
      description: "copy-on-write, 32 KiB nodes in parts of 4 KiB, F 4, everything passes through, 1 MiB",
      changes: [
        "node_bytes": .integer(32_768), "basement_bytes": .integer(4_096), "fanout": .integer(4),
        "durability": .text("copy-on-write"), "pass_through_bytes": .integer(1),
        "checkpoint_operations": .integer(700),
      ], memoryByteCount: 1 << 20),
    Setting(
      description: "copy-on-write, 8 KiB nodes, F 3, shared, fullest, 512 KiB",
      changes: [
        "node_bytes": .integer(8_192), "fanout": .integer(3), "durability": .text("copy-on-write"),
        "buffer_layout": .text("shared"),
      ], memoryByteCount: 512 << 10),
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
