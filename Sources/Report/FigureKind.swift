// A figure: data in a table beside a gnuplot script that draws it, and nothing else.
//
//   FigureRequest (study) ──▶ FigureKind.make(digest) ──▶ NAME.csv + NAME.gnuplot ──gnuplot──▶ NAME.svg, NAME.png
//
// Adding a figure kind = one file in Figures/ + one line in `figureCatalogue`.
//
// Invariants
// 1. A script reads its table and nothing else; who has both can draw the figure without this program.
// 2. Script and table are functions of the record: no date, no path, no machine.

import Accounting
import Results

/// A way to show a record.
protocol FigureKind: Sendable {
  /// The name studies use.
  static var name: String { get }
  /// One sentence: what it shows.
  static var summary: String { get }
  /// The metrics it shows, for links to their definitions.
  static var metrics: [String] { get }
  /// The figure's data and script.
  ///
  /// - Throws: `.nothingToShow` with the reason.
  static func make(_ digest: Digest, _ request: FigureRequest) throws(ReportError) -> Figure
}

/// Every figure kind a study can ask for.
let figureCatalogue: [any FigureKind.Type] = [
  WriteAmplificationFigure.self,
  WriteAmplificationByCauseFigure.self,
  ReadAmplificationFigure.self,
  AmplificationOverOperationsFigure.self,
  SpaceAmplificationFigure.self,
  RecoveryCostFigure.self,
  LinesFigure.self,
]

/// A figure ready to be written and drawn.
struct Figure: Equatable, Sendable {
  /// The base name of its files.
  var name: String
  /// The kind's name.
  var kind: String
  var title: String
  /// The conditions, one string per line.
  var subtitle: [String]
  /// What the figure shows in words, for readers who cannot see it.
  var description: String
  /// Metrics shown.
  var metrics: [String]
  /// The table the script reads.
  var table: String
  /// The gnuplot script.
  var script: String
}

/// Makes the figure a study asks for.
func makeFigure(_ digest: Digest, _ request: FigureRequest) throws(ReportError) -> Figure {
  guard let kind = figureCatalogue.first(where: { $0.name == request.figure }) else {
    throw .unknownFigure(name: request.figure, known: figureCatalogue.map { $0.name })
  }
  for phase in request.phases where !digest.phases.contains(phase) {
    throw .nothingToShow(
      figure: request.figure,
      reason: "the record has no phase '\(phase)'; it has \(digest.phases.joined(separator: ", "))")
  }
  return try kind.make(digest, request)
}

/// Which figures a record's report shows: what the study asks for, or every kind that has data.
func figureRequests(_ record: Record) -> [FigureRequest] {
  if !record.manifest.figures.isEmpty { return record.manifest.figures }
  // `lines` shows what a study asks for by metric and axis, and nothing by itself.
  return figureCatalogue.filter { $0.name != LinesFigure.name }.map { FigureRequest(figure: $0.name) }
}
