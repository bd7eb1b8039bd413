// Goal (crash safety): whatever a power cut or a failing device leaves, the B-tree comes back with a committed prefix that holds
// every promised batch, in both commit modes and every durability class; and bytes that rot are noticed.
// Method: the crash laboratory cuts the power between any two device calls, with unsynced sectors surviving in every
// combination; the fault sweep fails, tears and starves every call. Seeds are in the messages.

import EngineCatalogue
import KeyValue
import Testing
import Trials

@Suite struct CrashSafetyTests {
  static let settings: [Setting] = [
    Setting(description: "path-copy", changes: [:]),
    Setting(description: "log", changes: ["commit": .text("log"), "log_segment_bytes": .integer(16_384)]),
    Setting(
      description: "log, checkpoint every 20",
      changes: [
        "commit": .text("log"), "log_segment_bytes": .integer(8_192), "checkpoint_operations": .integer(20),
      ]),
    Setting(
      description: "path-copy, checkpoint every 30, redistribution",
      changes: ["checkpoint_operations": .integer(30), "redistribution": .boolean(true)]),
  ]

  static func subject(_ setting: Setting, seed: UInt64, atom: Int) -> TrialSubject {
    var subject = TrialSubject(setting.entry, parameters: setting.parameters, label: setting.description)
    subject.capacityByteCount = 32 << 20
    subject.memoryByteCount = 4 << 20
    subject.seed = seed
    subject.atomByteCount = atom
    return subject
  }

  @Test(arguments: settings, [0, 1, 3])
  func everyCrashLeavesAPromisedPrefix(setting: Setting, syncEvery: Int) {
    for (seed, atom) in [(41 as UInt64, 512), (42, 4_096)] {
      var options = CrashOptions()
      options.exhaustiveBudget = 400
      options.seededSubsetCount = 40
      let script = TrialScript.story(
        seed: seed, batchCount: 10, syncEveryCommits: syncEvery, largestValueByteCount: 8_000)
      let outcome = CrashSweep(
        Self.subject(setting, seed: seed, atom: atom), script: script, options: options
      )
      .run()
      #expect(
        outcome.isSound, "seed \(seed): \(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
      #expect(outcome.prefixCount > 2)
    }
  }

  /// A bulk load of more than one batch of writes, then a story.
  static func loadingScript(seed: UInt64, syncEvery: Int) -> TrialScript {
    var items: [TrialItem] = []
    for number in 0..<260 {
      let size = number % 9 == 0 ? 7_000 : Int(draw(seed, number) % 400)
      items.append(
        .write(
          TrialOperation(
            .put, key: Array("bulk".utf8) + key(number),
            operand: [UInt8](repeating: UInt8(number & 255), count: size))))
    }
    items.append(.load)
    let story = TrialScript.story(
      seed: seed, batchCount: 3, syncEveryCommits: syncEvery, largestValueByteCount: 4_000)
    return TrialScript(items + story.items.map(\.item), syncEveryCommits: syncEvery)
  }

  @Test(arguments: settings)
  func aCrashShowsAllOfABulkLoadOrNothing(setting: Setting) {
    var options = CrashOptions()
    options.exhaustiveBudget = 200
    options.seededSubsetCount = 20
    let outcome = CrashSweep(
      Self.subject(setting, seed: 45, atom: 4_096), script: Self.loadingScript(seed: 45, syncEvery: 1),
      options: options
    ).run()
    #expect(outcome.isSound, "\(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
    #expect(outcome.prefixCount > 2)
  }

  @Test(arguments: settings)
  func aFaultInABulkLoadLeavesNothing(setting: Setting) {
    var options = FaultOptions()
    options.maximumReadCount = 10
    options.unitsPerKind = 2
    options.capacityCount = 6
    let outcome = FaultSweep(
      Self.subject(setting, seed: 46, atom: 512), script: Self.loadingScript(seed: 46, syncEvery: 1),
      options: options
    ).run()
    let isSound = outcome.isSound
    #expect(isSound, "\(outcome.failureCount): \(outcome.failures.first?.description ?? "")")
  }

  @Test(arguments: settings, [0, 1, 3])
  func everyFaultIsAnsweredWithAnErrorOrRightly(setting: Setting, syncEvery: Int) {
    var options = FaultOptions()
    options.maximumReadCount = 30
    options.unitsPerKind = 5
    options.capacityCount = 8
    let script = TrialScript.story(
      seed: 43, batchCount: 8, syncEveryCommits: syncEvery, largestValueByteCount: 8_000)
    let outcome = FaultSweep(Self.subject(setting, seed: 43, atom: 512), script: script, options: options)
      .run()
    let isSound = outcome.isSound
    #expect(isSound, "\(outcome.failureCount): \(outcome.failures.first?.description ?? "")")
    #expect(outcome.calls.caseCount > 200)
  }
}
