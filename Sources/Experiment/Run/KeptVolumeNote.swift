// The note beside a kept volume: what the image itself does not say.
//
//   <run id>.volume         the device's bytes: a volume or a file space names its layout, transfer unit, capacity and
//                           (a volume) its engine by itself
//   <run id>.volume.json    this note: the run, the engine's label and parameters, the memory it ran with
//
// Invariant: an image is examined without its note just as well; a note that contradicts the image is a finding.

import EngineCatalogue
import Foundation
import KeyValue
import Primitives

/// What a run says of the volume it kept.
public struct KeptVolumeNote: Codable, Equatable, Sendable {
  /// The version of this note's keys.
  public var schemaVersion = 1
  /// The run's id.
  public var runID: String
  /// The study's name.
  public var study: String
  /// The engine's name in the catalogue.
  public var engine: String
  /// The engine's label in the study.
  public var label: String
  /// The catalogue's number for the meaning of the engine's bytes.
  public var engineFormatVersion: Int
  /// The engine's parameters, in their canonical spelling.
  public var engineParameters: [String: String]
  /// The transfer unit in bytes.
  public var transferUnitByteCount: Int
  /// The device's capacity in bytes.
  public var capacityByteCount: Int
  /// The memory the engine ran with, in bytes.
  public var memoryBudgetByteCount: Int
  /// Every how many commits one was synced.
  public var syncEveryCommits: Int

  private enum CodingKeys: String, CodingKey {
    case schemaVersion = "schema_version"
    case runID = "run_id"
    case study, engine, label
    case engineFormatVersion = "engine_format_version"
    case engineParameters = "engine_parameters"
    case transferUnitByteCount = "transfer_unit_bytes"
    case capacityByteCount = "capacity_bytes"
    case memoryBudgetByteCount = "memory_budget_bytes"
    case syncEveryCommits = "sync_every_commits"
  }

  /// The note of a run.
  public init(_ spec: RunSpec) {
    runID = spec.id
    study = spec.study
    engine = spec.engine
    label = spec.label
    engineFormatVersion = spec.engineFormatVersion
    engineParameters = [:]
    for (name, value) in spec.engineParameters.sorted { engineParameters[name] = value.description }
    transferUnitByteCount = spec.device.transferUnitByteCount
    capacityByteCount = spec.device.capacityByteCount
    memoryBudgetByteCount = spec.memoryBudgetByteCount
    syncEveryCommits = spec.commit.syncEveryCommits
  }

  /// Where the note of an image is.
  public static func path(ofImage path: String) -> String { path + ".json" }

  /// Writes the note beside the image at `path`.
  public func write(besideImage path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var text = try encoder.encode(self)
    text.append(0x0A)
    try text.write(to: URL(fileURLWithPath: Self.path(ofImage: path)), options: .atomic)
  }

  /// The note beside an image, nil when there is none.
  ///
  /// - Throws: when there is one that cannot be read.
  public static func read(besideImage path: String) throws -> KeptVolumeNote? {
    let notePath = Self.path(ofImage: path)
    guard FileManager.default.fileExists(atPath: notePath) else { return nil }
    return try JSONDecoder().decode(
      KeptVolumeNote.self, from: try Data(contentsOf: URL(fileURLWithPath: notePath)))
  }
}
