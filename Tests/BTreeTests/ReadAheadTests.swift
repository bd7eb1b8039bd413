// Goal: leaves that are asked for while others are shown change nothing but time: the same entries, the same pages read in the same
// order on a device that is done at once and on one that is done at the last moment, no page read for a scan that does not need it,
// nothing left behind by a scan that ends early or fails.
// Method: a tree eight times its cache, aged; scans of both directions, of every length, by `next` and by `showNext`, from
// snapshots; devices that perform a batch when it is begun, or when it is finished, or never. Seeds are in the names.

import Accounting
import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

/// When a device performs a batch that was asked for ahead.
private enum Moment: CaseIterable, Sendable { case atBegin, atFinish }

/// Performs batches at one moment, and can damage or fail what is in flight.
private final class MomentDevice: BlockDevice {
  /// A batch that was begun.
  private final class Token: BatchInFlight {}

  private let base: any BlockDevice
  private let moment: Moment
  var transferUnitByteCount: Int { base.transferUnitByteCount }
  var capacityByteCount: UInt64 { base.capacityByteCount }
  var allowsConcurrentReads: Bool { true }
  private(set) var begunCount = 0
  private(set) var finishedCount = 0
  /// Units read, in order.
  private(set) var places: [UInt64] = []
  /// Makes what is in flight fail.
  var isFailing = false

  init(base: any BlockDevice, _ moment: Moment) {
    self.base = base
    self.moment = moment
  }

  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try base.submit(&batch)
    note(batch)
  }

  func begin(_ batch: inout TransferBatch) -> (any BatchInFlight)? {
    begunCount += 1
    if moment == .atBegin {
      do throws(StorageError) { try base.submit(&batch) } catch { return nil }
    }
    return Token()
  }

  func finish(_ batch: inout TransferBatch, _ flight: any BatchInFlight) throws(StorageError) {
    finishedCount += 1
    if isFailing {
      throw .deviceFailed(
        operation: "read", offset: batch.transfers[0].offset, byteCount: batch.transfers[0].byteCount,
        errno: 5,
        reason: "scripted")
    }
    if moment == .atFinish { try base.submit(&batch) }
    note(batch)
  }

  private func note(_ batch: TransferBatch) {
    for transfer in batch.transfers where transfer.direction == .read {
      places += stride(from: transfer.offset, to: transfer.end, by: 4_096)
    }
  }

  func forgetPlaces() { places.removeAll() }

  func control(_ operation: ControlOperation) throws(StorageError) { try base.control(operation) }
}

/// An aged tree on such a device.
private final class AheadBench {
  static let entryCount = 24_000
  let device: MomentDevice
  let counting: CountingDevice
  let channel: IOChannel
  let budget = MemoryBudget(limitByteCount: 1 << 20)
  let engine: BTreeEngine

  init(_ moment: Moment, readAheadLeaves: Int = 64, hasLongValues: Bool = false) throws {
    let memory = MemoryDevice(capacityByteCount: 128 << 20)
    counting = CountingDevice(base: memory)
    device = MomentDevice(base: counting, moment)
    channel = IOChannel(device: device, pool: memory.pool)
    var parameters = Bench.entry().defaultParameters
    parameters["read_ahead_leaves"] = .integer(readAheadLeaves)
    engine = try BTreeEngine.open(
      EngineEnvironment(channel: channel, budget: budget, seed: 1, creates: true, syncEveryCommits: 0),
      parameters: parameters)
    var order = Array(0..<Self.entryCount)
    for index in order.indices { order.swapAt(index, Int(draw(5, index) % UInt64(order.count))) }
    for start in stride(from: 0, to: order.count, by: 1_000) {
      var batch = WriteBatch()
      for number in order[start..<(start + 1_000)] {
        batch.put(key(number), Self.value(number, hasLongValues))
      }
      try engine.apply(batch, sync: false)
    }
    try engine.settle()
    for round in 0..<10 {
      var batch = WriteBatch()
      for step in 0..<300 {
        let number = Int(draw(6, round * 300 + step) % UInt64(Self.entryCount))
        batch.put(key(number), Self.value(number, hasLongValues))
      }
      try engine.apply(batch, sync: false)
      try engine.checkpoint()
    }
    try engine.settle()
    #expect(engine.forest.main.height == 2)
  }

  static func value(_ number: Int, _ hasLongValues: Bool = false) -> [UInt8] {
    let count = hasLongValues && number % 97 == 0 ? 5_000 : 100
    return (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
  }

  /// Empties the cache and forgets what was read so far.
  func drop() throws {
    try engine.dropCache()
    device.forgetPlaces()
  }

  /// Whether everything that was begun is finished, counted, and given back.
  func checkNothingIsLeft() throws {
    #expect(device.begunCount == device.finishedCount)
    // No room is kept for what is not on its way.
    try engine.dropCache()
    #expect(engine.store.cache.statistics.heldByteCount == 0)
    try checkConservation(channel: channel, counting: counting)
  }
}

@Suite struct ReadAheadTests {
  /// What a scan shows, and how often it was called for more.
  private static func scan(
    _ view: any ReadView, _ range: KeyRange, _ order: ScanOrder, from start: Int?, count: Int, portion: Int?
  ) throws -> [Int] {
    let cursor = try view.makeCursor(range, order)
    if let start { try cursor.seek(to: key(start).span.bytes) }
    var shown: [Int] = []
    func show(_ key: RawSpan, _ value: RawSpan) {
      let number = bytes(of: key).reduce(0) { $0 << 8 | Int($1) }
      let isRight = value.withUnsafeBytes {
        $0.count >= 100 && $0[0] == UInt8(truncatingIfNeeded: number &* 31)
      }
      shown.append(isRight ? number : -1)
    }
    if let portion {
      while shown.count < count {
        let wanted = min(portion, count - shown.count)
        if try cursor.showNext(upTo: wanted, show) < wanted { break }
      }
    } else {
      while shown.count < count, try cursor.next() { cursor.withCurrent(show) }
    }
    return shown
  }

  private static func expected(_ order: ScanOrder, from start: Int, count: Int) -> [Int] {
    order == .forward
      ? Array(start..<min(start + count, AheadBench.entryCount))
      : Array((max(0, start - count + 1)...start).reversed())
  }

  @Test(arguments: [false, true]) func timeIsAllThatDiffers(hasLongValues: Bool) throws {
    let benches = try Moment.allCases.map { try AheadBench($0, hasLongValues: hasLongValues) }
    for order in [ScanOrder.forward, .reverse] {
      for (start, count, portion) in [
        (12_000, 24_000, .max), (11_000, 5_000, 5_000), (9_000, 9_000, 700), (8_000, 6_000, nil),
        (13_000, 100, 100), (13_500, 1_000, 1_000), (0, 24_000, nil), (23_999, 24_000, 24_000),
      ] as [(Int, Int, Int?)] {
        for isSnapshot in [false, true] {
          for bench in benches {
            try bench.drop()
            let view: any ReadView = isSnapshot ? try bench.engine.makeSnapshot() : bench.engine
            let shown = try Self.scan(view, .all, order, from: start, count: count, portion: portion)
            #expect(
              shown == Self.expected(order, from: start, count: count),
              "\(order) \(start) \(count) \(isSnapshot)")
          }
          #expect(benches[0].device.places == benches[1].device.places, "\(order) \(start) \(count)")
          #expect(benches[0].channel.ledger == benches[1].channel.ledger)
          #expect(benches[0].channel.totals == benches[1].channel.totals)
        }
      }
    }
    for bench in benches {
      // It was no empty promise.
      #expect(bench.device.begunCount > 40)
      try bench.checkNothingIsLeft()
      try bench.engine.verify()
    }
  }

  @Test func aFullScanReadsEachPageOnce() throws {
    for readAheadLeaves in [2, 7, 64] {
      let bench = try AheadBench(.atFinish, readAheadLeaves: readAheadLeaves)
      let tree = bench.engine.forest.main
      for order in [ScanOrder.forward, .reverse] {
        try bench.drop()
        let shown = try Self.scan(bench.engine, .all, order, from: nil, count: .max, portion: .max)
        #expect(shown.count == AheadBench.entryCount)
        #expect(bench.device.places.count == tree.leafCount + tree.interiorCount)
        #expect(Set(bench.device.places).count == bench.device.places.count)
      }
      try bench.checkNothingIsLeft()
    }
  }

  @Test func noScanReadsMoreThanOneThatWaits() throws {
    // The leaves a scan of `count` entries goes through, and at most one batch more: as many as a scan that waits for each of its
    // batches reads. Whoever says how much is wanted pays for no promise beside that.
    let bench = try AheadBench(.atFinish)
    for count in [1, 30, 60, 100, 200, 500, 1_000, 2_000, 5_000, 8_000, 12_000] {
      for start in [0, 5_000, 11_111] {
        try bench.drop()
        let before = bench.device.begunCount
        _ = try Self.scan(bench.engine, .all, .forward, from: start, count: count, portion: count)
        let (read, begun) = (bench.device.places.count, bench.device.begunCount - before)
        // What the walk itself passes, counted in a cache that holds it all.
        let leaves = try Self.leaves(bench, from: start, count: count)
        let limit = bench.engine.settings.readAheadLeafCount
        let batch = leaves < 3 ? 0 : leaves < 7 ? 4 : limit
        #expect(
          read <= leaves + batch + 3 + leaves / 40, "\(count) from \(start): \(read) for \(leaves) leaves")
        if count <= 100 { #expect(begun == 0, "\(count) from \(start)") }
      }
    }
    try bench.checkNothingIsLeft()
  }

  /// How many leaves hold `count` entries from `start` on.
  private static func leaves(_ bench: AheadBench, from start: Int, count: Int) throws -> Int {
    var path = TreePath()
    defer { path.truncate(to: 0) }
    let first = key(start)
    try first.withUnsafeBytes { _ = try path.seek(Bytes($0), bench.engine.forest.main, bench.engine.store) }
    var left = count - first.withUnsafeBytes { path.leaf.slotCount - path.leaf.find(Bytes($0)).index }
    var leaves = 1
    while left > 0, try path.step(forward: true, bench.engine.store) {
      leaves += 1
      left -= path.leaf.slotCount
    }
    return leaves
  }

  @Test func boundsEndWhatIsAskedFor() throws {
    let bench = try AheadBench(.atFinish)
    for (lower, upper) in [(3_000, 9_000), (100, 23_000), (4_000, 4_700)] {
      let range = KeyRange(lowerBound: key(lower), upperBound: key(upper))
      let leaves = try Self.leaves(bench, from: lower, count: upper - lower)
      for order in [ScanOrder.forward, .reverse] {
        try bench.drop()
        let shown = try Self.scan(bench.engine, range, order, from: nil, count: .max, portion: .max)
        #expect(shown.count == upper - lower)
        // The leaves of the range, the one its bound lies in, and the pages above them.
        let most = leaves + 2 + bench.engine.forest.main.interiorCount
        #expect(bench.device.places.count <= most, "\(lower)..<\(upper) \(order)")
      }
    }
    try bench.checkNothingIsLeft()
  }

  @Test(arguments: Moment.allCases.indices) func scansThatEndEarlyLeaveNothingBehind(moment: Int) throws {
    let bench = try AheadBench(Moment.allCases[moment])
    for round in 0..<40 {
      try bench.drop()
      do {
        let view: any ReadView = round % 3 == 0 ? try bench.engine.makeSnapshot() : bench.engine
        let cursor = try view.makeCursor(.all, round % 2 == 0 ? .forward : .reverse)
        var left = 3_000 + 211 * round
        while left > 0, try cursor.next() { left -= 1 }
        // A seek in the middle, and on from there.
        if round % 4 == 0 {
          try cursor.seek(to: key(round * 500).span.bytes)
          for _ in 0..<200 { _ = try cursor.next() }
        }
      }
      try bench.checkNothingIsLeft()
    }
    #expect(bench.device.begunCount > 40)
    try bench.engine.verify()
  }

  @Test(arguments: Moment.allCases.indices) func whatFailsOnTheWayIsReportedWhereItIsNeeded(moment: Int)
    throws
  {
    let bench = try AheadBench(Moment.allCases[moment])
    try bench.drop()
    let cursor = try bench.engine.makeCursor(.all, .forward)
    bench.device.isFailing = true
    var shown = 0
    var failures = 0
    while shown < AheadBench.entryCount, failures < 1_000 {
      do throws(EngineError) {
        shown += try cursor.showNext(upTo: AheadBench.entryCount - shown) { _, _ in }
      } catch {
        guard case .storage(.deviceFailed("read", let offset, _, 5, "scripted")) = error else { throw error }
        #expect(offset > 0)
        failures += 1
        break
      }
    }
    #expect(failures == 1 && shown == 0)
    // The device is well again: the walk goes on behind what it has shown.
    bench.device.isFailing = false
    var rest = 0
    while try cursor.next() { rest += 1 }
    #expect(rest > AheadBench.entryCount / 2)
    #expect(bench.device.begunCount == bench.device.finishedCount)
  }

  @Test func withoutRoomNothingIsAskedFor() throws {
    let bench = try AheadBench(.atFinish)
    let cache = bench.engine.store.cache
    try bench.drop()
    var kept: UInt64 = 0
    while cache.keepRoom(for: kept + 1, byteCount: 4_096) { kept += 1 }
    let before = bench.device.begunCount
    // A reader looks at pages beside the cache.
    let shown = try Self.scan(bench.engine, .all, .forward, from: 20_000, count: 2_000, portion: 2_000)
    #expect(shown == Self.expected(.forward, from: 20_000, count: 2_000))
    #expect(bench.device.begunCount == before)
    for id in 0..<kept { cache.giveBackRoom(for: id + 1, byteCount: 4_096) }
    _ = try Self.scan(bench.engine, .all, .forward, from: nil, count: .max, portion: .max)
    #expect(bench.device.begunCount > before)
    try bench.checkNothingIsLeft()
  }
}
