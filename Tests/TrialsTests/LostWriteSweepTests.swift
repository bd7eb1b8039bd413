// Goal: the laboratory drops writes of every kind of block, and tells engines that notice from those that do not; who claims to
// notice and does not is caught.
// Method: the B-tree and the Bε-tree in both its modes, which claim it, and SQLite, which declares that it does not, through the same story; then SQLite made to
// claim it. The B-tree's own suites look at single pages.

import Testing

@testable import Trials

@Suite struct LostWriteSweepTests {
  /// A story of a tree with inner nodes: a dozen keys are a leaf.
  private static func story(ofATree: Bool) -> TrialScript {
    if !ofATree {
      return TrialScript.story(seed: 52, batchCount: 10, syncEveryCommits: 1, largestValueByteCount: 3_000)
    }
    var items: [TrialItem] = []
    for number in 0..<24 {
      for index in 0..<5 {
        let key = [UInt8]("k\(1_000 + (number * 5 + index) * 389 % 997)".utf8)
        let value = [UInt8](repeating: UInt8(number), count: 150 + (number * 37 + index * 11) % 300)
        items.append(.write(TrialOperation(index == 4 ? .append : .put, key: key, operand: value)))
      }
      items.append(.commit)
      if number == 15 { items.append(.reopen) }
    }
    return TrialScript(items, syncEveryCommits: 1)
  }

  private static func sweep(_ subject: TrialSubject, ofATree: Bool = false) -> FaultOutcome {
    var options = FaultOptions()
    options.maximumCallCount = 1
    options.capacityCount = 1
    options.maximumReadCount = 1
    options.unitsPerKind = 1
    options.bitsPerUnit = 1
    options.maximumLossCount = 120
    return FaultSweep(subject, script: story(ofATree: ofATree), options: options).run()
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
        "fanout": .integer(4), "checkpoint_operations": .integer(12),
      ], syncEvery: 1
    ).subject
    #expect(subject.detectsLostWrites)
    let outcome = Self.sweep(subject, ofATree: true)
    let isSound = outcome.isSound
    #expect(isSound, "\(outcome.failures)")
    // Leaves, inner nodes, and where nodes are copied the sections of their buffers.
    var kinds = ["leaf", "interior", "superblock"]
    kinds += durability == "log" ? ["log", "node_directory"] : ["buffer"]
    for kind in kinds {
      let line = outcome.losses.first { $0.kind == kind }
      #expect((line?.tally.caseCount ?? 0) > 3, "\(kind) of \(outcome.losses.map(\.kind))")
      // What a later write replaced is not missed; of each kind some loss is.
      if kind != "superblock", kind != "log" { #expect((line?.tally.errorCount ?? 0) > 0, "\(kind)") }
    }
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
