// Goal: the memory device is an array of bytes that happens to share frames.
// Method: random writes, reads, discards and clones held against plain byte arrays, with the guard on that finds
// a shared frame changed behind the device's back; and the canary that must be found.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct MemoryDeviceTests {
  static func write(
    _ device: any BlockDevice, at offset: UInt64, _ memory: SegmentMemory, _ byteCount: Int
  ) throws {
    var batch = TransferBatch()
    batch.append(.write, offset: offset, memory: memory, byteCount: byteCount, cause: .leaf)
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    try device.submit(&batch)
  }

  static func read(_ device: any BlockDevice, at offset: UInt64, _ byteCount: Int) throws -> [UInt8] {
    var batch = TransferBatch()
    batch.append(.read, offset: offset, memory: .vended, byteCount: byteCount, cause: .leaf)
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    try device.submit(&batch)
    let (frame, frameOffset) = batch.frame(ofRequest: 0)
    return Array(frame.bytes[frameOffset..<(frameOffset + byteCount)])
  }

  @Test func unwrittenBytesAreZeroAndCostNothing() throws {
    let device = MemoryDevice(capacityByteCount: 1 << 40)
    #expect(try Self.read(device, at: 1 << 39, 8_192).allSatisfy { $0 == 0 })
    #expect(device.allocatedByteCount == 0)
    #expect(device.contentHash() == MemoryDevice(capacityByteCount: 1 << 20).contentHash())
  }

  @Test func aWrittenFrameIsSharedAndVendedBack() throws {
    let device = MemoryDevice(capacityByteCount: 1 << 20)
    let frame = Frame(byteCount: 16_384)
    frame.mutableBytes[5_000] = 77
    try Self.write(device, at: 65_536, .frame(frame, offset: 0), 16_384)
    var batch = TransferBatch()
    batch.append(.read, offset: 69_632, memory: .vended, byteCount: 8_192, cause: .leaf)
    batch.append(.read, offset: 61_440, memory: .vended, byteCount: 8_192, cause: .leaf)
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    try device.submit(&batch)
    #expect(batch.frame(ofRequest: 0).frame === frame)
    #expect(batch.frame(ofRequest: 0).offset == 4_096)
    #expect(batch.frame(ofRequest: 1).frame !== frame)
    #expect(device.allocatedByteCount == 16_384)
  }

  @Test func aSmallPartOfALargeFrameIsCopied() throws {
    let device = MemoryDevice(capacityByteCount: 1 << 20)
    let frame = Frame(byteCount: 65_536)
    try Self.write(device, at: 0, .frame(frame, offset: 8_192), 4_096)
    frame.mutableBytes[8_192] = 9
    #expect(try Self.read(device, at: 0, 4_096)[0] == 0)
  }

  @Test func badTransfersAreRefusedWhole() throws {
    let device = MemoryDevice(capacityByteCount: 65_536)
    let frame = Frame(byteCount: 131_072)
    frame.mutableBytes[0] = 1
    #expect(throws: StorageError.misaligned(offset: 100, byteCount: 4_096, transferUnitByteCount: 4_096)) {
      try Self.write(device, at: 100, .frame(frame, offset: 0), 4_096)
    }
    #expect(throws: StorageError.misaligned(offset: 0, byteCount: 100, transferUnitByteCount: 4_096)) {
      try Self.write(device, at: 0, .frame(frame, offset: 0), 100)
    }
    let offsets: [UInt64] = [65_536, 61_440, UInt64.max - 4_095]
    for offset in offsets {
      #expect(
        throws: StorageError.outOfRange(offset: offset, byteCount: 8_192, capacityByteCount: 65_536)
      ) { _ = try Self.read(device, at: offset, 8_192) }
    }
    var batch = TransferBatch()
    batch.append(.write, offset: 0, memory: .frame(frame, offset: 0), byteCount: 4_096, cause: .leaf)
    batch.append(.write, offset: 65_536, memory: .frame(frame, offset: 0), byteCount: 4_096, cause: .leaf)
    batch.seal(coalesces: false, maximumTransferByteCount: 1 << 20)
    #expect(throws: StorageError.self) { try device.submit(&batch) }
    #expect(device.allocatedByteCount == 0)
    #expect(throws: StorageError.self) {
      try device.control(.discard(offset: 4_096, byteCount: .max - 4_095, cause: .leaf))
    }
  }

  /// The canary: a holder that changes a frame after writing it is found at the next read.
  @Test func whoChangesASharedFrameIsFound() throws {
    let device = MemoryDevice(capacityByteCount: 1 << 20, guardsSharedFrames: true)
    let frame = Frame(byteCount: 8_192)
    try Self.write(device, at: 8_192, .frame(frame, offset: 0), 8_192)
    #expect(device.changedSharedOffsets() == [])
    frame.mutableBytes[4_100] = 1
    #expect(device.changedSharedOffsets() == [12_288])
    #expect(throws: StorageError.self) { _ = try Self.read(device, at: 12_288, 4_096) }
    #expect(throws: StorageError.self) { _ = try Self.read(device, at: 8_192, 8_192) }
    // Without the guard the change would pass: that is why the guard exists.
    let trusting = MemoryDevice(capacityByteCount: 1 << 20)
    try Self.write(trusting, at: 0, .frame(frame, offset: 0), 8_192)
    frame.mutableBytes[0] = 42
    #expect(try Self.read(trusting, at: 0, 4_096)[0] == 42)
  }

  /// Up to five branches of one device, each with its own array of bytes.
  @Test(arguments: UInt64(1)...12) func anArrayOfBytesWithBranches(seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    let unit = [512, 4_096][Int(seed % 2)]
    // Large enough for several table pages.
    let unitCount = 1_500
    let capacity = unitCount * unit
    let pool = FramePool(scribbles: true)
    var devices = [
      MemoryDevice(
        capacityByteCount: UInt64(capacity), transferUnitByteCount: unit, pool: pool, guardsSharedFrames: true
      )
    ]
    var models = [[UInt8](repeating: 0, count: capacity)]
    var batch = TransferBatch()
    for step in 0..<400 {
      let which = random.below(devices.count)
      let count = [1, 1, 2, 3, 16, 40][random.below(6)]
      let start = random.below(4) == 0 ? 512 - count / 2 : random.below(unitCount - count)
      let (offset, byteCount) = (start * unit, count * unit)
      switch random.below(10) {
      case 0...4:
        let byte = UInt8(truncatingIfNeeded: random.next())
        let frame = pool.frame(byteCount: byteCount + unit)
        for index in 0..<frame.byteCount {
          frame.mutableBytes[index] = byte &+ UInt8(truncatingIfNeeded: index)
        }
        batch.removeAll()
        // Two requests that merge, the second in memory of its own.
        let first = max(1, count / 2) * unit
        batch.append(
          .write, offset: UInt64(offset), memory: .frame(frame, offset: unit), byteCount: first, cause: .leaf)
        let rest = pool.frame(byteCount: max(unit, byteCount - first))
        if byteCount > first {
          rest.pointer.copyMemory(from: frame.pointer + unit + first, byteCount: byteCount - first)
          batch.append(
            .write, offset: UInt64(offset + first), memory: .borrowed(rest.pointer),
            byteCount: byteCount - first, cause: .log)
        }
        batch.seal(coalesces: true, maximumTransferByteCount: 1 << 24)
        try devices[which].submit(&batch)
        for index in 0..<byteCount { models[which][offset + index] = frame.bytes[unit + index] }
        // Borrowed memory is the caller's again.
        for index in 0..<rest.byteCount { rest.mutableBytes[index] = 0xEE }
      case 5...7:
        let bytes: [UInt8]
        if random.below(2) == 0 {
          bytes = try Self.read(devices[which], at: UInt64(offset), byteCount)
        } else {
          let target = pool.frame(byteCount: byteCount)
          batch.removeAll()
          batch.append(
            .read, offset: UInt64(offset), memory: .borrowed(target.pointer), byteCount: byteCount,
            cause: .leaf)
          batch.seal(coalesces: true, maximumTransferByteCount: 1 << 24)
          try devices[which].submit(&batch)
          bytes = Array(target.bytes)
        }
        #expect(bytes == Array(models[which][offset..<(offset + byteCount)]), "step \(step)")
      case 8:
        let all = random.below(6) == 0
        let range = all ? 0..<capacity : offset..<(offset + byteCount)
        try devices[which].control(
          .discard(offset: UInt64(range.lowerBound), byteCount: UInt64(range.count), cause: .spaceMap))
        for index in range { models[which][index] = 0 }
      default:
        if devices.count < 5 {
          devices.append(devices[which].clone())
          models.append(models[which])
        } else {
          devices.remove(at: which)
          models.remove(at: which)
        }
      }
    }
    for (device, model) in zip(devices, models) {
      #expect(device.peek(at: 0, byteCount: capacity) == model)
      #expect(device.changedSharedOffsets() == [])
      // The same bytes written in one sweep hash the same, though the frames differ.
      let copy = MemoryDevice(capacityByteCount: UInt64(capacity) * 2, transferUnitByteCount: unit)
      try model.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        try Self.write(copy, at: 0, .borrowed(UnsafeMutableRawPointer(mutating: base)), capacity)
      }
      #expect(copy.contentHash() == device.contentHash())
      var changed = model
      changed[random.below(capacity)] ^= 1
      try changed.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        try Self.write(copy, at: 0, .borrowed(UnsafeMutableRawPointer(mutating: base)), capacity)
      }
      #expect(copy.contentHash() != device.contentHash())
      var units = 0
      device.forEachUnit { _, _ in units += 1 }
      #expect(device.allocatedByteCount == UInt64(units * unit))
    }
    devices.removeAll()
    batch.removeAll()
    #expect(pool.statistics.liveFrameCount == 0)
  }
}
