// Numbers of rows, wherever the record keeps them: `runs.csv`, or `timing.csv` joined by run and phase; divided by
// another metric of the same row where asked.

import Accounting
import Results

/// The numbers of a record's rows.
struct Measures {
  private let timing: [String: TimingRow]

  init(_ record: Record) {
    var timing: [String: TimingRow] = [:]
    for row in record.timing { timing[row.runIdentifier + "\u{0}" + row.phaseName] = row }
    self.timing = timing
  }

  /// The value of `metric` ÷ `per` in `row`, nil where one is missing or the divisor is 0.
  func value(_ row: RunRow, _ metric: String, per: String?) -> Double? {
    guard let value = plain(row, metric) else { return nil }
    guard let per else { return value }
    guard let divisor = plain(row, per), divisor != 0 else { return nil }
    return value / divisor
  }

  private func plain(_ row: RunRow, _ metric: String) -> Double? {
    if Self.isOfClock(metric) {
      return timing[row.runIdentifier + "\u{0}" + row.phaseName]?[metric]?.number
    }
    return row[metric]?.number
  }

  /// Whether the machine's clock has a say in `metric`.
  static func isOfClock(_ metric: String) -> Bool { MetricRegistry.entry(metric)?.isClockDependent ?? false }

  /// Whether it has in `metric` ÷ `per`.
  static func isOfClock(_ metric: String, per: String?) -> Bool {
    isOfClock(metric) || per.map { isOfClock($0) } ?? false
  }

  /// The metric and what it is divided by, in words.
  static func words(_ metric: String, per: String?) -> String { per.map { "\(metric) ÷ \($0)" } ?? metric }

  /// The number of an axis cell: of a count, a real, or a parameter spelled as a number.
  static func axisNumber(_ cell: Cell?) -> Double? {
    guard let cell else { return nil }
    if let number = cell.number { return number }
    return Double(cell.spelling).flatMap { $0.isFinite ? $0 : nil }
  }

  /// Whether a cell has the value a study spelled.
  static func matches(_ cell: Cell?, _ spelling: String) -> Bool {
    guard let cell else { return false }
    if cell.spelling == spelling { return true }
    guard let wanted = Double(spelling), let found = axisNumber(cell) else { return false }
    return wanted == found
  }
}
