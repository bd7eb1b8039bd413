// Goal: a claim is held where it must be, not held where it must not be, and not decidable where nothing decides it;
// no claim is ever held on missing data, failed runs or a noisy clock.
// Method: canaries. For every kind one record in which it holds, one in which it does not, one whose interval reaches
// across the bound; then every reason for doubt, alone. The rules of one condition are tried on every order of
// interval and bounds.

import Accounting
import Results
import Testing

@testable import Report

@Suite("Claims")
struct ClaimTests {
  /// A claim and three records.
  struct Canary: CustomTestStringConvertible, Sendable {
    var claim: ClaimRequest
    var held: [(label: String, points: [(x: Double?, values: [Double])])]
    var notHeld: [(label: String, points: [(x: Double?, values: [Double])])]
    var notDecidable: [(label: String, points: [(x: Double?, values: [Double])])]
    var testDescription: String { claim.kind.rawValue + (claim.direction.map { " " + $0.rawValue } ?? "") }
  }

  private static func line(_ points: [(Double, Double)], spread: Double = 0.01) -> ClaimRecord.Series {
    ClaimRecord.line("a", points, spread: spread)
  }
  private static let x = ClaimRecord.pageBytes
  private static func claim(
    _ kind: ClaimKind, _ labels: [String] = ["a"], _ bounds: ClaimBounds = ClaimBounds(),
    change: (inout ClaimRequest) -> Void = { _ in }
  ) -> ClaimRequest {
    ClaimRecord.claim(kind, labels, bounds, over: kind.needsAxis == false ? nil : x, change: change)
  }

  static let canaries: [Canary] = [
    Canary(
      claim: claim(.value, ["a"], ClaimBounds(atLeast: 1, atMost: 2)),
      held: [ClaimRecord.plain("a", 1.4, 1.5, 1.6)], notHeld: [ClaimRecord.plain("a", 2.1, 2.2, 2.3)],
      notDecidable: [ClaimRecord.plain("a", 1.9, 2.0, 2.1)]),
    Canary(
      claim: claim(.value, ["a"], ClaimBounds(expected: 4, tolerance: 0.25)),
      held: [ClaimRecord.plain("a", 3, 4, 5)], notHeld: [ClaimRecord.plain("a", 1, 2, 2.9)],
      notDecidable: [ClaimRecord.plain("a", 2.9, 4, 4)]),
    Canary(
      claim: claim(.ratio, ["a", "b"], ClaimBounds(atLeast: 2)),
      held: [ClaimRecord.plain("a", 4, 5, 6), ClaimRecord.plain("b", 1, 1, 1)],
      notHeld: [ClaimRecord.plain("a", 1, 1.1, 1.2), ClaimRecord.plain("b", 1, 1, 1)],
      notDecidable: [ClaimRecord.plain("a", 1.5, 2.1, 2.5), ClaimRecord.plain("b", 1, 1, 1)]),
    Canary(
      claim: claim(.order, ["a", "b", "c"]),
      held: [
        ClaimRecord.plain("a", 1, 1, 1), ClaimRecord.plain("b", 2, 2, 2), ClaimRecord.plain("c", 3, 3, 3),
      ],
      notHeld: [
        ClaimRecord.plain("a", 1, 1, 1), ClaimRecord.plain("b", 3, 3, 3), ClaimRecord.plain("c", 2, 2, 2),
      ],
      notDecidable: [
        ClaimRecord.plain("a", 1, 1, 1), ClaimRecord.plain("b", 2, 2, 2), ClaimRecord.plain("c", 1.5, 2.2, 3),
      ]),
    Canary(
      claim: claim(.monotone) { $0.direction = .rising },
      held: [line([(1, 1), (2, 2), (4, 4)])], notHeld: [line([(1, 1), (2, 2), (4, 1.5)])],
      notDecidable: [line([(1, 1), (2, 1.005), (4, 1.01)], spread: 0.05)].map { series in
        (series.label, series.points.enumerated().map { ($1.x, $0 == 1 ? $1.values.reversed() : $1.values) })
      }),
    Canary(
      claim: claim(.monotone) { $0.direction = .falling },
      held: [line([(1, 4), (2, 2), (4, 1)])], notHeld: [line([(1, 4), (2, 5), (4, 1)])],
      notDecidable: [("a", [(1, [4, 4, 4]), (2, [3, 3.9, 5])])]),
    Canary(
      claim: claim(.monotone, ["a"], ClaimBounds(tolerance: 0.25)) { $0.direction = .flat },
      held: [line([(1, 1), (2, 1.1), (4, 0.9)])], notHeld: [line([(1, 1), (2, 1.1), (4, 2)])],
      notDecidable: [("a", [(1, [1, 1, 1]), (2, [1, 1, 1]), (4, [1, 1.2, 1.4])])]),
    Canary(
      claim: claim(.slope, ["a"], ClaimBounds(expected: 1, tolerance: 0.15)) {
        $0.xTransform = .log2
        $0.yTransform = .log2
      },
      held: [line([(1, 1), (2, 2), (4, 4), (8, 8)])], notHeld: [line([(1, 1), (2, 1.4), (4, 2), (8, 2.8)])],
      notDecidable: [("a", [(1, [1, 1, 1]), (2, [1.6, 1.9, 2.6])])]),
    Canary(
      claim: claim(.fit, ["a"], ClaimBounds(atLeast: 0.95)) { $0.xTransform = .reciprocal },
      held: [line([(1, 8), (2, 4), (4, 2), (8, 1)])], notHeld: [line([(1, 8), (2, 1), (4, 9), (8, 2)])],
      notDecidable: [("a", [(1, [8, 8, 8]), (2, [4, 4, 7]), (4, [2, 2, 2])])]),
    Canary(
      claim: claim(.crossover, ["a", "b"], ClaimBounds(expected: 4, tolerance: 0.3)),
      held: [ClaimRecord.line("a", [(2, 1), (6, 3)]), ClaimRecord.line("b", [(2, 2), (6, 2)])],
      notHeld: [ClaimRecord.line("a", [(2, 1), (6, 1.5)]), ClaimRecord.line("b", [(2, 2), (6, 2)])],
      notDecidable: [
        ClaimRecord.line("a", [(2, 1), (4, 3), (6, 1)]), ClaimRecord.line("b", [(2, 2), (4, 2), (6, 2)]),
      ]),
    Canary(
      claim: claim(.minimumAt, ["a"], ClaimBounds(atLeast: 4, atMost: 8)),
      held: [line([(2, 3), (4, 1), (8, 2), (16, 5)])], notHeld: [line([(2, 1), (4, 2), (8, 3), (16, 5)])],
      notDecidable: [("a", [(2, [1, 1.2, 1.4]), (4, [1.4, 1.1, 1.0]), (8, [3, 3, 3])])]),
    Canary(
      claim: claim(.withinFactor, ["a"], ClaimBounds(factor: 2)) {
        $0.points = [PublishedPoint(x: 1, y: 10), PublishedPoint(x: 2, y: 20)]
      },
      held: [line([(1, 12), (2, 15)])], notHeld: [line([(1, 12), (2, 45)])],
      notDecidable: [("a", [(1, [12, 12, 12]), (2, [39, 41, 38])])]),
  ]

  @Test("each kind is held, not held and not decidable where it must be", arguments: canaries)
  func canary(_ canary: Canary) {
    for (series, verdict) in [
      (canary.held, ClaimVerdict.held), (canary.notHeld, .notHeld), (canary.notDecidable, .notDecidable),
    ] {
      let row = ClaimRecord.row(series, canary.claim)
      #expect(row.verdict == verdict, "\(row.explanation ?? "")")
      #expect(!(row.explanation ?? "").isEmpty && row.expected != nil)
    }
  }

  @Test("every kind of claim has a canary")
  func canariesAreComplete() {
    #expect(Set(Self.canaries.map(\.claim.kind)) == Set(ClaimKind.allCases))
  }

  @Test("one condition against every order of interval and bounds")
  func oneCondition() {
    func verdict(_ lower: Double, _ upper: Double, _ low: Double?, _ high: Double?, clock: Bool = false)
      -> ClaimVerdict
    {
      ClaimCondition(name: "n", places: [], statistic: { _ in nil }, lower: low, upper: high)
        .verdict(Interval(lower: lower, upper: upper), isOfClock: clock)
    }
    for low in [1.0, 2, 3, 4, 5] {
      for high in [low, low + 1, low + 2] {
        let expected: ClaimVerdict =
          high < 2 || low > 4 ? .notHeld : low >= 2 && high <= 4 ? .held : .notDecidable
        #expect(verdict(low, high, 2, 4) == expected, "[\(low), \(high)] in 2 … 4")
      }
    }
    #expect(verdict(1, 9, nil, nil) == .held)
    #expect(verdict(1.6, 2, 1, nil, clock: true) == .held)
    #expect(verdict(1.4, 2, 1, nil, clock: true) == .notDecidable)
    #expect(verdict(0.7, 0.9, 1, nil, clock: true) == .notDecidable)
    #expect(verdict(0.5, 0.6, 1, nil, clock: true) == .notHeld)
    #expect(verdict(1.4, 1.6, nil, 1, clock: true) == .notDecidable)
    #expect(verdict(1.6, 1.8, nil, 1, clock: true) == .notHeld)
  }

  @Test("on a clock, less than a factor of 1.5 decides nothing and says why")
  func clocks() {
    let claim = ClaimRecord.claim(.ratio, ["a", "b"], ClaimBounds(atLeast: 1), metric: "ops_per_s")
    let base = ClaimRecord.plain("b", 100, 101, 99)
    let near = ClaimRecord.row([ClaimRecord.plain("a", 140, 141, 139), base], claim)
    #expect(near.verdict == .notDecidable)
    #expect(
      near.explanation?.contains(
        "wall-clock factors below 1.5 are not called a difference on a shared machine") == true)
    #expect(ClaimRecord.row([ClaimRecord.plain("a", 180, 181, 179), base], claim).verdict == .held)
    #expect(ClaimRecord.row([ClaimRecord.plain("a", 50, 51, 49), base], claim).verdict == .notHeld)
    let once = ClaimRecord.row([ClaimRecord.plain("a", 900), ClaimRecord.plain("b", 100)], claim)
    #expect(once.verdict == .notDecidable && once.explanation?.contains("at least 3 repeats") == true)
    let slope = ClaimRecord.claim(.slope, ["a"], ClaimBounds(atLeast: 0), metric: "ops_per_s", over: Self.x)
    #expect(ClaimRecord.row([Self.line([(1, 1), (2, 9)])], slope).verdict == .notDecidable)
  }

  @Test("claims about times are no rows of claims.csv")
  func clocksStayOutOfTheDeterministicFile() {
    let timed = ClaimRecord.claim(.ratio, ["a", "b"], ClaimBounds(atLeast: 1), metric: "ops_per_s")
    let counted = ClaimRecord.claim(.value, ["a"], ClaimBounds(atLeast: 1))
    var record = ClaimRecord.make([ClaimRecord.plain("a", 2, 2, 2)], claims: [timed, counted])
    #expect(Report.claimRows(of: record).map(\.kind) == ["value"])
    #expect(Report.allClaimRows(of: record).count == 2)
    #expect(Report.timedClaimRows(of: record).map(\.kind) == ["ratio"])
    record.manifest.claims = nil
    #expect(Report.claimRows(of: record).isEmpty)
  }

  @Test("one seed is a point and says so; the whole sample decides from three on")
  func points() {
    let claim = ClaimRecord.claim(.value, ["a"], ClaimBounds(atLeast: 1))
    let one = ClaimRecord.row([ClaimRecord.plain("a", 2)], claim)
    #expect(one.verdict == .held && one.measured == 2 && one.measuredLower == nil)
    #expect(one.explanation?.contains("1 seed: a point, no interval") == true)
    let three = ClaimRecord.row([ClaimRecord.plain("a", 2, 3, 1.5)], claim)
    #expect(three.measured == 2 && three.measuredLower == 1.5 && three.measuredUpper == 3)
    #expect(three.explanation?.contains("[1.50, 3.00], 3 seeds") == true)
  }

  @Test("ratios are paired where the operations are the same, and only there")
  func pairing() {
    let claim = ClaimRecord.claim(.ratio, ["a", "b"], ClaimBounds(atLeast: 1.9, atMost: 2.1))
    let series = [ClaimRecord.plain("a", 2, 4, 8), ClaimRecord.plain("b", 1, 2, 4)]
    #expect(ClaimRecord.row(series, claim).verdict == .held)
    #expect(ClaimRecord.row(series, claim, sharesStreams: false).verdict == .notDecidable)
  }

  @Test("sides that differ in what a fair comparison keeps equal are said to")
  func unequalSides() {
    var record = ClaimRecord.make(
      [ClaimRecord.plain("a", 4, 4, 4), ClaimRecord.plain("b", 1, 1, 1)],
      claims: [ClaimRecord.claim(.ratio, ["a", "b"], ClaimBounds(atLeast: 2))])
    #expect(ClaimEvaluator.rows(record)[0].explanation?.contains("differ") == false)
    for index in record.runs.indices where record.runs[index].label == "b" { record.runs[index].records = 7 }
    let row = ClaimEvaluator.rows(record)[0]
    #expect(row.verdict == .held && row.explanation?.contains("the sides differ in records") == true)
  }

  @Test("nothing is held without data, and the reason is said")
  func doubts() {
    let claim = ClaimRecord.claim(.value, ["a"], ClaimBounds(atLeast: 0))
    func row(_ record: Record, _ claim: ClaimRequest) -> ClaimRow {
      var record = record
      record.manifest.claims = [claim]
      return ClaimEvaluator.rows(record)[0]
    }
    func expect(_ row: ClaimRow, _ words: String) {
      #expect(row.verdict == .notDecidable)
      #expect(row.explanation?.contains(words) == true, "\(row.explanation ?? "")")
    }
    let good = ClaimRecord.make([ClaimRecord.plain("a", 1, 2, 3)])
    #expect(row(good, claim).verdict == .held)
    expect(row(Record(manifest: good.manifest), claim), "no run of 'a'")
    var failed = good
    failed.runs[1].status = .failed
    failed.runs[1].reason = "phase 'load': a wrong answer"
    expect(row(failed, claim), "failed: phase 'load': a wrong answer")
    var missing = good
    missing.runs[2]["wa_total_end"] = nil
    expect(row(missing, claim), "has no number for wa_total_end")
    expect(
      row(good, ClaimRecord.claim(.value, ["a"], ClaimBounds(atLeast: 0)) { $0.phase = "read" }),
      "in phase 'read'")
    expect(
      row(good, ClaimRecord.claim(.value, ["a"], ClaimBounds(atLeast: 0)) { $0.per = "height" }),
      "wa_total_end ÷ height")
    let swept = ClaimRecord.make([Self.line([(1, 1), (2, 2)])])
    expect(row(swept, claim), "differ in p_page_bytes")
    expect(
      row(
        ClaimRecord.make([Self.line([(1, 1)])]),
        ClaimRecord.claim(.monotone, ["a"], over: Self.x) { $0.direction = .rising }),
      "has 1 point along engines.a.page_bytes; 2 are needed")
    expect(
      row(good, ClaimRecord.claim(.monotone, ["a"], over: Self.x) { $0.direction = .rising }),
      "holds nothing where a number")
    expect(
      row(
        ClaimRecord.make([ClaimRecord.plain("a", 1, 1, 1), ClaimRecord.plain("b", 0, 0, 0)]),
        ClaimRecord.claim(.ratio, ["a", "b"], ClaimBounds(atLeast: 1))), "not defined")
    expect(
      row(
        good, ClaimRecord.claim(.withinFactor, ["a"], ClaimBounds(factor: 2)) { $0.model = "append_log_put" }),
      "says nothing about")
    expect(
      row(good, ClaimRecord.claim(.withinFactor, ["a"], ClaimBounds(factor: 2)) { $0.model = "none" }),
      "there is no model")
  }

  @Test("zeros: equal is no change, 0 to more is a rise without bound")
  func zeros() {
    let order = ClaimRecord.claim(.order, ["a", "b"])
    let zero = ClaimRecord.plain("a", 0, 0, 0)
    #expect(ClaimRecord.row([zero, ClaimRecord.plain("b", 1, 1, 1)], order).verdict == .held)
    #expect(ClaimRecord.row([zero, ClaimRecord.plain("b", 0, 0, 0)], order).verdict == .notHeld)
    let rising = ClaimRecord.claim(.monotone, ["a"], over: Self.x) { $0.direction = .rising }
    #expect(ClaimRecord.row([Self.line([(1, 0), (2, 0), (4, 1)])], rising).verdict == .held)
  }

  @Test("where, x bounds, per and the axis choose the rows")
  func selection() {
    let series = [Self.line([(1, 1), (2, 2), (4, 4), (8, 1)])]
    let rising = ClaimRecord.claim(.monotone, ["a"], over: Self.x) { $0.direction = .rising }
    #expect(ClaimRecord.row(series, rising).verdict == .notHeld)
    var bounded = rising
    bounded.largestX = 4
    #expect(ClaimRecord.row(series, bounded).verdict == .held)
    var chosen = ClaimRecord.claim(.value, ["a"], ClaimBounds(expected: 4, tolerance: 0.02))
    chosen.series[0].conditions = [SeriesSelector.Condition(column: Self.x, value: "4")]
    #expect(ClaimRecord.row(series, chosen).verdict == .held)
    var divided = ClaimRecord.claim(.value, ["a"], ClaimBounds(expected: 0.002, tolerance: 0.01))
    divided.per = "operations"
    #expect(ClaimRecord.row([ClaimRecord.plain("a", 2, 2, 2)], divided).verdict == .held)
  }

  @Test("the same record gives the same bytes, whatever the order of its rows")
  func deterministic() {
    let claims = Self.canaries.map(\.claim)
    var record = ClaimRecord.make([
      Self.line([(1, 1), (2, 2), (4, 4)]), ClaimRecord.line("b", [(1, 2), (2, 2), (4, 2)]),
    ])
    record.manifest.claims = claims
    let text = Table<ClaimColumns>.text(ClaimEvaluator.rows(record))
    #expect(text == Table<ClaimColumns>.text(ClaimEvaluator.rows(record)))
    record.runs.reverse()
    #expect(text == Table<ClaimColumns>.text(ClaimEvaluator.rows(record)))
  }
}
