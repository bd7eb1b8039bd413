// From a path and the command line's options to a resolved study, or to everything that is wrong with it.
//
//   folder or file ─▶ text ─▶ tree ─▶ scale ─▶ --set ─▶ decoder ─▶ Study
//                               └─▶ every other scale is tried on a copy, so that none is broken unnoticed

import Foundation
import KeyValue

/// What a user asks for: a study and changes to it.
public struct StudyRequest: Equatable, Sendable {
  /// A study file, or a folder that holds a `study.yaml`.
  public var path: String
  /// A name among the study's `scales:`.
  public var scale: String?
  /// Overrides, each `key.path=value`.
  public var sets: [String]

  /// A request.
  public init(path: String, scale: String? = nil, sets: [String] = []) {
    self.path = path
    self.scale = scale
    self.sets = sets
  }
}

extension Study {
  /// Reads the study asked for.
  ///
  /// - Throws: every problem of the file and of the options.
  public static func load(_ request: StudyRequest, vocabulary: StudyVocabulary) throws(StudyProblems) -> Study
  {
    let file = studyFile(at: request.path)
    let text: String
    do {
      text = try String(contentsOfFile: file, encoding: .utf8)
    } catch {
      let exists = FileManager.default.fileExists(atPath: file)
      let message = exists ? "the file cannot be read as UTF-8 text" : "there is no such study file"
      let place = SourcePlace(file: file, line: 1, column: 1)
      throw StudyProblems([StudyProblem(place: place, keyPath: "", message: message)])
    }
    return try decode(
      text, file: file, scale: request.scale, sets: request.sets, vocabulary: vocabulary)
  }

  /// Decodes a study's text; `file` is what problems call it.
  ///
  /// - Throws: every problem of the text and of the options.
  public static func decode(
    _ text: String, file: String, scale: String? = nil, sets: [String] = [], vocabulary: StudyVocabulary
  ) throws(StudyProblems) -> Study {
    let (tree, treeProblems) = SourceTree.read(text, file: file)
    guard let tree else { throw StudyProblems(treeProblems) }
    var overrides = StudyOverrides(vocabulary: vocabulary)
    var root = tree
    if let scale { overrides.apply(scale: scale, to: &root) }
    for (index, set) in sets.enumerated() {
      guard let (path, value, place) = overrides.parse(set, number: index + 1) else { continue }
      overrides.set(path, to: value, at: place, in: &root)
    }
    overrides.finish(&root)
    var decoder = StudyDecoder(vocabulary: vocabulary)
    var study = decoder.study(root)
    let streamProblems = study?.attachStream(root, file: file) ?? []
    let scales = scaleProblems(tree, vocabulary: vocabulary, known: decoder.problems + overrides.problems)
    let problems = treeProblems + overrides.problems + decoder.problems + streamProblems + scales
    guard problems.isEmpty, let study else { throw StudyProblems(problems) }
    return study
  }

  /// The names of the scales in a study's text, in order; none when it cannot be read.
  public static func scaleNames(in text: String) -> [String] {
    SourceTree.read(text, file: "").root?["scales"]?.entries.map(\.key) ?? []
  }

  /// The file that `path` means: itself, or `study.yaml` in it when it is a folder.
  public static func studyFile(at path: String) -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      return path
    }
    return path.hasSuffix("/") ? path + "study.yaml" : path + "/study.yaml"
  }

  /// Problems that stand in a scale, whether it was asked for or not.
  private static func scaleProblems(
    _ tree: SourceNode, vocabulary: StudyVocabulary, known: [StudyProblem]
  ) -> [StudyProblem] {
    guard let scales = tree["scales"], !scales.isNull else { return [] }
    guard case .map(let entries) = scales.content else {
      let message = "is \(scales.nameForMessage), a map from scale name to overrides is wanted"
      return [StudyProblem(place: scales.place, keyPath: "scales", message: message)]
    }
    var found: [StudyProblem] = []
    for entry in entries {
      guard case .map(let settings) = entry.value.content else {
        if entry.value.isNull { continue }
        let message = "is \(entry.value.nameForMessage), a map from key path to value is wanted"
        let path = "scales.\(entry.key)"
        found.append(StudyProblem(place: entry.value.place, keyPath: path, message: message))
        continue
      }
      var overrides = StudyOverrides(vocabulary: vocabulary)
      var root = tree
      overrides.apply(scale: entry.key, to: &root)
      overrides.finish(&root)
      var decoder = StudyDecoder(vocabulary: vocabulary)
      _ = decoder.study(root)
      let own = settings.flatMap { places(of: $0.value) + [$0.keyPlace] }
      for var problem in overrides.problems + decoder.problems
      where own.contains(problem.place) && !known.contains(problem) {
        problem.keyPath = "scales.\(entry.key).\(problem.keyPath)"
        found.append(problem)
      }
    }
    return found
  }

  private static func places(of node: SourceNode) -> [SourcePlace] {
    [node.place] + node.items.flatMap { places(of: $0) } + node.entries.flatMap { places(of: $0.value) }
  }
}
