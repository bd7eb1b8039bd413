// Goal (format 2): the bytes of an interior page, of the engine's root, of a bucket's record and of the log's operations are those of
// the guide, and a small volume is the same, byte for byte, as the day its hash was taken.
// Method: golden bytes, written out as the guide writes them; a hash over every unit of volumes in both commit modes.

import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

@Suite struct GoldenFormatTests {
  /// Four hexadecimal words, or bytes, to bytes.
  private func bytes(_ text: String) throws -> [UInt8] {
    try text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map { try #require(UInt8($0, radix: 16)) }
  }

  @Test func anInteriorPage() throws {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4_096, alignment: 64)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: 4_096)
    let page = NodePage(memory, 4_096)
    // Children of one unit: at unit 4,096, birth 23, and at unit 4,097, birth 24.
    Array("user10".utf8).withUnsafeBytes { lower in
      Array("user19".utf8).withUnsafeBytes { upper in
        Array("user15".utf8).withUnsafeBytes { separator in
          var builder = NodeBuilder(
            page, level: 1, lower: Bytes(lower), upper: Bytes(upper),
            leftmostChild: 23 << 48 | 1 << 40 | 4_096)
          builder.append(key: Bytes(separator), child: 24 << 48 | 1 << 40 | 4_097)
        }
      }
    }
    let all = (0..<4_096).map { page.base.u8($0) }
    #expect(Array(all[16..<32]) == (try bytes("02 01 01 00 05 00 06 00 06 00 01 00 ea 0f 00 00")))
    #expect(Array(all[32..<48]) == (try bytes("00 00 00 00 00 00 01 00 00 10 00 00 00 01 17 00")))
    #expect(Array(all[48..<58]) == (try bytes("ea 0f 00 00 00 00 00 00 00 35")))
    #expect(all[58..<4_074].allSatisfy { $0 == 0 })
    #expect(Array(all[4_074..<4_084]) == (try bytes("01 00 01 10 00 00 00 01 18 00")))
    #expect(Array(all[4_084...]) == Array("user19user10".utf8))
    let expectation = NodeExpectation(
      geometry: NodeGeometry(pageByteCount: 4_096), pageLengthBits: 1 << 40, unitCount: 10_000, level: 1)
    #expect(page.problem(expectation) == nil)
  }

  @Test func theEnginesRoot() throws {
    var main = TreeState()
    main.root = 23 << 48 | 1 << 40 | 4_096
    main.height = 1
    main.entryCount = 300
    main.leafCount = 2
    main.countInterior(level: 1)
    main.overflowCount = 1
    main.overflowByteCount = 8_192
    let root = BTreeRoot(
      pageByteCount: 4_096, usesLog: true, birthNumber: 24, logPosition: 4_660,
      forest: BTreeForest(main: main))
    let golden = try bytes(
      """
      42 54 52 45 00 10 00 00 01 00 00 00 18 00 00 00
      34 12 00 00 00 00 00 00
      00 10 00 00 00 01 17 00 01 00 00 00 00 00 00 00
      2c 01 00 00 00 00 00 00 02 00 00 00 00 00 00 00
      01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00
      00 20 00 00 00 00 00 00
      """)
    let encoded = root.encoded()
    #expect(encoded.count == 192)
    #expect(Array(encoded[..<80]) == golden)
    #expect(encoded[80...].allSatisfy { $0 == 0 })
    #expect(try BTreeRoot.decode(encoded) == root)
  }

  /// A tree of height 3 tells its interior pages apart by level.
  @Test func theLevelsOfATallTree() throws {
    var tree = TreeState()
    tree.root = 1 << 40 | 9
    tree.height = 3
    tree.leafCount = 100_000
    for _ in 0..<700 { tree.countInterior(level: 1) }
    for _ in 0..<5 { tree.countInterior(level: 2) }
    tree.countInterior(level: 3)
    var encoded = [UInt8](repeating: 0xFF, count: TreeState.byteCount)
    encoded.withUnsafeMutableBytes { tree.encode(to: $0.baseAddress.unsafelyUnwrapped) }
    #expect(
      Array(encoded[..<40])
        == (try bytes(
          """
          09 00 00 00 00 01 00 00 03 05 00 00 00 01 00 00
          00 00 00 00 00 00 00 00 a0 86 01 00 00 00 00 00
          c2 02 00 00 00 00 00 00
          """)))
    encoded.withUnsafeBytes { #expect(TreeState(Bytes($0)) == tree) }
  }

  @Test func aTransactionInTheLogAndABucketsRecord() throws {
    let bench = try Bench(["commit": .text("log")])
    let engine = bench.engine
    let log = try #require(engine.log)
    let place = log.tailPosition
    try engine.write(sync: true) { (transaction) throws(EngineError) in
      try transaction.create(Array("b".utf8))
      try transaction.put(Array("k".utf8), Array("vv".utf8), in: Array("b".utf8))
      try transaction.delete(Array("k".utf8))
    }
    let offset = try #require(log.deviceOffset(of: place))
    let payload = try bytes(
      """
      03
      11 01 00 00 00 00 00 00 00 62
      10 01 00 00 00 00 00 00 00 62
      01 01 00 00 00 02 00 00 00 6b 76 76
      10 00 00 00 00 00 00 00 00
      02 01 00 00 00 00 00 00 00 6b
      """)
    let record = bench.memory.peek(
      at: offset + UInt64(VolumeLog.recordHeaderByteCount), byteCount: payload.count)
    #expect(record == payload, "\(record)")
    // What the catalogue has under the bucket's name is its tree: one leaf, one entry.
    var value: [UInt8] = []
    try Array("b".utf8).withUnsafeBytes { name in
      _ = try engine.store.get(Bytes(name), in: engine.forest.catalogue) { value = KeyValue.bytes(of: $0) }
    }
    let bucket = try #require(try engine.bucketState(Array("b".utf8)))
    #expect(value.count == 56)
    #expect(Array(value[..<8]) == (0..<8).map { UInt8(truncatingIfNeeded: bucket.root >> (8 * $0)) })
    #expect(
      Array(value[8...])
        == (try bytes("00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00"))
        + [UInt8](repeating: 0, count: 24))
  }

  /// A volume of 96 units: leaves, interior pages, a long value, buckets, one of which was dropped, a log.
  @Test(
    arguments: [("path-copy", 0x449a_2061_310a_0c90), ("log", 0xdaad_168a_6ff5_57af)] as [(String, UInt64)])
  func aSmallVolumeIsTheSameEveryTime(commit: String, golden: UInt64) throws {
    let memory = MemoryDevice(capacityByteCount: 96 * 4_096)
    let changes: [String: ParameterValue] = ["commit": .text(commit), "log_segment_bytes": .integer(8_192)]
    let engine = try Bench.open(memory, changes, 2 << 20, creates: true)
    for round in 0..<3 {
      try engine.write(sync: true) { (transaction) throws(EngineError) in
        for number in 0..<16 {
          let value = [UInt8](repeating: UInt8(round * 16 + number), count: 300)
          try transaction.put(key(number * 3 + round), value)
        }
        let bucket = Array("bucket \(round)".utf8)
        try transaction.create(bucket)
        try transaction.put(key(round), [UInt8](repeating: 0xB0, count: 5_000), in: bucket)
        if round == 2 { try transaction.drop(Array("bucket 0".utf8)) }
      }
    }
    try engine.close()
    #expect(memory.contentHash() == golden, "\(commit): 0x\(String(memory.contentHash(), radix: 16))")
  }
}
