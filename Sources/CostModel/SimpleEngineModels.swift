// The complexity baselines: a log that is only appended to, and a file that is kept sorted.

import Primitives

/// An append-only log without an index: the cheapest write, the dearest read.
public struct AppendLogModel: Equatable, Sendable {
  /// Records in the file.
  public var recordCount: Double
  /// Bytes per record, headers included.
  public var recordByteCount: Double

  /// A file of records of one size.
  public init(recordCount: Double, recordByteCount: Double) {
    precondition(recordCount >= 0 && recordByteCount > 0, "A file has records of at least one byte.")
    self.recordCount = recordCount
    self.recordByteCount = recordByteCount
  }

  /// The file, in bytes.
  public var fileByteCount: Double { recordCount * recordByteCount }

  /// Bytes read by the get of a present key, scanning from the newest record: half the file, (n + 1)/2 records.
  ///
  /// Source: D. E. Knuth, TAOCP 3, section 6.1 (successful sequential search).
  public var getHitReadByteCount: Double { (recordCount + 1) / 2 * recordByteCount }

  /// Bytes read by the get of an absent key: the whole file.
  public var getMissReadByteCount: Double { fileByteCount }

  /// Bytes written per put with commits of b records, each rounded up to the transfer unit.
  public func putWrittenByteCount(batchOperationCount: Double, transferUnitByteCount: Double) -> Double {
    let units = DeterministicMath.ceiling(batchOperationCount * recordByteCount / transferUnitByteCount)
    return units * transferUnitByteCount / batchOperationCount
  }
}

/// A file of records in key order, without slack.
public struct SortedFileModel: Equatable, Sendable {
  /// Records in the file.
  public var recordCount: Double
  /// Bytes per record.
  public var recordByteCount: Double

  /// A file of records of one size.
  public init(recordCount: Double, recordByteCount: Double) {
    precondition(recordCount >= 0 && recordByteCount > 0, "A file has records of at least one byte.")
    self.recordCount = recordCount
    self.recordByteCount = recordByteCount
  }

  /// The file, in bytes.
  public var fileByteCount: Double { recordCount * recordByteCount }

  /// Blocks read by a get: ⌈log2(blocks + 1)⌉ probes of a binary search.
  ///
  /// Source: D. E. Knuth, TAOCP 3, section 6.2.1.
  public func getReadTransferCount(blockByteCount: Double) -> Double {
    let blocks = DeterministicMath.ceiling(fileByteCount / blockByteCount)
    return DeterministicMath.ceiling(DeterministicMath.log2(blocks + 1))
  }

  /// Bytes written by inserting one record in place: the half of the file behind it moves up, and the record.
  public var shiftingInsertWrittenByteCount: Double { fileByteCount / 2 + recordByteCount }

  /// Bytes written per record when each commit of b records merges them into a new file: (n + b)·E/b.
  public func mergingInsertWrittenByteCount(batchOperationCount: Double) -> Double {
    precondition(batchOperationCount >= 1, "A commit has at least one operation.")
    return (fileByteCount + batchOperationCount * recordByteCount) / batchOperationCount
  }

  /// Bytes written while n records arrive in commits of b, each merged into a new file: Σ k·b·E for k = 1 … n/b,
  /// that is E·n(n + b)/(2b).
  public static func mergingLoadWrittenByteCount(
    recordCount: Double, recordByteCount: Double, batchOperationCount: Double
  ) -> Double {
    precondition(batchOperationCount >= 1, "A commit has at least one operation.")
    return recordByteCount * recordCount * (recordCount + batchOperationCount) / (2 * batchOperationCount)
  }
}
