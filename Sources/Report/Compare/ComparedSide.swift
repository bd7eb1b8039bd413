// One side of a comparison, and the rules it must share with the other.

import Accounting
import Results

/// A record as a side of a comparison.
struct ComparedSide {
  let digest: Digest
  private let measures: Measures

  init(_ record: Record) {
    digest = Digest(record)
    measures = Measures(record)
  }

  /// The values of a metric by repeat, and what says whether another side's repeats did the same operations.
  func sample(_ group: Group, _ metric: String) -> (values: [Double], streams: [String]) {
    var values: [Double] = []
    var streams: [String] = []
    for row in Self.sorted(group) {
      guard let value = measures.value(row, metric, per: nil) else { continue }
      values.append(value)
      streams.append(Self.stream(row))
    }
    return (values, streams)
  }

  private static func sorted(_ group: Group) -> [RunRow] {
    group.rows.sorted { ($0.repeat ?? 0, $0.runIdentifier) < ($1.repeat ?? 0, $1.runIdentifier) }
  }

  private static func stream(_ row: RunRow) -> String { "\(row.seed ?? 0) \(row.streamHash ?? "")" }

  /// Conditions that must be equal, in words.
  private static let conditions = [
    ("records", "records"), ("batch_operations", "batch"), ("sync_every_commits", "commits per sync"),
    ("memory_budget_bytes", "memory budget"),
  ]

  /// The rules of a fair comparison that two groups break.
  func faults(_ group: Group, against side: ComparedSide, _ other: Group) -> [String] {
    var faults: [String] = []
    for (column, words) in Self.conditions {
      let (mine, theirs) = (Self.spellings(group, column), Self.spellings(other, column))
      if mine != theirs { faults.append("other \(words): \(mine) and \(theirs)") }
    }
    // Where the data differ in size the operations do as well: said once is enough.
    if faults.isEmpty, Set(Self.sorted(group).map(Self.stream)) != Set(Self.sorted(other).map(Self.stream)) {
      faults.append("other operations: the stream hashes differ")
    }
    let devices = [self, side].map { $0.digest.record.manifest.study.resolved["device"] }
    if devices[0] != devices[1] { faults.append("another device in the study") }
    return faults
  }

  private static func spellings(_ group: Group, _ column: String) -> String {
    Set(group.rows.compactMap { $0[column]?.spelling }).sorted().joined(separator: ", ")
  }

  /// What keeps times of two records apart.
  func clockFaults(against side: ComparedSide) -> [String] {
    let (mine, theirs) = (digest.record.manifest.machine, side.digest.record.manifest.machine)
    return mine == theirs ? [] : ["times of another machine"]
  }
}
