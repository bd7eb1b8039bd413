// Goal: after a crash at any device call, with any part of the unsynced writes, a volume is the last durable commit or
// the one in flight; no unit is lost; the log holds a prefix that ends at or after the last sync; and the volume works
// on.
// Method: a scenario of random transactions describes its own state in blocks reached from the root. Before each
// device call the fault device is asked for images that a crash could leave (nothing, everything, seeded subsets of
// 128-byte atoms of 512-byte units, so that units are torn); each is opened, checked, and used. A second test chains
// hundreds of crashes on one volume.

import Accounting
import Primitives
import Testing

@testable import Storage

/// Tells before each call.
final class HookedDevice: BlockDevice {
  let base: any BlockDevice
  var beforeCall: (() -> Void)?
  init(base: any BlockDevice) { self.base = base }
  var transferUnitByteCount: Int { base.transferUnitByteCount }
  var capacityByteCount: UInt64 { base.capacityByteCount }
  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    beforeCall?()
    try base.submit(&batch)
  }
  func control(_ operation: ControlOperation) throws(StorageError) {
    beforeCall?()
    try base.control(operation)
  }
}

/// What a scenario stores in its blocks: the state describes itself.
struct ScenarioState: Equatable {
  var step: UInt64 = 0
  var firstRecord: UInt64 = 0
  var blocks: [Block] = []

  struct Block: Equatable {
    var extent: Extent
    var tag: UInt64
    /// 0, or the mapped node whose place it is.
    var node: UInt64
  }
}

/// Random work on a volume.
final class Scenario {
  static let configuration = VolumeConfiguration(engineTag: "scenario", seed: 11, pendingLogUnitCount: 5)
  static let logConfiguration = VolumeLogConfiguration(
    segmentByteCount: 2_048, preallocatedSegmentCount: 1, bufferByteCount: 1_024, readByteCount: 1_024)

  let random: CounterRandom
  var draws: UInt64 = 0
  let volume: Volume
  let log: VolumeLog
  let budget = MemoryBudget(limitByteCount: 32 << 20)

  var state = ScenarioState()
  var table: Extent?
  var lastTag: UInt64 = 0
  /// The steps a crash now may give.
  var durableStep: UInt64 = 0
  var inFlightStep: UInt64?
  /// All records ever valid, by number; a crash takes from the end.
  var records: [[UInt8]] = []
  var positions: [UInt64] = []
  var syncedRecordCount = 0
  var session: UInt8
  var pins: [(blocks: [ScenarioState.Block], pin: PinBox)] = []

  final class PinBox {
    let pin: VolumePin
    init(_ pin: consuming VolumePin) { self.pin = pin }
  }

  init(device: any BlockDevice, creates: Bool, seed: UInt64, session: UInt8) throws {
    random = CounterRandom(seed: seed, stream: UInt64(session))
    self.session = session
    let channel = IOChannel(device: device)
    volume =
      creates
      ? try Volume.create(channel: channel, budget: budget, configuration: Self.configuration)
      : try Volume.open(channel: channel, budget: budget, configuration: Self.configuration)
    log = try volume.openLog(1, configuration: Self.logConfiguration)
    if !creates { try load() }
  }

  func draw(_ bound: Int) -> Int {
    draws += 1
    return Int(random.uniform(below: UInt64(bound), draws))
  }

  // MARK: State in blocks

  private func writeBlock(_ extent: Extent, _ numbers: [UInt64]) throws {
    let frame = volume.makeFrame(byteCount: extent.byteCount)
    for (index, number) in numbers.enumerated() {
      frame.pointer.setU64(VolumeBlock.headerByteCount + 8 * index, number)
    }
    try volume.writeBlocks([
      BlockWrite(
        extent: extent, frame: frame, type: .engine(1), payloadByteCount: 8 * numbers.count, cause: .leaf)
    ])
  }

  private func readBlock(_ extent: Extent) throws -> [UInt64] {
    let block = try volume.readBlock(extent, type: .engine(1), cause: .leaf)
    return (0..<block.payloadByteCount / 8).map { block.payload.baseAddress!.u64(8 * $0) }
  }

  private func load() throws {
    if !volume.root.isEmpty {
      let words = volume.root.withUnsafeBytes { bytes in
        (0..<3).map { bytes.baseAddress!.u64(8 * $0) }
      }
      let place = Extent(offset: words[0], byteCount: Int(words[1]))
      table = place
      let numbers = try readBlock(place)
      state.step = numbers[0]
      state.firstRecord = numbers[1]
      #expect(words[2] == numbers[0])
      for index in stride(from: 2, to: numbers.count, by: 4) {
        state.blocks.append(
          ScenarioState.Block(
            extent: Extent(offset: numbers[index], byteCount: Int(numbers[index + 1])),
            tag: numbers[index + 2], node: numbers[index + 3]))
      }
    }
    durableStep = state.step
    for block in state.blocks {
      #expect(try readBlock(block.extent)[0] == block.tag)
      lastTag = max(lastTag, block.tag)
      if block.node != 0 { #expect(try volume.resolve(NodeID(rawValue: block.node)) == block.extent) }
    }
    #expect(volume.mappedNodeCount == state.blocks.count { $0.node != 0 })
    var found: [[UInt8]] = []
    let replay = try log.replay { position, payload in
      positions.append(position)
      found.append(Array(payload))
      return true
    }
    #expect(replay.endPosition == log.tailPosition)
    records = Array(repeating: [], count: Int(state.firstRecord)) + found
    positions = Array(repeating: 0, count: Int(state.firstRecord)) + positions
    syncedRecordCount = records.count
  }

  /// The volume's own view of itself is sound, and exactly the blocks of the state are live.
  func check() throws {
    #expect(volume.partitionProblem() == nil)
    let live = state.blocks.reduce(0) { $0 + $1.extent.byteCount } + (table?.byteCount ?? 0)
    let accounting = volume.accounting()
    #expect(accounting.liveByteCount == UInt64(live))
    #expect(
      accounting.capacityByteCount == accounting.freeByteCount + accounting.liveByteCount
        + accounting.deferredByteCount + accounting.metadataByteCount + accounting.logByteCount)
    for (blocks, _) in pins {
      for block in blocks { #expect(try readBlock(block.extent)[0] == block.tag, "a pinned block changed") }
    }
  }

  // MARK: Steps

  /// One transaction, committed, or now and then rolled back.
  func runStep() throws {
    for _ in 0..<draw(4) { try appendRecord() }
    if draw(3) == 0 { try syncLog() }
    let before = state
    let beforeTable = table
    let rollsBack = draw(8) == 0
    var transaction = try volume.beginTransaction()
    for _ in 0..<(1 + draw(5)) { try change(&transaction, inPlace: !rollsBack) }
    let truncated =
      draw(4) == 0 ? Int(state.firstRecord) + draw(records.count - Int(state.firstRecord) + 1) : nil
    if let truncated {
      transaction.truncateLog(
        log, upTo: truncated < positions.count ? positions[truncated] : log.tailPosition)
      state.firstRecord = UInt64(truncated)
    }
    // A log may have to grow inside a transaction, which must not publish it.
    if draw(3) == 0 { try appendRecord() }
    state.step += 1
    let words =
      [state.step, state.firstRecord]
      + state.blocks.flatMap {
        [$0.extent.offset, UInt64($0.extent.byteCount), $0.tag, $0.node]
      }
    if let table { transaction.free(table) }
    let place = try transaction.allocate(byteCount: VolumeBlock.headerByteCount + 8 * words.count)
    table = place
    try writeBlock(place, words)
    var root = [UInt8](repeating: 0, count: 24)
    root.withUnsafeMutableBytes { bytes in
      bytes.baseAddress!.setU64(0, place.offset)
      bytes.baseAddress!.setU64(8, UInt64(place.byteCount))
      bytes.baseAddress!.setU64(16, state.step)
    }
    transaction.setRoot(root)
    if rollsBack {
      transaction.rollback()
      state = before
      table = beforeTable
      return
    }
    let isDurable = draw(3) == 0
    if isDurable { inFlightStep = state.step }
    try transaction.commit(durable: isDurable)
    if isDurable {
      durableStep = state.step
      inFlightStep = nil
    }
    if draw(6) == 0 { pins.append((state.blocks, PinBox(volume.pin()))) }
    if !pins.isEmpty, draw(5) == 0 { pins.remove(at: draw(pins.count)) }
    if draw(20) == 0 {
      inFlightStep = state.step
      try volume.checkpoint()
      durableStep = state.step
      inFlightStep = nil
    }
  }

  private func change(_ transaction: inout VolumeTransaction, inPlace: Bool) throws {
    lastTag += 1
    let tag = lastTag
    switch draw(state.blocks.count > 14 ? 6 : 4) {
    case 0, 1:
      let hint: UInt64? = draw(2) == 0 ? nil : UInt64(draw(200) * 512)
      let extent = try transaction.allocate(byteCount: 1 + draw(1_700), near: hint)
      try writeBlock(extent, [tag])
      let node = draw(2) == 0 ? 0 : try transaction.makeNode(at: extent).rawValue
      state.blocks.append(ScenarioState.Block(extent: extent, tag: tag, node: node))
    case 2:
      if state.blocks.isEmpty { return }
      let index = draw(state.blocks.count)
      let block = state.blocks[index]
      if inPlace, volume.isNewborn(block.extent) {
        try writeBlock(block.extent, [tag])
        state.blocks[index].tag = tag
        return
      }
      // Copy on write.
      let extent = try transaction.allocate(byteCount: block.extent.byteCount)
      try writeBlock(extent, [tag])
      transaction.free(block.extent)
      if block.node != 0 { transaction.moveNode(NodeID(rawValue: block.node), to: extent) }
      state.blocks[index] = ScenarioState.Block(extent: extent, tag: tag, node: block.node)
    default:
      if state.blocks.isEmpty { return }
      let block = state.blocks.remove(at: draw(state.blocks.count))
      if block.node != 0 { transaction.removeNode(NodeID(rawValue: block.node)) }
      transaction.free(block.extent)
    }
  }

  func appendRecord() throws {
    let record =
      [session, UInt8(truncatingIfNeeded: records.count)]
      + [UInt8](
        repeating: UInt8(draw(256)), count: draw(draw(3) == 0 ? 1_500 : 200))
    // In the log before the call returns, so that a crash inside may keep it.
    records.append(record)
    positions.append(try log.append(record))
  }

  func syncLog() throws {
    let count = records.count
    try log.sync()
    syncedRecordCount = count
  }
}

@Suite struct VolumeCrashTests {
  /// Opens an image a crash left and holds it against the scenario that was running.
  static func checkImage(_ image: MemoryDevice, of scenario: Scenario, _ what: String) throws -> Scenario {
    let recovered = try Scenario(
      device: image, creates: false, seed: 99, session: scenario.session &+ 1)
    let allowed = [scenario.durableStep, scenario.inFlightStep ?? scenario.durableStep]
    #expect(allowed.contains(recovered.state.step), "step \(recovered.state.step) \(what)")
    #expect(recovered.records.count >= scenario.syncedRecordCount, "synced records lost \(what)")
    #expect(recovered.records.count <= scenario.records.count)
    let first = Int(recovered.state.firstRecord)
    if first <= recovered.records.count, recovered.records.count <= scenario.records.count {
      #expect(recovered.records[first...] == scenario.records[first..<recovered.records.count], "\(what)")
    }
    try recovered.check()
    let findings = try recovered.volume.verify()
    #expect(findings.filter { !$0.isHarmless }.isEmpty, "\(findings) \(what)")
    return recovered
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func crashBeforeEveryCall(seed: UInt64) throws {
    let memory = MemoryDevice(capacityByteCount: 160 << 10, transferUnitByteCount: 512)
    // Formatting is not in question here: the file's other tests do that.
    _ = try Scenario(device: memory, creates: true, seed: seed, session: 1)
    let fault = FaultDevice(base: memory, memory: memory, atomByteCount: 128)
    let device = HookedDevice(base: fault)
    let scenario = try Scenario(device: device, creates: false, seed: seed, session: 2)
    var imageCount = 0
    var failure: (any Error)?
    device.beforeCall = {
      if failure != nil { return }
      var survivors: [CrashSurvivors] = [.none, .all]
      for index in 0..<3 { survivors.append(.seeded(fault.callCount &* 8 &+ UInt64(index))) }
      if fault.unsyncedAtomCount == 0 { survivors = [.none] }
      for choice in survivors {
        imageCount += 1
        let what = "(seed \(seed), call \(fault.callCount), \(choice))"
        do {
          let image = fault.crash(survivors: choice)
          let recovered = try Self.checkImage(image, of: scenario, what)
          if imageCount % 3 == 0 {
            for _ in 0..<3 {
              try recovered.runStep()
              try recovered.check()
            }
          }
        } catch {
          failure = error
          Issue.record("\(error) \(what)")
        }
      }
    }
    for _ in 0..<70 {
      try scenario.runStep()
      try scenario.check()
      if failure != nil { break }
    }
    #expect(failure == nil)
    #expect(imageCount > 600)
    #expect(scenario.volume.statistics.spaceMapCheckpointCount > 3)
    #expect(scenario.volume.statistics.logGrowthCount > 1)
  }

  /// The older superblock describes an intact state at any time: it is what remains when the newest slot is damaged.
  @Test(arguments: [11, 12] as [UInt64]) func theOlderSuperblockIsIntactBeforeEveryCall(seed: UInt64) throws {
    let memory = MemoryDevice(capacityByteCount: 160 << 10, transferUnitByteCount: 512)
    let fault = FaultDevice(base: memory, memory: memory)
    let device = HookedDevice(base: fault)
    var failure: (any Error)?
    var imageCount = 0
    // Reopened in between: what the last commit freed before must still wait.
    for session in 0..<UInt8(8) {
      device.beforeCall = nil
      let scenario = try Scenario(device: device, creates: session == 0, seed: seed, session: session)
      let firstKnown = Int(scenario.state.firstRecord)
      device.beforeCall = {
        if failure != nil { return }
        let what = "(seed \(seed), session \(session), call \(fault.callCount))"
        // Everything that was written has arrived or nothing, and the newest synced slot is lost.
        let slot = scenario.volume.durableEpoch & 1
        for survivors in [CrashSurvivors.none, .all] {
          do {
            let image = fault.crash(survivors: survivors)
            try image.writeForTest(Frame(byteCount: 512), at: Extent(offset: slot * 512, byteCount: 512))
            let recovered = try Scenario(device: image, creates: false, seed: 1, session: 99)
            imageCount += 1
            #expect(recovered.state.step <= max(scenario.durableStep, scenario.inFlightStep ?? 0), "\(what)")
            let first = max(firstKnown, Int(recovered.state.firstRecord))
            if first < recovered.records.count {
              #expect(
                recovered.records[first...] == scenario.records[first..<recovered.records.count], "\(what)")
            }
            try recovered.check()
            for _ in 0..<2 { try recovered.runStep() }
            try recovered.check()
          } catch {
            failure = error
            Issue.record("\(error) \(what)")
          }
        }
      }
      for _ in 0..<10 { try scenario.runStep() }
      scenario.inFlightStep = scenario.state.step
      try scenario.volume.checkpoint()
    }
    #expect(imageCount > 400)
  }

  @Test(arguments: [21, 22] as [UInt64]) func aChainOfCrashes(seed: UInt64) throws {
    let random = CounterRandom(seed: seed, stream: 5)
    var memory = MemoryDevice(capacityByteCount: 256 << 10, transferUnitByteCount: 512)
    var previous = try Scenario(device: memory, creates: true, seed: seed, session: 0)
    for round in 0..<150 {
      let fault = FaultDevice(base: memory, memory: memory, atomByteCount: 256)
      let scenario = try Scenario(device: fault, creates: false, seed: seed, session: UInt8(round + 1))
      _ = previous
      fault.add(
        ScriptedFault(at: fault.callCount + random.uniform(below: 120, UInt64(round)), .powerLoss))
      do {
        while true {
          try scenario.runStep()
          try scenario.check()
        }
      } catch let error as StorageError {
        if case .noSpace = error { throw error }
      }
      let image = fault.crash(survivors: .seeded(random.draw(UInt64(round), 1)))
      previous = try Self.checkImage(image, of: scenario, "(seed \(seed), round \(round))")
      memory = image
    }
  }

  @Test(arguments: [31, 32] as [UInt64]) func failureAtEveryCallPoisons(seed: UInt64) throws {
    let formatted = MemoryDevice(capacityByteCount: 160 << 10, transferUnitByteCount: 512)
    _ = try Scenario(device: formatted, creates: true, seed: seed, session: 1)
    var failedCalls = 0
    for call in 0..<UInt64(250) {
      for fault in [Fault.fail(errno: 5), .short(transferCount: 1), .torn(unitCount: 1, isSilent: false)] {
        let memory = formatted.clone()
        let device = FaultDevice(
          base: memory, script: [ScriptedFault(at: 12 + call, fault)], memory: memory)
        guard let scenario = try? Scenario(device: device, creates: false, seed: seed, session: 2) else {
          continue  // The failure hit a read while opening: there is nothing to recover from.
        }
        do {
          for _ in 0..<40 { try scenario.runStep() }
        } catch let error as StorageError {
          failedCalls += 1
          guard case .deviceFailed = error else {
            Issue.record("\(error) at call \(call)")
            continue
          }
          if let reason = scenario.volume.channel.poisonedBy {
            #expect(throws: StorageError.poisoned(by: reason)) { _ = try scenario.volume.beginTransaction() }
            #expect(throws: StorageError.poisoned(by: reason)) { try scenario.log.append([1]) }
            #expect(throws: StorageError.poisoned(by: reason)) { try scenario.log.sync() }
            #expect(throws: StorageError.poisoned(by: reason)) { try scenario.volume.checkpoint() }
          }
        }
        let image = device.crash(survivors: .seeded(call))
        _ = try Self.checkImage(image, of: scenario, "(seed \(seed), \(fault) at call \(call))")
      }
    }
    #expect(failedCalls > 300)
  }

  @Test func aCrashWhileFormattingLeavesNoHalfVolume() throws {
    for call in 0..<UInt64(14) {
      for survivor in [CrashSurvivors.none, .all, .seeded(call), .seeded(call + 100)] {
        let memory = MemoryDevice(capacityByteCount: 64 << 10, transferUnitByteCount: 512)
        let device = FaultDevice(
          base: memory, script: [ScriptedFault(at: call, .powerLoss)], memory: memory, atomByteCount: 128)
        let created = try? Scenario(device: device, creates: true, seed: 1, session: 1)
        if created != nil { continue }  // The script's call lies behind the formatting.
        let image = device.crash(survivors: survivor)
        do {
          let volume = try Scenario(device: image, creates: false, seed: 1, session: 2)
          try volume.check()
        } catch let error as StorageError {
          guard case .corrupted("superblock", 0, _) = error else {
            Issue.record("\(error) after a crash at call \(call)")
            continue
          }
        }
      }
    }
  }
}
