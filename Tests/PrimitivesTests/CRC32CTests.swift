// Goal: every page checksum is CRC-32C, in hardware and in tables alike.
// Method: published known answers; hardware against portable against a bitwise definition on random lengths and
// alignments around every stream boundary; continuation equals concatenation; every single-bit flip is seen.

import Testing

@testable import Primitives

@Suite struct CRC32CTests {
  func bitwise(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc: UInt32 = .max
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = (crc >> 1) ^ (crc & 1 == 0 ? 0 : 0x82F6_3B78) }
    }
    return ~crc
  }

  @Test func knownAnswers() {
    // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    let cases: [([UInt8], UInt32)] = [
      (Array("123456789".utf8), 0xE306_9283),
      ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
      ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
      (Array(0..<32), 0x46DD_794E),
      ((0..<32).map { 31 - $0 }, 0x113F_DB5C),
      ([], 0),
    ]
    for (bytes, expected) in cases {
      bytes.withUnsafeBytes { raw in
        #expect(CRC32C.of(raw) == expected)
        #expect(CRC32C.portable(raw) == expected)
      }
      #expect(CRC32C.of(bytes.span.bytes) == expected)
    }
  }

  @Test func hardwareEqualsPortableSeed7() {
    var random = TestRandom(7)
    let bytes = random.bytes(20_000)
    bytes.withUnsafeBytes { raw in
      var lengths =
        Array(0...80) + [335, 336, 1_007, 1_008, 1_009, 4_079, 4_080, 4_081, 4_096, 8_192, 16_384]
      lengths += (0..<300).map { _ in Int(random.next() % 18_000) }
      for length in lengths {
        let start = Int(random.next() % 64)
        let part = UnsafeRawBufferPointer(rebasing: raw[start..<(start + length)])
        let seed = UInt32(truncatingIfNeeded: random.next())
        let expected = CRC32C.portable(part, seed: seed)
        #expect(CRC32C.of(part, seed: seed) == expected, "length \(length) start \(start)")
        if seed % 8 == 0 { #expect(bitwise(part) == CRC32C.of(part), "length \(length) start \(start)") }
      }
    }
  }

  @Test func everyLengthAroundFoldingSeed10() {
    var random = TestRandom(10)
    let bytes = random.bytes(9_000)
    bytes.withUnsafeBytes { raw in
      for length in Array(0...1_200) + Array(4_000...4_200) + Array(8_100...8_200) {
        let start = length % 65
        let part = UnsafeRawBufferPointer(rebasing: raw[start..<(start + length)])
        let seed = UInt32(truncatingIfNeeded: random.next())
        #expect(CRC32C.of(part, seed: seed) == CRC32C.portable(part, seed: seed), "length \(length)")
      }
    }
  }

  @Test func continuationEqualsConcatenationSeed8() {
    var random = TestRandom(8)
    let bytes = random.bytes(9_000)
    bytes.withUnsafeBytes { raw in
      let whole = CRC32C.of(raw)
      for _ in 0..<200 {
        let cut = Int(random.next() % 9_001)
        let first = UnsafeRawBufferPointer(rebasing: raw[..<cut])
        let second = UnsafeRawBufferPointer(rebasing: raw[cut...])
        #expect(CRC32C.of(second, seed: CRC32C.of(first)) == whole)
      }
    }
  }

  @Test func everyFlippedBitOfAPageIsSeen() {
    var random = TestRandom(9)
    var page = random.bytes(4_096)
    let whole = page.withUnsafeBytes { CRC32C.of($0) }
    for bit in stride(from: 0, to: 8 * 4_096, by: 7) {
      page[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(page.withUnsafeBytes { CRC32C.of($0) } != whole)
      page[bit / 8] ^= 1 << UInt8(bit % 8)
    }
  }
}
