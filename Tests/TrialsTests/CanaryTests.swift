// Goal: the laboratory catches what it is there for, and only that.
// Method: a tiny engine passes every crash when it is right; each of ten ways to get it wrong, and a device that loses
// a sync under a real engine, must be reported, shrunk to a few items, and repeated from what the report says.

import EngineCatalogue
import KeyValue
import Primitives
import Storage
import Synchronization
import Testing

@testable import Trials

/// Swallows one sync, or all.
private final class DeafDevice: BlockDevice {
  private let base: any BlockDevice
  private let deafAt: Int?
  private var syncCount = 0
  let transferUnitByteCount: Int
  let capacityByteCount: UInt64

  init(base: any BlockDevice, deafAt: Int?) {
    self.base = base
    self.deafAt = deafAt
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
  }

  func submit(_ batch: inout TransferBatch) throws(StorageError) { try base.submit(&batch) }

  func control(_ operation: ControlOperation) throws(StorageError) {
    if case .sync = operation {
      syncCount += 1
      if deafAt == nil || deafAt == syncCount - 1 { return }
    }
    try base.control(operation)
  }
}

@Suite struct CanaryTests {
  static func script(_ seed: UInt64, syncEvery: Int, batchCount: Int = 10) -> TrialScript {
    .story(seed: seed, batchCount: batchCount, syncEveryCommits: syncEvery, largestValueByteCount: 900)
  }

  static let options: CrashOptions = {
    var options = CrashOptions()
    options.exhaustiveImageCount = 1 << 12
    options.seededSubsetCount = 200
    return options
  }()

  @Test(arguments: [0, 1, 3], [1, 2] as [UInt64])
  func aRightEnginePasses(syncEvery: Int, seed: UInt64) {
    let outcome = CrashSweep(
      TinyEngine.subject(.none), script: Self.script(seed, syncEvery: syncEvery), options: Self.options
    ).run()
    #expect(outcome.isSound, "\(outcome.lifeFailure ?? "") \(outcome.failures.first?.description ?? "")")
    #expect(outcome.secondCrashCount > 100)
    #expect(outcome.prefixCount > 3)
    #expect(outcome.distinctImageCount > 100)
  }

  @Test(arguments: Canary.ofCrashes)
  func aWrongEngineIsCaught(canary: Canary) throws {
    let subject = TinyEngine.subject(canary)
    let script = Self.script(3, syncEvery: 1)
    let outcome = CrashSweep(subject, script: script, options: Self.options).run()
    #expect(outcome.lifeFailure == nil)
    let first = try #require(outcome.failures.first, "\(canary) was not caught")
    var shrinker = CrashShrinker(subject, options: Self.options, sweepCount: 60)
    let smallest = shrinker.shrink(script, first)
    #expect(smallest.script.items.count < script.items.count / 2, "\(smallest.options)")
    // What the report says is enough to see it again.
    let again = CrashSweep(subject, script: script.keeping(Set(smallest.script.numbers)))
      .run(smallest.failure.crash)
    #expect(again.failure?.sentence == smallest.failure.sentence, "\(smallest.options)")
    let spelling = smallest.failure.crash.survivors.spelling
    #expect(CrashSurvivors(spelling: spelling) == smallest.failure.crash.survivors)
  }

  @Test func theSmallestScriptOfALostDeletionIsSmall() throws {
    let subject = TinyEngine.subject(.lostDeletion)
    let script = Self.script(3, syncEvery: 1)
    let outcome = CrashSweep(subject, script: script, options: Self.options).run()
    var shrinker = CrashShrinker(subject, options: Self.options)
    let smallest = shrinker.shrink(script, try #require(outcome.failures.first))
    // A put, a deletion and a commit or two.
    #expect(smallest.script.items.count <= 5, "\(smallest.script)")
  }

  @Test(arguments: ["append-log", "sorted-file"])
  func aLostSyncUnderARealEngineIsCaught(name: String) throws {
    var subject = TrialSubject(try #require(engineEntry(named: name)))
    let script = Self.script(5, syncEvery: 1, batchCount: 6)
    var options = Self.options
    options.exhaustiveImageCount = 256
    options.seededSubsetCount = 50
    #expect(CrashSweep(subject, script: script, options: options).run().isSound)
    subject.wrap = { DeafDevice(base: $0, deafAt: nil) }
    #expect(CrashSweep(subject, script: script, options: options).run().failureCount > 0)
    var caughtCount = 0
    for sync in 4..<12 {
      subject.wrap = { DeafDevice(base: $0, deafAt: sync) }
      options.stopsAtFirstFailure = true
      if CrashSweep(subject, script: script, options: options).run().failureCount > 0 { caughtCount += 1 }
    }
    #expect(caughtCount > 4, "only \(caughtCount) of 8 lost syncs were noticed")
  }

  /// The canaries are no alarm for engines that promise nothing about the order of what they lose.
  @Test func aMissingSyncIsNoFailureWhereNothingIsPromised() {
    let outcome = CrashSweep(
      TinyEngine.subject(.missingSync), script: Self.script(3, syncEvery: 0), options: Self.options
    ).run()
    #expect(outcome.isSound, "\(outcome.failures.first?.description ?? "")")
  }

  @Test(arguments: [Canary.none, .staleLogReplayed])
  func theSameSweepTwiceFindsTheSame(canary: Canary) {
    let sweep = CrashSweep(
      TinyEngine.subject(canary), script: Self.script(4, syncEvery: 3), options: Self.options)
    #expect(sweep.run() == sweep.run())
  }
}
