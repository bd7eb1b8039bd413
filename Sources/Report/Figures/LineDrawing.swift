// The gnuplot side of `lines`: bands under lines under points, the legend right of the data in the order the lines end. A level
// runs dotted from edge to edge, with its name on it.

import Accounting
import Results

/// Draws lines with bands.
struct LineDrawing {
  var request: FigureRequest
  var lines: [LinesFigure.Line]
  var colours: [Colour]
  /// gnuplot's number of the mark on each line's points.
  var pointTypes: [Int]
  var yTitle: String

  private static let legendLineHeight = 24
  /// The second line of a legend entry that is too long for one.
  private static let continuationHeight = 20
  private static let widestLegend = 450
  private static let legendMargin = 68
  private static let left = 104
  /// Lines of more points are drawn without marks.
  private static let mostMarkedPoints = 40

  /// A legend entry.
  private enum Mark {
    case line(Colour, pointType: Int)
    case dots(Colour)
    case dashes
    case circle
  }

  func emit(_ script: inout GnuplotScript) {
    let legend = legendEntries
    let legendWidth =
      Self.legendMargin + (legend.flatMap(\.lines).map { GnuplotScript.textWidth($0, size: 16) }.max() ?? 0)
    let top = script.headHeight + 14
    let right = script.width - min(legendWidth, Self.widestLegend)
    let xs = lines.flatMap { $0.points.map(\.x) } + published.map(\.x)
    let ys =
      lines.flatMap {
        $0.points.flatMap { [$0.measurement.lower, $0.measurement.upper] + [$0.predicted].compactMap { $0 } }
      }
      + lines.compactMap(\.level).flatMap { [$0.measurement.lower, $0.measurement.upper] }
      + published.map(\.y)
    let isSampled = request.axis?.path == "operations"
    let xScale = AxisScale.spanning(xs, request.xTransform ?? (isSampled ? .linear : nil), room: 0.03)
    let yScale = AxisScale.spanning(ys, request.yTransform, room: 0.06, includesZero: true)
    // Room for the longest number, and for the title before it.
    let left = max(Self.left, 50 + (yScale.ticks.map { GnuplotScript.textWidth($0.text) }.max() ?? 0))
    script.prelude += [
      "set lmargin at screen \(script.x(left))", "set rmargin at screen \(script.x(right))",
      "set tmargin at screen \(script.y(top))", "set bmargin at screen \(script.y(script.height - 76))",
      "set key off", "is(s) = stringcolumn('line') eq s",
    ]
    script.prelude += GnuplotScript.axis(
      "x", xScale, title: FigureWords.axis(request.axis?.path ?? ""), length: right - left)
    script.prelude += GnuplotScript.axis("y", yScale, title: yTitle, length: script.height - 76 - top)
    script.prelude.append("set ylabel offset char -1.5,0")
    script.body += legendLines(script, legend, left: right + 18, top: top + 12)
    // Names one beside the other: levels may lie close together.
    var place = 0
    for (line, colour) in zip(lines, colours) {
      guard let level = line.level else { continue }
      script.body += levelLines(line.words, level, colour, place: place % 5)
      place += 1
    }
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
    for (index, (line, colour)) in zip(lines, colours).enumerated() where line.level == nil {
      let x = "(is(\(GnuplotScript.quoted(line.name))) ? column('x') : NaN)"
      if line.points.contains(where: { $0.predicted != nil }) {
        elements.append(
          "data using \(x):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb "
            + "'\(colour.hexadecimal)'")
      }
      let style =
        line.points.count > Self.mostMarkedPoints
        ? "lines"
        : "linespoints pointtype \(pointTypes[index]) pointsize \(Self.pointSize(pointTypes[index]))"
      elements.append(
        "data using \(x):(column('median')) with \(style) linewidth 2.2 linecolor rgb '\(colour.hexadecimal)'"
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

  /// A level: its interval, a dotted line, its name in one of five places along it.
  private func levelLines(_ name: String, _ level: LinesFigure.Level, _ colour: Colour, place: Int)
    -> [String]
  {
    let measured = level.measurement
    let left = place == 0 ? "0.01" : "0.\(1 + 20 * place)"
    var result: [String] = []
    if measured.lower < measured.upper {
      result.append(
        "set object rectangle from graph 0, first \(measured.lower) to graph 1, first \(measured.upper) behind "
          + "fillcolor rgb '\(colour.tinted(0.7).hexadecimal)' fillstyle transparent solid 0.5 noborder")
    }
    result.append(
      "set arrow from graph 0, first \(measured.median) to graph 1, first \(measured.median) nohead linewidth 2.2 "
        + "dashtype 3 linecolor rgb '\(colour.hexadecimal)'")
    result.append(
      "set label \(GnuplotScript.quoted(Numbers.clipped(name, to: 34))) at graph \(left), first \(measured.median) left "
        + "offset 0,0.5 noenhanced font ',14' textcolor rgb '\(colour.hexadecimal)'")
    return result
  }

  /// Where a line ends, or what a level is.
  private static func end(_ line: LinesFigure.Line) -> Double? {
    line.level?.measurement.median ?? line.points.last?.measurement.median
  }

  /// Discs look larger than triangles of the same size.
  private static func pointSize(_ pointType: Int) -> Double { pointType == Palette.disc ? 1.1 : 1.7 }

  private var published: [PublishedPoint] { request.points ?? [] }

  /// Lines in the order they end, from above, then what stands beside them.
  private var legendEntries: [(lines: [String], mark: Mark)] {
    let ordered = lines.indices.sorted { first, second in
      let a = Self.end(lines[first]) ?? 0
      let b = Self.end(lines[second]) ?? 0
      return a == b ? first < second : a > b
    }
    var entries: [(lines: [String], mark: Mark)] = ordered.map { index in
      let line = lines[index]
      let last = Self.end(line).map { ": " + Numbers.short($0) } ?? ""
      let isMarked = line.points.count <= Self.mostMarkedPoints
      let mark: Mark =
        line.level == nil
        ? .line(colours[index], pointType: isMarked ? pointTypes[index] : 0) : .dots(colours[index])
      return (Self.wrapped(line.words + last), mark)
    }
    if lines.contains(where: { $0.points.contains { $0.predicted != nil } }), let model = request.model {
      entries.append((Self.wrapped("model " + model), .dashes))
    }
    if !published.isEmpty {
      entries.append((Self.wrapped(request.source ?? "published"), .circle))
    }
    return entries
  }

  /// A legend's text in lines that fit: broken at a space, nothing cut off.
  private static func wrapped(_ text: String) -> [String] {
    let room = widestLegend - legendMargin
    var lines: [String] = []
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      if let last = lines.last, GnuplotScript.textWidth(last + " " + word, size: 16) <= room {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  private func legendLines(
    _ script: GnuplotScript, _ entries: [(lines: [String], mark: Mark)], left: Int, top: Int
  ) -> [String] {
    var result: [String] = []
    var y = top
    for entry in entries {
      func box(_ from: Int, _ to: Int, _ colour: String) -> String {
        "set object rectangle from screen \(script.x(left + from)), screen \(script.y(y + 2)) to screen "
          + "\(script.x(left + to)), screen \(script.y(y - 2)) front fillcolor rgb '\(colour)' fillstyle solid "
          + "noborder"
      }
      switch entry.mark {
      case .line(let colour, let pointType):
        result.append(box(0, 22, colour.hexadecimal))
        if pointType != 0 {
          result.append(
            "set label '' at screen \(script.x(left + 11)), screen \(script.y(y)) front point pointtype \(pointType) "
              + "pointsize \(Self.pointSize(pointType)) linecolor rgb '\(colour.hexadecimal)'")
        }
      case .dots(let colour):
        result += [0, 9, 18].map { box($0, $0 + 4, colour.hexadecimal) }
      case .dashes: result += [box(0, 9, "#444444"), box(13, 22, "#444444")]
      case .circle:
        result.append(
          "set object circle at screen \(script.x(left + 11)), screen \(script.y(y)) size screen 0.006 front "
            + "fillstyle empty border linecolor rgb '#222222' linewidth 2")
      }
      for (index, line) in entry.lines.enumerated() {
        let height = script.y(y + index * Self.continuationHeight)
        result.append(
          "set label \(GnuplotScript.quoted(line)) at screen \(script.x(left + 30)), screen \(height) "
            + "left noenhanced font ',16'")
      }
      y += Self.legendLineHeight + (entry.lines.count - 1) * Self.continuationHeight
    }
    return result
  }
}
