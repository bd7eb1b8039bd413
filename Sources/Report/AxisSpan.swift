// Axes of line figures: the range of the data, not from 0 where that would hide a line, and in powers of two where the
// values are sizes.

import Accounting

extension AxisScale {
  /// An axis over `values`.
  ///
  /// - Parameters:
  ///   - transform: log2 and log10 are logarithmic, linear is not; nil takes what the data ask for: log2 where every
  ///     value is a power of two, else logarithmic above a ratio of 50.
  ///   - room: the share of the axis kept free beyond the data.
  ///   - includesZero: whether a linear axis begins at 0.
  static func spanning(
    _ values: [Double], _ transform: AxisTransform?, room: Double, includesZero: Bool = false
  ) -> AxisScale {
    let positive = values.filter { $0 > 0 }
    let high = values.max() ?? 1
    let low = values.min() ?? 0
    let areSizes =
      positive.count == values.count && values.allSatisfy(isPowerOfTwo) && high > low && high >= 16
    let isLogarithmic: Bool =
      switch transform {
      case .linear: false
      case .log2, .log10, .ln: !positive.isEmpty
      case .reciprocal, nil:
        !positive.isEmpty && low >= 0 && (areSizes || high / (positive.min() ?? high) > logarithmicRatio)
      }
    if isLogarithmic, transform == .log2 || (transform == nil && areSizes) {
      return powersOfTwo(positive.min() ?? 1, high)
    }
    if isLogarithmic { return logarithmic(positive.min() ?? 1, high, room: room) }
    return linear(includesZero ? min(0, low) : low, high, room: room)
  }

  private static func isPowerOfTwo(_ value: Double) -> Bool { value > 0 && value.significand == 1 }

  /// Ticks at powers of two, at most nine; sizes from 1,024 in binary units.
  private static func powersOfTwo(_ low: Double, _ high: Double) -> AxisScale {
    let first = Int(low.exponent)
    let last = Int(high.exponent) + (isPowerOfTwo(high) ? 0 : 1)
    let step = max(1, (last - first + 8) / 9)
    var scale = AxisScale(values: [1])
    scale.isLogarithmic = true
    func power(_ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: 1) }
    scale.lower = power(first) * 0.9
    scale.upper = power(last) * 1.1
    scale.ticks = stride(from: first, through: last, by: step).map { exponent in
      let value = power(exponent)
      let isSize = exponent >= 10 && exponent < 63
      let text =
        isSize ? powerText(exponent) : exponent < 0 ? Numbers.short(value) : Numbers.fixed(value, places: 0)
      return (value, text)
    }
    return scale
  }

  /// `64 Ki` for 2^16.
  private static func powerText(_ exponent: Int) -> String {
    let units = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
    return "\(1 << (exponent % 10)) \(units[exponent / 10])"
  }

  private static func logarithmic(_ low: Double, _ high: Double, room: Double) -> AxisScale {
    var scale = AxisScale(
      values: [low, max(high, low * (logarithmicRatio + 1))], labelRoom: room, isFilled: false)
    scale.upper = max(high * (1 + room), low * 1.5)
    scale.ticks = scale.ticks.filter { $0.value <= scale.upper }
    // Within less than a factor of three there may be no whole decade: ticks stand as on a linear axis.
    if scale.ticks.count < 2 { scale.ticks = linear(scale.lower, scale.upper, room: 0).ticks }
    return scale
  }

  private static func linear(_ low: Double, _ high: Double, room: Double) -> AxisScale {
    let width = high > low ? high - low : max(high.magnitude, 1)
    var scale = AxisScale(values: [width], labelRoom: room)
    // Steps of 1, 2 or 5 times a power of ten, from the first multiple inside the range.
    let step = scale.ticks.count > 1 ? scale.ticks[1].value - scale.ticks[0].value : width
    let start = low - (low == 0 ? 0 : width * room)
    let first = floor(start / step)
    let places = decimals(step)
    scale.lower = low >= 0 ? max(0, start) : start
    scale.upper = high + width * room
    scale.ticks = (0...40).map { (first + Double($0)) * step }
      .filter { $0 >= scale.lower && $0 <= scale.upper }
      .map { ($0, Numbers.fixed($0, places: places)) }
    scale.isLogarithmic = false
    return scale
  }

  /// The decimals a multiple of `step` needs.
  private static func decimals(_ step: Double) -> Int {
    var places = 0
    var scaled = step
    while places < 9 && (scaled - Double(Int64(scaled + 0.5))).magnitude > 1e-9 * scaled {
      scaled *= 10
      places += 1
    }
    return places
  }

  private static func floor(_ value: Double) -> Double {
    let whole = Double(Int64(value))
    return whole > value ? whole - 1 : whole
  }
}
