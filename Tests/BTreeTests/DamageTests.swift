// Goal (integrity): every kind of damage of a kept B-tree is found when the image is examined, with the structure and the place
// it is at; a damaged page that is read answers with an error.
// Method: one image with a tree of three levels, long values, buckets and a log; each kind of damage is done to a copy of it, by
// bytes (checksum wrong) or to a field with the checksum made right again (so that the checks behind it are reached).

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

/// What is done to an image.
enum Damage: String, CaseIterable, Sendable {
  case bitInLeaf, bitInInterior, bitInLongValue, bitInCatalogue, leavesSwapped, leafZeroed
  case leafOfAnotherPlace, unsortedEntries, wrongLevel, wrongKind, wrongFence, wrongPrefix, cellOutside,
    holesMiscounted
  case unusedByte, entryMissing, childOutside, childTwice, headWrong, longValueShortened,
    staleLeafOfOtherFences
  case olderLeaf, olderInterior, olderRoot, olderLongValue
}

/// An image and where things are in it.
private struct DamagedImage {
  var bytes: [UInt8]
  let volumeID: UInt64
  let leaves: [UInt64]
  let interiors: [UInt64]
  let longValues: [UInt64]
  let catalogue: UInt64

  init() throws {
    let memory = MemoryDevice(capacityByteCount: 8 << 20)
    var parameters = Bench.entry().defaultParameters
    parameters["checkpoint_operations"] = .integer(0)
    let engine = try BTreeEngine.open(
      EngineEnvironment(
        channel: IOChannel(device: memory, pool: memory.pool),
        budget: MemoryBudget(limitByteCount: 8 << 20), seed: 1, creates: true, syncEveryCommits: 0),
      parameters: parameters)
    for start in stride(from: 0, to: 9_000, by: 500) {
      var batch = WriteBatch()
      for number in start..<(start + 500) {
        batch.put(key(number * 3), [UInt8](repeating: 5, count: number % 700 == 3 ? 6_000 : 60))
      }
      try engine.apply(batch, sync: false)
    }
    try engine.write { (transaction) throws(EngineError) in
      for number in 0..<3 {
        try transaction.create([UInt8(number)])
        try transaction.put([1], [2], in: [UInt8(number)])
      }
    }
    let main = engine.forest.main
    let catalogueID = engine.forest.catalogue.root
    let store = engine.store
    var path = TreePath()
    var leaves: [UInt64] = []
    var interiors: [UInt64] = []
    var longValues: [UInt64] = []
    var ids = [main.root]
    for level in stride(from: main.height, through: 0, by: -1) {
      var below: [UInt64] = []
      for id in ids {
        let offset = store.extent(id).offset
        if level == 0 { leaves.append(offset) } else { interiors.append(offset) }
        guard let lease = store.cache.hold(id) else { continue }
        let page = NodePage(lease.pointer, lease.byteCount)
        if level > 0 {
          for index in 0...page.slotCount { below.append(page.child(index)) }
        } else {
          for index in 0..<page.slotCount where page.hasOverflow(index) {
            longValues.append(store.extent(page.overflowReference(index)).offset)
          }
        }
      }
      ids = below
    }
    path.truncate(to: 0)
    self.leaves = leaves
    self.interiors = interiors
    self.longValues = longValues
    catalogue = store.extent(catalogueID).offset
    volumeID = engine.volume.volumeID
    try engine.close()
    var bytes: [UInt8] = []
    let channel = IOChannel(device: memory, pool: memory.pool)
    for offset in stride(from: 0, to: 8 << 20, by: 4_096) {
      let (frame, start) = try channel.read(at: UInt64(offset), byteCount: 4_096, cause: .verification)
      bytes += frame.bytes[start..<(start + 4_096)]
    }
    self.bytes = bytes
  }

  func u16(_ offset: UInt64) -> Int { Int(bytes[Int(offset)]) | Int(bytes[Int(offset) + 1]) << 8 }

  mutating func set16(_ offset: UInt64, _ value: Int) {
    bytes[Int(offset)] = UInt8(value & 255)
    bytes[Int(offset) + 1] = UInt8(value >> 8 & 255)
  }

  /// Makes a page's checksum right; its birth stays, unless another is given.
  mutating func seal(
    _ offset: UInt64, level: Int, payloadByteCount: Int = 4_080, type: BlockType = NodeStore.pageType,
    birth: UInt16? = nil
  ) {
    let id = volumeID
    let birth = birth ?? UInt16(u16(offset + 14))
    bytes.withUnsafeMutableBytes { all in
      _ = BlockHeader.seal(
        UnsafeMutableRawBufferPointer(rebasing: all[Int(offset)..<(Int(offset) + 4_096)]), volumeID: id,
        offset: offset, type: type, payloadByteCount: payloadByteCount, level: .number(level), birth: birth)
    }
  }

  /// Does the damage.
  ///
  /// - Returns: where it has to be found, and a word of what has to be said.
  mutating func damage(_ kind: Damage) -> (offset: UInt64, word: String) {
    let leaf = leaves[leaves.count / 2]
    let other = leaves[leaves.count / 3]
    let interior = interiors[interiors.count - 1]
    let cells = Int(leaf) + 28
    let cellStart = UInt64(bytes[cells]) | UInt64(bytes[cells + 1]) << 8
    switch kind {
    case .bitInLeaf:
      bytes[Int(leaf) + 3_000] ^= 4
      return (leaf, "checksum")
    case .bitInInterior:
      bytes[Int(interior) + 4_000] ^= 128
      return (interior, "checksum")
    case .bitInLongValue:
      bytes[Int(longValues[1]) + 5_000] ^= 1
      return (longValues[1], "checksum")
    case .bitInCatalogue:
      bytes[Int(catalogue) + 4_050] ^= 1
      return (catalogue, "checksum")
    case .leavesSwapped:
      for index in 0..<4_096 { bytes.swapAt(Int(leaf) + index, Int(other) + index) }
      return (leaf, "checksum")
    case .leafZeroed:
      for index in 0..<4_096 { bytes[Int(leaf) + index] = 0 }
      return (leaf, "checksum")
    case .leafOfAnotherPlace:
      for index in 16..<4_096 { bytes[Int(leaf) + index] = bytes[Int(other) + index] }
      seal(leaf, level: 0)
      return (leaf, "fences")
    case .unsortedEntries:
      for index in 0..<10 { bytes.swapAt(Int(leaf) + 48 + index, Int(leaf) + 58 + index) }
      seal(leaf, level: 0)
      return (leaf, "behind the one before")
    case .wrongLevel:
      bytes[Int(leaf) + 17] = 1
      seal(leaf, level: 0)
      return (leaf, "level")
    case .wrongKind:
      bytes[Int(leaf) + 16] = 7
      seal(leaf, level: 0)
      return (leaf, "kind")
    case .wrongFence:
      // One byte more in the lower fence's last byte: still in order, not the parent's separator.
      bytes[Int(leaf) + 4_095] &-= 1
      seal(leaf, level: 0)
      return (leaf, "fences")
    case .wrongPrefix:
      set16(leaf + 20, u16(leaf + 20) - 1)
      seal(leaf, level: 0)
      return (leaf, "prefix")
    case .cellOutside:
      set16(leaf + 48, 4_095)
      seal(leaf, level: 0)
      return (leaf, "cell")
    case .holesMiscounted:
      bytes[Int(leaf) + 32] &+= 1
      seal(leaf, level: 0)
      return (leaf, "holes")
    case .unusedByte:
      bytes[Int(leaf) + Int(cellStart) - 1] = 1
      seal(leaf, level: 0)
      return (leaf, "unused byte")
    case .entryMissing:
      bytes.withUnsafeMutableBytes { all in
        // Never nil: the image has bytes.
        NodePage(all.baseAddress.unsafelyUnwrapped + Int(leaf), 4_096).remove(at: 0)
      }
      seal(leaf, level: 0)
      return (interiors[0], "its record says")
    case .childOutside:
      bytes[Int(interior) + 40 + 3] = 0xFF
      seal(interior, level: 1)
      return (interior, "child 0")
    case .childTwice:
      bytes.withUnsafeMutableBytes { all in
        let page = NodePage(all.baseAddress.unsafelyUnwrapped + Int(interior), 4_096)
        page.setChild(2, page.child(1))
      }
      seal(interior, level: 1)
      let place = bytes.withUnsafeMutableBytes { all in
        NodePage(all.baseAddress.unsafelyUnwrapped + Int(interior), 4_096).child(1) & (1 << 40 - 1)
      }
      return (place * 4_096, "two pointers lead here")
    case .headWrong:
      bytes[Int(leaf) + 48 + 2] ^= 0x80
      seal(leaf, level: 0)
      return (leaf, "entry")
    case .longValueShortened:
      // The first unit's head says fewer bytes; the rest of the value is in the second unit of the same block.
      let id = volumeID
      let offset = longValues[0]
      let birth = UInt16(u16(offset + 14))
      bytes.withUnsafeMutableBytes { all in
        _ = BlockHeader.seal(
          UnsafeMutableRawBufferPointer(rebasing: all[Int(offset)..<(Int(offset) + 8_192)]), volumeID: id,
          offset: offset, type: NodeStore.overflowType, payloadByteCount: 5_999, level: .none,
          birth: birth)
      }
      return (offset, "its leaf says")
    case .staleLeafOfOtherFences:
      // A write that was lost: the place holds the leaf it held before, of another range, whole and right in itself.
      bytes.withUnsafeMutableBytes { all in
        let page = NodePage(all.baseAddress.unsafelyUnwrapped + Int(leaf), 4_096)
        let separator = key(20)
        separator.withUnsafeBytes { low in
          _ = NodeBuilder(page, level: 0, lower: Bytes(low), upper: nil)
        }
      }
      seal(leaf, level: 0)
      return (leaf, "fences")
    case .olderLeaf:
      // A write that was lost: the same page as it was before, whole, right, with the same fences.
      seal(leaf, level: 0, birth: 7_777)
      return (leaf, "its birth is 7777")
    case .olderInterior:
      seal(interior, level: 1, birth: 7_777)
      return (interior, "its birth is 7777")
    case .olderRoot:
      seal(interiors[0], level: 2, birth: 7_777)
      return (interiors[0], "its birth is 7777")
    case .olderLongValue:
      let id = volumeID
      let offset = longValues[0]
      bytes.withUnsafeMutableBytes { all in
        _ = BlockHeader.seal(
          UnsafeMutableRawBufferPointer(rebasing: all[Int(offset)..<(Int(offset) + 8_192)]), volumeID: id,
          offset: offset, type: NodeStore.overflowType, payloadByteCount: 6_000, level: .none, birth: 7_777)
      }
      return (offset, "its birth is 7777")
    }
  }

  /// The image as a device.
  func device() throws -> MemoryDevice {
    let memory = MemoryDevice(capacityByteCount: UInt64(bytes.count))
    let channel = IOChannel(device: memory, pool: memory.pool)
    let frame = Frame(byteCount: bytes.count)
    frame.mutableBytes.copyBytes(from: bytes)
    var batch = TransferBatch()
    for offset in stride(from: 0, to: bytes.count, by: 4_096) {
      batch.append(
        .write, offset: UInt64(offset), memory: .frame(frame, offset: offset), byteCount: 4_096,
        cause: .verification)
    }
    try channel.submit(&batch)
    return memory
  }
}

@Suite struct DamageTests {
  @Test func anUndamagedImageIsSoundAndSaysWhatTheLookTook() throws {
    let image = try DamagedImage()
    #expect(image.interiors.count > 2 && image.longValues.count > 3)
    let found = try ImageExamination(
      try image.device(), format: .volume(transferUnitByteCount: 4_096), byteCount: UInt64(image.bytes.count))
    #expect(found.isSound, "\(found.findings)")
    #expect(found.steps.contains { $0.name == "B-tree: main tree" })
    #expect(found.steps.reduce(0) { $0 + $1.readByteCount } == found.readByteCount)
    // Every page and long value of the tree is read once, neighbours together.
    let tree = try #require(found.steps.first { $0.name == "B-tree: main tree" })
    let pages = image.leaves.count + image.interiors.count
    #expect(tree.readByteCount == UInt64(pages * 4_096 + image.longValues.count * 8_192))
    #expect(tree.checksumCount == UInt64(pages + image.longValues.count))
    #expect(tree.readCount < UInt64(pages))
  }

  @Test(arguments: Damage.allCases)
  func damageIsNamedWithItsPlace(kind: Damage) throws {
    var image = try DamagedImage()
    let (offset, word) = image.damage(kind)
    let found = try ImageExamination(
      try image.device(), format: .volume(transferUnitByteCount: 4_096), byteCount: UInt64(image.bytes.count))
    let problems = found.findings.filter { !$0.isHarmless }
    #expect(
      problems.contains { $0.offset == offset && $0.detail.contains(word) },
      "\(kind) at \(offset), '\(word)': \(problems.map(\.description))")
    // The engine that reads it answers with an error and does not trap.
    let memory = try image.device()
    let engine = try Bench.open(memory, [:], 8 << 20, creates: false)
    #expect(throws: EngineError.self, "\(kind)") { try engine.verify() }
  }

  /// A thousand single bits in pages and long values, each found by the checksum of the block it is in.
  @Test func everyFlippedBitIsFoundWhenItsBlockIsRead() throws {
    var image = try DamagedImage()
    let places =
      (image.leaves + image.interiors + [image.catalogue]).map { ($0, 4_096, NodeStore.pageType) }
      + image.longValues.map { ($0, 8_192, NodeStore.overflowType) }
    for round in 0..<1_000 {
      let random = draw(77, round)
      let (offset, byteCount, type) = places[Int(random % UInt64(places.count))]
      let bit = Int(random >> 20) % (byteCount * 8)
      let place = Int(offset) + bit / 8
      image.bytes[place] ^= 1 << UInt8(bit % 8)
      let id = image.volumeID
      #expect(throws: StorageError.self, "bit \(bit) of the block at \(offset)") {
        try image.bytes.withUnsafeBytes { all in
          _ = try BlockHeader.verify(
            UnsafeRawBufferPointer(rebasing: all[Int(offset)..<(Int(offset) + byteCount)]), volumeID: id,
            offset: offset, type: type)
        }
      }
      image.bytes[place] ^= 1 << UInt8(bit % 8)
    }
  }
}
