// An axis: its range and its ticks, computed here so that a script holds plain numbers and reads the same
// everywhere.
//
// Invariants
// 1. Every value lies inside the range, with room on the far side for a label beside it.
// 2. A logarithmic axis is taken when the largest value is more than 50 times the smallest positive one.

/// The range and ticks of one axis.
struct AxisScale {
  var isLogarithmic: Bool
  var lower: Double
  var upper: Double
  var ticks: [(value: Double, text: String)]

  /// The ratio above which an axis is logarithmic.
  static let logarithmicRatio = 50.0

  /// An axis for `values`.
  ///
  /// - Parameters:
  ///   - values: what will be shown; those that are not positive do not show on a logarithmic axis.
  ///   - labelRoom: the share of the axis kept free at its far end, 0 ..< 0.5.
  ///   - maximumTickCount: the most ticks of a linear axis, at least 3.
  ///   - isFilled: whether bars stand on the axis: then a logarithmic one begins a whole decade below.
  init(values: [Double], labelRoom: Double = 0.14, maximumTickCount: Int = 8, isFilled: Bool = true) {
    let positive = values.filter { $0 > 0 }
    let high = positive.max() ?? 1
    let low = positive.min() ?? high
    isLogarithmic = high / low > Self.logarithmicRatio
    if isLogarithmic {
      var bottom = 1.0
      let limit = isFilled ? low * 0.999 : low * 1.000001
      while bottom > limit { bottom /= 10 }
      while bottom * 10 <= limit { bottom *= 10 }
      if !isFilled {
        let mantissa = [5.0, 2, 1].first { bottom * $0 <= limit } ?? 1
        bottom *= mantissa
      }
      lower = bottom
      upper = bottom * Self.power(high / bottom, 1 / (1 - labelRoom))
      ticks = Self.logarithmicTicks(lower, upper)
    } else {
      lower = 0
      upper = high / (1 - labelRoom)
      ticks = Self.linearTicks(upper, maximumTickCount)
    }
  }

  /// Ticks at multiples of 1, 2 or 5 times a power of ten: the smallest step that does not exceed the count.
  private static func linearTicks(_ upper: Double, _ maximumCount: Int) -> [(value: Double, text: String)] {
    var decade = 1.0
    while decade > upper / 10 { decade /= 10 }
    while decade * 10 <= upper / 10 { decade *= 10 }
    // Now 10 ≤ upper ÷ decade < 100.
    let factor = [1.0, 2, 5, 10, 20, 50].first { upper / (decade * $0) < Double(maximumCount) } ?? 50
    let step = decade * factor
    let places = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : step >= 0.001 ? 3 : 6
    var ticks: [(value: Double, text: String)] = []
    var index = 0.0
    while index * step <= upper * 1.000001 {
      ticks.append((index * step, Numbers.fixed(index * step, places: places)))
      index += 1
    }
    return ticks
  }

  private static func logarithmicTicks(_ lower: Double, _ upper: Double) -> [(value: Double, text: String)] {
    let mantissas: [Double] = upper / lower < 2_000 ? [1, 3] : [1]
    var decade = 1.0
    while decade > lower { decade /= 10 }
    while decade * 10 <= lower { decade *= 10 }
    var ticks: [(value: Double, text: String)] = []
    while decade <= upper {
      for mantissa in mantissas where decade * mantissa >= lower * 0.999 && decade * mantissa <= upper {
        ticks.append((decade * mantissa, spelled(decade * mantissa)))
      }
      decade *= 10
    }
    return ticks
  }

  private static func spelled(_ value: Double) -> String {
    if value >= 0.99 { return Numbers.fixed(value, places: 0) }
    var places = 1
    var scaled = value * 10
    while scaled < 0.99 && places < 9 {
      scaled *= 10
      places += 1
    }
    return Numbers.fixed(value, places: places)
  }

  /// base^exponent for base ≥ 1 and 1 ≤ exponent ≤ 2, by repeated square roots: no mathematics library decides
  /// what a script says.
  private static func power(_ base: Double, _ exponent: Double) -> Double {
    var result = base
    var rest = exponent - 1
    var root = base
    for _ in 0..<20 {
      root = root.squareRoot()
      rest *= 2
      if rest >= 1 {
        result *= root
        rest -= 1
      }
    }
    return result
  }
}
