// What a handful of repeats says: the median, what lies far from it, and a straight line through points.
//
// Everything is + − × ÷ on the values as given, in their order after sorting, so that equal values give equal
// bits on every machine. Intervals are made in `Bootstrap`.
//
// Invariants
// 1. Nothing, and nothing defined, gives nil; never 0 and never a number that is not finite.
// 2. An outlier is flagged by its place and never dropped.

/// A range that holds a number with 95 % confidence, as far as its sample allows.
public struct Interval: Equatable, Sendable {
  /// The lower end.
  public var lower: Double
  /// The upper end, at least `lower`.
  public var upper: Double

  /// The interval from `lower` to `upper`.
  public init(lower: Double, upper: Double) {
    precondition(lower <= upper, "An interval's lower end is not above its upper end.")
    self.lower = lower
    self.upper = upper
  }

  /// Whether both ends are one number.
  public var isPoint: Bool { lower == upper }
}

/// Plain statistics of small samples.
public enum Statistics {
  /// The middle value; the mean of the two middle ones when their number is even; nil of nothing.
  public static func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    return medianOfSorted(values.sorted())
  }

  /// The median of values in rising order, of which there is at least one.
  static func medianOfSorted(_ sorted: [Double]) -> Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// The fewest values among which one can be called far away.
  public static let smallestOutlierSampleCount = 5

  /// The places of values further from the median than 3.5 scaled median absolute deviations; none below five
  /// values, and none where more than half of the values are equal.
  ///
  /// Source: Iglewicz and Hoaglin, "How to Detect and Handle Outliers", ASQC 1993, the modified z-score.
  public static func outliers(_ values: [Double]) -> [Int] {
    guard values.count >= smallestOutlierSampleCount, let middle = median(values),
      let deviation = median(values.map { ($0 - middle).magnitude }), deviation > 0
    else { return [] }
    return values.indices.filter { 0.6745 * (values[$0] - middle).magnitude > 3.5 * deviation }
  }
}

/// The straight line through points whose squared vertical distances have the smallest sum.
///
/// Source: any text on linear regression; the sums are taken about the means, which loses the fewest digits.
public struct LeastSquaresLine: Equatable, Sendable {
  /// Change of y for one x.
  public var slope: Double
  /// y at x = 0.
  public var intercept: Double
  /// The share of the variance of y the line explains, 0 … 1; 1 where y does not vary.
  public var rSquared: Double

  /// The line through (x, y); nil for fewer than two points or where x does not vary.
  public init?(x: [Double], y: [Double]) {
    precondition(x.count == y.count, "A point has an x and a y.")
    guard x.count >= 2 else { return nil }
    let count = Double(x.count)
    let meanX = x.reduce(0, +) / count
    let meanY = y.reduce(0, +) / count
    var (xx, xy, yy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x, y) {
      xx += (a - meanX) * (a - meanX)
      xy += (a - meanX) * (b - meanY)
      yy += (b - meanY) * (b - meanY)
    }
    guard xx > 0, xx.isFinite, xy.isFinite, yy.isFinite else { return nil }
    slope = xy / xx
    intercept = meanY - slope * meanX
    rSquared = yy > 0 ? min(1, xy * xy / (xx * yy)) : 1
  }
}
