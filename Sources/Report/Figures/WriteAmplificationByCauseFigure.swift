// Why bytes were written: one bar per engine, cut by cause, the classes data, log, metadata, padding in order.
//
// Where one engine writes more than 20 times what another does, stacks on one axis would hide the smaller, and a
// logarithmic axis would lie about the parts; then each bar is cut into shares of its own total, and the total
// is printed beside it.
//
// Repeats are summed: Σ bytes ÷ Σ logical bytes, so that the parts add up to the whole.

import Accounting
import Results

/// `write_amplification_by_cause`: stacked bars of write bytes by cause class and cause.
enum WriteAmplificationByCauseFigure: FigureKind {
  static let name = "write_amplification_by_cause"
  static let summary = "Stacked bars by engine: bytes written by cause, at the phase's end."
  static let metrics = ["wa_total_end", "cause", "transferred_bytes"]

  /// The ratio of totals above which bars show shares.
  private static let shareRatio = 20.0
  private static let rowHeight = 46

  /// One engine in one phase.
  private struct Bar {
    var group: Group
    /// Transferred write bytes of each cause ÷ logical bytes, in order of class and cause.
    var parts: [(cause: Cause, value: Double)]
    var total: Double { parts.reduce(0) { $0 + $1.value } }
    var middle = 0
    var label: String
  }

  static func make(_ digest: Digest, _ request: FigureRequest) throws(ReportError) -> Figure {
    let phases = request.phases.isEmpty ? digest.phases(with: "wa_total_end") : request.phases
    var bars = makeBars(digest, phases)
    guard bars.contains(where: { !$0.parts.isEmpty }) else {
      throw .nothingToShow(figure: name, reason: "io.csv has no writes in the phases \(phases)")
    }
    for index in bars.indices { bars[index].middle = 6 + index * rowHeight + rowHeight / 2 }
    let totals = bars.map(\.total).filter { $0 > 0 }
    let isShared = (totals.max() ?? 1) / (totals.min() ?? 1) > shareRatio
    let causes = order.filter { cause in bars.contains { bar in bar.parts.contains { $0.cause == cause } } }
    let title = request.title ?? "Bytes written by cause: \(phases.joined(separator: ", "))"
    let subtitle = GnuplotScript.wrapped(digest.conditions(of: phases, repeats: "summed"))
    let fileName = request.fileName
    var script = GnuplotScript(name: fileName, title: title, subtitle: subtitle, height: 0)
    let legend = Legend(causes, width: script.width - 24)
    let plotHeight = bars.count * rowHeight + 12
    let plotTop = script.headHeight + (isShared ? 34 : 12)
    script.height = plotTop + plotHeight + 84 + legend.height
    emit(&script, bars, causes, legend, isShared: isShared, top: plotTop, plotHeight: plotHeight)
    return Figure(
      name: fileName, kind: name, title: title, subtitle: subtitle, description: description(bars),
      metrics: metrics, table: table(bars), script: script.text)
  }

  /// Causes by class, then by number: the order of the stack.
  private static let order: [Cause] = CauseClass.allCases.flatMap { causeClass in
    Cause.allCases.filter { $0.causeClass == causeClass && $0 != .verification }
  }

  private static func makeBars(_ digest: Digest, _ phases: [String]) -> [Bar] {
    var bytes: [String: [String: UInt64]] = [:]
    for row in digest.record.io where row.direction == "write" && phases.contains(row.phaseName) {
      let key = row.runIdentifier + "\u{0}" + row.phaseName
      bytes[key, default: [:]][row.cause ?? "", default: 0] += row.transferredBytes ?? 0
    }
    let differ = Group.recordsDiffer(digest.groups.filter { phases.contains($0.phase) })
    var bars: [Bar] = []
    for phase in phases {
      for group in digest.groups where group.phase == phase {
        let logical = group.rows.reduce(UInt64(0)) { $0 + ($1.logicalWriteBytes ?? 0) }
        var parts: [(cause: Cause, value: Double)] = []
        for cause in order {
          let sum = group.rows.reduce(UInt64(0)) { sum, row in
            sum + (bytes[row.runIdentifier + "\u{0}" + phase]?[cause.name] ?? 0)
          }
          if sum > 0, let value = quotient(sum, logical) { parts.append((cause, value)) }
        }
        let name = group.label(recordsDiffer: differ)
        let label = phases.count > 1 ? "\(name), \(phase)" : name
        bars.append(Bar(group: group, parts: parts, label: label))
      }
    }
    return bars
  }

  private static func table(_ bars: [Bar]) -> String {
    var text = ""
    CommaSeparatedText.append(
      [
        "position", "phase", "series", "engine", "cause_class", "cause", "write_amplification", "from", "to",
        "share_from", "share_to", "total", "absence",
      ], to: &text)
    for bar in bars {
      let lead: [String?] = [String(bar.middle), bar.group.phase, bar.group.series.name, bar.group.engine]
      if bar.parts.isEmpty {
        CommaSeparatedText.append(
          lead + [nil, nil, nil, nil, nil, nil, nil, nil, bar.group.absence], to: &text)
      }
      var from = 0.0
      for part in bar.parts {
        let to = from + part.value
        CommaSeparatedText.append(
          lead + [
            part.cause.causeClass.rawValue, part.cause.name, part.value.description, from.description,
            to.description, (100 * from / bar.total).description, (100 * to / bar.total).description,
            bar.total.description, nil,
          ], to: &text)
        from = to
      }
    }
    return text
  }

  private static func description(_ bars: [Bar]) -> String {
    let rows = bars.map { bar -> String in
      if let absence = bar.group.absence { return "\(bar.label): \(absence)" }
      let parts = bar.parts.map { "\($0.cause.name) \(Numbers.short($0.value))" }
      return "\(bar.label): \(parts.joined(separator: ", ")); total \(Numbers.short(bar.total))"
    }
    return rows.joined(separator: ". ") + "."
  }

  private static func emit(
    _ script: inout GnuplotScript, _ bars: [Bar], _ causes: [Cause], _ legend: Legend, isShared: Bool,
    top: Int, plotHeight: Int
  ) {
    let left = 34 + (bars.map { GnuplotScript.textWidth($0.label) }.max() ?? 0)
    let right = script.width - (isShared ? 130 : 40)
    let ticks = bars.map { "\(GnuplotScript.quoted($0.label)) \($0.middle)" }.joined(separator: ", ")
    script.prelude += [
      "set lmargin at screen \(script.x(left))", "set rmargin at screen \(script.x(right))",
      "set tmargin at screen \(script.y(top))", "set bmargin at screen \(script.y(top + plotHeight))",
      "set yrange [\(plotHeight):0]", "set ytics (\(ticks)) scale 0",
      "set grid xtics noytics",
      "set key off", "of(c) = stringcolumn('cause') eq c",
    ]
    if isShared {
      script.prelude += [
        "set xrange [0:100]", "set xtics ('0 %%' 0, '25 %%' 25, '50 %%' 50, '75 %%' 75, '100 %%' 100)",
        "set xlabel 'share of the bytes written by each engine' noenhanced",
      ]
      script.body.append(
        "set label 'wa_total_end' at screen \(script.x(right + 12)), screen \(script.y(top - 12)) left "
          + "noenhanced font ',15' textcolor rgb '#555555'")
    } else {
      let scale = AxisScale(values: [bars.map(\.total).max() ?? 1])
      script.prelude += GnuplotScript.axis("x", scale, title: "bytes written ÷ logical bytes written")
    }
    script.body += legend.lines(script, left: 24, top: top + plotHeight + 78)
    for bar in bars where bar.parts.isEmpty {
      let reason = bar.group.absence ?? "no byte written to the counted device"
      script.body.append(
        "set label \(GnuplotScript.quoted(Numbers.clipped(reason, to: 80))) at first 0, first \(bar.middle) left "
          + "offset char 0.5,0 noenhanced font ',15' textcolor rgb '#777777'")
    }
    let low = isShared ? "share_from" : "from"
    let high = isShared ? "share_to" : "to"
    let half = Double(rowHeight) / 2 - 9
    var elements = causes.map { cause in
      "data using (of('\(cause.name)') ? column('\(low)') : NaN):(column('position')):"
        + "(column('\(low)')):(column('\(high)')):(column('position') - \(half)):(column('position') + \(half)) "
        + "with boxxyerror fillstyle solid border linecolor rgb 'white' linewidth 0.6 fillcolor rgb "
        + "'\(Palette.colour(of: cause).hexadecimal)'"
    }
    let place = isShared ? "100" : "column('total')"
    elements.append(
      "data using (column('from') == 0 ? \(place) : NaN):(column('position')):(short(column('total'))) "
        + "with labels left offset char 0.6,0 noenhanced font ',15'")
    script.body += ["plot \\"]
    script.body += elements.enumerated().map { index, element in
      "  " + element + (index == elements.count - 1 ? "" : ", \\")
    }
  }

  /// The causes in columns under the axis, a class beginning a column.
  private struct Legend {
    /// A column: a class's name over the first of its columns, causes below.
    struct Column {
      var head: String
      var causes: [Cause]
      var width: Int
    }

    static let lineHeight = 23
    var columns: [Column] = []

    /// Columns of five causes, or of more when they would be wider than `width` pixels.
    init(_ causes: [Cause], width: Int) {
      var causesPerColumn = 5
      columns = Self.columns(causes, causesPerColumn)
      while columns.reduce(0, { $0 + $1.width }) > width && causesPerColumn < causes.count {
        causesPerColumn += 1
        columns = Self.columns(causes, causesPerColumn)
      }
    }

    private static func columns(_ causes: [Cause], _ causesPerColumn: Int) -> [Column] {
      var columns: [Column] = []
      for causeClass in CauseClass.allCases {
        let members = causes.filter { $0.causeClass == causeClass }
        for start in stride(from: 0, to: members.count, by: causesPerColumn) {
          let part = Array(members[start..<min(start + causesPerColumn, members.count)])
          let width = part.map { GnuplotScript.textWidth($0.name, size: 15) }.max() ?? 0
          columns.append(
            Column(head: start == 0 ? causeClass.rawValue : "", causes: part, width: width + 46))
        }
      }
      return columns
    }

    var height: Int { Self.lineHeight * (1 + (columns.map(\.causes.count).max() ?? 0)) + 12 }

    /// The statements that draw it with its corner at (left, top).
    func lines(_ script: GnuplotScript, left: Int, top: Int) -> [String] {
      var result: [String] = []
      var x = left
      for column in columns {
        var y = top + 12
        if !column.head.isEmpty {
          result.append(
            "set label '\(column.head)' at screen \(script.x(x)), screen \(script.y(y)) left noenhanced "
              + "font ',15' textcolor rgb '#555555'")
        }
        for cause in column.causes {
          y += Self.lineHeight
          result += [
            "set object rectangle from screen \(script.x(x)), screen \(script.y(y + 7)) to screen "
              + "\(script.x(x + 14)), screen \(script.y(y - 7)) front fillcolor rgb "
              + "'\(Palette.colour(of: cause).hexadecimal)' fillstyle solid noborder",
            "set label '\(cause.name)' at screen \(script.x(x + 22)), screen \(script.y(y)) left noenhanced "
              + "font ',15'",
          ]
        }
        x += column.width
      }
      return result
    }
  }
}
