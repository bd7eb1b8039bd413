// One B-tree on one memory device, for the tests of this target.

import Accounting
import BTree
import EngineCatalogue
import KeyValue
import Storage

/// A device with a B-tree on it.
struct Bench {
  var memory: MemoryDevice
  var engine: BTreeEngine

  static func entry() -> EngineEntry {
    guard let entry = engineEntry(named: "btree") else {
      preconditionFailure("The B-tree is in the catalogue.")
    }
    return entry
  }

  init(_ changes: [String: ParameterValue] = [:], memoryByteCount: Int = 16 << 20) throws {
    memory = MemoryDevice(capacityByteCount: 256 << 20)
    engine = try Self.open(memory, changes, memoryByteCount, creates: true)
  }

  static func open(
    _ memory: MemoryDevice, _ changes: [String: ParameterValue], _ memoryByteCount: Int, creates: Bool
  ) throws -> BTreeEngine {
    var parameters = entry().defaultParameters
    for (name, value) in changes { parameters[name] = value }
    return try BTreeEngine.open(
      EngineEnvironment(
        channel: IOChannel(device: memory, pool: memory.pool),
        budget: MemoryBudget(limitByteCount: memoryByteCount), seed: 1, creates: creates, syncEveryCommits: 0),
      parameters: parameters)
  }

  func statistic(_ name: String) -> UInt64 {
    engine.statistics().first { $0.name == name }?.value ?? 0
  }
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

extension BTreeEngine {
  /// A hash of the engine's own keys and of all buckets, their names and contents.
  func answers() throws -> UInt64 {
    var hash = StateHash()
    func add(_ number: UInt64) { withUnsafeBytes(of: number.littleEndian) { hash.add($0) } }
    add(try stateHash())
    for name in try bucketNames() {
      name.withUnsafeBytes { hash.add($0) }
      add(try bucket(name)?.stateHash() ?? 0)
    }
    return hash.value
  }
}
