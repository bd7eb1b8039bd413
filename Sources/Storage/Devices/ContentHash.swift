// A 64-bit hash of bytes for comparing images: fixed for ever, equal on every machine, not cryptographic.

/// Hashing of whole units.
package enum ContentHash {
  /// A bijection of 64-bit numbers that spreads every bit (the finaliser of SplitMix64).
  @inline(__always) package static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The hash of `byteCount` bytes, a multiple of 8, read as little-endian words.
  package static func hash(_ bytes: UnsafeRawPointer, _ byteCount: Int) -> UInt64 {
    var result: UInt64 = 0x6265_7475_6C61_2E2E ^ UInt64(byteCount)
    for position in stride(from: 0, to: byteCount, by: 8) {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      result = (result ^ word) &* 0x9FB2_1C65_1E98_DF25
      result ^= result >> 32
    }
    return mix(result)
  }

  /// Half of the hash: enough to find a frame that somebody changed.
  static func checksum(_ bytes: UnsafeRawPointer, _ byteCount: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: hash(bytes, byteCount))
  }

  /// Whether all `byteCount` bytes, a multiple of 8, are zero.
  package static func isZero(_ bytes: UnsafeRawPointer, _ byteCount: Int) -> Bool {
    for position in stride(from: 0, to: byteCount, by: 8)
    where bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self) != 0 { return false }
    return true
  }
}
