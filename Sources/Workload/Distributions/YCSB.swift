// YCSB's own generators, as they are: for numbers that are to be held beside published ones.
//
//   scrambled zipfian   u ──Gray et al.──▶ rank in 0 … 10¹⁰ ──FNV──▶ mod keys          (not Zipf over the keys)
//   hotspot             a fraction of operations goes to a fraction of the keys
//   exponential         newest − draw ÷ rate, values before the first key drawn again
//
// What scrambled zipfian is not: ranks come from a fixed 10¹⁰ + 1 items, so the hottest key takes 3.78 % of operations
// whatever the number of keys; hash collisions merge ranks. `zipf` is the exact distribution.
//
// Source: B. Cooper et al., "Benchmarking Cloud Serving Systems with YCSB" (SoCC 2010); J. Gray et al., "Quickly
// Generating Billion-Record Synthetic Databases" (SIGMOD 1994), section 3; YCSB's generator sources.

import KeyValue
import Primitives

/// YCSB's scrambled zipfian request distribution, θ = 0.99.
public struct YCSBZipfianDistribution: IndexDistribution {
  static let descriptor = DistributionDescriptor(
    name: "zipf_ycsb",
    summary:
      "YCSB's scrambled zipfian (theta 0.99 over 10^10 ranks, hashed): the hottest key gets 3.78 % at any size."
  ) { _, context throws(WorkloadError) in YCSBZipfianDistribution(context: context) }

  static let theta = 0.99
  static let itemCount: Double = 10_000_000_001
  static let zeta = 26.46902820178302
  /// 1 + 2^−θ.
  static let zetaOfTwo = 1.5034777750283594

  let population: UInt64
  private let alpha: Double
  private let eta: Double
  private let secondBound: Double

  /// Over the context's keys: keys put during the phase are not drawn.
  public init(context: DistributionContext) {
    population = context.population
    alpha = 1 / (1 - Self.theta)
    let power = DeterministicMath.pow(2 / Self.itemCount, 1 - Self.theta)
    eta = (1 - power) / (1 - Self.zetaOfTwo / Self.zeta)
    secondBound = Self.zetaOfTwo
  }

  /// Fills in `index` of every draw.
  public func resolve(_ draws: inout MutableSpan<IndexDraw>, random: CounterRandom) {
    for position in draws.indices {
      let rank = rank(unit: random.unit(draws[position].ordinal))
      draws[position].index = Self.hash(rank) % population
    }
  }

  /// The rank that a number of [0, 1) names.
  func rank(unit: Double) -> UInt64 {
    let scaled = unit * Self.zeta
    if scaled < 1 { return 0 }
    if scaled < secondBound { return 1 }
    return UInt64(Self.itemCount * DeterministicMath.pow(eta * unit - eta + 1, alpha))
  }

  /// YCSB's 64-bit FNV of a number: eight octets from the low end, then the absolute value as a signed integer.
  static func hash(_ value: UInt64) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    var rest = value
    for _ in 0..<8 {
      hash = (hash ^ (rest & 0xFF)) &* 1_099_511_628_211
      rest >>= 8
    }
    return Int64(bitPattern: hash).magnitude
  }
}

/// A hot set of keys that takes a fixed share of the operations; uniform inside and outside of it.
///
/// The hot set is the first indices, as in YCSB: scattered keys for the shapes random and shared_prefix, the first keys
/// for sequential.
public struct HotspotDistribution: IndexDistribution {
  static let descriptor = DistributionDescriptor(
    name: "hotspot",
    summary:
      "A share of the operations goes uniformly to a share of the keys, the rest uniformly to the others.",
    parameters: [
      ParameterDescriptor(
        "hot_key_fraction", .real(0...1), default: .real(0.2),
        "Share of the keys that are hot, as a fraction of those put so far."),
      ParameterDescriptor(
        "hot_operation_fraction", .real(0...1), default: .real(0.8),
        "Share of the operations that take a hot key."),
    ]
  ) { parameters, _ throws(WorkloadError) in
    HotspotDistribution(
      hotKeyFraction: parameters.real("hot_key_fraction"),
      hotOperationFraction: parameters.real("hot_operation_fraction"))
  }

  let hotKeyFraction: Double
  let hotOperationFraction: Double

  /// A hot set of this share of the keys, taken by this share of the operations; both in 0 … 1.
  public init(hotKeyFraction: Double, hotOperationFraction: Double) {
    self.hotKeyFraction = hotKeyFraction
    self.hotOperationFraction = hotOperationFraction
  }

  /// Fills in `index` of every draw.
  public func resolve(_ draws: inout MutableSpan<IndexDraw>, random: CounterRandom) {
    for position in draws.indices {
      let ordinal = draws[position].ordinal
      let population = draws[position].population
      let hotCount = min(population, UInt64(hotKeyFraction * Double(population)))
      let wantsHot = random.unit(ordinal) < hotOperationFraction
      // A set without keys leaves its operations to the other.
      let isHot = hotCount == 0 ? false : (hotCount == population ? true : wantsHot)
      let first = isHot ? 0 : hotCount
      let count = isHot ? hotCount : population - hotCount
      draws[position].index = first + random.draw(ordinal, 1).multipliedFullWidth(by: count).high
    }
  }
}

/// Distances from the newest key are exponential: a share of the operations takes the newest fraction of the keys.
///
/// Deviation from YCSB: the mean follows the number of keys put so far instead of the number at the beginning.
public struct ExponentialDistribution: IndexDistribution {
  static let descriptor = DistributionDescriptor(
    name: "exponential",
    summary:
      "Distance from the newest key is exponential: a share of the operations takes the newest part of the keys.",
    parameters: [
      ParameterDescriptor(
        "exponential_share", .real(0.01...0.999), default: .real(0.95),
        "Share of the operations that take the newest exponential_key_fraction of the keys."),
      ParameterDescriptor(
        "exponential_key_fraction", .real(0.000_001...1), default: .real(0.857_142_857_1),
        "The newest fraction of the keys that exponential_share of the operations take; YCSB's value is 6/7."),
    ]
  ) { parameters, _ throws(WorkloadError) in
    ExponentialDistribution(
      share: parameters.real("exponential_share"),
      keyFraction: parameters.real("exponential_key_fraction"))
  }

  /// Mean distance as a fraction of the keys.
  let meanFraction: Double

  /// `share` of the operations within the newest `keyFraction` of the keys.
  public init(share: Double, keyFraction: Double) {
    precondition(share > 0 && share < 1 && keyFraction > 0, "An exponential needs a share inside 0 … 1.")
    meanFraction = keyFraction / (-DeterministicMath.ln(1 - share))
  }

  /// Fills in `index` of every draw.
  public func resolve(_ draws: inout MutableSpan<IndexDraw>, random: CounterRandom) {
    for position in draws.indices {
      let ordinal = draws[position].ordinal
      let population = draws[position].population
      let mean = meanFraction * Double(population)
      var attempt: UInt64 = 0
      var distance = Double.infinity
      while distance >= Double(population) {
        let unit = ValueSizes.unit(random.draw(ordinal, attempt))
        distance = -ApproximatePower.ln(unit) * mean
        attempt += 1
      }
      draws[position].index = population - 1 - UInt64(distance)
    }
  }
}
