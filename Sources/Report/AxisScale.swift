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
  ///   - labelRoom: the share of the axis kept free at its far end, 0 ..< 1.
  ///   - includesZero: whether a linear axis begins at 0 whatever the values.
  init(values: [Double], labelRoom: Double = 0.14) {
    let positive = values.filter { $0 > 0 }
    let high = positive.max() ?? 1
    let low = positive.min() ?? high
    isLogarithmic = high / low > Self.logarithmicRatio
    if isLogarithmic {
      var bottom = 1.0
      while bottom > low * 0.999 { bottom /= 10 }
      while bottom * 10 <= low * 0.999 { bottom *= 10 }
      lower = bottom
      let span = Self.power(high / bottom, 1 / (1 - labelRoom))
      upper = bottom * span
      ticks = Self.logarithmicTicks(lower, upper)
    } else {
      lower = 0
      upper = high / (1 - labelRoom)
      ticks = Self.linearTicks(upper)
    }
  }

  private static func linearTicks(_ upper: Double) -> [(value: Double, text: String)] {
    var step = 1.0
    while step * 6 > upper { step /= 10 }
    while step * 60 <= upper { step *= 10 }
    // Now 6 ≤ upper ÷ step < 60: widen to between four and eight ticks.
    for factor in [10.0, 5, 2, 1] where upper / (step * factor) >= 4 {
      step *= factor
      break
    }
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
    var decades = 0
    var top = lower
    while top * 10 <= upper {
      top *= 10
      decades += 1
    }
    let mantissas: [Double] = decades <= 3 ? [1, 3] : [1]
    var ticks: [(value: Double, text: String)] = []
    var decade = lower
    while decade <= upper {
      for mantissa in mantissas where decade * mantissa <= upper {
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
