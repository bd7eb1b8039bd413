// Goal: the laboratory drops writes of every kind of block, and tells engines that notice from those that do not; who claims to
// notice and does not is caught.
// Method: the B-tree and the Bε-tree in both its modes, which claim it, and SQLite, which declares that it does not, through the same story; then SQLite made to
// claim it. The B-tree's own suites look at single pages.

import Testing

@testable import Trials

@Suite struct LostWriteSweepTests {
  private static func sweep(_ subject: TrialSubject) -> FaultOutcome {
    var options = FaultOptions()
    options.maximumCallCount = 1
    options.capacityCount = 1
    options.maximumReadCount = 1
    options.unitsPerKind = 1
    options.bitsPerUnit = 1
    options.maximumLossCount = 120
    let script = TrialScript.story(
      seed: 52, batchCount: 10, syncEveryCommits: 1, largestValueByteCount: 3_000)
    return FaultSweep(subject, script: script, options: options).run()
  }

  @Test func theBTreeNotices() {
    let subject = Candidate("btree", syncEvery: 1).subject
    #expect(subject.detectsLostWrites)
    let outcome = Self.sweep(subject)
    let isSound = outcome.isSound
    #expect(isSound, "\(outcome.failures)")
    #expect(outcome.losses.map(\.kind).contains("leaf") && outcome.losses.map(\.kind).contains("superblock"))
    #expect(outcome.losses.allSatisfy { $0.tally.unnoticedCount == 0 && $0.tally.caseCount > 0 })
    #expect(outcome.losses.reduce(0) { $0 + $1.tally.errorCount } > 5)
  }

  @Test(arguments: ["log", "copy-on-write"], ["per-child", "shared"])
  func theBepsilonTreeNotices(durability: String, layout: String) {
    let subject = Candidate(
      "bepsilon",
      [
        "durability": .text(durability), "buffer_layout": .text(layout), "node_bytes": .integer(4_096),
        "epsilon": .real(0.5), "checkpoint_operations": .integer(12),
      ], syncEvery: 1
    ).subject
    #expect(subject.detectsLostWrites)
    let outcome = Self.sweep(subject)
    let isSound = outcome.isSound
    #expect(isSound, "\(outcome.failures)")
    #expect(outcome.losses.map(\.kind).contains("leaf"))
    #expect(outcome.losses.allSatisfy { $0.tally.unnoticedCount == 0 && $0.tally.caseCount > 0 })
    #expect(outcome.losses.reduce(0) { $0 + $1.tally.errorCount } > 5)
  }

  @Test(arguments: ["delete", "wal"])
  func sqliteDeclaresThatItDoesNot(journal: String) throws {
    var subject = Candidate("sqlite", ["journal_mode": .text(journal)], syncEvery: 1).subject
    #expect(!subject.detectsLostWrites)
    let outcome = Self.sweep(subject)
    let isSound = outcome.isSound
    #expect(isSound, "\(outcome.failures)")
    #expect(outcome.losses.reduce(0) { $0 + $1.tally.unnoticedCount } > 0, "\(outcome.losses)")
    // A claim that is not kept is a failure, and its case repeats from its text.
    subject.detectsLostWrites = true
    let boasting = Self.sweep(subject)
    let first = try #require(boasting.failures.first)
    let again = try #require(FaultCase(parsing: "\(first.fault)"))
    let script = TrialScript.story(
      seed: 52, batchCount: 10, syncEveryCommits: 1, largestValueByteCount: 3_000)
    #expect(FaultSweep(subject, script: script).run(again) == first)
  }
}
