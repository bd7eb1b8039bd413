// Goal: a node's image is what the format says, reading it gives the node back, writing that gives the same bytes, and no bytes
// whatever make the reader trap.
// Method: golden bytes of a small leaf; random leaves and inner nodes of many sizes, stored whole and in parts, there and back and
// there again; ten thousand images with random bytes changed, their checksums left out of the game.

import KeyValue
import Primitives
import Testing

@testable import BEpsilonTree
@testable import Storage

@Suite struct NodeImageTests {
  private let bench: Bench
  private let decoder = NodeDecoder(maximumKeyByteCount: 256)

  init() throws { bench = try Bench() }

  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// Puts an entry into a leaf, or a message into a buffer.
  private func add(_ key: [UInt8], _ value: [UInt8], _ kind: OperationKind, to node: TreeNode) {
    key.withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        if node.isLeaf {
          bench.engine.writer.change(node, kind, Bytes(key), Bytes(value))
        } else if kind == .deleteRange {
          bench.engine.writer.appendRange(Bytes(key), Bytes(value), to: node)
        } else {
          let index = node.pivots.route(Bytes(key))
          node.parts[index].run.append(kind: kind.rawValue, key: Bytes(key), operand: Bytes(value))
          node.recount(index)
        }
      }
    }
  }

  private func block(_ image: NodeImage, _ index: Int) -> VolumeBlock {
    let block = image.blocks[index]
    return VolumeBlock(
      frame: image.frame, frameOffset: block.offset, byteCount: block.byteCount, type: block.type,
      level: .none,
      payloadByteCount: block.payloadByteCount)
  }

  private func decode(_ image: NodeImage, level: Int, number: UInt64) throws(StorageError) -> TreeNode {
    let node = TreeNode(
      number: number, level: level, extent: Extent(offset: 1 << 20, byteCount: image.byteCount))
    try decoder.decodeHead(block(image, 0), into: node, expectedLevel: level)
    var next = 1
    for index in 0..<node.partCount where !node.parts[index].isLoaded {
      try decoder.decodePart(block(image, next), index, into: node)
      next += 1
    }
    return node
  }

  @Test func goldenLeaf() throws {
    let leaf = TreeNode(number: 7, level: 0, extent: Extent(offset: 1 << 20, byteCount: 4_096))
    leaf.appendPart(NodePart())
    add(bytes("b"), bytes("two"), .put, to: leaf)
    add(bytes("a"), bytes("1"), .put, to: leaf)
    add(bytes("b"), bytes("2"), .put, to: leaf)
    let image = bench.engine.table.encoder.image(of: leaf, for: bench.engine.volume)
    #expect(image.isWhole && image.byteCount == 4_096 && image.blocks.count == 1)
    let payload = [UInt8](block(image, 0).payload)
    let expected: [UInt8] = [
      2, 0, 1, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0,  // version, level, whole; one part; node 7
      20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // 20 bytes of cells; no pivots
      0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 20, 0, 0, 0,  // child 0; at 64, 20 bytes
      2, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // two cells of 20 bytes
      1, 0, 1, 0, 1, 0, 0, 0, 0x61, 0x31, 1, 0, 1, 0, 1, 0, 0, 0, 0x62, 0x32,
    ]
    #expect(payload == expected)
  }

  /// A random node: a leaf, or an inner node with pivots at multiples of 40.
  private func randomNode(seed: UInt64, sizes: [Int] = [0, 1, 20, 400, 1_200]) -> TreeNode {
    var counter = 0
    func next(_ bound: Int) -> Int {
      counter += 1
      return Int(draw(seed, counter) % UInt64(bound))
    }
    let isLeaf = seed % 2 == 0
    let node = TreeNode(
      number: seed, level: isLeaf ? 0 : 1 + next(3), extent: Extent(offset: 1 << 20, byteCount: 4_096))
    node.appendPart(NodePart(child: isLeaf ? 0 : 100))
    if !isLeaf {
      for index in 1..<(2 + next(12)) {
        node.appendPart(NodePart(child: UInt64(100 + index)))
        node.pivots.append(key(index * 40, byteCount: 4 + Int(seed % 3)))
      }
    }
    let count = sizes[next(sizes.count)]
    for _ in 0..<count {
      let number = key(next(600), byteCount: 4 + next(8))
      let value = [UInt8](repeating: UInt8(next(256)), count: next(120))
      switch isLeaf ? 0 : next(8) {
      case 1: add(number, [], .delete, to: node)
      case 2: add(number, value, .append, to: node)
      case 3 where seed % 3 == 0: add(number, key(next(600), byteCount: 6), .deleteRange, to: node)
      default: add(number, value, .put, to: node)
      }
    }
    return node
  }

  private func cells(_ node: TreeNode) -> [[[UInt8]]] {
    (0..<node.partCount).map { index in
      if !node.isLeaf { node.parts[index].run.orderMessages() }
      let run = node.parts + index
      return (0..<run.pointee.run.index.count).map { line in
        let cell = run.pointee.run.cells + Int(run.pointee.run.index.lines[line].offset)
        return [UInt8](UnsafeRawBufferPointer(start: cell, count: Cell.byteCount(cell)))
      }
    }
  }

  @Test func thereAndBackAndThereAgain() throws {
    var partCount = 0
    for seed in 1...10_000 as ClosedRange<UInt64> {
      let node = seed <= 400 ? randomNode(seed: seed) : randomNode(seed: seed, sizes: [0, 1, 3, 12, 40])
      let image = bench.engine.table.encoder.image(of: node, for: bench.engine.volume)
      let read = try decode(image, level: node.level, number: node.number)
      #expect(read.contentByteCount == node.contentByteCount)
      #expect(cells(read).flatMap { $0 } == cells(node).flatMap { $0 }, "seed \(seed)")
      if !node.isLeaf {
        #expect(read.pivots.keys == node.pivots.keys)
        for index in 0..<node.partCount {
          #expect(read.parts[index].child == node.parts[index].child)
          #expect(read.parts[index].run.rangeDeletes.count == node.parts[index].run.rangeDeletes.count)
        }
      }
      if image.blocks.count > 1 { partCount += 1 }
      let again = bench.engine.table.encoder.image(of: read, for: bench.engine.volume)
      let isSame = image.frame.bytes.elementsEqual(again.frame.bytes)
      #expect(isSame, "seed \(seed): the second image differs from the first")
    }
    #expect(partCount > 20)
  }

  @Test func theSizeOfAnImageIsKnownBeforeItIsMade() throws {
    var encoder = NodeEncoder(basementByteCount: 4_096, sharesBuffers: false)
    var sharing = NodeEncoder(basementByteCount: 4_096, sharesBuffers: true)
    for seed in 1...10_000 as ClosedRange<UInt64> {
      let node = randomNode(seed: seed, sizes: [0, 1, 3, 20, 160])
      let size = encoder.imageByteCount(of: node, for: bench.engine.volume)
      let image = encoder.image(of: node, for: bench.engine.volume)
      #expect(size == image.byteCount && size == image.blocks.reduce(0) { $0 + $1.byteCount }, "seed \(seed)")
      if seed % 16 == 0 {
        let shared = sharing.imageByteCount(of: node, for: bench.engine.volume)
        #expect(shared == sharing.image(of: node, for: bench.engine.volume).byteCount, "seed \(seed)")
      }
    }
  }

  /// The head and the section of an inner node, there and back, with `damage` in between.
  private func throughASection(
    _ node: TreeNode, _ encoder: inout NodeEncoder, _ damage: (NodeImage, NodeImage?) -> Void
  ) throws(StorageError) -> TreeNode {
    let volume = bench.engine.volume
    let section = encoder.sectionImage(of: node, for: volume)
    let place = Extent(offset: 2 << 20, byteCount: section?.byteCount ?? 4_096)
    let id = NodeID.direct(place, transferUnitByteCount: 4_096).rawValue
    let head = encoder.headImage(
      of: node, section: section, sectionID: section == nil ? 0 : id, sectionBirth: 5,
      for: volume)
    head.setNumber(node.number)
    damage(head, section)
    let read = TreeNode(
      number: node.number, level: node.level, extent: Extent(offset: 1 << 20, byteCount: head.byteCount))
    try decoder.decodeHead(block(head, 0), into: read, expectedLevel: node.level)
    guard let section else { return read }
    if read.isStoredWhole {
      try decoder.decodeSection(block(section, 0), into: read)
      return read
    }
    var next = 0
    for index in 0..<read.partCount where !read.parts[index].isLoaded {
      guard next < section.blocks.count, read.parts[index].imageOffset == section.blocks[next].offset else {
        throw .corrupted(structure: "tree node", offset: 0, detail: "a part lies elsewhere")
      }
      try decoder.decodePart(block(section, next), index, into: read)
      next += 1
    }
    return read
  }

  @Test(arguments: [false, true])
  func headsAndSectionsThereAndBackAndNoBytesTrap(sharesBuffers: Bool) throws {
    var encoder = NodeEncoder(basementByteCount: 4_096, sharesBuffers: sharesBuffers)
    var (refused, parted) = (0, 0)
    for seed in stride(from: 1, through: 601, by: 2) as StrideThrough<UInt64> {
      let node = randomNode(seed: seed)
      let read = try throughASection(node, &encoder) { _, _ in }
      #expect(cells(read) == cells(node), "seed \(seed)")
      #expect(read.pivots.keys == node.pivots.keys && read.contentByteCount == node.contentByteCount)
      if !read.isStoredWhole { parted += 1 }
      for round in 0..<20 {
        do throws(StorageError) {
          let damaged = try throughASection(node, &encoder) { head, section in
            for change in 0..<(1 + round % 3) {
              let x = draw(seed &* 77 &+ UInt64(round), change)
              let frame = x % 3 == 0 ? (section ?? head).frame : head.frame
              let reach = x % 2 == 0 ? min(frame.byteCount, 240) : frame.byteCount
              frame.mutableBytes[16 + Int((x >> 8) % UInt64(reach - 16))] = UInt8(truncatingIfNeeded: x >> 40)
            }
          }
          _ = cells(damaged)
        } catch {
          guard case .corrupted = error else {
            Issue.record("seed \(seed), round \(round): \(error)")
            continue
          }
          refused += 1
        }
      }
    }
    #expect(refused > 1_000)
    #expect(sharesBuffers ? parted == 0 : parted > 20)
  }

  @Test func noBytesTrap() throws {
    var refused = 0
    for seed in 1...100 as ClosedRange<UInt64> {
      let node = randomNode(seed: seed)
      let image = bench.engine.table.encoder.image(of: node, for: bench.engine.volume)
      let original = [UInt8](image.frame.bytes)
      for round in 0..<100 {
        for change in 0..<(1 + round % 3) {
          let x = draw(seed &* 1_000 &+ UInt64(round), change)
          // Half of the changes hit the head, where counts and places are.
          let reach = x % 2 == 0 ? min(original.count, 200) : original.count
          image.frame.mutableBytes[16 + Int((x >> 8) % UInt64(reach - 16))] = UInt8(
            truncatingIfNeeded: x >> 40)
        }
        do throws(StorageError) {
          let read = try decode(image, level: node.level, number: node.number)
          _ = cells(read)
        } catch {
          guard case .corrupted = error else {
            Issue.record("seed \(seed), round \(round): \(error)")
            continue
          }
          refused += 1
        }
        image.frame.mutableBytes.copyBytes(from: original)
      }
    }
    #expect(refused > 2_000)
  }
}
