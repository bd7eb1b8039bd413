// A record as it is written: the manifest and the texts of its tables.
//
//   rows of one process ──────────────────────────▶ RecordText ─▶ RecordWriter
//   stored runs, in the plan's order ──merge text──▶     └──────▶ Record, read from the texts
//
// A sweep's rows may be more than fit in memory as rows; as text they are a tenth of that.
//
// Invariants
// 1. A record put together from stored runs has the texts of the record whose rows are those of the runs, in order.

import Accounting

/// A record's texts.
public struct RecordText: Sendable {
  /// What the record was made from and on; its `outputs` are filled by the writer.
  public var manifest: Manifest
  /// The text of every table, in the order of `RecordTable`.
  public private(set) var tables: [(table: RecordTable, bytes: [UInt8])]

  /// The texts of a record in memory.
  public init(_ record: Record) {
    manifest = record.manifest
    tables = record.tableTexts.map { ($0.table, Array($0.text.utf8)) }
  }

  /// The record of stored runs.
  ///
  /// - Parameter run: gives the run at a place; asked twice for each, in order. What it throws ends the work.
  /// - Throws: what `run` throws, or `.malformed` for a stored text that is no table.
  public init(
    manifest: Manifest, runCount: Int, run: (Int) throws(RecordError) -> StoredRun
  ) throws(RecordError) {
    self.manifest = manifest
    var merges = RecordTable.allCases.map { TableMerge($0) }
    for index in 0..<runCount {
      let stored = try run(index)
      for place in merges.indices {
        guard let text = stored.tables[merges[place].table] else { continue }
        do {
          try merges[place].note(text[...])
        } catch {
          throw Self.malformed(stored, merges[place].table, error)
        }
      }
    }
    tables = merges.indices.map { (merges[$0].table, merges[$0].begin()) }
    for index in 0..<runCount {
      let stored = try run(index)
      for place in merges.indices {
        guard let text = stored.tables[merges[place].table] else { continue }
        do {
          try merges[place].append(text[...], to: &tables[place].bytes)
        } catch {
          throw Self.malformed(stored, merges[place].table, error)
        }
      }
    }
  }

  private static func malformed(
    _ run: StoredRun, _ table: RecordTable, _ error: CommaSeparatedText.SyntaxError
  ) -> RecordError {
    .malformed(
      file: "\(table.fileName) of the stored run \(run.id)", line: error.line, column: error.column,
      reason: error.reason)
  }

  /// Replaces the rows of one table.
  public mutating func setRows<Columns>(_ rows: [Row<Columns>]) {
    guard let place = tables.firstIndex(where: { $0.table == Columns.table }) else {
      preconditionFailure("A record has every table.")
    }
    tables[place].bytes = Array(Table<Columns>.text(rows).utf8)
  }

  /// The rows, read from the texts.
  ///
  /// - Throws: `.malformed` for a text that is no table.
  public func record() throws(RecordError) -> Record {
    var record = Record(manifest: manifest)
    for (table, bytes) in tables {
      let file = table.fileName
      switch table {
      case .runs: record.runs = try Table<RunColumns>.rows(bytes, file: file)
      case .io: record.io = try Table<IOColumns>.rows(bytes, file: file)
      case .series: record.series = try Table<SeriesColumns>.rows(bytes, file: file)
      case .histograms: record.histograms = try Table<HistogramColumns>.rows(bytes, file: file)
      case .timing: record.timing = try Table<TimingColumns>.rows(bytes, file: file)
      case .latency: record.latency = try Table<LatencyColumns>.rows(bytes, file: file)
      case .claims: record.claims = try Table<ClaimColumns>.rows(bytes, file: file)
      }
    }
    return record
  }
}
