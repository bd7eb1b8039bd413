// The key numbers of a record, one row per engine and phase; the same rows as text and in the HTML page.
//
// Invariants
// 1. Throughput stands beside CPU per operation, transfers per operation and amplification, never alone.
// 2. A row is the median over the repeats that went well; what failed or was skipped is a line with its reason.

import Accounting
import Results

/// The summary of a record.
struct SummaryTable {
  /// The metrics shown, in order.
  static let metrics = [
    "operations", "wa_data_end", "wa_total_end", "ra_ios", "ra_bytes", "sa_settled", "device_s", "ops_per_s",
    "cpu_us_per_operation",
  ]

  /// One engine in one phase.
  struct Line {
    var series: String
    var phase: String
    var repeatCount: Int
    /// Spelled numbers, one per metric; nil where there is none.
    var cells: [String?]
  }

  /// A run that is not ok.
  struct Absence: Equatable {
    var series: String
    var phase: String
    var status: String
    var reason: String
  }

  /// The study and the conditions of every number.
  var conditions: String
  var lines: [Line] = []
  var absences: [Absence] = []

  init(_ digest: Digest) {
    let phrases = digest.conditions(of: digest.phases).joined(separator: " · ")
    conditions = "\(digest.record.manifest.study.id): \(phrases)"
    var timing: [String: [TimingRow]] = [:]
    for row in digest.record.timing {
      timing[row.runIdentifier + "\u{0}" + row.phaseName, default: []].append(row)
    }
    for phase in digest.phases {
      for series in digest.series {
        guard let group = digest.group(series, phase) else { continue }
        for row in group.others {
          absences.append(
            Absence(
              series: series.name, phase: phase, status: row.status?.rawValue ?? "failed",
              reason: row.reason ?? ""))
        }
        guard group.isMeasured else { continue }
        let times = group.rows.flatMap { timing[$0.runIdentifier + "\u{0}" + phase] ?? [] }
        let cells = Self.metrics.map { Self.cell($0, group, times) }
        lines.append(Line(series: series.name, phase: phase, repeatCount: group.rows.count, cells: cells))
      }
    }
  }

  private static func cell(_ metric: String, _ group: Group, _ times: [TimingRow]) -> String? {
    let isTime = MetricRegistry.entry(metric)?.isClockDependent ?? false
    let value =
      isTime ? Statistics.median(times.compactMap { $0[metric]?.number }) : group.measurement(metric)?.median
    return value.map { metric == "operations" ? Numbers.fixed($0, places: 0) : Numbers.short($0) }
  }

  /// The summary as aligned text.
  var text: String {
    var table = TextTable(
      columns: [
        TextTable.Column(name: "engine", isNumeric: false), TextTable.Column(name: "phase", isNumeric: false),
      ] + Self.metrics.map { TextTable.Column(name: Self.head($0), isNumeric: true) })
    let repeats = Set(lines.map(\.repeatCount))
    if repeats != [1] && !repeats.isEmpty {
      table.columns.append(TextTable.Column(name: "repeats", isNumeric: true))
    }
    for line in lines {
      var row = [line.series, line.phase] + line.cells.map { $0 ?? Numbers.missing }
      if table.columns.count > row.count { row.append(String(line.repeatCount)) }
      table.rows.append(row)
    }
    var text = conditions + "\n\n" + table.text
    for absence in absences {
      text += "\(absence.status): \(absence.series), \(absence.phase): \(absence.reason)\n"
    }
    text += "\n_end: at the phase's end, flushed and checkpointed; \(Numbers.missing) not measured; "
    text += "`betula explain wa_total_end` says what a number means.\n"
    return text
  }

  /// Shorter heads for two long names; the rest are the ids that `betula explain` takes.
  private static func head(_ metric: String) -> String {
    switch metric {
    case "operations": "ops"
    case "cpu_us_per_operation": "cpu_us/op"
    default: metric
    }
  }
}
