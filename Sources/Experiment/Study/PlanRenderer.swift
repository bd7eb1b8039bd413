// A plan for reading (a table) and for programs (JSON): what would run, in which order, and what it would cost.

import Foundation
import KeyValue
import Primitives

/// A plan with estimates and refusals.
public struct PlanOutline: Sendable {
  /// One run and what is known of it beforehand.
  public struct Row: Sendable {
    /// The run.
    public var run: RunSpec
    /// Its cost, coarsely.
    public var estimate: RunEstimate
    /// Why it cannot be; empty when it can.
    public var refusals: [String]
  }

  /// The plan.
  public let plan: Plan
  /// In the plan's order.
  public let rows: [Row]

  /// Estimates every run of `plan`.
  public init(_ plan: Plan, vocabulary: StudyVocabulary, resources: HostResources = HostResources()) {
    self.plan = plan
    rows = plan.runs.map { run in
      let estimate = RunEstimate(run, vocabulary: vocabulary)
      let refusals = estimate.refusals(of: run, vocabulary: vocabulary, resources: resources)
      return Row(run: run, estimate: estimate, refusals: refusals)
    }
  }

  /// The sum over the runs that can be.
  public var total: RunEstimate {
    rows.filter(\.refusals.isEmpty).reduce(RunEstimate()) { $0 + $1.estimate }
  }
}

/// Writes outlines.
public enum PlanRenderer {
  /// A table for a terminal: at most `maximumRowCount` runs, then totals, warnings and refusals. Ends
  /// without a newline.
  public static func text(_ outline: PlanOutline, maximumRowCount: Int = 200) -> String {
    let study = outline.plan.study
    var lines = ["study \(study.name): \(study.title)", ""]
    var table = [
      [
        "run", "id", "engine", "repeat", "records", "budget", "operations", "writes", "reads", "memory",
        "time",
      ]
    ]
    let hasAxes = !study.axes.isEmpty
    if hasAxes { table[0].append("axes") }
    for row in outline.rows.prefix(maximumRowCount) { table.append(cells(row, hasAxes: hasAxes)) }
    lines += aligned(table)
    let left = outline.rows.count - maximumRowCount
    if left > 0 { lines.append("… and \(Quantity.formatInteger(left)) more") }
    let total = outline.total
    let refused = outline.rows.filter { !$0.refusals.isEmpty }
    let count = outline.rows.count - refused.count
    let runs = count == 1 ? "1 run" : "\(Quantity.formatInteger(count)) runs"
    let time = total.seconds < 1 ? "less than 1 s" : "about \(ByteText.seconds(total.seconds))"
    lines.append("")
    lines.append(
      "\(runs), \(time): \(ByteText.number(total.operationCount)) operations, "
        + "\(ByteText.short(total.deviceWriteByteCount)) written, \(ByteText.short(total.deviceReadByteCount)) read, "
        + "at most \(ByteText.short(total.peakMemoryByteCount)) of memory")
    lines.append("Estimates are coarse: bytes and seconds within a factor of 3.")
    if !study.claims.isEmpty {
      lines.append("")
      lines.append("claims, checked when the runs are done:")
      for claim in study.claims {
        lines.append("  \(claim.claim) (\(claim.kind.rawValue)): \(claim.sentence)")
      }
    }
    for warning in total.warnings { lines.append("warning: \(warning)") }
    for row in refused.prefix(maximumRowCount) {
      for reason in row.refusals { lines.append("refused: \(row.run.id) (\(row.run.label)): \(reason)") }
    }
    return lines.joined(separator: "\n")
  }

  /// The whole outline: every run with its full content, estimate and refusals; no newline at the end.
  public static func json(_ outline: PlanOutline) -> String {
    let runs = outline.rows.map { row -> StudyValue in
      guard case .map(let entries) = row.run.value else { preconditionFailure("A run's value is a map.") }
      return .map(
        entries + [
          .init("estimate", value(row.estimate)),
          .init("refusals", .list(row.refusals.map { .text($0) })),
        ])
    }
    let refused = outline.rows.filter { !$0.refusals.isEmpty }.count
    return StudyValue.map([
      .init("schema", .integer(1)),
      .init("study", .text(outline.plan.study.name)),
      .init("run_count", .integer(outline.rows.count)),
      .init("refused_count", .integer(refused)),
      .init("total", value(outline.total)),
      .init("runs", .list(runs)),
      .init("claims", .list(outline.plan.study.claims.map(\.value))),
    ]).json
  }

  private static func value(_ estimate: RunEstimate) -> StudyValue {
    .map([
      .init("operations", .integer(estimate.operationCount)),
      .init("logical_write_bytes", .integer(estimate.logicalWriteByteCount)),
      .init("device_write_bytes", .integer(estimate.deviceWriteByteCount)),
      .init("device_read_bytes", .integer(estimate.deviceReadByteCount)),
      .init("space_bytes", .integer(estimate.spaceByteCount)),
      .init("memory_peak_bytes", .integer(estimate.peakMemoryByteCount)),
      .init("wall_s", .real((estimate.seconds * 1000).rounded() / 1000)),
      .init("warnings", .list(estimate.warnings.map { .text($0) })),
    ])
  }

  private static func cells(_ row: PlanOutline.Row, hasAxes: Bool) -> [String] {
    let run = row.run
    let estimate = row.estimate
    var cells = [
      String(run.ordinal), run.id, run.label, String(run.repeatIndex), ByteText.number(run.records),
      ByteText.short(run.memoryBudgetByteCount), ByteText.number(estimate.operationCount),
      ByteText.short(estimate.deviceWriteByteCount), ByteText.short(estimate.deviceReadByteCount),
      ByteText.short(estimate.peakMemoryByteCount),
      row.refusals.isEmpty ? ByteText.seconds(estimate.seconds) : "refused",
    ]
    if hasAxes { cells.append(run.axisPoints.map { "\($0.path)=\($0.value)" }.joined(separator: " ")) }
    return cells
  }

  /// Columns padded to their widest cell, numbers to the right.
  private static func aligned(_ table: [[String]]) -> [String] {
    let leftAligned: Set<Int> = [1, 2, 11]
    let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    return table.map { cells in
      let padded = cells.enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        return leftAligned.contains(column) ? cell + blanks : blanks + cell
      }
      var line = padded.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
  }
}
