// The gnuplot side of `lines`: bands under lines under points, the legend right of the data in the order the lines end.

import Accounting
import Results

/// Draws lines with bands.
struct LineDrawing {
  var request: FigureRequest
  var lines: [LinesFigure.Line]
  var colours: [Colour]
  var yTitle: String

  private static let legendLineHeight = 24
  private static let left = 104
  /// Lines of more points are drawn without marks.
  private static let mostMarkedPoints = 40

  /// A legend entry.
  private enum Mark {
    case line(Colour)
    case dashes
    case circle
  }

  func emit(_ script: inout GnuplotScript) {
    let legend = legendEntries
    let legendWidth = 68 + (legend.map { GnuplotScript.textWidth($0.text, size: 16) }.max() ?? 0)
    let top = script.headHeight + 14
    let right = script.width - min(legendWidth, 420)
    script.prelude += [
      "set lmargin at screen \(script.x(Self.left))", "set rmargin at screen \(script.x(right))",
      "set tmargin at screen \(script.y(top))", "set bmargin at screen \(script.y(script.height - 76))",
      "set key off", "is(s) = stringcolumn('line') eq s",
    ]
    let xs = lines.flatMap { $0.points.map(\.x) } + published.map(\.x)
    let ys =
      lines.flatMap {
        $0.points.flatMap { [$0.measurement.lower, $0.measurement.upper] + [$0.predicted].compactMap { $0 } }
      }
      + published.map(\.y)
    let isSampled = request.axis?.path == "operations"
    let xScale = AxisScale.spanning(xs, request.xTransform ?? (isSampled ? .linear : nil), room: 0.03)
    let yScale = AxisScale.spanning(ys, request.yTransform, room: 0.06, includesZero: true)
    script.prelude += GnuplotScript.axis("x", xScale, title: request.axis?.path ?? "")
    script.prelude += GnuplotScript.axis("y", yScale, title: yTitle)
    script.prelude.append("set ylabel offset char -1.5,0")
    script.body += legendLines(script, legend, left: right + 18, top: top + 12)
    var elements: [String] = []
    for (line, colour) in zip(lines, colours) where line.points.contains(where: { $0.repeatCount > 1 }) {
      let x = "(is(\(GnuplotScript.quoted(line.name))) ? column('x') : NaN)"
      if line.points.count > 1 {
        elements.append(
          "data using \(x):(column('lower')):(column('upper')) with filledcurves fillcolor rgb "
            + "'\(colour.tinted(0.7).hexadecimal)' fillstyle transparent solid 0.5 noborder")
      }
      // Whiskers on many points would hide the line; the band is enough.
      guard line.points.count <= Self.mostMarkedPoints else { continue }
      elements.append(
        "data using \(x):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 "
          + "linewidth 1.2 linecolor rgb '\(colour.hexadecimal)'")
    }
    for (line, colour) in zip(lines, colours) {
      let x = "(is(\(GnuplotScript.quoted(line.name))) ? column('x') : NaN)"
      if line.points.contains(where: { $0.predicted != nil }) {
        elements.append(
          "data using \(x):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb "
            + "'\(colour.hexadecimal)'")
      }
      let style =
        line.points.count > Self.mostMarkedPoints ? "lines" : "linespoints pointtype 7 pointsize 0.8"
      elements.append(
        "data using \(x):(column('median')) with \(style) linewidth 2.6 linecolor rgb '\(colour.hexadecimal)'"
      )
    }
    if !published.isEmpty {
      elements.append(
        "data using (is('published') ? column('x') : NaN):(column('published')) with points pointtype 6 "
          + "pointsize 1.4 linewidth 2 linecolor rgb '#222222'")
    }
    script.body += ["plot \\"]
    script.body += elements.enumerated().map { index, element in
      "  " + element + (index == elements.count - 1 ? "" : ", \\")
    }
  }

  private var published: [PublishedPoint] { request.points ?? [] }

  /// Lines in the order they end, from above, then what stands beside them.
  private var legendEntries: [(text: String, mark: Mark)] {
    let ordered = zip(lines, colours).enumerated().sorted { first, second in
      let a = first.element.0.points.last?.measurement.median ?? 0
      let b = second.element.0.points.last?.measurement.median ?? 0
      return a == b ? first.offset < second.offset : a > b
    }.map(\.element)
    var entries: [(text: String, mark: Mark)] = ordered.map { line, colour in
      let last = line.points.last.map { " " + Numbers.short($0.measurement.median) } ?? ""
      return (Numbers.clipped(line.name, to: 34) + last, .line(colour))
    }
    if lines.contains(where: { $0.points.contains { $0.predicted != nil } }), let model = request.model {
      entries.append(("model " + model, .dashes))
    }
    if !published.isEmpty {
      entries.append((Numbers.clipped(request.source ?? "published", to: 34), .circle))
    }
    return entries
  }

  private func legendLines(
    _ script: GnuplotScript, _ entries: [(text: String, mark: Mark)], left: Int, top: Int
  ) -> [String] {
    var result: [String] = []
    for (index, entry) in entries.enumerated() {
      let y = top + index * Self.legendLineHeight
      func box(_ from: Int, _ to: Int, _ colour: String) -> String {
        "set object rectangle from screen \(script.x(left + from)), screen \(script.y(y + 2)) to screen "
          + "\(script.x(left + to)), screen \(script.y(y - 2)) front fillcolor rgb '\(colour)' fillstyle solid "
          + "noborder"
      }
      switch entry.mark {
      case .line(let colour): result.append(box(0, 22, colour.hexadecimal))
      case .dashes: result += [box(0, 9, "#444444"), box(13, 22, "#444444")]
      case .circle:
        result.append(
          "set object circle at screen \(script.x(left + 11)), screen \(script.y(y)) size screen 0.006 front "
            + "fillstyle empty border linecolor rgb '#222222' linewidth 2")
      }
      result.append(
        "set label \(GnuplotScript.quoted(entry.text)) at screen \(script.x(left + 30)), screen \(script.y(y)) "
          + "left noenhanced font ',16'")
    }
    return result
  }
}
