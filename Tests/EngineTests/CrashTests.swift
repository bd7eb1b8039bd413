// Goal: whatever a device does, an engine comes back with a committed prefix that holds every promised batch, or says
// honestly that it cannot; and bytes that rot are noticed.
// Method: every engine of the catalogue, and the variants that reach more code, go through the crash laboratory with a
// short story, under each syncing policy, torn in sectors and in pages. What the laboratory itself catches is
// tested in TrialsTests.

import KeyValue
import Primitives
import Storage
import Testing
import Trials

extension Candidate {
  /// The candidate on a small device.
  var subject: TrialSubject {
    var subject = TrialSubject(entry, parameters: parameters, label: label)
    subject.capacityByteCount = 32 << 20
    subject.memoryByteCount = memoryByteCount
    return subject
  }
}

@Suite struct CrashTests {
  /// Every engine under every policy, the variants under one.
  static let lives: [(Candidate, Int)] = Candidate.durable.flatMap { candidate in
    let isVariant = Candidate.variants.contains { $0.label == candidate.label }
    return (isVariant ? [2] : [0, 1, 3]).map { (candidate, $0) }
  }

  @Test(arguments: lives)
  func everyCrashLeavesAPromisedPrefix(candidate: Candidate, syncEvery: Int) {
    for (seed, atom) in [(21 as UInt64, 512), (22, 4_096)] {
      var subject = candidate.subject
      subject.seed = seed
      subject.atomByteCount = atom
      var options = CrashOptions()
      options.exhaustiveBudget = 500
      options.seededSubsetCount = 50
      let script = TrialScript.story(
        seed: seed, batchCount: 8, syncEveryCommits: syncEvery, largestValueByteCount: 8_000)
      let outcome = CrashSweep(subject, script: script, options: options).run()
      #expect(
        outcome.isSound,
        "seed \(seed): \(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
      #expect(outcome.prefixCount > 2)
    }
  }

  @Test(arguments: lives)
  func everyFaultIsAnsweredWithAnErrorOrRightly(candidate: Candidate, syncEvery: Int) {
    var options = FaultOptions()
    options.maximumReadCount = 20
    options.unitsPerKind = 4
    options.capacityCount = 8
    let script = TrialScript.story(
      seed: 31, batchCount: 7, syncEveryCommits: syncEvery, largestValueByteCount: 8_000)
    let outcome = FaultSweep(candidate.subject, script: script, options: options).run()
    #expect(outcome.isSound, "\(outcome.failureCount): \(outcome.failures.first?.description ?? "")")
    #expect(outcome.calls.caseCount > 200)
  }
}
