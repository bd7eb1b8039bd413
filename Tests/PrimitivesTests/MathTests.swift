// Goal: exp2, log2, ln, exp and pow are accurate, and the same bits everywhere.
// Method: against the C library on dense and random samples (the only place it is used), exact cases, IEEE special
// cases, and golden bit patterns that must hold on every machine.

import Foundation
import Testing

@testable import Primitives

@Suite struct MathTests {
  /// The distance of two doubles in units in the last place of the expected one.
  func ulps(_ value: Double, _ expected: Double) -> Double {
    if value == expected || (value.isNaN && expected.isNaN) { return 0 }
    return abs(value - expected) / expected.ulp
  }

  @Test func exponentialsAgreeWithTheLibrarySeed41() {
    var random = TestRandom(41)
    var worst = (exp2: 0.0, exp: 0.0)
    for _ in 0..<100_000 {
      let unit = Double(random.next() >> 11) * 0x1p-53
      let x = (unit - 0.5) * 2_040
      worst.exp2 = max(worst.exp2, ulps(DeterministicMath.exp2(x), Foundation.exp2(x)))
      let y = (unit - 0.5) * 1_400
      worst.exp = max(worst.exp, ulps(DeterministicMath.exp(y), Foundation.exp(y)))
      let z = (unit - 0.5) * 2
      worst.exp2 = max(worst.exp2, ulps(DeterministicMath.exp2(z), Foundation.exp2(z)))
      worst.exp = max(worst.exp, ulps(DeterministicMath.exp(z), Foundation.exp(z)))
    }
    #expect(worst.exp2 <= 1.5 && worst.exp <= 1.5, "\(worst)")
  }

  @Test func logarithmsAgreeWithTheLibrarySeed42() {
    var random = TestRandom(42)
    var worst = (log2: 0.0, ln: 0.0)
    func check(_ x: Double) {
      worst.log2 = max(worst.log2, ulps(DeterministicMath.log2(x), Foundation.log2(x)))
      worst.ln = max(worst.ln, ulps(DeterministicMath.ln(x), Foundation.log(x)))
    }
    for step in 0...20_000 { check(0.4 + Double(step) * 0.0001) }
    for _ in 0..<100_000 {
      let x = Double(bitPattern: random.next() >> 1)
      if x.isFinite && x > 0 { check(x) }
      check(1 + Double(random.next() >> 11) * 0x1p-63)
    }
    #expect(worst.log2 <= 1.5 && worst.ln <= 1.5, "\(worst)")
  }

  @Test func powersAgreeWithTheLibrarySeed43() {
    var random = TestRandom(43)
    var worst = 0.0
    func check(_ x: Double, _ y: Double) {
      let expected = Foundation.pow(x, y)
      if expected.isFinite && expected > 0x1p-1020 {
        worst = max(worst, ulps(DeterministicMath.pow(x, y), expected))
      }
    }
    for _ in 0..<100_000 {
      let (a, b) = (Double(random.next() >> 11) * 0x1p-53, Double(random.next() >> 11) * 0x1p-53)
      check(a * 100, (b - 0.5) * 200)
      check(1 + a * 1e-6, b * 1e8)
      check(Double(1 + random.next() % 1_000_000), -b)
      check(Double(bitPattern: (random.next() >> 2) + 1 << 61), (b - 0.5) * 4)
    }
    #expect(worst <= 1.5, "\(worst)")
  }

  @Test func wholePowersOfTwoAreExact() {
    for k in -1_074...1_023 {
      let power = Double(sign: .plus, exponent: k, significand: 1)
      #expect(DeterministicMath.exp2(Double(k)) == power)
      #expect(DeterministicMath.log2(power) == Double(k))
      #expect(DeterministicMath.pow(2, Double(k)) == power)
    }
    #expect(DeterministicMath.ln(1) == 0)
    #expect(DeterministicMath.exp(0) == 1)
    for n in 1...15 { #expect(DeterministicMath.pow(10, Double(n)) == Foundation.pow(10, Double(n))) }
  }

  @Test func specialCasesFollowIEEE754() {
    let special: [Double] = [
      0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 2.5, -2.5, .infinity, -.infinity, .nan, 1e300, -1e300, 1e-300,
      -1e-300, .leastNonzeroMagnitude, 1e16, -1e16, 9_007_199_254_740_991, -9_007_199_254_740_991,
    ]
    for x in special {
      for y in special {
        let (value, expected) = (DeterministicMath.pow(x, y), Foundation.pow(x, y))
        let same = value.isNaN ? expected.isNaN : ulps(value, expected) <= 1 && value.sign == expected.sign
        #expect(same, "pow(\(x), \(y)) = \(value), expected \(expected)")
      }
      for (value, expected) in [
        (DeterministicMath.exp2(x), Foundation.exp2(x)), (DeterministicMath.exp(x), Foundation.exp(x)),
        (DeterministicMath.log2(x), Foundation.log2(x)), (DeterministicMath.ln(x), Foundation.log(x)),
        (DeterministicMath.floor(x), x.rounded(.down)), (DeterministicMath.ceiling(x), x.rounded(.up)),
      ] {
        #expect(
          value.isNaN ? expected.isNaN : ulps(value, expected) <= 1, "at \(x): \(value), expected \(expected)"
        )
      }
    }
    for x in [709.9, 1_024, 5_000] as [Double] { #expect(DeterministicMath.exp2(x * 2) == .infinity) }
    #expect(DeterministicMath.exp2(-1_080) == 0 && DeterministicMath.exp(-800) == 0)
    #expect(DeterministicMath.exp2(-1_060.5) == Foundation.exp2(-1_060.5))
  }

  @Test func goldenBits() {
    let values = [
      DeterministicMath.exp2(0.1), DeterministicMath.exp2(-3.7), DeterministicMath.exp(1),
      DeterministicMath.exp(-20.25), DeterministicMath.log2(3), DeterministicMath.log2(0.7),
      DeterministicMath.ln(10), DeterministicMath.ln(1.0001), DeterministicMath.pow(1.7, 33.3),
      DeterministicMath.pow(12_345, -0.99), DeterministicMath.pow(0.999, 12_345.678),
    ]
    #expect(values.map(\.bitPattern) == Self.goldenBits)
  }

  @Test func integerPowers() {
    #expect(DeterministicMath.integerPower(3, 0) == 1)
    #expect(DeterministicMath.integerPower(3, 13) == 1_594_323)
    #expect(DeterministicMath.integerPower(2, 63) == 1 << 63)
  }
}
