// A study as decoded: every default filled in, every name resolved, overrides and scale already applied.
//
// Invariants
// 1. A study in this form has no problems: it came from the decoder, which would have listed them.
// 2. Decoding `yaml` gives an equal study. Scales are not part of it: the one asked for is folded in.

import Foundation
import KeyValue
import Results

/// How much memory an engine may hold.
public enum MemoryBudgetSpec: Equatable, Sendable, CustomStringConvertible {
  /// This many bytes.
  case bytes(Int)
  /// The run's data (records × (key + value) bytes) divided by this number: `data/8`; at least 1 MiB.
  case dataFraction(divisor: Int)

  /// As written in a study.
  public var description: String {
    switch self {
    case .bytes(let count): String(count)
    case .dataFraction(let divisor): "data/\(divisor)"
    }
  }

  /// A fraction of the data is no less than this, 1 MiB: engines have parts that do not shrink with the data.
  public static let smallestFractionByteCount = 1 << 20

  /// The bytes for a run with `dataByteCount` bytes of keys and values.
  public func byteCount(dataByteCount: Int) -> Int {
    switch self {
    case .bytes(let count): count
    case .dataFraction(let divisor): max(Self.smallestFractionByteCount, dataByteCount / divisor)
    }
  }

  var value: ParameterValue {
    switch self {
    case .bytes(let count): .integer(count)
    case .dataFraction: .text(description)
    }
  }

  init?(_ value: ParameterValue) {
    switch value {
    case .integer(let count): self = .bytes(count)
    case .text(let text):
      guard text.hasPrefix("data/"), let divisor = Int(text.dropFirst(5)) else { return nil }
      self = .dataFraction(divisor: divisor)
    default: return nil
    }
  }
}

/// One item of a study's `engines:`.
public struct StudyEngine: Equatable, Sendable {
  /// The catalogue's name.
  public var engine: String
  /// Unique in the study.
  public var label: String
  /// Complete.
  public var parameters: ParameterSet
  /// Stands in for the workload's records when given: studies give engines the sizes they can bear.
  public var records: Int?
  /// The most operations of any phase but the load, for engines whose operations touch everything.
  public var maximumOperations: Int?

  /// An engine of a study.
  public init(
    engine: String, label: String, parameters: ParameterSet, records: Int? = nil,
    maximumOperations: Int? = nil
  ) {
    self.engine = engine
    self.label = label
    self.parameters = parameters
    self.records = records
    self.maximumOperations = maximumOperations
  }
}

/// What an axis, or an override, changes.
public enum AxisTarget: Equatable, Sendable {
  /// `memory_budget`.
  case memoryBudget
  /// `device.<name>`.
  case device(String)
  /// `workload.<name>`.
  case workload(String)
  /// `commit.<name>`.
  case commit(String)
  /// `engines.<label>.records`, for the engines at these places in the list.
  case engineRecords([Int])
  /// `engines.<label>.maximum_operations`, for the engines at these places in the list.
  case engineOperations([Int])
  /// `engines.<label>.<name>`, for the engines at these places in the list.
  case engineParameter([Int], String)
  /// `phases.<phase>.<name>`, the phase at this place in the list.
  case phase(Int, String)
}

/// One axis of a study's grid.
public struct StudyAxis: Equatable, Sendable {
  /// As written.
  public var path: String
  /// What it changes.
  public var target: AxisTarget
  /// In order, all different.
  public var values: [ParameterValue]

  /// An axis.
  public init(path: String, target: AxisTarget, values: [ParameterValue]) {
    self.path = path
    self.target = target
    self.values = values
  }
}

/// A resolved study.
public struct Study: Equatable, Sendable {
  /// The study's id: lower-case letters, digits, hyphens.
  public var name: String
  /// One line.
  public var title: String
  /// What the study asks.
  public var question: String
  /// From 0 to 2^53 − 1.
  public var seed: Int
  /// At least 1.
  public var repeats: Int
  /// What every engine may hold.
  public var memoryBudget: MemoryBudgetSpec
  /// Complete.
  public var device: DeviceSpec
  /// Complete for the workload's descriptors.
  public var workload: ParameterSet
  /// How writes are grouped.
  public var commit: CommitSpec
  /// In order, at least one.
  public var engines: [StudyEngine]
  /// In order, at least one.
  public var phases: [PhaseSpec]
  /// The grid; empty for none.
  public var axes: [StudyAxis]
  /// What the report draws.
  public var figures: [FigureRequest]
  /// What the report checks.
  public var claims: [ClaimRequest]
  /// The recorded stream that replay phases take their operations from.
  public var stream: StudyStream?
  /// The most runs made side by side, nil when the study does not say; no part of any run's identity.
  public var jobs: Int? = nil

  /// The study as plain data, keys in the order of the grammar.
  public var value: StudyValue {
    let engineValues = engines.map { engine -> StudyValue in
      var entries: [StudyValue.Entry] = [
        .init("engine", .text(engine.engine)), .init("label", .text(engine.label)),
      ]
      if let records = engine.records { entries.append(.init("records", .integer(records))) }
      if let maximum = engine.maximumOperations {
        entries.append(.init("maximum_operations", .integer(maximum)))
      }
      entries.append(.init("parameters", StudyValue(engine.parameters)))
      return .map(entries)
    }
    let execution = jobs.map { [StudyValue.Entry("execution", .map([.init("jobs", .integer($0))]))] } ?? []
    let axisEntries = axes.map { StudyValue.Entry($0.path, .list($0.values.map { StudyValue($0) })) }
    let streamEntry = stream.map { [StudyValue.Entry("stream", .text($0.path))] } ?? []
    let head: [StudyValue.Entry] = [
      .init("schema", .integer(1)),
      .init("study", .text(name)),
      .init("title", .text(title)),
      .init("question", .text(question)),
      .init("seed", .integer(seed)),
      .init("repeats", .integer(repeats)),
      .init("memory_budget", StudyValue(memoryBudget.value)),
      .init("device", device.value),
      .init("workload", StudyValue(workload)),
    ]
    let tail: [StudyValue.Entry] = [
      .init("commit", commit.value),
      .init("engines", .list(engineValues)),
      .init("phases", .list(phases.map(\.value))),
      .init("axes", .map(axisEntries)),
      .init("figures", .list(figures.map(\.value))),
      .init("claims", .list(claims.map(\.value))),
    ]
    return .map(head + streamEntry + tail + execution)
  }

  /// The study for people; decodes to an equal study.
  public var yaml: String { value.yaml }

  /// The study with the place of its stream in full, for a process that does not know where the study was read.
  var portableYAML: String {
    var study = self
    if let file = stream?.file { study.stream?.path = URL(fileURLWithPath: file).standardizedFileURL.path }
    return study.yaml
  }

  /// The study for the manifest.
  public var json: String { value.json }
}
