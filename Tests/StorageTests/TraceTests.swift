// Goal: a trace says exactly what happened, in few bytes, and no bytes make its reader trap.
// Method: golden bytes, random runs read back event by event, recharging held against the clock of the run, and
// damaged traces: every cut, every flipped bit of a small one, random bytes behind valid checksums.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct TraceTests {
  @Test func goldenBytes() throws {
    let writer = try TraceWriter(
      destination: .memory, transferUnitByteCount: 4_096, capacityByteCount: 1 << 32)
    var batch = TransferBatch()
    batch.append(
      .write, offset: 0, memory: .frame(Frame(byteCount: 8_192), offset: 0), byteCount: 8_192, cause: .leaf,
      level: .number(0))
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    writer.record(batch)
    writer.record(.sync(cause: .log))
    writer.mark(.phaseBegins("a"))
    writer.mark(.acknowledged)
    writer.mark(.phaseEnds)
    try writer.finish()
    try writer.finish()
    // The write begins where the block's first "previous" ends, at 0, so bit 1 stands in its flags.
    #expect(Array(writer.bytes[0..<8]) == Array("BETULATR".utf8))
    #expect(Array(writer.bytes[8..<28]) == [2, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    #expect(Array(writer.bytes[32..<44]) == [15, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0])
    #expect(
      Array(writer.bytes[48...]) == [
        0x08, 0x0B, 0x02, 0x01, 0x01, 0x01, 0x10, 0x04, 0x01, 0x61, 0x0C, 0x14, 0x05, 0x05, 0x01,
      ])
    var reader = try TraceReader(bytes: writer.bytes)
    #expect(reader.transferUnitByteCount == 4_096)
    #expect(reader.capacityByteCount == 1 << 32)
    #expect(
      try reader.next()
        == .batch([
          TraceTransfer(
            isWrite: true, offset: 0, byteCount: 8_192,
            pieces: [
              Piece(
                cause: .leaf, level: .number(0), requestedOperationCount: 1, requestedByteCount: 8_192,
                transferredByteCount: 8_192)
            ])
        ]))
    #expect(try reader.next() == .control(.sync(cause: .log)))
    #expect(try reader.next() == .mark(.phaseBegins("a")))
    #expect(try reader.next() == .mark(.acknowledged))
    #expect(try reader.next() == .mark(.phaseEnds))
    #expect(try reader.next() == nil)
    #expect(try reader.next() == nil)
  }

  @Test func theWorkedExampleOfTheFormat() throws {
    let writer = try TraceWriter(
      destination: .memory, transferUnitByteCount: 4_096, capacityByteCount: 1 << 32)
    var batch = TransferBatch()
    batch.append(
      .write, offset: 8_192, memory: .frame(Frame(byteCount: 8_192), offset: 0), byteCount: 8_192,
      cause: .leaf,
      level: .number(0))
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    writer.record(batch)
    try writer.finish()
    #expect(Array(writer.bytes[48..<54]) == [0x08, 0x09, 0x04, 0x02, 0x01, 0x01])
  }

  /// Runs a random workload through a traced and timed stack; returns what the trace must say.
  static func run(
    seed: UInt64, steps: Int, destination: TraceWriter.Destination, model: TimeModel
  ) throws -> (stack: DeviceStack, events: [TraceEvent]) {
    var random = TestRandom(seed: seed)
    var description = DeviceDescription()
    description.capacityByteCount = 1 << 24
    description.transferUnitByteCount = [512, 4_096][Int(seed % 2)]
    description.timeModel = model
    description.trace = destination
    let stack = try DeviceStack(description)
    let channel = stack.makeChannel()
    let unit = description.transferUnitByteCount
    let causes = Cause.allCases
    var events: [TraceEvent] = []
    var batch = TransferBatch()
    for step in 0..<steps {
      switch random.below(13) {
      case 12:
        let level = Level.number(random.below(3))
        channel.enterUnmoved(.read, byteCount: step, cause: .leaf, level: level)
        events.append(
          .unmoved(
            UnmovedRequest(
              direction: .read, cause: .leaf, level: level, operationCount: 1, byteCount: UInt64(step))))
      case 0:
        let operation = ControlOperation.sync(cause: causes[random.below(causes.count)])
        try channel.control(operation)
        events.append(.control(operation))
      case 1:
        let operation = ControlOperation.discard(
          offset: UInt64(random.below(1_000) * unit), byteCount: UInt64(random.below(100) * unit),
          cause: .spaceMap)
        try channel.control(operation)
        events.append(.control(operation))
      case 2:
        let operation = ControlOperation.namespace(
          .truncate, fileID: UInt32(truncatingIfNeeded: random.next()))
        try channel.control(operation)
        events.append(.control(operation))
      case 3:
        let mark: TraceMark = [.phaseBegins("phase \(step)"), .acknowledged, .phaseEnds][random.below(3)]
        stack.tracing?.writer.mark(mark)
        events.append(.mark(mark))
      default:
        batch.removeAll()
        var place = random.below(20)
        for _ in 0..<[1, 1, 1, 2, 5, 40][random.below(6)] {
          let count = [1, 1, 1, 4, 16][random.below(5)]
          let direction: Direction = random.below(2) == 0 ? .read : .write
          let frame = stack.pool.frame(byteCount: count * unit, zeroed: true)
          let memory: SegmentMemory = direction == .read ? .vended : .frame(frame, offset: 0)
          let offset = UInt64(place * unit)
          let cause = causes[random.below(3) + 1]
          let client = Client(rawValue: UInt8(random.below(6) == 0 ? 7 : 0))
          if random.below(4) == 0 {
            batch.append(
              direction, offset: offset, memory: memory, byteCount: count * unit,
              pieces: [
                Piece(
                  cause: cause, level: .number(random.below(3)), client: client, requestedOperationCount: 2,
                  requestedByteCount: 1_000_000, transferredByteCount: count * unit - 100),
                Piece(
                  cause: .padding, requestedOperationCount: 0, requestedByteCount: 0,
                  transferredByteCount: 100),
              ])
          } else {
            batch.append(
              direction, offset: offset, memory: memory, byteCount: count * unit, cause: cause,
              level: .number(random.below(3)), client: client)
          }
          place += count + random.below(3) * random.below(30)
        }
        try channel.submit(&batch)
        events.append(
          .batch(
            batch.transfers.map {
              TraceTransfer(
                isWrite: $0.direction == .write, offset: $0.offset, byteCount: $0.byteCount,
                pieces: Array(batch.pieces[$0.pieces]))
            }))
      }
    }
    try stack.finish()
    return (stack, events)
  }

  @Test(arguments: UInt64(1)...8) func aTraceSaysWhatHappened(seed: UInt64) throws {
    let model = TimeModel(profile: .ssdVirtual)
    let (stack, events) = try Self.run(seed: seed, steps: 400, destination: .memory, model: model)
    let bytes = try #require(stack.tracing?.writer.bytes)
    var reader = try TraceReader(bytes: bytes)
    var read: [TraceEvent] = []
    while let event = try reader.next() { read.append(event) }
    #expect(read == events)
    // Recharged under the same model, the trace costs to the last bit what the run cost.
    var again = try TraceReader(bytes: bytes)
    var clock = TimeClock(model: model)
    while let event = try again.next() {
      if case .batch(let transfers) = event { clock.charge(batch: transfers.map(\.charged)) }
    }
    #expect(clock == stack.timed?.clock)
    // The same run again gives the same bytes.
    let twin = try Self.run(seed: seed, steps: 400, destination: .memory, model: model)
    #expect(twin.stack.tracing?.writer.bytes == bytes)
    #expect(twin.stack.memory?.contentHash() == stack.memory?.contentHash())
  }

  @Test func aTraceInAFileIsTheSameTrace() throws {
    let path = TemporaryFile.path("trace")
    defer { TemporaryFile.remove(path) }
    let model = TimeModel(profile: .ssdVirtual)
    let (_, events) = try Self.run(seed: 5, steps: 3_000, destination: .file(path: path), model: model)
    var reader = try TraceReader(path: path)
    var read: [TraceEvent] = []
    while let event = try reader.next() { read.append(event) }
    #expect(read == events)
    #expect(throws: StorageError.self) { _ = try TraceReader(path: path + ".missing") }
    #expect(throws: StorageError.self) {
      _ = try TraceWriter(
        destination: .file(path: path + "/below/a/file"), transferUnitByteCount: 512, capacityByteCount: 512)
    }
  }

  @Test func aTransferTakesFewBytes() throws {
    let writer = try TraceWriter(
      destination: .memory, transferUnitByteCount: 4_096, capacityByteCount: 1 << 36)
    var random = TestRandom(seed: 1)
    var batch = TransferBatch()
    for step in 0..<20_000 {
      batch.removeAll()
      // Random pages of a 64 GiB device, leaves mixed with inner nodes.
      batch.append(
        .read, offset: UInt64(random.below(1 << 24)) * 4_096, memory: .vended, byteCount: 4_096,
        cause: step % 3 == 0 ? .interior : .leaf, level: .number(step % 3 == 0 ? 1 : 0))
      batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
      writer.record(batch)
    }
    try writer.finish()
    #expect(Double(writer.bytes.count) / 20_000 < 9)
  }

  /// Reads as far as it goes; the only acceptable failure is `.corrupted`.
  static func readAll(_ bytes: [UInt8]) throws -> Int? {
    do throws(StorageError) {
      var reader = try TraceReader(bytes: bytes)
      var count = 0
      while try reader.next() != nil { count += 1 }
      var again = try TraceReader(bytes: bytes)
      _ = try TraceAudit(&again, models: [TimeModel(profile: .ssdVirtual)])
      return count
    } catch {
      if case .corrupted = error { return nil }
      throw error
    }
  }

  @Test func everyCutAndEveryFlippedBitIsFound() throws {
    let (stack, _) = try Self.run(
      seed: 2, steps: 25, destination: .memory, model: TimeModel(profile: .ssdVirtual))
    let bytes = try #require(stack.tracing?.writer.bytes)
    #expect(try Self.readAll(bytes) != nil)
    for length in 0..<bytes.count { #expect(try Self.readAll(Array(bytes[0..<length])) == nil) }
    #expect(try Self.readAll(bytes + [0]) == nil)
    for bit in 0..<(bytes.count * 8) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(try Self.readAll(damaged) == nil, "bit \(bit)")
    }
  }

  /// Random and mutated payloads behind right checksums: the decoder alone stands between them and a trap.
  @Test(arguments: UInt64(1)...20) func noPayloadTraps(seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    let (stack, _) = try Self.run(
      seed: seed, steps: 60, destination: .memory, model: TimeModel(profile: .ssdVirtual))
    let bytes = try #require(stack.tracing?.writer.bytes)
    let header = Array(bytes[0..<32])  // without a description
    let original = Array(bytes[48...])
    for round in 0..<400 {
      var payload = original
      if round % 4 == 0 {
        payload = (0..<random.below(200) + 1).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      } else {
        for _ in 0..<random.below(4) + 1 {
          payload[random.below(payload.count)] =
            [0xFF, 0x80, 0, UInt8(truncatingIfNeeded: random.next())][random.below(4)]
        }
      }
      var block: [UInt8] = []
      for value in [UInt32(payload.count), UInt32(random.below(payload.count) + 1), 0] {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
          block.append(UInt8(truncatingIfNeeded: value >> shift))
        }
      }
      let seedChecksum = block.withUnsafeBytes { CRC32C.of($0) }
      let checksum = payload.withUnsafeBytes { CRC32C.of($0, seed: seedChecksum) }
      for shift in stride(from: UInt32(0), to: 32, by: 8) {
        block.append(UInt8(truncatingIfNeeded: checksum >> shift))
      }
      _ = try Self.readAll(header + block + payload)
    }
  }
}
