// Goal: an image is only read, an overlay reads as what was written to it and leaves its base alone, and a tree on a
// volume can be examined level by level, with what is damaged, forgotten or shared named.
// Method: an overlay held against a second memory device under random calls; a file that refuses to change; a toy tree
// of mapped and direct nodes whose examination goes on beside a damaged node.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct ImageDeviceTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func anOverlayFollowsTheModelAndItsBaseStays(seed: UInt64) throws {
    let random = CounterRandom(seed: seed, stream: 0x6F76_6572)
    let base = MemoryDevice(capacityByteCount: 64 << 10, transferUnitByteCount: 512)
    let channel = IOChannel(device: base)
    for unit in 0..<40 {
      let frame = Frame(byteCount: 512)
      frame.mutableBytes.initializeMemory(as: UInt8.self, repeating: UInt8(unit + 1))
      try channel.write(frame, at: UInt64(unit * 512), cause: .leaf)
    }
    let before = base.contentHash()
    let model = base.clone()
    let overlay = OverlayDevice(base: base)
    for step in 0..<UInt64(400) {
      let unit = random.uniform(below: 120, step)
      let count = 1 + random.uniform(below: 8, step, 1)
      let (offset, byteCount) = (unit * 512, Int(count) * 512)
      switch random.uniform(below: 4, step, 2) {
      case 0:
        let frame = Frame(byteCount: byteCount)
        frame.mutableBytes.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: step))
        for device in [model, overlay] as [any BlockDevice] {
          try IOChannel(device: device).write(frame, at: offset, cause: .leaf)
        }
      case 1:
        for device in [model, overlay] as [any BlockDevice] {
          try device.control(.discard(offset: offset, byteCount: UInt64(byteCount), cause: .leaf))
        }
      default:
        let (expected, expectedStart) = try IOChannel(device: model).read(
          at: offset, byteCount: byteCount, cause: .leaf)
        let (got, start) = try IOChannel(device: overlay).read(
          at: offset, byteCount: byteCount, cause: .leaf)
        let same = got.bytes[start..<(start + byteCount)].elementsEqual(
          expected.bytes[expectedStart..<(expectedStart + byteCount)])
        #expect(same, "seed \(seed), step \(step)")
      }
    }
    #expect(base.contentHash() == before)
    #expect(overlay.changedByteCount > 0)
  }

  @Test func aFileIsReadAndNeverWritten() throws {
    let path = TemporaryFile.path("image-device")
    defer { TemporaryFile.remove(path) }
    let memory = MemoryDevice(capacityByteCount: 32 << 10, transferUnitByteCount: 512)
    let frame = Frame(byteCount: 1_024)
    frame.mutableBytes.initializeMemory(as: UInt8.self, repeating: 7)
    try IOChannel(device: memory).write(frame, at: 4_096, cause: .leaf)
    try memory.writeImage(to: path)
    let image = try ImageDevice(path: path, transferUnitByteCount: 512)
    #expect(image.capacityByteCount == 32 << 10)
    #expect(try image.bytes(at: 4_095, byteCount: 3) == [0, 7, 7])
    let (read, start) = try IOChannel(device: image).read(at: 4_096, byteCount: 1_024, cause: .verification)
    #expect(read.bytes[start..<(start + 1_024)].allSatisfy { $0 == 7 })
    #expect(throws: StorageError.self) {
      try IOChannel(device: image).write(frame, at: 0, cause: .leaf)
    }
    #expect(throws: StorageError.self) {
      try image.control(.discard(offset: 0, byteCount: 512, cause: .leaf))
    }
    #expect(try MemoryDevice(imageAt: path, transferUnitByteCount: 512).contentHash() == memory.contentHash())
    #expect(throws: StorageError.self) {
      try ImageDevice(path: path + "-missing", transferUnitByteCount: 512)
    }
  }

  // MARK: A toy tree

  /// A root with four inner nodes (mapped) of three leaves (direct) each: what a tree engine's volume looks like.
  struct Tree {
    let world = VolumeWorld()
    var inner: [Extent] = []
    var leaves: [Extent] = []

    init() throws {
      let volume = try world.create()
      var transaction = try volume.beginTransaction()
      var ids: [NodeID] = []
      for _ in 0..<4 {
        var words: [UInt64] = []
        for _ in 0..<3 {
          let leaf = try transaction.allocate(byteCount: 1_024)
          try Self.write([42], to: leaf, of: volume)
          leaves.append(leaf)
          words.append(
            NodeID.direct(leaf, transferUnitByteCount: volume.transferUnitByteCount).rawValue)
        }
        let node = try transaction.allocate(byteCount: 512)
        try Self.write(words, to: node, of: volume)
        inner.append(node)
        ids.append(try transaction.makeNode(at: node))
      }
      transaction.setRoot(
        ids.flatMap { id in (0..<8).map { UInt8(truncatingIfNeeded: id.rawValue >> (8 * $0)) } })
      try transaction.commit(durable: true)
      volume.close()
    }

    static func write(_ words: [UInt64], to extent: Extent, of volume: Volume) throws {
      let frame = volume.makeFrame(byteCount: extent.byteCount)
      for (index, word) in words.enumerated() {
        frame.pointer.storeBytes(
          of: word.littleEndian, toByteOffset: VolumeBlock.headerByteCount + 8 * index, as: UInt64.self)
      }
      try volume.writeBlocks([
        BlockWrite(
          extent: extent, frame: frame, type: .engine(0), payloadByteCount: 8 * words.count, cause: .leaf)
      ])
    }

    /// What a tree engine's `examine` does.
    static func examine(
      _ volume: Volume, _ report: inout StructureReport, skips: Extent? = nil
    ) throws(StorageError) {
      for start in stride(from: 0, to: volume.root.count, by: 8) {
        let word = volume.root[start..<(start + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        try walk(NodeID(rawValue: word), level: 1, volume, &report, skips)
      }
    }

    private static func walk(
      _ id: NodeID, level: Int, _ volume: Volume, _ report: inout StructureReport, _ skips: Extent?
    ) throws(StorageError) {
      do throws(StorageError) {
        let extent = try volume.resolve(id)
        if extent == skips { return }
        report.claim(extent, level == 0 ? "leaf" : "interior")
        let block = try volume.readBlock(extent, type: .engine(0), cause: .verification)
        report.addPart(
          level == 0 ? "leaf" : "interior", level: level, byteCount: UInt64(extent.byteCount),
          usedByteCount: UInt64(VolumeBlock.headerByteCount + block.payloadByteCount),
          entryCount: UInt64(block.payloadByteCount / 8))
        if level == 0 { return }
        for index in 0..<(block.payloadByteCount / 8) {
          let word = block.payload.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
          try walk(NodeID(rawValue: UInt64(littleEndian: word)), level: level - 1, volume, &report, skips)
        }
      } catch {
        try report.note(error)
      }
    }

    func examined(skips: Extent? = nil) throws -> VolumeExamination {
      try Volume.examine(channel: IOChannel(device: world.device)) { (volume, report) throws(StorageError) in
        try Self.examine(volume, &report, skips: skips)
        return true
      }
    }
  }

  @Test func aTreeIsExaminedLevelByLevel() throws {
    let tree = try Tree()
    let found = try tree.examined()
    #expect(found.findings.isEmpty, "\(found.findings)")
    let parts = try #require(found.structure?.parts)
    #expect(parts.map(\.level) == [1, 0])
    #expect(parts.map(\.blockCount) == [4, 12])
    #expect(parts.map(\.entryCount) == [12, 12])
    #expect(parts[0].fill == Double(16 + 24) / 512)
    #expect(found.owners.contains { $0.structure == "node directory page" })
    #expect(found.checksumCount >= 16 + 2)
  }

  @Test func aDamagedNodeIsNamedAndTheOthersAreStillLookedAt() throws {
    let tree = try Tree()
    let memory = try #require(tree.world.device as? MemoryDevice)
    memory.flipBit(ofByteAt: tree.inner[1].offset + 20, bit: 3)
    memory.flipBit(ofByteAt: tree.leaves[11].offset + 700, bit: 0)
    let found = try tree.examined()
    #expect(found.findings.map(\.offset) == [tree.inner[1].offset, tree.leaves[11].offset])
    // The leaves below the damaged node are not called leaked: nobody could look.
    #expect(found.structure?.parts.map(\.blockCount) == [3, 8])
  }

  @Test func aForgottenNodeIsLeaked() throws {
    let tree = try Tree()
    let found = try tree.examined(skips: tree.leaves[4])
    #expect(found.findings.count == 1)
    #expect(found.findings.first?.offset == tree.leaves[4].offset)
    #expect(found.findings.first?.detail.hasSuffix("it is leaked") == true)
  }

  @Test func formatsAreToldByTheirOwnBytes() throws {
    for unit in [512, 4_096, 65_536] {
      let world = VolumeWorld(capacityByteCount: UInt64(max(64 * unit, 1 << 20)), transferUnitByteCount: unit)
      _ = try world.create()
      let memory = try #require(world.device as? MemoryDevice)
      func detected() throws -> ImageFormat {
        try ImageFormat.detect(byteCount: memory.capacityByteCount) {
          (offset, count) throws(StorageError) in memory.peek(at: offset, byteCount: count)
        }
      }
      #expect(try detected() == .volume(transferUnitByteCount: unit))
      // Without its first superblock the second speaks.
      try memory.control(.discard(offset: 0, byteCount: UInt64(unit), cause: .superblock))
      #expect(try detected() == .volume(transferUnitByteCount: unit))
      try memory.control(.discard(offset: 0, byteCount: memory.capacityByteCount, cause: .superblock))
      #expect(try detected() == .blank)
      _ = try FileSpace(
        channel: IOChannel(device: memory), budget: MemoryBudget(limitByteCount: 64 << 20),
        configuration: FileSpaceConfiguration(chunkByteCount: unit), formats: true)
      #expect(try detected() == .fileSpace(transferUnitByteCount: unit))
    }
  }
}
