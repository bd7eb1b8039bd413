// Goal: a line figure shows what its table holds: medians, intervals, predictions, published points, one line a series,
// whatever the axis; gnuplot draws it without a word.
// Method: small records made of numbers alone; tables compared as text, scripts drawn by gnuplot where it is installed.

import Accounting
import Foundation
import Results
import Testing

@testable import Report

@Suite("Line figures")
struct LinesFigureTests {
  private func request(_ change: (inout FigureRequest) -> Void = { _ in }) -> FigureRequest {
    var request = FigureRequest(
      figure: "lines", phases: ["load"], name: "f", metric: "wa_total_end", axis: ClaimRecord.pageBytes)
    change(&request)
    return request
  }

  private let record = ClaimRecord.make([
    ClaimRecord.line("a", [(4096, 8), (1024, 2)], spread: 0.5), ClaimRecord.line("b", [(1024, 1)]),
  ])

  @Test func theTableIsWhatIsDrawn() throws {
    let figure = try makeFigure(
      Digest(record), request { $0.points = [PublishedPoint(x: 2048, y: 3.5)] })
    #expect(
      figure.table == """
        line,series,phase,x,median,lower,upper,repeats,predicted,published
        a,a,load,1024.0,2.0,1.0,3.0,3,,
        a,a,load,4096.0,8.0,4.0,12.0,3,,
        b,b,load,1024.0,1.0,0.99,1.01,3,,
        published,,,2048.0,,,,,,3.5

        """)
    #expect(
      figure.description
        == "a: 2.00 at 1,024 to 8.00 at 4,096, 2 points; b: 1.00 at 1,024 to 1.00 at 1,024, 1 point.")
    #expect(figure.script.contains("with filledcurves") && figure.script.contains("'1 Ki' 1024.0"))
  }

  @Test func chosenEnginesAndWhatCannotBeShown() throws {
    let digest = Digest(record)
    #expect(
      try makeFigure(digest, request { $0.engines = ["b"] }).table.components(separatedBy: "\n").count == 3)
    #expect(throws: ReportError.self) { try makeFigure(digest, request { $0.metric = "ra_ios" }) }
    #expect(throws: ReportError.self) { try makeFigure(digest, request { $0.metric = nil }) }
    #expect(throws: ReportError.self) { try makeFigure(digest, request { $0.model = "none" }) }
    #expect(throws: ReportError.self) { try makeFigure(digest, request { $0.phases = ["read"] }) }
  }

  /// An engine that does not have what is swept stands in the figure as one level, and never changes a line.
  @Test func anEngineWithoutTheAxisIsALevel() throws {
    let swept = ClaimRecord.line("a", [(4096, 8), (1024, 2)], spread: 0.5)
    let record = ClaimRecord.make([ClaimRecord.plain("c", 5, 4, 6), swept, ClaimRecord.plain("d", 3)])
    let figure = try makeFigure(Digest(record), request())
    #expect(
      figure.table == """
        line,series,phase,x,median,lower,upper,repeats,predicted,published
        a,a,load,1024.0,2.0,1.0,3.0,3,,
        a,a,load,4096.0,8.0,4.0,12.0,3,,
        c,c,load,,5.0,4.0,6.0,3,,
        d,d,load,,3.0,3.0,3.0,1,,

        """)
    #expect(
      figure.description
        == "a: 2.00 at 1,024 to 8.00 at 4,096, 2 points; c: 5.00 throughout; d: 3.00 throughout.")
    #expect(figure.script.contains("set arrow from graph 0, first 5.0 to graph 1, first 5.0 nohead"))
    #expect(figure.script.contains("set label 'c' at graph 0.01, first 5.0"))
    #expect(figure.script.contains("from graph 0, first 4.0 to graph 1, first 6.0 behind"))
    // Levels alone are no line.
    #expect(throws: ReportError.self) { try makeFigure(Digest(record), request { $0.engines = ["c"] }) }
    let without = try makeFigure(Digest(record), request { $0.engines = ["a"] })
    #expect(!without.script.contains("set arrow") && without.table.split(separator: "\n").count == 3)
    var turned = record
    turned.runs.reverse()
    #expect(
      try makeFigure(Digest(turned), request()).table.split(separator: "\n").sorted()
        == figure.table.split(separator: "\n").sorted())
  }

  /// A legend says what its lines differ in, in words, and cuts nothing off; the table keeps the record's names.
  @Test func legendsAreInWords() throws {
    var record = ClaimRecord.make([ClaimRecord.line("btree", [(1024, 2), (4096, 8)])])
    let runs = record.runs
    record.runs = []
    for (place, memory) in [UInt64(12_582_912), 201_326_592].enumerated() {
      for (number, shards) in ["1", "16"].enumerated() {
        record.runs += runs.map { row in
          var row = row
          row["run_id"] = .text("\(row.runIdentifier)-\(place)-\(number)")
          row.memoryBudgetBytes = memory
          row.setParameter("cache_shards", shards)
          row.setParameter("redistribution", "true")
          row["wa_total_end"] = .real((row["wa_total_end"]?.number ?? 0) + Double(10 * place + number))
          return row
        }
      }
    }
    let figure = try makeFigure(Digest(record), request())
    let labels = figure.script.components(separatedBy: "\n").filter { $0.contains("font ',16'") }
    #expect(labels.map { $0.components(separatedBy: "'")[1] } == goldenLegend)
    // Lines of one engine have marks of their own, in the figure and in its legend.
    for pointType in [7, 5, 9, 13] {
      #expect(figure.script.components(separatedBy: "linespoints pointtype \(pointType) ").count == 2)
      #expect(figure.script.components(separatedBy: "front point pointtype \(pointType) ").count == 2)
    }
    #expect(figure.script.contains("is('btree memory_budget_bytes=201326592 cache_shards=16')"))
    #expect(figure.table.contains("\nbtree memory_budget_bytes=12582912 cache_shards=1,"))
    #expect(figure.description.hasPrefix("memory 12 MiB, cache shards 1: 2.00 at 1,024"))
  }

  private let goldenLegend = [
    "memory 192 MiB, cache shards 16: 19.0", "memory 192 MiB, cache shards 1: 18.0",
    "memory 12 MiB, cache shards 16: 9.00", "memory 12 MiB, cache shards 1: 8.00",
  ]

  @Test func namesOfALegend() {
    func series(_ label: String, _ variation: String = "") -> SeriesID {
      SeriesID(label: label, variation: variation)
    }
    let one = SeriesID.legend([
      (series("btree", "page_bytes=16384 sync_every_commits=1"), nil),
      (series("btree", "page_bytes=16384 sync_every_commits=1000"), nil),
    ])
    #expect(one == ["sync every 1", "sync every 1,000"])
    let two = SeriesID.legend([
      (series("a", "redistribution=false phase_load_order=random"), "load"), (series("b"), "read"),
    ])
    #expect(two == ["a redistribution off, order random, load", "b read"])
    #expect(SeriesID.legend([(series("a"), nil), (series("b"), nil)]) == ["a", "b"])
    #expect(SeriesID.legend([(series("a", "epsilon=0.3"), nil)]) == ["a"])
    #expect(series("btree", "page_bytes=4096 batch_operations=10").words == "btree page 4 KiB, batch 10")
  }

  /// What is too long for a line is broken, never cut.
  @Test func longNamesAreWrapped() throws {
    let long = "an-engine-with-a-name-of-some-length and-of-a-second-part-that-is-longer"
    let figure = try makeFigure(
      Digest(ClaimRecord.make([ClaimRecord.line(long, [(1024, 2), (4096, 8)])])), request())
    let labels = figure.script.components(separatedBy: "\n").filter { $0.contains("font ',16'") }
    #expect(
      labels.map { $0.components(separatedBy: "'")[1] } == [
        "an-engine-with-a-name-of-some-length", "and-of-a-second-part-that-is-longer: 8.00",
      ])
  }

  @Test func overOperationsFromTheSamples() throws {
    let sample = SampleRecord.make(SampleRecord.near, repeats: 3, skips: false)
    let figure = try makeFigure(
      Digest(sample),
      request {
        $0.metric = "total_write_bytes"
        $0.per = "logical_write_bytes"
        $0.axis = ColumnPath(path: "operations", column: "operations")
      })
    let rows = figure.table.split(separator: "\n").dropFirst()
    #expect(rows.count == 4 * 40)
    #expect(rows.allSatisfy { $0.hasSuffix(",3,,") })
  }

  @Test func theSameRecordGivesTheSameScript() throws {
    let first = try makeFigure(Digest(record), request())
    var turned = record
    turned.runs.reverse()
    #expect(
      try makeFigure(Digest(turned), request { $0.engines = ["a"] }).table
        == makeFigure(Digest(record), request { $0.engines = ["a"] }).table)
    #expect(try makeFigure(Digest(record), request()) == first)
  }

  @Test(
    "axes hold every value and a few ticks",
    arguments: [
      [1.0, 2, 4], [0.2, 0.8], [1024, 1_048_576], [0, 5], [3, 3], [-2, 7], [0.001, 900], [1e6, 3e6],
      [7, 450],
    ])
  func axes(values: [Double]) {
    for transform in [nil, AxisTransform.linear, .log2, .log10] {
      for includesZero in [false, true] {
        let scale = AxisScale.spanning(values, transform, room: 0.05, includesZero: includesZero)
        for value in values where !scale.isLogarithmic || value > 0 {
          #expect(value >= scale.lower && value <= scale.upper, "\(value) in \(scale.lower) … \(scale.upper)")
        }
        #expect(scale.lower < scale.upper)
        #expect(scale.ticks.count >= 1 && scale.ticks.count <= 20, "\(transform?.rawValue ?? "") \(values)")
        #expect(scale.ticks.allSatisfy { $0.value >= scale.lower * 0.99 - 1e-9 && !$0.text.isEmpty })
      }
    }
  }

  @Test(.enabled(if: Gnuplot.installed.path != nil)) func gnuplotDrawsThemWithoutAWord() throws {
    var record = record
    record.manifest.figures = [
      request(),
      request {
        $0.name = "g"
        $0.yTransform = .log10
        $0.points = [PublishedPoint(x: 2048, y: 3.5)]
        $0.source = "a paper's figure 3"
      },
      request {
        $0.name = "h"
        $0.engines = ["b"]
        $0.xTransform = .linear
      },
      request {
        $0.name = "i"
        $0.yTransform = .log2
      },
    ]
    record.runs += ClaimRecord.make([ClaimRecord.plain("c", 5, 4, 6)]).runs
    let scratch = try ReportScratch()
    let outcome = try Report.regenerate(recordDirectory: try scratch.record(record))
    #expect(outcome.notes == [])
    #expect(outcome.files.filter { $0.hasSuffix(".svg") }.count == 4)
  }
}
