// Intervals without assumptions about the noise: the repeats are drawn again, with replacement, many times, and
// the middle 95 % of what the statistic then gives is the interval.
//
//   sample A  a1 a2 a3 ─┐ draw r: 3 1 3 ─▶ median ─┐
//   sample B  b1 b2 b3 ─┘ draw r: 3 1 3 ─▶ median ─┴▶ statistic ─▶ one of 2,000 numbers ─▶ sorted ─▶ [50th, 1951st]
//                          the same draw: A and B are paired (repeat i did the same operations in both)
//
// Invariants
// 1. The draws are a function of the values: no clock, no state; equal samples give equal intervals.
// 2. Fewer than three values give no interval: a point, and its reader says so.
// 3. All values equal gives a point interval at that value.
//
// With few repeats the interval is as wide as the sample (the range of 3 to 5 values) and holds the true median less
// often than its name says: in 75 % of cases for 3 repeats, 94 % for 5; see the guide, Claims.
//
// Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3 (percentile interval).

import Primitives

/// One number over its repeats.
public struct Sample: Equatable, Sendable {
  /// One value for each repeat, in the order of the repeats.
  public var values: [Double]
  /// Samples with the same number are drawn together: their i-th values come from the same operations.
  public var pairing: Int

  /// A sample.
  public init(_ values: [Double], pairing: Int = 0) {
    self.values = values
    self.pairing = pairing
  }
}

/// Percentile bootstrap over the medians of samples.
public struct Bootstrap: Sendable {
  /// How often samples are drawn again.
  public static let resampleCount = 2_000
  /// The fewest values that give an interval.
  public static let smallestSampleCount = 3
  /// The places, from 0, of the interval's ends among the sorted results: 2.5 % lie below, 2.5 % above.
  private static let ends = (lower: resampleCount / 40 - 1, upper: resampleCount - resampleCount / 40)

  /// The median of each sample as given.
  public let medians: [Double]
  /// Row r: the median of each sample in draw r.
  private let resampled: [[Double]]
  private let counts: [Int]

  /// Draws the samples, each of which has at least one value. Costs 2,000 × the number of values.
  public init(_ samples: [Sample]) {
    precondition(samples.allSatisfy { !$0.values.isEmpty }, "A sample has at least one value.")
    let medians = samples.map { Statistics.medianOfSorted($0.values.sorted()) }
    self.medians = medians
    counts = samples.map(\.values.count)
    let random = CounterRandom(seed: Self.seed(of: samples), stream: 0x424F_4F54)
    let isConstant = samples.map { sample in
      sample.values.count < Self.smallestSampleCount || sample.values.allSatisfy { $0 == sample.values[0] }
    }
    guard isConstant.contains(false) else {
      resampled = []
      return
    }
    var rows: [[Double]] = []
    rows.reserveCapacity(Self.resampleCount)
    var drawn: [Double] = []
    for draw in 0..<Self.resampleCount {
      var row = medians
      for (place, sample) in samples.enumerated() where !isConstant[place] {
        let count = sample.values.count
        drawn.removeAll(keepingCapacity: true)
        for index in 0..<count {
          let sub = UInt64(truncatingIfNeeded: sample.pairing) << 32 | UInt64(index)
          drawn.append(sample.values[Int(random.uniform(below: UInt64(count), UInt64(draw), sub))])
        }
        drawn.sort()
        row[place] = Statistics.medianOfSorted(drawn)
      }
      rows.append(row)
    }
    resampled = rows
  }

  /// The 95 % interval of `statistic`, a function of the samples' medians.
  ///
  /// - Parameters:
  ///   - places: the samples the statistic looks at; the smallest of them decides whether there is an interval.
  ///   - statistic: nil where it is not defined; +∞ is a value.
  /// - Returns: nil where a sample has fewer than three values, or where a draw leaves the statistic undefined.
  public func interval(over places: [Int], _ statistic: ([Double]) -> Double?) -> Interval? {
    guard places.allSatisfy({ counts[$0] >= Self.smallestSampleCount }), let given = statistic(medians) else {
      return nil
    }
    guard !resampled.isEmpty else { return Interval(lower: given, upper: given) }
    var results: [Double] = []
    results.reserveCapacity(resampled.count)
    for row in resampled {
      guard let result = statistic(row), !result.isNaN else { return nil }
      results.append(result)
    }
    results.sort()
    return Interval(lower: results[Self.ends.lower], upper: results[Self.ends.upper])
  }

  /// Whether something is so for the medians as given and for those of every draw.
  public func always(_ predicate: ([Double]) -> Bool) -> Bool {
    predicate(medians) && resampled.allSatisfy(predicate)
  }

  /// The 95 % interval of the median of `values`, nil for fewer than three.
  public static func interval(ofMedian values: [Double]) -> Interval? {
    guard values.count >= smallestSampleCount else { return nil }
    return Bootstrap([Sample(values)]).interval(over: [0]) { $0[0] }
  }

  /// The smallest ratio that is told from chance: 95 % of the ratios of two medians, both drawn from `values`, lie
  /// between its reciprocal and it.
  ///
  /// - Returns: at least 1; nil for fewer than three values, or where one is not above 0.
  public static func smallestDetectableRatio(_ values: [Double]) -> Double? {
    guard values.count >= smallestSampleCount, values.allSatisfy({ $0 > 0 }) else { return nil }
    let self2 = Bootstrap([Sample(values, pairing: 0), Sample(values, pairing: 1)])
    guard !self2.resampled.isEmpty else { return 1 }
    let ratios = self2.resampled.map { max($0[0] / $0[1], $0[1] / $0[0]) }.sorted()
    return ratios[resampleCount - resampleCount / 20 - 1]
  }

  /// A seed made of every bit of the samples (FNV-1a over their words).
  private static func seed(of samples: [Sample]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func mix(_ word: UInt64) {
      for shift in stride(from: UInt64(0), to: 64, by: 8) {
        hash = (hash ^ (word >> shift & 255)) &* 0x0000_0100_0000_01B3
      }
    }
    for sample in samples {
      mix(UInt64(truncatingIfNeeded: sample.pairing))
      mix(UInt64(sample.values.count))
      for value in sample.values { mix(value.bitPattern) }
    }
    return hash
  }
}
