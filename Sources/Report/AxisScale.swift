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
  ///   - isFilled: whether bars stand on the axis: then a logarithmic one begins at a whole decade and low enough for
  ///     the shortest bar to be seen.
  init(values: [Double], labelRoom: Double = 0.14, maximumTickCount: Int = 8, isFilled: Bool = true) {
    let positive = values.filter { $0 > 0 }
    let high = positive.max() ?? 1
    let low = positive.min() ?? high
    isLogarithmic = high / low > Self.logarithmicRatio
    if isLogarithmic {
      let limit = isFilled ? low / 2 : low
      let exponent = Self.decade(of: limit)
      let mantissa = isFilled ? 1 : [5.0, 2].first { Self.scaled($0, exponent) <= limit } ?? 1
      let bottom = Self.scaled(mantissa, exponent)
      lower = bottom
      upper = bottom * Self.power(high / bottom, 1 / (1 - labelRoom))
      ticks = Self.logarithmicTicks(lower, upper, maximumTickCount)
    } else {
      lower = 0
      upper = high / (1 - labelRoom)
      ticks = Self.linearTicks(upper, maximumTickCount)
    }
  }

  /// The largest power of ten that is at most `value`, as its exponent.
  private static func decade(of value: Double) -> Int {
    var exponent = 0
    while scaled(1, exponent) > value { exponent -= 1 }
    while scaled(1, exponent + 1) <= value { exponent += 1 }
    return exponent
  }

  /// mantissa × 10^exponent, rounded once, so that 0.3 is 0.3.
  private static func scaled(_ mantissa: Double, _ exponent: Int) -> Double {
    var power = 1.0
    for _ in 0..<exponent.magnitude { power *= 10 }
    return exponent < 0 ? mantissa / power : mantissa * power
  }

  /// Ticks at multiples of 1, 2 or 5 times a power of ten: the smallest step that does not exceed the count.
  private static func linearTicks(_ upper: Double, _ maximumCount: Int) -> [(value: Double, text: String)] {
    // 10 ≤ upper ÷ 10^exponent < 100.
    let exponent = decade(of: upper) - 1
    let factor =
      [1.0, 2, 5, 10, 20, 50].first { upper / scaled($0, exponent) < Double(maximumCount) } ?? 50
    let places = min(9, max(0, -exponent - (factor >= 10 ? 1 : 0)))
    var ticks: [(value: Double, text: String)] = []
    var index = 0.0
    while scaled(index * factor, exponent) <= upper {
      let value = scaled(index * factor, exponent)
      ticks.append((value, Numbers.fixed(value, places: places)))
      index += 1
    }
    return ticks
  }

  /// Ticks at whole decades, and at three times them where that does not exceed the count.
  private static func logarithmicTicks(
    _ lower: Double, _ upper: Double, _ maximumCount: Int
  ) -> [(value: Double, text: String)] {
    let decades = decade(of: upper / lower) + 1
    let mantissas: [Double] = 2 * decades <= maximumCount ? [1, 3] : [1]
    var exponent = decade(of: lower)
    var ticks: [(value: Double, text: String)] = []
    while scaled(1, exponent) <= upper {
      for mantissa in mantissas {
        let value = scaled(mantissa, exponent)
        if value >= lower * 0.999 && value <= upper {
          ticks.append((value, Numbers.fixed(value, places: min(9, max(0, -exponent)))))
        }
      }
      exponent += 1
    }
    return ticks
  }

  /// The same axis with its large ticks in few characters: `50 k` for `50,000`.
  var compact: AxisScale {
    var result = self
    result.ticks = ticks.map { tick in
      tick.value >= 1000 ? (tick.value, Numbers.compact(UInt64(tick.value + 0.5))) : tick
    }
    return result
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
