// Tables put together as text: the rows of many runs become one table without being read into rows and written again.
//
//   run A   schema_version,run_id,…,height        run B   schema_version,run_id,…
//           1,a…,3                                        1,b…
//                      └────────── union of columns, the table's order ──────────┘
//           schema_version,run_id,…,height
//           1,a…,3
//           1,b…,                                     a column a run does not have is missing in its rows
//
// Invariants
// 1. The result is the text `Table.text` gives for all rows at once, byte for byte.
// 2. Fields are moved as they are spelled: a quoted field stays quoted.
//
// Cost: a copy of the bytes where the columns agree, one pass over the fields where they do not.

import Accounting

/// Puts the texts of one table together. Note every header first, then append every part in the same order.
struct TableMerge {
  let table: RecordTable
  private var filled: Set<String> = []
  private var knownHeads: Set<[UInt8]> = []
  private var head: [UInt8] = []
  private var columns: [String] = []
  /// For each header met: where the columns of the result stand in it; nil when they are the same.
  private var places: [[UInt8]: [Int?]?] = [:]

  init(_ table: RecordTable) { self.table = table }

  /// Takes note of the columns of a part.
  ///
  /// - Throws: when the part has no header line, or one that is not comma-separated text.
  mutating func note(_ text: ArraySlice<UInt8>) throws(CommaSeparatedText.SyntaxError) {
    let line = try Self.firstLine(of: text)
    if knownHeads.insert(line).inserted { filled.formUnion(try Self.names(line)) }
  }

  /// Ends noting.
  ///
  /// - Returns: the header line of the result.
  mutating func begin() -> [UInt8] {
    columns = orderedColumns(of: table, filled: filled)
    var text = ""
    CommaSeparatedText.append(columns, to: &text)
    head = Array(text.utf8)
    return head
  }

  /// Appends the rows of a part to the result.
  ///
  /// - Throws: when a row is not comma-separated text or has another number of fields than its header.
  mutating func append(
    _ text: ArraySlice<UInt8>, to result: inout [UInt8]
  ) throws(CommaSeparatedText.SyntaxError) {
    let line = try Self.firstLine(of: text)
    let rows = text.dropFirst(line.count)
    let known: [Int?]?
    if let found = places[line] {
      known = found
    } else {
      known = try makePlaces(line)
      places[line] = .some(known)
    }
    guard let known else {
      result.append(contentsOf: rows)
      return
    }
    try Self.rearrange(rows, known, fieldCount: try Self.names(line).count, to: &result)
  }

  private func makePlaces(_ line: [UInt8]) throws(CommaSeparatedText.SyntaxError) -> [Int?]? {
    if line == head { return nil }
    var indices: [String: Int] = [:]
    for (index, name) in try Self.names(line).enumerated() { indices[name] = index }
    return columns.map { indices[$0] }
  }

  private static func firstLine(of text: ArraySlice<UInt8>) throws(CommaSeparatedText.SyntaxError) -> [UInt8]
  {
    // Column names hold no quotes, so the first line feed ends the header.
    guard let end = text.firstIndex(of: UInt8(ascii: "\n")) else {
      throw CommaSeparatedText.SyntaxError(line: 1, column: 1, reason: "the header is missing")
    }
    return Array(text[text.startIndex...end])
  }

  private static func names(_ line: [UInt8]) throws(CommaSeparatedText.SyntaxError) -> [String] {
    try CommaSeparatedText.records(line).first?.compactMap(\.value) ?? []
  }

  /// Copies rows field by field into the columns of the result.
  private static func rearrange(
    _ rows: ArraySlice<UInt8>, _ places: [Int?], fieldCount: Int, to result: inout [UInt8]
  ) throws(CommaSeparatedText.SyntaxError) {
    var index = rows.startIndex
    var line = 2
    while index < rows.endIndex {
      var fields: [Range<Int>] = []
      fields.reserveCapacity(fieldCount)
      var start = index
      var isQuoted = false
      while index < rows.endIndex {
        let byte = rows[index]
        if byte == UInt8(ascii: "\"") {
          isQuoted.toggle()
        } else if !isQuoted && (byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\n")) {
          fields.append(start..<index)
          start = index + 1
          if byte == UInt8(ascii: "\n") { break }
        }
        index += 1
      }
      guard index < rows.endIndex, fields.count == fieldCount else {
        throw CommaSeparatedText.SyntaxError(
          line: line, column: fields.count,
          reason: "the row has \(fields.count) fields, the header \(fieldCount)")
      }
      for (position, place) in places.enumerated() {
        if position > 0 { result.append(UInt8(ascii: ",")) }
        if let place { result.append(contentsOf: rows[fields[place]]) }
      }
      result.append(UInt8(ascii: "\n"))
      index += 1
      line += 1
    }
  }
}

/// The columns of a table whose rows have values in `filled`: fixed ones in the registry's order, families' sorted.
func orderedColumns(of table: RecordTable, filled: Set<String>) -> [String] {
  let fixed = MetricRegistry.columns(of: table)
  var names = fixed.filter { $0.isAlwaysWritten || filled.contains($0.id) }.map(\.id)
  let known = Set(fixed.map(\.id))
  names += filled.filter { !known.contains($0) }.sorted()
  return names
}
