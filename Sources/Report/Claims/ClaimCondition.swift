// One thing that must be so for a claim to hold: a number made of the cells' medians, and bounds.
//
//            not_held │ not_decidable │        held          │ not_decidable │ not_held
//   ──────────────────┼───────────────┼──────────────────────┼───────────────┼────────▶ number
//         interval: [──]   [──┼──]        [───────────]          [──┼──]      [──]
//                          at_least                               at_most
//
// Invariants
// 1. Held: the whole interval lies within the bounds. Not held: no part of it does. Otherwise not decidable.
// 2. Where a clock has a say, the interval must clear a bound by the factor 1.5 to decide anything: wall-clock
//    factors below it are not called a difference on a shared machine.

import Accounting
import Results

/// One condition of a claim.
struct ClaimCondition {
  /// What is measured, in words.
  var name: String
  /// The cells it looks at.
  var places: [Int]
  /// The number, of all cells' medians; nil where it is not defined.
  var statistic: ([Double]) -> Double?
  /// What it means that the number is not defined: a sentence, and whether the claim is then not held.
  var absence: (([Double]) -> (sentence: String, isNotHeld: Bool))?
  var lower: Double?
  var upper: Double?
  /// Whether the bounds themselves are outside.
  var isStrict = false
}

/// What became of a condition.
struct ClaimFinding {
  var name: String
  var measured: Double?
  var interval: Interval?
  var repeatCount: Int
  var verdict: ClaimVerdict
  /// Why it is not decidable; nil otherwise.
  var doubt: String?
  /// How far the number is inside its bounds, as a share of the bound; negative outside.
  var margin: Double
}

extension ClaimCondition {
  /// What decides nothing on a clock.
  static let clockFactor = 1.5
  static let clockSentence =
    "wall-clock factors below 1.5 are not called a difference on a shared machine"

  /// Looks at the condition.
  ///
  /// - Parameters:
  ///   - bootstrap: over the cells, in the order of `places`.
  ///   - cells: the cells.
  ///   - isOfClock: whether a clock has a say in the metric.
  func finding(_ bootstrap: Bootstrap, _ cells: [ClaimCell], isOfClock: Bool) -> ClaimFinding {
    let repeats = places.map { cells[$0].values.count }.min() ?? 0
    func undecided(_ doubt: String, _ measured: Double? = nil, _ interval: Interval? = nil) -> ClaimFinding {
      ClaimFinding(
        name: name, measured: measured, interval: interval, repeatCount: repeats, verdict: .notDecidable,
        doubt: doubt, margin: measured.map { margin($0) } ?? -1)
    }
    guard let measured = statistic(bootstrap.medians) else {
      if let absence, absence(bootstrap.medians).isNotHeld, bootstrap.always({ absence($0).isNotHeld }) {
        var finding = undecided(absence(bootstrap.medians).sentence)
        finding.verdict = isOfClock ? .notDecidable : .notHeld
        return finding
      }
      if let absence { return undecided(absence(bootstrap.medians).sentence) }
      return undecided(
        "\(name) is not defined here (a value of 0, or a logarithm of what is not above 0)")
    }
    let interval = bootstrap.interval(over: places, statistic)
    guard measured.isFinite else {
      let holds = verdict(Interval(lower: measured, upper: measured), isOfClock: isOfClock)
      return ClaimFinding(
        name: name, measured: nil, interval: nil, repeatCount: repeats, verdict: holds,
        doubt: holds == .notDecidable ? "\(name) is without bound" : nil, margin: margin(measured))
    }
    if interval == nil && repeats >= Bootstrap.smallestSampleCount {
      return undecided("some draws of the repeats leave \(name) undefined", measured)
    }
    if interval == nil && isOfClock {
      return undecided(
        "times need at least \(Bootstrap.smallestSampleCount) repeats to decide anything", measured)
    }
    let range = interval ?? Interval(lower: measured, upper: measured)
    let found = verdict(range, isOfClock: isOfClock)
    var doubt: String?
    if found == .notDecidable {
      let wouldDecide = isOfClock && verdict(range, isOfClock: false) != .notDecidable
      doubt = wouldDecide ? Self.clockSentence : "the interval reaches across a bound"
    }
    return ClaimFinding(
      name: name, measured: measured,
      interval: interval.flatMap { $0.lower.isFinite && $0.upper.isFinite ? $0 : nil },
      repeatCount: repeats, verdict: found, doubt: doubt, margin: margin(measured))
  }

  /// What a range says against the bounds.
  func verdict(_ range: Interval, isOfClock: Bool) -> ClaimVerdict {
    let guardFactor = isOfClock ? Self.clockFactor : 1
    var isHeld = true
    if let lower {
      let near = lower > 0 ? lower * guardFactor : lower
      let far = lower > 0 ? lower / guardFactor : lower
      isHeld = isStrict ? range.lower > near : range.lower >= near
      let isOut = isStrict ? range.upper <= far : range.upper < far
      if isOut { return .notHeld }
    }
    if let upper {
      let near = upper > 0 ? upper / guardFactor : upper
      let far = upper > 0 ? upper * guardFactor : upper
      let isIn = isStrict ? range.upper < near : range.upper <= near
      isHeld = isHeld && isIn
      let isOut = isStrict ? range.lower >= far : range.lower > far
      if isOut { return .notHeld }
    }
    return isHeld ? .held : .notDecidable
  }

  private func margin(_ value: Double) -> Double {
    var result = Double.infinity
    if let lower { result = min(result, (value - lower) / max(lower.magnitude, 1e-12)) }
    if let upper { result = min(result, (upper - value) / max(upper.magnitude, 1e-12)) }
    return result
  }
}

extension ClaimBounds {
  /// The bounds as two ends.
  var ends: (lower: Double?, upper: Double?) {
    var lower = atLeast
    var upper = atMost
    if let expected {
      let width = (tolerance ?? 0) * expected.magnitude
      let near = factor.map { (expected / $0, expected * $0) } ?? (expected - width, expected + width)
      lower = max(lower ?? min(near.0, near.1), min(near.0, near.1))
      upper = min(upper ?? max(near.0, near.1), max(near.0, near.1))
    }
    return (lower, upper)
  }

  /// The bounds of a ratio to something expected: `factor` and `tolerance` are about 1.
  var endsAboutOne: (lower: Double?, upper: Double?) {
    guard expected == nil, factor != nil || tolerance != nil else { return ends }
    var about = self
    about.expected = 1
    return about.ends
  }

  /// The bounds in words.
  var words: String {
    var parts: [String] = []
    if let expected { parts.append(Numbers.short(expected)) }
    switch (atLeast, atMost) {
    case (let low?, let high?): parts.append("\(Numbers.short(low)) … \(Numbers.short(high))")
    case (let low?, nil): parts.append("at least \(Numbers.short(low))")
    case (nil, let high?): parts.append("at most \(Numbers.short(high))")
    case (nil, nil): break
    }
    return parts.joined(separator: ", ")
  }

  /// What is allowed around what is expected, in words; nil for nothing.
  var toleranceWords: String? {
    if let factor { return "factor \(Numbers.short(factor))" }
    return tolerance.map { "±\(Numbers.short($0 * 100)) %" }
  }
}
