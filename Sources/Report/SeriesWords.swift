// Series in a reader's words: `memory 192 MiB, cache shards 16` for what the record calls
// `btree memory_budget_bytes=201326592 cache_shards=16`.
//
// Invariants
// 1. Tables, claims and scripts' selections keep the record's names; words are for eyes alone.
// 2. In a legend, what all its lines have in common is left out, the label included, unless nothing would be left.

extension SeriesID {
  /// What tells it from others of its label, by name.
  var differences: [(name: String, value: String)] {
    variation.split(separator: " ").map { part in
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
    }
  }

  /// The series in words.
  var words: String {
    let parts = differences.map { Self.words($0.name, $0.value) }
    return parts.isEmpty ? label : label + " " + parts.joined(separator: ", ")
  }

  /// One difference in words: `memory 12 MiB`, `batch 1,000`, `redistribution on`.
  static func words(_ name: String, _ value: String) -> String {
    let isBytes = name.hasSuffix("_bytes")
    var spelling = value
    switch (value, UInt64(value)) {
    case ("true", _): spelling = "on"
    case ("false", _): spelling = "off"
    case (_, let count?): spelling = isBytes ? Numbers.bytes(count) : Numbers.grouped(count)
    default: break
    }
    return shortName(name) + " " + spelling
  }

  private static func shortName(_ name: String) -> String {
    switch name {
    case "memory_budget_bytes": return "memory"
    case "batch_operations": return "batch"
    case "sync_every_commits": return "sync every"
    default: break
    }
    var words = name.split(separator: "_")
    // A phase's key stands behind the phase's own name.
    if words.first == "phase", words.count > 2, let key = words.last { return String(key) }
    if words.last == "bytes", words.count > 1 { words.removeLast() }
    return words.joined(separator: " ")
  }

  /// Names for the legend of these series, each with its phase where phases are told apart.
  static func legend(_ lines: [(series: SeriesID, phase: String?)]) -> [String] {
    let labelDiffers = Set(lines.map(\.series.label)).count > 1
    var values: [String: Set<String>] = [:]
    for line in lines {
      for (name, value) in line.series.differences { values[name, default: []].insert(value) }
    }
    // A line without a difference that others have is told apart by that.
    func tellsApart(_ name: String) -> Bool {
      (values[name]?.count ?? 0) > 1
        || lines.contains { line in !line.series.differences.contains { $0.name == name } }
    }
    return lines.map { line in
      var parts = line.series.differences.filter { tellsApart($0.name) }.map { words($0.name, $0.value) }
      if let phase = line.phase { parts.append(phase) }
      let rest = parts.joined(separator: ", ")
      if rest.isEmpty { return line.series.label }
      return labelDiffers ? line.series.label + " " + rest : rest
    }
  }
}
