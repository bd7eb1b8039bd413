// The manifest: everything about a record that its numbers depend on and do not say themselves.
//
// It is written last, so that a record exists only when its manifest does. Keys are sorted and arrays keep the
// order they were given in: equal manifests have equal bytes.
//
// Deviation: this room uses Foundation, for JSON coding and the file system; both would be large to own, and
// nothing here is on an engine's path.

import Accounting
import Foundation

/// A JSON value of any shape: how a resolved study travels without its decoder.
public enum JSONValue: Equatable, Sendable, Codable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case real(Double)
  case text(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Reads any JSON value.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      // A failed attempt means "another type"; the last attempt below throws.
      self = .boolean(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .real(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// Writes the value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .boolean(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .real(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  /// The member `name` of an object.
  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members[name]
  }

  /// The text, nil for anything else.
  public var text: String? {
    guard case .text(let value) = self else { return nil }
    return value
  }
}

/// A figure the study asks for.
public struct FigureRequest: Codable, Equatable, Sendable {
  /// The figure kind, for example `write_amplification`.
  public var figure: String
  /// The phases shown, in order; empty for every phase the figure has data for.
  public var phases: [String]
  /// The file's base name; nil for the kind followed by the phases.
  public var name: String?
  /// The title; nil for the kind's own.
  public var title: String?
  /// The metric shown, for kinds that let a study choose.
  public var metric: String?
  /// A metric to divide by, row by row.
  public var per: String?
  /// What lies along the horizontal: a column of `runs.csv`, or `operations` of `series.csv`.
  public var axis: ColumnPath?
  /// Labels of the engines shown; nil for all.
  public var engines: [String]?
  /// How the horizontal is drawn; nil for what the data ask for.
  public var xTransform: AxisTransform?
  /// How the vertical is drawn; nil for what the data ask for.
  public var yTransform: AxisTransform?
  /// The model of the report's catalogue drawn beside the measurement.
  public var model: String?
  /// Published points drawn beside the measurement.
  public var points: [PublishedPoint]?
  /// Where the published points come from.
  public var source: String?

  enum CodingKeys: String, CodingKey {
    case figure, phases, name, title, metric, per, axis, engines
    case xTransform = "x_scale"
    case yTransform = "y_scale"
    case model, points, source
  }

  /// A request.
  public init(
    figure: String, phases: [String] = [], name: String? = nil, title: String? = nil, metric: String? = nil,
    per: String? = nil, axis: ColumnPath? = nil, engines: [String]? = nil, xTransform: AxisTransform? = nil,
    yTransform: AxisTransform? = nil, model: String? = nil, points: [PublishedPoint]? = nil,
    source: String? = nil
  ) {
    self.figure = figure
    self.phases = phases
    self.name = name
    self.title = title
    self.metric = metric
    self.per = per
    self.axis = axis
    self.engines = engines
    self.xTransform = xTransform
    self.yTransform = yTransform
    self.model = model
    self.points = points
    self.source = source
  }

  /// The base name of the figure's files.
  public var fileName: String { name ?? ([figure] + phases).joined(separator: "_") }
}

/// What a record was made from and on.
public struct Manifest: Codable, Equatable, Sendable {
  /// The study as it was run.
  public struct Study: Codable, Equatable, Sendable {
    /// The study's id.
    public var id: String
    /// One line.
    public var title: String
    /// What the study asks.
    public var question: String
    /// The scale asked for.
    public var scale: String
    /// The study with every default, override and axis filled in.
    public var resolved: JSONValue

    /// All parts.
    public init(id: String, title: String, question: String, scale: String, resolved: JSONValue) {
      self.id = id
      self.title = title
      self.question = question
      self.scale = scale
      self.resolved = resolved
    }
  }

  /// The program that ran it.
  public struct Program: Codable, Equatable, Sendable {
    /// The commit, empty when not known.
    public var commit: String
    /// Whether files differed from the commit; nil when not known.
    public var hasUncommittedChanges: Bool?
    /// The compiler's version line.
    public var compiler: String
    /// Compiler flags in order.
    public var flags: [String]
    /// Resolved package versions by name.
    public var packages: [String: String]

    enum CodingKeys: String, CodingKey {
      case commit
      case hasUncommittedChanges = "dirty"
      case compiler, flags, packages
    }

    /// All parts.
    public init(
      commit: String, hasUncommittedChanges: Bool?, compiler: String, flags: [String],
      packages: [String: String]
    ) {
      self.commit = commit
      self.hasUncommittedChanges = hasUncommittedChanges
      self.compiler = compiler
      self.flags = flags
      self.packages = packages
    }
  }

  /// The machine it ran on.
  public struct Machine: Codable, Equatable, Sendable {
    /// The processor's model name.
    public var processor: String
    /// Logical processors.
    public var processorCount: Int
    /// Physical memory in bytes.
    public var memoryByteCount: UInt64
    /// The kernel's name and release.
    public var kernel: String
    /// The file system under a file device, empty on a memory device.
    public var fileSystem: String
    /// The device: `memory`, or the block device under a file device.
    public var device: String

    enum CodingKeys: String, CodingKey {
      case processor
      case processorCount = "processor_count"
      case memoryByteCount = "memory_bytes"
      case kernel
      case fileSystem = "file_system"
      case device
    }

    /// All parts.
    public init(
      processor: String, processorCount: Int, memoryByteCount: UInt64, kernel: String,
      fileSystem: String, device: String
    ) {
      self.processor = processor
      self.processorCount = processorCount
      self.memoryByteCount = memoryByteCount
      self.kernel = kernel
      self.fileSystem = fileSystem
      self.device = device
    }
  }

  /// One engine's settings as read back from it.
  public struct EngineReadBack: Codable, Equatable, Sendable {
    /// The engine's label in the study.
    public var label: String
    /// The engine's name in the catalogue.
    public var engine: String
    /// The version of a library behind the engine, nil for our own.
    public var libraryVersion: String?
    /// The version of the engine's bytes on the device.
    public var formatVersion: Int
    /// Settings by name, as the running engine stated them.
    public var settings: [String: String]

    enum CodingKeys: String, CodingKey {
      case label, engine
      case libraryVersion = "library_version"
      case formatVersion = "format_version"
      case settings
    }

    /// All parts.
    public init(
      label: String, engine: String, libraryVersion: String? = nil, formatVersion: Int,
      settings: [String: String]
    ) {
      self.label = label
      self.engine = engine
      self.libraryVersion = libraryVersion
      self.formatVersion = formatVersion
      self.settings = settings
    }
  }

  /// A file of the record.
  public struct Output: Codable, Equatable, Sendable {
    /// The file's name.
    public var file: String
    /// Its length in bytes.
    public var byteCount: Int
    /// Its hash, 64 hexadecimal digits.
    public var sha256: String
    /// Whether its bytes depend on the machine's clock.
    public var isClockDependent: Bool

    enum CodingKeys: String, CodingKey {
      case file
      case byteCount = "bytes"
      case sha256
      case isClockDependent = "clock_dependent"
    }

    /// All parts.
    public init(file: String, byteCount: Int, sha256: String, isClockDependent: Bool) {
      self.file = file
      self.byteCount = byteCount
      self.sha256 = sha256
      self.isClockDependent = isClockDependent
    }
  }

  /// How the runs came about: by which program, in how many processes, and which of them were made earlier.
  public struct Sweep: Codable, Equatable, Sendable {
    /// What identifies the program that put the record together: see `RunStore`.
    public var build: String
    /// The SHA-256 of the runs' ids in the plan's order, one a line.
    public var planHash: String
    /// Runs of the plan.
    public var runCount: Int
    /// Of these, taken from stored runs of an earlier, unfinished sweep.
    public var reusedRunCount: Int
    /// Of the reused, those another build had made.
    public var otherBuildRunCount: Int
    /// Runs that failed.
    public var failedRunCount: Int
    /// Runs that this build or machine cannot make.
    public var skippedRunCount: Int
    /// The most runs that were made side by side.
    public var jobs: Int

    enum CodingKeys: String, CodingKey {
      case build
      case planHash = "plan_sha256"
      case runCount = "runs"
      case reusedRunCount = "reused_runs"
      case otherBuildRunCount = "other_build_runs"
      case failedRunCount = "failed_runs"
      case skippedRunCount = "skipped_runs"
      case jobs
    }

    /// All parts.
    public init(
      build: String, planHash: String, runCount: Int, reusedRunCount: Int, otherBuildRunCount: Int,
      failedRunCount: Int, skippedRunCount: Int, jobs: Int
    ) {
      self.build = build
      self.planHash = planHash
      self.runCount = runCount
      self.reusedRunCount = reusedRunCount
      self.otherBuildRunCount = otherBuildRunCount
      self.failedRunCount = failedRunCount
      self.skippedRunCount = skippedRunCount
      self.jobs = jobs
    }
  }

  /// The version of the manifest and of every table.
  public var schemaVersion: UInt64
  /// The study as it was run.
  public var study: Study
  /// Figures the study asks for, in its order.
  public var figures: [FigureRequest]
  /// Claims the study makes, in its order; nil for none.
  public var claims: [ClaimRequest]?
  /// The seeds used, one per repeat.
  public var seeds: [UInt64]
  /// The program that ran it.
  public var program: Program
  /// The machine it ran on.
  public var machine: Machine
  /// Each engine as read back.
  public var engines: [EngineReadBack]
  /// How the runs came about; nil when they were made by a program that does not say.
  public var sweep: Sweep?
  /// When the run began, ISO 8601 in UTC.
  public var start: String
  /// When the run ended, ISO 8601 in UTC.
  public var end: String
  /// Sentences on what the numbers do not say, printed beside every figure.
  public var limits: [String]
  /// The record's files; filled by the writer.
  public var outputs: [Output]

  enum CodingKeys: String, CodingKey {
    case schemaVersion = "schema_version"
    case study, figures, claims, seeds, program, machine, engines, sweep, start, end, limits, outputs
  }

  /// All parts.
  public init(
    study: Study, figures: [FigureRequest], seeds: [UInt64], program: Program, machine: Machine,
    engines: [EngineReadBack], start: String, end: String, limits: [String] = [],
    claims: [ClaimRequest] = []
  ) {
    schemaVersion = recordSchemaVersion
    self.study = study
    self.figures = figures
    self.claims = claims.isEmpty ? nil : claims
    self.seeds = seeds
    self.program = program
    self.machine = machine
    self.engines = engines
    self.start = start
    self.end = end
    self.limits = limits
    outputs = []
  }

  /// The file's name inside a record's directory.
  public static let fileName = "manifest.json"

  /// The manifest's bytes: sorted keys, two spaces, one newline at the end.
  public func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  /// Reads a manifest; `file` is the name used in errors.
  ///
  /// - Throws: `.badManifest` with the path of the offending key.
  public static func decoded(_ bytes: [UInt8], file: String) throws(RecordError) -> Manifest {
    struct Version: Decodable {
      var schemaVersion: UInt64?
      enum CodingKeys: String, CodingKey { case schemaVersion = "schema_version" }
    }
    do {
      let version = try JSONDecoder().decode(Version.self, from: Data(bytes)).schemaVersion
      guard version == recordSchemaVersion else {
        let found = version.map { String($0) } ?? "missing"
        throw RecordError.badManifest(
          file: file, reason: "schema version is \(found), this program reads \(recordSchemaVersion)")
      }
      return try JSONDecoder().decode(Manifest.self, from: Data(bytes))
    } catch let error as RecordError {
      throw error
    } catch let error as DecodingError {
      throw .badManifest(file: file, reason: describe(error))
    } catch {
      throw .badManifest(file: file, reason: "\(error)")
    }
  }

  private static func describe(_ error: DecodingError) -> String {
    func path(_ keys: [any CodingKey]) -> String {
      keys.isEmpty ? "the top" : keys.map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "'\(path(context.codingPath + [key]))' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      return "\(path(context.codingPath)): \(context.debugDescription)"
    @unknown default: return "\(error)"
    }
  }
}
