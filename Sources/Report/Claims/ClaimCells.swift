// The points a claim is about: rows chosen by a selector, gathered by x, one value for each repeat.
//
//   selector (label, where, phase) ─▶ rows ─▶ by x ─▶ cell: x, values by seed, stream hashes
//
// Invariants
// 1. A cell holds one row a repeat; where the selector leaves more, the claim cannot be decided and is told which
//    columns tell the rows apart.
// 2. A row that failed or was skipped, or lacks the metric, makes the claim not decidable, with the row's reason.

import Accounting
import Results

/// Why a claim cannot be decided: a sentence.
struct ClaimDoubt: Error {
  var sentence: String
  init(_ sentence: String) { self.sentence = sentence }
}

/// One point of a series.
struct ClaimCell {
  /// nil where the claim has no axis.
  var x: Double?
  /// The point in words.
  var name: String
  /// One value a repeat, by seed.
  var values: [Double]
  /// What says whether another cell's repeats did the same operations: seed and stream hash of each.
  var streams: [String]
  /// One of its rows, for models.
  var row: RunRow
}

/// Choosing cells from a record.
struct ClaimCells {
  let record: Record
  let measures: Measures

  /// The cells of `selector` for `claim`, by rising x.
  func cells(_ selector: SeriesSelector, of claim: ClaimRequest) throws(ClaimDoubt) -> [ClaimCell] {
    guard let phase = selector.phase ?? claim.phase else {
      throw ClaimDoubt("neither the claim nor the series '\(selector.words)' names a phase")
    }
    let chosen = record.runs.filter { row in
      (row.label ?? row.engine) == selector.engine && row.phaseName == phase
        && selector.conditions.allSatisfy { Measures.matches(row[$0.column.column], $0.value) }
    }
    guard !chosen.isEmpty else {
      throw ClaimDoubt("the record has no run of '\(selector.words)' in phase '\(phase)'")
    }
    if let row = chosen.first(where: { $0.status != .ok }) {
      throw ClaimDoubt(
        "a run of '\(selector.words)' is \(row.status?.rawValue ?? "failed"): \(row.reason ?? "no reason given")"
      )
    }
    var groups: [(x: Double?, rows: [RunRow])] = []
    for row in chosen {
      let x = try axisNumber(row, of: claim)
      if let x, let low = claim.smallestX, x < low { continue }
      if let x, let high = claim.largestX, x > high { continue }
      if let index = groups.firstIndex(where: { $0.x == x }) {
        groups[index].rows.append(row)
      } else {
        groups.append((x, [row]))
      }
    }
    guard !groups.isEmpty else {
      throw ClaimDoubt("no run of '\(selector.words)' lies within x_at_least … x_at_most")
    }
    groups.sort { ($0.x ?? 0) < ($1.x ?? 0) }
    var cells: [ClaimCell] = []
    for group in groups { cells.append(try cell(group.x, group.rows, selector, claim)) }
    return cells
  }

  private func axisNumber(_ row: RunRow, of claim: ClaimRequest) throws(ClaimDoubt) -> Double? {
    guard let over = claim.over else { return nil }
    guard let number = Measures.axisNumber(row[over.column]) else {
      let found = row[over.column].map { "'\($0.spelling)'" } ?? "nothing"
      throw ClaimDoubt("\(over.column), the axis, holds \(found) where a number is needed")
    }
    return number
  }

  private func cell(
    _ x: Double?, _ rows: [RunRow], _ selector: SeriesSelector, _ claim: ClaimRequest
  ) throws(ClaimDoubt) -> ClaimCell {
    let sorted = rows.sorted { ($0.repeat ?? 0, $0.runIdentifier) < ($1.repeat ?? 0, $1.runIdentifier) }
    let repeats = Set(sorted.map { $0.repeat ?? 0 })
    let at = x.map { " at \(claim.over?.column ?? "x") \(Numbers.short($0))" } ?? ""
    let name = selector.words + at
    if repeats.count < sorted.count {
      let columns = Self.differingColumns(sorted).joined(separator: ", ")
      throw ClaimDoubt(
        "\(sorted.count) runs of '\(name)' share \(repeats.count) repeats; say which with 'where' (they differ in \(columns))"
      )
    }
    var values: [Double] = []
    for row in sorted {
      guard let value = measures.value(row, claim.metric, per: claim.per) else {
        let words = Measures.words(claim.metric, per: claim.per)
        throw ClaimDoubt("a run of '\(name)' has no number for \(words)")
      }
      values.append(value)
    }
    let streams = sorted.map { "\($0.seed ?? 0) \($0.streamHash ?? $0.runIdentifier)" }
    return ClaimCell(x: x, name: name, values: values, streams: streams, row: sorted[0])
  }

  /// Parameters and conditions that tell rows apart.
  private static func differingColumns(_ rows: [RunRow]) -> [String] {
    let ids = Set(rows.flatMap { $0.filledColumns.filter { $0.hasPrefix("p_") } } + Digest.conditions)
    return ids.filter { id in Set(rows.map { $0[id]?.spelling ?? "" }).count > 1 }.sorted()
  }
}
