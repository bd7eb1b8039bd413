// Distributions over the operations of a phase: how many device transfers and bytes each caused (exact, the same on
// every machine), and how long each took (sampled, by the machine's clock); and over its commits, what each moved.

import Histogram
import Results
import Workload

/// Transfers and bytes per operation. An operation that commits a batch carries what the batch moved.
struct TransferHistograms {
  /// Named as in `histograms.csv`.
  private(set) var readTransfers = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
  private(set) var readBytes = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
  private(set) var writeBytes = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
  /// Reads and writes of each commit, and their bytes: of each operation where a batch has one.
  private(set) var commitTransfers = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
  private(set) var commitBytes = Histogram<UInt64>(numberOfSignificantValueDigits: .three)
  private var idleCount: UInt64 = 0
  private var idleCommitCount: UInt64 = 0

  /// A commit that moved nothing.
  @inline(__always) mutating func recordIdleCommit() { idleCommitCount += 1 }

  /// A commit that moved something.
  mutating func recordCommit(transfers: UInt64, byteCount: UInt64) {
    commitTransfers.record(transfers)
    commitBytes.record(byteCount)
  }

  /// An operation that moved nothing; counted in a register, entered at the end.
  @inline(__always) mutating func recordIdle() { idleCount += 1 }

  /// An operation that moved something.
  mutating func record(readTransfers: UInt64, readBytes: UInt64, writeBytes: UInt64) {
    self.readTransfers.record(readTransfers)
    self.readBytes.record(readBytes)
    self.writeBytes.record(writeBytes)
  }

  /// Enters what was held back; call once, before reading.
  mutating func finish() {
    if idleCount > 0 {
      readTransfers.record(0, count: idleCount)
      readBytes.record(0, count: idleCount)
      writeBytes.record(0, count: idleCount)
      idleCount = 0
    }
    if idleCommitCount > 0 {
      commitTransfers.record(0, count: idleCommitCount)
      commitBytes.record(0, count: idleCommitCount)
      idleCommitCount = 0
    }
  }

  /// The rows of `histograms.csv`.
  func rows(runID: String, phase: String) -> [HistogramRow] {
    let named = [
      ("read_transfers_per_operation", readTransfers), ("read_bytes_per_operation", readBytes),
      ("write_bytes_per_operation", writeBytes), ("transfers_per_commit", commitTransfers),
      ("transfer_bytes_per_commit", commitBytes),
    ]
    var rows: [HistogramRow] = []
    for (name, histogram) in named where histogram.totalCount > 0 {
      for bucket in histogram.recordedValues() {
        rows.append(
          HistogramRow(
            runID: runID, phase: phase, histogram: name,
            bucket: histogram.equivalentRangeForValue(bucket.value), count: bucket.count))
      }
    }
    return rows
  }
}

/// Service times by kind of operation, in nanoseconds; sampled, so that the clock costs little.
struct LatencySampler: Sendable {
  /// What a sample is of: a read of some kind, or the commit of a batch.
  static let commitSlot = 0
  private var histograms: [Histogram<UInt64>]

  init() {
    histograms = Array(
      repeating: Histogram<UInt64>(numberOfSignificantValueDigits: .three),
      count: StreamOperation.allCases.count + 1)
  }

  /// The slot of a read operation.
  @inline(__always) static func slot(_ kind: StreamOperation) -> Int { Int(kind.rawValue) }

  /// Adds one sample.
  mutating func record(_ nanoseconds: UInt64, slot: Int) { histograms[slot].record(nanoseconds) }

  /// Adds the samples of another thread.
  mutating func add(_ other: LatencySampler) {
    for slot in histograms.indices { histograms[slot].add(other.histograms[slot]) }
  }

  /// The rows of `latency.csv`.
  func rows(runID: String, phase: String) -> [LatencyRow] {
    var rows: [LatencyRow] = []
    for (slot, histogram) in histograms.enumerated() where histogram.totalCount > 0 {
      var row = LatencyRow(runID: runID, phase: phase)
      row.operation =
        slot == Self.commitSlot ? "commit" : StreamOperation(rawValue: UInt8(slot))?.name ?? "operation"
      row.timeKind = "service"
      row.count = histogram.totalCount
      row.latencyMeanNs = histogram.mean
      row.latencyP50Ns = histogram.valueAtPercentile(50)
      row.latencyP90Ns = histogram.valueAtPercentile(90)
      row.latencyP99Ns = histogram.valueAtPercentile(99)
      row.latencyP999Ns = histogram.valueAtPercentile(99.9)
      row.latencyMaxNs = histogram.max
      rows.append(row)
    }
    return rows
  }
}
