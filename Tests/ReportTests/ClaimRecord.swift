// A record made of nothing but the numbers a claim is about: labels × x × repeats.

import Accounting
import Results

@testable import Report

/// Builds records for claims.
enum ClaimRecord {
  /// The values of one label: x (nil for none) to one value a repeat.
  typealias Series = (label: String, points: [(x: Double?, values: [Double])])

  /// A record with `metric` in phase `load`; x is the column `p_page_bytes`.
  static func make(
    _ series: [Series], metric: String = "wa_total_end", claims: [ClaimRequest] = [],
    sharesStreams: Bool = true
  ) -> Record {
    var record = Record(manifest: SampleRecord.make().manifest)
    record.manifest.claims = claims
    record.manifest.figures = []
    record.manifest.engines = []
    for (label, points) in series {
      for (place, point) in points.enumerated() {
        for (number, value) in point.values.enumerated() {
          let run = "\(label)-\(place)-\(number)"
          var row = RunRow(runID: run, phase: "load")
          row.label = label
          row.engine = label
          row.phaseKind = "load"
          row.phaseIndex = 0
          row.repeat = UInt64(number)
          row.seed = UInt64(100 + number)
          row.status = .ok
          row.operations = 1000
          row.records = 1000
          row.batchOperations = 10
          row.syncEveryCommits = 0
          row.memoryBudgetBytes = 1 << 20
          row.streamHash = sharesStreams ? "s\(number)" : run
          if let x = point.x { row.setParameter("page_bytes", String(UInt64(x))) }
          if metric == "ops_per_s" {
            var timing = TimingRow(runID: run, phase: "load")
            timing.opsPerS = value
            record.timing.append(timing)
          } else {
            row[metric] = .real(value)
          }
          record.runs.append(row)
        }
      }
    }
    return record
  }

  /// Points without an axis.
  static func plain(_ label: String, _ values: Double...) -> Series { (label, [(nil, values)]) }

  /// Points along the axis; each value becomes three repeats: it, a little less, a little more.
  static func line(_ label: String, _ points: [(Double, Double)], spread: Double = 0.01) -> Series {
    (label, points.map { (x: $0.0, values: [$0.1, $0.1 * (1 - spread), $0.1 * (1 + spread)]) })
  }

  static let pageBytes = ColumnPath(path: "engines.a.page_bytes", column: "p_page_bytes")

  /// A claim about wa_total_end of the labels.
  static func claim(
    _ kind: ClaimKind, _ labels: [String], _ bounds: ClaimBounds = ClaimBounds(),
    metric: String = "wa_total_end",
    over: ColumnPath? = nil, change: (inout ClaimRequest) -> Void = { _ in }
  ) -> ClaimRequest {
    var claim = ClaimRequest(
      claim: "c", sentence: "A sentence.", kind: kind, metric: metric, phase: "load",
      series: labels.map { SeriesSelector(engine: $0) }, over: over, bounds: bounds)
    change(&claim)
    return claim
  }

  /// The row of the one claim of a record of `series`.
  static func row(_ series: [Series], _ claim: ClaimRequest, sharesStreams: Bool = true) -> ClaimRow {
    let record = make(series, metric: claim.metric, claims: [claim], sharesStreams: sharesStreams)
    return ClaimEvaluator.rows(record)[0]
  }
}
