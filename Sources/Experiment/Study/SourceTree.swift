// A study's text as a tree in which every key and value knows where it was written. Reading happens once, through
// Yams; what follows (overrides, decoding) works on this tree and never on untyped YAML.
//
//   text ──Yams──▶ Node ──▶ SourceNode: scalar │ list │ map, each with file, line, column
//
// Invariants
// 1. Scalars stay texts: `off`, `1_000`, `64MiB` mean what the key's descriptor says, not what YAML 1.1 guesses.
// 2. A key given twice is a problem, and the later one counts, so that decoding can go on and list the rest.
// 3. Anchors and aliases are refused: a place must be one place, and a text no larger than it looks.

import Yams

/// A node of a study's text.
struct SourceNode: Sendable {
  /// A key of a map, its place, and its value.
  struct Entry: Sendable {
    var key: String
    var keyPlace: SourcePlace
    var value: SourceNode
  }

  /// What a node holds.
  enum Content: Sendable {
    case scalar(String, isQuoted: Bool)
    case list([SourceNode])
    case map([Entry])
  }

  var content: Content
  var place: SourcePlace

  /// The text of a scalar.
  var text: String? {
    guard case .scalar(let text, _) = content else { return nil }
    return text
  }

  /// True for `key:` with nothing after it, and for `~`. `null` is a word: an engine has that name.
  var isNull: Bool {
    guard case .scalar(let text, let isQuoted) = content, !isQuoted else { return false }
    return text.isEmpty || text == "~"
  }

  /// The entries of a map, none for anything else.
  var entries: [Entry] {
    get {
      guard case .map(let entries) = content else { return [] }
      return entries
    }
    set { content = .map(newValue) }
  }

  /// The items of a list, none for anything else.
  var items: [SourceNode] {
    get {
      guard case .list(let items) = content else { return [] }
      return items
    }
    set { content = .list(newValue) }
  }

  /// The value of `key` in a map.
  subscript(key: String) -> SourceNode? {
    get { entries.first { $0.key == key }?.value }
    set {
      var changed = entries
      changed.removeAll { $0.key == key && newValue == nil }
      if let newValue {
        if let index = changed.firstIndex(where: { $0.key == key }) {
          changed[index].keyPlace = newValue.place
          changed[index].value = newValue
        } else {
          changed.append(Entry(key: key, keyPlace: newValue.place, value: newValue))
        }
      }
      entries = changed
    }
  }

  /// What a message calls this node.
  var nameForMessage: String {
    switch content {
    case .scalar(let text, let isQuoted): isNull ? "empty" : isQuoted ? "\"\(text)\"" : "'\(text)'"
    case .list: "a list"
    case .map: "a map"
    }
  }
}

/// Reads YAML into `SourceNode`s.
enum SourceTree {
  /// How many repeated keys are looked for before the reader gives up on listing more.
  private static let maximumDuplicateCount = 100

  /// The tree of `text`, nil when it cannot be read, and the problems met.
  static func read(_ text: String, file: String) -> (root: SourceNode?, problems: [StudyProblem]) {
    var problems: [StudyProblem] = []
    var patched = text
    var firstPlaces: [String: (key: String, place: SourcePlace)] = [:]
    for attempt in 0...maximumDuplicateCount {
      do {
        let parser = try Parser(yaml: patched, encoding: .utf8)
        guard let node = try parser.singleRoot() else {
          let place = SourcePlace(file: file, line: 1, column: 1)
          return (nil, [StudyProblem(place: place, keyPath: "", message: "the study is empty")])
        }
        var converter = Converter(file: file, firstPlaces: firstPlaces)
        let root = converter.convert(node, path: "")
        return (root, converter.problems)
      } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
        // Yams stops at the first repeated key. The earlier occurrence is given a name of its own, of the same
        // length so that no place moves, and the text is read again.
        let place = SourcePlace(file: file, line: context.mark.line, column: context.mark.column)
        let key = keys.first ?? ""
        guard let standIn = String.standIn(number: attempt, count: key.unicodeScalars.count),
          let next = patched.replacing(key: key, at: place, by: standIn)
        else {
          problems.append(StudyProblem(place: place, keyPath: key, message: "is given twice"))
          return (nil, problems)
        }
        firstPlaces[standIn] = (key, place)
        patched = next
      } catch let error as YamlError {
        problems.append(problem(error, file: file))
        return (nil, problems)
      } catch {
        let place = SourcePlace(file: file, line: 1, column: 1)
        problems.append(StudyProblem(place: place, keyPath: "", message: "cannot be read: \(error)"))
        return (nil, problems)
      }
    }
    let place = SourcePlace(file: file, line: 1, column: 1)
    let message = "more than \(maximumDuplicateCount) keys are given twice"
    return (nil, [StudyProblem(place: place, keyPath: "", message: message)])
  }

  /// The value of an override: a YAML value on one line, or a comma list, which becomes a list.
  static func readOverride(_ text: String, column: Int) -> SourceNode {
    let place = SourcePlace(file: SourcePlace.commandLineFile, line: 1, column: column)
    var body = Substring(text)
    let isBracketed = body.hasPrefix("[") && body.hasSuffix("]") && body.count >= 2
    if isBracketed { body = body.dropFirst().dropLast() }
    let parts = body.split(separator: ",", omittingEmptySubsequences: false).map { part in
      SourceNode(content: .scalar(part.trimmingBlanks, isQuoted: false), place: place)
    }
    if parts.count == 1 && !isBracketed { return parts[0] }
    return SourceNode(content: .list(parts), place: place)
  }

  private static func problem(_ error: YamlError, file: String) -> StudyProblem {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let place = SourcePlace(file: file, line: mark.line, column: mark.column)
      let began = context.map { " (\($0.text), begun in line \($0.mark.line))" } ?? ""
      return StudyProblem(place: place, keyPath: "", message: "is not YAML: \(problem)\(began)")
    case .reader(let problem, let offset, _, let yaml):
      var line = 1
      var column = 1
      for character in yaml.prefix(offset ?? 0) {
        column += 1
        if character.isNewline { (line, column) = (line + 1, 1) }
      }
      let place = SourcePlace(file: file, line: line, column: column)
      return StudyProblem(place: place, keyPath: "", message: "is not YAML: \(problem)")
    default:
      let place = SourcePlace(file: file, line: 1, column: 1)
      return StudyProblem(place: place, keyPath: "", message: "is not YAML: \(error)")
    }
  }

  /// Yams nodes to ours.
  private struct Converter {
    let file: String
    let firstPlaces: [String: (key: String, place: SourcePlace)]
    var problems: [StudyProblem] = []

    private var anchors: Set<SourcePlace> = []

    init(file: String, firstPlaces: [String: (key: String, place: SourcePlace)]) {
      self.file = file
      self.firstPlaces = firstPlaces
    }

    /// `keyPlace` is where the key of this value stands, nil for items of a list.
    mutating func convert(_ node: Node, path: String, keyPlace: SourcePlace? = nil) -> SourceNode {
      let place = place(of: node)
      if let anchor = node.anchor {
        // Yams gives an alias the node it stands for: seen before means an alias, and is not entered again.
        let isAlias = !anchors.insert(place).inserted
        let message = isAlias ? "is the alias *\(anchor.rawValue)" : "has the anchor &\(anchor.rawValue)"
        let advice = "\(message); write every value out where it is used"
        problems.append(StudyProblem(place: keyPlace ?? place, keyPath: path, message: advice))
        if isAlias { return SourceNode(content: .scalar("", isQuoted: false), place: keyPlace ?? place) }
      }
      switch node {
      case .scalar(let scalar):
        let isQuoted = scalar.style != .plain && scalar.style != .any
        return SourceNode(content: .scalar(scalar.string, isQuoted: isQuoted), place: place)
      case .sequence(let sequence):
        var items: [SourceNode] = []
        for (index, item) in sequence.enumerated() {
          items.append(convert(item, path: path.isEmpty ? "\(index)" : "\(path).\(index)"))
        }
        return SourceNode(content: .list(items), place: place)
      case .mapping(let mapping): return SourceNode(content: .map(convert(mapping, path: path)), place: place)
      case .alias:
        problems.append(StudyProblem(place: place, keyPath: path, message: "uses an alias; write it out"))
        return SourceNode(content: .scalar("", isQuoted: false), place: place)
      }
    }

    private func place(of node: Node) -> SourcePlace {
      SourcePlace(file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }

    private mutating func convert(_ mapping: Node.Mapping, path: String) -> [SourceNode.Entry] {
      var entries: [SourceNode.Entry] = []
      var repeated: [(key: String, first: SourcePlace)] = []
      for (keyNode, valueNode) in mapping {
        let place = place(of: keyNode)
        guard let key = keyNode.scalar?.string else {
          problems.append(StudyProblem(place: place, keyPath: path, message: "has a key that is not a word"))
          continue
        }
        if let first = firstPlaces[key] {
          repeated.append((first.key, first.place))
          continue
        }
        let keyPath = path.isEmpty ? key : "\(path).\(key)"
        let value = convert(valueNode, path: keyPath, keyPlace: place)
        entries.append(SourceNode.Entry(key: key, keyPlace: place, value: value))
      }
      for (key, first) in repeated {
        guard let last = entries.first(where: { $0.key == key }) else { continue }
        let keyPath = path.isEmpty ? key : "\(path).\(key)"
        let message = "is given twice, first in line \(first.line)"
        problems.append(StudyProblem(place: last.keyPlace, keyPath: keyPath, message: message))
      }
      return entries
    }
  }
}

extension String {
  /// A key of `count` scalars that no study contains: private-use scalars that spell `number`.
  fileprivate static func standIn(number: Int, count: Int) -> String? {
    guard count > 0 else { return nil }
    var scalars = String.UnicodeScalarView()
    // The first scalar tells stand-ins apart; keys of one scalar still have 100 of them.
    guard let first = Unicode.Scalar(UInt32(0xE000 + number)), let rest = Unicode.Scalar(0xF000 as UInt32)
    else {
      return nil
    }
    scalars.append(first)
    for _ in 1..<count { scalars.append(rest) }
    return String(scalars)
  }

  /// This text with the key written at `place` replaced; nil when the key is not spelled out there.
  fileprivate func replacing(key: String, at place: SourcePlace, by standIn: String) -> String? {
    var scalars = Array(unicodeScalars)
    var line = 1
    var index = 0
    while line < place.line {
      guard index < scalars.count else { return nil }
      if scalars[index] == "\n" { line += 1 }
      index += 1
    }
    index += place.column - 1
    if index < scalars.count, scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
    let wanted = Array(key.unicodeScalars)
    guard index + wanted.count <= scalars.count, Array(scalars[index..<index + wanted.count]) == wanted else {
      return nil
    }
    scalars.replaceSubrange(index..<index + wanted.count, with: Array(standIn.unicodeScalars))
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}

extension Substring {
  /// Without spaces and tabs at both ends.
  fileprivate var trimmingBlanks: String {
    var body = self
    while let first = body.first, first == " " || first == "\t" { body = body.dropFirst() }
    while let last = body.last, last == " " || last == "\t" { body = body.dropLast() }
    return String(body)
  }
}
