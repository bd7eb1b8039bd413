// Goal: the format is what the guide says, byte by byte: inner nodes with their buffers in one block and in blocks of their own,
// with a section in one block and in several, the engine's root, a record of the log. What lies on a device is in order, and is
// searched where it lies. Another version is refused.
// Method: golden bytes of nodes made by hand; a reader of its own over the units of a device, that knows the guide's offsets and none of
// the engine's code; bytes of other versions.

import Accounting
import KeyValue
import Primitives
import Testing

@testable import BEpsilonTree
@testable import Storage

@Suite struct GoldenFormatTests {
  private let bench: Bench

  init() throws { bench = try Bench() }

  /// Node 9 of level 1: child 100, to be told put a → 1; pivot m; child 101, to be told delete z.
  private func innerNode() -> TreeNode {
    let node = TreeNode(number: 9, level: 1, extent: Extent(offset: 1 << 20, byteCount: 4_096))
    node.appendPart(NodePart(child: 100, birth: 3))
    node.appendPart(NodePart(child: 101, birth: 4))
    node.pivots.append([0x6d])
    let messages: [(OperationKind, [UInt8], [UInt8])] = [(.put, [0x61], [0x31]), (.delete, [0x7a], [])]
    for (index, message) in messages.enumerated() {
      message.1.withUnsafeBytes { key in
        message.2.withUnsafeBytes {
          bench.engine.writer.append(message.0.rawValue, Bytes(key), Bytes($0), to: node, at: index)
        }
      }
    }
    return node
  }

  private func payload(_ image: NodeImage, _ index: Int) -> [UInt8] {
    let block = image.blocks[index]
    return [UInt8](image.frame.bytes)[(block.offset + 16)..<(block.offset + 16 + block.payloadByteCount)].map
    { $0 }
  }

  private static let putCell: [UInt8] = [1, 0, 1, 0, 1, 0, 0, 0, 0x61, 0x31]
  private static let deleteCell: [UInt8] = [2, 0, 1, 0, 0, 0, 0, 0, 0x7a]
  private static let pivot: [UInt8] = [1, 0, 0x6d]

  /// The first 32 bytes of the head.
  private static func head(_ flag: UInt8, sectionBirth: UInt8 = 0) -> [UInt8] {
    [
      2, 1, flag, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0,  // version, level, flag; two parts; node 9
      19, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, sectionBirth, 0, 0, 0,  // 19 bytes of cells, 3 of pivots
    ]
  }

  /// A part's 32 bytes.
  private static func line(
    _ child: UInt8, _ offset: Int, _ byteCount: Int, cellBytes: UInt8, birth: UInt8
  ) -> [UInt8] {
    func word(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(number >> (8 * $0) & 255) } }
    return [child, 0, 0, 0, 0, 0, 0, 0] + word(offset) + word(byteCount) + [1, 0, 0, 0, cellBytes, 0, 0, 0]
      + [birth, 0, 0, 0, 0, 0, 0, 0]
  }

  /// A small node, or any with a shared buffer: cells behind the pivots, offsets count in the payload.
  @Test(arguments: [false, true]) func anInnerNodeInOneBlock(sharesBuffers: Bool) {
    var encoder = NodeEncoder(basementByteCount: sharesBuffers ? 16 : 4_096, sharesBuffers: sharesBuffers)
    let image = encoder.image(of: innerNode(), for: bench.engine.volume)
    #expect(image.isWhole && image.blocks.count == 1 && image.byteCount == 4_096)
    let expected =
      Self.head(1) + Self.line(100, 99, 10, cellBytes: 10, birth: 3)
      + Self.line(101, 109, 9, cellBytes: 9, birth: 4) + Self.pivot + Self.putCell + Self.deleteCell
    #expect(payload(image, 0) == expected)
  }

  /// A node of many basements, one buffer for each child: a block for each, offsets count in the extent.
  @Test func anInnerNodeInParts() {
    var encoder = NodeEncoder(basementByteCount: 16, sharesBuffers: false)
    let image = encoder.image(of: innerNode(), for: bench.engine.volume)
    #expect(!image.isWhole && image.blocks.count == 3 && image.byteCount == 3 * 4_096)
    let expected =
      Self.head(0) + Self.line(100, 4_096, 4_096, cellBytes: 10, birth: 3)
      + Self.line(101, 8_192, 4_096, cellBytes: 9, birth: 4) + Self.pivot
    #expect(payload(image, 0) == expected)
    #expect(payload(image, 1) == Self.putCell && payload(image, 2) == Self.deleteCell)
    #expect(image.blocks.map(\.type) == [NodeBlock.head, NodeBlock.part, NodeBlock.part])
    // All that is not head or payload is zero.
    let bytes = [UInt8](image.frame.bytes)
    for (index, block) in image.blocks.enumerated() {
      let used = block.offset + 16 + payload(image, index).count
      #expect(bytes[used..<(block.offset + block.byteCount)].allSatisfy { $0 == 0 })
    }
  }

  /// Copy-on-write: pointers in the head, buffers in a section; of a small node and of a shared buffer one block, otherwise one each.
  @Test(arguments: [(true, 16), (false, 4_096), (false, 4)])
  func anInnerNodeWithItsSection(sharesBuffers: Bool, basementByteCount: Int) throws {
    var encoder = NodeEncoder(basementByteCount: basementByteCount, sharesBuffers: sharesBuffers)
    let isOne = basementByteCount > 4
    let node = innerNode()
    let made = encoder.sectionImage(of: node, for: bench.engine.volume)
    let section = try #require(made)
    // An extent of one unit, the 6th: its id is units and place.
    let id: UInt64 = 1 << 40 | 6
    let head = encoder.headImage(
      of: node, section: section, sectionID: id, sectionBirth: 5, for: bench.engine.volume)
    head.setNumber(9)
    let lines =
      isOne
      ? Self.line(100, 0, 10, cellBytes: 10, birth: 3) + Self.line(101, 10, 9, cellBytes: 9, birth: 4)
      : Self.line(100, 0, 4_096, cellBytes: 10, birth: 3)
        + Self.line(101, 4_096, 4_096, cellBytes: 9, birth: 4)
    #expect(
      payload(head, 0) == Self.head(isOne ? 3 : 2, sectionBirth: 5) + [6, 0, 0, 0, 0, 1, 0, 0] + lines
        + Self.pivot)
    if isOne {
      #expect(section.blocks.count == 1 && payload(section, 0) == Self.putCell + Self.deleteCell)
    } else {
      #expect(section.blocks.count == 2)
      #expect(payload(section, 0) == Self.putCell && payload(section, 1) == Self.deleteCell)
    }
  }

  @Test func theRootOfTheTree() throws {
    var levels = TreeLevels()
    for _ in 0..<3 { levels.count(level: 0, contentByteCount: 258) }
    levels.count(level: 1, contentByteCount: 7)
    let root = BEpsilonRoot(
      nodeByteCount: 65_536, fanout: 12, unitByteCount: 128, logPosition: 0x0102, durability: .copyOnWrite,
      holdsFarPatches: true, owesShape: true, birthNumber: 0x0708,
      shape: TreeShape(
        root: 0x0A0B, rootBirth: 0x0506, height: 1, leafCount: 3, innerCount: 1, leafByteCount: 0x3000,
        innerByteCount: 0x1000, overflowCount: 2, overflowByteCount: 0x4000), levels: levels)
    func word(_ number: Int, _ byteCount: Int) -> [UInt8] {
      (0..<byteCount).map { UInt8(number >> (8 * $0) & 255) }
    }
    var expected: [UInt8] = Array("BEPS".utf8)  // 0
    expected += word(65_536, 4) + word(12, 4) + word(128, 4)  // 4: B, F, unit
    expected += word(0x0102, 8) + word(0x0A0B, 8) + word(1, 8)  // 16: log, root, height
    expected += word(3, 8) + word(1, 8) + word(0x3000, 8) + word(0x1000, 8)  // 40: nodes and their bytes
    expected += word(1, 4) + word(1, 4) + word(2, 8) + word(0x4000, 8)  // 72: mode, far patches, long values
    expected += word(3, 4) + word(1, 4) + word(0, 40)  // 96: nodes of twelve levels
    expected += word(3 * 258, 8) + word(7, 8) + [UInt8](repeating: 0, count: 80)  // 144: their content
    expected += word(0x0506, 2) + word(0x0708, 2) + word(1, 4)  // 240: births, owed shape
    #expect(expected.count == 248)
    #expect(root.encoded() == expected)
    #expect(try BEpsilonRoot.decode(expected) == root)
  }

  /// A batch in the log: head of a record, flags 3 (it begins and ends here), the cells that a buffer would hold.
  @Test func aRecordOfTheLog() throws {
    var batch = WriteBatch()
    batch.put([0x61], [0x31])
    batch.delete([0x7a])
    try bench.engine.apply(batch, sync: true)
    let payload: [UInt8] = [3] + Self.putCell + Self.deleteCell
    var found = 0
    for unit in 0..<2_000 as Range<UInt64> {
      let bytes = Array(bench.memory.peek(at: unit * 4_096, byteCount: 4_096))
      // Records lie at any byte; this one is the first of its segment.
      if bytes[4] == UInt8(payload.count), Array(bytes[16..<(16 + payload.count)]) == payload {
        found += 1
        #expect(Array(bytes[4..<8]) == [20, 0, 0, 0x10])
        #expect(bytes[(16 + payload.count)...].allSatisfy { $0 == 0 })
      }
    }
    #expect(found == 1)
  }

  // MARK: On a device

  /// A reader of the format that shares nothing with the engine.
  private struct Reader {
    let memory: MemoryDevice
    var cellCount = 0
    var orderedBufferCount = 0
    var sectionCount = 0

    func bytes(_ extent: Extent) -> [UInt8] {
      Array(memory.peek(at: extent.offset, byteCount: extent.byteCount))
    }

    static func number(_ bytes: ArraySlice<UInt8>, _ offset: Int, _ count: Int) -> Int {
      (0..<count).reduce(0) { $0 | Int(bytes[bytes.startIndex + offset + $1]) << (8 * $1) }
    }

    /// Walks the cells and holds each key against the one before it and the bounds.
    mutating func check(
      _ cells: ArraySlice<UInt8>, isLeaf: Bool, count: Int, lower: [UInt8]?, upper: [UInt8]?
    ) -> String? {
      var offset = 0
      var keys: [[UInt8]] = []
      var hasRange = false
      while offset < cells.count {
        let keyCount = Self.number(cells, offset + 2, 2)
        let operandCount = Self.number(cells, offset + 4, 4)
        let start = cells.startIndex + offset + 8
        keys.append(Array(cells[start..<(start + keyCount)]))
        if cells[cells.startIndex + offset] == 6 { hasRange = true }
        if isLeaf, cells[cells.startIndex + offset] != 1 { return "a message rests in a leaf" }
        offset += 8 + keyCount + operandCount
      }
      cellCount += keys.count
      if keys.count != count { return "\(keys.count) cells, \(count) are said to be there" }
      for key in keys {
        if let lower, key.lexicographicallyPrecedes(lower) { return "a key is below the pivot" }
        if let upper, !key.lexicographicallyPrecedes(upper) { return "a key is above the pivot" }
      }
      if hasRange { return nil }
      if !isLeaf, keys.count > 1 { orderedBufferCount += 1 }
      for (left, right) in zip(keys, keys.dropFirst()) {
        if right.lexicographicallyPrecedes(left) || (isLeaf && left == right) {
          return "keys are not in order"
        }
      }
      return nil
    }

    /// Checks the node that lies in an extent.
    mutating func check(_ extent: Extent) -> String? {
      let all = bytes(extent)[...]
      let head = all[16..<(16 + Self.number(all, 8, 4))]
      let (isLeaf, flag) = (Self.number(head, 1, 1) == 0, Self.number(head, 2, 1))
      let partCount = Self.number(head, 4, 4)
      let lines = flag >= 2 ? 40 : 32
      var pivots: [[UInt8]] = []
      var place = lines + 32 * partCount
      for _ in 1..<max(1, partCount) {
        let count = Self.number(head, place, 2)
        pivots.append(Array(head[(head.startIndex + place + 2)..<(head.startIndex + place + 2 + count)]))
        place += 2 + count
      }
      for (left, right) in zip(pivots, pivots.dropFirst()) where !left.lexicographicallyPrecedes(right) {
        return "pivots are not in order"
      }
      var section: [UInt8] = []
      if flag >= 2 {
        let id = Self.number(head, 32, 8)
        if id != 0 {
          section = bytes(Extent(offset: UInt64(id & (1 << 40 - 1)) * 4_096, byteCount: (id >> 40) * 4_096))
          sectionCount += 1
        }
      }
      for index in 0..<partCount {
        let line = lines + 32 * index
        let (offset, cells, byteCount) = (
          Self.number(head, line + 8, 4), Self.number(head, line + 16, 4), Self.number(head, line + 20, 4)
        )
        if byteCount == 0 { continue }
        let part: ArraySlice<UInt8>
        switch flag {
        case 0: part = all[(offset + 16)..<(offset + 16 + byteCount)]
        case 1: part = head[(head.startIndex + offset)..<(head.startIndex + offset + byteCount)]
        default: part = section[(offset + 16)..<(offset + 16 + byteCount)]
        }
        let problem = check(
          part, isLeaf: isLeaf, count: cells, lower: index > 0 ? pivots[index - 1] : nil,
          upper: index < pivots.count ? pivots[index] : nil)
        if let problem { return "part \(index): \(problem)" }
      }
      return nil
    }
  }

  @Test(arguments: ["log", "copy-on-write"], ["per-child", "shared"])
  func whatLiesOnADeviceIsInOrder(mode: String, layout: String) throws {
    let bench = try Bench(
      [
        "durability": .text(mode), "buffer_layout": .text(layout), "node_bytes": .integer(32 << 10),
        "basement_bytes": .integer(4_096), "fanout": .integer(4),
      ], memoryByteCount: 4 << 20)
    for round in 0..<60 {
      var batch = WriteBatch()
      for index in 0..<100 {
        let name = key(Int(draw(91, round * 100 + index) % 20_000), byteCount: 6 + index % 3)
        switch index % 9 {
        case 0: batch.delete(name)
        case 1: batch.append(name, [1, 2])
        case 2 where index == 2: batch.deleteRange(name, name + [4])
        default: batch.put(name, [UInt8](repeating: UInt8(round), count: 10 + index))
        }
      }
      try bench.engine.apply(batch, sync: false)
    }
    try bench.engine.checkpoint()
    let table = bench.engine.table
    #expect(table.shape.height >= 2 && table.dirtyNodeCount == 0)
    var reader = Reader(memory: bench.memory)
    var extents: [Extent] = []
    func gather(_ number: UInt64, _ birth: UInt16, _ level: Int) throws {
      let node = try table.node(number, birth: birth, level: level)
      extents.append(node.extent)
      if level == 0 { return }
      for index in 0..<node.partCount {
        try gather(node.parts[index].child, node.parts[index].birth, level - 1)
      }
    }
    try gather(table.shape.root, table.shape.rootBirth, table.shape.height)
    #expect(extents.count == table.shape.leafCount + table.shape.innerCount)
    for extent in extents {
      let problem = reader.check(extent)
      #expect(problem == nil, "node at \(extent.offset): \(problem ?? "")")
    }
    #expect(reader.cellCount > 3_000 && reader.orderedBufferCount > 4)
    if mode == "copy-on-write" { #expect(reader.sectionCount > 2) }
  }

  // MARK: Searching

  /// Once a part is in memory a search touches the cells of its way and no other: destroying all others changes nothing.
  @Test(arguments: [false, true]) func aSearchLooksAtTheCellsOfItsWayOnly(haveOneHead: Bool) {
    // The first eight bytes of all keys alike, so that cells must be looked at, or all different.
    let count = 1_000
    func name(_ index: Int) -> [UInt8] {
      haveOneHead ? [UInt8](repeating: 5, count: 8) + key(index, byteCount: 4) : key(index, byteCount: 8)
    }
    for wanted in stride(from: 0, to: count, by: 37) {
      var run = CellRun()
      for index in 0..<count {
        name(index).withUnsafeBytes {
          run.setEntry(Bytes($0), Bytes($0), at: index, replaces: false)
        }
      }
      // The way of halving an interval.
      var way: Set<Int> = [wanted]
      var (low, high) = (0, count)
      while low < high {
        let middle = (low + high) / 2
        if haveOneHead { way.insert(middle) }
        if middle < wanted { low = middle + 1 } else { high = middle }
      }
      #expect(way.count <= (haveOneHead ? 12 : 1))
      for index in 0..<count where !way.contains(index) {
        let cell = run.cells + Int(run.index.lines[index].offset)
        cell.initializeMemory(as: UInt8.self, repeating: 0xEE, count: Cell.headByteCount + name(index).count)
      }
      let line = name(wanted).withUnsafeBytes { run.find(Bytes($0)) }
      #expect(line == wanted)
    }
  }

  // MARK: Versions

  @Test func nodesAndRootsOfAnotherVersionAreRefused() throws {
    let decoder = NodeDecoder(maximumKeyByteCount: 256)
    for version in [0, 1, 3, 255] as [UInt8] {
      var encoder = NodeEncoder(basementByteCount: 4_096, sharesBuffers: false)
      let image = encoder.image(of: innerNode(), for: bench.engine.volume)
      image.frame.mutableBytes[16] = version
      let block = VolumeBlock(
        frame: image.frame, frameOffset: 0, byteCount: image.byteCount, type: NodeBlock.head, level: .none,
        payloadByteCount: image.blocks[0].payloadByteCount)
      let node = TreeNode(number: 9, level: 1, extent: Extent(offset: 1 << 20, byteCount: image.byteCount))
      let error = #expect(throws: StorageError.self) {
        try decoder.decodeHead(block, into: node, expectedLevel: 1)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains("no node's head of version 2"))
    }
    // A volume whose tree is of format 1: the root is eight bytes shorter.
    let memory = MemoryDevice(capacityByteCount: 16 << 20)
    let channel = IOChannel(device: memory, pool: memory.pool)
    let volume = try Volume.create(
      channel: channel, budget: MemoryBudget(limitByteCount: 4 << 20),
      configuration: VolumeConfiguration(engineTag: "bepsilon"))
    var transaction = try volume.beginTransaction()
    transaction.setRoot(Array("BEPS".utf8) + [UInt8](repeating: 0, count: 236))
    try transaction.commit(durable: true)
    volume.close()
    let error = #expect(throws: EngineError.self) {
      _ = try Bench.open(
        IOChannel(device: memory, pool: memory.pool), ["node_bytes": .integer(4_096)], 4 << 20, creates: false
      )
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("of format 1"))
  }
}
