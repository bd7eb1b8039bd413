// Horizontal bars: one row per series, one bar per metric in it, one panel per group of metrics that share an
// axis. The kinds of bar figure differ only in what they hand in.
//
//   phase cold_read            ra_ios                 read bytes per operation
//   sqlite                     ▐████ 4.1              ▐██████ 16,794
//   sorted-file                ▐██████████ 19.8       ▐████████████ 81,101
//
// Invariants
// 1. A row without a number says why, in grey; nothing that was run is left out.
// 2. A bar's length is the median over the repeats; a whisker is its 95 % interval (the range, of fewer
//    than three), where they differ.

import Accounting
import Results

/// What a bar figure shows.
struct BarFigure {
  /// Metrics that share an axis.
  struct Panel {
    var metrics: [String]
    var axisTitle: String
  }

  var kind: any FigureKind.Type
  var request: FigureRequest
  var title: String
  var phases: [String]
  var panels: [Panel]
  /// What each metric of a panel is called in the legend; empty when there is one metric.
  var legend: [String: String]

  private static let barHeight = 21
  private static let headerHeight = 30
  private static let panelGap = 46

  /// One line of the figure.
  private struct Line {
    var group: Group?
    var header: String?
    /// The middle of the line, in pixels below the plot's top.
    var middle: Int
  }

  /// The figure of `digest`.
  func figure(_ digest: Digest) throws(ReportError) -> Figure {
    let groups = phases.map { phase in digest.groups.filter { $0.phase == phase } }
    guard groups.contains(where: { !$0.isEmpty }) else {
      throw .nothingToShow(figure: kind.name, reason: "no phase of the record has its metrics")
    }
    let metricCount = panels.map(\.metrics.count).max() ?? 1
    let rowHeight = metricCount * Self.barHeight + 15
    var lines: [Line] = []
    var top = 4
    for (phase, members) in zip(phases, groups) {
      if phases.count > 1 {
        lines.append(Line(group: nil, header: header(phase, members), middle: top + Self.headerHeight / 2))
        top += Self.headerHeight
      }
      for group in members {
        lines.append(Line(group: group, header: nil, middle: top + rowHeight / 2))
        top += rowHeight
      }
    }
    let subtitle = GnuplotScript.wrapped(
      digest.conditions(of: phases, countsOperations: kind == ReadAmplificationFigure.self))
    let name = request.fileName
    var script = GnuplotScript(name: name, title: title, subtitle: subtitle, height: 0)
    let legendHeight = legend.isEmpty ? 8 : 34
    let plotTop = script.headHeight + legendHeight + (panels.count > 1 ? 4 : 0)
    script.height = plotTop + top + 76
    emit(&script, digest, lines, plotTop: plotTop, plotHeight: top)
    return Figure(
      name: name, kind: kind.name, title: title, subtitle: subtitle, description: description(lines),
      metrics: panels.flatMap(\.metrics), table: table(lines), script: script.text)
  }

  private func header(_ phase: String, _ groups: [Group]) -> String {
    let temperature = groups.lazy.compactMap { $0.rows.first?.cacheTemperature }.first
    return "phase \(phase)" + (temperature.map { ", \($0) cache" } ?? "")
  }

  private func table(_ lines: [Line]) -> String {
    let metrics = panels.flatMap(\.metrics)
    var text = ""
    var names: [String?] = ["position", "phase", "series", "engine", "records", "repeats"]
    for metric in metrics { names += [metric, metric + "_lower", metric + "_upper"] }
    CommaSeparatedText.append(names + ["absence"], to: &text)
    for line in lines {
      guard let group = line.group else { continue }
      let records = group.records.map { String($0) }
      var fields: [String?] = [
        String(line.middle), group.phase, group.series.name, group.engine, records, String(group.rows.count),
      ]
      for metric in metrics {
        let number = group.measurement(metric)
        fields += [number?.median.description, number?.lower.description, number?.upper.description]
      }
      CommaSeparatedText.append(fields + [group.absence], to: &text)
    }
    return text
  }

  private func description(_ lines: [Line]) -> String {
    let rows = lines.compactMap(\.group).map { group -> String in
      let numbers = panels.flatMap(\.metrics).map { metric in
        "\(metric) \(group.measurement(metric).map { Numbers.short($0.median) } ?? "not measured")"
      }
      let place = phases.count > 1 ? "\(group.series.name) in \(group.phase)" : group.series.name
      return "\(place): \(group.absence ?? numbers.joined(separator: ", "))"
    }
    return rows.joined(separator: "; ") + "."
  }

  private func emit(
    _ script: inout GnuplotScript, _ digest: Digest, _ lines: [Line], plotTop: Int, plotHeight: Int
  ) {
    let colours = Palette.colours(of: digest.series)
    let differ = Group.recordsDiffer(lines.compactMap(\.group))
    let labels = lines.compactMap { line in line.group.map { ($0.label(recordsDiffer: differ), line.middle) }
    }
    let left = 34 + (labels.map { GnuplotScript.textWidth($0.0) }.max() ?? 0)
    let width = (script.width - left - 40 - Self.panelGap * (panels.count - 1)) / panels.count
    let ticks = labels.map { "\(GnuplotScript.quoted($0.0)) \($0.1)" }.joined(separator: ", ")
    let bareTicks = labels.map { "'' \($0.1)" }.joined(separator: ", ")
    script.prelude += [
      "set yrange [\(plotHeight):0]", "set grid xtics noytics",
      "set key off",
      "of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN",
      "at(d) = column('position') + d",
      "# A logarithmic axis has no place for 0: its label stands where the axis begins.",
      "seen(v, low) = v < low ? low : v",
    ]
    script.body.append("set multiplot")
    for (place, panel) in panels.enumerated() {
      let start = left + place * (width + Self.panelGap)
      script.body += [
        "set lmargin at screen \(script.x(start))", "set rmargin at screen \(script.x(start + width))",
        "set tmargin at screen \(script.y(plotTop))",
        "set bmargin at screen \(script.y(plotTop + plotHeight))",
      ]
      let values = lines.compactMap(\.group).flatMap { group in
        panel.metrics.compactMap { group.measurement($0)?.upper }
          + panel.metrics.compactMap { group.measurement($0)?.lower }
      }
      var scale = AxisScale(
        values: values, labelRoom: panels.count > 1 ? 0.2 : 0.12, maximumTickCount: panels.count > 1 ? 5 : 8)
      if panels.count > 1 { scale = scale.compact }
      script.body += GnuplotScript.axis("x", scale, title: panel.axisTitle)
      script.body.append("set ytics (\(place == 0 ? ticks : bareTicks)) scale 0")
      script.body += notes(lines, panel, scale, isFirst: place == 0)
      if place == 0 && !legend.isEmpty { script.body += legendLines(script, panel, left: left) }
      script.body += plot(lines, panel, scale, colours)
      // What stands outside the panels is drawn with the first one.
      script.body += ["unset label", "unset object"]
    }
    script.body.append("unset multiplot")
  }

  /// Phase headers and the reasons of rows without a number.
  private func notes(_ lines: [Line], _ panel: Panel, _ scale: AxisScale, isFirst: Bool) -> [String] {
    var result: [String] = []
    for line in lines {
      if let header = line.header {
        guard isFirst else { continue }
        result.append(
          "set label \(GnuplotScript.quoted(header)) at graph 0, first \(line.middle) left offset char 0.5,0 "
            + "noenhanced font ',15' textcolor rgb '#555555'")
      } else if let group = line.group, panel.metrics.allSatisfy({ group.measurement($0) == nil }) {
        let reason = Numbers.clipped(group.absence ?? "not measured", to: panels.count > 1 ? 34 : 80)
        result.append(
          "set label \(GnuplotScript.quoted(reason)) at first \(scale.lower), first \(line.middle) left "
            + "offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'")
      }
    }
    return result
  }

  /// Tints of a panel's metrics, the first the engine's own colour.
  private static func tint(_ place: Int, of count: Int) -> Double {
    count <= 1 ? 0 : 0.72 * Double(place) / Double(count - 1)
  }

  /// Squares and words above the data: what full and pale colours mean.
  private func legendLines(_ script: GnuplotScript, _ panel: Panel, left: Int) -> [String] {
    var result: [String] = []
    let widths = panel.metrics.map { GnuplotScript.textWidth(legend[$0] ?? $0, size: 15) + 44 }
    // Over the data, further left when it would not fit.
    var x = min(left, max(20, script.width - widths.reduce(0, +)))
    let y = script.headHeight + 14
    for (place, metric) in panel.metrics.enumerated() {
      let words = legend[metric] ?? metric
      let colour = Colour(value: 0x444444).tinted(Self.tint(place, of: panel.metrics.count))
      result += [
        "set object rectangle from screen \(script.x(x)), screen \(script.y(y + 7)) to screen "
          + "\(script.x(x + 14)), screen \(script.y(y - 7)) front fillcolor rgb '\(colour.hexadecimal)' "
          + "fillstyle solid border linecolor rgb '#444444'",
        "set label \(GnuplotScript.quoted(words)) at screen \(script.x(x + 22)), screen \(script.y(y)) left "
          + "noenhanced font ',15'",
      ]
      x += widths[place]
    }
    return result
  }

  private func plot(
    _ lines: [Line], _ panel: Panel, _ scale: AxisScale, _ colours: [SeriesID: Colour]
  ) -> [String] {
    var elements: [String] = []
    let count = panel.metrics.count
    let half = Double(Self.barHeight) / 2
    for line in lines {
      guard let group = line.group else { continue }
      let row = "\(GnuplotScript.quoted(group.series.name)), \(GnuplotScript.quoted(group.phase))"
      for (place, metric) in panel.metrics.enumerated() {
        guard let number = group.measurement(metric) else { continue }
        let colour = colours[group.series] ?? Palette.grey
        let middle = (Double(place) - Double(count - 1) / 2) * Double(Self.barHeight)
        let point = "(of(\(row), '\(metric)')):(at(\(middle)))"
        elements.append(
          "data using \(point):(\(scale.lower)):(column('\(metric)')):(at(\(middle - half + 1))):"
            + "(at(\(middle + half - 1))) with boxxyerror fillstyle solid border linecolor rgb "
            + "'\(colour.hexadecimal)' fillcolor rgb "
            + "'\(colour.tinted(Self.tint(place, of: count)).hexadecimal)'")
        if number.lower < number.upper {
          elements.append(
            "data using \(point):(column('\(metric)_lower')):(column('\(metric)_upper')) with xerrorbars "
              + "pointtype 0 linewidth 1.4 linecolor rgb '#222222'")
        }
        elements.append(
          "data using (seen(of(\(row), '\(metric)_upper'), \(scale.lower))):(at(\(middle))):"
            + "(short(column('\(metric)'))) with labels "
            + "left offset char 0.4,0 noenhanced font ',15'")
      }
    }
    if elements.isEmpty { elements = ["NaN"] }
    return ["plot \\"]
      + elements.enumerated().map { index, element in
        "  " + element + (index == elements.count - 1 ? "" : ", \\")
      }
  }
}
