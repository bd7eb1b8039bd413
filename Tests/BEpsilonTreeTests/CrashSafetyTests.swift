// Goal (crash safety): whatever a power cut or a failing device leaves, the Bε-tree comes back with a committed prefix that
// holds every promised batch, in every durability class, with checkpoints, flushes and evictions in between; and bytes that
// rot are noticed.
// Method: the crash laboratory cuts the power between any two device calls, with unsynced sectors surviving in every
// combination; the fault sweep fails, tears and starves every call. Seeds are in the messages.

import EngineCatalogue
import KeyValue
import Testing
import Trials

@Suite struct CrashSafetyTests {
  static let settings: [Setting] = [
    Setting(description: "default", changes: [:], memoryByteCount: 4 << 20),
    Setting(
      description: "4 KiB nodes, checkpoint every 20",
      changes: [
        "node_bytes": .integer(4_096), "epsilon": .real(0.5), "log_segment_bytes": .integer(8_192),
        "checkpoint_operations": .integer(20),
      ], memoryByteCount: 512 << 10),
    Setting(
      description: "16 KiB nodes in parts of 4 KiB, F 3",
      changes: [
        "node_bytes": .integer(16_384), "basement_bytes": .integer(4_096), "fanout": .integer(3),
        "log_segment_bytes": .integer(16_384),
      ], memoryByteCount: 512 << 10),
    Setting(
      description: "copy-on-write, 4 KiB nodes, checkpoint every 20",
      changes: [
        "node_bytes": .integer(4_096), "epsilon": .real(0.5), "durability": .text("copy-on-write"),
        "checkpoint_operations": .integer(20), "flush_policy": .text("all"),
      ], memoryByteCount: 512 << 10),
    Setting(
      description: "copy-on-write, 16 KiB nodes in parts of 4 KiB, F 3, everything passes through",
      changes: [
        "node_bytes": .integer(16_384), "basement_bytes": .integer(4_096), "fanout": .integer(3),
        "durability": .text("copy-on-write"), "pass_through_bytes": .integer(1),
      ], memoryByteCount: 512 << 10),
  ]

  static func subject(_ setting: Setting, seed: UInt64, atom: Int) -> TrialSubject {
    var subject = TrialSubject(setting.entry, parameters: setting.parameters, label: setting.description)
    subject.capacityByteCount = 32 << 20
    subject.memoryByteCount = setting.memoryByteCount
    subject.seed = seed
    subject.atomByteCount = atom
    return subject
  }

  private static func largestValue(_ setting: Setting) -> Int {
    guard case .integer(let bytes)? = setting.changes["node_bytes"] else { return 8_000 }
    return min(8_000, bytes / 4)
  }

  @Test(arguments: settings, [0, 1, 3])
  func everyCrashLeavesAPromisedPrefix(setting: Setting, syncEvery: Int) {
    for (seed, atom) in [(41 as UInt64, 512), (42, 4_096)] {
      var options = CrashOptions()
      options.exhaustiveBudget = 400
      options.seededSubsetCount = 40
      let script = TrialScript.story(
        seed: seed, batchCount: 10, syncEveryCommits: syncEvery,
        largestValueByteCount: Self.largestValue(setting))
      let outcome = CrashSweep(
        Self.subject(setting, seed: seed, atom: atom), script: script, options: options
      )
      .run()
      #expect(
        outcome.isSound, "seed \(seed): \(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
      #expect(outcome.prefixCount > 2)
    }
  }

  @Test(arguments: settings, [0, 1, 3])
  func everyFaultIsAnsweredWithAnErrorOrRightly(setting: Setting, syncEvery: Int) {
    var options = FaultOptions()
    options.maximumReadCount = 30
    options.unitsPerKind = 5
    options.capacityCount = 8
    let script = TrialScript.story(
      seed: 43, batchCount: 8, syncEveryCommits: syncEvery, largestValueByteCount: Self.largestValue(setting))
    let outcome = FaultSweep(Self.subject(setting, seed: 43, atom: 512), script: script, options: options)
      .run()
    #expect(outcome.isSound, "\(outcome.failureCount): \(outcome.failures.first?.description ?? "")")
    #expect(outcome.calls.caseCount > 200)
  }
}
