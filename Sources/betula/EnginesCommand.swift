// `betula engines`: what can be run, with every parameter.

import ArgumentParser
import EngineCatalogue
import Experiment
import Foundation
import KeyValue
import Primitives

struct EnginesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engines", abstract: "List the engines with their parameters, defaults and ranges.")

  @Argument(help: "Only this engine.")
  var engine: String?

  @Flag(help: "Print as JSON.")
  var json = false

  func run() throws {
    var entries = engineCatalogue.map(\.descriptor) + absentEngines
    if let engine {
      entries = entries.filter { $0.name == engine }
      if entries.isEmpty {
        let nearest = nearestEngineName(to: engine).map { "; nearest: \($0)" } ?? ""
        complain("there is no engine '\(engine)'\(nearest)")
        throw ExitStatus.badData
      }
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      let described = entries.map { EngineListing($0) }
      print(String(decoding: try encoder.encode(described), as: UTF8.self))
    } else {
      for (index, descriptor) in entries.enumerated() {
        if index > 0 { print("") }
        show(descriptor)
      }
    }
  }

  private func show(_ descriptor: EngineDescriptor) {
    print("\(descriptor.name): \(descriptor.summary)")
    if let reason = descriptor.absentBecause {
      print("  absent: \(reason)")
      return
    }
    let nameWidth = descriptor.parameters.map(\.name.count).max() ?? 0
    for parameter in descriptor.parameters {
      let name = parameter.name.padding(toLength: nameWidth, withPad: " ", startingAt: 0)
      let value = parameter.defaultValue.map { "default \(parameter.spelling(of: $0))" } ?? "must be given"
      print("  \(name)  \(value); \(parameter.kind.range)")
      print("  \(String(repeating: " ", count: nameWidth))  \(parameter.meaning)")
    }
    if descriptor.parameters.isEmpty { print("  no parameters") }
  }
}

/// Engines one may look for that this build does not have, each with the reason.
private let absentEngines: [EngineDescriptor] = [
  ("rocksdb", "RocksDB, a leveled LSM-tree in C++."), ("leveldb", "LevelDB, a leveled LSM-tree in C++."),
  ("lmdb", "LMDB, a copy-on-write B+-tree in C."), ("wiredtiger", "WiredTiger, a B-tree in C."),
].map { name, summary in
  EngineDescriptor(
    name: name, summary: summary, parameters: [],
    absentBecause: "this build has no adapter for it; peers are compared through SQLite for now",
    formatVersion: 0)
}

/// An engine as JSON.
private struct EngineListing: Encodable {
  struct Parameter: Encodable {
    var name: String
    var allowed: String
    var `default`: String?
    var meaning: String
  }
  var name: String
  var summary: String
  var absentBecause: String?
  var formatVersion: Int
  var parameters: [Parameter]

  enum CodingKeys: String, CodingKey {
    case name, summary, parameters
    case absentBecause = "absent_because"
    case formatVersion = "format_version"
  }

  init(_ descriptor: EngineDescriptor) {
    name = descriptor.name
    summary = descriptor.summary
    absentBecause = descriptor.absentBecause
    formatVersion = descriptor.formatVersion
    parameters = descriptor.parameters.map {
      Parameter(
        name: $0.name, allowed: $0.kind.range, default: $0.defaultValue?.description, meaning: $0.meaning)
    }
  }
}

extension ParameterDescriptor {
  /// A value as one would write it in a study: sizes with their unit.
  fileprivate func spelling(of value: ParameterValue) -> String {
    if case .bytes = kind, case .integer(let count) = value { return Quantity.formatByteCount(count) }
    return value.description
  }
}
