// `betula stream`: the operations of a run as a file, which any engine replays.

import ArgumentParser
import Experiment
import Foundation
import Primitives
import Report
import Workload

struct StreamCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stream", abstract: "Record the operations of a run, show them, import your own.",
    discussion: """
      A study replays a recorded stream with `stream: FILE.ops` and phases `{ phase: replay, name: SECTION }`. \
      See the guide, Traces.
      """,
    subcommands: [StreamRecordCommand.self, StreamShowCommand.self, StreamImportCommand.self])
}

struct StreamRecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Write the operations of a run to a file; no engine is run.")

  @OptionGroup var arguments: StudyArguments
  @OptionGroup var choice: RunArguments

  @Option(help: "Where the stream is written.")
  var out: String

  @Flag(help: "Print nothing but errors.")
  var quiet = false

  func run() throws {
    try withUserErrors {
      let plan = try Plan(try arguments.load(), vocabulary: .standard)
      let spec = try RunChoice.stream(of: plan, id: choice.run, label: choice.engine)
      let bytes: [UInt8]
      do {
        bytes = try StreamRecording.bytes(of: spec)
      } catch let error as WorkloadError {
        complain("\(error)")
        throw ExitStatus.badData
      }
      try writeFile(bytes, to: out)
      let recorded = try withFile(out) { try RecordedStream(bytes: bytes) }
      if !quiet { print(recorded.headline(path: out)) }
    }
  }
}

struct StreamShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print what a recorded stream holds.")

  @Argument(help: "A recorded stream.")
  var file: String

  @Option(help: "Also list the first so many operations of each section.")
  var limit: Int?

  @Flag(help: "Print as JSON.")
  var json = false

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
  }

  func run() throws {
    try withUserErrors {
      let bytes = try readFile(file)
      let stream = try withFile(file) { try RecordedStream(bytes: bytes) }
      print(
        json ? try stream.json(limit: limit ?? 0) : stream.text(path: file, limit: limit ?? 0), terminator: ""
      )
    }
  }
}

struct StreamImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a recorded stream of your own trace: lines op,key,value_bytes.",
    discussion: """
      op is put (insert, update, set, write), get (read), delete (remove) or scan; the third field is the value's bytes \
      of a put and the entries of a scan. A line phase,NAME begins another section.
      """)

  @Argument(help: "A text file.")
  var file: String

  @Option(help: "Where the stream is written.")
  var out: String

  func run() throws {
    try withUserErrors {
      let bytes: [UInt8]
      do {
        bytes = try StreamImport.bytes(of: try readFile(file), name: file)
      } catch let problems as StreamImportProblems {
        complain("\(problems)")
        throw ExitStatus.badData
      }
      try writeFile(bytes, to: out)
      let stream = try withFile(out) { try RecordedStream(bytes: bytes) }
      print(stream.headline(path: out))
      print(stream.suggestion(path: out), terminator: "")
    }
  }
}

/// The bytes of a file the user named.
func readFile(_ path: String) throws -> [UInt8] {
  do {
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  } catch {
    throw FileProblem(reading: path, error)
  }
}

/// Writes bytes whole or not at all.
func writeFile(_ bytes: [UInt8], to path: String) throws {
  do {
    try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw FileProblem(writing: path, error)
  }
}

extension RecordedStream {
  /// One line: what it holds, and how compactly.
  func headline(path: String) -> String {
    let each =
      operationCount == 0
      ? "" : ", \(Numbers.fixed(Double(byteCount) / Double(operationCount), places: 2)) bytes an operation"
    return "\(path): \(Numbers.grouped(operationCount)) operations in \(sections.count) sections, "
      + "\(Numbers.bytes(UInt64(byteCount)))\(each)"
  }

  /// Everything for people.
  func text(path: String, limit: Int) -> String {
    var text = headline(path: path) + "\n"
    for line in description.lines { text += "  \(line.name): \(line.value)\n" }
    var table = TextTable(
      columns: [
        ("section", false), ("kind", false), ("operations", true), ("stream_hash", false),
        ("of each kind", false),
      ].map { TextTable.Column(name: $0.0, isNumeric: $0.1) })
    for section in sections {
      let kinds = StreamOperation.allCases.filter { section.count(of: $0) > 0 }
        .map { "\($0.name) \(Numbers.grouped(section.count(of: $0)))" }
      table.rows.append([
        section.name, section.kind, Numbers.grouped(section.operationCount), section.hash.description,
        kinds.joined(separator: ", "),
      ])
    }
    text += "\n" + table.text
    for section in sections where limit > 0 {
      text += "\n\(section.name)\n" + Self.table(first(limit, of: section)).text
    }
    return text
  }

  private static let operationColumns = ["operation", "key_index", "version", "length", "detail"]

  private static func cells(_ operation: Workload.Operation) -> [String] {
    let version = operation.version == 0 ? Numbers.missing : String(operation.version)
    let (key, length, detail) = (operation.keyIndex, operation.length, operation.detail)
    return [operation.kind.name, String(key), version, String(length), String(detail)]
  }

  private static func table(_ operations: [Workload.Operation]) -> TextTable {
    var table = TextTable(
      columns: operationColumns.map { TextTable.Column(name: $0, isNumeric: $0 != "operation") })
    table.rows = operations.map { cells($0) }
    return table
  }

  private func first(_ count: Int, of section: Section) -> [Workload.Operation] {
    var operations: [Workload.Operation] = []
    forEachOperation(of: section) { if operations.count < count { operations.append($0) } }
    return operations
  }

  private struct Listing: Encodable {
    struct Section: Encodable {
      var name: String
      var kind: String
      var operations: UInt64
      var streamHash: String
      var ofEachKind: [String: UInt64]
      var first: [[String: String]]?
    }
    var stream: [String: String]
    var bytes: Int
    var operations: UInt64
    var sections: [Section]
  }

  /// Everything as JSON.
  func json(limit: Int) throws -> String {
    let listed = sections.map { section in
      var kinds: [String: UInt64] = [:]
      for kind in StreamOperation.allCases where section.count(of: kind) > 0 {
        kinds[kind.name] = section.count(of: kind)
      }
      let first = first(limit, of: section).map { operation in
        Dictionary(uniqueKeysWithValues: zip(Self.operationColumns, Self.cells(operation)))
      }
      return Listing.Section(
        name: section.name, kind: section.kind, operations: section.operationCount,
        streamHash: section.hash.description, ofEachKind: kinds, first: limit > 0 ? first : nil)
    }
    return try encodeForPeople(
      Listing(
        stream: description.dictionary, bytes: byteCount, operations: operationCount, sections: listed))
      + "\n"
  }

  /// What a study that replays an imported stream begins with.
  func suggestion(path: String) -> String {
    let lengths = RecordedLengths(of: self)
    let keyByteCount = max(8, Int(description["mean_key_bytes"] ?? "") ?? 16)
    let phases = sections.map { "  - { phase: replay, name: \($0.name) }\n" }.joined()
    return """

      in a study:

      stream: \((path as NSString).lastPathComponent)
      workload: { records: \(description["workload.records"] ?? "1"), key_shape: sequential, \
      key_bytes: \(keyByteCount), value_bytes: \(Int(lengths.meanByteCount)) }
      phases:
      \(phases)
      """
  }
}
