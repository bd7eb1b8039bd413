// What is wrong with a study, said so that it can be mended without a manual: where, which key, what, and what
// would be right.
//
//   study.yaml:12:3: key 'workload.recrods': is not a key of 'workload'
//       nearest: records
//       allowed: check_answers, key_bytes, key_shape, records, value_bytes, value_distribution
//
// Invariants
// 1. A decoder lists every problem it can find, in the order of the source, the file before the command line.
// 2. A problem on the command line names the option's text as its file's stead; everything else is the same.

/// Where a piece of a study was written.
public struct SourcePlace: Hashable, Sendable {
  /// A path, or `commandLineFile`.
  public var file: String
  /// From 1.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int

  /// A place.
  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// Stands for the file of what came from `--set` and `--scale`.
  public static let commandLineFile = "command line"
}

/// One mistake in a study.
public struct StudyProblem: Equatable, Sendable, CustomStringConvertible {
  /// Where it was written.
  public var place: SourcePlace
  /// The key path, such as `engines.sqlite.parameters.page_bytes`; empty for the document as a whole.
  public var keyPath: String
  /// What is wrong, beginning as the rest of a sentence about the key.
  public var message: String
  /// What would be right: a range or a list of words; nil when that is no help.
  public var allowed: String?
  /// The valid word closest to the one written; nil when none is close.
  public var nearest: String?

  /// A problem.
  public init(
    place: SourcePlace, keyPath: String, message: String, allowed: String? = nil, nearest: String? = nil
  ) {
    self.place = place
    self.keyPath = keyPath
    self.message = message
    self.allowed = allowed
    self.nearest = nearest
  }

  /// The listing for a terminal: one line, then what would help, indented.
  public var description: String {
    var text =
      place.file == SourcePlace.commandLineFile
      ? "\(place.file): " : "\(place.file):\(place.line):\(place.column): "
    if !keyPath.isEmpty { text += "key '\(keyPath)': " }
    text += message
    if let nearest { text += "\n    nearest: \(nearest)" }
    if let allowed { text += "\n    allowed: \(allowed)" }
    return text
  }
}

/// Every mistake found in a study.
public struct StudyProblems: Error, Equatable, Sendable, CustomStringConvertible {
  /// In the order of the source.
  public var problems: [StudyProblem]

  /// The problems, put in order: places in files by line and column, then the command line as given.
  public init(_ problems: [StudyProblem]) {
    let numbered = problems.enumerated().sorted { one, other in
      let a = one.element.place
      let b = other.element.place
      let aIsFile = a.file != SourcePlace.commandLineFile
      let bIsFile = b.file != SourcePlace.commandLineFile
      if aIsFile != bIsFile { return aIsFile }
      if a.line != b.line { return a.line < b.line }
      if a.column != b.column { return a.column < b.column }
      return one.offset < other.offset
    }
    self.problems = numbered.map(\.element)
  }

  /// All problems, one after the other, and their number.
  public var description: String {
    let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
    return problems.map(\.description).joined(separator: "\n") + "\n\(count)"
  }
}
