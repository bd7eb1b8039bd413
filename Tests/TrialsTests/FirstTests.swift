import EngineCatalogue
import KeyValue
import Testing
import Trials

@Suite struct FirstTests {
  @Test(arguments: ["append-log", "sorted-file", "sqlite"], [0, 1, 3])
  func engines(name: String, sync: Int) throws {
    let entry = try #require(engineEntry(named: name))
    let subject = TrialSubject(entry)
    let script = TrialScript.story(seed: 1, batchCount: 12, syncEveryCommits: sync)
    var options = CrashOptions()
    options.exhaustiveImageCount = 4096
    let clock = ContinuousClock()
    var outcome = CrashOutcome()
    let time = clock.measure { outcome = CrashSweep(subject, script: script, options: options).run() }
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    print(name, sync, outcome.durabilityClass, "points", outcome.pointCount, "images", outcome.imageCount, "distinct", outcome.distinctImageCount, "opened", outcome.openedImageCount, "second", outcome.secondCrashCount, "prefixes", outcome.prefixCount, "/", outcome.batchCount, "intervals", outcome.exhaustiveIntervalCount, outcome.intervalCount, "reads", outcome.recoveryReadsP50, outcome.recoveryReadsMax, "writes", outcome.recoveryWritesMax, "lost", outcome.lostOperationsMax, "images/s", Double(outcome.imageCount) / seconds, "opened/s", Double(outcome.openedImageCount) / seconds, "s", seconds)
    #expect(outcome.isSound, "\(outcome.lifeFailure ?? "") \(outcome.failureCount) \(outcome.failures.first?.description ?? "")")
  }
}
