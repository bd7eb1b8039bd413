// Goal: a comparison says a difference exactly when it is one: fair, told from chance, and large enough on a clock.
// Method: records made of the numbers alone; one test a word and one a broken rule.

import Accounting
import Results
import Testing

@testable import Report

@Suite("Comparison")
struct ComparisonTests {
  private func lines(
    _ a: [Double], _ b: [Double], metric: String = "wa_total_end", sharesStreams: Bool = true
  ) -> [Comparison.Line] {
    let record = ClaimRecord.make(
      [("a", [(nil, a)]), ("b", [(nil, b)])], metric: metric, sharesStreams: sharesStreams)
    return Comparison(record, engines: ("a", "b"), metrics: [metric]).lines
  }

  @Test func words() throws {
    let larger = try #require(lines([1, 1.1, 0.9], [2, 2.2, 1.8]).first)
    #expect(larger.verdict == .larger && larger.ratio == 2 && larger.ratioLower == 2)
    #expect(
      larger.first == "a" && larger.second == "b" && larger.phase == "load" && larger.repeats == [3, 3])
    #expect(lines([2, 2.2, 1.8], [1, 1.1, 0.9]).first?.verdict == .smaller)
    #expect(lines([1, 2, 3], [1.1, 1.9, 3]).first?.verdict == .noDifference)
    #expect(lines([1, 1, 1], [1, 1, 1]).first?.verdict == .noDifference)
    #expect(lines([1, 1, 1], [1, 1, 1]).first?.smallestDetectableRatio == 1)
  }

  @Test func oneSeedIsAPointAndSaysSo() throws {
    let line = try #require(lines([1], [2]).first)
    #expect(line.verdict == .larger && line.ratioLower == nil && line.smallestDetectableRatio == nil)
    #expect(line.reason.contains("1 seed: a point"))
    #expect(lines([0], [2]).first?.verdict == .larger)
    #expect(lines([0], [2]).first?.ratio == nil)
    #expect(lines([0], [0]).first?.verdict == .noDifference)
  }

  @Test func clocksNeedAFactorOfOneAndAHalfAndRepeats() {
    #expect(lines([100, 101, 99], [140, 141, 139], metric: "ops_per_s").first?.verdict == .noDifference)
    #expect(lines([100, 101, 99], [180, 181, 179], metric: "ops_per_s").first?.verdict == .larger)
    #expect(lines([100, 300, 99], [180, 181, 179], metric: "ops_per_s").first?.verdict == .noDifference)
    #expect(lines([100], [900], metric: "ops_per_s").first?.verdict == .noDifference)
  }

  @Test(
    "a broken rule is named, and no difference is claimed",
    arguments: ["records", "batch_operations", "sync_every_commits", "memory_budget_bytes"])
  func unfair(column: String) throws {
    var record = ClaimRecord.make([ClaimRecord.plain("a", 1, 1, 1), ClaimRecord.plain("b", 5, 5, 5)])
    for index in record.runs.indices where record.runs[index].label == "b" {
      record.runs[index][column] = .count(77)
    }
    let comparison = Comparison(record, engines: ("a", "b"), metrics: ["wa_total_end"])
    let line = try #require(comparison.lines.first)
    #expect(line.verdict == .notComparable)
    #expect(line.reason.contains("77"))
    #expect(comparison.text.contains("not comparable"))
  }

  @Test func otherOperationsOtherDevicesOtherMachines() throws {
    #expect(
      lines([1, 1, 1], [5, 5, 5], sharesStreams: false).first?.reason.contains("stream hashes") == true)
    let first = ClaimRecord.make([ClaimRecord.plain("a", 1, 1, 1)])
    var second = ClaimRecord.make([ClaimRecord.plain("a", 5, 5, 5)])
    #expect(Comparison(first, second, metrics: ["wa_total_end"]).lines.first?.verdict == .larger)
    second.manifest.study.resolved = .object(["device": .object(["profile": .text("hdd")])])
    #expect(
      Comparison(first, second, metrics: ["wa_total_end"]).lines.first?.reason.contains("device") == true)
    let timed = ClaimRecord.make([ClaimRecord.plain("a", 1, 1, 1)], metric: "ops_per_s")
    var elsewhere = ClaimRecord.make([ClaimRecord.plain("a", 9, 9, 9)], metric: "ops_per_s")
    #expect(Comparison(timed, elsewhere, metrics: ["ops_per_s"]).lines.first?.verdict == .larger)
    elsewhere.manifest.machine.processor = "Another CPU"
    let line = try #require(Comparison(timed, elsewhere, metrics: ["ops_per_s"]).lines.first)
    #expect(line.verdict == .notComparable && line.reason.contains("another machine"))
  }

  @Test func seriesAreMatchedAndWhatIsLeftIsSaid() {
    let first = ClaimRecord.make([ClaimRecord.plain("a", 1), ClaimRecord.plain("b", 1)])
    let second = ClaimRecord.make([ClaimRecord.plain("b", 2), ClaimRecord.plain("c", 1)])
    let comparison = Comparison(first, second, metrics: ["wa_total_end"])
    #expect(comparison.lines.map(\.first) == ["b"])
    #expect(comparison.notes == ["only in the first: a", "only in the second: c"])
    let crossed = Comparison(first, second, metrics: ["wa_total_end"], labels: ("a", "c"))
    #expect(crossed.lines.map(\.second) == ["c"])
    let none = Comparison(first, second, metrics: ["wa_total_end"], labels: ("x", "c"))
    #expect(none.lines.isEmpty && none.text.contains("nothing to compare"))
    let swept = ClaimRecord.make([
      ClaimRecord.line("a", [(1, 1), (2, 2)]), ClaimRecord.line("b", [(1, 2), (2, 4), (4, 4)]),
    ])
    let pairs = Comparison(swept, engines: ("a", "b"), metrics: ["wa_total_end"]).lines
    #expect(pairs.map(\.first) == ["a page_bytes=1", "a page_bytes=2"])
    #expect(pairs.map(\.ratio) == [2, 2])
  }

  @Test func textsHaveEveryLine() throws {
    let record = ClaimRecord.make([ClaimRecord.plain("a", 1, 1.1, 0.9), ClaimRecord.plain("b", 2, 2.2, 1.8)])
    let comparison = Comparison(record, engines: ("a", "b"), metrics: ["wa_total_end"])
    #expect(
      comparison.text == """
        first: a   second: b   ratio: second ÷ first

        phase  metric        first  second  ratio  95 % interval  detectable  the second is
        load   wa_total_end   1.00    2.00   2.00  [2.00, 2.00]         1.22  larger

        """)
    let rows = try CommaSeparatedText.records(Array(comparison.commaSeparatedText.utf8))
    #expect(rows.count == 2 && rows[0].count == 14 && rows[1][12].value == "larger")
  }
}
