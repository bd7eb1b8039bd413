// Goal: a log gives back what was synced, in order; it ends cleanly where a crash cut it and says so when something in
// the middle is damaged; stale bytes of recycled extents never come back; a durable append costs one batch and one sync.
// Method: small logs on a memory device; damage at every byte; counts of the device next to the ledger.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct VolumeLogTests {
  static let configuration = VolumeLogConfiguration(
    segmentByteCount: 4_096, preallocatedSegmentCount: 2, bufferByteCount: 1_024, readByteCount: 1_024)

  static func records(_ log: VolumeLog, from position: UInt64? = nil) throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    _ = try log.replay(from: position) { _, payload in
      found.append(Array(payload))
      return true
    }
    return found
  }

  @Test func aDurableAppendIsOneBatchAndOneSync() throws {
    let memory = MemoryDevice(capacityByteCount: 1 << 20, transferUnitByteCount: 512)
    let counting = CountingDevice(base: memory)
    let channel = IOChannel(device: counting)
    let volume = try Volume.create(
      channel: channel, budget: MemoryBudget(limitByteCount: 1 << 20),
      configuration: VolumeConfiguration(engineTag: "log"))
    let log = try volume.openLog(0, configuration: Self.configuration)
    try log.append([0])
    try log.sync()
    for index in 1..<40 {
      let before = counting.counts
      let ledgerBefore = channel.ledger
      let rewritesBefore = volume.statistics.logTailRewriteCount
      try log.append([UInt8](repeating: UInt8(index), count: 40))
      try log.sync()
      let delta = counting.counts.subtracting(before)
      #expect(delta[.write].operationCount == 1 && delta[.sync].operationCount == 1)
      #expect(delta[.read].operationCount == 0)
      let ledger = channel.ledger.subtracting(ledgerBefore)
      #expect(ledger.total(.write, Cause.log).requestedByteCount == 56)
      #expect(ledger.total(.write, Cause.log).requestedOperationCount == 1)
      let padding = ledger.total(.write, Cause.padding).transferredByteCount
      #expect(ledger.total(.write, Cause.log).transferredByteCount + padding == delta[.write].byteCount)
      // The last unit is written again unless the record before filled it.
      #expect(volume.statistics.logTailRewriteCount - rewritesBefore <= 1)
    }
    #expect(volume.statistics.logTailRewriteCount > 30)
    #expect(volume.statistics.logGrowthCount == 1)
    // A sync with nothing to do is nothing.
    let before = counting.counts
    try log.sync()
    #expect(counting.counts.subtracting(before)[.sync].operationCount == 0)
    for direction in Direction.allCases {
      #expect(counting.counts[direction].byteCount == channel.ledger.total(direction).transferredByteCount)
      #expect(
        counting.counts[direction].operationCount == channel.ledger.total(direction).transferredOperationCount
      )
    }
  }

  @Test func recordsOfAllSizesThroughASmallBuffer() throws {
    let random = CounterRandom(seed: 61, stream: 1)
    let world = VolumeWorld(capacityByteCount: 4 << 20)
    var volume = try world.create()
    var log = try volume.openLog(0, configuration: Self.configuration)
    var expected: [[UInt8]] = []
    var positions: [UInt64] = []
    for index in 0..<UInt64(300) {
      let count = Int(random.uniform(below: index % 7 == 0 ? 9_000 : 300, index))
      let record = (0..<count).map { UInt8(truncatingIfNeeded: $0 &+ Int(index)) }
      positions.append(try log.append(record))
      expected.append(record)
      // What is only in the buffer is read too.
      if index % 50 == 49 { #expect(try Self.records(log) == expected) }
      if index % 90 == 89 { try log.sync() }
    }
    #expect(try Self.records(log, from: positions[170]) == Array(expected[170...]))
    try log.sync()
    volume.close()
    volume = try world.open()
    log = try volume.openLog(0, configuration: VolumeLogConfiguration(segmentByteCount: 8_192))
    #expect(try Self.records(log) == expected)
    #expect(try Self.records(log, from: positions[299]) == [expected[299]])
    var stopped = 0
    let replay = try log.replay { _, _ in
      stopped += 1
      return stopped < 5
    }
    #expect(replay.recordCount == 5 && replay.stoppedEarly && replay.endPosition == positions[5])
    #expect(try volume.verify().isEmpty)
  }

  @Test func truncatedSegmentsAreRecycledAndStaleRecordsStayAway() throws {
    let world = VolumeWorld(capacityByteCount: 128 << 10)
    let volume = try world.create()
    let log = try volume.openLog(0, configuration: Self.configuration)
    var number = 0
    var growths: UInt64 = 0
    for round in 0..<60 {
      let first = number
      let start = log.tailPosition
      for _ in 0..<20 {
        try log.append([UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 100))
        number += 1
      }
      try log.sync()
      var transaction = try volume.beginTransaction()
      transaction.truncateLog(log, upTo: start)
      transaction.setRoot([UInt8(round)])
      try transaction.commit(durable: true)
      let found = try Self.records(log)
      #expect(found.count == 20 && found.first?.first == UInt8(truncatingIfNeeded: first))
      #expect(log.allocatedByteCount <= 24 << 10, "the log does not grow for ever")
      #expect(volume.partitionProblem() == nil)
      if round == 10 { growths = volume.statistics.logGrowthCount }
      // A second opening of the same bytes sees the same: nothing stale replays.
      if round % 6 == 5, let memory = world.device as? MemoryDevice {
        let other = try Volume.open(
          channel: IOChannel(device: memory.clone()), budget: world.budget, configuration: world.configuration
        )
        let otherLog = try other.openLog(0, configuration: Self.configuration)
        #expect(try Self.records(otherLog) == found)
        #expect(otherLog.tailPosition == log.tailPosition)
      }
    }
    #expect(volume.statistics.logGrowthCount == growths, "a log in steady state grows with the commits")
  }

  /// The log's bytes from the first record on, and where they lie.
  @Test func damageInTheMiddleIsCorruptionAtTheEndACleanCut() throws {
    let device = BytesDevice(bytes: [UInt8](repeating: 0, count: 64 << 10))
    let budget = MemoryBudget(limitByteCount: 8 << 20)
    let configuration = VolumeConfiguration(engineTag: "log")
    let volume = try Volume.create(
      channel: IOChannel(device: device), budget: budget, configuration: configuration)
    let log = try volume.openLog(0, configuration: Self.configuration)
    // Synced in four steps; the last three records only flushed.
    var durableEnds: [UInt64] = []
    var positions: [UInt64] = []
    for index in 0..<12 {
      positions.append(try log.append([UInt8](repeating: UInt8(index + 1), count: 90)))
      if index % 3 == 2, index < 9 {
        try log.sync()
        durableEnds.append(log.tailPosition)
      }
    }
    try log.flush()
    let end = log.tailPosition
    let segments = volume.logLists[0].segments
    func offset(_ position: UInt64) -> Int {
      let segment = segments.last { $0.base <= position }!
      return segment.startUnit * 512 + Int(position - segment.base)
    }
    var corruptions = 0
    for position in 0..<end {
      var damaged = device.bytes
      damaged[offset(position)] ^= 0x40
      let hit = positions.lastIndex { $0 <= position }!
      let other = try Volume.open(
        channel: IOChannel(device: BytesDevice(bytes: damaged)), budget: budget, configuration: configuration)
      let otherLog = try other.openLog(0, configuration: Self.configuration)
      // A later record that was appended after a sync beyond the hole proves that the hole was durable: records
      // 3 ... 11 were appended after the first sync, 6 ... after the second, 9 ... after the third.
      let isProven = hit < 9
      do {
        let found = try Self.records(otherLog)
        #expect(!isProven, "record \(hit) was synced and its damage was not noticed (byte \(position))")
        #expect(found.count == hit)
        #expect(otherLog.tailPosition == positions[hit])
        // The log goes on behind the cut, and what lay behind the cut does not come back.
        try otherLog.append([7, 7])
        try otherLog.sync()
        #expect(try Self.records(otherLog).last == [7, 7])
        #expect(try Self.records(otherLog).count == hit + 1)
      } catch StorageError.corrupted(let structure, let place, _) {
        corruptions += 1
        #expect(isProven && structure == "log 0")
        #expect(place == UInt64(offset(positions[hit])))
        #expect(try Volume.verify(channel: other.channel).contains { $0.structure == "log 0" })
      }
      other.close()
    }
    #expect(corruptions == Int(positions[9]))
  }

  @Test func aLostLastUnitIsACleanCut() throws {
    // Every subset of the units of one unsynced flush: the log is the records before the first lost unit, and no
    // later record comes back after appending as much again.
    let memory = MemoryDevice(capacityByteCount: 64 << 10, transferUnitByteCount: 512)
    let fault = FaultDevice(base: memory, memory: memory)
    let budget = MemoryBudget(limitByteCount: 8 << 20)
    let configuration = VolumeConfiguration(engineTag: "log")
    let logConfiguration = VolumeLogConfiguration(segmentByteCount: 8_192, bufferByteCount: 8_192)
    let volume = try Volume.create(
      channel: IOChannel(device: fault), budget: budget, configuration: configuration)
    let log = try volume.openLog(0, configuration: logConfiguration)
    try log.append([UInt8](repeating: 1, count: 200))
    try log.sync()
    var positions: [UInt64] = []
    for index in 0..<12 {
      positions.append(try log.append([UInt8](repeating: UInt8(10 + index), count: 240)))
    }
    try log.flush()
    #expect(fault.unsyncedAtomCount == 7)
    for mask in 0..<128 {
      let image = fault.crash(survivors: .only((0..<7).filter { mask >> $0 & 1 == 1 }))
      let other = try Volume.open(
        channel: IOChannel(device: image), budget: budget, configuration: configuration)
      let otherLog = try other.openLog(0, configuration: logConfiguration)
      let found = try Self.records(otherLog)
      // The first unit holds the synced record, so it is as before or complete; the first lost one cuts.
      let firstLost = (0..<7).first { mask >> $0 & 1 == 0 } ?? 7
      let kept = positions.filter { $0 + 256 <= UInt64(firstLost * 512) || firstLost == 7 }.count
      #expect(found.count == 1 + kept, "mask \(mask)")
      // The same bytes again: what the crash left behind the cut has the same positions, and must not come back.
      for index in kept..<12 {
        if index == 11 { break }
        try otherLog.append([UInt8](repeating: UInt8(10 + index), count: 240))
        try otherLog.sync()
        #expect(try Self.records(otherLog).count == 1 + index + 1, "mask \(mask)")
        let again = try Volume.open(
          channel: IOChannel(device: image.clone()), budget: budget, configuration: configuration)
        let againLog = try again.openLog(0, configuration: logConfiguration)
        #expect(try Self.records(againLog).count == 1 + index + 1, "mask \(mask)")
        if mask % 16 != 0 { break }
      }
    }
  }

  @Test func makingRoomPublishesNothingElse() throws {
    let world = VolumeWorld()
    let volume = try world.create()
    let log = try volume.openLog(0, configuration: Self.configuration)
    var transaction = try volume.beginTransaction()
    transaction.setRoot([1])
    try transaction.commit(durable: true)
    transaction = try volume.beginTransaction()
    let extent = try transaction.allocate(byteCount: 4_096)
    transaction.setRoot([2])
    try transaction.commit(durable: false)
    // An open transaction too stays out of it.
    var open = try volume.beginTransaction()
    let second = try open.allocate(byteCount: 512)
    let epoch = volume.durableEpoch
    for _ in 0..<40 { try log.append([UInt8](repeating: 5, count: 900)) }
    try log.sync()
    #expect(volume.durableEpoch > epoch && volume.statistics.logGrowthCount > 1)
    #expect(volume.isNewborn(extent) && volume.isNewborn(second))
    open.rollback()
    #expect(volume.root == [2])
    volume.close()
    let reopened = try world.open()
    #expect(reopened.root == [1])
    #expect(reopened.accounting().liveByteCount == 0)
    #expect(try Self.records(reopened.openLog(0, configuration: Self.configuration)).count == 40)
  }

  @Test func aFullVolumeRefusesARecordWhole() throws {
    let world = VolumeWorld(capacityByteCount: 48 << 10)
    let volume = try world.create()
    let log = try volume.openLog(0, configuration: Self.configuration)
    var count = 0
    var refused = false
    while !refused {
      do {
        try log.append([UInt8](repeating: 3, count: 700))
        count += 1
      } catch StorageError.noSpace {
        refused = true
      }
    }
    #expect(count > 20)
    try log.sync()
    #expect(try Self.records(log).count == count)
    #expect(volume.partitionProblem() == nil)
    volume.close()
    #expect(try Self.records(world.open().openLog(0, configuration: Self.configuration)).count == count)
  }
}
