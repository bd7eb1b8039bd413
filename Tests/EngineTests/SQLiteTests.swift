// Goal: SQLite on a file space is an engine like any other, its settings are what was asked, and equal runs give
// equal devices.
// Method: the conformance suite under several journal modes and page sizes; the same operations on two devices, one
// of them beside other engines at work, compared by content hash, ledger and trace.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Storage
import Testing

@testable import SQLiteBaseline

/// A device with a channel and a budget, on which SQLite is opened and reopened.
final class SQLitePlace {
  let stack: DeviceStack
  var channel: IOChannel
  let budget: MemoryBudget
  var parameters: ParameterSet
  var syncEveryCommits: Int
  var seed: UInt64

  init(
    _ changes: [String: ParameterValue] = [:], syncEveryCommits: Int = 0, budgetByteCount: Int = 4 << 20,
    seed: UInt64 = 1, description: DeviceDescription? = nil, image: MemoryDevice? = nil
  ) throws {
    var device = description ?? DeviceDescription()
    if description == nil { device.capacityByteCount = 256 << 20 }
    stack = try image.map { try DeviceStack(device, reopening: $0) } ?? DeviceStack(device)
    channel = IOChannel(device: stack.top, pool: stack.pool)
    budget = MemoryBudget(limitByteCount: budgetByteCount)
    parameters = ParameterSet()
    for parameter in SQLiteEngine.descriptor.parameters {
      parameters[parameter.name] = parameter.defaultValue
    }
    for (name, value) in changes { parameters[name] = value }
    self.syncEveryCommits = syncEveryCommits
    self.seed = seed
  }

  /// What the descriptor says of this place.
  func declaredLimits() throws -> EngineLimits {
    let setting = EngineSetting(
      parameters: parameters, memoryBudgetByteCount: budget.limitByteCount,
      transferUnitByteCount: channel.transferUnitByteCount, capacityByteCount: channel.capacityByteCount,
      syncEveryCommits: syncEveryCommits)
    let rule = try #require(SQLiteEngine.descriptor.limits)
    return try rule(setting).limits
  }

  func open(creates: Bool) throws(EngineError) -> SQLiteEngine {
    try SQLiteEngine.open(
      EngineEnvironment(
        channel: channel, budget: budget, seed: seed, creates: creates, syncEveryCommits: syncEveryCommits),
      parameters: parameters)
  }
}

/// Draw `index` of a test's own stream, below `bound`.
func drawn(_ seed: UInt64, _ index: Int, below bound: Int) -> Int {
  Int(CounterRandom(seed: seed, stream: 0x7465_7374).draw(UInt64(index)) % UInt64(bound))
}

@Suite struct SQLiteTests {
  static let modes: [[String: ParameterValue]] = [
    [:],
    ["journal_mode": .text("truncate"), "page_bytes": .integer(512)],
    ["journal_mode": .text("delete"), "page_bytes": .integer(1_024), "gather_bytes": .integer(16_384)],
    ["journal_mode": .text("persist"), "page_bytes": .integer(16_384)],
    ["journal_mode": .text("off"), "synchronous": .text("off")],
    ["wal_autocheckpoint_pages": .integer(20), "page_bytes": .integer(512), "cache_bytes": .integer(70_000)],
    ["page_bytes": .integer(65_536)],
  ]

  @Test(arguments: ConformanceSuite.checks.map(\.name), Array(modes.indices))
  func conforms(check: String, mode: Int) throws {
    let suite = ConformanceSuite(randomOperationCount: mode == 0 ? 6_000 : 1_500) { seed in
      let place = try SQLitePlace(Self.modes[mode], syncEveryCommits: 0, seed: seed)
      return ConformanceSubject(
        engine: try place.open(creates: true), reopen: { try place.open(creates: false) },
        deviceWriteByteCount: { place.channel.ledger.total(.write).transferredByteCount },
        heldMemoryByteCount: { place.budget.heldByteCount }, declaredLimits: try place.declaredLimits())
    }
    try suite.run(try #require(ConformanceSuite.check(named: check)), seed: 1)
  }

  @Test func theControlOnItsOwnVFSConforms() throws {
    let suite = ConformanceSuite(randomOperationCount: 2_000) { seed in
      let place = try SQLitePlace(["vfs": .text("unix")], seed: seed)
      return ConformanceSubject(
        engine: try place.open(creates: true), reopen: { try place.open(creates: false) },
        heldMemoryByteCount: { place.budget.heldByteCount })
    }
    for outcome in suite.runAll(seed: 1) { #expect(outcome.failure == nil, "\(outcome.check)") }
  }

  /// A short life of every kind of operation.
  static func live(_ place: SQLitePlace, seed: UInt64, batchCount: Int = 60) throws {
    var engine = try place.open(creates: true)
    for number in 0..<batchCount {
      var batch = WriteBatch()
      for step in 0..<40 {
        let index = number * 40 + step
        let key = Array("key \(drawn(seed, 3 * index, below: 900))".utf8)
        switch drawn(seed, 3 * index + 1, below: 10) {
        case 0: batch.delete(key)
        case 1: batch.add(key, Int64(index))
        case 2: batch.append(key, [1, 2, 3])
        default:
          batch.put(
            key, [UInt8](repeating: UInt8(index & 255), count: drawn(seed, 3 * index + 2, below: 300)))
        }
      }
      try engine.apply(batch, sync: place.syncEveryCommits > 0 && (number + 1) % place.syncEveryCommits == 0)
      switch number % 20 {
      case 7: try engine.checkpoint()
      case 11: try engine.dropCache()
      case 13: try engine.settle()
      case 17:
        try engine.close()
        engine = try place.open(creates: false)
      default: break
      }
    }
    try engine.verify()
    try engine.close()
  }

  @Test(arguments: Array(modes.indices), [0, 1, 3])
  func equalRunsGiveEqualBytes(mode: Int, syncEveryCommits: Int) throws {
    // Engines that crash nothing away cannot promise syncs.
    let isOff = Self.modes[mode]["journal_mode"] == .text("off")
    var description = DeviceDescription()
    description.capacityByteCount = 256 << 20
    description.trace = .memory
    var hashes: [UInt64] = []
    var ledgers: [IOLedger] = []
    var traces: [[UInt8]] = []
    for round in 0..<2 {
      let place = try SQLitePlace(
        Self.modes[mode], syncEveryCommits: isOff ? 0 : syncEveryCommits, seed: 5, description: description)
      if round == 1 {
        // Another engine draws random bytes in between.
        try Self.live(SQLitePlace(["journal_mode": .text("persist")], seed: 77), seed: 9, batchCount: 7)
      }
      try Self.live(place, seed: 3)
      hashes.append(try #require(place.stack.memory).contentHash())
      ledgers.append(place.channel.ledger)
      let tracing = try #require(place.stack.tracing)
      try tracing.writer.finish()
      traces.append(tracing.writer.bytes)
    }
    #expect(hashes[0] == hashes[1])
    #expect(ledgers[0] == ledgers[1])
    #expect(traces[0] == traces[1])
  }

  @Test func anotherSeedGivesOtherSalts() throws {
    let hashes = try [5, 6].map { (seed: UInt64) in
      let place = try SQLitePlace(seed: seed)
      let engine = try place.open(creates: true)
      try engine.put([1], [2])
      return try #require(place.stack.memory).contentHash()
    }
    #expect(hashes[0] != hashes[1])
  }

  @Test(arguments: Array(modes.indices))
  func theDevicesCountIsTheLedgers(mode: Int) throws {
    let place = try SQLitePlace(Self.modes[mode], syncEveryCommits: 0)
    try Self.live(place, seed: 8)
    for direction in Direction.allCases {
      let ledger = place.channel.ledger.total(direction)
      let device = place.stack.counting.counts[direction]
      #expect(ledger.transferredOperationCount == device.operationCount, "\(direction)")
      #expect(ledger.transferredByteCount == device.byteCount, "\(direction)")
    }
  }

  @Test(arguments: Array(modes.indices))
  func theTraceNamesWhatTheLedgerNames(mode: Int) throws {
    var description = DeviceDescription()
    description.capacityByteCount = 256 << 20
    description.trace = .memory
    let place = try SQLitePlace(Self.modes[mode], description: description)
    try Self.live(place, seed: 6)
    let tracing = try #require(place.stack.tracing)
    try tracing.writer.finish()
    var reader = try TraceReader(bytes: tracing.writer.bytes)
    var traced = IOLedger()
    while let event = try reader.next() {
      guard case .batch(let transfers) = event else { continue }
      for transfer in transfers {
        for piece in transfer.pieces {
          var count = IOCount()
          count.transferredByteCount = UInt64(piece.transferredByteCount)
          traced.add(
            count, direction: transfer.isWrite ? .write : .read, cause: piece.cause, level: piece.level)
        }
      }
    }
    for direction in [Direction.read, .write] {
      for cause in Cause.allCases {
        #expect(
          traced.total(direction, cause).transferredByteCount
            == place.channel.ledger.total(direction, cause).transferredByteCount, "\(direction) \(cause)")
      }
    }
  }

  @Test func walNamesItsBytes() throws {
    let place = try SQLitePlace(["wal_autocheckpoint_pages": .integer(50)], budgetByteCount: 2 << 20)
    let engine = try place.open(creates: true)
    for number in 0..<40 {
      var batch = WriteBatch()
      for step in 0..<50 {
        batch.put(
          Array("key \(number * 50 + step)".utf8), [UInt8](repeating: 1, count: step == 7 ? 9_000 : 300))
      }
      try engine.apply(batch, sync: false)
    }
    var batch = WriteBatch()
    batch.deleteRange(Array("key 1".utf8), Array("key 5".utf8))
    try engine.apply(batch, sync: false)
    try engine.settle()
    try engine.dropCache()
    let cold = place.channel.ledger
    for number in 0..<100 { _ = try engine.value(for: Array("key \(number * 13)".utf8)) }
    let reads = place.channel.ledger.subtracting(cold)
    let ledger = place.channel.ledger
    let written: [Cause] = [
      .walHeader, .walFrameHeader, .walLeaf, .walInterior, .walOverflow, .walOther, .checkpointLeaf,
      .checkpointInterior, .checkpointOverflow, .checkpointOther, .fileDirectory,
    ]
    for cause in written { #expect(ledger.total(.write, cause).requestedByteCount > 0, "\(cause)") }
    for cause in [Cause.leaf, .interior, .overflow] {
      #expect(ledger.total(.read, cause).transferredByteCount > 0, "\(cause)")
    }
    #expect(reads.total(.read, .interior).requestedOperationCount > 0)
    #expect(
      reads.total(.read, .leaf).requestedOperationCount
        > reads.total(.read, .interior).requestedOperationCount)
    #expect(ledger[.write, .walInterior, .number(1)].requestedByteCount > 0)
    #expect(ledger[.write, .walLeaf, .number(0)] == ledger.total(.write, .walLeaf))
    #expect(ledger.total(.write, .guestOther).isZero)
    // Frame headers are 24 bytes, pages 4,096.
    let frames = ledger.total(.write, .walFrameHeader)
    #expect(frames.requestedByteCount == 24 * frames.requestedOperationCount)
    let pages = [Cause.walLeaf, .walInterior, .walOverflow, .walOther].map {
      ledger.total(.write, $0).requestedOperationCount
    }
    #expect(pages.reduce(0, +) == frames.requestedOperationCount)
    try engine.close()
  }

  @Test(arguments: ["truncate", "delete", "persist"])
  func rollbackNamesItsBytes(mode: String) throws {
    let place = try SQLitePlace(["journal_mode": .text(mode), "page_bytes": .integer(1_024)])
    let engine = try place.open(creates: true)
    let before = place.channel.ledger
    for number in 0..<20 {
      var batch = WriteBatch()
      for step in 0..<30 {
        batch.put(Array("key \(number * 7 + step)".utf8), [UInt8](repeating: 1, count: 100))
      }
      try engine.apply(batch, sync: false)
    }
    let ledger = place.channel.ledger.subtracting(before)
    for cause in [Cause.journalHeader, .journalPage, .leaf, .interior] {
      #expect(ledger.total(.write, cause).requestedByteCount > 0, "\(cause)")
    }
    #expect(ledger.total(.write, .walLeaf).isZero)
    #expect(ledger.total(.delete).requestedOperationCount == (mode == "delete" ? 20 : 0))
    #expect((ledger.total(.truncate).requestedOperationCount >= 20) == (mode == "truncate"))
    try engine.close()
  }

  @Test func settingsAreWhatWasAsked() throws {
    let place = try SQLitePlace(["page_bytes": .integer(8_192), "cache_bytes": .integer(1 << 20)])
    let engine = try place.open(creates: true)
    let settings = Dictionary(uniqueKeysWithValues: engine.settingsReadBack().map { ($0.name, $0.value) })
    #expect(settings["page_size"] == "8192")
    #expect(settings["journal_mode"] == "wal")
    #expect(settings["locking_mode"] == "exclusive")
    #expect(settings["secure_delete"] == "0")
    #expect(settings["mmap_size"] == "0" || settings["mmap_size"] == "")
    #expect(settings["temp_store"] == "2")
    #expect(settings["auto_vacuum"] == "0")
    #expect(settings["cache_size"]?.first == "-")
    #expect(settings["library_version"]?.isEmpty == false)
    try engine.close()
  }

  @Test(arguments: [
    ("wal", "auto", 0, "at_checkpoints"), ("wal", "auto", 1, "each_commit"),
    ("wal", "auto", 5, "every_5_commits"),
    ("wal", "full", 0, "each_commit"), ("wal", "normal", 1, "at_checkpoints"), ("wal", "off", 0, "none"),
    ("delete", "auto", 0, "each_commit"), ("delete", "full", 0, "every_2_commits"),
    ("truncate", "auto", 1, "each_commit"), ("persist", "extra", 0, "each_commit"),
    ("memory", "auto", 0, "none"),
    ("off", "auto", 0, "none"), ("truncate", "normal", 0, "none"),
  ])
  func durabilityClassIsReadBack(mode: String, synchronous: String, every: Int, expected: String) throws {
    let place = try SQLitePlace(
      ["journal_mode": .text(mode), "synchronous": .text(synchronous)], syncEveryCommits: every)
    let engine = try place.open(creates: true)
    #expect(engine.durabilityClass.description == expected)
    try engine.close()
  }

  @Test func impossibleSettingsAreRefusedWithASentence() throws {
    let cases: [([String: ParameterValue], Int, Int)] = [
      (["page_bytes": .integer(3_000)], 0, 4 << 20),
      (["cache_bytes": .integer(8 << 20)], 0, 4 << 20),
      ([:], 0, 500_000),
      (["journal_mode": .text("off")], 1, 4 << 20),
      (["chunk_bytes": .integer(100_000)], 0, 4 << 20),
    ]
    for (changes, every, budget) in cases {
      let place = try SQLitePlace(changes, syncEveryCommits: every, budgetByteCount: budget)
      do {
        _ = try place.open(creates: true)
        Issue.record("\(changes) was accepted")
      } catch {
        guard case .invalidParameters(let reason) = error else { throw error }
        #expect(reason.contains(" "))
      }
      #expect(place.budget.heldByteCount == 0)
    }
    // The page size of a database is what it was made with.
    let place = try SQLitePlace()
    try place.open(creates: true).close()
    place.parameters["page_bytes"] = .integer(8_192)
    #expect(throws: EngineError.self) { _ = try place.open(creates: false) }
    #expect(place.budget.heldByteCount == 0)
  }

  @Test(arguments: [512, 4_096, 65_536])
  func theCacheKeepsItsBudget(pageByteCount: Int) throws {
    let place = try SQLitePlace(["page_bytes": .integer(pageByteCount)], budgetByteCount: 6 << 20)
    let engine = try place.open(creates: true)
    for number in 0..<120 {
      var batch = WriteBatch()
      for step in 0..<500 {
        let index = number * 500 + step
        batch.put(
          Array("\(drawn(2, index, below: 1 << 40))".utf8), [UInt8](repeating: UInt8(index & 255), count: 100)
        )
      }
      try engine.apply(batch, sync: false)
    }
    let statistics = Dictionary(uniqueKeysWithValues: engine.statistics().map { ($0.name, $0.value) })
    let limit = Dictionary(uniqueKeysWithValues: engine.settingsReadBack().map { ($0.name, $0.value) })
    let cache = try #require(Int(limit["cache_byte_limit"] ?? ""))
    let used = Int(statistics["cache_used_bytes"] ?? 0)
    #expect(used <= cache)
    #expect(used > cache * 8 / 10)
    #expect(place.budget.peakByteCount <= place.budget.limitByteCount)
    try engine.close()
  }

  @Test func droppedCacheReadsColdAndWritesNothing() throws {
    let place = try SQLitePlace()
    let engine = try place.open(creates: true)
    var batch = WriteBatch()
    for number in 0..<5_000 { batch.put(Array("key \(number)".utf8), [UInt8](repeating: 3, count: 100)) }
    try engine.apply(batch, sync: false)
    try engine.settle()
    func readBytes(_ body: () throws -> Void) rethrows -> UInt64 {
      let before = place.channel.ledger.total(.read).transferredByteCount
      try body()
      return place.channel.ledger.total(.read).transferredByteCount - before
    }
    let warm = try readBytes { _ = try engine.entries() }
    let written = place.channel.ledger.total(.write)
    try engine.dropCache()
    #expect(place.channel.ledger.total(.write) == written)
    let cold = try readBytes { _ = try engine.entries() }
    #expect(warm == 0)
    #expect(cold > 500_000)
    try engine.close()
  }

  @Test func aCursorEndsWithAWrite() throws {
    let place = try SQLitePlace()
    let engine = try place.open(creates: true)
    try engine.put([1], [1])
    let cursor = try engine.makeCursor(.all, .forward)
    #expect(try cursor.next())
    try engine.put([2], [2])
    #expect(throws: EngineError.self) { _ = try cursor.next() }
    try engine.close()
  }

  @Test func theCatalogueListsIt() throws {
    let entry = try #require(engineEntry(named: "sqlite"))
    let place = try SQLitePlace()
    let engine = try entry.open(
      EngineEnvironment(
        channel: place.channel, budget: place.budget, seed: 1, creates: true, syncEveryCommits: 0),
      entry.defaultParameters)
    try engine.put([1], [2])
    #expect(try engine.value(for: [1]) == [2])
    try engine.close()
  }
}
