// Goal: fields, varints and keys mean the same bytes everywhere, and bad bytes are answered, never trapped on.
// Method: golden bytes, exhaustive short inputs, random inputs against a naive definition.

import Testing

@testable import Primitives

@Suite struct BytesTests {
  // MARK: Memory

  @Test func alignedMemoryIsAlignedAndZero() throws {
    for (byteCount, alignment, huge) in [
      (1, 16, false), (4_096, 4_096, false), (3 << 20, 4_096, false), (5 << 20, 4_096, true),
    ] {
      let memory = try AlignedMemory(byteCount: byteCount, alignment: alignment, hugePages: huge)
      let boundary = huge ? AlignedMemory.hugePageByteCount : alignment
      #expect(UInt(bitPattern: memory.pointer) % UInt(boundary) == 0)
      #expect(memory.bytes.count == byteCount)
      #expect(memory.bytes.allSatisfy { $0 == 0 })
      memory.mutableBytes[byteCount - 1] = 7
      memory.zero()
      #expect(memory.bytes.allSatisfy { $0 == 0 })
    }
  }

  @Test func refusedMemoryIsAnError() {
    #expect(throws: StorageError.self) {
      let memory = try AlignedMemory(byteCount: 1 << 60, hugePages: true)
      memory.zero()
    }
  }

  // MARK: Fields

  @Test func fieldsAreLittleEndianAtAnyAlignment() throws {
    let memory = try AlignedMemory(byteCount: 32)
    let p = memory.pointer
    for offset in 0..<9 {
      memory.zero()
      p.setU16(offset, 0x0102)
      #expect([p.u8(offset), p.u8(offset + 1)] == [2, 1])
      #expect(p.u16(offset) == 0x0102)
      p.setU32(offset, 0x0102_0304)
      #expect((0..<4).map { p.u8(offset + $0) } == [4, 3, 2, 1])
      #expect(p.u32(offset) == 0x0102_0304)
      p.setU64(offset, 0x0102_0304_0506_0708)
      #expect((0..<8).map { p.u8(offset + $0) } == [8, 7, 6, 5, 4, 3, 2, 1])
      #expect(p.u64(offset) == 0x0102_0304_0506_0708)
      p.setBigEndianU64(offset, 0x0102_0304_0506_0708)
      #expect((0..<8).map { p.u8(offset + $0) } == [1, 2, 3, 4, 5, 6, 7, 8])
      #expect(p.bigEndianU64(offset) == 0x0102_0304_0506_0708)
      #expect((0..<9).filter { $0 < offset }.allSatisfy { p.u8($0) == 0 })
      p.setU8(offset, 0xFE)
      #expect(p.u8(offset) == 0xFE)
    }
  }

  // MARK: Varints

  func encoded(_ value: UInt64) -> [UInt8] {
    withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { buffer in
      let count = Varint.encode(value, to: buffer.baseAddress!)
      return Array(buffer[..<count])
    }
  }

  @Test func varintGoldenBytes() {
    #expect(encoded(0) == [0])
    #expect(encoded(127) == [0x7F])
    #expect(encoded(128) == [0x80, 0x01])
    #expect(encoded(300) == [0xAC, 0x02])
    #expect(encoded(.max) == [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01])
  }

  @Test func varintRoundTripSeed11() {
    var random = TestRandom(11)
    var values: [UInt64] = [.max, 0]
    for bit in UInt64(0)..<64 {
      let power: UInt64 = 1 << bit
      values += [power, power &- 1, power &+ 1]
    }
    values += (0..<10_000).map { _ in random.next() >> (random.next() % 64) }
    for value in values {
      let bytes = encoded(value)
      #expect(bytes.count == Varint.size(of: value))
      #expect(Varint.decode(bytes.span.bytes) == Varint.Decoded(value: value, byteCount: bytes.count))
      bytes.withUnsafeBytes { raw in
        for cut in 0..<bytes.count {
          #expect(Varint.decode(UnsafeRawBufferPointer(rebasing: raw[..<cut])) == nil, "cut off at \(cut)")
        }
        let padded = [0xAA] + Array(raw) + [0x55]
        padded.withUnsafeBytes { #expect(Varint.decode($0, at: 1)?.value == value) }
      }
    }
  }

  @Test func varintRefusesOtherForms() {
    let refused: [[UInt8]] = [
      [], [0x80], [0x80, 0x00], [0xFF, 0x80, 0x00], [UInt8](repeating: 0x80, count: 20),
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02],
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 0x00],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    ]
    for bytes in refused { #expect(Varint.decode(bytes.span.bytes) == nil, "\(bytes)") }
    let some: [UInt8] = [1]
    some.withUnsafeBytes {
      #expect(Varint.decode($0, at: 1) == nil)
      #expect(Varint.decode($0, at: -1) == nil)
      #expect(Varint.decode($0, at: .max) == nil)
    }
  }

  @Test func varintAcceptsExactlyItsOwnFormsSeed12() {
    // Every two-byte input, and random longer ones: what is accepted encodes back to the same bytes.
    var random = TestRandom(12)
    var inputs: [[UInt8]] = (0..<65_536).map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    inputs += (0..<20_000).map { _ in
      random.bytes(Int(random.next() % 13)).map { $0 | UInt8(random.next() & 0x80) }
    }
    for bytes in inputs {
      if let decoded = Varint.decode(bytes.span.bytes) {
        #expect(encoded(decoded.value) == Array(bytes[..<decoded.byteCount]))
      }
    }
  }

  // MARK: Keys

  func order(_ a: [UInt8], _ b: [UInt8]) -> Int { compareKeys(a.span.bytes, b.span.bytes).signum() }

  func naive(_ a: [UInt8], _ b: [UInt8]) -> Int {
    a == b ? 0 : a.lexicographicallyPrecedes(b) ? -1 : 1
  }

  @Test func keyOrderOfAllShortKeys() {
    let letters: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF]
    var keys: [[UInt8]] = [[]]
    var last: [[UInt8]] = [[]]
    for _ in 0..<3 {
      last = last.flatMap { key in letters.map { key + [$0] } }
      keys += last
    }
    for a in keys {
      for b in keys { #expect(order(a, b) == naive(a, b)) }
    }
  }

  @Test func keyOrderAndPrefixOfLongKeysSeed13() {
    var random = TestRandom(13)
    for _ in 0..<20_000 {
      // Shared beginnings of any length, then a difference or an end, at any alignment.
      let shared = random.bytes(Int(random.next() % 40))
      let a = shared + random.bytes(Int(random.next() % 12))
      let b = shared + random.bytes(Int(random.next() % 12))
      #expect(order(a, b) == naive(a, b))
      #expect(order(a, a) == 0)
      let prefix = zip(a, b).prefix { $0 == $1 }.count
      #expect(commonPrefixByteCount(a.span.bytes, b.span.bytes) == prefix)
      let heads = (keyHead(a.span.bytes), keyHead(b.span.bytes))
      if heads.0 < heads.1 { #expect(order(a, b) < 0) }
      if heads.0 > heads.1 { #expect(order(a, b) > 0) }
      let padded = Array((a + [0, 0, 0, 0, 0, 0, 0, 0])[..<8])
      #expect(heads.0 == padded.reduce(0) { $0 << 8 | UInt64($1) })
    }
  }

  @Test func keyComparisonStaysInsideItsBytes() {
    // The bytes after the end differ and must not matter.
    for length in 0..<20 {
      let a = [UInt8](repeating: 5, count: length) + [1, 2, 3, 4, 5, 6, 7, 8]
      let b = [UInt8](repeating: 5, count: length) + [8, 7, 6, 5, 4, 3, 2, 1]
      a.withUnsafeBytes { a in
        b.withUnsafeBytes { b in
          #expect(compareKeys(a.baseAddress!, length, b.baseAddress!, length) == 0)
          #expect(commonPrefixByteCount(a.baseAddress!, length, b.baseAddress!, length) == length)
          #expect(keyHead(a.baseAddress!, length) == keyHead(b.baseAddress!, length))
        }
      }
    }
  }
}
