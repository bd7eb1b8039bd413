// Goal (crash safety, all or nothing across buckets): whatever a power cut or a failing device leaves of transactions over the
// engine's own keys and several buckets, which they make and drop, all buckets together are one committed prefix.
// Method: a tree whose key space is divided among buckets (`BucketedTree`) lives the stories of the crash laboratory: the power is
// cut between any two device calls, with unsynced sectors surviving in seeded subsets, exhaustively where they are few; every image
// is compared as a whole, verified, crashed again in its recovery, and lived on. The canary writes bucket by bucket, and is caught.

import EngineCatalogue
import KeyValue
import Testing
import Trials

@Suite struct BucketCrashTests {
  private static func subject(
    _ setting: Setting, seed: UInt64, atom: Int, counts: BucketCounts?
  ) -> TrialSubject {
    var subject = TrialSubject(
      BucketedTree.entry(counts: counts), parameters: setting.parameters, label: setting.description)
    subject.capacityByteCount = 32 << 20
    subject.memoryByteCount = 4 << 20
    subject.seed = seed
    subject.atomByteCount = atom
    return subject
  }

  @Test(arguments: CrashSafetyTests.settings, [0, 1, 3])
  func allBucketsTogetherAreOneCommittedPrefix(setting: Setting, syncEvery: Int) {
    let counts = BucketCounts()
    for (seed, atom) in [(51 as UInt64, 512), (52, 4_096)] {
      var options = CrashOptions()
      options.exhaustiveBudget = 300
      options.seededSubsetCount = 30
      let script = TrialScript.story(
        seed: seed, batchCount: 12, syncEveryCommits: syncEvery, largestValueByteCount: 8_000)
      let outcome = CrashSweep(
        Self.subject(setting, seed: seed, atom: atom, counts: counts), script: script, options: options
      ).run()
      #expect(
        outcome.isSound, "seed \(seed): \(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
      #expect(outcome.prefixCount > 2)
    }
    #expect(counts.made > 10 && counts.dropped > 4, "\(counts.made) made, \(counts.dropped) dropped")
  }

  @Test(arguments: CrashSafetyTests.settings)
  func everyFaultIsAnsweredWithAnErrorOrRightly(setting: Setting) {
    var options = FaultOptions()
    options.maximumReadCount = 20
    options.unitsPerKind = 3
    options.capacityCount = 6
    let script = TrialScript.story(
      seed: 53, batchCount: 8, syncEveryCommits: 1, largestValueByteCount: 8_000)
    let outcome = FaultSweep(
      Self.subject(setting, seed: 53, atom: 512, counts: nil), script: script, options: options
    ).run()
    let isSound = outcome.isSound
    #expect(isSound, "\(outcome.failureCount): \(outcome.failures.first?.description ?? "")")
    #expect(outcome.calls.caseCount > 200)
  }

  /// Each bucket in a transaction of its own: a crash between two of them shows a state that no batch left.
  @Test(arguments: CrashSafetyTests.settings.prefix(2))
  func bucketsWrittenOneByOneAreCaught(setting: Setting) {
    var subject = Self.subject(setting, seed: 54, atom: 4_096, counts: nil)
    let open = subject.open
    subject.open = { (environment) throws(EngineError) in
      let tree = try open(environment)
      guard let tree = tree as? BucketedTree else { preconditionFailure("The entry opens divided trees.") }
      return BucketByBucket(tree)
    }
    var options = CrashOptions()
    options.exhaustiveBudget = 100
    options.seededSubsetCount = 10
    options.stopsAtFirstFailure = true
    let script = TrialScript.story(
      seed: 54, batchCount: 12, syncEveryCommits: 1, largestValueByteCount: 4_000)
    let outcome = CrashSweep(subject, script: script, options: options).run()
    #expect(outcome.lifeFailure == nil && outcome.failureCount > 0)
  }
}

/// A divided tree that forgets to make one transaction of a batch.
private final class BucketByBucket: Engine {
  private let tree: BucketedTree

  init(_ tree: BucketedTree) { self.tree = tree }

  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    for part in 0..<tree.parts.count {
      var own = WriteBatch()
      for entry in batch.entries {
        let key = batch.key(of: entry)
        if tree.parts.part(of: [UInt8](key)) != part { continue }
        own.append(entry.kind, key: key, operand: batch.operand(of: entry))
      }
      if own.count > 0 { try tree.apply(own, sync: sync) }
    }
  }

  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try tree.get(key, body)
  }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try tree.makeCursor(range, order)
  }
  func makeSnapshot() throws(EngineError) -> any ReadView { try tree.makeSnapshot() }
  var limits: EngineLimits { tree.limits }
  var durabilityClass: DurabilityClass { tree.durabilityClass }
  func checkpoint() throws(EngineError) { try tree.checkpoint() }
  func settle() throws(EngineError) { try tree.settle() }
  func dropCache() throws(EngineError) { try tree.dropCache() }
  func close() throws(EngineError) { try tree.close() }
  func spaceReport() throws(EngineError) -> SpaceReport { try tree.spaceReport() }
  func settingsReadBack() -> [(name: String, value: String)] { tree.settingsReadBack() }
  func statistics() -> [(name: String, value: UInt64)] { tree.statistics() }
  func treeReport() -> TreeReport? { tree.treeReport() }
  func verify() throws(EngineError) { try tree.verify() }
}
