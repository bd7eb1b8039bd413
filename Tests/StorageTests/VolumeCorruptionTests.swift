// Goal: bytes that cannot be what was written are reported with structure and offset, or the older superblock is used;
// never a trap, never a wrong state.
// Method: flip bits, scramble, truncate and misplace bytes of a known volume, thousands of seeded times; then change
// fields and make the checksums right again, so that the decoders behind the checksums are reached too. One golden
// superblock fixes the format.

import Accounting
import Primitives
import Testing

@testable import Storage

/// A device over plain bytes, for damage.
final class BytesDevice: BlockDevice {
  var bytes: [UInt8]
  let transferUnitByteCount: Int
  var capacityByteCount: UInt64 { UInt64(bytes.count) }

  init(bytes: [UInt8], transferUnitByteCount: Int = 512) {
    self.bytes = bytes
    self.transferUnitByteCount = transferUnitByteCount
  }

  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    for transfer in batch.transfers {
      guard transfer.offset <= capacityByteCount, transfer.byteCount <= bytes.count - Int(transfer.offset)
      else {
        throw .outOfRange(
          offset: transfer.offset, byteCount: transfer.byteCount, capacityByteCount: capacityByteCount)
      }
      var offset = Int(transfer.offset)
      for index in transfer.segments {
        let segment = batch.segments[index]
        if case .vended = segment.memory {
          batch.segments[index].memory = .frame(Frame(byteCount: segment.byteCount), offset: 0)
        }
        let pointer: UnsafeMutableRawPointer
        switch batch.segments[index].memory {
        case .frame(let frame, let frameOffset): pointer = frame.pointer + frameOffset
        case .borrowed(let borrowed): pointer = borrowed
        case .vended: preconditionFailure("A vended segment was replaced.")
        }
        let buffer = UnsafeMutableRawBufferPointer(start: pointer, count: segment.byteCount)
        if transfer.direction == .read {
          buffer.copyBytes(from: bytes[offset..<(offset + segment.byteCount)])
        } else {
          bytes.replaceSubrange(offset..<(offset + segment.byteCount), with: buffer)
        }
        offset += segment.byteCount
      }
    }
  }

  func control(_ operation: ControlOperation) throws(StorageError) {
    if case .discard(let offset, let byteCount, _) = operation {
      for index in Int(offset)..<Int(offset + byteCount) { bytes[index] = 0 }
    }
  }
}

@Suite struct VolumeCorruptionTests {
  /// A volume of known content: blocks, nodes, a log in two eras; both superblocks valid.
  struct Specimen {
    var bytes: [UInt8]
    var states: [UInt64: ScenarioState] = [:]
    var records: [[UInt8]]
    var newestStep: UInt64

    init() throws {
      let device = BytesDevice(bytes: [UInt8](repeating: 0, count: 96 << 10))
      var scenario = try Scenario(device: device, creates: true, seed: 3, session: 1)
      for _ in 0..<12 { try scenario.runStep() }
      try scenario.syncLog()
      scenario.volume.close()
      scenario = try Scenario(device: device, creates: false, seed: 4, session: 2)
      for _ in 0..<12 {
        try scenario.runStep()
        try scenario.volume.checkpoint()
        states[scenario.state.step] = scenario.state
      }
      try scenario.syncLog()
      // Two more without a checkpoint, so that the pending log has records.
      for _ in 0..<2 {
        try scenario.appendRecord()
        var transaction = try scenario.volume.beginTransaction()
        let extent = try transaction.allocate(byteCount: 512)
        transaction.free(extent)
        let kept = try transaction.allocate(byteCount: 512)
        try transaction.commit(durable: true)
        transaction = try scenario.volume.beginTransaction()
        transaction.free(kept)
        try transaction.commit(durable: true)
      }
      try scenario.syncLog()
      bytes = device.bytes
      records = scenario.records
      newestStep = scenario.state.step
    }

    /// Opens damaged bytes and looks at everything; what comes back is the state or an error.
    func open(_ damaged: [UInt8]) throws -> ScenarioState {
      let scenario = try Scenario(
        device: BytesDevice(bytes: damaged), creates: false, seed: 1, session: 9)
      let first = Int(scenario.state.firstRecord)
      // What the log gives is a prefix of what was appended.
      #expect(scenario.records.count <= records.count)
      if scenario.records.count >= first, scenario.records.count <= records.count {
        #expect(scenario.records[first...] == records[first..<scenario.records.count])
      }
      return scenario.state
    }

    func expectHarmless(_ damaged: [UInt8], _ what: String) {
      do {
        let state = try open(damaged)
        #expect(states[state.step] == state, "a wrong state \(what)")
      } catch let error as StorageError {
        switch error {
        case .corrupted(let structure, let offset, _):
          #expect(!structure.isEmpty && offset < UInt64(bytes.count), "\(error) \(what)")
        default: Issue.record("\(error) \(what)")
        }
        // Verification reports too, and does not throw for bytes.
        do {
          _ = try Volume.verify(channel: IOChannel(device: BytesDevice(bytes: damaged)))
        } catch {
          Issue.record("verify threw \(error) \(what)")
        }
      } catch {
        Issue.record("\(error) \(what)")
      }
    }
  }

  @Test func everyBitOfTheSuperblocks() throws {
    let specimen = try Specimen()
    #expect(try specimen.open(specimen.bytes).step == specimen.newestStep)
    var damaged = specimen.bytes
    for bit in 0..<(2 * 512 * 8) {
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      // One superblock is damaged, the other is intact: the volume opens.
      let state = try specimen.open(damaged)
      #expect(specimen.states[state.step] == state, "bit \(bit)")
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    // Both damaged: refused.
    damaged[40] ^= 1
    damaged[512 + 300] ^= 1
    do {
      _ = try specimen.open(damaged)
      Issue.record("two damaged superblocks were accepted")
    } catch let error as StorageError {
      guard case .corrupted("superblock", 0, _) = error else { throw error }
    }
  }

  @Test func flippedBitsAnywhere() throws {
    let specimen = try Specimen()
    let random = CounterRandom(seed: 51, stream: 1)
    // Only bytes that were written: flips in units nobody uses say nothing.
    let used = specimen.bytes.indices.filter { specimen.bytes[$0] != 0 }
    for index in 0..<UInt64(6_000) {
      var damaged = specimen.bytes
      let place = used[Int(random.uniform(below: UInt64(used.count), index))]
      let bit = UInt8(random.uniform(below: 8, index, 1))
      damaged[place] ^= 1 << bit
      specimen.expectHarmless(damaged, "(seed 51, byte \(place), bit \(bit))")
    }
  }

  @Test func scrambledUnitsAndTruncation() throws {
    let specimen = try Specimen()
    let random = CounterRandom(seed: 53, stream: 1)
    let units = specimen.bytes.count / 512
    for index in 0..<UInt64(2_000) {
      var damaged = specimen.bytes
      let unit = Int(random.uniform(below: UInt64(units), index))
      let other = Int(random.uniform(below: UInt64(units), index, 1))
      let kind = index % 5
      for byte in 0..<512 {
        switch kind {
        case 0: damaged[unit * 512 + byte] = 0
        case 1: damaged[unit * 512 + byte] = UInt8(truncatingIfNeeded: random.draw(index, UInt64(byte + 9)))
        case 2: damaged[unit * 512 + byte] = specimen.bytes[other * 512 + byte]  // misdirected
        case 3: if byte >= 256 { damaged[unit * 512 + byte] = 0xFF }
        default: break
        }
      }
      if kind == 4 { damaged.removeSubrange((unit * 512)...) }
      if damaged.isEmpty { continue }
      specimen.expectHarmless(damaged, "(seed 53, case \(index))")
    }
    for index in 0..<UInt64(200) {
      let noise = (0..<(8 << 10)).map { UInt8(truncatingIfNeeded: random.draw(index, UInt64($0 + 700))) }
      #expect(throws: StorageError.self) { try specimen.open(noise) }
    }
  }

  @Test func fieldsWithRightChecksums() throws {
    let specimen = try Specimen()
    let random = CounterRandom(seed: 57, stream: 1)
    var volumeID: UInt64 = 0
    specimen.bytes.withUnsafeBytes { volumeID = $0.baseAddress!.u64(16) }
    /// Changes a few bytes of a range, in one of several ways.
    func mutate(_ bytes: inout [UInt8], _ range: Range<Int>, _ index: UInt64) {
      for change in 0..<(1 + random.uniform(below: 3, index, 90)) {
        let place = range.lowerBound + Int(random.uniform(below: UInt64(range.count), index, 100 + change))
        switch random.uniform(below: 4, index, 200 + change) {
        case 0: bytes[place] = 0xFF
        case 1: bytes[place] = UInt8(truncatingIfNeeded: random.draw(index, 300 + change))
        case 2: bytes[place] &+= 1
        default:
          let end = min(range.upperBound, place + 8)
          for position in place..<end { bytes[position] = UInt8(truncatingIfNeeded: random.draw(index, 400)) }
        }
      }
    }
    func sealBlock(_ bytes: inout [UInt8], _ unit: Int, _ count: Int) -> UInt32 {
      bytes.withUnsafeMutableBytes { all in
        let block = UnsafeMutableRawBufferPointer(rebasing: all[(unit * 512)..<((unit + count) * 512)])
        let crc = VolumeChecksum.checksum(
          of: UnsafeRawBufferPointer(block), skipping: 0,
          seed: VolumeChecksum.seed(volumeID, UInt64(unit * 512)))
        ImageWriter(block).store(crc, at: 0)
        return crc
      }
    }
    func sealSuperblock(_ bytes: inout [UInt8], _ slot: Int) {
      bytes.withUnsafeMutableBytes { all in
        let block = UnsafeMutableRawBufferPointer(rebasing: all[(slot * 512)..<((slot + 1) * 512)])
        ImageWriter(block).store(
          Superblock.checksum(UnsafeRawBufferPointer(block), slot: UInt64(slot)), at: 8)
      }
    }
    let newest = try Volume.readSuperblocks(
      IOChannel(device: BytesDevice(bytes: specimen.bytes)), cause: .verification
    ).superblock
    let slot = Int(newest.epoch & 1)
    func patchSuperblock(_ bytes: inout [UInt8], _ offset: Int, _ value: UInt32) {
      bytes.withUnsafeMutableBytes { $0.baseAddress!.setU32(slot * 512 + offset, value) }
      sealSuperblock(&bytes, slot)
    }
    var rejected = 0
    for index in 0..<UInt64(6_000) {
      var damaged = specimen.bytes
      switch index % 6 {
      case 0:
        mutate(&damaged, (slot * 512 + 12)..<(slot * 512 + 464), index)
        sealSuperblock(&damaged, slot)
      case 1:
        let unit = newest.mapStartUnit
        mutate(&damaged, (unit * 512 + 4)..<(unit * 512 + 60), index)
        patchSuperblock(&damaged, 68, sealBlock(&damaged, unit, newest.mapUnitCount))
      case 2:
        // A chunk, its checksum in the index, the index's in the superblock.
        let index0 = newest.mapStartUnit * 512 + VolumeBlock.headerByteCount + 8
        let chunk = damaged.withUnsafeBytes { Int($0.baseAddress!.u64(index0)) }
        mutate(&damaged, (chunk * 512 + 4)..<(chunk * 512 + 80), index)
        let crc = sealBlock(&damaged, chunk, 1)
        damaged.withUnsafeMutableBytes { $0.baseAddress!.setU32(index0 + 8, crc) }
        patchSuperblock(&damaged, 68, sealBlock(&damaged, newest.mapStartUnit, newest.mapUnitCount))
      case 3:
        let unit = newest.pendingStartUnit + Int(index / 6) % max(1, newest.pendingUsedUnitCount)
        mutate(&damaged, (unit * 512 + 4)..<(unit * 512 + 80), index)
        _ = sealBlock(&damaged, unit, 1)
      case 4:
        let unit = newest.directoryRootUnit
        mutate(&damaged, (unit * 512 + 4)..<(unit * 512 + 160), index)
        patchSuperblock(&damaged, 104, sealBlock(&damaged, unit, 1))
      default:
        let log = newest.logs[1]
        mutate(&damaged, (log.listStartUnit * 512 + 4)..<(log.listStartUnit * 512 + 120), index)
        patchSuperblock(&damaged, 120 + 32 + 12, sealBlock(&damaged, log.listStartUnit, log.listUnitCount))
      }
      // Anything but a trap: a lie with a right checksum may be believed where it contradicts nothing.
      do {
        let budget = MemoryBudget(limitByteCount: 4 << 20)
        let volume = try Volume.open(
          channel: IOChannel(device: BytesDevice(bytes: damaged)), budget: budget,
          configuration: Scenario.configuration)
        let log = try volume.openLog(1, configuration: Scenario.logConfiguration)
        _ = try log.replay { _, _ in true }
        for number in 0..<40 { _ = try? volume.resolve(.mapped(UInt64(number))) }  // May be in use or not.
        _ = volume.inspect()
        #expect(volume.partitionProblem() == nil, "case \(index)")
        try log.append([1, 2, 3])
        try volume.checkpoint()
      } catch {
        rejected += 1
      }
      _ = try? Volume.verify(channel: IOChannel(device: BytesDevice(bytes: damaged)))  // Only must not trap.
    }
    #expect(rejected > 2_000, "\(rejected) of 6,000 were noticed")
  }

  @Test func theSuperblockIsGolden() throws {
    var superblock = Superblock()
    superblock.volumeID = 0x1122_3344_5566_7788
    superblock.transferUnitByteCount = 512
    superblock.capacityUnitCount = 1_000
    superblock.epoch = 7
    superblock.usedEndUnit = 90
    (superblock.mapStartUnit, superblock.mapUnitCount, superblock.mapChecksum) = (10, 2, 0xAABB_CCDD)
    superblock.mapEpoch = 5
    (superblock.pendingStartUnit, superblock.pendingUnitCount, superblock.pendingUsedUnitCount) = (20, 8, 3)
    (superblock.directoryRootUnit, superblock.directoryChecksum) = (30, 0x0102_0304)
    (superblock.directoryHeight, superblock.directoryIDCount) = (2, 100)
    superblock.logs[1] = LogRoot(
      listStartUnit: 40, listUnitCount: 1, listChecksum: 0x0506_0708, startPosition: 9, durablePosition: 11)
    superblock.engineTag = "golden"
    superblock.root = [0xDE, 0xAD]
    let frame = Frame(byteCount: 512)
    superblock.encode(into: frame.mutableBytes)
    let fields: [(Int, [UInt8])] = [
      (0, Array("BETULAVO".utf8)), (12, [1, 0, 0, 0]),
      (16, [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]), (24, [0, 2, 0, 0]), (32, [0xE8, 3]), (40, [7]),
      (48, [90]), (56, [10]), (64, [2]), (68, [0xDD, 0xCC, 0xBB, 0xAA]), (72, [5]), (80, [20]), (88, [8]),
      (92, [3]), (96, [30]), (104, [4, 3, 2, 1]), (108, [2]), (112, [100]), (152, [40]), (160, [1]),
      (164, [8, 7, 6, 5]), (168, [9]), (176, [11]), (184, Array("golden".utf8)), (200, [2]),
      (208, [0xDE, 0xAD]),
    ]
    var golden = [UInt8](repeating: 0, count: 512)
    for (offset, bytes) in fields { golden.replaceSubrange(offset..<(offset + bytes.count), with: bytes) }
    golden.replaceSubrange(8..<12, with: Array(frame.bytes[8..<12]))
    #expect(Array(frame.bytes) == golden)
    // Computed by another program from the fields above.
    #expect(frame.bytes.baseAddress!.u32(8) == 0xF7A9_B041)
    let decoded = try Superblock.decode(frame.bytes, slot: 1, deviceCapacityByteCount: 512_000)
    #expect(decoded == superblock)
    #expect(throws: StorageError.self) {
      try Superblock.decode(frame.bytes, slot: 0, deviceCapacityByteCount: 512_000)
    }
    #expect(throws: StorageError.self) {
      try Superblock.decode(frame.bytes, slot: 1, deviceCapacityByteCount: 511_999)
    }
  }

  @Test func blocksBelongToTheirPlace() throws {
    let world = VolumeWorld()
    let volume = try world.create()
    var transaction = try volume.beginTransaction()
    let first = try transaction.allocate(byteCount: 1_024)
    let second = try transaction.allocate(byteCount: 1_024)
    try write("first", to: first, of: volume)
    try write("second", to: second, of: volume)
    try transaction.commit(durable: true)
    // A block copied to another place, with its bytes intact, is not believed there.
    let frame = try world.device.readForTest(first)
    try world.device.writeForTest(frame, at: second)
    #expect(try readText(first, of: volume) == "first")
    do {
      _ = try readText(second, of: volume)
      Issue.record("a misdirected block was believed")
    } catch let error as StorageError {
      guard case .corrupted("engine block 0", second.offset, _) = error else { throw error }
    }
    // The wrong type is named.
    #expect(throws: StorageError.self) { try volume.readBlock(first, type: .engine(5), cause: .leaf) }
    // Another engine's volume is refused by name.
    volume.close()
    var other = world
    other.configuration = VolumeConfiguration(engineTag: "other")
    #expect(throws: StorageError.self) { try other.open() }
  }
}

extension BlockDevice {
  func readForTest(_ extent: Extent) throws -> Frame {
    let frame = Frame(byteCount: extent.byteCount)
    var batch = TransferBatch()
    batch.append(
      .read, offset: extent.offset, memory: .borrowed(frame.pointer), byteCount: extent.byteCount,
      cause: .verification)
    batch.seal(coalesces: false, maximumTransferByteCount: 1 << 20)
    try submit(&batch)
    return frame
  }

  func writeForTest(_ frame: Frame, at extent: Extent) throws {
    var batch = TransferBatch()
    batch.append(
      .write, offset: extent.offset, memory: .borrowed(frame.pointer), byteCount: extent.byteCount,
      cause: .verification)
    batch.seal(coalesces: false, maximumTransferByteCount: 1 << 20)
    try submit(&batch)
  }
}
