// Aligned plain text: what `betula run` ends with.
//
//   engine       phase         ops  wa_data_end  …
//   sqlite       load    1,000,000         48.1  …
//   append-log   load       20,000         1.00  …
//
// Words stand left, numbers right; no cell is empty.

/// A table of plain text.
package struct TextTable {
  /// A column's head and whether its cells are numbers.
  package struct Column {
    var name: String
    var isNumeric: Bool

    package init(name: String, isNumeric: Bool) {
      self.name = name
      self.isNumeric = isNumeric
    }
  }

  package var columns: [Column]
  package var rows: [[String]]

  package init(columns: [Column], rows: [[String]] = []) {
    self.columns = columns
    self.rows = rows
  }

  /// The table's lines, each ended; no space before a line end.
  package var text: String {
    let widths = columns.indices.map { index in
      max(columns[index].name.count, rows.map { $0[index].count }.max() ?? 0)
    }
    var result = ""
    for row in [columns.map(\.name)] + rows {
      var line = ""
      for (index, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[index] - cell.count)
        if index > 0 { line += "  " }
        line += columns[index].isNumeric ? padding + cell : cell + padding
      }
      while line.last == " " { line.removeLast() }
      result += line + "\n"
    }
    return result
  }
}
