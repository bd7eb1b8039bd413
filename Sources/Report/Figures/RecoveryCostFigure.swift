// What coming back from a power cut costs, by engine and crash phase: reads, writes, modelled time, and operations lost.

import Accounting
import Results

/// `recovery_cost`: bars of the recovery metrics, one group for each phase of kind `crash`.
enum RecoveryCostFigure: FigureKind {
  static let name = "recovery_cost"
  static let summary = "Bars by engine: what recovery read and wrote, how long it took, and what was lost."
  static let metrics = [
    "recovery_read_bytes", "recovery_write_bytes", "recovery_device_s", "recovery_lost_operations",
  ]

  static func make(_ digest: Digest, _ request: FigureRequest) throws(ReportError) -> Figure {
    let phases = request.phases.isEmpty ? digest.phases(with: metrics[0]) : request.phases
    guard
      digest.groups.contains(where: { phases.contains($0.phase) && $0.measurement(metrics[0]) != nil })
    else {
      throw .nothingToShow(
        figure: name, reason: "no phase of the record is a crash that an engine came back from")
    }
    let words = [
      "recovery_read_bytes": "recovery_read_bytes: read while opening",
      "recovery_write_bytes": "recovery_write_bytes: written while opening",
    ]
    let writes = digest.groups.contains { group in
      phases.contains(group.phase) && (group.measurement("recovery_write_bytes")?.upper ?? 0) > 0
    }
    return try BarFigure(
      kind: Self.self, request: request,
      title: request.title ?? "Recovery after a power cut: \(phases.joined(separator: ", "))", phases: phases,
      panels: [
        BarFigure.Panel(
          metrics: writes ? Array(metrics[..<2]) : [metrics[0]],
          axisTitle: writes ? "bytes moved while opening" : "bytes read while opening"),
        BarFigure.Panel(metrics: ["recovery_lost_operations"], axisTitle: "operations lost"),
      ],
      legend: writes ? words : [:]
    ).figure(digest)
  }
}
