// Goal (pending log): at every step each unit of the volume is free, live, waiting or the volume's own, and what is live is what the
// trees say they hold; after a clean close there is nothing to replay; replaying any number of times, and being interrupted while
// replaying, gives the same state and the same units.
// Method: seeded stories over several buckets in both commit modes, with the sums taken after each step; images opened again and
// again without being closed; crashes at every call of recoveries that write, because memory is short or the commit mode changes.

import EngineCatalogue
import KeyValue
import Primitives
import Testing
import Trials

@testable import BTree
@testable import Storage

@Suite struct PendingLogTests {
  private static let buckets: [[UInt8]?] = [nil, Array("left".utf8), Array("right".utf8)]

  /// Step `index` of a story: some writes to several buckets, made durable or not, and now and then a drop.
  private func step(_ engine: BTreeEngine, _ seed: UInt64, _ index: Int) throws {
    let random = draw(seed, index)
    try engine.write(sync: random % 3 == 0) { (transaction) throws(EngineError) in
      for bucket in Self.buckets {
        if let bucket { try transaction.create(bucket) }
        for number in 0..<(1 + Int((random >> 8) % 12)) {
          let place = key(Int(draw(seed &+ 1, index * 40 + number) % 300))
          if number % 5 == 4 {
            try transaction.delete(place, in: bucket)
          } else {
            let byteCount = number % 7 == 3 ? 5_000 : Int((random >> 16) % 400)
            try transaction.put(place, [UInt8](repeating: UInt8(index & 255), count: byteCount), in: bucket)
          }
        }
      }
      if random % 11 == 5, let dropped = Self.buckets[1 + Int((random >> 20) % 2)] {
        try transaction.drop(dropped)
      }
    }
    if random % 13 == 7 { try engine.checkpoint() }
    if random % 29 == 9 { try engine.settle() }
  }

  @Test(arguments: ["path-copy", "log"], [1, 2] as [UInt64])
  func everyUnitIsAccountedForAtEveryStep(commit: String, seed: UInt64) throws {
    let bench = try Bench(["commit": .text(commit), "log_segment_bytes": .integer(16_384)])
    let engine = bench.engine
    var snapshot: BTreeSnapshot?
    for index in 0..<300 {
      try step(engine, seed, index)
      if index % 17 == 3 { snapshot = try engine.makeBucketSnapshot() }
      if index % 17 == 11 { snapshot = nil }
      let account = engine.volume.accounting()
      let sum =
        account.freeByteCount + account.liveByteCount + account.deferredByteCount
        + account.metadataByteCount + account.logByteCount
      #expect(sum == account.capacityByteCount, "seed \(seed), step \(index)")
      #expect(
        account.liveByteCount == engine.forest.allocatedByteCount(pageByteCount: 4_096),
        "seed \(seed), step \(index)")
      #expect(engine.volume.partitionProblem() == nil, "seed \(seed), step \(index)")
    }
    withExtendedLifetime(snapshot) {}
    snapshot = nil
    try engine.verify()
    try engine.close()
  }

  @Test(arguments: ["path-copy", "log"])
  func nothingIsToBeReplayedAfterACleanClose(commit: String) throws {
    let changes: [String: ParameterValue] = ["commit": .text(commit), "log_segment_bytes": .integer(16_384)]
    let bench = try Bench(changes)
    var engine = bench.engine
    var hadRecords = false
    for round in 0..<8 {
      for index in 0..<20 { try step(engine, 3, round * 20 + index) }
      let open = engine.volume.inspect()
      hadRecords = hadRecords || (open.pendingLogUsedUnitCount > 1 && open.epoch > open.spaceMapEpoch)
      let answers = try engine.answers()
      try engine.close()
      // The space map is the newest superblock's own: the pending log holds what that commit freed and nothing more.
      let channel = IOChannel(device: bench.memory, pool: bench.memory.pool)
      let description = try Volume.inspect(channel: channel)
      #expect(description.spaceMapEpoch == description.epoch && description.pendingLogUsedUnitCount <= 1)
      let found = try ImageExamination(
        bench.memory, format: .volume(transferUnitByteCount: 4_096), byteCount: bench.memory.capacityByteCount
      )
      #expect(found.isSound && found.recovery.isEmpty, "\(found.findings) \(found.recovery)")
      #expect(!found.owners.contains { $0.structure.hasSuffix("records") })
      // Opening finds nothing to do, hence writes nothing.
      let before = bench.memory.contentHash()
      engine = try Bench.open(bench.memory, changes, 16 << 20, creates: false)
      #expect(try engine.answers() == answers)
      #expect(bench.memory.contentHash() == before)
    }
    #expect(hadRecords)
    try engine.close()
  }

  @Test(arguments: ["path-copy", "log"], [4, 5] as [UInt64])
  func replayingAgainGivesTheSame(commit: String, seed: UInt64) throws {
    let changes: [String: ParameterValue] = ["commit": .text(commit), "log_segment_bytes": .integer(16_384)]
    let memory = MemoryDevice(capacityByteCount: 64 << 20)
    var engine: BTreeEngine? = try Bench.open(memory, changes, 16 << 20, creates: true)
    for index in 0..<60 { try step(try #require(engine), seed, index) }
    try #require(engine).write(sync: true) { (transaction) throws(EngineError) in
      try transaction.put(key(1), [7])
    }
    let answers = try #require(engine).answers()
    // Let go and not closed: what was written is there, the rest never was.
    engine = nil
    let image = memory.clone()
    var units: UnitSets?
    for time in 0..<4 {
      let opened = try Bench.open(time < 2 ? image : memory, changes, 16 << 20, creates: false)
      #expect(try opened.answers() == answers, "time \(time)")
      let found = UnitSets(opened.volume)
      if let units { #expect(found == units, "time \(time)") }
      units = found
      try opened.verify()
    }
  }

  /// Recoveries that write: replay in a memory too small for the pages it changes, and opening with the other commit mode, which
  /// makes the tree durable. Each is interrupted at every call, and done again.
  @Test(arguments: ["log to log", "log to path-copy", "path-copy to log"])
  func aCrashInARecoveryDoesNoHarm(change: String) {
    var first = Bench.entry().defaultParameters
    first["commit"] = .text(change.hasPrefix("log") ? "log" : "path-copy")
    first["log_segment_bytes"] = .integer(65_536)
    first["checkpoint_operations"] = .integer(0)
    var second = first
    second["commit"] = .text(change.hasSuffix("log") ? "log" : "path-copy")
    let parameters = (first, second)
    var subject = TrialSubject(Bench.entry(), label: change)
    subject.open = { (environment) throws(EngineError) in
      try BTreeEngine.open(environment, parameters: environment.creates ? parameters.0 : parameters.1)
    }
    subject.seed = 6
    subject.memoryByteCount = 512 << 10
    subject.capacityByteCount = 32 << 20
    subject.atomByteCount = 4_096
    var items: [TrialItem] = []
    // The first batch alone is more than the memory holds.
    for batch in 0..<6 {
      for number in 0..<(batch == 0 ? 1_000 : 20) {
        let place = key(Int(draw(6, batch * 1_000 + number) % 100_000))
        let value = [UInt8](repeating: UInt8(batch), count: 500 + number % 300)
        items.append(.write(TrialOperation(.put, key: place, operand: value)))
      }
      items.append(.commit)
    }
    var options = CrashOptions()
    options.exhaustiveBudget = 20
    options.seededSubsetCount = 4
    options.livesOnEvery = 4
    options.maximumDistinctImageCount = 24
    let outcome = CrashSweep(
      subject, script: TrialScript(items, syncEveryCommits: 1), options: options
    ).run()
    #expect(outcome.isSound, "\(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
    #expect(outcome.secondCrashCount > 40, "\(outcome.secondCrashCount)")
  }
}
