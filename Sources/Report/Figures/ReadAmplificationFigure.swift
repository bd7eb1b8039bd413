// Transfers and bytes read for one operation, by phase and engine, side by side: few large reads and many small
// ones cost different devices differently.

import Accounting
import Results

/// `read_amplification`: read transfers and bytes per operation, by engine and phase.
enum ReadAmplificationFigure: FigureKind {
  static let name = "read_amplification"
  static let summary = "Bars by phase and engine: read transfers and bytes read per operation."
  static let metrics = ["ra_ios", "read_bytes_per_operation"]

  static func make(_ digest: Digest, _ request: FigureRequest) throws(ReportError) -> Figure {
    let phases = request.phases.isEmpty ? defaultPhases(digest) : request.phases
    return try BarFigure(
      kind: Self.self, request: request,
      title: request.title ?? "Read amplification: \(phases.joined(separator: ", "))", phases: phases,
      panels: [
        BarFigure.Panel(metrics: ["ra_ios"], axisTitle: "read transfers per operation"),
        BarFigure.Panel(metrics: ["read_bytes_per_operation"], axisTitle: "bytes read per operation"),
      ], legend: [:]
    ).figure(digest)
  }

  /// Phases that read; loading reads too, but is not about it.
  private static func defaultPhases(_ digest: Digest) -> [String] {
    digest.phases(with: "ra_ios").filter { phase in
      digest.groups.contains { group in
        group.phase == phase && group.rows.contains { $0.phaseKind != "load" && $0.phaseKind != "write" }
      }
    }
  }
}
