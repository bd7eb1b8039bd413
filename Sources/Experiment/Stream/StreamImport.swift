// Somebody's own trace as a recorded stream: lines of text in, a file for `stream:` out.
//
//   op,key,value_bytes        put and get, update, delete, scan; the third field of a scan is its entries
//   put,user:17,120
//   get,user:17
//   scan,user:1,50
//   phase,second              what follows is the section 'second'; before the first such line: 'replay'
//
// Keys are renamed: the key with rank r in byte order among all keys of the file is index r. Which operation takes which
// key, the lengths of values and, with `key_shape: sequential`, the order of keys are the file's; key bytes and values
// are made by the workload, so that every answer can be checked.
//
// Invariants
// 1. The result is a function of the text.
// 2. Every mistake is named by its line; no stream is made of a text with mistakes.

import KeyValue
import Primitives
import Workload

/// What is wrong with a text to import.
public struct StreamImportProblems: Error, Equatable, Sendable, CustomStringConvertible {
  /// One sentence each, with the line.
  public var problems: [String]

  /// All problems, one a line.
  public var description: String { problems.joined(separator: "\n") }
}

/// Turns lines into a recorded stream.
public struct StreamImport {
  private struct Line {
    var word: Word
    var key: UInt32
    var length: UInt32
  }

  private enum Word { case put, get, delete, scan }

  private static let words: [(name: String, word: Word)] = [
    ("put", .put), ("insert", .put), ("update", .put), ("set", .put), ("write", .put), ("get", .get),
    ("read", .get), ("delete", .delete), ("remove", .delete), ("scan", .scan),
  ]

  private let name: String
  private var problems: [String] = []
  private var numbers: [[UInt8]: UInt32] = [:]
  private var keys: [[UInt8]] = []
  private var sections: [(name: String, lines: ContiguousArray<Line>)] = []

  /// The recorded stream of a text.
  ///
  /// Cost: about 1 µs a line, the text and 12 bytes a line in memory.
  /// - Parameter name: what problems call the text.
  /// - Throws: everything that is wrong with it, the first twenty.
  public static func bytes(of text: [UInt8], name: String) throws(StreamImportProblems) -> [UInt8] {
    var reader = StreamImport(name: name)
    reader.read(text)
    guard reader.problems.isEmpty else { throw StreamImportProblems(problems: reader.problems) }
    return reader.record()
  }

  private init(name: String) { self.name = name }

  private mutating func read(_ text: [UInt8]) {
    var number = 0
    for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      let body = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      if body.isEmpty || body.first == UInt8(ascii: "#") { continue }
      let fields = body.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      if number == 1, fields[0].elementsEqual("op".utf8) { continue }
      if let problem = read(fields) { problems.append("\(name):\(number): \(problem)") }
      if problems.count == 20 { return }
    }
    if problems.isEmpty && keys.isEmpty { problems.append("\(name): holds no operation") }
  }

  /// Takes one line; a sentence when it cannot.
  private mutating func read(_ fields: [ArraySlice<UInt8>]) -> String? {
    let word = String(decoding: fields[0], as: UTF8.self)
    if word == "phase" {
      let name = fields.count == 2 ? String(decoding: fields[1], as: UTF8.self) : ""
      return beginSection(name)
    }
    guard let operation = Self.words.first(where: { $0.name == word })?.word else {
      let names = Self.words.map(\.name) + ["phase"]
      let nearest = nearestName(to: word, in: names).map { "; nearest: \($0)" } ?? ""
      return "'\(word)' is no operation; known are \(names.joined(separator: ", "))\(nearest)"
    }
    guard fields.count >= 2, fields.count <= 3, !fields[1].isEmpty else {
      return "a line is op,key,value_bytes, and a key has no comma"
    }
    var length: UInt32 = 0
    let third = fields.count == 3 ? String(decoding: fields[2], as: UTF8.self) : ""
    if operation == .put || operation == .scan {
      let limit = UInt32(1) << (operation == .put ? 30 : 20)
      let what = operation == .put ? "the bytes of the value" : "the entries of the scan"
      guard let value = UInt32(third), value <= limit, value > 0 || operation == .put else {
        return "the third field, \(what), is '\(third)'; a number up to \(limit) is wanted"
      }
      length = value
    } else if !third.isEmpty, UInt32(third) == nil {
      return "the third field is '\(third)', which is no number"
    }
    if sections.isEmpty { sections.append(("replay", [])) }
    let bytes = Array(fields[1])
    let key: UInt32
    if let known = numbers[bytes] {
      key = known
    } else {
      key = UInt32(keys.count)
      numbers[bytes] = key
      keys.append(bytes)
    }
    sections[sections.count - 1].lines.append(Line(word: operation, key: key, length: length))
    return nil
  }

  private mutating func beginSection(_ name: String) -> String? {
    let isName =
      !name.isEmpty && name.utf8.count <= 64
      && name.utf8.allSatisfy {
        ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D || $0 == 0x5F
      }
    if !isName { return "'\(name)' is no name of a phase: 1 to 64 of a-z 0-9 - _" }
    if sections.contains(where: { $0.name == name }) { return "the phase '\(name)' has begun before" }
    sections.append((name, []))
    return nil
  }

  private consuming func record() -> [UInt8] {
    let order = keys.indices.sorted { keys[$0].lexicographicallyPrecedes(keys[$1]) }
    var ranks = ContiguousArray<UInt64>(repeating: 0, count: keys.count)
    for (rank, key) in order.enumerated() { ranks[key] = UInt64(rank) }
    var text = LabelledText()
    text["source"] = "imported"
    text["lengths"] = "recorded"
    text[StudyStream.workloadPrefix + "records"] = String(keys.count)
    text["mean_key_bytes"] = String(keys.reduce(0) { $0 + $1.count } / max(1, keys.count))
    var recorder = StreamRecorder(description: text)
    var position = StreamPosition()
    var wasPut = ContiguousArray<Bool>(repeating: false, count: keys.count)
    for section in sections {
      recorder.beginSection(name: section.name, kind: "replay", scanOrder: .forward, position: position)
      for line in section.lines {
        let index = ranks[Int(line.key)]
        var operation = Operation(kind: .getHit, keyIndex: index, length: line.length)
        switch line.word {
        case .get: operation.length = 0
        case .scan: operation.kind = .scan
        case .delete: operation.kind = .delete
        case .put:
          operation.kind = wasPut[Int(line.key)] ? .overwrite : .put
          wasPut[Int(line.key)] = true
          position.nextKeyIndex = max(position.nextKeyIndex, index + 1)
        }
        if operation.kind.isWrite { operation.version = position.nextVersion }
        position.nextVersion += 1
        recorder.append(operation)
      }
      recorder.endSection()
    }
    return recorder.finish()
  }
}
