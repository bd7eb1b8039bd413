// Any metric along an axis of the study, or over operations: one line per series, the median with a band for the 95 %
// interval over the repeats; a model's prediction and published points beside it where the study asks. An engine that does not
// have what the axis sweeps is one level across the figure.
//
//   ra_ios │ ●╲      bepsilon                ● ── median, the band its interval
//          │   ╲●──●                         ┄┄ model
//          │┈btree┈┈┈┈┈┈┈                    ┈┈ an engine without the axis
//          │  ○    ○  published              ○  published
//          └────────── epsilon
//
// Invariants
// 1. A point without a number in any repeat is left out of the line, and the description says how many.
// 2. What is drawn is in the table: x, median, lower, upper, repeats, predicted, published; of a level x is empty.

import Accounting
import Results

/// `lines`: a metric along an axis, one line per series.
enum LinesFigure: FigureKind {
  static let name = "lines"
  static let summary =
    "Lines by series: any metric along an axis of the study or over operations, with intervals over the repeats."
  static let metrics: [String] = []

  /// One point of one line.
  struct Point {
    var x: Double
    var measurement: Measurement
    var repeatCount: Int
    var predicted: Double?
  }

  /// One line.
  struct Line {
    var series: SeriesID
    var phase: String
    /// What the table calls it.
    var name: String
    /// What a reader is shown.
    var words = ""
    var points: [Point]
    /// The values of an engine without the axis; nil for one that has it.
    var level: Level?
  }

  /// What holds wherever on the axis.
  struct Level {
    var measurement: Measurement
    var repeatCount: Int
  }

  static func make(_ digest: Digest, _ request: FigureRequest) throws(ReportError) -> Figure {
    guard let metric = request.metric, let axis = request.axis else {
      throw .nothingToShow(figure: name, reason: "it needs a metric and an axis")
    }
    var lines = try LineData(digest: digest, request: request, metric: metric, axis: axis).lines()
    let showsPhases = Set(lines.map(\.phase)).count > 1
    let legend = SeriesID.legend(lines.map { ($0.series, showsPhases ? $0.phase : nil) })
    for index in lines.indices { lines[index].words = legend[index] }
    let words = Measures.words(metric, per: request.per)
    guard lines.contains(where: { $0.level == nil }) else {
      throw .nothingToShow(figure: name, reason: "no run has a number for \(words) along \(axis.path)")
    }
    let phases = Array(Set(lines.map(\.phase))).sorted()
    let title =
      request.title
      ?? "\(FigureWords.quantity(metric, per: request.per)) along \(FigureWords.axis(axis.path))"
    let subtitle = GnuplotScript.wrapped(digest.conditions(of: phases, omitting: [axis.column]))
    var script = GnuplotScript(name: request.fileName, title: title, subtitle: subtitle, height: 0)
    script.height = script.headHeight + 470
    LineDrawing(
      request: request, lines: lines, colours: Palette.colours(of: lines),
      pointTypes: Palette.pointTypes(of: lines),
      yTitle: FigureWords.axisTitle(metric, per: request.per)
    )
    .emit(&script)
    let shown = ([metric] + [request.per].compactMap { $0 }).map { MetricRegistry.entry($0)?.id ?? $0 }
    return Figure(
      name: request.fileName, kind: name, title: title, subtitle: subtitle, description: description(lines),
      metrics: shown, table: table(lines, request), script: script.text)
  }

  private static func description(_ lines: [Line]) -> String {
    let parts = lines.compactMap { line -> String? in
      if let level = line.level {
        return "\(line.words): \(Numbers.short(level.measurement.median)) throughout"
      }
      guard let first = line.points.first, let last = line.points.last else { return nil }
      return "\(line.words): \(Numbers.short(first.measurement.median)) at \(Numbers.short(first.x)) to "
        + "\(Numbers.short(last.measurement.median)) at \(Numbers.short(last.x)), \(line.points.count == 1 ? "1 point" : "\(line.points.count) points")"
    }
    return parts.joined(separator: "; ") + "."
  }

  private static func table(_ lines: [Line], _ request: FigureRequest) -> String {
    var text = ""
    CommaSeparatedText.append(
      ["line", "series", "phase", "x", "median", "lower", "upper", "repeats", "predicted", "published"],
      to: &text)
    for line in lines {
      if let level = line.level {
        CommaSeparatedText.append(
          [
            line.name, line.series.name, line.phase, nil, level.measurement.median.description,
            level.measurement.lower.description, level.measurement.upper.description,
            String(level.repeatCount), nil, nil,
          ], to: &text)
      }
      for point in line.points {
        CommaSeparatedText.append(
          [
            line.name, line.series.name, line.phase, point.x.description,
            point.measurement.median.description,
            point.measurement.lower.description, point.measurement.upper.description,
            String(point.repeatCount),
            point.predicted?.description, nil,
          ], to: &text)
      }
    }
    for point in request.points ?? [] {
      CommaSeparatedText.append(
        ["published", nil, nil, point.x.description, nil, nil, nil, nil, nil, point.y.description], to: &text)
    }
    return text
  }
}

/// Gathers the points.
private struct LineData {
  let digest: Digest
  let request: FigureRequest
  let metric: String
  let axis: ColumnPath

  func lines() throws(ReportError) -> [LinesFigure.Line] {
    axis.path == "operations" ? sampled() : try alongAxis()
  }

  private var phases: [String] { request.phases.isEmpty ? digest.phases : request.phases }

  private func isShown(_ series: SeriesID) -> Bool { request.engines?.contains(series.label) ?? true }

  private func lineName(_ series: SeriesID, _ phase: String) -> String {
    phases.count > 1 ? "\(series.name), \(phase)" : series.name
  }

  /// Series without the axis among what tells them apart.
  private func alongAxis() throws(ReportError) -> [LinesFigure.Line] {
    if let name = request.model, Predictions.model(named: name) == nil {
      throw .nothingToShow(
        figure: LinesFigure.name,
        reason: "there is no model '\(name)'; there are \(Predictions.modelNames.joined(separator: ", "))")
    }
    let measures = Measures(digest.record)
    var order: [LinesFigure.Line] = []
    var gathered: [[(x: Double, values: [Double], row: RunRow)]] = []
    var levels: [LinesFigure.Line] = []
    for group in digest.groups where phases.contains(group.phase) && isShown(group.series) {
      if let level = level(of: group, measures) {
        levels.append(level)
        continue
      }
      let series = group.series.without(axis.column)
      for row in group.rows {
        guard let x = Measures.axisNumber(row[axis.column]),
          let value = measures.value(row, metric, per: request.per)
        else { continue }
        let place: Int
        if let known = order.firstIndex(where: { $0.series == series && $0.phase == group.phase }) {
          place = known
        } else {
          place = order.count
          order.append(
            LinesFigure.Line(
              series: series, phase: group.phase, name: lineName(series, group.phase), points: []))
          gathered.append([])
        }
        if let index = gathered[place].firstIndex(where: { $0.x == x }) {
          gathered[place][index].values.append(value)
        } else {
          gathered[place].append((x, [value], row))
        }
      }
    }
    let study = digest.record.manifest.study.resolved
    let model = request.model.flatMap { Predictions.model(named: $0) }
    for place in order.indices {
      order[place].points = gathered[place].sorted { $0.x < $1.x }.compactMap { cell in
        Measurement(cell.values).map { measurement in
          let predicted = model.flatMap { model in
            Predictions.Conditions(cell.row, study: study).flatMap { model.predict($0) }
          }
          return LinesFigure.Point(
            x: cell.x, measurement: measurement, repeatCount: cell.values.count, predicted: predicted)
        }
      }
    }
    return order.filter { !$0.points.isEmpty } + levels
  }

  /// The line of a group whose engine does not have the axis; nil when it has, or when there is no number.
  private func level(of group: Group, _ measures: Measures) -> LinesFigure.Line? {
    // An engine's parameter; what the workload or the commit sweeps, every run has.
    guard axis.column.hasPrefix("p_"), group.rows.allSatisfy({ $0[axis.column] == nil }) else { return nil }
    let values = group.rows.compactMap { measures.value($0, metric, per: request.per) }
    return Measurement(values).map { measurement in
      LinesFigure.Line(
        series: group.series, phase: group.phase, name: lineName(group.series, group.phase), points: [],
        level: LinesFigure.Level(measurement: measurement, repeatCount: values.count))
    }
  }

  /// Counters sampled while the phase ran.
  private func sampled() -> [LinesFigure.Line] {
    var values: [String: [String: [UInt64: [Double]]]] = [:]
    for row in digest.record.series where phases.contains(row.phaseName) {
      guard let operations = row.operations, operations > 0,
        let series = digest.series(ofRun: row.runIdentifier),
        isShown(series), let value = row[metric]?.number
      else { continue }
      var number = value
      if let per = request.per {
        guard let divisor = row[per]?.number, divisor != 0 else { continue }
        number /= divisor
      }
      values[series.name, default: [:]][row.phaseName, default: [:]][operations, default: []].append(number)
    }
    var lines: [LinesFigure.Line] = []
    for series in digest.series {
      for phase in phases {
        guard let found = values[series.name]?[phase] else { continue }
        let points = found.sorted { $0.key < $1.key }.compactMap { cell in
          Measurement(cell.value).map {
            LinesFigure.Point(x: Double(cell.key), measurement: $0, repeatCount: cell.value.count)
          }
        }
        lines.append(
          LinesFigure.Line(series: series, phase: phase, name: lineName(series, phase), points: points))
      }
    }
    return lines
  }
}

extension SeriesID {
  /// The series with one column's value forgotten.
  func without(_ column: String) -> SeriesID {
    let name = column.hasPrefix("p_") ? String(column.dropFirst(2)) : column
    // A budget that is a fraction of the data, or the data of a budget, follow the axis and tell nothing apart.
    let parts = variation.split(separator: " ").filter { !$0.hasPrefix(name + "=") }
    return SeriesID(label: label, variation: parts.joined(separator: " "))
  }
}

extension Palette {
  /// gnuplot's number of a filled disc.
  static let disc = 7
  /// Filled marks, told apart without colour: disc, square, triangle up, diamond, triangle down, pentagon; then the same, hollow.
  private static let marks = [disc, 5, 9, 13, 11, 15, 6, 4, 8, 12, 10, 14]

  /// A colour for each line: its engine's, paler for each further line of the engine.
  static func colours(of lines: [LinesFigure.Line]) -> [Colour] {
    let bases = colours(of: lines.map(\.series.label))
    return zip(lines, placesInLabel(lines)).map { line, place in
      (bases[line.series.label] ?? grey).tinted(0.6 * Double(place.index) / Double(max(1, place.count - 1)))
    }
  }

  /// A mark for the points of each line: another one for each further line of the engine.
  static func pointTypes(of lines: [LinesFigure.Line]) -> [Int] {
    placesInLabel(lines).map { marks[$0.index % marks.count] }
  }

  /// Which of its label's lines each is.
  private static func placesInLabel(_ lines: [LinesFigure.Line]) -> [(index: Int, count: Int)] {
    var counts: [String: Int] = [:]
    let indices = lines.map { line in
      let index = counts[line.series.label, default: 0]
      counts[line.series.label] = index + 1
      return index
    }
    return zip(lines, indices).map { ($1, counts[$0.series.label] ?? 1) }
  }
}
