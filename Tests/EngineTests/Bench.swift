// One engine on one memory device, for every test of this target.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Storage

/// An engine of the catalogue under certain parameters.
struct Candidate: Sendable, CustomStringConvertible {
  var entry: EngineEntry
  var parameters: ParameterSet
  var memoryByteCount = 14 << 20
  var label: String

  var description: String { label }

  init(_ entry: EngineEntry, _ changes: [String: ParameterValue] = [:], memoryByteCount: Int = 14 << 20) {
    self.entry = entry
    self.memoryByteCount = memoryByteCount
    parameters = entry.defaultParameters
    for (name, value) in changes { parameters[name] = value }
    let suffix = changes.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    label = entry.descriptor.name + suffix + (memoryByteCount == 14 << 20 ? "" : " memory=\(memoryByteCount)")
  }

  /// The engine of this name; a missing one fails the test that asks.
  init(named name: String, _ changes: [String: ParameterValue] = [:], memoryByteCount: Int = 14 << 20) {
    guard let entry = engineEntry(named: name) else {
      preconditionFailure("Engine '\(name)' is in the catalogue.")
    }
    self.init(entry, changes, memoryByteCount: memoryByteCount)
  }

  /// Every engine that can be opened here, at its defaults.
  static let defaults: [Candidate] =
    engineCatalogue.filter { $0.descriptor.absentBecause == nil }.map { Candidate($0) }

  /// Settings that reach more code: many small segments and windows, fences, values that span blocks.
  static let variants: [Candidate] = [
    Candidate(
      named: "append-log",
      ["segment_bytes": .integer(8_192), "buffer_bytes": .integer(4_096), "read_bytes": .integer(4_096)],
      memoryByteCount: 1 << 20),
    Candidate(named: "sorted-file", ["fence": .text("pinned")]),
    Candidate(
      named: "sorted-file", ["block_bytes": .integer(16_384), "transfer_bytes": .integer(4_096)],
      memoryByteCount: 1 << 20),
  ]

  static let all: [Candidate] = defaults + variants

  /// Those that keep what they are given on a device through a volume.
  static let durable: [Candidate] = all.filter { $0.entry.descriptor.name != "null" }
}

/// A device with an engine on it.
final class Bench {
  let candidate: Candidate
  let memory: MemoryDevice
  let counting: CountingDevice
  let device: any BlockDevice
  let seed: UInt64
  private(set) var budget: MemoryBudget
  private(set) var channel: IOChannel
  private(set) var engine: (any Engine)?
  var syncEveryCommits = 0
  /// Put between the engine and the test: canaries.
  var disguise: (any Engine) -> any Engine = { $0 }

  /// A bench around `memory`, whose calls pass `wrap` first.
  init(
    _ candidate: Candidate, seed: UInt64, memory: MemoryDevice? = nil, capacityByteCount: UInt64 = 256 << 20,
    wrap: (any BlockDevice) -> any BlockDevice = { $0 }
  ) {
    self.candidate = candidate
    self.seed = seed
    self.memory = memory ?? MemoryDevice(capacityByteCount: capacityByteCount)
    counting = CountingDevice(base: self.memory)
    device = wrap(counting)
    budget = MemoryBudget(limitByteCount: candidate.memoryByteCount)
    channel = IOChannel(device: device, pool: self.memory.pool)
  }

  /// Opens the engine, with a channel and a budget of its own.
  @discardableResult
  func open(creates: Bool) throws(EngineError) -> any Engine {
    engine = nil
    budget = MemoryBudget(limitByteCount: candidate.memoryByteCount)
    channel = IOChannel(device: device, pool: memory.pool)
    let environment = EngineEnvironment(
      channel: channel, budget: budget, seed: seed, creates: creates, syncEveryCommits: syncEveryCommits)
    let opened = disguise(try candidate.entry.open(environment, candidate.parameters))
    engine = opened
    return opened
  }

  /// Forgets the engine without closing it: what a crash of the process does.
  func abandon() { engine = nil }
}
