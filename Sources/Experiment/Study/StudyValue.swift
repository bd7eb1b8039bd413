// A study's values as plain data, and the two texts they are written in: JSON (canonical: the text that ids are
// hashes of) and YAML (for people). No Dictionary is involved, so no order is left to chance.
//
//   Study, RunSpec ──▶ StudyValue ──▶ canonicalJSON   sorted keys, no spaces
//                                 ├─▶ json            keys as given, two spaces of indent
//                                 └─▶ yaml            keys as given, block style
//
// Invariants
// 1. `canonicalJSON` is a function of the content alone: key order and comments of the source do not enter.
// 2. Both texts read back to an equal value (reals are printed with the fewest digits that do).

import KeyValue

/// A value of a study, a run or a schema.
public indirect enum StudyValue: Equatable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case list([StudyValue])
  case map([Entry])

  /// One key of a map, in its order.
  public struct Entry: Equatable, Sendable {
    /// The key as written.
    public var key: String
    /// Its value.
    public var value: StudyValue
    /// A key and its value.
    public init(_ key: String, _ value: StudyValue) {
      self.key = key
      self.value = value
    }
  }

  /// A parameter's value.
  public init(_ value: ParameterValue) {
    switch value {
    case .integer(let number): self = .integer(number)
    case .real(let number): self = .real(number)
    case .text(let text): self = .text(text)
    case .boolean(let flag): self = .boolean(flag)
    }
  }

  /// A parameter set, sorted by name; `mix.get_hit` becomes the key `get_hit` of the map `mix`.
  public init(_ set: ParameterSet) {
    var entries: [Entry] = []
    for (name, value) in set.sorted {
      guard let dot = name.firstIndex(of: ".") else {
        entries.append(Entry(name, StudyValue(value)))
        continue
      }
      let group = String(name[..<dot])
      let leaf = Entry(String(name[name.index(after: dot)...]), StudyValue(value))
      if let last = entries.last, last.key == group, case .map(let inner) = last.value {
        entries[entries.count - 1].value = .map(inner + [leaf])
      } else {
        entries.append(Entry(group, .map([leaf])))
      }
    }
    self = .map(entries)
  }

  /// The value of `key`, nil when this is no map or has no such key.
  public subscript(key: String) -> StudyValue? {
    guard case .map(let entries) = self else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// JSON without spaces, keys sorted by their UTF-8 bytes.
  public var canonicalJSON: String {
    var text = ""
    writeCanonical(to: &text)
    return text
  }

  /// JSON for people, keys in the order given; ends without a newline.
  public var json: String {
    var text = ""
    writeJSON(to: &text, indent: 0)
    return text
  }

  /// YAML in block style, keys in the order given; ends with a newline.
  public var yaml: String {
    var text = ""
    writeYAML(to: &text, indent: 0, inList: false)
    return text
  }

  private func writeCanonical(to text: inout String) {
    switch self {
    case .list(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        item.writeCanonical(to: &text)
      }
      text += "]"
    case .map(let entries):
      text += "{"
      let sorted = entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      for (index, entry) in sorted.enumerated() {
        if index > 0 { text += "," }
        text += Self.quoted(entry.key)
        text += ":"
        entry.value.writeCanonical(to: &text)
      }
      text += "}"
    default: text += scalarJSON
    }
  }

  private func writeJSON(to text: inout String, indent: Int) {
    let inner = String(repeating: " ", count: indent + 2)
    let outer = String(repeating: " ", count: indent)
    switch self {
    case .list(let items) where !items.isEmpty:
      if items.allSatisfy({ $0.isScalar }) {
        text += "[" + items.map(\.scalarJSON).joined(separator: ", ") + "]"
        return
      }
      text += "[\n"
      for (index, item) in items.enumerated() {
        text += inner
        item.writeJSON(to: &text, indent: indent + 2)
        text += index + 1 < items.count ? ",\n" : "\n"
      }
      text += outer + "]"
    case .map(let entries) where !entries.isEmpty:
      text += "{\n"
      for (index, entry) in entries.enumerated() {
        text += inner + Self.quoted(entry.key) + ": "
        entry.value.writeJSON(to: &text, indent: indent + 2)
        text += index + 1 < entries.count ? ",\n" : "\n"
      }
      text += outer + "}"
    case .list: text += "[]"
    case .map: text += "{}"
    default: text += scalarJSON
    }
  }

  private func writeYAML(to text: inout String, indent: Int, inList: Bool) {
    let margin = String(repeating: " ", count: indent)
    switch self {
    case .map(let entries) where !entries.isEmpty:
      for (index, entry) in entries.enumerated() {
        if !(inList && index == 0) { text += margin }
        text += Self.yamlScalar(entry.key) + ":"
        entry.value.writeYAMLAfterKey(to: &text, indent: indent)
      }
    case .list(let items) where !items.isEmpty:
      for item in items {
        text += margin + "- "
        if item.isScalar || item.isEmptyCollection {
          text += item.yamlLine + "\n"
        } else if case .list = item {
          text += item.flow + "\n"
        } else {
          item.writeYAML(to: &text, indent: indent + 2, inList: true)
        }
      }
    default: text += margin + yamlLine + "\n"
    }
  }

  private func writeYAMLAfterKey(to text: inout String, indent: Int) {
    if isScalar || isEmptyCollection {
      text += " " + yamlLine + "\n"
    } else if case .list(let items) = self, items.allSatisfy({ $0.isScalar }) {
      text += " " + flow + "\n"
    } else {
      text += "\n"
      writeYAML(to: &text, indent: indent + 2, inList: false)
    }
  }

  private var flow: String {
    switch self {
    case .list(let items): "[" + items.map(\.flow).joined(separator: ", ") + "]"
    case .map(let entries):
      "{" + entries.map { Self.yamlScalar($0.key) + ": " + $0.value.flow }.joined(separator: ", ") + "}"
    default: yamlLine
    }
  }

  private var isScalar: Bool {
    switch self {
    case .list, .map: false
    default: true
    }
  }

  private var isEmptyCollection: Bool {
    switch self {
    case .list(let items): items.isEmpty
    case .map(let entries): entries.isEmpty
    default: false
    }
  }

  private var scalarJSON: String {
    switch self {
    case .null: "null"
    case .boolean(let flag): flag ? "true" : "false"
    case .integer(let number): String(number)
    case .real(let number): String(number)
    case .text(let text): Self.quoted(text)
    case .list, .map: preconditionFailure("A collection has no scalar text.")
    }
  }

  private var yamlLine: String {
    switch self {
    case .list: "[]"
    case .map: "{}"
    case .text(let text): Self.yamlScalar(text)
    default: scalarJSON
    }
  }

  /// A text as YAML: plain when it cannot be taken for anything else, otherwise in double quotes.
  private static func yamlScalar(_ text: String) -> String {
    let plain = text.utf8.allSatisfy { byte in
      (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)
        || byte == 0x5f || byte == 0x2d || byte == 0x2e || byte == 0x2f
    }
    guard plain, let first = text.utf8.first, first >= 0x41, first != 0x5f else { return quoted(text) }
    let words: [String] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
    return words.contains(text.lowercased()) ? quoted(text) : text
  }

  private static func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }
    if isPlain { return "\"" + text + "\"" }
    var output = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7f {
          let digits = String(scalar.value, radix: 16)
          output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          output.unicodeScalars.append(scalar)
        }
      }
    }
    return output + "\""
  }
}
