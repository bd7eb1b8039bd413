// Goal: a stack built from a description has what the description says, and lives on after a crash.
// Method: build, write, crash, rebuild over the image; a twin run gives the same bytes.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct DeviceStackTests {
  @Test func aStackHasWhatItsDescriptionSays() throws {
    var description = DeviceDescription()
    description.capacityByteCount = 1 << 20
    let plain = try DeviceStack(description)
    #expect(plain.memory != nil && plain.timed == nil && plain.tracing == nil && plain.fault == nil)
    #expect(plain.top === plain.counting)
    description.timeModel = TimeModel(profile: .ssdVirtual)
    description.trace = .memory
    description.tracksCrashes = true
    description.transferUnitByteCount = 512
    let full = try DeviceStack(description)
    #expect(full.top === full.fault)
    #expect(full.makeChannel().pool === full.memory?.pool)
    #expect(full.top.transferUnitByteCount == 512)
  }

  @Test func afterACrashTheRestIsBuiltAnew() throws {
    var description = DeviceDescription()
    description.capacityByteCount = 1 << 20
    description.tracksCrashes = true
    description.timeModel = TimeModel(profile: .ssdVirtual)
    let stack = try DeviceStack(description)
    let channel = stack.makeChannel()
    for unit in 0..<10 {
      let frame = stack.pool.frame(byteCount: 4_096, zeroed: true)
      frame.mutableBytes[0] = UInt8(unit + 1)
      try channel.write(frame, at: UInt64(unit) * 4_096, cause: .leaf)
      if unit == 4 { try channel.control(.sync(cause: .log)) }
    }
    let fault = try #require(stack.fault)
    let reopened = try DeviceStack(description, reopening: fault.crash(survivors: .prefix(2)))
    let again = reopened.makeChannel()
    for unit in 0..<10 {
      let (frame, offset) = try again.read(at: UInt64(unit) * 4_096, byteCount: 4_096, cause: .leaf)
      #expect(frame.bytes[offset] == (unit < 7 ? UInt8(unit + 1) : 0))
    }
    // The image counts as durable.
    #expect(reopened.fault?.unsyncedAtomCount == 0)
    #expect(reopened.fault?.crash(survivors: .none).contentHash() == reopened.memory?.contentHash())
    try checkConservation(channel: again, counting: reopened.counting)
  }

  @Test func framesGoBackWhenTheStackIsGone() throws {
    let pool = FramePool()
    do {
      var description = DeviceDescription()
      description.capacityByteCount = 1 << 20
      let stack = try DeviceStack(description, pool: pool)
      try stack.makeChannel().write(pool.frame(byteCount: 8_192, zeroed: true), at: 0, cause: .leaf)
      #expect(pool.statistics.liveFrameCount == 1)
    }
    #expect(pool.statistics.liveFrameCount == 0)
  }
}
