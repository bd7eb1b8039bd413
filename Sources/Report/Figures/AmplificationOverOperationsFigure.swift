// How amplification develops while a phase runs: cumulative, from the counters in series.csv. A phase that writes
// shows write amplification, one that does not shows read transfers per operation.

import Accounting
import Results

/// `amplification_over_operations`: lines of cumulative amplification over the phase's operations.
enum AmplificationOverOperationsFigure: FigureKind {
  static let name = "amplification_over_operations"
  static let summary = "Lines by engine: cumulative amplification over the phase's operations."
  static let metrics = ["wa_data_end", "wa_total_end", "ra_ios", "operations"]

  private static let legendLineHeight = 24

  /// One point of one line.
  private struct Sample {
    var operations: Double
    var total: Double
    var data: Double?
  }

  /// One engine's line.
  private struct Line {
    var series: SeriesID
    var engine: String
    var samples: [Sample]
  }

  static func make(_ digest: Digest, _ request: FigureRequest) throws(ReportError) -> Figure {
    let sampled = Set(digest.record.series.map(\.phaseName))
    let asked = request.phases.isEmpty ? digest.phases.filter { sampled.contains($0) } : request.phases
    guard let phase = asked.first, sampled.contains(phase) else {
      throw .nothingToShow(figure: name, reason: "series.csv has no samples of the phases asked for")
    }
    let writes = digest.record.series.contains { $0.phaseName == phase && ($0.logicalWriteBytes ?? 0) > 0 }
    let lines = makeLines(digest, phase, writes: writes)
    guard lines.contains(where: { !$0.samples.isEmpty }) else {
      throw .nothingToShow(figure: name, reason: "series.csv has no counter above 0 in phase '\(phase)'")
    }
    let title = request.title ?? (writes ? "Write" : "Read") + " amplification over operations: \(phase)"
    let subtitle = GnuplotScript.wrapped(digest.conditions(of: [phase], repeats: "the first shown"))
    var script = GnuplotScript(name: request.fileName, title: title, subtitle: subtitle, height: 0)
    script.height = script.headHeight + 470
    emit(&script, digest, lines, writes: writes)
    let ends = lines.compactMap { line in
      line.samples.last.map { "\(line.series.name) ends at \(Numbers.short($0.total))" }
    }
    return Figure(
      name: request.fileName, kind: name, title: title, subtitle: subtitle,
      description: ends.joined(separator: "; ") + ".",
      metrics: (writes ? ["wa_data_end", "wa_total_end"] : ["ra_ios"]) + ["operations"],
      table: table(lines, phase, writes: writes), script: script.text)
  }

  private static func makeLines(_ digest: Digest, _ phase: String, writes: Bool) -> [Line] {
    var lines: [Line] = []
    let rowsByRun = Dictionary(
      grouping: digest.record.series.filter { $0.phaseName == phase }, by: \.runIdentifier)
    for series in digest.series {
      guard let group = digest.group(series, phase) else { continue }
      let first = group.rows.min { ($0.repeat ?? 0, $0.runIdentifier) < ($1.repeat ?? 0, $1.runIdentifier) }
      guard let run = first?.runIdentifier else { continue }
      var samples: [Sample] = []
      for row in rowsByRun[run] ?? [] {
        guard let operations = row.operations, operations > 0 else { continue }
        let logical = row.logicalWriteBytes ?? 0
        let numerator = writes ? row.totalWriteBytes : row.deviceReadCount
        guard let numerator, let total = quotient(numerator, writes ? logical : operations) else { continue }
        let data = writes ? row.dataWriteBytes.flatMap { quotient($0, logical) } : nil
        samples.append(Sample(operations: Double(operations), total: total, data: data))
      }
      samples.sort { $0.operations < $1.operations }
      if !samples.isEmpty { lines.append(Line(series: series, engine: group.engine, samples: samples)) }
    }
    return lines
  }

  private static func table(_ lines: [Line], _ phase: String, writes: Bool) -> String {
    var text = ""
    let names: [String?] = writes ? ["wa_total", "wa_data"] : ["ra_ios"]
    CommaSeparatedText.append(["phase", "series", "engine", "operations"] + names, to: &text)
    for line in lines {
      for sample in line.samples {
        var fields: [String?] = [
          phase, line.series.name, line.engine, String(UInt64(sample.operations)), sample.total.description,
        ]
        if writes { fields.append(sample.data?.description) }
        CommaSeparatedText.append(fields, to: &text)
      }
    }
    return text
  }

  private static func emit(
    _ script: inout GnuplotScript, _ digest: Digest, _ lines: [Line], writes: Bool
  ) {
    let colours = Palette.colours(of: digest.series)
    let legendWidth = 64 + (lines.map { GnuplotScript.textWidth(legendText($0), size: 16) }.max() ?? 0)
    let top = script.headHeight + (writes ? 38 : 14)
    let right = script.width - legendWidth
    script.prelude += [
      "set lmargin at screen \(script.x(100))", "set rmargin at screen \(script.x(right))",
      "set tmargin at screen \(script.y(top))", "set bmargin at screen \(script.y(script.height - 76))",
      "set key off", "is(s) = stringcolumn('series') eq s",
    ]
    var x = AxisScale(
      values: lines.flatMap { $0.samples.map(\.operations) }, labelRoom: 0.02, isFilled: false)
    if lines.count == 1 || !spansWidely(lines) {
      x = AxisScale(
        values: [lines.flatMap { $0.samples.map(\.operations) }.max() ?? 1], labelRoom: 0.02,
        maximumTickCount: 6)
    }
    let values = lines.flatMap { $0.samples.flatMap { [$0.total] + ($0.data.map { [$0] } ?? []) } }
    let y = AxisScale(values: values, labelRoom: 0.06, isFilled: false)
    let quantity = writes ? "bytes written ÷ logical bytes" : "read transfers per operation"
    script.prelude += GnuplotScript.axis("x", x, title: "operations since the phase began")
    script.prelude += GnuplotScript.axis("y", y, title: quantity)
    script.prelude.append("set ylabel offset char -1.5,0")
    if writes {
      script.body.append(
        "set label 'solid: wa_total   dashed: wa_data   both since the phase began' at screen "
          + "\(script.x(100)), screen \(script.y(top - 16)) left noenhanced font ',15'")
    }
    script.body += legend(script, lines, colours, left: right + 18, top: top + 12)
    var elements: [String] = []
    for line in lines {
      let colour = (colours[line.series] ?? Palette.grey).hexadecimal
      let points = "(is(\(GnuplotScript.quoted(line.series.name))) ? column('operations') : NaN)"
      if writes {
        elements.append(
          "data using \(points):(column('wa_data')) with lines linewidth 1.6 dashtype 2 linecolor rgb '\(colour)'"
        )
      }
      elements.append(
        "data using \(points):(column('\(writes ? "wa_total" : "ra_ios")')) with lines linewidth 2.6 "
          + "linecolor rgb '\(colour)'")
    }
    script.body += ["plot \\"]
    script.body += elements.enumerated().map { index, element in
      "  " + element + (index == elements.count - 1 ? "" : ", \\")
    }
  }

  /// Whether the lines end so far apart that a linear axis would hide the shortest.
  private static func spansWidely(_ lines: [Line]) -> Bool {
    let ends = lines.compactMap { $0.samples.last?.operations }
    return (ends.max() ?? 1) / (ends.min() ?? 1) > 10
  }

  private static func legendText(_ line: Line) -> String {
    "\(line.series.name) \(Numbers.short(line.samples.last?.total ?? 0))"
  }

  /// Engines with the value they end at, in the order their lines end, right of the data.
  private static func legend(
    _ script: GnuplotScript, _ lines: [Line], _ colours: [SeriesID: Colour], left: Int, top: Int
  ) -> [String] {
    let ordered = lines.enumerated().sorted { first, second in
      let a = first.element.samples.last?.total ?? 0
      let b = second.element.samples.last?.total ?? 0
      return a == b ? first.offset < second.offset : a > b
    }.map(\.element)
    var result: [String] = []
    for (index, line) in ordered.enumerated() {
      let y = top + index * legendLineHeight
      result += [
        "set object rectangle from screen \(script.x(left)), screen \(script.y(y + 2)) to screen "
          + "\(script.x(left + 22)), screen \(script.y(y - 2)) front fillcolor rgb "
          + "'\((colours[line.series] ?? Palette.grey).hexadecimal)' fillstyle solid noborder",
        "set label \(GnuplotScript.quoted(legendText(line))) at screen \(script.x(left + 30)), screen "
          + "\(script.y(y)) left noenhanced font ',16'",
      ]
    }
    return result
  }
}
