// Goal: a report is a function of the record, says what it leaves out, and draws with an unchanged gnuplot.
// Method: a sample record in a throw-away directory is reported twice and compared byte for byte; scripts are held
// against a golden one; every number on the page must find its definition there.

import Accounting
import Foundation
import Results
import Testing

@testable import Report

/// A directory that is removed at the end.
final class ReportScratch {
  let path: String
  init() throws {
    path = NSTemporaryDirectory() + "betula-report-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  // A leftover in the temporary directory is harmless.
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func record(_ record: Record) throws -> String {
    try RecordWriter(directory: path + "/record").write(record)
    return path + "/record"
  }
  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
  }
  func text(_ name: String) throws -> String { String(decoding: try bytes(name), as: UTF8.self) }
}

@Suite struct ReportTests {
  @Test func regeneratingGivesTheSameBytes() throws {
    let scratch = try ReportScratch()
    let directory = try scratch.record(SampleRecord.make())
    let first = try Report.regenerate(recordDirectory: directory, gnuplot: Gnuplot(path: nil))
    var contents: [String: [UInt8]] = [:]
    for file in first.files { contents[file] = try scratch.bytes("record/" + file) }
    try FileManager.default.removeItem(atPath: directory + "/figures")
    let second = try Report.regenerate(recordDirectory: directory, gnuplot: Gnuplot(path: nil))
    #expect(first == second)
    #expect(first.files.count == 11)
    for file in second.files { #expect(contents[file] == (try scratch.bytes("record/" + file)), "\(file)") }
    // The record itself is untouched.
    _ = try RecordReader(directory: directory).read()
  }

  @Test func withoutGnuplotTheUserIsToldWhatToInstall() throws {
    let scratch = try ReportScratch()
    let directory = try scratch.record(SampleRecord.make())
    let outcome = try Report.regenerate(recordDirectory: directory, gnuplot: Gnuplot(path: nil))
    #expect(outcome.notes.count == 1)
    #expect(outcome.notes[0].contains("gnuplot-nox") && outcome.notes[0].contains(directory + "/figures"))
    let page = try scratch.text("record/report.html")
    #expect(!page.contains("<img"))
    #expect(page.contains("gnuplot-nox"))
    #expect(!page.contains(scratch.path), "a page does not say where it was made")
  }

  @Test(.enabled(if: Gnuplot.installed.path != nil)) func gnuplotDrawsEveryFigureWithoutAWord() throws {
    for record in [
      SampleRecord.make(), SampleRecord.make(SampleRecord.near, repeats: 3, skips: false),
      SampleRecord.make([SampleRecord.wide[0]], skips: false),
    ] {
      let scratch = try ReportScratch()
      let directory = try scratch.record(record)
      let outcome = try Report.regenerate(recordDirectory: directory)
      #expect(outcome.notes == [])
      let pictures = outcome.files.filter { $0.hasSuffix(".svg") || $0.hasSuffix(".png") }
      #expect(pictures.count == 10)
      var contents: [String: [UInt8]] = [:]
      for file in pictures { contents[file] = try scratch.bytes("record/" + file) }
      _ = try Report.regenerate(recordDirectory: directory)
      for file in pictures where file.hasSuffix(".svg") {
        #expect(contents[file] == (try scratch.bytes("record/" + file)), "\(file)")
      }
      let page = try scratch.text("record/report.html")
      #expect(page.components(separatedBy: "<img").count == 6)
    }
  }

  @Test func aGnuplotThatFailsLeavesNoHalfPicture() throws {
    let scratch = try ReportScratch()
    let directory = try scratch.record(SampleRecord.make())
    try FileManager.default.createDirectory(
      atPath: directory + "/figures", withIntermediateDirectories: true)
    let half = directory + "/figures/write_amplification_load.svg"
    try Data("<svg".utf8).write(to: URL(fileURLWithPath: half))
    let outcome = try Report.regenerate(recordDirectory: directory, gnuplot: Gnuplot(path: "/bin/false"))
    #expect(outcome.notes.count == 5 && outcome.notes.allSatisfy { $0.contains("failed") })
    #expect(!FileManager.default.fileExists(atPath: half))
  }

  @Test func everyNumberOnThePageFindsItsDefinition() throws {
    let scratch = try ReportScratch()
    var record = SampleRecord.make()
    var claim = ClaimRow()
    claim.claim = "c1"
    claim.sentence = "a < b & c"
    claim.verdict = .notHeld
    claim.measured = 2
    record.claims = [claim]
    record.runs[record.runs.count - 1].reason = "<script>alert('x')</script>"
    let directory = try scratch.record(record)
    _ = try Report.regenerate(recordDirectory: directory, gnuplot: Gnuplot(path: nil))
    let page = try scratch.text("record/report.html")
    var links: Set<String> = []
    for part in page.components(separatedBy: "href=\"#m-").dropFirst() {
      links.insert(String(part.prefix { $0 != "\"" }))
    }
    #expect(links.count > 10)
    for link in links { #expect(page.contains("<dt id=\"m-\(link)\">"), "\(link)") }
    #expect(!page.contains("<script>"))
    #expect(page.contains("a &lt; b &amp; c"))
    #expect(!page.contains("{{"))
  }

  @Test func summaryStatesConditionsRowsAndAbsences() throws {
    let text = Report.summary(of: SampleRecord.make())
    #expect(text.hasPrefix("quickstart: 20,000 to 1,000,000 records · batch 1,000 · durability prefix"))
    #expect(text.contains("skipped: null, load: the null engine stores nothing"))
    #expect(!text.contains("repeats"))
    let lines = text.split(separator: "\n").map(String.init)
    let head = lines.first { $0.hasPrefix("engine") } ?? ""
    let row = lines.first { $0.hasPrefix("sqlite-wal   load") } ?? ""
    #expect(head.count == row.count)
    #expect(
      row.split(separator: " ").suffix(9) == [
        "1,000,000", "23.0", "50.1", "0", "–", "1.52", "2.90", "81,169", "11.2",
      ])
    #expect(Report.summary(of: SampleRecord.make(SampleRecord.near, repeats: 3)).contains("repeats"))
  }

  @Test func badRequestsAreSentences() throws {
    let scratch = try ReportScratch()
    var record = SampleRecord.make()
    record.manifest.figures = [
      FigureRequest(figure: "pie"), FigureRequest(figure: "write_amplification", phases: ["lod"]),
      FigureRequest(figure: "space_amplification", phases: ["load"], name: "space"),
      FigureRequest(figure: "space_amplification", phases: ["load"], name: "space"),
    ]
    let directory = try scratch.record(record)
    let outcome = try Report.regenerate(recordDirectory: directory, gnuplot: Gnuplot(path: "/bin/true"))
    #expect(outcome.notes.count == 3)
    #expect(outcome.notes[0].hasPrefix("there is no figure 'pie'; there are: write_amplification, "))
    #expect(outcome.notes[1].contains("the record has no phase 'lod'; it has load, cold_read, warm_read"))
    #expect(outcome.notes[2].contains("asked for twice"))
    #expect(outcome.files == ["figures/space.csv", "figures/space.gnuplot", "report.html"])
    #expect(throws: ReportError.self) { try Report.regenerate(recordDirectory: scratch.path + "/nowhere") }
  }

  @Test func aRecordWithoutFiguresAskedForShowsWhatItHas() throws {
    let scratch = try ReportScratch()
    var record = SampleRecord.make()
    record.manifest.figures = []
    record.series = []
    let directory = try scratch.record(record)
    let outcome = try Report.regenerate(recordDirectory: directory, gnuplot: Gnuplot(path: "/bin/true"))
    #expect(outcome.notes == [])
    #expect(outcome.files.filter { $0.hasSuffix(".gnuplot") }.count == 4)
  }

  @Test func anEmptyRecordIsReported() throws {
    let scratch = try ReportScratch()
    var record = SampleRecord.make([])
    record.runs = []
    let directory = try scratch.record(record)
    let outcome = try Report.regenerate(recordDirectory: directory, gnuplot: Gnuplot(path: nil))
    #expect(outcome.files == ["report.html"])
    #expect(outcome.notes.count == 5)
  }
}

@Suite struct FigureTests {
  @Test func scriptIsTheGoldenOne() throws {
    let record = SampleRecord.make([SampleRecord.wide[0], SampleRecord.wide[2]])
    let figure = try makeFigure(
      Digest(record), FigureRequest(figure: "write_amplification", phases: ["load"]))
    if figure.script != goldenScript || figure.table != goldenTable {
      // What to put into GoldenFigure.swift when the change is meant.
      print(figure.script)
      print(figure.table)
    }
    #expect(figure.script == goldenScript)
    #expect(figure.table == goldenTable)
  }

  @Test func partsByCauseSumToTheWhole() throws {
    for record in [SampleRecord.make(), SampleRecord.make(SampleRecord.near, repeats: 3)] {
      let digest = Digest(record)
      let figure = try makeFigure(
        digest, FigureRequest(figure: "write_amplification_by_cause", phases: ["load"]))
      let rows = try CommaSeparatedText.records(Array(figure.table.utf8)).map { $0.map(\.value) }
      let column = { (name: String) in rows[0].firstIndex(of: name) ?? 0 }
      var sums: [String: Double] = [:]
      for row in rows.dropFirst() {
        guard let part = row[column("write_amplification")].flatMap({ Double($0) }) else { continue }
        sums[row[column("series")] ?? "", default: 0] += part
      }
      for series in digest.series where sums[series.name] != nil {
        let runs = digest.group(series, "load")?.rows ?? []
        let mean = runs.compactMap(\.waTotalEnd).reduce(0, +) / Double(runs.count)
        #expect(abs((sums[series.name] ?? 0) / mean - 1) < 1e-9, "\(series.name)")
      }
    }
  }

  @Test func absentRunsAreNamedNotDropped() throws {
    let digest = Digest(SampleRecord.make())
    for kind in ["write_amplification", "write_amplification_by_cause", "space_amplification"] {
      let figure = try makeFigure(digest, FigureRequest(figure: kind, phases: ["load"]))
      #expect(figure.script.contains("skipped: the null engine"), "\(kind)")
      #expect(figure.table.contains("skipped: the null engine"), "\(kind)")
      #expect(figure.description.contains("null"))
    }
  }

  @Test func wideRangesAreLogarithmicAndNarrowOnesAreNot() throws {
    let request = FigureRequest(figure: "write_amplification", phases: ["load"])
    #expect(try makeFigure(Digest(SampleRecord.make()), request).script.contains("  set logscale x"))
    let near = Digest(SampleRecord.make(SampleRecord.near))
    #expect(try !makeFigure(near, request).script.contains("  set logscale x"))
    #expect(try makeFigure(near, request).script.contains("unset logscale x"))
  }

  @Test func seriesOfOneLabelAreToldApartByWhatVaries() throws {
    var record = SampleRecord.make([SampleRecord.wide[2]], skips: false)
    for index in record.runs.indices { record.runs[index].setParameter("page_bytes", "4096") }
    var other = SampleRecord.make([SampleRecord.wide[2]], skips: false).runs
    for index in other.indices {
      other[index]["run_id"] = .text("other")
      other[index].setParameter("page_bytes", "8192")
    }
    record.runs += other
    let digest = Digest(record)
    #expect(digest.series.map(\.name) == ["sqlite-wal page_bytes=4096", "sqlite-wal page_bytes=8192"])
    let colours = Palette.colours(of: digest.series)
    #expect(Set(colours.values).count == 2)
    #expect(digest.groups.allSatisfy { $0.rows.count == 1 })
  }

  @Test func zeroStandsWhereALogarithmicAxisBegins() throws {
    var record = SampleRecord.make(skips: false)
    record.runs[0].waDataEnd = 0
    let figure = try makeFigure(
      Digest(record), FigureRequest(figure: "write_amplification", phases: ["load"]))
    #expect(figure.script.contains("log scale"))
    #expect(figure.script.contains("seen(of('append-log', 'load', 'wa_data_end_upper'), 0.1)"))
  }

  @Test func repeatsAreOneSeriesWithMedianAndRange() throws {
    let digest = Digest(SampleRecord.make(SampleRecord.near, repeats: 3, skips: false))
    #expect(digest.series.count == 4)
    #expect(digest.phases == ["load", "cold_read", "warm_read"])
    let number = digest.group(digest.series[0], "load")?.measurement("wa_total_end")
    #expect((number?.lower ?? 0) < (number?.median ?? 0) && (number?.median ?? 0) < (number?.upper ?? 0))
    #expect(digest.conditions(of: ["load"]).contains("3 seeds: median and 95 % interval"))
  }
}

@Suite struct NumberTests {
  @Test func spellings() {
    let cases: [(Double, String)] = [
      (0, "0"), (1, "1.00"), (1.02, "1.02"), (9.996, "10.0"), (50.25, "50.3"), (99.96, "100"),
      (5013.2, "5,013"),
      (1_234_567.4, "1,234,567"), (0.62, "0.620"), (0.0125, "0.013"), (0.00118, "0.00118"), (-3, "−3.00"),
      (1e-7, "1e-07"), (1e20, "1e+20"),
    ]
    for (value, text) in cases { #expect(Numbers.short(value) == text) }
    #expect(Numbers.grouped(0) == "0" && Numbers.grouped(999) == "999" && Numbers.grouped(1000) == "1,000")
    #expect(Numbers.grouped(.max) == "18,446,744,073,709,551,615")
    #expect(Numbers.bytes(14 << 20) == "14 MiB" && Numbers.bytes(100) == "100 B")
    #expect(Numbers.bytes(3 << 29) == "1.50 GiB" && Numbers.bytes(0) == "0 B")
    #expect(Numbers.bytes(.max).hasSuffix("EiB"))
    #expect(Numbers.compact(20_000) == "20 k" && Numbers.compact(1_500_000) == "1.5 M")
    #expect(
      Statistics.median([3, 1, 2]) == 2 && Statistics.median([4, 1]) == 2.5 && Statistics.median([]) == nil)
  }

  @Test func axesHoldTheirValuesAndReadableTicks() {
    var state: UInt64 = 42
    for _ in 0..<4000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      var value = 1e-5
      for _ in 0..<Int(state >> 60) { value *= 10 }
      value *= 1 + Double((state >> 20) % 9000) / 1000
      let ratio = 1 + Double((state >> 40) % 100_000)
      for isFilled in [true, false] {
        let axis = AxisScale(values: [value, value * ratio, 0], isFilled: isFilled)
        #expect(axis.lower <= value && axis.upper >= value * ratio, "\(value) × \(ratio)")
        #expect(axis.isLogarithmic == (value * ratio / value > 50))
        #expect(axis.ticks.count >= 2 && axis.ticks.count <= 12, "\(value) × \(ratio): \(axis.ticks)")
        #expect(axis.ticks.allSatisfy { $0.value >= axis.lower * 0.999 && $0.value <= axis.upper * 1.001 })
        #expect(Set(axis.ticks.map(\.text)).count == axis.ticks.count, "\(axis.ticks)")
        if axis.isLogarithmic && isFilled { #expect(axis.lower < value) }
      }
    }
    #expect(AxisScale(values: []).ticks.count > 1)
    #expect(AxisScale(values: [0]).upper > 0)
  }
}

@Suite struct PaletteTests {
  @Test func everyCauseHasAColourOfItsOwn() {
    #expect(Set(Cause.allCases.map { Palette.colour(of: $0) }).count == Cause.allCases.count)
  }

  @Test func coloursAreStableAndDistinct() {
    let labels = ["sqlite-wal", "append-log", "mine", "yours", "sorted-file"]
    let colours = Palette.colours(of: labels)
    #expect(Set(colours.values).count == labels.count)
    #expect(Palette.colours(of: labels.reversed()) == colours)
    #expect(colours["append-log"] == Palette.green && colours["sqlite-wal"] == Palette.blue)
    #expect(Palette.blue.hexadecimal == "#0072b2" && Palette.blue.tinted(1).hexadecimal == "#ffffff")
    #expect(Palette.green.hexadecimal == "#009e73")
    // An engine's settings are shades of its colour; beside the engine itself they give way.
    let family = Palette.colours(of: ["btree-log", "btree-path-copy", "sqlite-wal", "sqlite-unix"])
    #expect(family["btree-log"] == Palette.vermilion)
    #expect(family["btree-path-copy"] == Palette.vermilion.shaded(0.45))
    #expect(family["sqlite-unix"] == Palette.blue.shaded(0.45))
    #expect(Palette.colours(of: ["btree-log", "btree"])["btree"] == Palette.vermilion)
    // More labels than colours still gives each one.
    #expect(Palette.colours(of: (0..<40).map { "engine-\($0)" }).count == 40)
  }
}

@Suite struct PredictionTests {
  /// The sample record with the parameters and the resolved study a model needs.
  func record() -> Record {
    var record = SampleRecord.make()
    record.manifest.study.resolved = .object([
      "device": .object(["transfer_unit": .integer(4096)]),
      "phases": .array([
        .object(["name": .text("cold_read"), "distribution": .text("uniform")]),
        .object(["name": .text("warm_read"), "distribution": .text("zipf")]),
      ]),
    ])
    for index in record.runs.indices {
      record.runs[index].setParameter("value_distribution", "fixed")
      record.runs[index].setParameter("value_bytes", "100")
      record.runs[index].setParameter("block_bytes", "4096")
      record.runs[index].setParameter("page_bytes", "4096")
      record.runs[index].setParameter("journal_mode", "wal")
    }
    return record
  }

  func predicted(_ record: Record, _ series: String, _ phase: String, _ metric: String) -> Double? {
    Predictions.rows(Digest(record)).first {
      $0.series == series && $0.phase == phase && $0.metric == metric
    }?.predicted
  }

  @Test func modelsAnswerAsByHand() {
    let record = record()
    // 1,000 records of 116 bytes are 116,000 bytes: 29 units of 4,096.
    #expect(predicted(record, "append-log", "load", "wa_total_end") == 118_784.0 / 116_000)
    #expect(predicted(record, "append-log", "cold_read", "read_bytes_per_operation") == 2_320_000)
    #expect(predicted(record, "sorted-file", "load", "wa_data_end") == 10.5)
    // 2,320,000 bytes are 567 blocks: ten probes.
    #expect(predicted(record, "sorted-file", "cold_read", "ra_ios") == 10)
    #expect(predicted(record, "sqlite-wal", "load", "wa_total_end") == 2 * 4096.0 / 116)
    // The model of levels is one of uniform keys.
    #expect(predicted(record, "sqlite-wal", "cold_read", "ra_ios") != nil)
    #expect(predicted(record, "sqlite-wal", "warm_read", "ra_ios") == nil)
  }

  @Test func aModelNeverSeesAMeasurement() {
    let record = record()
    var changed = record
    for index in changed.runs.indices {
      changed.runs[index].waTotalEnd = 777
      changed.runs[index].raIos = 777
      changed.runs[index].operations = 777
    }
    let first = Predictions.rows(Digest(record))
    let second = Predictions.rows(Digest(changed))
    #expect(first.map(\.predicted) == second.map(\.predicted))
    #expect(first.map(\.measured) != second.map(\.measured))
  }

  @Test func whatIsNotKnownIsNotPredicted() throws {
    var unknown = record()
    for index in unknown.runs.indices { unknown.runs[index].setParameter("value_distribution", "pareto") }
    #expect(Predictions.rows(Digest(unknown)).isEmpty)
    #expect(Predictions.rows(Digest(SampleRecord.make())).isEmpty)
    let scratch = try ReportScratch()
    let directory = try scratch.record(record())
    let outcome = try Report.regenerate(recordDirectory: directory, gnuplot: Gnuplot(path: nil))
    #expect(outcome.files.contains("figures/predictions.csv"))
    #expect(try scratch.text("record/report.html").contains("Predictions beside measurement"))
  }
}
