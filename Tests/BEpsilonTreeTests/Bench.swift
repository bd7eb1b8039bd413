// One Bε-tree on one memory device, for the tests of this target.

import Accounting
import EngineCatalogue
import KeyValue
import Storage

@testable import BEpsilonTree

/// A device with a Bε-tree on it.
struct Bench {
  var memory: MemoryDevice
  var channel: IOChannel
  var engine: BEpsilonTreeEngine

  static func entry() -> EngineEntry {
    guard let entry = engineEntry(named: "bepsilon") else {
      preconditionFailure("The Bε-tree is in the catalogue.")
    }
    return entry
  }

  init(_ changes: [String: ParameterValue] = [:], memoryByteCount: Int = 16 << 20) throws {
    memory = MemoryDevice(capacityByteCount: 1 << 30)
    channel = IOChannel(device: memory, pool: memory.pool)
    engine = try Self.open(channel, changes, memoryByteCount, creates: true)
  }

  static func open(
    _ channel: IOChannel, _ changes: [String: ParameterValue], _ memoryByteCount: Int, creates: Bool
  ) throws -> BEpsilonTreeEngine {
    var parameters = entry().defaultParameters
    for (name, value) in changes { parameters[name] = value }
    return try BEpsilonTreeEngine.open(
      EngineEnvironment(
        channel: channel, budget: MemoryBudget(limitByteCount: memoryByteCount), seed: 1, creates: creates,
        syncEveryCommits: 0),
      parameters: parameters)
  }

  func statistic(_ name: String) -> UInt64 {
    engine.statistics().first { $0.name == name }?.value ?? 0
  }

  /// Checks the whole tree and gives what it measured.
  func measure() throws -> TreeMeasure { try TreeChecker(engine.table).check() }
}

/// The bytes of a number, most significant first: keys in numeric order.
func key(_ number: Int, byteCount: Int = 16) -> [UInt8] {
  (0..<byteCount).map { index in
    let shift = 8 * (byteCount - 1 - index)
    return shift < 64 ? UInt8(truncatingIfNeeded: UInt64(number) >> UInt64(shift)) : 0
  }
}

/// Draw `index` of a fixed sequence.
func draw(_ seed: UInt64, _ index: Int) -> UInt64 {
  var x = seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
  x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
  x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
  return x ^ (x >> 31)
}
