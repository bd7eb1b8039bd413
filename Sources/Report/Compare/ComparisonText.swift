// A comparison as aligned text and as comma-separated text.

import Results

extension Comparison {
  /// One table, a line a phase, pair and metric; then what could not be compared.
  public var text: String {
    func numeric(_ name: String) -> TextTable.Column { TextTable.Column(name: name, isNumeric: true) }
    func words(_ name: String) -> TextTable.Column { TextTable.Column(name: name, isNumeric: false) }
    let isOnePair = Set(lines.map { $0.first + "\u{0}" + $0.second }).count <= 1
    let areNamesEqual = lines.allSatisfy { $0.first == $0.second }
    var table = TextTable(columns: [words("phase")])
    if !isOnePair { table.columns.append(words("series")) }
    table.columns += [
      words("metric"), numeric("first"), numeric("second"), numeric("ratio"), words("95 % interval"),
      numeric("detectable"), words("the second is"),
    ]
    for line in lines {
      var row = [line.phase]
      if !isOnePair { row.append(areNamesEqual ? line.first : "\(line.first) → \(line.second)") }
      let interval = line.ratioLower.flatMap { lower in
        line.ratioUpper.map { "[\(Numbers.short(lower)), \(Numbers.short($0))]" }
      }
      row += [
        line.metric, Numbers.short(line.firstMedian), Numbers.short(line.secondMedian),
        line.ratio.map(Numbers.short) ?? Numbers.missing, interval ?? Numbers.missing,
        line.smallestDetectableRatio.map(Numbers.short) ?? Numbers.missing,
        line.reason.isEmpty ? line.verdict.rawValue : "\(line.verdict.rawValue) (\(line.reason))",
      ]
      table.rows.append(row)
    }
    var text = ""
    if isOnePair, let line = lines.first {
      text += "first: \(line.first)   second: \(line.second)   ratio: second ÷ first\n\n"
    } else if !lines.isEmpty {
      text += "ratio: second ÷ first\n\n"
    }
    if !lines.isEmpty { text += table.text }
    if lines.isEmpty { text += "nothing to compare\n" }
    if !notes.isEmpty { text += "\n" + notes.map { "note: \($0)\n" }.joined() }
    return text
  }

  /// The lines as comma-separated text.
  public var commaSeparatedText: String {
    var text = ""
    CommaSeparatedText.append(
      [
        "phase", "first", "second", "metric", "first_median", "second_median", "ratio", "ratio_lower",
        "ratio_upper",
        "smallest_detectable_ratio", "first_repeats", "second_repeats", "verdict", "reason",
      ], to: &text)
    for line in lines {
      CommaSeparatedText.append(
        [
          line.phase, line.first, line.second, line.metric, line.firstMedian.description,
          line.secondMedian.description, line.ratio?.description, line.ratioLower?.description,
          line.ratioUpper?.description, line.smallestDetectableRatio?.description, String(line.repeats[0]),
          String(line.repeats[1]), line.verdict.rawValue, line.reason.isEmpty ? nil : line.reason,
        ], to: &text)
    }
    return text
  }
}
