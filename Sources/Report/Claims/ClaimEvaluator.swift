// Whether a record's rows bear out what its study claims: a pure function, so that it can be done before a record is
// written and done again from the record alone.
//
//   ClaimRequest ─▶ cells ─▶ conditions ─▶ findings ─▶ the worst one ─▶ row of claims.csv
//
// Invariants
// 1. A claim without data, on failed runs, or with an interval across a bound is not decidable, never held.
// 2. Claims whose metric depends on a clock are evaluated, but are no rows of `claims.csv`, whose bytes do not depend on
//    the machine; they are in `figures/claims_timing.csv`.

import Accounting
import Results

/// Evaluates claims.
enum ClaimEvaluator {
  /// One row a claim, in the study's order.
  static func rows(_ record: Record) -> [ClaimRow] {
    let cells = ClaimCells(record: record, measures: Measures(record))
    return (record.manifest.claims ?? []).map { row($0, cells) }
  }

  /// Whether a clock has a say in a claim.
  static func isOfClock(_ claim: ClaimRequest) -> Bool { Measures.isOfClock(claim.metric, per: claim.per) }

  private static func row(_ claim: ClaimRequest, _ source: ClaimCells) -> ClaimRow {
    var row = ClaimRow()
    row.claim = claim.claim
    row.sentence = claim.sentence
    row.figure = claim.figure
    row.kind = claim.kind.rawValue
    row.metric = Measures.words(claim.metric, per: claim.per)
    row.expected = expectation(claim)
    row.tolerance = claim.bounds.toleranceWords
    row.source = claim.source
    do {
      let conditions = try ClaimConditions(claim, source)
      fill(&row, claim, conditions)
    } catch {
      row.verdict = .notDecidable
      row.explanation = sentence(error.sentence)
    }
    return row
  }

  private static func fill(_ row: inout ClaimRow, _ claim: ClaimRequest, _ conditions: ClaimConditions) {
    let bootstrap = Bootstrap(conditions.samples)
    let isOfClock = isOfClock(claim)
    let findings = conditions.conditions.map {
      (condition: $0, finding: $0.finding(bootstrap, conditions.cells, isOfClock: isOfClock))
    }
    var worst = findings[0]
    for next in findings.dropFirst() {
      let (a, b) = (rank(next.finding.verdict), rank(worst.finding.verdict))
      if a > b || (a == b && next.finding.margin < worst.finding.margin) { worst = next }
    }
    let finding = worst.finding
    // A line, a crossing and a minimum are not factors: on a clock nothing tells them from noise.
    let isFactor = ![.slope, .fit, .crossover, .minimumAt].contains(claim.kind)
    let isDecided = !isOfClock || isFactor
    row.verdict = isDecided ? finding.verdict : .notDecidable
    row.measured = finding.measured
    row.measuredLower = finding.interval?.lower
    row.measuredUpper = finding.interval?.upper
    var parts: [String] = []
    if let measured = finding.measured {
      var text = "\(finding.name) = \(Numbers.short(measured))"
      if let interval = finding.interval {
        text += " [\(Numbers.short(interval.lower)), \(Numbers.short(interval.upper))]"
      }
      let seeds = finding.repeatCount == 1 ? "1 seed" : "\(finding.repeatCount) seeds"
      text += ", \(seeds)"
      if finding.interval == nil { text += ": a point, no interval" }
      if finding.interval != nil, conditions.isPaired(worst.condition) { text += ", paired" }
      parts.append(text)
    } else if finding.doubt == nil {
      parts.append("\(finding.name) is without bound")
    }
    if !isDecided {
      parts.append("on a clock, a \(claim.kind.rawValue) is not decided: times are compared by factors alone")
    } else if let doubt = finding.doubt {
      parts.append(doubt)
    }
    let noise = worst.condition.places.compactMap {
      Bootstrap.smallestDetectableRatio(conditions.cells[$0].values)
    }
    if isOfClock, let floor = noise.max() {
      parts.append("the noise floor is \(Numbers.short(floor)): what one side differs by from itself")
    }
    if findings.count > 1 {
      let held = findings.filter { $0.finding.verdict == .held }.count
      parts.append("\(held) of \(findings.count) conditions are held, this is the one that decides")
    }
    let differing = conditions.differingConditions(worst.condition)
    if !differing.isEmpty { parts.append("the sides differ in \(differing.joined(separator: ", "))") }
    let flagged = worst.condition.places.reduce(0) { sum, place in
      sum + Statistics.outliers(conditions.cells[place].values).count
    }
    if flagged > 0 {
      parts.append("\(flagged == 1 ? "1 outlier" : "\(flagged) outliers") among the repeats, kept")
    }
    parts += conditions.remarks
    row.explanation = sentence(parts.joined(separator: "; "))
  }

  private static func rank(_ verdict: ClaimVerdict) -> Int {
    switch verdict {
    case .held: 0
    case .notDecidable: 1
    case .notHeld: 2
    }
  }

  private static func expectation(_ claim: ClaimRequest) -> String {
    switch claim.kind {
    case .order:
      let names = claim.series.map(\.words).joined(separator: " < ")
      return claim.bounds.atLeast.map { "\(names), each by a factor of at least \(Numbers.short($0))" }
        ?? names
    case .monotone: return "\(claim.direction?.rawValue ?? "rising") with \(claim.over?.path ?? "the axis")"
    case .withinFactor:
      let bounds = claim.bounds.words
      let what = claim.model.map { "model \($0)" } ?? "published points"
      return bounds.isEmpty ? what : "\(what), ratio \(bounds)"
    default: return claim.bounds.words
    }
  }

  private static func sentence(_ text: String) -> String { text.hasSuffix(".") ? text : text + "." }
}

extension Report {
  /// The rows of `claims.csv` for a record's rows and the claims in its manifest: what to put into a record before it is
  /// written. Claims about times are not among them.
  public static func claimRows(of record: Record) -> [ClaimRow] {
    let claims = record.manifest.claims ?? []
    return zip(claims, ClaimEvaluator.rows(record)).filter { !ClaimEvaluator.isOfClock($0.0) }.map(\.1)
  }

  /// The rows about times, which are not in `claims.csv`.
  static func timedClaimRows(of record: Record) -> [ClaimRow] {
    let claims = record.manifest.claims ?? []
    return zip(claims, ClaimEvaluator.rows(record)).filter { ClaimEvaluator.isOfClock($0.0) }.map(\.1)
  }

  /// Every claim of a record, claims about times as well, evaluated from its rows; those it was written with when its
  /// manifest has none.
  public static func allClaimRows(of record: Record) -> [ClaimRow] {
    record.manifest.claims == nil ? record.claims : ClaimEvaluator.rows(record)
  }
}
