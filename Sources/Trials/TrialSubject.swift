// Who is on trial: an engine under certain settings, and the small device it lives on.
//
//   engine ─▶ channel ─▶ wrap (canaries) ─▶ recorder or faults ─▶ clock ─▶ memory
//
// Invariant: every opening gets a channel and a memory budget of its own, as after a power cut.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Storage

/// An engine, its settings and its device.
public struct TrialSubject: Sendable {
  /// Opens the engine.
  public typealias Open = @Sendable (EngineEnvironment) throws(EngineError) -> any Engine

  /// The name in tables and in the commands that repeat a failure.
  public var label: String
  /// Seeds the engine.
  public var seed: UInt64 = 1
  /// The device, in bytes; small, so that an image is opened in a moment.
  public var capacityByteCount: UInt64 = 16 << 20
  /// The device's transfer unit, in bytes.
  public var transferUnitByteCount = 4_096
  /// The bytes that a crash keeps or drops as one: a sector, 512 bytes, by default.
  public var atomByteCount = 512
  /// The engine's memory, in bytes.
  public var memoryByteCount = 4 << 20
  /// Whether damage must be answered with an error; false for an engine without checksums.
  public var detectsDamage = true
  /// Whether a dropped write must be answered with an error when its place is read.
  public var detectsLostWrites = false
  /// Charges recovery.
  public var timeModel: TimeModel
  /// Put between engine and device: canaries.
  public var wrap: @Sendable (any BlockDevice) -> any BlockDevice = { $0 }
  /// Opens it; `environment.creates` says whether to format.
  public var open: Open

  /// A subject at the defaults of this room.
  public init(label: String, timeModel: TimeModel = .trialDefault, open: @escaping Open) {
    self.label = label
    self.timeModel = timeModel
    self.open = open
  }

  /// An engine of the catalogue.
  public init(_ entry: EngineEntry, parameters: ParameterSet? = nil, label: String? = nil) {
    let parameters = parameters ?? entry.defaultParameters
    self.init(label: label ?? entry.descriptor.name) { (environment) throws(EngineError) in
      try entry.open(environment, parameters)
    }
    detectsDamage = entry.descriptor.detectsDamage
    detectsLostWrites = entry.descriptor.detectsLostWrites
  }
}

extension TimeModel {
  /// A virtual disk of a cloud machine: 100 µs to begin, 5 ns a byte; for subjects that name no profile.
  public static let trialDefault = TimeModel(
    blockByteCount: 4_096, parallelBlockCount: 1, readSetupSeconds: 100e-6, readSecondsPerByte: 5e-9,
    writeSetupSeconds: 100e-6, writeSecondsPerByte: 5e-9)
}

/// A device with room for one opening after the other.
final class TrialPlace {
  let subject: TrialSubject
  let syncEveryCommits: Int
  let memory: MemoryDevice
  let clock: TimedDevice
  let device: any BlockDevice
  private(set) var channel: IOChannel
  private(set) var budget: MemoryBudget

  /// A place over `memory`; `decorate` puts a recorder or faults above the clock.
  init(
    _ subject: TrialSubject, syncEveryCommits: Int, memory: MemoryDevice,
    decorate: (any BlockDevice) -> any BlockDevice = { $0 }
  ) {
    self.subject = subject
    self.syncEveryCommits = syncEveryCommits
    self.memory = memory
    clock = TimedDevice(base: memory, model: subject.timeModel)
    device = subject.wrap(decorate(clock))
    channel = IOChannel(device: device, pool: memory.pool)
    budget = MemoryBudget(limitByteCount: subject.memoryByteCount)
  }

  /// An empty device for a subject.
  static func emptyMemory(_ subject: TrialSubject) -> MemoryDevice {
    MemoryDevice(
      capacityByteCount: subject.capacityByteCount, transferUnitByteCount: subject.transferUnitByteCount)
  }

  /// Opens the engine with a fresh channel and budget.
  func open(creates: Bool) throws(EngineError) -> any Engine {
    channel = IOChannel(device: device, pool: memory.pool)
    budget = MemoryBudget(limitByteCount: subject.memoryByteCount)
    return try subject.open(
      EngineEnvironment(
        channel: channel, budget: budget, seed: subject.seed, creates: creates,
        syncEveryCommits: syncEveryCommits))
  }
}
