// Exact Zipf ranks for any exponent, by rejection-inversion: rank k (from 1) with probability k^−θ ÷ Σ i^−θ.
//
//   h(x) = x^−θ          H(x) = ∫ h = (x^(1−θ) − 1) ÷ (1 − θ),   ln x for θ = 1
//
//   u ~ uniform (H(3/2) − 1, H(n + 1/2)]  ──▶  x = H⁻¹(u)  ──▶  k = ⌊x + 1/2⌋ within 1 … n
//   accept when k − x ≤ s  or  u ≥ H(k + 1/2) − h(k);   otherwise draw again (sub-draw + 1)
//
// Invariants
// 1. The result is exactly Zipf up to rounding of double arithmetic; fewer than 1.2 draws are expected for any θ, n.
// 2. A rank is a pure function of (random, ordinal, n): attempts are the sub-draws 0, 1, 2 … of the ordinal.
//
// For |1 − θ| < 10⁻⁴ the quotients of H and H⁻¹ lose digits; short series take their place (error below 10⁻¹⁴).
//
// Source: W. Hörmann, G. Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions",
// ACM TOMACS 6(3), 1996, section 3 and algorithm RI.

import KeyValue
import Primitives

/// H and its inverse for one exponent.
struct PowerIntegral: Sendable {
  private let oneMinusTheta: Double
  private let inverseOneMinusTheta: Double
  private let isNearOne: Bool

  init(theta: Double) {
    oneMinusTheta = 1 - theta
    isNearOne = oneMinusTheta.magnitude < 1e-4
    inverseOneMinusTheta = isNearOne ? 0 : 1 / oneMinusTheta
  }

  /// H(x) for x > 0.
  func value(_ x: Double) -> Double {
    let logarithm = ApproximatePower.ln(x)
    let z = oneMinusTheta * logarithm
    if !isNearOne { return (ApproximatePower.exp(z) - 1) * inverseOneMinusTheta }
    return logarithm * (1 + z * (1.0 / 2 + z * (1.0 / 6 + z * (1.0 / 24 + z * (1.0 / 120)))))
  }

  /// H⁻¹(y); infinite beyond the upper limit that H has for θ > 1.
  @inline(__always) func inverse(_ y: Double) -> Double {
    let t = oneMinusTheta * y
    if !isNearOne {
      let power = 1 + t
      return power > 0 ? ApproximatePower.exp(ApproximatePower.ln(power) * inverseOneMinusTheta) : .infinity
    }
    let ratio = 1 - t * (1.0 / 2 - t * (1.0 / 3 - t * (1.0 / 4 - t * (1.0 / 5))))
    return ApproximatePower.exp(y * ratio)
  }
}

/// Draws Zipf ranks. O(1) to make and to draw; about one exponential and one logarithm a draw.
public struct ZipfRanks: Sendable {
  /// The number of ranks.
  public private(set) var count: UInt64
  /// The exponent θ ≥ 0.
  public let theta: Double

  private let integral: PowerIntegral
  /// H(3/2) − h(1).
  private let lowerIntegral: Double
  /// H(n + 1/2).
  private var upperIntegral: Double
  /// Within this distance below k, x is accepted without evaluating H.
  private let squeeze: Double

  /// Ranks 0 ..< count with exponent `theta`.
  ///
  /// - Parameters:
  ///   - count: at least 1.
  ///   - theta: at least 0; 0 is uniform.
  public init(count: UInt64, theta: Double) {
    precondition(count > 0 && theta >= 0, "Zipf ranks need a rank and an exponent of at least 0.")
    self.count = count
    self.theta = theta
    let integral = PowerIntegral(theta: theta)
    self.integral = integral
    lowerIntegral = integral.value(1.5) - 1
    upperIntegral = integral.value(Double(count) + 0.5)
    squeeze = 2 - integral.inverse(integral.value(2.5) - Self.weight(2, theta))
  }

  /// h(k) = k^−θ.
  private static func weight(_ k: Double, _ theta: Double) -> Double {
    ApproximatePower.exp(-theta * ApproximatePower.ln(k))
  }

  /// Changes the number of ranks. One evaluation of H.
  public mutating func resize(count: UInt64) {
    precondition(count > 0, "Zipf ranks need a rank.")
    if count == self.count { return }
    self.count = count
    upperIntegral = integral.value(Double(count) + 0.5)
  }

  /// The rank, from 0 (the most frequent), of draw `ordinal`.
  @inline(__always) public func rank(random: CounterRandom, ordinal: UInt64) -> UInt64 {
    var attempt: UInt64 = 0
    let last = Double(count)
    while true {
      let unit = Double(random.draw(ordinal, attempt) >> 11) * 0x1p-53
      let u = upperIntegral + unit * (lowerIntegral - upperIntegral)
      let x = integral.inverse(u)
      // An infinite x becomes the last rank.
      let whole = Int64(min(max(x + 0.5, 1), last))
      let k = Double(whole)
      if k - x <= squeeze || u >= integral.value(k + 0.5) - Self.weight(k, theta) { return UInt64(whole) - 1 }
      attempt += 1
    }
  }
}

/// Zipf over the keys that exist when the phase begins, ranks spread over them by a permutation.
///
/// Keys put during the phase are not drawn (`latest` and `uniform` draw them): the hot set stays what it was.
public struct ZipfDistribution: IndexDistribution {
  static let thetaParameter = ParameterDescriptor(
    "theta", .real(0...16), default: .real(0.99),
    "Exponent of the Zipf distribution: rank k is drawn in proportion to k^-theta; 0 is uniform.")

  static let descriptor = DistributionDescriptor(
    name: "zipf",
    summary: "Exact Zipf over the keys that exist when the phase begins, hot keys spread over the key space.",
    parameters: [thetaParameter]
  ) { parameters, context throws(WorkloadError) in
    ZipfDistribution(context: context, theta: parameters.real("theta"))
  }

  let ranks: ZipfRanks
  let hotKeys: Permutation

  /// Zipf with exponent `theta` over the context's keys.
  public init(context: DistributionContext, theta: Double) {
    ranks = ZipfRanks(count: context.population, theta: theta)
    hotKeys = context.hotKeys
  }

  /// Fills in `index` of every draw.
  public func resolve(_ draws: inout MutableSpan<IndexDraw>, random: CounterRandom) {
    // Two passes: each is a chain of dependent operations that overlaps best with itself.
    for position in draws.indices {
      draws[position].index = ranks.rank(random: random, ordinal: draws[position].ordinal)
    }
    for position in draws.indices { draws[position].index = hotKeys[draws[position].index] }
  }
}

/// The newest keys most often: newest index − Zipf rank, over all keys put so far.
///
/// Source: YCSB's SkewedLatestGenerator, with exact ranks.
public struct LatestDistribution: IndexDistribution {
  static let descriptor = DistributionDescriptor(
    name: "latest",
    summary:
      "The newest key minus a Zipf rank: recently put keys are hot, and the hot set moves with each put.",
    parameters: [ZipfDistribution.thetaParameter]
  ) { parameters, context throws(WorkloadError) in
    LatestDistribution(context: context, theta: parameters.real("theta"))
  }

  let ranks: ZipfRanks

  /// Zipf distances from the newest key with exponent `theta`.
  public init(context: DistributionContext, theta: Double) {
    ranks = ZipfRanks(count: context.population, theta: theta)
  }

  /// Fills in `index` of every draw.
  public func resolve(_ draws: inout MutableSpan<IndexDraw>, random: CounterRandom) {
    var ranks = ranks
    for position in draws.indices {
      let population = draws[position].population
      ranks.resize(count: population)
      draws[position].index =
        population - 1 - ranks.rank(random: random, ordinal: draws[position].ordinal)
    }
  }
}
