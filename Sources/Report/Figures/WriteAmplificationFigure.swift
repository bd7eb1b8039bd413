// Bytes written to the device for each logical byte, by engine: nodes and runs alone, and everything.

import Accounting
import Results

/// `write_amplification`: bars of wa_data and wa_total by engine, at the phase's end.
enum WriteAmplificationFigure: FigureKind {
  static let name = "write_amplification"
  static let summary = "Bars by engine: wa_data and wa_total at the phase's end."
  static let metrics = ["wa_data_end", "wa_total_end"]

  static func make(_ digest: Digest, _ request: FigureRequest) throws(ReportError) -> Figure {
    let phases = request.phases.isEmpty ? digest.phases(with: "wa_total_end") : request.phases
    return try BarFigure(
      kind: Self.self, request: request,
      title: request.title ?? "Write amplification: \(phases.joined(separator: ", "))", phases: phases,
      panels: [BarFigure.Panel(metrics: metrics, axisTitle: "bytes written ÷ logical bytes written")],
      legend: [
        "wa_data_end": "wa_data_end: nodes, runs, tables",
        "wa_total_end": "wa_total_end: log, metadata, padding as well",
      ]
    ).figure(digest)
  }
}
