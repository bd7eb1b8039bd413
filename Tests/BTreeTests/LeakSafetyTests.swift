// Goal (leak safety): a transaction that fails, wherever it fails inside the trees, leaves no trace and no extent: every unit of the
// volume is what it was, in which set it was, and every bucket answers as before.
// Method: ten thousand transactions over the engine's own keys and several buckets, with long values, splits, merges, range deletes,
// buckets made and dropped; the k-th action is one that cannot be done, for every k in turn, or the device refuses the k-th read, or
// the space or the memory is too little. After each the sets of units are compared one by one, and every so often the answers and
// what the trees reach. Canaries: an extent that is left behind on purpose is noticed.

import Accounting
import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

/// Where every unit of a volume is.
struct UnitSets: Equatable {
  var free: [Range<Int>]
  var durable: [Range<Int>]
  var newborn: [Range<Int>]
  var fresh: [Range<Int>]
  var dropped: [Range<Int>]
  var held: [Range<Int>]
  var deferred: [Range<Int>]
  /// Superblocks, space map, pending log, logs.
  var own: [Range<Int>]

  init(_ volume: Volume) {
    volume.absorbPins()
    free = volume.free.extents
    durable = volume.durable.runs
    newborn = volume.newborn.runs
    fresh = volume.fresh.runs
    dropped = volume.dropped.runs
    held = volume.held.all.map(\.range)
    deferred = volume.deferred.all.map(\.range) + volume.deferredMetadata.all.map(\.range)
    own = volume.ownUnits.map(\.1)
  }

  /// The engine's own units: allocated, not given back, not the volume's.
  var live: [Range<Int>] {
    var units = UnitBitmap()
    for range in durable + newborn { units.insert(range) }
    for range in dropped + own { units.remove(range) }
    return units.runs
  }
}

/// Passes everything on until it is told to refuse a read.
private final class RefusingDevice: BlockDevice {
  private let base: MemoryDevice
  /// How many more batches of reads are performed; nil for all.
  var readsLeft: Int?
  private(set) var refusalCount = 0

  init(_ base: MemoryDevice) { self.base = base }

  var transferUnitByteCount: Int { base.transferUnitByteCount }
  var capacityByteCount: UInt64 { base.capacityByteCount }

  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    if let left = readsLeft, !batch.containsWrites {
      if left == 0 {
        refusalCount += 1
        throw .deviceFailed(operation: "read", offset: 0, byteCount: 0, errno: 5, reason: "refused")
      }
      readsLeft = left - 1
    }
    try base.submit(&batch)
  }

  func control(_ operation: ControlOperation) throws(StorageError) { try base.control(operation) }
}

/// A tree with buckets, and transactions on them.
private struct LeakBench {
  static let buckets: [[UInt8]?] = [nil, Array("a".utf8), Array("b".utf8), Array("c".utf8)]

  let seed: UInt64
  let device: RefusingDevice
  let engine: BTreeEngine

  init(
    seed: UInt64, _ changes: [String: ParameterValue], memoryByteCount: Int,
    capacityByteCount: UInt64 = 64 << 20
  ) throws {
    self.seed = seed
    let memory = MemoryDevice(capacityByteCount: capacityByteCount)
    device = RefusingDevice(memory)
    var parameters = Bench.entry().defaultParameters
    parameters["checkpoint_operations"] = .integer(0)
    parameters["checkpoint_bytes"] = .integer(0)
    for (name, value) in changes { parameters[name] = value }
    engine = try BTreeEngine.open(
      EngineEnvironment(
        channel: IOChannel(device: device, pool: memory.pool),
        budget: MemoryBudget(limitByteCount: memoryByteCount), seed: seed, creates: true, syncEveryCommits: 0),
      parameters: parameters)
    try engine.write { (transaction) throws(EngineError) in
      for bucket in Self.buckets {
        if let bucket { try transaction.create(bucket) }
        for number in 0..<150 {
          try transaction.put(key(number * 2), [UInt8](repeating: 9, count: 120), in: bucket)
        }
        try transaction.put(key(1), [UInt8](repeating: 8, count: 9_000), in: bucket)
      }
    }
    try engine.settle()
  }

  /// Adds action `index` of transaction `number`. All can be done.
  func add(_ number: Int, _ index: Int, to transaction: inout BTreeTransaction) throws(EngineError) {
    let random = draw(seed &* 1_000_003 &+ UInt64(number), index)
    let bucket = Self.buckets[Int(random % 4)]
    let spot = Int((random >> 8) % 320)
    let place = key(spot)
    let byte = UInt8(truncatingIfNeeded: number &+ index)
    switch (random >> 40) % 20 {
    case 0, 1: try transaction.delete(place, in: bucket)
    case 2:
      try transaction.add(.deleteRange, place, key(spot + 60), in: bucket)
    case 3, 4:
      try transaction.put(
        place, [UInt8](repeating: byte, count: 3_000 + Int((random >> 48) % 9_000)), in: bucket)
    case 5: try transaction.add(.add, place, [1, 0, 0, 0, 0, 0, 0, 0], in: bucket)
    case 6: try transaction.add(.append, place, [UInt8](repeating: byte, count: 200), in: bucket)
    case 7: try transaction.add(.patch, place, [40, 0, 0, 0, byte], in: bucket)
    case 8:
      let fresh = Array("new \((random >> 50) % 5)".utf8)
      try transaction.create(fresh)
      for entry in 0..<20 {
        try transaction.put(key(entry), [UInt8](repeating: byte, count: 400), in: fresh)
      }
    case 9:
      // Dropped and made again, so that what follows finds it.
      guard let bucket else { return }
      try transaction.drop(bucket)
      try transaction.create(bucket)
    default:
      try transaction.put(place, [UInt8](repeating: byte, count: Int((random >> 48) % 900)), in: bucket)
    }
  }

  /// How many actions transaction `number` has.
  func length(_ number: Int) -> Int { 6 + Int(draw(seed &+ 99, number) % 34) }

  /// Runs transaction `number` with an action that cannot be done in place `failing`; nil for one that can be done.
  ///
  /// - Returns: what it was refused with.
  func run(_ number: Int, failing: Int?) -> EngineError? {
    do throws(EngineError) {
      try engine.write { (transaction) throws(EngineError) in
        for index in 0..<length(number) {
          if index == failing { try transaction.put(key(1), [1], in: Array("missing".utf8)) }
          try add(number, index, to: &transaction)
        }
        if let failing, failing >= length(number) {
          try transaction.put(key(1), [1], in: Array("missing".utf8))
        }
      }
      return nil
    } catch {
      return error
    }
  }
}

/// How a tree is set up for a series.
struct LeakSetting: Sendable, CustomStringConvertible {
  var seed: UInt64
  var commit: String
  var memoryByteCount: Int
  var redistributes = false

  var description: String {
    "\(commit), \(memoryByteCount >> 20) MiB\(redistributes ? ", redistribution" : ""), seed \(seed)"
  }

  var changes: [String: ParameterValue] {
    ["commit": .text(commit), "redistribution": .boolean(redistributes)]
  }

  /// Small memories fill the undo log, and push pages out in the midst of a transaction.
  static let all = [
    LeakSetting(seed: 1, commit: "path-copy", memoryByteCount: 16 << 20),
    LeakSetting(seed: 2, commit: "log", memoryByteCount: 16 << 20),
    LeakSetting(seed: 3, commit: "path-copy", memoryByteCount: 1 << 20),
    LeakSetting(seed: 4, commit: "log", memoryByteCount: 1 << 20, redistributes: true),
  ]
}

@Suite struct LeakSafetyTests {
  /// Failing transactions of each setting; four settings, two ways to fail.
  private static let countPerSeries = 1_300

  @Test func theSeriesTogetherAreTenThousand() {
    #expect(Self.countPerSeries * LeakSetting.all.count * 2 >= 10_000)
  }

  /// Compares the sets with those before; a log that grew for a transaction stays grown, and is taken note of.
  private func expectSame(
    _ before: inout UnitSets, _ bench: LeakBench, _ growths: inout Int, _ what: @autoclosure () -> String
  ) {
    let after = UnitSets(bench.engine.volume)
    if after == before { return }
    if bench.engine.log != nil, after.own != before.own, after.live == before.live {
      growths += 1
      before = after
      return
    }
    Issue.record("\(what()): units are elsewhere than before")
  }

  @Test(arguments: LeakSetting.all)
  func anActionThatCannotBeDoneLeavesNoExtent(setting: LeakSetting) throws {
    let bench = try LeakBench(
      seed: setting.seed, setting.changes, memoryByteCount: setting.memoryByteCount)
    let engine = bench.engine
    var growths = 0
    var failed = 0
    var number = 0
    var snapshot: BTreeSnapshot?
    while failed < Self.countPerSeries {
      // What is there in between: new pages, older ones, pages that a snapshot sees.
      number += 1
      if let error = bench.run(number, failing: nil) { Issue.record("\(setting): \(error)") }
      if number % 3 == 0 { try engine.checkpoint() }
      if number % 5 == 1 { snapshot = try engine.makeBucketSnapshot() }
      if number % 5 == 3 { snapshot = nil }
      var before = UnitSets(engine.volume)
      let answers = try bench.engine.answers()
      for _ in 0..<26 {
        number += 1
        // Every place of the failing action in turn.
        let failing = failed % (bench.length(number) + 1)
        let error = bench.run(number, failing: failing)
        failed += 1
        guard case .storage(.notFound)? = error else {
          Issue.record("\(setting), transaction \(number): \(String(describing: error))")
          return
        }
        expectSame(&before, bench, &growths, "\(setting), transaction \(number), action \(failing)")
      }
      #expect(try bench.engine.answers() == answers, "\(setting), transaction \(number)")
      #expect(engine.volume.partitionProblem() == nil)
      if number % 9 == 0 { try engine.verify() }
    }
    #expect(growths < 8)
    #expect(bench.engine.store.counts.pointee.rollbacks >= UInt64(Self.countPerSeries))
    // What splits and merges there were, most were undone.
    let counts = bench.engine.store.counts.pointee
    #expect(counts.leafSplits > 500 && counts.merges > 100, "\(counts)")
    snapshot = nil
    _ = snapshot
    try engine.verify()
    try engine.close()
  }

  @Test(arguments: LeakSetting.all)
  func aReadThatIsRefusedLeavesNoExtent(setting: LeakSetting) throws {
    let bench = try LeakBench(
      seed: setting.seed &+ 10, setting.changes, memoryByteCount: setting.memoryByteCount)
    let engine = bench.engine
    var growths = 0
    var number = 0
    var failed = 0
    while failed < Self.countPerSeries {
      number += 1
      if let error = bench.run(number, failing: nil) { Issue.record("\(setting): \(error)") }
      try engine.settle()
      var before = UnitSets(engine.volume)
      let answers = try bench.engine.answers()
      for step in 0..<26 {
        number += 1
        // Nothing is in memory: the k-th batch of reads on the way is refused, if there are so many.
        try engine.dropCache()
        bench.device.readsLeft = step % 13
        let error = bench.run(number, failing: bench.length(number))
        bench.device.readsLeft = nil
        failed += 1
        if error == nil { Issue.record("\(setting), transaction \(number) did not fail") }
        expectSame(&before, bench, &growths, "\(setting), transaction \(number), read \(step % 13)")
      }
      #expect(try bench.engine.answers() == answers, "\(setting), transaction \(number)")
      #expect(engine.volume.partitionProblem() == nil)
    }
    #expect(growths < 8)
    #expect(bench.device.refusalCount > Self.countPerSeries / 2, "\(bench.device.refusalCount)")
    try engine.verify()
    try engine.close()
  }

  /// Before every step of one transaction, in both ways: the closure throws, and the action cannot be done.
  @Test(arguments: LeakSetting.all)
  func aThrowAtEachStepLeavesNoExtent(setting: LeakSetting) throws {
    let bench = try LeakBench(
      seed: setting.seed &+ 20, setting.changes, memoryByteCount: setting.memoryByteCount)
    for number in 1...3 {
      // The first of fresh pages, the others of older ones and of both.
      if number == 2 { try bench.engine.checkpoint() }
      if let error = bench.run(1_000 + number, failing: nil) { Issue.record("\(error)") }
      var before = UnitSets(bench.engine.volume)
      let answers = try bench.engine.answers()
      var growths = 0
      for place in 0...bench.length(number) {
        #expect(bench.run(number, failing: place) != nil)
        expectSame(&before, bench, &growths, "\(setting), transaction \(number), action \(place)")
        #expect(try bench.engine.answers() == answers, "\(setting), transaction \(number), action \(place)")
        #expect(throws: EngineError.self) {
          try bench.engine.write { (transaction) throws(EngineError) in
            for index in 0..<place { try bench.add(number, index, to: &transaction) }
            throw .unsupported(what: "this transaction", reason: "it is to fail")
          }
        }
        expectSame(&before, bench, &growths, "\(setting), transaction \(number), throw \(place)")
      }
      #expect(try bench.engine.answers() == answers)
      try bench.engine.verify()
    }
    try bench.engine.close()
  }

  /// A device that is nearly full: a transaction takes what there is, makes room by making everything durable, tries again, and
  /// fails; or its work fits, and what must be kept for deletes does not.
  @Test(arguments: ["path-copy", "log"])
  func aFullDeviceLeavesNoExtent(commit: String) throws {
    let bench = try LeakBench(
      seed: 31, ["commit": .text(commit), "log_segment_bytes": .integer(65_536)], memoryByteCount: 4 << 20,
      capacityByteCount: 4 << 20)
    let engine = bench.engine
    var filled = 0
    filling: while filled < 400 {
      do throws(EngineError) {
        try engine.write { (transaction) throws(EngineError) in
          try transaction.put(key(10_000 + filled), [UInt8](repeating: 1, count: 20_000))
        }
      } catch {
        break filling
      }
      filled += 1
    }
    #expect(filled > 20 && filled < 400)
    try engine.settle()
    try engine.settle()
    let live = UnitSets(engine.volume).live
    let free = engine.volume.free.unitCount
    let answers = try bench.engine.answers()
    for number in 0..<120 {
      do throws(EngineError) {
        try engine.write { (transaction) throws(EngineError) in
          for index in 0..<(number % 12) {
            try transaction.put(
              key(index * 7), [UInt8](repeating: 2, count: 500), in: LeakBench.buckets[index % 4])
          }
          for index in 0..<14 {
            try transaction.put(
              key(20_000 + index), [UInt8](repeating: 3, count: 60_000), in: LeakBench.buckets[index % 4])
          }
        }
        Issue.record("transaction \(number) did not fail")
      } catch {
        guard case .storage(.noSpace) = error else {
          Issue.record("transaction \(number): \(error)")
          return
        }
      }
      #expect(UnitSets(engine.volume).live == live, "transaction \(number)")
      #expect(engine.volume.partitionProblem() == nil)
    }
    #expect(try bench.engine.answers() == answers)
    try engine.settle()
    try engine.settle()
    #expect(UnitSets(engine.volume).live == live)
    #expect(engine.volume.free.unitCount == free)
    try engine.verify()
    try engine.close()
  }

  /// Memory for the sets of units, for sorting or for the cache is what somebody else holds.
  @Test(arguments: ["path-copy", "log"])
  func tooLittleMemoryLeavesNoExtent(commit: String) throws {
    let bench = try LeakBench(seed: 41, ["commit": .text(commit)], memoryByteCount: 2 << 20)
    let engine = bench.engine
    let budget = engine.volume.budget
    let taken = budget.availableByteCount
    try budget.require(taken, for: .snapshot)
    let before = UnitSets(engine.volume)
    let answers = try bench.engine.answers()
    var refusals = 0
    for round in 0..<40 {
      var batch = WriteBatch()
      for number in 0..<(40_000 + round * 500) { batch.put(key(number), [1]) }
      do throws(EngineError) {
        try engine.apply(batch, sync: false)
        Issue.record("a batch of \(batch.count) operations found memory")
      } catch {
        guard case .storage(.outOfBudget) = error else {
          Issue.record("\(error)")
          return
        }
        refusals += 1
      }
      #expect(UnitSets(engine.volume) == before)
    }
    #expect(refusals == 40)
    #expect(try bench.engine.answers() == answers)
    budget.release(taken, for: .snapshot)
    try engine.verify()
    try engine.close()
  }

  /// The engine's transactions are closures and end with them; what lies below can be let go, and is then as if it had not been.
  @Test func aVolumeTransactionThatIsLetGoLeavesNoExtent() throws {
    let bench = try LeakBench(seed: 51, [:], memoryByteCount: 4 << 20)
    let before = UnitSets(bench.engine.volume)
    for number in 1...50 {
      var transaction = try bench.engine.beginTransaction(changesTrees: false)
      for _ in 0..<number { _ = try transaction.allocate(byteCount: 4_096 * (1 + number % 3)) }
      transaction.free(bench.engine.store.extent(bench.engine.forest.main.root))
      _ = consume transaction
    }
    #expect(UnitSets(bench.engine.volume) == before)
    try bench.engine.verify()
  }

  @Test func anExtentThatIsLeftBehindIsNoticed() throws {
    let bench = try LeakBench(seed: 61, [:], memoryByteCount: 4 << 20)
    try bench.engine.verify()
    let before = UnitSets(bench.engine.volume)
    var transaction = try bench.engine.beginTransaction(changesTrees: false)
    _ = try transaction.allocate(byteCount: 4_096)
    try transaction.commit(durable: false)
    #expect(UnitSets(bench.engine.volume) != before)
    #expect(UnitSets(bench.engine.volume).live != before.live)
    #expect(throws: EngineError.self) { try bench.engine.verify() }
  }
}
