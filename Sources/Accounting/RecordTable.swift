// The tables of a record, by name: what the metric registry files its columns under.
//
//   runs.csv ──────── one wide row per run × phase
//   io.csv ────────── one row per run × phase × (direction, cause, level)
//   series.csv ────── counters sampled by operation count
//   histograms.csv ── one row per bucket
//   timing.csv, latency.csv ── everything that depends on a clock, and nothing else
//   claims.csv ────── one row per checked sentence
//
// Invariants
// 1. A column that depends on the wall clock is in `timing.csv` or `latency.csv` only, so that every other
//    table is byte-identical between two runs of one study on a memory device.

/// A table of a record.
public enum RecordTable: String, CaseIterable, Sendable {
  case runs, io, series, histograms, timing, latency, claims

  /// The file's name inside a record's directory.
  public var fileName: String { rawValue + ".csv" }

  /// Whether the table's values depend on the wall clock.
  public var isClockDependent: Bool { self == .timing || self == .latency }

  /// What one row is.
  public var rowMeaning: String {
    switch self {
    case .runs: "One run and phase; failed and skipped runs are rows with a status and a reason."
    case .io: "One run, phase, direction, cause and level with a count that is not zero, at the phase's end."
    case .series: "Counters since the phase began, sampled by operation count."
    case .histograms: "One bucket of a histogram over the operations of a run and phase."
    case .timing: "Time of one run and phase by the machine's clocks."
    case .latency: "Latency of one operation kind in one run and phase, by the machine's clock."
    case .claims: "One sentence about a figure, checked."
    }
  }
}

/// What a column's cells hold. A missing value is an empty cell, whatever the kind.
public enum MetricKind: String, Sendable {
  /// Words.
  case text
  /// A whole number, 0 or more, below 2⁶⁴.
  case count
  /// A finite real number in the shortest form that reads back as the same number.
  case real
}

/// Which way a metric improves.
public enum MetricPreference: String, Sendable {
  case smallerIsBetter = "smaller is better"
  case largerIsBetter = "larger is better"
  case neither = "neither is better"
}
