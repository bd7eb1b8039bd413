// Goal: each time model charges what its formula says.
// Method: numbers worked out by hand with powers of two, so that equality is exact.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct TimeTests {
  // s = 1 s for reads and 2 s for writes, t = 1/4096 and 1/2048 s per byte, P = 2, B = 4,096.
  static let model = TimeModel(
    blockByteCount: 4_096, parallelBlockCount: 2, readSetupSeconds: 1, readSecondsPerByte: 1.0 / 4_096,
    writeSetupSeconds: 2, writeSecondsPerByte: 1.0 / 2_048)

  static func read(_ unit: UInt64, _ count: Int = 1) -> ChargedTransfer {
    ChargedTransfer(isWrite: false, offset: unit * 4_096, byteCount: count * 4_096)
  }

  static func write(_ unit: UInt64, _ count: Int = 1) -> ChargedTransfer {
    ChargedTransfer(isWrite: true, offset: unit * 4_096, byteCount: count * 4_096)
  }

  @Test func oneTransfer() {
    var clock = TimeClock(model: Self.model)
    clock.charge(batch: [Self.read(10, 3)])
    #expect(clock.charge.damBlockCount == 3)
    #expect(clock.charge.affineSeconds == 4)
    #expect(clock.charge.pdamStepCount == 2)
    #expect(clock.charge.deviceSeconds == 4)
  }

  @Test func blocksRoundUpPerTransfer() {
    var clock = TimeClock(model: Self.model)
    let odd = ChargedTransfer(isWrite: false, offset: 0, byteCount: 512)
    clock.charge(batch: [odd, odd, odd])
    #expect(clock.charge.damBlockCount == 3)
    #expect(clock.charge.pdamStepCount == 2)
  }

  @Test func aContinuationPaysNoSeekUnderTheProfileAndAlwaysUnderAffine() {
    var clock = TimeClock(model: Self.model)
    clock.charge(batch: [Self.read(0)])
    clock.charge(batch: [Self.read(1)])
    clock.charge(batch: [Self.read(2, 2)])
    #expect(clock.charge.deviceSeconds == 2 + 1 + 2)
    #expect(clock.charge.affineSeconds == 2 + 2 + 3)
    // Another direction at the same place seeks.
    clock.charge(batch: [Self.write(4)])
    #expect(clock.charge.deviceSeconds == 5 + 4)
    clock.charge(batch: [Self.write(5)])
    #expect(clock.charge.deviceSeconds == 9 + 2)
  }

  @Test func lanesOverlapSetupsAndShareTheBus() {
    // Two reads on two lanes: max(2, 2) and the bus 2.
    var clock = TimeClock(model: Self.model)
    #expect(clock.charge(batch: [Self.read(0), Self.read(10)]) == 2)
    // Three: lanes 4 and 2.
    #expect(clock.charge(batch: [Self.read(20), Self.read(30), Self.read(40)]) == 4)
    // A long and two short ones: greedy puts both short ones on the other lane: 9 against 4; the bus: 10.
    #expect(clock.charge(batch: [Self.read(100, 8), Self.read(200), Self.read(300)]) == 10)
    #expect(clock.charge.pdamStepCount == 1 + 2 + 5)
  }

  @Test func sequentialFactorOfTheModel() {
    // 64 blocks one by one at random and in order: the factor is (s + t B) / (t B) less the one setup.
    var random = TimeClock(model: Self.model)
    var sequential = TimeClock(model: Self.model)
    for index in 0..<64 {
      random.charge(batch: [Self.read(UInt64(index * 7 % 64) * 3)])
      sequential.charge(batch: [Self.read(UInt64(index))])
    }
    #expect(random.charge.deviceSeconds == 128)
    #expect(sequential.charge.deviceSeconds == 65)
    #expect(random.charge.affineSeconds == sequential.charge.affineSeconds)
  }

  @Test func theProfileOfASaturatedSolidStateDriveReachesItsBandwidth() throws {
    // P random 64 KiB reads in one batch take P · 64 KiB / saturation, as the published fit says.
    for name in ["ssd-samsung-860-evo", "ssd-samsung-970-pro"] {
      let profile = try DeviceProfile.named(name)
      var clock = TimeClock(model: TimeModel(profile: profile))
      let batch = (0..<64).map {
        ChargedTransfer(isWrite: false, offset: UInt64($0) << 32, byteCount: 65_536)
      }
      let seconds = clock.charge(batch: batch)
      let saturated = 64 * 65_536 * profile.readSecondsPerByte
      #expect(seconds > saturated * 0.999)
      #expect(seconds < saturated * 1.25)
    }
  }

  @Test func theDeviceChargesWhatTheClockCharges() throws {
    let base = MemoryDevice(capacityByteCount: 1 << 20)
    let timed = TimedDevice(base: base, model: Self.model)
    let channel = IOChannel(device: timed)
    var batch = TransferBatch()
    batch.append(.read, offset: 8_192, memory: .vended, byteCount: 4_096, cause: .leaf)
    batch.append(.read, offset: 4_096, memory: .vended, byteCount: 4_096, cause: .leaf)
    batch.append(
      .write, offset: 65_536, memory: .frame(Frame(byteCount: 4_096), offset: 0), byteCount: 4_096,
      cause: .leaf)
    try channel.submit(&batch)
    var clock = TimeClock(model: Self.model)
    clock.charge(batch: [Self.read(1, 2), Self.write(16)])
    #expect(timed.clock == clock)
    #expect(timed.charge.subtracting(TimeCharge()) == timed.charge)
    #expect(throws: StorageError.self) { _ = try channel.read(at: 1 << 20, byteCount: 4_096, cause: .leaf) }
    try channel.control(.sync(cause: .log))
    #expect(timed.clock == clock)
  }
}
