// Values that verify themselves: size and bytes are a pure function of (seed, key index, version).
//
//   16 bytes or more   │ key index, LE 8 │ version, LE 4 │ tag 4 │ fill words …                    │
//   1 … 15 bytes       │ tag words, cut to the length        │
//   0 bytes            nothing to check but the length
//
// Invariants
// 1. `verify` recomputes every byte, so any change of any bit, and any other length, is found.
// 2. From 16 bytes on a value names its key index and version (`claim`), so a wrong answer can be explained.
// 3. Values of other keys, versions or seeds verify with probability 2⁻³² (2⁻⁸ⁿ for n < 16 bytes, at most 2⁻⁶⁴).

import Primitives

/// Makes and verifies values. A value of a few words; O(value bytes) and no allocation per value.
public struct ValueCodec: Sendable, Equatable {
  /// The distribution of sizes.
  public let sizes: ValueSizes
  private let key: UInt64
  /// The size of every value, −1 when sizes differ.
  private let fixedByteCount: Int

  /// A codec.
  ///
  /// - Parameter seed: the run's seed; another seed gives other values.
  public init(sizes: ValueSizes = .fixed(100), seed: UInt64) {
    self.sizes = sizes
    key = CounterRandom(seed: seed, stream: StreamNumber.values).draw(0)
    if case .fixed(let count) = sizes { fixedByteCount = count } else { fixedByteCount = -1 }
  }

  /// The size of the value of `keyIndex` at `version`, in bytes.
  public func byteCount(keyIndex: UInt64, version: UInt32) -> Int {
    if fixedByteCount >= 0 { return fixedByteCount }
    if case .recorded(let lengths) = sizes { return lengths[version] }
    let word = source(keyIndex, version)
    return sizes.byteCount(draw: Mixing.scatter(word &+ Mixing.golden))
  }

  /// Writes the bytes of the value of `keyIndex` at `version`, as many as the buffer has: a whole value when that is
  /// `byteCount(keyIndex:version:)`, an operand of an upsert otherwise.
  public func fill(into buffer: UnsafeMutableRawBufferPointer, keyIndex: UInt64, version: UInt32) {
    let count = buffer.count
    guard count > 0, let base = buffer.baseAddress else { return }
    let word = source(keyIndex, version)
    if count < 16 {
      fillShort(base, count, word)
      return
    }
    if count > 16 { base.setU64(count - 8, Mixing.fold(word)) }
    base.setU64(0, keyIndex)
    base.setU64(8, header(word, version))
    var state = word
    var offset = 16
    while offset + 8 < count {
      state = state &+ Mixing.golden
      base.setU64(offset, Mixing.fold(state))
      offset += 8
    }
  }

  /// Whether these are exactly the bytes of the value of `keyIndex` at `version`.
  public func verify(_ bytes: RawSpan, keyIndex: UInt64, version: UInt32) -> Bool {
    if bytes.byteCount != byteCount(keyIndex: keyIndex, version: version) { return false }
    return matches(bytes, keyIndex: keyIndex, version: version)
  }

  /// Whether these are the bytes that `fill` writes for `keyIndex` and `version` into a buffer of this length.
  public func matches(_ bytes: RawSpan, keyIndex: UInt64, version: UInt32) -> Bool {
    bytes.withUnsafeBytes { buffer in
      let count = buffer.count
      guard count > 0, let base = buffer.baseAddress else { return true }
      let word = source(keyIndex, version)
      if count < 16 { return matchesShort(base, count, word) }
      var difference = (base.u64(0) ^ keyIndex) | (base.u64(8) ^ header(word, version))
      var state = word
      var offset = 16
      while offset + 8 < count {
        state = state &+ Mixing.golden
        difference |= base.u64(offset) ^ Mixing.fold(state)
        offset += 8
      }
      if offset < count {
        // The last word ends with the value; its first bytes lie under what was compared already.
        let covered = UInt64(8 - (count - offset)) * 8
        difference |= (base.u64(count - 8) ^ Mixing.fold(word)) >> covered
      }
      return difference == 0
    }
  }

  /// Which value these bytes are, when they are one of at least 16 bytes and unchanged.
  public func claim(of bytes: RawSpan) -> (keyIndex: UInt64, version: UInt32)? {
    guard bytes.byteCount >= 16 else { return nil }
    let (keyIndex, version) = bytes.withUnsafeBytes { buffer in
      (
        UInt64(littleEndian: buffer.loadUnaligned(as: UInt64.self)),
        UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
      )
    }
    return verify(bytes, keyIndex: keyIndex, version: version) ? (keyIndex, version) : nil
  }

  /// The word that all bytes of a value are derived from.
  @inline(__always) private func source(_ keyIndex: UInt64, _ version: UInt32) -> UInt64 {
    var x = keyIndex &* 0xA24B_AED4_963E_E407 &+ key
    x = (x ^ (x >> 32)) &+ UInt64(version) &* 0x9FB2_1C65_1E98_DF25
    x = (x ^ (x >> 32)) &* 0xD6E8_FEB8_6659_FD93
    return x ^ (x >> 32)
  }

  @inline(__always) private func header(_ word: UInt64, _ version: UInt32) -> UInt64 {
    UInt64(version) | (word &* 0xD6E8_FEB8_6659_FD93) & 0xFFFF_FFFF_0000_0000
  }

  private func fillShort(_ base: UnsafeMutableRawPointer, _ count: Int, _ word: UInt64) {
    let first = Mixing.scatter(word)
    if count >= 8 {
      base.setU64(count - 8, Mixing.fold(first))
      base.setU64(0, first)
      return
    }
    for offset in 0..<count { base.setU8(offset, UInt8(truncatingIfNeeded: first >> (8 * UInt64(offset)))) }
  }

  private func matchesShort(_ base: UnsafeRawPointer, _ count: Int, _ word: UInt64) -> Bool {
    let first = Mixing.scatter(word)
    if count >= 8 {
      let covered = UInt64(16 - count) * 8
      let last = base.u64(count - 8) ^ Mixing.fold(first)
      return base.u64(0) == first && (covered == 64 || last >> covered == 0)
    }
    for offset in 0..<count
    where base.u8(offset) != UInt8(truncatingIfNeeded: first >> (8 * UInt64(offset))) { return false }
    return true
  }
}
