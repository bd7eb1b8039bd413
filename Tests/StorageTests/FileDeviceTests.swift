// Goal: the file device is the memory device with a file below it, and the kernel's counts agree with ours.
// Method: one random run on both, compared byte by byte; O_DIRECT against /proc/self/io. Where the file system
// refuses O_DIRECT the test says so and passes.

import Accounting
import Primitives
import Testing

@testable import Storage

#if canImport(Glibc)
  import Glibc
#endif

/// Names for files of one test.
enum TemporaryFile {
  static func path(_ name: String) -> String {
    // The working directory: /tmp may be in memory, where O_DIRECT and the kernel's counts mean nothing.
    ".build-\(name)-\(getpid())-\(UInt64.random(in: .min ... .max)).tmp"
  }

  static func remove(_ path: String) { unlink(path) }
}

@Suite(.serialized) struct FileDeviceTests {
  /// A device in `mode`, or nil with a printed reason where the system refuses.
  static func device(
    _ path: String, _ mode: FileDevice.Mode, capacity: UInt64, unit: Int = 4_096, parallelism: Int = 4,
    prefersRings: Bool = true
  ) throws -> FileDevice? {
    do {
      return try FileDevice(
        path: path, creates: true, capacityByteCount: capacity, transferUnitByteCount: unit, mode: mode,
        parallelism: parallelism, prefersRings: prefersRings)
    } catch {
      if mode == .direct, case .deviceFailed(_, _, _, EINVAL, let reason) = error {
        print("skipped: O_DIRECT is refused here (\(reason))")
        return nil
      }
      throw error
    }
  }

  /// In flight at once: one; fewer and more than a batch has; 0 stands for threads where rings would be used.
  @Test(arguments: FileDevice.Mode.allCases, [0, 1, 2, 64]) func aFileIsLikeMemory(
    mode: FileDevice.Mode, parallelism: Int
  ) throws {
    let path = TemporaryFile.path("device")
    defer { TemporaryFile.remove(path) }
    let capacity = 256 * 4_096
    guard
      let file = try Self.device(
        path, mode, capacity: UInt64(capacity), parallelism: parallelism == 0 ? 4 : parallelism,
        prefersRings: parallelism > 0)
    else { return }
    let memory = MemoryDevice(capacityByteCount: UInt64(capacity))
    var random = TestRandom(seed: 11)
    var (batch, twin) = (TransferBatch(), TransferBatch())
    for _ in 0..<150 {
      batch.removeAll()
      twin.removeAll()
      var unit = random.below(10)
      var targets: [(Frame, Frame)] = []
      for _ in 0..<random.below(10) + 1 {
        let count = random.below(4) + 1
        if unit + count > 256 { break }
        let (offset, byteCount) = (UInt64(unit * 4_096), count * 4_096)
        let frame = Frame(byteCount: byteCount + 4_096)
        let other = Frame(byteCount: byteCount + 4_096)
        if random.below(2) == 0 {
          for index in 0..<frame.byteCount {
            frame.mutableBytes[index] = UInt8(truncatingIfNeeded: random.next())
          }
          other.pointer.copyMemory(from: frame.pointer, byteCount: frame.byteCount)
          // Unaligned memory now and then.
          let shift = [0, 0, 4_096, 100][random.below(4)]
          let memory: (Frame) -> SegmentMemory = {
            shift == 100 ? .borrowed($0.pointer + shift) : .frame($0, offset: shift)
          }
          batch.append(.write, offset: offset, memory: memory(frame), byteCount: byteCount, cause: .leaf)
          twin.append(.write, offset: offset, memory: memory(other), byteCount: byteCount, cause: .leaf)
        } else {
          let isVended = random.below(2) == 0
          batch.append(
            .read, offset: offset, memory: isVended ? .vended : .borrowed(frame.pointer + 3),
            byteCount: byteCount,
            cause: .leaf)
          twin.append(
            .read, offset: offset, memory: isVended ? .vended : .borrowed(other.pointer + 3),
            byteCount: byteCount,
            cause: .leaf)
        }
        targets.append((frame, other))
        unit += count + random.below(40) * random.below(2)
      }
      batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
      twin.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
      try file.submit(&batch)
      try memory.submit(&twin)
      for request in 0..<batch.requestCount {
        let (a, b) = (batch.memory(ofRequest: request), twin.memory(ofRequest: request))
        if case .frame(let left, let leftOffset) = a, case .frame(let right, let rightOffset) = b {
          let byteCount = min(left.byteCount - leftOffset, 4_096)
          #expect(
            left.bytes[leftOffset..<(leftOffset + byteCount)].elementsEqual(
              right.bytes[rightOffset..<(rightOffset + byteCount)]))
        }
      }
      for (left, right) in targets { #expect(left.bytes.elementsEqual(right.bytes)) }
      if random.below(10) == 0 {
        let discard = ControlOperation.discard(
          offset: UInt64(random.below(200)) * 4_096, byteCount: 8 * 4_096, cause: .spaceMap)
        try file.control(discard)
        try memory.control(discard)
        try file.control(.sync(cause: .log))
      }
    }
    if mode == .buffered { try file.dropPageCache() }
    let all = try MemoryDeviceTests.read(file, at: 0, capacity)
    #expect(all == memory.peek(at: 0, byteCount: capacity))
    #expect(try file.allocatedByteCount() <= UInt64(capacity) + 65_536)

    // The image of the memory device is the file.
    let imagePath = TemporaryFile.path("image")
    defer { TemporaryFile.remove(imagePath) }
    try memory.writeImage(to: imagePath)
    #expect(try MemoryDevice(imageAt: imagePath).contentHash() == memory.contentHash())
    #expect(try MemoryDevice(imageAt: path).contentHash() == memory.contentHash())
  }

  @Test func errorsNameThePlace() throws {
    let path = TemporaryFile.path("errors")
    defer { TemporaryFile.remove(path) }
    let device = try FileDevice(path: path, creates: true, capacityByteCount: 65_536, mode: .buffered)
    #expect(throws: StorageError.outOfRange(offset: 65_536, byteCount: 4_096, capacityByteCount: 65_536)) {
      _ = try MemoryDeviceTests.read(device, at: 65_536, 4_096)
    }
    #expect(throws: StorageError.self) {
      _ = try FileDevice(path: path + "/no/such", creates: true, capacityByteCount: 4_096, mode: .buffered)
    }
    #expect(throws: StorageError.self) {
      _ = try FileDevice(path: path + ".missing", creates: false, capacityByteCount: 4_096, mode: .buffered)
    }
    // Somebody cuts the file: the read says where.
    truncate(path, 8_192)
    #expect(
      throws: StorageError.deviceFailed(
        operation: "read", offset: 12_288, byteCount: 4_096, errno: 0,
        reason: "the file ends before the range does")
    ) { _ = try MemoryDeviceTests.read(device, at: 12_288, 4_096) }
  }

  @Test func aFileIsReopened() throws {
    let path = TemporaryFile.path("reopen")
    defer { TemporaryFile.remove(path) }
    var description = DeviceDescription()
    description.base = .file(path: path, mode: .buffered)
    description.capacityByteCount = 1 << 20
    let frame = Frame(byteCount: 4_096)
    frame.mutableBytes[17] = 3
    do {
      let stack = try DeviceStack(description)
      let channel = stack.makeChannel()
      try channel.write(frame, at: 40_960, cause: .leaf)
      try channel.control(.sync(cause: .log))
      try checkConservation(channel: channel, counting: stack.counting)
      #expect(stack.file != nil && stack.memory == nil)
    }
    let stack = try DeviceStack(reopeningFileOf: description)
    let (read, offset) = try stack.makeChannel().read(at: 40_960, byteCount: 4_096, cause: .leaf)
    #expect(read.bytes[offset + 17] == 3)
  }

  /// In a process of its own: the kernel counts for the whole process, and other tests write files at the same time.
  @Test func theKernelCountsWhatWeCount() async {
    await #expect(processExitsWith: .success) { try FileDeviceTests.compareCounts() }
  }

  private static func compareCounts() throws {
    let path = TemporaryFile.path("kernel")
    defer { TemporaryFile.remove(path) }
    guard let file = try device(path, .direct, capacity: 1 << 26) else { return }
    // Ranges never written are read without a device, so everything is written first.
    for chunk in 0..<64 {
      let frame = Frame(byteCount: 1 << 20)
      try MemoryDeviceTests.write(file, at: UInt64(chunk) << 20, .frame(frame, offset: 0), 1 << 20)
    }
    try file.control(.sync(cause: .verification))
    guard let before = KernelIOCounters.now() else {
      print("skipped: the kernel offers no /proc/self/io here")
      return
    }
    let counting = CountingDevice(base: file)
    let channel = IOChannel(device: counting)
    var random = TestRandom(seed: 5)
    var batch = TransferBatch()
    for step in 0..<200 {
      batch.removeAll()
      for slot in 0..<4 {
        let offset = UInt64(slot * 4_096 + random.below(1_000) * 4) * 4_096
        if step % 3 == 0 {
          batch.append(.read, offset: offset, memory: .vended, byteCount: 65_536, cause: .leaf)
        } else if slot == 0 {
          let frame = channel.pool.frame(byteCount: 262_144, zeroed: true)
          batch.append(
            .write, offset: offset, memory: .frame(frame, offset: 0), byteCount: 262_144, cause: .leaf)
        }
      }
      try channel.submit(&batch)
    }
    try channel.control(.sync(cause: .log))
    let after = try #require(KernelIOCounters.now())
    let residual = after.subtracting(before).residual(against: counting.counts)
    #expect(residual.oursWrite > 30 << 20)
    #expect(residual.agrees, "\(residual)")
    // The canary: counts of a run that forgot 5 MiB do not agree.
    var forgotten = residual
    forgotten.oursWrite -= 5 << 20
    #expect(!forgotten.agrees)
    try checkConservation(channel: channel, counting: counting)
  }
}
