// What a sweep and its workers tell each other: one JSON text a line, over the workers' standard input and output.
//
//   sweep ──▶ worker   Assignment   first of all, once: the study and where its runs are kept
//                      Dispatch     these runs next
//   worker ──▶ sweep   Report       ready, began, progress, finished, measured, note, idle
//
// Invariants
// 1. A line holds one whole message; JSON escapes every line feed inside a text.

import Foundation

/// What a worker has to know once.
struct WorkerAssignment: Codable, Equatable {
  /// The resolved study.
  var study: String
  /// The folder that stored runs go to.
  var storeFolder: String
  /// The sweep's own identity: what it starts is the same program.
  var build: String
  /// Where volumes are kept, nil for nowhere.
  var keepVolumesDirectory: String?
  /// Where traces are kept, nil for nowhere.
  var keepTracesDirectory: String?
}

/// Runs for a worker, by their place in the plan.
struct WorkerDispatch: Codable, Equatable {
  var ordinals: [Int]
}

/// News of a worker.
enum WorkerReport: Codable, Equatable {
  /// It has expanded the study to the plan of this hash.
  case ready(planHash: String)
  /// It makes these runs, or the beginning they share.
  case began(ordinals: [Int])
  /// Operations done of a phase, and of everything dispatched so far.
  case progress(ordinal: Int, phase: String, done: UInt64, of: UInt64, total: UInt64)
  /// A run is stored; the reason when it failed.
  case finished(ordinal: Int, failure: String?)
  /// So many operations of an engine took so many seconds.
  case measured(label: String, operationCount: UInt64, seconds: Double)
  /// A remark for the user.
  case note(String)
  /// Everything dispatched is done.
  case idle
}

/// Lines of JSON.
enum WorkerLine {
  /// A message as a line, line feed included.
  static func encoded(_ message: some Encodable) -> Data {
    let encoder = JSONEncoder()
    do {
      return try encoder.encode(message) + Data([UInt8(ascii: "\n")])
    } catch {
      preconditionFailure("A message of texts and finite numbers can be encoded: \(error)")
    }
  }

  /// The message of a line.
  static func decoded<Message: Decodable>(_ type: Message.Type, _ line: Data) throws -> Message {
    try JSONDecoder().decode(type, from: line)
  }
}

/// Cuts a stream of bytes into lines.
struct LineBuffer {
  private var rest: [UInt8] = []

  /// Adds bytes.
  ///
  /// - Returns: the lines that are whole now, without their line feeds.
  mutating func add(_ bytes: some Sequence<UInt8>) -> [Data] {
    rest.append(contentsOf: bytes)
    var lines: [Data] = []
    var start = 0
    for index in rest.indices where rest[index] == UInt8(ascii: "\n") {
      lines.append(Data(rest[start..<index]))
      start = index + 1
    }
    rest.removeFirst(start)
    return lines
  }
}
