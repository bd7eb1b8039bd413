// The recorded stream a study replays: `stream: FILE.ops`, the path relative to the study's file.
//
//   stream: recorded.ops ──read, validated──▶ StudyStream ──▶ each `replay` phase finds the section of its name
//                                              │ SHA-256 of the file enters every run's id; its path does not
//
// Invariants
// 1. A study with a stream has at least one replay phase, and every replay phase has a section, in the recorded order.
// 2. A stream made by this program is replayed under the seed and workload it was recorded with, or not at all: keys and
//    values follow from them. An imported stream brings its own value sizes and takes any seed and key shape.

import Foundation
import KeyValue
import Primitives
import Results
import Workload

/// A recorded stream as a study names it.
public struct StudyStream: Equatable, Sendable {
  /// As the study writes it.
  public var path: String
  /// Where the file is.
  public var file: String
  /// The SHA-256 of the file, 64 hexadecimal digits.
  public var contentHash: String
  /// What the stream says of itself.
  public var description: LabelledText
  /// Its sections in the recorded order.
  public var sections: [RecordedStream.Section]

  /// The beginning of a line that holds a workload parameter.
  static let workloadPrefix = "workload."
  /// The kind of phase that replays a section.
  static let replayKind = "replay"

  /// Reads and validates a recorded stream.
  ///
  /// - Throws: `StorageError` for bad bytes, Foundation's error when the file cannot be read.
  static func read(_ file: String) throws -> (stream: RecordedStream, contentHash: String) {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    return (try RecordedStream(bytes: bytes), SHA256.hexadecimal(bytes))
  }

  /// The section called `name`.
  public func section(named name: String) -> RecordedStream.Section? { sections.first { $0.name == name } }

  /// Whether the sizes of values are the stream's own.
  var bringsLengths: Bool { description["lengths"] == "recorded" }

  /// What keeps `run` from replaying the stream, a clause each.
  func faults(of run: RunSpec) -> [String] {
    var faults: [String] = []
    for line in description.lines where line.name.hasPrefix(Self.workloadPrefix) {
      let name = String(line.name.dropFirst(Self.workloadPrefix.count))
      guard let value = run.workload[name]?.description, value != line.value else { continue }
      faults.append(
        "\(name) is \(value) for engine '\(run.label)', and the stream was recorded with \(line.value)")
    }
    if let seed = description["seed"], seed != String(run.seed) {
      faults.append(
        "the run's seed is \(run.seed) (study seed \(run.studySeed), repeat \(run.repeatIndex)), and the stream was "
          + "recorded under \(seed)")
    }
    return faults
  }
}

extension Study {
  /// Reads the stream that the tree in `root` names, and holds the replay phases against it.
  ///
  /// - Parameter file: the study's own file, which the path is relative to; for a path from the command line, the
  ///   working folder.
  /// - Returns: what is wrong.
  mutating func attachStream(_ root: SourceNode, file: String) -> [StudyProblem] {
    let items = root["phases"]?.items ?? []
    let replays = phases.indices.filter { phases[$0].kind == StudyStream.replayKind }
    let place = { (index: Int) in index < items.count ? items[index].place : root.place }
    guard let node = root["stream"] else {
      return replays.prefix(1).map { index in
        StudyProblem(
          place: place(index), keyPath: "phases.\(phases[index].name)",
          message: "replays a recorded stream, and the study names none; add 'stream: FILE.ops' at its top")
      }
    }
    guard let path = node.text, !path.isEmpty, !node.isNull else {
      let message = "is \(node.nameForMessage), the path of a recorded stream is wanted"
      return [StudyProblem(place: node.place, keyPath: "stream", message: message)]
    }
    let isFromFile = node.place.file != SourcePlace.commandLineFile
    let folder = isFromFile ? (file as NSString).deletingLastPathComponent : ""
    let isRelative = !path.hasPrefix("/") && !folder.isEmpty
    let resolved = isRelative ? (folder as NSString).appendingPathComponent(path) : path
    do {
      let (recorded, hash) = try StudyStream.read(resolved)
      stream = StudyStream(
        path: path, file: resolved, contentHash: hash, description: recorded.description,
        sections: recorded.sections)
    } catch let error as StorageError {
      return [StudyProblem(place: node.place, keyPath: "stream", message: "names '\(path)': \(error)")]
    } catch {
      let exists = FileManager.default.fileExists(atPath: resolved)
      let message = exists ? "cannot be read" : "is not there"
      return [
        StudyProblem(place: node.place, keyPath: "stream", message: "names '\(resolved)', which \(message)")
      ]
    }
    guard let stream else { return [] }
    if replays.isEmpty {
      let message = "names a recorded stream, and no phase replays it"
      return [StudyProblem(place: node.place, keyPath: "stream", message: message)]
    }
    return sectionProblems(stream, replays, place) + workloadProblems(stream, root)
  }

  /// Replay phases without a section, and sections out of order.
  private func sectionProblems(
    _ stream: StudyStream, _ replays: [Int], _ place: (Int) -> SourcePlace
  ) -> [StudyProblem] {
    var problems: [StudyProblem] = []
    let names = stream.sections.map(\.name)
    var last = -1
    for index in replays {
      let name = phases[index].name
      guard let section = names.firstIndex(of: name) else {
        problems.append(
          StudyProblem(
            place: place(index), keyPath: "phases.\(name)",
            message: "replays the section '\(name)', which the recorded stream does not have",
            allowed: names.joined(separator: ", "), nearest: nearestName(to: name, in: names)))
        continue
      }
      if section <= last {
        let message = "replays a section that was recorded before '\(names[last])'; keep the recorded order"
        problems.append(
          StudyProblem(
            place: place(index), keyPath: "phases.\(name)", message: message,
            allowed: names.joined(separator: ", ")))
      }
      last = max(last, section)
    }
    return problems
  }

  /// Parameters of the workload and seeds other than the recorded ones.
  private func workloadProblems(_ stream: StudyStream, _ root: SourceNode) -> [StudyProblem] {
    var problems: [StudyProblem] = []
    for line in stream.description.lines where line.name.hasPrefix(StudyStream.workloadPrefix) {
      let name = String(line.name.dropFirst(StudyStream.workloadPrefix.count))
      // The records of a run may come from an axis or an engine's item; the plan looks at those.
      guard name != "records", let value = workload[name]?.description, value != line.value else { continue }
      let node = root["workload"]
      let place = node?[name]?.place ?? node?.place ?? root.place
      let message = "is \(value), and the stream was recorded with \(line.value)"
      problems.append(
        StudyProblem(place: place, keyPath: "workload.\(name)", message: message, allowed: line.value))
    }
    guard let seed = stream.description["study_seed"] else { return problems }
    if seed != String(self.seed) {
      problems.append(
        StudyProblem(
          place: root["seed"]?.place ?? root.place, keyPath: "seed",
          message: "is \(self.seed), and the stream was recorded under seed \(seed)", allowed: seed))
    }
    if repeats > 1 {
      let message = "is \(repeats), and a recorded stream has the operations of one repeat"
      problems.append(
        StudyProblem(
          place: root["repeats"]?.place ?? root.place, keyPath: "repeats", message: message, allowed: "1"))
    }
    return problems
  }
}
