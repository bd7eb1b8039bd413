// Goal: what would make right counts differ from the kernel's is known to the byte, and what is left is judged.
// Method: written blocks against a set of numbers; a direct file with holes; residuals at the edge of the tolerance.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite(.serialized) struct KernelCountTests {
  @Test(arguments: [512, 4_096, 16_384], [1, 2] as [UInt64])
  func writtenBlocksAreASetOfBlocks(unit: Int, seed: UInt64) {
    var written = WrittenBlocks(transferUnitByteCount: unit)
    var model: Set<Int> = []
    let block = max(4_096, unit)
    var random = TestRandom(seed: seed)
    // Around the border between two groups of 32,768 blocks.
    let base = 32_768 * block - 40 * block
    for step in 0..<2_000 {
      let first = random.below(80 * block / unit)
      let count = random.below(12 * block / unit)
      let (offset, byteCount) = (base + first * unit, count * unit)
      let touched = offset / block..<(offset + byteCount + block - 1) / block
      switch random.below(4) {
      case 0:
        written.insert(offset: UInt64(offset), byteCount: UInt64(byteCount))
        if byteCount > 0 { model.formUnion(touched) }
      case 1:
        written.remove(offset: UInt64(offset), byteCount: UInt64(byteCount))
        let low = (offset + block - 1) / block
        if low < (offset + byteCount) / block { model.subtract(low..<(offset + byteCount) / block) }
      default:
        let expected =
          stride(from: offset, to: offset + byteCount, by: unit)
          .filter { !model.contains($0 / block) }.count * unit
        let found = written.unwrittenByteCount(offset: UInt64(offset), byteCount: UInt64(byteCount))
        guard Int(found) == expected else {
          Issue.record("unit \(unit), seed \(seed), step \(step): \(found), expected \(expected)")
          return
        }
      }
    }
  }

  @Test func readsOfHolesAreNotTheKernels() throws {
    let path = TemporaryFile.path("holes")
    defer { TemporaryFile.remove(path) }
    guard let file = try FileDeviceTests.device(path, .direct, capacity: 1 << 26) else { return }
    let counting = CountingDevice(base: file)
    let frame = Frame(byteCount: 4 << 20)
    try MemoryDeviceTests.write(counting, at: 8 << 20, .frame(frame, offset: 0), 4 << 20)
    try counting.control(.discard(offset: 9 << 20, byteCount: 1 << 20, cause: .leaf))
    // 16 MiB, of which 3 MiB are there.
    _ = try MemoryDeviceTests.read(counting, at: 0, 16 << 20)
    #expect(file.unseenByKernel.unwrittenReadByteCount == 13 << 20)
    var kernel = KernelIOCounters()
    kernel.deviceReadByteCount = 3 << 20
    kernel.deviceWriteByteCount = 4 << 20
    let residual = kernel.residual(against: counting.counts, unseen: file.unseenByKernel)
    #expect(residual.readByteCount == 0 && residual.agrees)
    #expect(!kernel.residual(against: counting.counts).agrees)
  }

  @Test func aDisagreementIsASentenceWithBothCounts() {
    var residual = KernelIOResidual(
      oursRead: 100 << 20, kernelRead: 102 << 20, oursWrite: 5_000_000, kernelWrite: 5_000_000)
    #expect(KernelIOResidual.allowance(of: 100 << 20) == 2_097_152)
    #expect(residual.agrees)
    residual.kernelRead += 1
    #expect(
      residual.disagreement(inPhase: "read")
        == "in phase 'read' the kernel counted 106954753 bytes read from disks, the device 104857600: a residual of "
        + "2097153 bytes, where 2097152 are allowed (1 % + 1 MiB); something in this process passes the counted device by"
    )
    residual.kernelRead = 0
    #expect(residual.disagreement(inPhase: "read")?.contains("claims what no disk saw") == true)
    residual.kernelRead = residual.oursRead
    residual.kernelWrite = 0
    #expect(
      residual.disagreement(inPhase: "load")?.hasPrefix(
        "in phase 'load' the kernel counted 0 bytes written to disks") == true)
  }

  @Test func aTraceInAFileIsTakenOut() throws {
    let path = TemporaryFile.path("trace")
    defer { TemporaryFile.remove(path) }
    let writer = try TraceWriter(
      destination: .file(path: path), transferUnitByteCount: 4_096, capacityByteCount: 1 << 30)
    for step in 0..<60_000 {
      writer.record(.discard(offset: UInt64(step * 7_919 % 200_000) * 4_096, byteCount: 4_096, cause: .leaf))
    }
    try writer.finish()
    guard KernelIOCounters.ofThread() != nil else {
      print("skipped: the kernel offers no /proc/thread-self/io here")
      return
    }
    // Calls are counted everywhere; bytes sent to a disk only where the file system has one.
    #expect(writer.kernelCharge.writeCallByteCount == writer.writtenByteCount)
    #expect(writer.kernelCharge.deviceReadByteCount == 0)
  }
}
