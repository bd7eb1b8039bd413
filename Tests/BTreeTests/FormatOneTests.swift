// Goal (format 1): a volume of the first format, whose pages and pointers have no births, is read, verified, written and reopened;
// what is written has births, what is left alone keeps none, side by side in one tree.
// Method: golden bytes, written by the engine as it was before births (keys "k", n · 5 as two bytes with 400 bytes n each, n below
// 24, in three synced batches; key "k", 7 with 6,000 bytes of 0xA2; seed 7; 64 units of 4,096 bytes; then closed); held against
// what went in, and against a model while everything is changed.

import Accounting
import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

@Suite struct FormatOneTests {
  /// The volume: bytes in hexadecimal, or a byte and how often it comes.
  private static let golden = """
    424554554c41564ffff37b0301000000e5501cfdf32e95f30010 00*6 40 00*7 06 00*7 17 00*7 07 00*7
    010000000301850601 00*7 02 00*7 0400000003 00*91 6274726565 00*11 c0 00*7 425452450010 00*18
    100000000001000001 00*7 19 00*7 04 00*7 01 00*7 01 00*8 20 00*3814
    424554554c41564fdf23d70201000000e5501cfdf32e95f30010 00*6 40 00*7 07 00*7 1b 00*7 09 00*7
    01000000467bd8fd07 00*7 17 00*7 0400000001 00*91 6274726565 00*11 c0 00*7 425452450010 00*18
    100000000001000001 00*7 19 00*7 04 00*7 01 00*7 01 00*8 20 00*3814 f34a3d1310b7030028 00*7 01
    00*7 04 00*15 01 00*7 080000000003 00*4042 e66f153310b7030030 00*7 01 00*7 05 00*7 01 00*7
    01000000010000000b00000000050000080000000003 00*4034 2fa7128810b7030030 00*7 01 00*7 06 00*7 02
    00*7 010000000100000010000000000700000b0000000005 00*8130 d27b3fd910b70200f00f 00*14 ff 00*4071
    0301850610b7010018 00*7 01 00*7 06 00*7 d27b3fd9 00*4060 bd3a3d9f10b70200f00f 00*14 0303ff07
    00*4068 467bd8fd10b7010018 00*7 01 00*7 08 00*7 bd3a3d9f 00*4060 a0*1920 00*2176
    e08a020410b71000f00f00000100000001000a 00*5 03000100b501 00*6 01 00*11 690e 00*7 6bd50c 00*5
    05006bc10c 00*5 07006b2d0b 00*5 0f006b9909 00*5 14006b0508 00*5 1e006b7106 00*5 23006bdd04 00*5
    2d006b4903 00*5 32006bb501 00*5 3c006b 00*289 03009001 0c*400 03009001 0a*400 03009001 09*400
    03009001 07*400 03009001 06*400 03009001 04*400 03009001 03*401 00ffff0c000000000200007017 00*6
    030090 01*401 03009001 00*400 6b00416100055910b711007017 00*6 a1*6000 00*2176
    a53c93a210b71000f00f00000100000001000700000003 00*5 f104 00*6 01 00*11 690e 00*5 41006bd50c 00*5
    4b006b410b 00*5 50006bad09 00*5 5a006b1908 00*5 5f006b8506 00*5 69006bf104 00*5 6e006b 00*1147
    03009001 16*400 03009001 15*400 03009001 13*400 03009001 12*400 03009001 10*400 03009001 0f*400
    03009001 0d*400 6b0041fa910c5a10b71000f00f000002000000020101 00*9 f60f 00*6
    010000000b00000000010000f60f 00*5 41006b 00*4028
    03000e000000000100003862431910b71000f00f000002000000020103 00*9 e20f 00*6
    010000001100000000010000ec0f 00*5 1e006bf60f 00*5 41006be20f 00*5 5a006b 00*3988
    030016000000000100000300140000000001000003001500000000010000dae4
    b93110b71000f00f000001000000010007 00*5 030001007106 00*6 01 00*11 690e 00*7 6bd50c 00*5
    05006bc10c 00*5 07006b0508 00*5 0a006b2d0b 00*5 0f006b9909 00*5 14006b7106 00*5 19006b 00*1531
    03009001 05*400 03009001 02*400 03009001 04*400 03009001 03*401 00ffff12000000000200007017 00*6
    030090 01*401 03009001 00*400 6b001e4203062510b711007017 00*6 a2*6000 00*2176
    bcd10d6a10b71000f00f000001000000010007000200030003000100ee04 00*18 660e 00*7 1ed20c 00*7 238206
    00*7 283e0b 00*7 2daa09 00*7 32ee04 00*7 371608 00*7 3c 00*1144 01009001 0b*400 01009001 08*400
    01009001 0c*400 01009001 0a*400 01009001 09*400 01009001 07*400 01009001 06*400
    6b00416b001ece405ca510b71000f00f00000100000001000500020003000300 01001608 00*18 660e 00*7 41d20c
    00*7 463e0b 00*7 4baa09 00*7 501608 00*7 55 00*1972 01009001 11*400 01009001 10*400 01009001
    0f*400 01009001 0e*400 01009001 0d*400
    6b005a6b004109d502c210b71000f00f00000100000001000600000003 00*5 8506 00*6 01 00*11 690e 00*5
    5a006bd50c 00*5 5f006b1908 00*5 64006b410b 00*5 69006bad09 00*5 6e006b8506 00*5 73006b 00*1561
    03009001 17*400 03009001 14*400 03009001 16*400 03009001 15*400 03009001 13*400 03009001 12*400
    6b005af2417be610b7030028 00*7 07 00*7 07 00*19 01000000020000000006 00*167882
    """

  private static func goldenVolume() throws -> MemoryDevice {
    var bytes: [UInt8] = []
    for word in golden.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      let parts = word.split(separator: "*")
      let digits = Array(parts[0])
      let literal = try stride(from: 0, to: digits.count, by: 2).map {
        try #require(UInt8(String(digits[$0...($0 + 1)]), radix: 16))
      }
      let count = parts.count > 1 ? try #require(Int(parts[1])) : 1
      for _ in 0..<count { bytes += literal }
    }
    #expect(bytes.count == 64 * 4_096)
    let memory = MemoryDevice(capacityByteCount: UInt64(bytes.count))
    let frame = Frame(byteCount: bytes.count)
    frame.mutableBytes.copyBytes(from: bytes)
    var batch = TransferBatch()
    batch.append(.write, offset: 0, memory: .borrowed(frame.pointer), byteCount: bytes.count, cause: .leaf)
    batch.seal(coalesces: true, maximumTransferByteCount: .max)
    try memory.submit(&batch)
    return memory
  }

  private static func key(_ number: Int) -> [UInt8] { [0x6B, UInt8(number >> 8), UInt8(number & 255)] }

  private static var content: [[UInt8]: [UInt8]] {
    var content: [[UInt8]: [UInt8]] = [:]
    for number in 0..<24 { content[key(number * 5)] = [UInt8](repeating: UInt8(number), count: 400) }
    content[key(7)] = [UInt8](repeating: 0xA2, count: 6_000)
    return content
  }

  private static func sorted(_ content: [[UInt8]: [UInt8]]) -> [KeyValuePair] {
    content.map { KeyValuePair(key: $0.key, value: $0.value) }.sorted {
      $0.key.lexicographicallyPrecedes($1.key)
    }
  }

  /// The births that the pointers to all pages of a tree say, leaves last.
  private static func births(_ engine: BTreeEngine) throws -> [UInt16] {
    var path = TreePath()
    defer { path.truncate(to: 0) }
    var births: [UInt16] = []
    guard try path.pushRoot(engine.forest.main, engine.store) else { return [] }
    try path.descend(toLast: false, engine.store)
    repeat {
      births.append(PageID.birth(path.last.pointee.id))
    } while try path.step(forward: true, engine.store)
    return [PageID.birth(engine.forest.main.root)] + births
  }

  @Test func theGoldenVolumeHasNoBirths() throws {
    let memory = try Self.goldenVolume()
    // Heads of blocks of the engine: magic 0xB710, type from 16 on; bytes 13 to 15 are zero.
    var heads = 0
    for unit in 0..<64 {
      let head = memory.peek(at: UInt64(unit) * 4_096, byteCount: 16)
      guard head[4] == 0x10, head[5] == 0xB7, head[6] >= 16 else { continue }
      heads += 1
      #expect(head[13...15].allSatisfy { $0 == 0 })
    }
    #expect(heads > 6)
    let engine = try Bench.open(memory, [:], 2 << 20, creates: false)
    #expect(engine.forest.main.height == 1)
    #expect(try Self.births(engine).allSatisfy { $0 == 0 })
  }

  @Test(arguments: ["path-copy", "log"]) func aVolumeWithoutBirthsIsReadAndWritten(commit: String) throws {
    let memory = try Self.goldenVolume()
    let settings: [String: ParameterValue] = ["commit": .text(commit), "log_segment_bytes": .integer(4_096)]
    var engine = try Bench.open(memory, settings, 2 << 20, creates: false)
    var content = Self.content
    try engine.verify()
    #expect(try engine.entries() == Self.sorted(content))
    #expect(try engine.value(for: Self.key(7)) == [UInt8](repeating: 0xA2, count: 6_000))
    // One leaf is changed: it and its parent have births, its neighbours do not.
    content[Self.key(5)] = [1, 2, 3]
    try engine.put(Self.key(5), [1, 2, 3])
    try engine.checkpoint()
    try engine.dropCache()
    let mixed = try Self.births(engine)
    #expect(mixed[0] != 0 && mixed.contains(0))
    try engine.verify()
    #expect(try engine.entries() == Self.sorted(content))
    // Everything else, in rounds, reopened each time; the long value as well.
    for round in 0..<12 {
      var batch = WriteBatch()
      for step in 0..<8 {
        let number = Int(draw(3, round * 8 + step) % 130)
        if draw(4, round * 8 + step) & 3 == 0 {
          batch.delete(Self.key(number))
          content[Self.key(number)] = nil
        } else {
          let value = [UInt8](repeating: UInt8(round), count: 100 + number)
          batch.put(Self.key(number), value)
          content[Self.key(number)] = value
        }
      }
      let long = [UInt8](repeating: UInt8(round), count: 5_000)
      batch.put(Self.key(7), long)
      content[Self.key(7)] = long
      try engine.apply(batch, sync: true)
      #expect(try engine.entries() == Self.sorted(content), "round \(round)")
      try engine.close()
      engine = try Bench.open(memory, settings, 2 << 20, creates: false)
      try engine.verify()
      #expect(try engine.entries(order: .reverse) == Self.sorted(content).reversed(), "round \(round)")
    }
    #expect(try Self.births(engine).allSatisfy { $0 != 0 })
    try engine.close()
  }

  @Test func aBirthThatAppearsIsNoticed() throws {
    // A page of the old format with a birth in its head, its checksum right: it is not what its pointer says.
    let memory = try Self.goldenVolume()
    var engine = try Bench.open(memory, [:], 2 << 20, creates: false)
    let extent = engine.store.extent(engine.forest.main.root)
    let block = try engine.volume.readBlock(extent, type: NodeStore.pageType, cause: .verification)
    let frame = Frame(byteCount: extent.byteCount)
    frame.pointer.copyMemory(from: block.frame.pointer + block.frameOffset, byteCount: extent.byteCount)
    engine.volume.seal(
      frame.mutableBytes, at: extent.offset, type: NodeStore.pageType,
      payloadByteCount: block.payloadByteCount,
      level: block.level, birth: 9)
    try engine.close()
    var batch = TransferBatch()
    batch.append(
      .write, offset: extent.offset, memory: .borrowed(frame.pointer), byteCount: extent.byteCount,
      cause: .leaf)
    batch.seal(coalesces: true, maximumTransferByteCount: .max)
    try memory.submit(&batch)
    engine = try Bench.open(memory, [:], 2 << 20, creates: false)
    #expect {
      _ = try engine.entries()
    } throws: {
      "\($0)".contains("its birth is 9, the pointer to it says 0")
    }
  }
}
