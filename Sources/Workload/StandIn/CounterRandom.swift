// Random numbers by position: draw i of a stream is a function of (seed, stream, i, sub), so any part of a run can be
// drawn again, in any order and on any thread.
//
//   i + key₀ ──mix──▶ + key₁ + sub·odd ──mix──▶ ──mix──▶ draw          (each mix: x ^= x >> k; x *= odd)
//
// Invariants
// 1. A draw depends on nothing but (seed, stream, i, sub); the known answers in the tests never change.
// 2. For fixed seed, stream and sub, i ↦ draw is a bijection of 64-bit integers: no two draws of a stream collide.
// 3. The second key enters after the first mix, so two streams are never shifted copies of one another.

/// A counter-based generator. A value: copying it copies two words, drawing does not change it.
public struct CounterRandom: Sendable, Hashable {
  @usableFromInline let firstKey: UInt64
  @usableFromInline let secondKey: UInt64

  /// The generator of one stream of a seed.
  ///
  /// - Parameters:
  ///   - seed: the run's seed.
  ///   - stream: which use of randomness this is (keys, values, operation kinds, …); streams are independent.
  @inlinable public init(seed: UInt64, stream: UInt64) {
    let mixedSeed = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
    let mixedStream = Self.mix(stream &+ 0xD1B5_4A32_D192_ED03)
    firstKey = Self.mix(mixedSeed ^ (mixedStream &* 0xA24B_AED4_963E_E407))
    secondKey = Self.mix(firstKey ^ mixedStream &+ 0x9FB2_1C65_1E98_DF25)
  }

  /// The full avalanche step: a bijection of 64-bit integers.
  ///
  /// Source: D. Stafford, "Better bit mixing" (2011), variant 13, the finaliser of SplitMix64.
  @inlinable @inline(__always) static func mix(_ value: UInt64) -> UInt64 {
    var x = value
    x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
    x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
    return x ^ (x >> 31)
  }

  /// The `index`-th draw, uniform over all 64-bit integers.
  ///
  /// - Parameters:
  ///   - index: the position in the stream.
  ///   - sub: which draw at that position; below 2⁴⁸ (higher values are `uniform`'s retries).
  @inlinable @inline(__always) public func draw(_ index: UInt64, _ sub: UInt64 = 0) -> UInt64 {
    var x = index &+ firstKey
    x = (x ^ (x >> 32)) &* 0x9E37_79B9_7F4A_7C15
    x = x &+ secondKey &+ sub &* 0xD6E8_FEB8_6659_FD93
    return Self.mix(x ^ (x >> 29))
  }

  /// An integer uniform over `0 ..< bound`, without bias.
  ///
  /// Multiply-shift; a draw that falls into the short remainder interval is drawn again at
  /// `sub + attempt · 2⁴⁸` (on average fewer than bound / 2⁶⁴ times).
  ///
  /// - Parameter bound: at least 1.
  /// Source: D. Lemire, "Fast random integer generation in an interval", ACM TOMACS 29(1), 2019.
  @inlinable public func uniform(below bound: UInt64, _ index: UInt64, _ sub: UInt64 = 0) -> UInt64 {
    precondition(bound > 0, "A uniform draw needs a bound of at least 1.")
    var product = draw(index, sub).multipliedFullWidth(by: bound)
    if product.low < bound {
      let remainder = (0 &- bound) % bound
      var attempt: UInt64 = 0
      while product.low < remainder {
        attempt &+= 1
        product = draw(index, sub &+ attempt &<< 48).multipliedFullWidth(by: bound)
      }
    }
    return product.high
  }

  /// A number uniform over the 2⁵³ multiples of 2⁻⁵³ in [0, 1).
  @inlinable public func unit(_ index: UInt64, _ sub: UInt64 = 0) -> Double {
    Double(draw(index, sub) >> 11) * 0x1p-53
  }
}
