// How long values are: a pure function of one 64-bit draw, monotone in it.
//
//   draw ──upper 53 bits──▶ u in (0, 1) ──inverse of the distribution function──▶ bytes ──clamp──▶ [minimum, maximum]
//
// Only + − × ÷ and the project's own exp and ln are used, so sizes are the same on every machine.
//
// Deviation: db_bench folds a generalized Pareto size beyond the maximum by `size mod maximum` and leaves what falls
// below the minimum; here the folded size is then raised to the minimum.

import Primitives

/// The distribution of value sizes, in bytes.
public enum ValueSizes: Sendable, Equatable {
  /// Always this size.
  case fixed(Int)
  /// Every size of the range equally often.
  case uniform(ClosedRange<Int>)
  /// Normal, rounded to whole bytes, clamped to the range.
  case normal(mean: Double, deviation: Double, ClosedRange<Int>)
  /// Generalized Pareto; a size above the range is folded by `mod` its upper bound, then raised to the lower bound.
  case pareto(location: Double, shape: Double, scale: Double, ClosedRange<Int>)
  /// As recorded, one size a write; asked by version, not by draw.
  case recorded(RecordedLengths)

  /// The size named by a draw.
  ///
  /// Source: Cao et al., "Characterizing, Modeling, and Benchmarking RocksDB Key-Value Workloads at Facebook"
  /// (FAST 2020), as coded in db_bench's mixgraph, for the Pareto inverse.
  public func byteCount(draw: UInt64) -> Int {
    switch self {
    case .fixed(let count): return count
    case .uniform(let range):
      let width = UInt64(range.upperBound - range.lowerBound) + 1
      return range.lowerBound + Int(draw.multipliedFullWidth(by: width).high)
    case .normal(let mean, let deviation, let range):
      let size = mean + deviation * Self.normalQuantile(Self.unit(draw))
      return min(max(Int(max(size, 0) + 0.5), range.lowerBound), range.upperBound)
    case .pareto(let location, let shape, let scale, let range):
      let size = Self.paretoQuantile(Self.unit(draw), location: location, shape: shape, scale: scale)
      let whole = size < 0x1p62 ? Int(DeterministicMath.ceiling(max(size, 0))) : 1 << 62
      let folded = whole > range.upperBound ? whole % max(1, range.upperBound) : whole
      return max(folded, range.lowerBound)
    case .recorded: preconditionFailure("A recorded size has no distribution; the value codec looks it up.")
    }
  }

  /// The mean size in bytes: exact for fixed and uniform, over 4,096 evenly spaced quantiles otherwise.
  public var meanByteCount: Double {
    switch self {
    case .fixed(let count): return Double(count)
    case .uniform(let range): return (Double(range.lowerBound) + Double(range.upperBound)) / 2
    case .normal, .pareto:
      var sum = 0
      for quantile in 0..<4096 as Range<UInt64> { sum += byteCount(draw: quantile << 52 | 1 << 51) }
      return Double(sum) / 4096
    case .recorded(let lengths): return lengths.meanByteCount
    }
  }

  /// No value is longer, in bytes.
  public var maximumByteCount: Int {
    switch self {
    case .fixed(let count): count
    case .uniform(let range), .normal(_, _, let range), .pareto(_, _, _, let range): range.upperBound
    case .recorded(let lengths): lengths.maximumByteCount
    }
  }

  /// The middle of one of 2⁵³ equal parts of (0, 1).
  @inline(__always) static func unit(_ draw: UInt64) -> Double { (Double(draw >> 11) + 0.5) * 0x1p-53 }

  /// θ + σ (u^−k − 1) / k, and θ − σ ln u for k = 0: the size that a fraction `u` of values exceeds.
  static func paretoQuantile(_ u: Double, location: Double, shape: Double, scale: Double) -> Double {
    let logarithm = ApproximatePower.ln(u)
    if shape == 0 { return location - scale * logarithm }
    return location + scale * (ApproximatePower.exp(-shape * logarithm) - 1) / shape
  }

  /// The standard normal quantile, to a relative error of 1.2e-9.
  ///
  /// Source: P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function" (2003).
  static func normalQuantile(_ u: Double) -> Double {
    if u < 0.02425 { return normalTail(u) }
    if u > 1 - 0.02425 { return -normalTail(1 - u) }
    let q = u - 0.5
    let r = q * q
    var above = -3.969683028665376e+01
    above = above * r + 2.209460984245205e+02
    above = above * r - 2.759285104469687e+02
    above = above * r + 1.383577518672690e+02
    above = above * r - 3.066479806614716e+01
    above = above * r + 2.506628277459239e+00
    var below = -5.447609879822406e+01
    below = below * r + 1.615858368580409e+02
    below = below * r - 1.556989798598866e+02
    below = below * r + 6.680131188771972e+01
    below = below * r - 1.328068155288572e+01
    below = below * r + 1
    return above * q / below
  }

  private static func normalTail(_ u: Double) -> Double {
    // √(−2 ln u), without the system's square root.
    let q = ApproximatePower.exp(0.5 * ApproximatePower.ln(-2 * ApproximatePower.ln(u)))
    var above = -7.784894002430293e-03
    above = above * q - 3.223964580411365e-01
    above = above * q - 2.400758277161838e+00
    above = above * q - 2.549732539343734e+00
    above = above * q + 4.374664141464968e+00
    above = above * q + 2.938163982698783e+00
    var below = 7.784695709041462e-03
    below = below * q + 3.224671290700398e-01
    below = below * q + 2.445134137142996e+00
    below = below * q + 3.754408661907416e+00
    below = below * q + 1
    return above / below
  }
}
