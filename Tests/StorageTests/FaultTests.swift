// Goal: a script does exactly what it says, and a crash leaves exactly the synced bytes plus the chosen writes.
// Method: each fault alone on a small device; then random runs whose crashes are held against a plain model, all
// subsets in the smallest worlds.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct FaultTests {
  static let unit = 512

  static func frame(_ byte: UInt8, units: Int = 1) -> Frame {
    let frame = Frame(byteCount: units * unit)
    frame.pointer.initializeMemory(as: UInt8.self, repeating: byte, count: frame.byteCount)
    return frame
  }

  struct World {
    let memory: MemoryDevice
    let counting: CountingDevice
    let fault: FaultDevice

    init(_ script: [ScriptedFault] = [], atom: Int? = nil, units: Int = 16) {
      memory = MemoryDevice(capacityByteCount: UInt64(units * unit), transferUnitByteCount: unit)
      counting = CountingDevice(base: memory)
      fault = FaultDevice(base: counting, script: script, memory: memory, atomByteCount: atom)
    }

    func write(_ place: Int, _ byte: UInt8, units: Int = 1) throws {
      try MemoryDeviceTests.write(
        fault, at: UInt64(place * unit), .frame(frame(byte, units: units), offset: 0), units * unit)
    }

    func read(_ place: Int, units: Int = 1) throws -> [UInt8] {
      try MemoryDeviceTests.read(fault, at: UInt64(place * unit), units * unit)
    }

    func sync() throws { try fault.control(.sync(cause: .log)) }

    /// The first byte of every unit.
    static func units(_ device: MemoryDevice) -> [UInt8] {
      let bytes = device.peek(at: 0, byteCount: Int(device.capacityByteCount))
      return stride(from: 0, to: bytes.count, by: unit).map { bytes[$0] }
    }
  }

  @Test func withoutAScriptNothingHappens() throws {
    let world = World()
    try world.write(3, 7)
    #expect(try world.read(3)[511] == 7)
    try world.sync()
    #expect(world.fault.callCount == 3)
  }

  @Test func aCallFailsOnceOrForEver() throws {
    let world = World([
      ScriptedFault(at: 1, .fail(errno: 5)), ScriptedFault(at: 3, repeats: true, .fail(errno: 28)),
    ])
    try world.write(0, 1)
    #expect(throws: StorageError.self) { try world.write(1, 1) }
    try world.write(2, 1)
    for _ in 0..<3 {
      #expect(
        throws: StorageError.deviceFailed(
          operation: "sync", offset: 0, byteCount: 0, errno: 28, reason: "scripted failure")
      ) { try world.sync() }
    }
    #expect(World.units(world.memory).prefix(4) == [1, 0, 1, 0])
    #expect(world.counting.counts[.sync].operationCount == 0)
  }

  @Test func aFullDeviceStillReads() throws {
    let world = World([ScriptedFault(at: 1, repeats: true, .noSpace)])
    try world.write(0, 1)
    #expect(throws: StorageError.noSpace(requestedByteCount: 1_024, freeByteCount: 0)) {
      try world.write(1, 1, units: 2)
    }
    #expect(try world.read(0)[0] == 1)
    try world.sync()
  }

  static func twoWrites() -> TransferBatch {
    var batch = TransferBatch()
    batch.append(
      .write, offset: 0, memory: .frame(frame(1, units: 2), offset: 0), byteCount: 1_024, cause: .leaf)
    batch.append(
      .write, offset: 4_096, memory: .frame(frame(2, units: 3), offset: 0), byteCount: 1_536, cause: .log)
    batch.append(.read, offset: 2_048, memory: .vended, byteCount: 512, cause: .leaf)
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    return batch
  }

  @Test func shortAndTornBatches() throws {
    // Transfers in order: the read, the write of two units, the write of three.
    for (count, expected) in [
      (0, [0, 0, 0, 0, 0]), (1, [0, 0, 0, 0, 0]), (2, [1, 1, 0, 0, 0]), (9, [1, 1, 2, 2, 2]),
    ] {
      let world = World([ScriptedFault(at: 0, .short(transferCount: count))])
      var batch = Self.twoWrites()
      #expect(throws: StorageError.self) { try world.fault.submit(&batch) }
      let units = World.units(world.memory)
      #expect([units[0], units[1], units[8], units[9], units[10]] == expected.map { UInt8($0) })
    }
    for isSilent in [false, true] {
      for count in 0...5 {
        let world = World([ScriptedFault(at: 0, .torn(unitCount: count, isSilent: isSilent))])
        var batch = Self.twoWrites()
        if isSilent {
          try world.fault.submit(&batch)
          #expect(batch.frame(ofRequest: 2).frame.byteCount >= 512)
        } else {
          #expect(throws: StorageError.self) { try world.fault.submit(&batch) }
        }
        let units = World.units(world.memory)
        let expected: [UInt8] = [1, 1, 2, 2, 2].enumerated().map { $0 < count ? $1 : 0 }
        #expect([units[0], units[1], units[8], units[9], units[10]] == expected)
      }
    }
  }

  @Test func lostWritesAndLostSyncs() throws {
    let world = World([ScriptedFault(at: 1, .lost), ScriptedFault(at: 3, .lost)])
    try world.write(0, 1)
    try world.write(1, 1)
    #expect(try world.read(1)[0] == 0)
    try world.sync()
    #expect(World.units(world.fault.crash(survivors: .none))[0] == 0)
    try world.sync()
    #expect(World.units(world.fault.crash(survivors: .none))[0] == 1)
  }

  /// A batch of reads and writes that merges into several transfers loses each of its written units in turn.
  @Test func oneUnitOfABatchIsLost() throws {
    // Units 2–4 and 8–9 are written, 0–1 and 6 read.
    let written = [2, 3, 4, 8, 9]
    for number in 0..<7 {
      let world = World([ScriptedFault(at: 1, .lostUnit(number: UInt64(number)))])
      try world.write(0, 7)
      let channel = IOChannel(device: world.fault, pool: world.memory.pool)
      var batch = TransferBatch()
      for unit in [9, 2, 3, 8, 4] {
        batch.append(
          .write, offset: UInt64(unit * Self.unit), memory: .frame(Self.frame(UInt8(unit)), offset: 0),
          byteCount: Self.unit, cause: .leaf)
      }
      batch.append(.read, offset: 0, memory: .vended, byteCount: 2 * Self.unit, cause: .leaf)
      batch.append(.read, offset: UInt64(6 * Self.unit), memory: .vended, byteCount: Self.unit, cause: .leaf)
      try channel.submit(&batch)
      let (frame, offset) = batch.frame(ofRequest: 5)
      #expect((frame.pointer + offset).load(as: UInt8.self) == 7)
      _ = batch.frame(ofRequest: 6)
      let units = World.units(world.memory)
      for (index, unit) in written.enumerated() {
        #expect(
          units[unit] == (index == number % written.count ? 0 : UInt8(unit)), "lost \(number), unit \(unit)")
      }
      // What did not land is not what a crash may leave either.
      #expect(World.units(world.fault.crash(survivors: .all)) == units)
    }
  }

  @Test func misdirectedTransfers() throws {
    let world = World([
      ScriptedFault(at: 2, .misdirectedRead(unitCount: 1)),
      ScriptedFault(at: 3, .misdirectedWrite(unitCount: -2)),
      ScriptedFault(at: 4, .misdirectedWrite(unitCount: 100)),
    ])
    try world.write(4, 4)
    try world.write(5, 5)
    #expect(try world.read(4)[0] == 5)
    try world.write(8, 8)
    try world.write(9, 9)
    #expect(World.units(world.memory) == [0, 0, 0, 0, 4, 5, 8, 0, 0, 9, 0, 0, 0, 0, 0, 0])
    #expect(World.units(world.fault.crash(survivors: .all)) == World.units(world.memory))
  }

  @Test func aFlippedBitDamagesTheReaderNotTheDevice() throws {
    let bits: [UInt64] = [0, 7, 4_095, 4_105, 1_000_003]
    for bit in bits {
      let world = World([ScriptedFault(at: 1, .flippedBit(bit: bit))])
      try world.write(2, 0xA5, units: 2)
      let damaged = try world.read(2, units: 2)
      var expected = [UInt8](repeating: 0xA5, count: 1_024)
      expected[Int(bit % 8_192) / 8] ^= 1 << UInt8(bit % 8)
      #expect(damaged == expected)
      #expect(try world.read(2, units: 2) == [UInt8](repeating: 0xA5, count: 1_024))
    }
    let memory = World().memory
    memory.flipBit(ofByteAt: 700, bit: 3)
    #expect(memory.peek(at: 700, byteCount: 1) == [8])
  }

  @Test func afterPowerLossOnlyTheImageSpeaks() throws {
    let world = World([ScriptedFault(at: 2, .powerLoss)])
    try world.write(0, 1)
    try world.sync()
    #expect(throws: StorageError.self) { try world.write(1, 2, units: 2) }
    #expect(throws: StorageError.self) { _ = try world.read(0) }
    #expect(throws: StorageError.self) { try world.sync() }
    #expect(world.fault.isPowerLost)
    #expect(world.fault.unsyncedAtomCount == 2)
    #expect(World.units(world.fault.crash(survivors: .none)).prefix(3) == [1, 0, 0])
    #expect(World.units(world.fault.crash(survivors: .only([1]))).prefix(3) == [1, 0, 2])
    #expect(World.units(world.fault.crash(survivors: .all)).prefix(3) == [1, 2, 2])
    // Power lost during a sync: nothing is promised.
    let other = World([ScriptedFault(at: 1, .powerLoss)])
    try other.write(0, 1)
    #expect(throws: StorageError.self) { try other.sync() }
    #expect(other.fault.unsyncedAtomCount == 1)
  }

  /// Two writes to one unit: a crash may leave the old bytes, the first or the second, and nothing else.
  @Test func allSubsetsOfThreeWrites() throws {
    let world = World()
    try world.write(0, 1)
    try world.sync()
    try world.write(0, 2)
    try world.write(1, 3)
    try world.write(0, 4)
    var outcomes: Set<[UInt8]> = []
    for mask in 0..<8 {
      let chosen = (0..<3).filter { mask >> $0 & 1 == 1 }
      outcomes.insert(Array(World.units(world.fault.crash(survivors: .only(chosen))).prefix(2)))
      let dropped = (0..<3).filter { mask >> $0 & 1 == 0 }
      #expect(
        world.fault.crash(survivors: .allBut(dropped)).contentHash()
          == world.fault.crash(survivors: .only(chosen)).contentHash())
    }
    #expect(outcomes == [[1, 0], [2, 0], [4, 0], [1, 3], [2, 3], [4, 3]])
  }

  @Test func sectorsTearApart() throws {
    let memory = MemoryDevice(capacityByteCount: 65_536, transferUnitByteCount: 4_096)
    let fault = FaultDevice(base: memory, memory: memory, atomByteCount: 512)
    func write(_ byte: UInt8) throws {
      let frame = Frame(byteCount: 4_096)
      frame.pointer.initializeMemory(as: UInt8.self, repeating: byte, count: 4_096)
      try MemoryDeviceTests.write(fault, at: 8_192, .frame(frame, offset: 0), 4_096)
    }
    try write(1)
    try fault.control(.sync(cause: .log))
    try write(2)
    #expect(fault.unsyncedAtomCount == 8)
    let image = fault.crash(survivors: .only([1, 6])).peek(at: 8_192, byteCount: 4_096)
    #expect(stride(from: 0, to: 4_096, by: 512).map { image[$0 + 511] } == [1, 2, 1, 1, 1, 1, 2, 1])
  }

  /// Random writes, discards and syncs; every crash is the model's crash, and the running device never notices.
  @Test(arguments: UInt64(1)...15) func crashesFollowTheModel(seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    let world = World(units: 64)
    var durable = [UInt8](repeating: 0, count: 64)
    var pending: [[Int: UInt8]] = []
    for step in 1...200 {
      let place = random.below(60)
      switch random.below(8) {
      case 0:
        try world.sync()
        for write in pending { for (unit, byte) in write { durable[unit] = byte } }
        pending = []
      case 1:
        try world.fault.control(
          .discard(offset: UInt64(place * Self.unit), byteCount: UInt64(3 * Self.unit), cause: .spaceMap))
        pending.append([place: 0, place + 1: 0, place + 2: 0])
      default:
        let count = random.below(4) + 1
        let byte = UInt8(truncatingIfNeeded: step)
        try world.write(place, byte, units: count)
        for unit in place..<(place + count) { pending.append([unit: byte]) }
      }
      #expect(world.fault.unsyncedAtomCount == pending.count)
      func model(_ survives: (Int) -> Bool) -> [UInt8] {
        var image = durable
        for (index, write) in pending.enumerated() where survives(index) {
          for (unit, byte) in write { image[unit] = byte }
        }
        return image
      }
      let before = world.memory.contentHash()
      let cut = random.below(pending.count + 1)
      let chosen = pending.indices.filter { _ in random.below(2) == 0 }
      #expect(World.units(world.fault.crash(survivors: .none)) == durable)
      #expect(World.units(world.fault.crash(survivors: .all)) == World.units(world.memory))
      #expect(World.units(world.fault.crash(survivors: .prefix(cut))) == model { $0 < cut })
      #expect(World.units(world.fault.crash(survivors: .only(chosen))) == model { chosen.contains($0) })
      let image = world.fault.crash(survivors: .seeded(seed))
      #expect(image.contentHash() == world.fault.crash(survivors: .seeded(seed)).contentHash())
      // What is done to the image does not reach the device.
      try MemoryDeviceTests.write(image, at: 0, .frame(Self.frame(99), offset: 0), Self.unit)
      #expect(world.memory.contentHash() == before)
    }
  }

  @Test func scriptsReadAndWriteAsText() {
    let faults: [ScriptedFault] = [
      ScriptedFault(at: 12, .fail(errno: 5)), ScriptedFault(at: 12, repeats: true, .fail(errno: 28)),
      ScriptedFault(at: 0, .noSpace), ScriptedFault(at: 7, .short(transferCount: 3)),
      ScriptedFault(at: 7, .torn(unitCount: 2, isSilent: false)),
      ScriptedFault(at: 7, .torn(unitCount: 2, isSilent: true)),
      ScriptedFault(at: 1, .lost), ScriptedFault(at: 7, .lostUnit(number: 3)),
      ScriptedFault(at: 1, .misdirectedRead(unitCount: -3)),
      ScriptedFault(at: 1, .misdirectedWrite(unitCount: 3)), ScriptedFault(at: 9, .flippedBit(bit: 1_234)),
      ScriptedFault(at: 40, .powerLoss),
    ]
    for fault in faults { #expect(ScriptedFault(parsing: fault.description) == fault) }
    #expect(ScriptedFault(parsing: "fail@3") == ScriptedFault(at: 3, .fail(errno: 5)))
    for text in [
      "", "fail", "fail@", "fail@x", "fail@1 units=3", "burn@1", "flip@1 bit=-1", "fail@1 errno", "a b c",
    ] {
      #expect(ScriptedFault(parsing: text) == nil)
    }
  }
}
