// Goal: the ledger and the device agree, whatever is merged, discarded or renamed; and a transfer that goes around
// the channel is caught.
// Method: random batches and control calls through a stack, the ledger held against the device's count, against a
// model kept by the test, and against canaries that must fail.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct ChannelTests {
  static func stack(_ change: (inout DeviceDescription) -> Void = { _ in }) throws -> DeviceStack {
    var description = DeviceDescription()
    description.capacityByteCount = 1 << 22
    change(&description)
    return try DeviceStack(description)
  }

  @Test(arguments: UInt64(1)...10) func ledgerAndDeviceAgree(seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    let stack = try Self.stack { $0.timeModel = TimeModel(profile: .ssdVirtual) }
    let channel = stack.makeChannel(coalesces: seed % 3 > 0, maximumTransferByteCount: 32_768)
    let causes: [Cause] = [.leaf, .interior, .log, .superblock, .padding]
    var requested: [Direction: [Cause: (operations: UInt64, bytes: UInt64)]] = [:]
    var batch = TransferBatch()
    for _ in 0..<300 {
      let kind = random.below(10)
      let cause = causes[random.below(causes.count)]
      if kind < 8 {
        batch.removeAll()
        var unit = random.below(8)
        for _ in 0..<random.below(12) + 1 {
          let count = random.below(3) + 1
          let direction: Direction = random.below(2) == 0 ? .read : .write
          let cause = causes[random.below(causes.count)]
          let frame = stack.pool.frame(byteCount: count * 4_096, zeroed: true)
          batch.append(
            direction, offset: UInt64(unit * 4_096),
            memory: direction == .read ? .vended : .frame(frame, offset: 0), byteCount: count * 4_096,
            cause: cause,
            level: .number(random.below(20)))
          var entry = requested[direction]?[cause] ?? (0, 0)
          entry.operations += 1
          entry.bytes += UInt64(count * 4_096)
          requested[direction, default: [:]][cause] = entry
          unit += count + random.below(2) * random.below(20)
        }
        try channel.submit(&batch)
      } else {
        let operation: ControlOperation =
          switch random.below(6) {
          case 0: .sync(cause: cause)
          case 1: .discard(offset: UInt64(random.below(100)) * 4_096, byteCount: 8_192, cause: cause)
          case 2: .namespace(.create, fileID: 1)
          case 3: .namespace(.delete, fileID: 1)
          case 4: .namespace(.truncate, fileID: 1)
          default: .namespace(.directorySync, fileID: 0)
          }
        try channel.control(operation)
        var entry = requested[operation.direction]?[operation.cause] ?? (0, 0)
        entry.operations += 1
        entry.bytes += operation.byteCount
        requested[operation.direction, default: [:]][operation.cause] = entry
      }
      try checkConservation(channel: channel, counting: stack.counting)
    }
    for direction in Direction.allCases {
      for cause in Cause.allCases {
        let count = channel.ledger.total(direction, cause)
        let model = requested[direction]?[cause] ?? (0, 0)
        #expect(count.requestedOperationCount == model.operations)
        #expect(count.requestedByteCount == model.bytes)
        // Nothing here is rounded or written twice, so what was asked for is what moved.
        #expect(count.transferredByteCount == model.bytes)
      }
      let total = channel.ledger.total(direction)
      #expect(total.transferredOperationCount <= total.requestedOperationCount)
    }
  }

  /// The canary: one transfer around the channel, and the check must say so.
  @Test func aTransferAroundTheChannelIsCaught() throws {
    let stack = try Self.stack()
    let channel = stack.makeChannel()
    _ = try channel.read(at: 0, byteCount: 4_096, cause: .leaf)
    try checkConservation(channel: channel, counting: stack.counting)
    try MemoryDeviceTests.write(stack.top, at: 4_096, .frame(Frame(byteCount: 4_096), offset: 0), 4_096)
    #expect(
      throws: ConservationViolation(direction: .write, quantity: "operations", ledger: 0, device: 1)
    ) { try checkConservation(channel: channel, counting: stack.counting) }
    try channel.write(Frame(byteCount: 4_096), at: 0, cause: .leaf)
    #expect(throws: ConservationViolation.self) {
      try checkConservation(channel: channel, counting: stack.counting)
    }
  }

  @Test func discardsAroundTheChannelAreCaughtToo() throws {
    let stack = try Self.stack()
    let channel = stack.makeChannel()
    try channel.control(.discard(offset: 0, byteCount: 4_096, cause: .spaceMap))
    try stack.top.control(.discard(offset: 0, byteCount: 8_192, cause: .spaceMap))
    #expect(throws: ConservationViolation.self) {
      try checkConservation(channel: channel, counting: stack.counting)
    }
  }

  @Test func sequentialMeansTwoThings() throws {
    let stack = try Self.stack()
    let channel = stack.makeChannel()
    func write(_ unit: UInt64, _ cause: Cause) throws {
      try channel.write(Frame(byteCount: 4_096), at: unit * 4_096, cause: cause)
    }
    try write(0, .log)
    try write(100, .leaf)
    try write(1, .log)
    try write(101, .leaf)
    try write(102, .log)
    let total = channel.ledger.total(.write)
    // Only unit 102 follows the device's last transfer; units 1 and 101 follow their own stream.
    #expect(total.deviceSequentialCount == 1)
    #expect(total.streamSequentialCount == 2)
    _ = try channel.read(at: 103 * 4_096, byteCount: 4_096, cause: .log)
    #expect(channel.ledger.total(.read).deviceSequentialCount == 0)
  }

  @Test func oneTransferOfSeveralCausesCountsOnce() throws {
    let stack = try Self.stack()
    let channel = stack.makeChannel()
    var batch = TransferBatch()
    batch.append(
      .write, offset: 0, memory: .frame(Frame(byteCount: 4_096), offset: 0), byteCount: 4_096,
      pieces: [
        Piece(cause: .log, requestedOperationCount: 3, requestedByteCount: 700, transferredByteCount: 600),
        Piece(
          cause: .padding, requestedOperationCount: 0, requestedByteCount: 0, transferredByteCount: 3_496),
      ])
    try channel.submit(&batch)
    #expect(channel.ledger[.write, .log, .none].transferredOperationCount == 1)
    #expect(channel.ledger[.write, .log, .none].requestedByteCount == 700)
    #expect(channel.ledger[.write, .padding, .none].transferredOperationCount == 0)
    #expect(channel.ledger[.write, .padding, .none].transferredByteCount == 3_496)
    try checkConservation(channel: channel, counting: stack.counting)
  }

  @Test func aFailedWritePoisonsAFailedReadDoesNot() throws {
    let stack = try Self.stack {
      $0.faults = [ScriptedFault(at: 1, .fail(errno: 5)), ScriptedFault(at: 3, .fail(errno: 28))]
    }
    let channel = stack.makeChannel()
    let frame = Frame(byteCount: 4_096)
    try channel.write(frame, at: 0, cause: .leaf)
    #expect(throws: StorageError.self) { _ = try channel.read(at: 0, byteCount: 4_096, cause: .leaf) }
    _ = try channel.read(at: 0, byteCount: 4_096, cause: .leaf)
    #expect(channel.poisonedBy == nil)
    let before = channel.ledger
    #expect(throws: StorageError.self) { try channel.write(frame, at: 4_096, cause: .leaf) }
    #expect(channel.poisonedBy != nil)
    #expect(channel.ledger == before)
    for _ in 0..<2 {
      #expect(throws: StorageError.poisoned(by: channel.poisonedBy ?? "")) {
        _ = try channel.read(at: 0, byteCount: 4_096, cause: .leaf)
      }
      #expect(throws: StorageError.poisoned(by: channel.poisonedBy ?? "")) {
        try channel.control(.sync(cause: .log))
      }
    }
    try checkConservation(channel: channel, counting: stack.counting)
  }

  @Test func aFailedSyncPoisons() throws {
    let stack = try Self.stack { $0.faults = [ScriptedFault(at: 0, .fail(errno: 5))] }
    let channel = stack.makeChannel()
    #expect(throws: StorageError.self) { try channel.control(.sync(cause: .log)) }
    #expect(channel.poisonedBy != nil)
  }
}
