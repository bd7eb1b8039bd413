// Goal: a batch that was asked for ahead is, in everything but time, the batch as it would have been submitted where it is
// finished: bytes, counts, causes, charges, trace, faults. Nothing of it is lost when nobody wants it any more.
// Method: the same reads begun and finished, or submitted, on stacks of memory and files (rings, threads, through the page cache);
// several flights at once, writes between, flights let go; errors of the system, of a script, of the caller.

import Accounting
import Primitives
import Testing

@testable import Storage

#if canImport(Glibc)
  import Glibc
#endif

/// Where reads go.
enum FlightWay: String, CaseIterable, Sendable {
  case memory, ring, threads, buffered, oneAtATime

  /// A device with 256 units of known bytes, or nil where the system refuses O_DIRECT.
  func device(_ path: String) throws -> (any BlockDevice)? {
    let capacity = UInt64(256 * 4_096)
    let device: any BlockDevice
    switch self {
    case .memory: device = MemoryDevice(capacityByteCount: capacity)
    case .ring, .threads, .oneAtATime:
      guard
        let file = try FileDeviceTests.device(
          path, .direct, capacity: capacity, parallelism: self == .oneAtATime ? 1 : 4,
          prefersRings: self == .ring)
      else { return nil }
      device = file
    case .buffered:
      device = try FileDevice(path: path, creates: true, capacityByteCount: capacity, mode: .buffered)
    }
    let frame = Frame(byteCount: Int(capacity))
    for unit in 0..<256 {
      frame.mutableBytes[unit * 4_096] = UInt8(unit)
      frame.mutableBytes[unit * 4_096 + 4_095] = ~UInt8(unit)
    }
    try MemoryDeviceTests.write(device, at: 0, .frame(frame, offset: 0), Int(capacity))
    return device
  }
}

/// The requests of one batch: units and lengths, some that touch and are merged, leaves and interior pages.
private func requests(_ seed: Int) -> TransferBatch {
  var random = TestRandom(seed: UInt64(seed))
  var batch = TransferBatch()
  var unit = random.below(8)
  for _ in 0..<(random.below(12) + 1) {
    let count = random.below(3) + 1
    if unit + count > 256 { break }
    batch.append(
      .read, offset: UInt64(unit) * 4_096, memory: .vended, byteCount: count * 4_096,
      cause: unit % 3 == 0 ? .interior : .leaf, level: .number(unit % 3 == 0 ? 1 : 0))
    unit += count + random.below(20) * random.below(2)
  }
  return batch
}

/// Whether the bytes are there.
private func isRight(_ batch: TransferBatch, _ seed: Int) -> Bool {
  let asked = requests(seed)
  for request in 0..<asked.requestCount {
    let transfer = asked.transfers[request]
    let (frame, offset) = batch.frame(ofRequest: request)
    for step in 0..<(transfer.byteCount / 4_096) {
      let unit = UInt8(truncatingIfNeeded: Int(transfer.offset / 4_096) + step)
      let start = offset + step * 4_096
      if frame.bytes[start] != unit || frame.bytes[start + 4_095] != ~unit { return false }
    }
  }
  return true
}

@Suite(.serialized) struct ReadsInFlightTests {
  /// Everything above the base.
  private struct Stack {
    let counting: CountingDevice
    let timed: TimedDevice
    let tracing: TracingDevice
    let channel: IOChannel

    init(_ base: any BlockDevice) throws {
      counting = CountingDevice(base: base)
      timed = TimedDevice(base: counting, model: TimeModel(profile: .ssdVirtual))
      tracing = try TracingDevice(base: timed, destination: .memory)
      channel = IOChannel(device: tracing)
    }
  }

  @Test(arguments: FlightWay.allCases) func aFlightIsASubmittedBatch(way: FlightWay) throws {
    let path = TemporaryFile.path("flight")
    defer { TemporaryFile.remove(path) }
    guard let device = try way.device(path) else { return }
    let (ahead, plain) = (try Stack(device), try Stack(MemoryDevice(capacityByteCount: 256 * 4_096)))
    for seed in 0..<60 {
      // Two in flight, finished in turn; then one that nobody waits for, and one in the middle of which something else is read.
      var flights = [ahead.channel.begin(requests(seed)), ahead.channel.begin(requests(seed + 1_000))]
      for flight in flights { try flight.finish() }
      #expect(isRight(flights[0].batch, seed) && isRight(flights[1].batch, seed + 1_000), "seed \(seed)")
      flights.removeAll()
      do {
        let forgotten = ahead.channel.begin(requests(seed + 2_000))
        withExtendedLifetime(forgotten) {}
      }
      let last = ahead.channel.begin(requests(seed + 3_000))
      var between = requests(seed + 4_000)
      try ahead.channel.submit(&between)
      try last.finish()
      #expect(isRight(last.batch, seed + 3_000) && isRight(between, seed + 4_000), "seed \(seed)")
      for other in [seed, seed + 1_000, seed + 2_000, seed + 4_000, seed + 3_000] {
        var batch = requests(other)
        try plain.channel.submit(&batch)
      }
    }
    try checkConservation(channel: ahead.channel, counting: ahead.counting)
    #expect(ahead.channel.ledger == plain.channel.ledger)
    #expect(ahead.channel.totals == plain.channel.totals)
    #expect(ahead.counting.counts == plain.counting.counts)
    #expect(ahead.timed.charge == plain.timed.charge)
    try ahead.tracing.writer.finish()
    try plain.tracing.writer.finish()
    #expect(ahead.tracing.writer.bytes == plain.tracing.writer.bytes)
  }

  @Test(arguments: FlightWay.allCases) func readersHaveFlightsOfTheirOwn(way: FlightWay) throws {
    let path = TemporaryFile.path("readers")
    defer { TemporaryFile.remove(path) }
    guard let device = try way.device(path) else { return }
    let counting = CountingDevice(base: device)
    let channel = IOChannel(device: counting)
    let wrong = Lock(0)
    let shared = Lock<[HandedOverReader]>((0..<3).map { _ in HandedOverReader(channel.makeReader()) })
    Threads.run(3) { number in
      let reader = shared.withLock { $0[number].channel }
      for seed in 0..<60 {
        let flight = reader.begin(requests(seed * 3 + number))
        do throws(StorageError) {
          if seed % 5 != 0 { try flight.finish() }
        } catch {
          wrong.withLock { $0 += 1 }
        }
        if seed % 5 != 0, !isRight(flight.batch, seed * 3 + number) { wrong.withLock { $0 += 1 } }
      }
    }
    #expect(wrong.withLock { $0 } == 0)
    shared.withLock { $0.removeAll() }
    try checkConservation(channel: channel, counting: counting)
  }

  @Test func theFileReallyBegins() throws {
    // Where there are rings, or threads, the device begins; the batch has its frames before it is finished.
    for way in [FlightWay.ring, .threads, .buffered] {
      let path = TemporaryFile.path("begins")
      defer { TemporaryFile.remove(path) }
      guard let device = try way.device(path) else { continue }
      var batch = requests(7)
      batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
      let flight = try #require(device.begin(&batch), "\(way)")
      var other = requests(8)
      other.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
      // The threads are at work on one batch; a ring is made for each.
      let second = device.begin(&other)
      try device.finish(&batch, flight)
      if let second { try device.finish(&other, second) } else { try device.submit(&other) }
      #expect(isRight(batch, 7) && isRight(other, 8))
    }
  }

  @Test(arguments: FlightWay.allCases) func errorsComeAtTheEnd(way: FlightWay) throws {
    let path = TemporaryFile.path("errors")
    defer { TemporaryFile.remove(path) }
    guard let device = try way.device(path) else { return }
    let counting = CountingDevice(base: device)
    let channel = IOChannel(device: counting)
    var beyond = requests(3)
    beyond.append(.read, offset: 256 * 4_096, memory: .vended, byteCount: 4_096, cause: .leaf)
    let flight = channel.begin(beyond)
    #expect(
      throws: StorageError.outOfRange(offset: 256 * 4_096, byteCount: 4_096, capacityByteCount: 256 * 4_096)
    ) { try flight.finish() }
    #expect(counting.counts == DeviceCounts())
    if way != .memory {
      // Somebody cuts the file: the lowest place is named; the flights after it are whole.
      truncate(path, 8_192)
      var cut = TransferBatch()
      for unit in [90, 40, 1] {
        cut.append(.read, offset: UInt64(unit) * 4_096, memory: .vended, byteCount: 4_096, cause: .leaf)
      }
      for _ in 0..<2 {
        let flight = channel.begin(cut)
        #expect(
          throws: StorageError.deviceFailed(
            operation: "read", offset: 40 * 4_096, byteCount: 4_096, errno: 0,
            reason: "the file ends before the range does")
        ) { try flight.finish() }
        // A second one that fails is let go.
        _ = channel.begin(cut)
      }
    }
    // A failed read is in no books and poisons nothing.
    var batch = TransferBatch()
    batch.append(.read, offset: 4_096, memory: .vended, byteCount: 4_096, cause: .leaf)
    let good = channel.begin(batch)
    try good.finish()
    let (frame, offset) = good.batch.frame(ofRequest: 0)
    #expect(frame.bytes[offset] == 1)
    try checkConservation(channel: channel, counting: counting)
    #expect(counting.counts[.read].operationCount == 1)
    // Once a write has failed, nothing is begun, and what was begun is refused when it is there.
    let late = channel.begin(batch)
    channel.poison("a write failed")
    #expect(throws: StorageError.poisoned(by: "a write failed")) { try late.finish() }
    #expect(throws: StorageError.poisoned(by: "a write failed")) { try channel.begin(batch).finish() }
  }

  @Test func faultsStrikeWhereTheBatchIsFinished() throws {
    guard let memory = try FlightWay.memory.device("") as? MemoryDevice else { return }
    // Calls: a read, the flight, a read. The script names the second.
    let fault = FaultDevice(base: memory, script: [ScriptedFault(at: 1, .fail(errno: 5))])
    let channel = IOChannel(device: fault)
    let flight = channel.begin(requests(1))
    #expect(fault.callCount == 0)
    var first = requests(2)
    try channel.submit(&first)
    #expect(throws: StorageError.self) { try flight.finish() }
    var last = requests(3)
    try channel.submit(&last)
    #expect(fault.callCount == 3 && isRight(first, 2) && isRight(last, 3))
  }
}

/// A reader on its way to a thread.
private struct HandedOverReader: Sendable {
  let channel: ReadChannel
  init(_ channel: ReadChannel) { self.channel = channel }
}
