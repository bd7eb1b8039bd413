// A bijection of 0 ..< count computed in constant memory: the order in which keys are inserted, or which key a rank is.
//
//   index = [ left | right ]   ── six rounds, halves in turn: half ^= f(other half, round key) ──▶ [ left | right ]
//   result ≥ count? apply again (cycle walking)
//
// A Feistel network is a bijection of 0 ..< 2ᵇ whatever f is; walking a cycle until it re-enters 0 ..< count keeps it
// one there. b is the smallest with 2ᵇ ≥ count, so fewer than two steps are expected.
//
// Invariants
// 1. `inverse(self[i]) == i` and `self[inverse(j)] == j` for all i, j in 0 ..< count.
// 2. The bijection is a function of (count, seed) alone; the known answers in the tests never change.
//
// Source: M. Luby, C. Rackoff, SIAM J. Comput. 17(2), 1988 (Feistel rounds); J. Black, P. Rogaway, CT-RSA 2002
// (cycle walking).

/// A pseudo-random permutation of `0 ..< count`.
public struct Permutation: Sendable {
  /// The number of elements permuted.
  public let count: UInt64
  @usableFromInline let rightBitCount: UInt64
  @usableFromInline let leftMask: UInt64
  @usableFromInline let rightMask: UInt64
  @usableFromInline let keys: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  /// The permutation of `0 ..< count` named by `seed`.
  ///
  /// - Parameter count: at least 1, at most 2⁶².
  public init(count: UInt64, seed: UInt64) {
    precondition(count > 0 && count <= 1 << 62, "A permutation has between 1 and 2^62 elements.")
    self.count = count
    let bitCount = max(2, UInt64(64 - (count - 1).leadingZeroBitCount))
    let leftBitCount = bitCount / 2
    rightBitCount = bitCount - leftBitCount
    leftMask = (1 << leftBitCount) - 1
    rightMask = (1 << rightBitCount) - 1
    let random = CounterRandom(seed: seed, stream: 0x5045_524D)
    keys = (random.draw(0), random.draw(1), random.draw(2), random.draw(3), random.draw(4), random.draw(5))
  }

  /// One round function: the middle bits of a keyed multiplication.
  @inlinable @inline(__always) static func round(_ value: UInt64, _ key: UInt64) -> UInt64 {
    let x = (value ^ key) &* 0x9E37_79B9_7F4A_7C15
    return (x ^ (x >> 29)) >> 17
  }

  /// Where `index` goes.
  ///
  /// - Parameter index: in `0 ..< count`.
  @inlinable public subscript(index: UInt64) -> UInt64 {
    precondition(index < count, "A permuted index lies within the permutation.")
    var value = index
    repeat {
      var left = value >> rightBitCount
      var right = value & rightMask
      left ^= Self.round(right, keys.0) & leftMask
      right ^= Self.round(left, keys.1) & rightMask
      left ^= Self.round(right, keys.2) & leftMask
      right ^= Self.round(left, keys.3) & rightMask
      left ^= Self.round(right, keys.4) & leftMask
      right ^= Self.round(left, keys.5) & rightMask
      value = left << rightBitCount | right
    } while value >= count
    return value
  }

  /// The index that goes to `position`.
  ///
  /// - Parameter position: in `0 ..< count`.
  @inlinable public func inverse(_ position: UInt64) -> UInt64 {
    precondition(position < count, "A permuted position lies within the permutation.")
    var value = position
    repeat {
      var left = value >> rightBitCount
      var right = value & rightMask
      right ^= Self.round(left, keys.5) & rightMask
      left ^= Self.round(right, keys.4) & leftMask
      right ^= Self.round(left, keys.3) & rightMask
      left ^= Self.round(right, keys.2) & leftMask
      right ^= Self.round(left, keys.1) & rightMask
      left ^= Self.round(right, keys.0) & leftMask
      value = left << rightBitCount | right
    } while value >= count
    return value
  }
}
