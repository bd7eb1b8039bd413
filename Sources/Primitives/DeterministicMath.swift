// exp2, log2, ln, exp and pow from + − × ÷ √ and integers alone: the same bits on every machine, so that distributions
// and models may use them and the files they reach stay byte-identical.
//
//   exp:  x = k·ln 2 + r, |r| ≤ ½ ln 2;  eˣ = 2ᵏ · Σ rⁿ/n!
//   ln:   x = 2ᵉ · m, m in [√½, √2);     ln x = e·ln 2 + 2 artanh(s), s = (m − 1)/(m + 1)
//   pow:  log2 x as an unevaluated sum of two doubles, times y, then exp2
//
// Invariants
// 1. No call leaves this file; IEEE 754 double arithmetic is never contracted or reordered by the compiler.
// 2. Errors stay below 2 units in the last place (1 for ln and log2 in the tests' samples); powers of two and exp2 of
//    whole numbers are exact.
//
// Source: the identities above; T. J. Dekker, Numer. Math. 18, 1971 (sums and products of doubles without error).

/// Elementary functions with results that do not depend on the machine.
public enum DeterministicMath {
  static let naturalLogOf2 = Double(bitPattern: 0x3FE6_2E42_FEFA_39EF)
  static let naturalLogOf2Rest = Double(bitPattern: 0x3C7A_BC9E_3B39_803F)
  // A shorter head of ln 2: products with integers below 2²⁰ are exact.
  static let naturalLogOf2Short = Double(bitPattern: 0x3FE6_2E42_FEE0_0000)
  static let naturalLogOf2ShortRest = Double(bitPattern: 0x3DEA_39EF_3579_3C76)
  static let log2OfE = Double(bitPattern: 0x3FF7_1547_652B_82FE)
  static let log2OfERest = Double(bitPattern: 0x3C77_77D0_FFDA_0D24)

  // MARK: Rounding

  /// The largest whole number not above `x`; exact for every finite x.
  public static func floor(_ x: Double) -> Double {
    // From 2⁵² on every double is whole.
    guard x.magnitude < 0x1p52 else { return x }
    let truncated = Double(Int64(x))
    return truncated > x ? truncated - 1 : truncated
  }

  /// The smallest whole number not below `x`; exact for every finite x.
  public static func ceiling(_ x: Double) -> Double { -floor(-x) }

  /// The whole number nearest to x, halves away from zero, for |x| < 2⁵².
  private static func nearest(_ x: Double) -> Int { Int(x < 0 ? x - 0.5 : x + 0.5) }

  // MARK: Exponentials

  /// 2 to the power x. Overflows to infinity at 1024, underflows to 0 below −1075.
  public static func exp2(_ x: Double) -> Double {
    if x.isNaN { return x }
    return exp2(x, rest: 0)
  }

  /// e to the power x. Overflows to infinity above 709.78, underflows to 0 below −745.2.
  public static func exp(_ x: Double) -> Double {
    if x.isNaN { return x }
    if x > 710 { return .infinity }
    if x < -746 { return 0 }
    let k = nearest(x * log2OfE)
    let head = x - Double(k) * naturalLogOf2Short
    let tail = Double(k) * naturalLogOf2ShortRest
    let r = head - tail
    return scaled(exponential(r, rest: (head - r) - tail), by: k)
  }

  /// 2 to the power x + rest, |rest| at most an ulp of x.
  private static func exp2(_ x: Double, rest: Double) -> Double {
    if x >= 1024.5 { return .infinity }
    if x < -1076 { return 0 }
    let k = nearest(x)
    // The fraction takes the rest in first: beside a large x it is far above an ulp of the fraction.
    let f = exactSum(x - Double(k), rest)
    let product = exactProduct(f.high, naturalLogOf2)
    let low = product.low + f.high * naturalLogOf2Rest + f.low * naturalLogOf2
    return scaled(exponential(product.high, rest: low), by: k)
  }

  /// e to the power r + rest for |r| ≤ 0.35: the Taylor series, next term below 2⁻⁵⁹.
  private static func exponential(_ r: Double, rest: Double) -> Double {
    var series = 1.0 / 87_178_291_200
    series = series * r + 1.0 / 6_227_020_800
    series = series * r + 1.0 / 479_001_600
    series = series * r + 1.0 / 39_916_800
    series = series * r + 1.0 / 3_628_800
    series = series * r + 1.0 / 362_880
    series = series * r + 1.0 / 40_320
    series = series * r + 1.0 / 5_040
    series = series * r + 1.0 / 720
    series = series * r + 1.0 / 120
    series = series * r + 1.0 / 24
    series = series * r + 1.0 / 6
    series = series * r + 0.5
    return 1 + (r + (rest + r * r * series))
  }

  /// m · 2ᵏ for m in [½, 2], k in −1080 ... 1025.
  private static func scaled(_ m: Double, by k: Int) -> Double {
    if k > 1023 { return m * 2 * powerOfTwo(k - 1) }
    if k >= -1022 { return m * powerOfTwo(k) }
    return m * powerOfTwo(k + 128) * 0x1p-128
  }

  private static func powerOfTwo(_ k: Int) -> Double { Double(bitPattern: UInt64(k + 1023) << 52) }

  // MARK: Logarithms

  /// The logarithm of x to base 2; −infinity at 0, not a number below.
  public static func log2(_ x: Double) -> Double {
    if let special = logarithmOfSpecial(x) { return special }
    let result = log2InTwoParts(x)
    return result.high + result.low
  }

  /// The natural logarithm of x; −infinity at 0, not a number below.
  public static func ln(_ x: Double) -> Double {
    if let special = logarithmOfSpecial(x) { return special }
    let (m, exponent) = split(x)
    let e = Double(exponent)
    let f = m - 1
    let s = f / (2 + f)
    let z = s * s
    // 2·(artanh(s)/s − 1): the series 2z/3 + 2z²/5 + …
    let tail = 2 * z * (1.0 / 3 + z * inverseOddSeries(z))
    // artanh(s)·2 = f − (f²/2 − s·(f²/2 + tail)), which keeps the exact f in front.
    let halfSquare = 0.5 * f * f
    let correction = s * (halfSquare + tail) + e * naturalLogOf2ShortRest
    return e * naturalLogOf2Short - ((halfSquare - correction) - f)
  }

  private static func logarithmOfSpecial(_ x: Double) -> Double? {
    if x.isNaN || x < 0 { return .nan }
    if x == 0 { return -.infinity }
    return x == .infinity ? x : nil
  }

  /// x = m · 2ᵉ with m in [√½, √2), for finite x > 0.
  private static func split(_ x: Double) -> (m: Double, e: Int) {
    var bits = x.bitPattern
    var e = 0
    if bits >> 52 == 0 {
      bits = (x * 0x1p54).bitPattern
      e = -54
    }
    e += Int(bits >> 52) - 1023
    let m = Double(bitPattern: bits & 0x000F_FFFF_FFFF_FFFF | 0x3FF0_0000_0000_0000)
    return m > 1.4142135623730951 ? (m * 0.5, e + 1) : (m, e)
  }

  /// 1/5 + z/7 + z²/9 + …, for 0 ≤ z < 0.0295; the next term is below 2⁻⁵⁷.
  private static func inverseOddSeries(_ z: Double) -> Double {
    var series = 1.0 / 27
    series = series * z + 1.0 / 25
    series = series * z + 1.0 / 23
    series = series * z + 1.0 / 21
    series = series * z + 1.0 / 19
    series = series * z + 1.0 / 17
    series = series * z + 1.0 / 15
    series = series * z + 1.0 / 13
    series = series * z + 1.0 / 11
    series = series * z + 1.0 / 9
    series = series * z + 1.0 / 7
    return series * z + 1.0 / 5
  }

  /// log2 x as a sum of two doubles, with about 64 good bits: what `pow` needs before it multiplies by up to 1,074.
  private static func log2InTwoParts(_ x: Double) -> (high: Double, low: Double) {
    let (m, e) = split(x)
    let f = m - 1
    // s = f / (m + 1).
    let divisor = exactSum(m, 1)
    let s = f / divisor.high
    let product = exactProduct(s, divisor.high)
    let sRest = ((f - product.high) - product.low - s * divisor.low) / divisor.high
    // z = s², then s³/3.
    var square = exactProduct(s, s)
    square.low += 2 * s * sRest
    var cube = exactProduct(s, square.high)
    cube.low += s * square.low + sRest * square.high
    let third = cube.high / 3
    let check = exactProduct(third, 3)
    let thirdRest = ((cube.high - check.high) - check.low + cube.low) / 3
    let tail = square.high * square.high * s * inverseOddSeries(square.high)
    // artanh(s) = s + s³/3 + tail, times 2·log2 e, plus e.
    let sum = exactSum(s, third)
    let sumRest = sum.low + (sRest + (thirdRest + tail))
    let factor = 2 * log2OfE
    var result = exactProduct(sum.high, factor)
    result.low += sum.high * (2 * log2OfERest) + sumRest * factor
    let total = exactSum(Double(e), result.high)
    return exactSum(total.high, total.low + result.low)
  }

  // MARK: Powers

  /// x to the power y, with the special cases of IEEE 754 `pow`.
  public static func pow(_ x: Double, _ y: Double) -> Double {
    if y == 0 || x == 1 { return 1 }
    if x.isNaN || y.isNaN { return .nan }
    let magnitude = x.magnitude
    if y.isInfinite {
      if magnitude == 1 { return 1 }
      return (magnitude > 1) == (y > 0) ? .infinity : 0
    }
    let isWhole = floor(y) == y
    let isOdd = isWhole && y.magnitude < 0x1p53 && Int64(y) & 1 != 0
    let sign = x.sign == .minus && isOdd ? -1.0 : 1.0
    if magnitude == 0 { return sign * (y > 0 ? 0 : .infinity) }
    if magnitude == .infinity { return sign * (y > 0 ? .infinity : 0) }
    if x < 0 && !isWhole { return .nan }
    let logarithm = log2InTwoParts(magnitude)
    let estimate = y * logarithm.high
    if estimate > 1025 { return sign * .infinity }
    if estimate < -1076 { return sign * 0 }
    var exponent = exactProduct(y, logarithm.high)
    exponent.low += y * logarithm.low
    return sign * exp2(exponent.high, rest: exponent.low)
  }

  /// `base` to a whole power by repeated squaring; wraps around on overflow.
  public static func integerPower(_ base: UInt64, _ exponent: UInt64) -> UInt64 {
    var result: UInt64 = 1
    var square = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 != 0 { result = result &* square }
      square = square &* square
      rest >>= 1
    }
    return result
  }

  // MARK: Exact pairs

  /// a + b = high + low exactly. Source: D. Knuth, TAOCP 2, section 4.2.2.
  private static func exactSum(_ a: Double, _ b: Double) -> (high: Double, low: Double) {
    let sum = a + b
    let second = sum - a
    return (sum, (a - (sum - second)) + (b - second))
  }

  /// a · b = high + low exactly, for |a|, |b| < 2⁹⁹⁶. Source: T. J. Dekker, 1971, section 5.
  private static func exactProduct(_ a: Double, _ b: Double) -> (high: Double, low: Double) {
    let product = a * b
    let (aHigh, aLow) = halves(a)
    let (bHigh, bLow) = halves(b)
    let low = ((aHigh * bHigh - product) + aHigh * bLow + aLow * bHigh) + aLow * bLow
    return (product, low)
  }

  /// a as a sum of two doubles of 26 bits each.
  private static func halves(_ a: Double) -> (high: Double, low: Double) {
    let scaled = 134_217_729 * a
    let high = scaled - (scaled - a)
    return (high, a - high)
  }
}
