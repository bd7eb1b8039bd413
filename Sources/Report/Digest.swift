// A record seen as a reader sees it: series (what has one colour), phases, and one number per metric.
//
//   runs.csv rows ──▶ (series, phase) ──▶ median and interval over the repeats that went well
//                        │ series = label, and the parameters that differ among runs of that label
//
// Invariants
// 1. Series stand in the study's order of engines, phases in the order they were run.
// 2. A run that failed or was skipped is part of the digest with its reason; it never becomes a number.

import Accounting
import Results

/// What one colour and one row label stand for.
struct SeriesID: Hashable {
  var label: String
  /// `name=value` of the parameters that tell this series from others of the same label; mostly empty.
  var variation: String
  /// The series in words.
  var name: String { variation.isEmpty ? label : "\(label) \(variation)" }
}

/// The numbers of one metric over the repeats.
struct Measurement {
  var median: Double
  /// The lower end of the 95 % bootstrap interval; of the range where fewer than three repeats give none.
  var lower: Double
  /// The upper end.
  var upper: Double

  /// The measurement of `values`, nil of nothing.
  init?(_ values: [Double]) {
    guard let median = Statistics.median(values) else { return nil }
    let interval = Bootstrap.interval(ofMedian: values)
    self.median = median
    lower = interval?.lower ?? values.min() ?? median
    upper = interval?.upper ?? values.max() ?? median
  }
}

/// One series in one phase.
struct Group {
  var series: SeriesID
  var engine: String
  var phase: String
  /// Rows with status ok, in file order.
  var rows: [RunRow] = []
  /// Rows with another status.
  var others: [RunRow] = []

  /// A metric of `runs.csv` over the repeats; nil when no row has it.
  func measurement(_ id: String) -> Measurement? {
    Measurement(rows.compactMap { $0[id]?.number })
  }

  /// Records the group's runs load.
  var records: UInt64? { (rows + others).first?.records }

  /// The series' name, with its records where the engines' sizes differ.
  func label(recordsDiffer: Bool) -> String {
    guard recordsDiffer, let records else { return series.words }
    return "\(series.words) (\(Numbers.compact(records)))"
  }

  /// Whether groups load different numbers of records.
  static func recordsDiffer(_ groups: [Group]) -> Bool { Set(groups.compactMap(\.records)).count > 1 }

  /// Why there is no number: the first row that is not ok, in words; nil when some row is.
  var absence: String? {
    guard rows.isEmpty, let row = others.first else { return nil }
    return "\(row.status?.rawValue ?? "failed"): \(row.reason ?? "")"
  }
}

/// A record in a reader's order.
struct Digest {
  var record: Record
  /// Series in the study's order.
  var series: [SeriesID] = []
  /// Phases in the order they were run.
  var phases: [String] = []
  /// Groups by series, then phase, in those orders.
  var groups: [Group] = []
  private var seriesOfRun: [String: SeriesID] = [:]

  init(_ record: Record) {
    self.record = record
    let varying = Self.varyingColumns(record.runs)
    let labelOrder = Self.labelOrder(record)
    var index: [SeriesID: [String: Int]] = [:]
    var phaseIndices: [(name: String, index: UInt64)] = []
    var found: [Group] = []
    for row in record.runs {
      let id = Self.seriesID(row, varying[Self.label(row)] ?? [])
      if !series.contains(id) { series.append(id) }
      seriesOfRun[row.runIdentifier] = id
      let phase = row.phaseName
      if !phaseIndices.contains(where: { $0.name == phase }) {
        phaseIndices.append((phase, row.phaseIndex ?? UInt64(phaseIndices.count)))
      }
      let place: Int
      if let known = index[id]?[phase] {
        place = known
      } else {
        place = found.count
        found.append(Group(series: id, engine: row.engine ?? "", phase: phase))
        index[id, default: [:]][phase] = place
      }
      if row.status == .ok { found[place].rows.append(row) } else { found[place].others.append(row) }
    }
    let firstSeen = series
    series = firstSeen.enumerated().sorted {
      (labelOrder[$0.element.label] ?? .max, $0.offset) < (labelOrder[$1.element.label] ?? .max, $1.offset)
    }.map(\.element)
    phases = phaseIndices.enumerated().sorted {
      ($0.element.index, $0.offset) < ($1.element.index, $1.offset)
    }
    .map(\.element.name)
    for id in series {
      for phase in phases {
        if let place = index[id]?[phase] { groups.append(found[place]) }
      }
    }
  }

  /// The group of a series and phase.
  func group(_ series: SeriesID, _ phase: String) -> Group? {
    groups.first { $0.series == series && $0.phase == phase }
  }

  /// The series a run belongs to.
  func series(ofRun runID: String) -> SeriesID? { seriesOfRun[runID] }

  /// Phases in which some row of some engine has a number for `id` and did operations.
  func phases(with id: String) -> [String] {
    phases.filter { phase in
      groups.contains { group in
        group.phase == phase && group.rows.contains { ($0.operations ?? 0) > 0 && $0[id] != nil }
      }
    }
  }

  private static func label(_ row: RunRow) -> String { row.label ?? row.engine ?? "" }

  private static func labelOrder(_ record: Record) -> [String: Int] {
    var order: [String: Int] = [:]
    for engine in record.manifest.engines where order[engine.label] == nil {
      order[engine.label] = order.count
    }
    for row in record.runs where order[label(row)] == nil { order[label(row)] = order.count }
    return order
  }

  /// Conditions that may differ between runs of one label, besides its parameters.
  static let conditions = [
    "records", "batch_operations", "sync_every_commits", "memory_budget_bytes",
  ]

  /// For each label, the columns whose value differs among its runs within one phase.
  private static func varyingColumns(_ rows: [RunRow]) -> [String: [String]] {
    var values: [String: [String: Set<String>]] = [:]
    for row in rows {
      let ids = row.filledColumns.filter { $0.hasPrefix("p_") } + conditions
      for id in ids {
        let spelling = row[id]?.spelling ?? ""
        values[label(row), default: [:]][row.phaseName + "\u{0}" + id, default: []].insert(spelling)
      }
    }
    var varying: [String: [String]] = [:]
    for (label, columns) in values {
      var ids: Set<String> = []
      for (key, spellings) in columns where spellings.count > 1 {
        ids.insert(String(key[key.index(after: key.firstIndex(of: "\u{0}") ?? key.startIndex)...]))
      }
      varying[label] = ids.sorted()
    }
    return varying
  }

  private static func seriesID(_ row: RunRow, _ varying: [String]) -> SeriesID {
    let parts = varying.compactMap { id -> String? in
      guard let cell = row[id] else { return nil }
      let name = id.hasPrefix("p_") ? String(id.dropFirst(2)) : id
      return "\(name)=\(cell.spelling)"
    }
    return SeriesID(label: label(row), variation: parts.joined(separator: " "))
  }
}

extension Digest {
  /// The conditions under which the numbers of `phases` were made, each a short phrase, for a subtitle.
  ///
  /// - Parameters:
  ///   - phases: the phases shown.
  ///   - repeats: what is shown of several seeds.
  ///   - omitting: conditions the figure shows itself, along its axis.
  ///   - countsOperations: whether to state the operations of the phases, too.
  func conditions(
    of phases: [String], repeats: String? = nil, countsOperations: Bool = false, omitting: Set<String> = []
  ) -> [String] {
    let rows = record.runs.filter { phases.contains($0.phaseName) }
    func spread(_ id: String, _ spell: (UInt64) -> String) -> String? {
      guard !omitting.contains(id) else { return nil }
      let values = rows.compactMap { row -> UInt64? in
        guard case .count(let value)? = row[id] else { return nil }
        return value
      }
      guard let low = values.min(), let high = values.max() else { return nil }
      return low == high ? spell(low) : "\(spell(low)) to \(spell(high))"
    }
    func words(_ id: String) -> String? {
      var seen: [String] = []
      for row in rows {
        if let word = row[id]?.spelling, !seen.contains(word) { seen.append(word) }
      }
      return seen.isEmpty ? nil : seen.joined(separator: ", ")
    }
    var parts: [String] = []
    if let text = spread("records", Numbers.grouped) { parts.append("\(text) records") }
    if countsOperations, let text = spread("operations", Numbers.grouped) {
      parts.append("\(text) operations")
    }
    if let text = spread("batch_operations", Numbers.grouped) { parts.append("batch \(text)") }
    if let text = words("durability_class") { parts.append("durability \(text)") }
    if let text = spread("memory_budget_bytes", Numbers.bytes) { parts.append("memory \(text)") }
    let seeds = Set(rows.compactMap(\.seed)).sorted()
    if seeds.count == 1 { parts.append("seed \(seeds[0])") }
    if seeds.count > 1 {
      let shown =
        seeds.count < Bootstrap.smallestSampleCount ? "median and range" : "median and 95 % interval"
      parts.append("\(seeds.count) seeds: \(repeats ?? shown)")
    }
    let device = record.manifest.machine.device
    if !device.isEmpty { parts.append("\(device) device") }
    return parts
  }
}
