// Goal: positional transfers of one file device do not disturb each other: any number of threads read while one writes, on one file
// descriptor, and everybody sees the bytes of the place they asked for.
// Method: four threads read batches of units whose bytes say where they are; one writes and reads back units of its own, each time
// with other bytes. Through the page cache and past it, with rings and with threads. What each thread does is drawn from its seed.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite(.serialized) struct FileDeviceThreadTests {
  private static let unitCount = 256

  /// Fills a unit with words made of its number and a version.
  private static func fill(_ pointer: UnsafeMutableRawPointer, unit: Int, version: Int) {
    for word in 0..<512 {
      pointer.storeBytes(
        of: UInt64(unit) << 40 | UInt64(version) << 16 | UInt64(word), toByteOffset: word * 8, as: UInt64.self
      )
    }
  }

  private static func isRight(_ pointer: UnsafeRawPointer, unit: Int, version: Int) -> Bool {
    (0..<512).allSatisfy { word in
      pointer.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)
        == UInt64(unit) << 40 | UInt64(version) << 16 | UInt64(word)
    }
  }

  private static func write(_ device: FileDevice, _ units: Range<Int>, version: Int) throws(StorageError) {
    let frame = Frame(byteCount: units.count * 4_096)
    for unit in units {
      fill(frame.pointer + (unit - units.lowerBound) * 4_096, unit: unit, version: version)
    }
    var batch = TransferBatch()
    batch.append(
      .write, offset: UInt64(units.lowerBound) * 4_096, memory: .frame(frame, offset: 0),
      byteCount: units.count * 4_096, cause: .leaf)
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    try device.submit(&batch)
  }

  /// How many of some units, read in one batch, are not what they should be.
  private static func wrongUnits(
    _ device: FileDevice, _ units: [Int], version: Int
  ) throws(StorageError) -> Int {
    var batch = TransferBatch()
    for unit in units {
      batch.append(.read, offset: UInt64(unit) * 4_096, memory: .vended, byteCount: 4_096, cause: .leaf)
    }
    batch.seal(coalesces: false, maximumTransferByteCount: 1 << 20)
    try device.submit(&batch)
    var wrong = 0
    for request in units.indices {
      let (frame, offset) = batch.frame(ofRequest: request)
      if !isRight(frame.pointer + offset, unit: units[request], version: version) { wrong += 1 }
    }
    return wrong
  }

  @Test(arguments: FileDevice.Mode.allCases, [true, false])
  func threadsReadBesideAWriter(mode: FileDevice.Mode, prefersRings: Bool) throws {
    let path = TemporaryFile.path("threads")
    defer { TemporaryFile.remove(path) }
    guard
      let device = try FileDeviceTests.device(
        path, mode, capacity: UInt64(Self.unitCount * 4_096), parallelism: 4, prefersRings: prefersRings)
    else { return }
    #expect(device.allowsConcurrentReads)
    // The lower half stays as it is, the upper half is the writer's.
    let half = Self.unitCount / 2
    try Self.write(device, 0..<Self.unitCount, version: 1)
    let shared = HandedOver(device)
    let outcome = Lock((wrong: 0, read: 0, errors: [String]()))
    Threads.run(5) { number in
      var random = TestRandom(seed: UInt64(81 + number))
      do throws(StorageError) {
        for round in 0..<150 {
          var wrong = 0
          var read = 1
          if number == 0 {
            let start = half + random.below(half - 8)
            let units = start..<(start + 1 + random.below(8))
            try Self.write(shared.value, units, version: round + 2)
            wrong = try Self.wrongUnits(shared.value, Array(units), version: round + 2)
          } else {
            read = 1 + random.below(12)
            let units = (0..<read).map { _ in random.below(half) }
            wrong = try Self.wrongUnits(shared.value, units, version: 1)
          }
          outcome.withLock {
            $0.wrong += wrong
            $0.read += read
          }
        }
      } catch {
        outcome.withLock { $0.errors.append("thread \(number): \(error)") }
      }
    }
    let found = outcome.withLock { $0 }
    #expect(found.wrong == 0 && found.errors.isEmpty && found.read > 2_000, "\(found)")
  }
}
