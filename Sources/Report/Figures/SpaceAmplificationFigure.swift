// Bytes held on the device for each live logical byte, by engine: now, at the peak, and after settling.

import Accounting
import Results

/// `space_amplification`: bars of sa_settled, sa_live and sa_peak by engine.
enum SpaceAmplificationFigure: FigureKind {
  static let name = "space_amplification"
  static let summary = "Bars by engine: space amplification settled, at the phase's end, and at its peak."
  static let metrics = ["sa_settled", "sa_live", "sa_peak"]

  static func make(_ digest: Digest, _ request: FigureRequest) throws(ReportError) -> Figure {
    let phases = request.phases.isEmpty ? defaultPhases(digest) : request.phases
    let shown = metrics.filter { metric in
      digest.groups.contains { phases.contains($0.phase) && $0.measurement(metric) != nil }
    }
    guard !shown.isEmpty else {
      throw .nothingToShow(figure: name, reason: "no phase of the record has sa_settled, sa_live or sa_peak")
    }
    let words = [
      "sa_settled": "sa_settled: owed work done", "sa_live": "sa_live: at the phase's end",
      "sa_peak": "sa_peak: at its largest",
    ]
    return try BarFigure(
      kind: Self.self, request: request,
      title: request.title ?? "Space amplification: \(phases.joined(separator: ", "))", phases: phases,
      panels: [BarFigure.Panel(metrics: shown, axisTitle: "allocated bytes ÷ live logical bytes")],
      legend: words.filter { shown.contains($0.key) }
    ).figure(digest)
  }

  /// The first phase that writes: later ones hold the same records.
  private static func defaultPhases(_ digest: Digest) -> [String] {
    let writing = digest.phases(with: "wa_total_end").filter { phase in
      digest.groups.contains { group in
        group.phase == phase && metrics.contains { group.measurement($0) != nil }
      }
    }
    return Array(writing.prefix(1))
  }
}
