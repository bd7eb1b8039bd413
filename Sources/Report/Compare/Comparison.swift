// Two sides held against each other, metric by metric: the ratio of their medians, its interval, the smallest ratio
// that repeats of one side differ by from themselves, and a word.
//
//   record A ─┐ series and phase matched                  fair? same operations, records, batch, syncs, memory, device
//   record B ─┘ (or two labels of one record) ─▶ ratio second ÷ first ─▶ smaller │ larger │ no difference shown │
//                                                                        not comparable
//
// Invariants
// 1. A word of difference needs an interval that excludes 1, or one seed's exact counts, and says which.
// 2. On a clock it also needs three repeats, a factor of 1.5 and more than the smallest detectable ratio.
// 3. What is not comparable is shown with its medians and the rule it breaks, never with a word of difference.
//
// Source of the rules: metric definitions, "A comparison is fair when", rules 1 to 3 and 11.

import Accounting
import Results

/// A comparison of two sides.
public struct Comparison: Sendable {
  /// What is said of a metric.
  public enum Verdict: String, Codable, Sendable {
    case smaller, larger
    case noDifference = "no difference shown"
    case notComparable = "not comparable"
  }

  /// One metric of one pair in one phase.
  public struct Line: Codable, Sendable {
    /// The phase.
    public var phase: String
    /// The first side: what the ratio is divided by.
    public var first: String
    /// The second side.
    public var second: String
    /// The metric's id.
    public var metric: String
    /// The first side's median.
    public var firstMedian: Double
    /// The second side's median.
    public var secondMedian: Double
    /// Second ÷ first, nil where the first is 0.
    public var ratio: Double?
    /// The ends of the ratio's 95 % interval; nil below three repeats.
    public var ratioLower: Double?
    /// The upper end.
    public var ratioUpper: Double?
    /// The smallest ratio told from chance: one side against itself; nil below three repeats.
    public var smallestDetectableRatio: Double?
    /// Repeats of the first and the second side.
    public var repeats: [Int]
    /// The word: what the second side is.
    public var verdict: Verdict
    /// Why, where the word needs it; else empty.
    public var reason: String

    enum CodingKeys: String, CodingKey {
      case phase, first, second, metric
      case firstMedian = "first_median"
      case secondMedian = "second_median"
      case ratio
      case ratioLower = "ratio_lower"
      case ratioUpper = "ratio_upper"
      case smallestDetectableRatio = "smallest_detectable_ratio"
      case repeats, verdict, reason
    }
  }

  /// One line a phase, pair and metric.
  public private(set) var lines: [Line] = []
  /// Sentences on what could not be compared and why.
  public private(set) var notes: [String] = []

  /// Metrics compared when none are asked for.
  public static let defaultMetrics = SummaryTable.metrics.filter { $0 != "operations" }

  /// Two records, matched by the names of their series; a record with one series matches any other such record.
  ///
  /// - Parameters:
  ///   - metrics: ids of `runs.csv` or `timing.csv`.
  ///   - labels: the engine's label in the first and in the second record; nil for every series both have.
  ///   - phases: only these; empty for all both have.
  public init(
    _ first: Record, _ second: Record, metrics: [String] = defaultMetrics, labels: (String, String)? = nil,
    phases: [String] = []
  ) {
    let (a, b) = (ComparedSide(first), ComparedSide(second))
    var pairs: [(SeriesID, SeriesID)] = []
    if let labels {
      pairs = Self.pairs(a.digest.series, labels.0, b.digest.series, labels.1)
      if pairs.isEmpty {
        notes.append(
          "no series of '\(labels.0)' and '\(labels.1)' match; there are "
            + "\(a.digest.series.map(\.name).joined(separator: ", ")) and \(b.digest.series.map(\.name).joined(separator: ", "))"
        )
      }
    } else if a.digest.series.count == 1, b.digest.series.count == 1 {
      pairs = [(a.digest.series[0], b.digest.series[0])]
    } else {
      pairs = a.digest.series.filter { b.digest.series.contains($0) }.map { ($0, $0) }
      let unmatched = a.digest.series.filter { !b.digest.series.contains($0) }
      let other = b.digest.series.filter { !a.digest.series.contains($0) }
      if !unmatched.isEmpty {
        notes.append("only in the first: \(unmatched.map(\.name).joined(separator: ", "))")
      }
      if !other.isEmpty { notes.append("only in the second: \(other.map(\.name).joined(separator: ", "))") }
    }
    compare(a, b, pairs, metrics, phases)
  }

  /// Two engines of one record, by label; series that vary are matched by what varies.
  public init(
    _ record: Record, engines: (String, String), metrics: [String] = defaultMetrics, phases: [String] = []
  ) {
    self.init(record, record, metrics: metrics, labels: engines, phases: phases)
  }

  private static func pairs(
    _ first: [SeriesID], _ firstLabel: String, _ second: [SeriesID], _ secondLabel: String
  ) -> [(SeriesID, SeriesID)] {
    let ones = first.filter { $0.label == firstLabel }
    let others = second.filter { $0.label == secondLabel }
    if ones.count == 1 && others.count == 1 { return [(ones[0], others[0])] }
    return ones.compactMap { one in others.first { $0.variation == one.variation }.map { (one, $0) } }
  }

  private mutating func compare(
    _ a: ComparedSide, _ b: ComparedSide, _ pairs: [(SeriesID, SeriesID)], _ metrics: [String],
    _ phases: [String]
  ) {
    let names = a.digest.phases.filter { phases.isEmpty || phases.contains($0) }
    for phase in phases where !a.digest.phases.contains(phase) || !b.digest.phases.contains(phase) {
      notes.append("phase '\(phase)' is not in both; there are \(a.digest.phases.joined(separator: ", "))")
    }
    for phase in names {
      for pair in pairs {
        guard let one = a.digest.group(pair.0, phase), let other = b.digest.group(pair.1, phase),
          one.isMeasured || other.isMeasured
        else { continue }
        for (group, name) in [(one, "first"), (other, "second")] {
          for row in group.others {
            notes.append(
              "\(group.series.name), \(phase), \(name): \(row.status?.rawValue ?? "failed"): \(row.reason ?? "")"
            )
          }
        }
        let faults = a.faults(one, against: b, other)
        let classes = [one, other].map { $0.rows.first?.durabilityClass ?? "" }
        if classes[0] != classes[1] {
          let note = "\(pair.0.label) promises '\(classes[0])' after a crash, \(pair.1.label) '\(classes[1])'"
          if !notes.contains(note) { notes.append(note) }
        }
        for metric in metrics {
          let clockFaults = Measures.isOfClock(metric) ? a.clockFaults(against: b) : []
          if let line = Self.line(
            a.sample(one, metric), b.sample(other, metric), metric, faults + clockFaults)
          {
            var line = line
            line.phase = phase
            line.first = pair.0.name
            line.second = pair.1.name
            lines.append(line)
          }
        }
      }
    }
  }

  /// A line without its names, nil where a side has no number.
  private static func line(
    _ a: (values: [Double], streams: [String]), _ b: (values: [Double], streams: [String]), _ metric: String,
    _ faults: [String]
  ) -> Line? {
    guard let first = Statistics.median(a.values), let second = Statistics.median(b.values) else {
      return nil
    }
    let isPaired = a.streams == b.streams
    let bootstrap = Bootstrap([
      Sample(a.values, pairing: 0), Sample(b.values, pairing: isPaired ? 0 : 1),
    ])
    let statistic: ([Double]) -> Double? = { $0[0] == 0 ? nil : $0[1] / $0[0] }
    let interval = bootstrap.interval(over: [0, 1], statistic)
    let noise = [a.values, b.values].compactMap { Bootstrap.smallestDetectableRatio($0) }
    var line = Line(
      phase: "", first: "", second: "", metric: metric, firstMedian: first, secondMedian: second,
      ratio: statistic([first, second]), ratioLower: interval?.lower, ratioUpper: interval?.upper,
      smallestDetectableRatio: noise.count == 2 ? noise.max() : nil,
      repeats: [a.values.count, b.values.count],
      verdict: .noDifference, reason: "")
    let words = word(line, isPaired: isPaired, faults)
    line.verdict = words.verdict
    let outliers = Statistics.outliers(a.values).count + Statistics.outliers(b.values).count
    let flag = outliers > 0 ? ["\(outliers == 1 ? "1 outlier" : "\(outliers) outliers"), kept"] : []
    line.reason = ([words.reason].filter { !$0.isEmpty } + flag).joined(separator: "; ")
    return line
  }

  private static func word(
    _ line: Line, isPaired: Bool, _ faults: [String]
  ) -> (verdict: Verdict, reason: String) {
    if !faults.isEmpty { return (.notComparable, faults.joined(separator: ", ")) }
    let isOfClock = Measures.isOfClock(line.metric)
    let repeats = line.repeats.min() ?? 0
    let seeds = repeats == 1 ? "1 seed: a point" : "\(repeats) seeds: a point"
    if line.firstMedian == line.secondMedian {
      return (.noDifference, repeats < Bootstrap.smallestSampleCount ? seeds : "")
    }
    guard let ratio = line.ratio, ratio > 0 else {
      let isLarger = line.secondMedian > line.firstMedian
      if isOfClock { return (.noDifference, "a time of 0") }
      return (isLarger ? .larger : .smaller, "one side is 0, \(seeds)")
    }
    let word: Verdict = ratio > 1 ? .larger : .smaller
    let size = max(ratio, 1 / ratio)
    guard let lower = line.ratioLower, let upper = line.ratioUpper else {
      if isOfClock { return (.noDifference, "times need at least 3 repeats") }
      return (word, seeds)
    }
    if lower <= 1 && upper >= 1 { return (.noDifference, "") }
    if isOfClock && size < ClaimCondition.clockFactor { return (.noDifference, ClaimCondition.clockSentence) }
    if isOfClock || !isPaired, let noise = line.smallestDetectableRatio, size <= noise {
      return (.noDifference, "within the smallest detectable ratio")
    }
    return (word, "")
  }
}

extension Group {
  /// Whether the phase is one whose numbers are read: it did operations, and not to warm a cache.
  var isMeasured: Bool { rows.contains { ($0.operations ?? 0) > 0 && $0.phaseKind != "warm" } }
}
