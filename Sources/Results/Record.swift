// A record in memory: what one run of a study left behind.

import Accounting

/// A study's results, whole: the manifest and every table.
public struct Record: Equatable, Sendable {
  /// What the record was made from and on.
  public var manifest: Manifest
  /// One row per run and phase.
  public var runs: [RunRow]
  /// One row per run, phase, direction, cause and level.
  public var io: [IORow]
  /// Counters by operation count.
  public var series: [SeriesRow]
  /// Distributions over operations.
  public var histograms: [HistogramRow]
  /// Time by the machine's clocks.
  public var timing: [TimingRow]
  /// Latency by the machine's clock.
  public var latency: [LatencyRow]
  /// Checked sentences.
  public var claims: [ClaimRow]

  /// A record of these parts.
  public init(
    manifest: Manifest, runs: [RunRow] = [], io: [IORow] = [], series: [SeriesRow] = [],
    histograms: [HistogramRow] = [], timing: [TimingRow] = [], latency: [LatencyRow] = [],
    claims: [ClaimRow] = []
  ) {
    self.manifest = manifest
    self.runs = runs
    self.io = io
    self.series = series
    self.histograms = histograms
    self.timing = timing
    self.latency = latency
    self.claims = claims
  }

  /// Appends the rows of another part of the same study (one run's, for example). The manifest stays.
  public mutating func append(contentsOf other: Record) {
    runs += other.runs
    io += other.io
    series += other.series
    histograms += other.histograms
    timing += other.timing
    latency += other.latency
    claims += other.claims
  }

  /// Each table's text and whether it has no rows, in the order of `RecordTable`.
  var tableTexts: [(table: RecordTable, text: String, isEmpty: Bool)] {
    [
      (.runs, Table<RunColumns>.text(runs), runs.isEmpty), (.io, Table<IOColumns>.text(io), io.isEmpty),
      (.series, Table<SeriesColumns>.text(series), series.isEmpty),
      (.histograms, Table<HistogramColumns>.text(histograms), histograms.isEmpty),
      (.timing, Table<TimingColumns>.text(timing), timing.isEmpty),
      (.latency, Table<LatencyColumns>.text(latency), latency.isEmpty),
      (.claims, Table<ClaimColumns>.text(claims), claims.isEmpty),
    ]
  }
}
