// Integer mixing used by keys, values and the stream hash: a bijection with its inverse, and a cheaper one-way fold.
//
//   scatter   x ^= x >> 32, x *= m, x ^= x >> 32, x *= m, x ^= x >> 32      (a bijection; `gather` undoes it)
//   fold      x ^= x >> 32, x *= m', x ^= x >> 29                           (a bijection too, one multiplication)
//
// Invariants
// 1. `gather(scatter(x)) == x` for every 64-bit x.
// 2. The outputs never change: keys on devices and golden streams are made of them.
//
// Source: the xorshift-multiply construction of D. Stafford, "Better bit mixing" (2011); multiplier of P. Evensen's and
// "degski64"'s published searches.

/// Integer mixing steps.
enum Mixing {
  /// An odd constant whose multiples are spread evenly: 2⁶⁴ ÷ golden ratio.
  static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// Spreads `value` over all 64-bit integers, one to one.
  @inline(__always) static func scatter(_ value: UInt64) -> UInt64 {
    var x = value
    x = (x ^ (x >> 32)) &* 0xD6E8_FEB8_6659_FD93
    x = (x ^ (x >> 32)) &* 0xD6E8_FEB8_6659_FD93
    return x ^ (x >> 32)
  }

  /// The value that `scatter` sends to `scattered`.
  @inline(__always) static func gather(_ scattered: UInt64) -> UInt64 {
    var x = scattered
    x = (x ^ (x >> 32)) &* 0xCFEE_444D_8B59_A89B
    x = (x ^ (x >> 32)) &* 0xCFEE_444D_8B59_A89B
    return x ^ (x >> 32)
  }

  /// One cheap mixing step, for filler that only has to look random.
  @inline(__always) static func fold(_ value: UInt64) -> UInt64 {
    let x = (value ^ (value >> 32)) &* 0xBF58_476D_1CE4_E5B9
    return x ^ (x >> 29)
  }
}

/// Numbers of the random streams of one seed. A stream's meaning never changes.
enum StreamNumber {
  /// The keys of the key codec.
  static let keys: UInt64 = 0x4B45_5953
  /// The key of the value codec.
  static let values: UInt64 = 0x5641_4C55
  /// Which key is hot: shared by all phases, so that a warmed set stays the hot set.
  static let hotKeys: UInt64 = 0x484F_5453
  /// The order of a random load.
  static let loadOrder: UInt64 = 0x4C4F_4144

  /// The stream of one purpose within one phase.
  static func phase(_ ordinal: Int, _ purpose: Purpose) -> UInt64 {
    0x5048_4153_0000_0000 + UInt64(ordinal) * 16 + purpose.rawValue
  }

  /// What a phase draws.
  enum Purpose: UInt64 { case operation = 0, key = 1, length = 2, operand = 3 }
}
