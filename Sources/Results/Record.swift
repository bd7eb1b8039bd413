// A record in memory: what one run of a study left behind.

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

  /// The tables' files and texts, in the order they are written.
  public var files: [(name: String, text: String, isClockDependent: Bool)] {
    [
      ("runs.csv", Table<RunColumns>.text(runs), false), ("io.csv", Table<IOColumns>.text(io), false),
      ("series.csv", Table<SeriesColumns>.text(series), false),
      ("histograms.csv", Table<HistogramColumns>.text(histograms), false),
      ("timing.csv", Table<TimingColumns>.text(timing), true),
      ("latency.csv", Table<LatencyColumns>.text(latency), true),
      ("claims.csv", Table<ClaimColumns>.text(claims), false),
    ]
  }
}
