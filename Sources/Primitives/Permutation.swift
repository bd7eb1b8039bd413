// A bijection of 0 ..< count computed in constant memory: the order in which keys are inserted, or which key a rank is.
//
//   index = left · columns + right      columns ≈ rows ≈ √count, rows · columns ≥ count
//     ── six rounds, in turn:  left += f(right, key) mod rows,  right += f(left, key) mod columns ──▶ again a pair
//     ── result ≥ count? apply again (cycle walking; with probability below 1/√count)
//     ── rotate by a seeded distance
//
// Each round is undone by a subtraction, so the network is a bijection of the pairs whatever f is; walking a cycle until
// it re-enters 0 ..< count keeps it one there. The rotation makes every element land everywhere equally often over
// seeds, in the smallest worlds too.
//
// Invariants
// 1. `inverse(self[i]) == i` and `self[inverse(j)] == j` for all i, j in 0 ..< count.
// 2. The bijection is a function of (count, seed) alone; the known answers in the tests never change.
//
// Source: M. Luby, C. Rackoff, SIAM J. Comput. 17(2), 1988 (Feistel rounds); J. Black, P. Rogaway, CT-RSA 2002
// (rectangles, cycle walking).

/// A pseudo-random permutation of `0 ..< count`.
public struct Permutation: Sendable {
  /// The number of elements permuted.
  public let count: UInt64
  @usableFromInline let rows: UInt64
  @usableFromInline let columns: UInt64
  @usableFromInline let rotation: UInt64
  @usableFromInline let keys: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  /// The permutation of `0 ..< count` named by `seed`.
  ///
  /// - Parameter count: at least 1, at most 2⁶².
  public init(count: UInt64, seed: UInt64) {
    precondition(count > 0 && count <= 1 << 62, "A permutation has between 1 and 2^62 elements.")
    self.count = count
    // The root in doubles is off by at most a little; any value near it serves.
    columns = min(max(1, UInt64(Double(count).squareRoot())), 1 << 31)
    rows = (count + columns - 1) / columns
    let random = CounterRandom(seed: seed, stream: 0x5045_524D)
    rotation = random.uniform(below: count, 6)
    keys = (random.draw(0), random.draw(1), random.draw(2), random.draw(3), random.draw(4), random.draw(5))
  }

  /// One round function: a keyed multiplication, its upper 32 bits scaled to `0 ..< bound` (bound ≤ 2³²).
  @inlinable @inline(__always) static func round(_ value: UInt64, _ key: UInt64, below bound: UInt64)
    -> UInt64
  {
    let x = (value ^ key) &* 0x9E37_79B9_7F4A_7C15
    return ((x ^ (x << 23)) >> 32 &* bound) >> 32
  }

  /// (value + step) mod bound, for both below bound.
  @inlinable @inline(__always) static func add(_ value: UInt64, _ step: UInt64, _ bound: UInt64) -> UInt64 {
    let sum = value &+ step
    return sum >= bound ? sum &- bound : sum
  }

  /// (value − step) mod bound, for both below bound.
  @inlinable @inline(__always) static func subtract(_ value: UInt64, _ step: UInt64, _ bound: UInt64)
    -> UInt64
  {
    value >= step ? value &- step : value &+ bound &- step
  }

  /// Where `index` goes. Cost: about 16 ns.
  ///
  /// - Parameter index: in `0 ..< count`.
  @inlinable public subscript(index: UInt64) -> UInt64 {
    precondition(index < count, "A permuted index lies within the permutation.")
    var value = index
    repeat {
      var (left, right) = value.quotientAndRemainder(dividingBy: columns)
      left = Self.add(left, Self.round(right, keys.0, below: rows), rows)
      right = Self.add(right, Self.round(left, keys.1, below: columns), columns)
      left = Self.add(left, Self.round(right, keys.2, below: rows), rows)
      right = Self.add(right, Self.round(left, keys.3, below: columns), columns)
      left = Self.add(left, Self.round(right, keys.4, below: rows), rows)
      right = Self.add(right, Self.round(left, keys.5, below: columns), columns)
      value = left &* columns &+ right
    } while value >= count
    return Self.add(value, rotation, count)
  }

  /// The index that goes to `position`. Cost: as the subscript.
  ///
  /// - Parameter position: in `0 ..< count`.
  @inlinable public func inverse(_ position: UInt64) -> UInt64 {
    precondition(position < count, "A permuted position lies within the permutation.")
    var value = Self.subtract(position, rotation, count)
    repeat {
      var (left, right) = value.quotientAndRemainder(dividingBy: columns)
      right = Self.subtract(right, Self.round(left, keys.5, below: columns), columns)
      left = Self.subtract(left, Self.round(right, keys.4, below: rows), rows)
      right = Self.subtract(right, Self.round(left, keys.3, below: columns), columns)
      left = Self.subtract(left, Self.round(right, keys.2, below: rows), rows)
      right = Self.subtract(right, Self.round(left, keys.1, below: columns), columns)
      left = Self.subtract(left, Self.round(right, keys.0, below: rows), rows)
      value = left &* columns &+ right
    } while value >= count
    return value
  }
}
