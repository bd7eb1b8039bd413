// Claims for a terminal: a line with the verdict, then the sentence, then what it was decided by.
//
//   held           wal-costs-less    Rollback journalling costs more writes than WAL.
//                  expected …; sqlite-rollback ÷ sqlite-wal = 1.30 [1.28, 1.33], 5 seeds, paired.

import Results

/// Spells claims.
enum ClaimsText {
  /// The claims as lines, each ended; empty for none.
  static func text(_ rows: [ClaimRow]) -> String {
    guard !rows.isEmpty else { return "" }
    let width = rows.map { ($0.claim ?? "").count }.max() ?? 0
    var text = "claims: \(counts(rows))\n"
    for row in rows {
      let id = row.claim ?? ""
      let padding = String(repeating: " ", count: width - id.count)
      let verdict = words(row.verdict)
      text +=
        "  \(verdict)\(String(repeating: " ", count: 13 - verdict.count))  \(id)\(padding)  \(row.sentence ?? "")\n"
      let margin = String(repeating: " ", count: width + 19)
      let near = row.tolerance.map { " (\($0))" } ?? ""
      if let expected = row.expected, !expected.isEmpty { text += "\(margin)expected: \(expected)\(near)\n" }
      if let explanation = row.explanation { text += "\(margin)\(explanation)\n" }
    }
    return text
  }

  /// `3 held, 1 not decidable`.
  static func counts(_ rows: [ClaimRow]) -> String {
    ClaimVerdict.allCases.compactMap { verdict in
      let count = rows.filter { $0.verdict == verdict }.count
      return count > 0 ? "\(count) \(words(verdict))" : nil
    }.joined(separator: ", ")
  }

  /// A verdict in words.
  static func words(_ verdict: ClaimVerdict?) -> String {
    switch verdict {
    case .held: "held"
    case .notHeld: "not held"
    case .notDecidable, nil: "not decidable"
    }
  }

  /// The number with its interval.
  static func measured(_ row: ClaimRow) -> String {
    guard let measured = row.measured else { return Numbers.missing }
    guard let lower = row.measuredLower, let upper = row.measuredUpper else { return Numbers.short(measured) }
    return "\(Numbers.short(measured)) [\(Numbers.short(lower)), \(Numbers.short(upper))]"
  }
}
