// The one place that says what a number means. Columns, axis labels, `betula explain`, the data dictionary and
// the report's definitions are all made from it.
//
//   entries ──▶ columns(of: table) ──▶ CSV schema            families: one entry, many columns
//      │                                                     (dam_ios_4096 is of the family dam_ios_<B>)
//      └──▶ explain(id) │ dictionary
//
// Invariants
// 1. An id names one meaning, whatever tables it appears in.
// 2. The order of the entries is the order of the columns; families' columns follow, sorted by id.
// 3. A clock-dependent entry is in clock-dependent tables only.

/// The metric registry.
public enum MetricRegistry {
  /// Every entry that is one column, in the order columns are written.
  public static let entries: [Metric] =
    MetricEntries.identity + MetricEntries.conditions + MetricEntries.counts
    + MetricEntries.writeAmplification + MetricEntries.readAmplification + MetricEntries.commits
    + MetricEntries.space
    + MetricEntries.cost + MetricEntries.recovery + MetricEntries.memory + MetricEntries.epsilon
    + MetricEntries.longTables
    + MetricEntries.clock + MetricEntries.recoveryClock + MetricEntries.claims

  /// Every entry that stands for many columns.
  public static let families: [Metric] = MetricEntries.families

  private static let entryIndices: [String: Int] = {
    var indices: [String: Int] = [:]
    for (index, entry) in entries.enumerated() { indices[entry.id] = index }
    return indices
  }()

  /// The fixed columns of a table, in order.
  public static func columns(of table: RecordTable) -> [Metric] {
    entries.filter { $0.tables.contains(table) }
  }

  /// The entry that defines `id`: its own, or its family's. Ids of families themselves are accepted, too.
  public static func entry(_ id: String) -> Metric? {
    if let index = entryIndices[id] { return entries[index] }
    return families.first { family in
      if id == family.id || id == family.anchor { return true }
      guard let prefix = family.familyPrefix else { return false }
      let suffix = String(family.id.drop { $0 != ">" }.dropFirst())
      return id.hasPrefix(prefix) && id.hasSuffix(suffix)
        && id.utf8.count > prefix.utf8.count + suffix.utf8.count
    }
  }

  /// The id of a family's column, for example `identifier(of: "dam_ios_<B>", "4096")`.
  public static func identifier(of family: String, _ ending: String) -> String {
    precondition(families.contains { $0.id == family }, "'\(family)' is a family of the metric registry.")
    precondition(!ending.isEmpty, "The ending of a family's column is not empty.")
    let prefix = String(family.prefix { $0 != "<" })
    let suffix = String(family.drop { $0 != ">" }.dropFirst())
    return prefix + ending + suffix
  }

  /// Whether `table` may have a column `id` (fixed or of a family).
  public static func allows(_ id: String, in table: RecordTable) -> Bool {
    entry(id)?.tables.contains(table) ?? false
  }

  /// What `betula explain id` prints: the entry, or the nearest ids when there is none.
  public static func explain(_ id: String) -> String {
    if let metric = entry(id) { return describe(metric, as: id) }
    let names = nearest(to: id).joined(separator: ", ")
    return "There is no metric '\(id)'. Nearest: \(names).\n"
  }

  /// Up to `count` ids, nearest first: those that contain `id` or begin like it, then by edit distance.
  public static func nearest(to id: String, count: Int = 3) -> [String] {
    let wanted = id.lowercased()
    let candidates = (entries + families).enumerated().map { index, metric in
      let stem = metric.familyPrefix ?? metric.id
      let contains = metric.id.contains(wanted) || (!stem.isEmpty && wanted.contains(stem) && stem.count > 3)
      let distance = editDistance(Array(wanted.utf8), Array(metric.id.utf8))
      return (rank: contains ? min(distance, 2) : distance, distance: distance, index: index, id: metric.id)
    }
    let ordered = candidates.sorted { ($0.rank, $0.distance, $0.index) < ($1.rank, $1.distance, $1.index) }
    return ordered.prefix(count).map(\.id)
  }

  /// The data dictionary in Markdown: every table's columns, the families and the causes.
  public static var dictionary: String {
    var text = "# Data dictionary\n\n"
    text += "Made from the metric registry. A missing value is an empty cell, never 0. Columns marked with a "
    text += "bullet are always written; the others when some row has a value. Reals are in the shortest form "
    text += "that reads back as the same number.\n"
    for table in RecordTable.allCases {
      text += "\n## \(table.fileName)\n\n\(table.rowMeaning)"
      text += table.isClockDependent ? " Depends on the machine's clock.\n\n" : "\n\n"
      text += tableHead
      for metric in columns(of: table) { text += row(metric) }
      for metric in families where metric.tables.contains(table) { text += row(metric) }
    }
    text += "\n## Causes\n\n| cause | class | meaning |\n|---|---|---|\n"
    for cause in Cause.allCases {
      text += "| `\(cause.name)` | \(cause.causeClass.rawValue) | \(escaped(cause.meaning)) |\n"
    }
    return text
  }

  private static let tableHead =
    "| column | | kind | unit | formula | included | excluded | direction | source |\n"
    + "|---|---|---|---|---|---|---|---|---|\n"

  private static func row(_ metric: Metric) -> String {
    let cells = [
      "`\(metric.id)`", metric.isAlwaysWritten ? "•" : "", metric.kind.rawValue, metric.unit, metric.formula,
      metric.included, metric.excluded, metric.preference == .neither ? "" : metric.preference.rawValue,
      metric.source,
    ]
    return "| " + cells.map(escaped).joined(separator: " | ") + " |\n"
  }

  /// Text for a Markdown table cell.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "|": result += "\\|"
      case "\n": result += " "
      default: result.append(character)
      }
    }
    return result
  }

  private static func describe(_ metric: Metric, as id: String) -> String {
    var text = id == metric.id ? "\(metric.id)\n" : "\(id)  (of the family \(metric.id))\n"
    let lines = [
      ("is", metric.label), ("unit", metric.unit), ("formula", metric.formula),
      ("included", metric.included), ("excluded", metric.excluded), ("direction", metric.preference.rawValue),
      ("clock", metric.isClockDependent ? "depends on the machine's clock" : "does not depend on a clock"),
      ("found in", metric.tables.map(\.fileName).joined(separator: ", ")), ("source", metric.source),
    ]
    for (name, value) in lines where !value.isEmpty {
      text += "  " + name + String(repeating: " ", count: 11 - name.count) + value + "\n"
    }
    return text
  }

  /// The number of insertions, deletions, replacements that turn one text into the other.
  private static func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var previous = Array(0...second.count)
    for (row, byte) in first.enumerated() {
      var current = [row + 1]
      current.reserveCapacity(second.count + 1)
      for (column, other) in second.enumerated() {
        let replaced = previous[column] + (byte == other ? 0 : 1)
        current.append(min(replaced, min(previous[column + 1], current[column]) + 1))
      }
      previous = current
    }
    return previous[second.count]
  }
}
