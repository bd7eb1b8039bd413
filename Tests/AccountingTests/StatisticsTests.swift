// Goal: medians, intervals and lines are what they say: the interval holds the true median as often as the guide states,
// the same values give the same bits, and what is degenerate gives nothing or a point.
// Method: seeded simulations on distributions whose median is known; golden values; every small edge by hand.

import Accounting
import Primitives
import Testing

@Suite("Statistics")
struct StatisticsTests {
  @Test func mediansByHand() {
    #expect(Statistics.median([]) == nil)
    #expect(Statistics.median([7]) == 7)
    #expect(Statistics.median([3, 1]) == 2)
    #expect(Statistics.median([5, 1, 3]) == 3)
    #expect(Statistics.median([4, 1, 3, 2]) == 2.5)
  }

  @Test func degenerateSamplesGiveAPointOrNothing() {
    #expect(Bootstrap.interval(ofMedian: []) == nil)
    #expect(Bootstrap.interval(ofMedian: [1]) == nil)
    #expect(Bootstrap.interval(ofMedian: [1, 2]) == nil)
    #expect(Bootstrap.interval(ofMedian: [4, 4, 4]) == Interval(lower: 4, upper: 4))
    #expect(Bootstrap.interval(ofMedian: [0, 0, 0, 0]) == Interval(lower: 0, upper: 0))
    #expect(Bootstrap.smallestDetectableRatio([1, 1]) == nil)
    #expect(Bootstrap.smallestDetectableRatio([1, 0, 1]) == nil, "a ratio needs numbers above 0")
    #expect(Bootstrap.smallestDetectableRatio([5, 5, 5]) == 1)
    let pair = Bootstrap([Sample([1, 2, 3]), Sample([9])])
    #expect(pair.interval(over: [0]) { $0[0] } != nil)
    #expect(pair.interval(over: [0, 1]) { $0[0] / $0[1] } == nil, "the smallest sample decides")
    #expect(pair.interval(over: [0]) { _ in nil } == nil)
    // A draw in which the denominator is 0 leaves a ratio without an interval.
    let zeros = Bootstrap([Sample([1, 1, 1]), Sample([0, 1, 2])])
    #expect(zeros.interval(over: [0, 1]) { $0[1] == 0 ? nil : $0[0] / $0[1] } == nil)
  }

  @Test("the interval of three to five repeats is their range, as the guide says", arguments: 3...5)
  func fewRepeatsAreTheirRange(count: Int) throws {
    let values = (0..<count).map { Double($0 * $0) + 1 }
    let interval = try #require(Bootstrap.interval(ofMedian: values))
    #expect(interval.lower == values.min() && interval.upper == values.max())
  }

  /// Values of a distribution whose median is 0: the sum of twelve uniform draws, less 6.
  private func bell(_ random: CounterRandom, _ trial: Int, _ count: Int) -> [Double] {
    (0..<count).map { index in
      (0..<12).reduce(-6.0) { sum, part in
        sum + random.unit(UInt64(trial), UInt64(index * 16 + part))
      }
    }
  }

  /// Values of a skewed distribution with median 1: 2 to the power of the bell's value.
  private func skewed(_ random: CounterRandom, _ trial: Int, _ count: Int) -> [Double] {
    bell(random, trial, count).map { DeterministicMath.exp2($0) }
  }

  @Test(
    "coverage over 300 seeded samples, seed 7",
    arguments: [(3, 0.67, 0.83), (5, 0.89, 0.98), (9, 0.90, 1.0), (15, 0.90, 1.0)])
  func coverage(count: Int, low: Double, high: Double) {
    let random = CounterRandom(seed: 7, stream: UInt64(count))
    for isSkewed in [false, true] {
      var hits = 0
      let trials = 300
      for trial in 0..<trials {
        let values = isSkewed ? skewed(random, trial, count) : bell(random, trial, count)
        let truth = isSkewed ? 1.0 : 0.0
        if let interval = Bootstrap.interval(ofMedian: values), interval.lower <= truth,
          truth <= interval.upper
        {
          hits += 1
        }
      }
      let share = Double(hits) / Double(trials)
      #expect(share >= low && share <= high, "\(count) repeats, skewed \(isSkewed): \(share)")
    }
  }

  @Test("a paired ratio is narrower than an unpaired one where the repeats move together")
  func pairing() throws {
    let a = [1.0, 2, 3, 4, 5, 6, 7]
    let b = a.map { $0 * 2 }
    let ratio: ([Double]) -> Double? = { $0[1] / $0[0] }
    let paired = try #require(Bootstrap([Sample(a), Sample(b)]).interval(over: [0, 1], ratio))
    let unpaired = try #require(
      Bootstrap([Sample(a, pairing: 0), Sample(b, pairing: 1)]).interval(over: [0, 1], ratio))
    #expect(paired == Interval(lower: 2, upper: 2))
    #expect(unpaired.lower < 1.5 && unpaired.upper > 2.5)
  }

  @Test func goldenInterval() throws {
    let values = [3.1, 2.9, 3.4, 3.0, 3.3, 2.7, 3.2, 3.6]
    let interval = try #require(Bootstrap.interval(ofMedian: values))
    #expect([interval.lower, interval.upper] == Self.golden)
    #expect(Bootstrap.interval(ofMedian: values) == interval)
    // The order of the repeats is part of the content; the interval hardly moves with it.
    let turned = try #require(Bootstrap.interval(ofMedian: Array(values.reversed())))
    #expect(
      (turned.lower - interval.lower).magnitude < 0.2 && (turned.upper - interval.upper).magnitude < 0.2)
  }

  /// Changes only when the draws are meant to change.
  private static let golden = [2.9, 3.4]

  @Test func theSmallestDetectableRatioGrowsWithTheNoise() throws {
    let quiet = try #require(Bootstrap.smallestDetectableRatio([1.00, 1.01, 0.99, 1.00, 1.01]))
    let loud = try #require(Bootstrap.smallestDetectableRatio([1.0, 1.4, 0.7, 1.1, 0.9]))
    #expect(quiet >= 1 && quiet < 1.03)
    #expect(loud > 1.2 && loud <= 2)
  }

  @Test func outliersAreFlaggedByPlace() {
    #expect(Statistics.outliers([1, 1.1, 0.9, 1.05, 9]) == [4])
    #expect(Statistics.outliers([1, 1.1, 0.9, 9]) == [], "too few to tell")
    #expect(Statistics.outliers([1, 1, 1, 1, 9]) == [], "no deviation to measure by")
    #expect(Statistics.outliers([1, 1.1, 0.9, 1.05, 0.95]) == [])
  }

  @Test func linesByHand() throws {
    let line = try #require(LeastSquaresLine(x: [1, 2, 3], y: [3, 5, 7]))
    #expect(line.slope == 2 && line.intercept == 1 && line.rSquared == 1)
    let flat = try #require(LeastSquaresLine(x: [1, 2, 3], y: [4, 4, 4]))
    #expect(flat.slope == 0 && flat.rSquared == 1)
    let scattered = try #require(LeastSquaresLine(x: [0, 1, 2, 3], y: [0, 2, 0, 2]))
    #expect((scattered.slope - 0.4).magnitude < 1e-15 && (scattered.rSquared - 0.2).magnitude < 1e-15)
    #expect(LeastSquaresLine(x: [1], y: [1]) == nil)
    #expect(LeastSquaresLine(x: [2, 2], y: [1, 5]) == nil)
    #expect(LeastSquaresLine(x: [], y: []) == nil)
  }

  @Test func transformsUndoThemselves() throws {
    for transform in AxisTransform.allCases {
      for value in [0.25, 1, 3, 4096] {
        let there = try #require(transform.apply(value))
        #expect((transform.undo(there) - value).magnitude <= 1e-12 * value, "\(transform) \(value)")
      }
    }
    #expect(AxisTransform.log2.apply(0) == nil && AxisTransform.ln.apply(-1) == nil)
    #expect(AxisTransform.reciprocal.apply(0) == nil && AxisTransform.linear.apply(0) == 0)
  }
}
