// A table of a record: typed rows on one side, comma-separated text on the other.
//
//   schema_version,run_id,…fixed columns in the registry's order…,…families' columns sorted by id
//   1,9f3c…,…
//
// The schema version is the first column of every row, so that the file stays plain comma-separated text for
// spreadsheets and for gnuplot (`set datafile separator ","`, columns by name); the manifest has it, too.
//
// Invariants
// 1. Fixed columns the registry marks as always written are there even when empty; other columns when some row
//    has a value.
// 2. Equal rows in equal order give equal bytes.
// 3. read(write(rows)) = rows.

import Accounting

/// Writing and reading one table.
public enum Table<Columns: ColumnSet> {
  /// The version written, and the newest one read.
  public static var schemaVersion: UInt64 { recordSchemaVersion }

  /// The header for `rows`.
  public static func header(_ rows: [Row<Columns>]) -> [String] {
    var filled: Set<String> = []
    for row in rows { filled.formUnion(row.filledColumns) }
    return orderedColumns(of: Columns.table, filled: filled)
  }

  /// The file's text.
  public static func text(_ rows: [Row<Columns>]) -> String {
    let names = header(rows)
    var text = ""
    CommaSeparatedText.append(names, to: &text)
    let version = String(schemaVersion)
    for row in rows {
      let fields = names.map { name in name == "schema_version" ? version : row[name]?.spelling }
      CommaSeparatedText.append(fields, to: &text)
    }
    return text
  }

  /// Reads a file's bytes; `file` is the name used in errors.
  ///
  /// - Throws: `.malformed` with line and column: syntax, a column the registry does not know or that is missing
  ///   or doubled, a row of another length, a value of another kind, another schema version.
  public static func rows(_ bytes: [UInt8], file: String) throws(RecordError) -> [Row<Columns>] {
    try content(bytes, file: file).rows
  }

  /// What a file holds, with the place of everything.
  struct Content {
    var columns: [String]
    var rows: [Row<Columns>]
    /// The line each row begins on.
    var lines: [Int]

    /// An error at a cell of a row.
    func malformed(_ file: String, row: Int, column: String, _ reason: String) -> RecordError {
      let number = (columns.firstIndex(of: column) ?? 0) + 1
      return .malformed(file: file, line: lines[row], column: number, reason: reason)
    }
  }

  static func content(_ bytes: [UInt8], file: String) throws(RecordError) -> Content {
    let records: [[CommaSeparatedText.Field]]
    do {
      records = try CommaSeparatedText.records(bytes)
    } catch {
      throw .malformed(file: file, line: error.line, column: error.column, reason: error.reason)
    }
    guard let head = records.first else {
      throw .malformed(file: file, line: 1, column: 1, reason: "the header is missing")
    }
    let metrics = try readHeader(head, file: file)
    var content = Content(columns: metrics.map(\.id), rows: [], lines: [])
    for record in records.dropFirst() {
      content.rows.append(try readRow(record, metrics, file: file))
      content.lines.append(record.first?.line ?? 0)
    }
    return content
  }

  private static func readHeader(
    _ head: [CommaSeparatedText.Field], file: String
  ) throws(RecordError) -> [(id: String, metric: Metric)] {
    var metrics: [(id: String, metric: Metric)] = []
    var seen: Set<String> = []
    for field in head {
      func malformed(_ reason: String) -> RecordError {
        .malformed(file: file, line: field.line, column: field.column, reason: reason)
      }
      guard let id = field.value else { throw malformed("a column has no name") }
      guard let metric = MetricRegistry.entry(id), metric.tables.contains(Columns.table) else {
        throw malformed("'\(id)' is not a column of \(Columns.table.fileName)")
      }
      guard seen.insert(id).inserted else { throw malformed("column '\(id)' appears twice") }
      metrics.append((id, metric))
    }
    for metric in MetricRegistry.columns(of: Columns.table) where metric.isAlwaysWritten {
      if !seen.contains(metric.id) {
        throw .malformed(
          file: file, line: 1, column: head.count + 1, reason: "column '\(metric.id)' is missing")
      }
    }
    return metrics
  }

  private static func readRow(
    _ fields: [CommaSeparatedText.Field], _ metrics: [(id: String, metric: Metric)], file: String
  ) throws(RecordError) -> Row<Columns> {
    let line = fields.first?.line ?? 0
    guard fields.count == metrics.count else {
      throw .malformed(
        file: file, line: line, column: min(fields.count, metrics.count) + 1,
        reason: "the row has \(fields.count) fields, the header \(metrics.count)")
    }
    var row = Row<Columns>()
    for (field, (id, metric)) in zip(fields, metrics) {
      func malformed(_ reason: String) -> RecordError {
        .malformed(file: file, line: field.line, column: field.column, reason: reason)
      }
      if id == "schema_version" {
        guard field.value == String(schemaVersion) else {
          throw malformed("schema version '\(field.value ?? "")' is not \(schemaVersion), the one read here")
        }
        continue
      }
      guard let value = field.value else { continue }
      guard let cell = Cell(spelling: value, kind: metric.kind) else {
        throw malformed("'\(value)' is not a \(metric.kind.rawValue), as column '\(id)' holds")
      }
      row[id] = cell
    }
    return row
  }
}

/// The version of every table's columns and of the manifest; raised when one changes its meaning.
public let recordSchemaVersion: UInt64 = 1
