// Goal: a device that ran full shuts nobody out. Whenever the power goes, what was acknowledged is there after reopening, with the
// memory and on the device it was acknowledged with; and the engine then takes deletes until there is room to write again.
// Method: small devices of every capacity, unit by unit, filled with values of several sizes until batches are refused; around
// each refusal a crash after every call that writes or syncs, reopened and compared with the model; then every key is deleted
// alone, each delete synced and crashed and reopened now and then, and something is put again. Seeds are in the names.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Storage
import Testing

/// A life on a device that runs full.
private struct FullLife {
  let candidate: Candidate
  let unitCount: Int
  let seed: UInt64
  let largestValueByteCount: Int
  private let memory: MemoryDevice
  private let taker: ImageTaker
  private var keys: [[UInt8]] = []
  private(set) var imageCount = 0
  private(set) var refusalCount = 0
  private(set) var problem: String?
  private var counter = 0

  init(_ candidate: Candidate, unitCount: Int, seed: UInt64, largestValueByteCount: Int) {
    self.candidate = candidate
    self.unitCount = unitCount
    self.seed = seed
    self.largestValueByteCount = largestValueByteCount
    memory = MemoryDevice(capacityByteCount: UInt64(unitCount * 4_096), transferUnitByteCount: 4_096)
    taker = ImageTaker(memory)
  }

  /// A device with room for many nodes.
  private var roomyUnitCount: Int {
    let node = max(candidate.byteCount("node_bytes"), candidate.byteCount("page_bytes"))
    return 80 + 16 * node / 4_096
  }

  private mutating func next(_ bound: Int) -> Int {
    counter += 1
    return Int(mixed(seed, counter) % UInt64(bound))
  }

  private func open(_ device: any BlockDevice, _ pool: FramePool, creates: Bool) throws(EngineError)
    -> any Engine
  {
    try candidate.entry.open(
      EngineEnvironment(
        channel: IOChannel(device: device, pool: pool),
        budget: MemoryBudget(limitByteCount: candidate.memoryByteCount), seed: 1, creates: creates,
        syncEveryCommits: 1), candidate.parameters)
  }

  private mutating func fill(_ batch: inout WriteBatch) {
    let count = next(4) == 0 ? 3 : 1
    for _ in 0..<count {
      let key = [UInt8]("key \(next(40))".utf8)
      let byteCount = next(3) == 0 ? next(largestValueByteCount) : next(400)
      let value = [UInt8](repeating: UInt8(next(256)), count: byteCount)
      switch next(16) {
      case 0: batch.append(key, [1, 2, UInt8(next(256))])
      case 1: batch.patch(key, offset: UInt32(next(1 + largestValueByteCount / 2)), [7, 8, 9])
      case 2: batch.delete(key)
      case 3: batch.deleteRange([UInt8]("key 2".utf8), [UInt8]("key 21".utf8))
      default: batch.put(key, value)
      }
    }
  }

  /// Lives until `refusals` batches were refused, or some hundred were taken.
  mutating func run(batchCount: Int, refusals: Int) {
    var state = ReferenceState()
    var engine: any Engine
    do throws(EngineError) {
      engine = try open(taker, memory.pool, creates: true)
    } catch {
      // Too small for an empty tree.
      return
    }
    let limits = engine.limits
    var number = 0
    while number < batchCount, refusalCount < refusals, problem == nil {
      number += 1
      var batch = WriteBatch()
      fill(&batch)
      var after = state
      after.apply(batch, limits: limits)
      taker.begin()
      var isRefused = false
      do throws(EngineError) {
        try engine.apply(batch, sync: true)
      } catch {
        isRefused = true
        guard case .storage(let error) = error, case .noSpace = error else {
          if case .storage(.poisoned) = error {
          } else {
            problem = "batch \(number) is refused with \(error)"
            return
          }
          // A commit that could not become durable: reopening decides.
          do throws(EngineError) {
            engine = try open(taker, memory.pool, creates: false)
            let hash = try engine.stateHash()
            if hash == after.stateHash { state = after }
            if hash != state.stateHash { problem = "batch \(number): reopened to neither state" }
          } catch {
            problem = "batch \(number): reopening after a refused sync answers \(error)"
          }
          continue
        }
      }
      if isRefused { refusalCount += 1 }
      if isRefused || number % 24 == 0 {
        let images = taker.images
        let step = max(1, images.count / 4)
        for index in stride(from: images.count - 1, through: 0, by: -step) where problem == nil {
          check(images[index], [state, after], deletes: index == images.count - 1, batch: number)
        }
      }
      if !isRefused { state = after }
    }
    if problem == nil { check(memory.clone(), [state], deletes: true, batch: number) }
    _ = engine
  }

  /// Reopens an image, which holds one of the states, and empties it.
  private mutating func check(_ image: MemoryDevice, _ states: [ReferenceState], deletes: Bool, batch: Int) {
    imageCount += 1
    let place =
      "\(candidate.label), \(unitCount) units, seed \(seed), values to \(largestValueByteCount), batch \(batch)"
    var phase = "opening"
    do throws(EngineError) {
      var engine = try open(image, image.pool, creates: false)
      phase = "reading"
      let entries = try engine.entries()
      guard let found = states.first(where: { $0.entries() == entries }) else {
        problem = "\(place): reopened with neither state"
        return
      }
      try engine.verify()
      if !deletes { return }
      for (number, pair) in found.entries().enumerated() {
        var batch = WriteBatch()
        batch.delete(pair.key)
        do throws(EngineError) {
          try engine.apply(batch, sync: true)
        } catch {
          problem = "\(place): delete \(number) of \(found.count) is refused: \(error)"
          return
        }
        if number % 7 == 3 { engine = try open(image, image.pool, creates: false) }
      }
      if try !engine.entries().isEmpty { problem = "\(place): something is left after deleting everything" }
      phase = "putting"
      // On smaller ones what is kept for deletes is most of the device: where free space lies decides about a put.
      if unitCount >= roomyUnitCount { try engine.put([1], [2]) }
      try engine.settle()
      try engine.verify()
      try engine.close()
    } catch {
      problem = "\(place): \(phase): \(error)"
    }
  }
}

extension Candidate {
  /// A parameter in bytes, 0 when the engine has none of this name.
  fileprivate func byteCount(_ name: String) -> Int {
    entry.descriptor.parameters.contains { $0.name == name } ? parameters.integer(name) : 0
  }
}

/// Keeps images of a device after every call that changes it.
private final class ImageTaker: BlockDevice {
  private(set) var images: [MemoryDevice] = []
  private let base: MemoryDevice
  let transferUnitByteCount: Int
  let capacityByteCount: UInt64

  init(_ base: MemoryDevice) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
  }

  func begin() { images = [] }

  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try base.submit(&batch)
    if batch.transfers.contains(where: { $0.direction == .write }) { images.append(base.clone()) }
  }

  func control(_ operation: ControlOperation) throws(StorageError) {
    try base.control(operation)
    images.append(base.clone())
  }
}

/// Draw `index` of a fixed sequence.
private func mixed(_ seed: UInt64, _ index: Int) -> UInt64 {
  var x = seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15
  x = (x ^ (x >> 30)) &* 0xBF58_476D_1CE4_E5B9
  x = (x ^ (x >> 27)) &* 0x94D0_49BB_1331_11EB
  return x ^ (x >> 31)
}

@Suite struct FullDeviceTests {
  static let candidates: [Candidate] = [
    Candidate(
      named: "bepsilon",
      [
        "node_bytes": .integer(4_096), "epsilon": .real(0.5), "log_segment_bytes": .integer(8_192),
        "checkpoint_operations": .integer(20),
      ], memoryByteCount: 512 << 10),
    Candidate(
      named: "bepsilon",
      [
        "node_bytes": .integer(4_096), "epsilon": .real(0.5), "log_segment_bytes": .integer(4_096),
        "buffer_layout": .text("shared"), "flush_policy": .text("all"),
      ], memoryByteCount: 512 << 10),
    Candidate(
      named: "bepsilon",
      [
        "node_bytes": .integer(16_384), "basement_bytes": .integer(4_096), "fanout": .integer(3),
        "log_segment_bytes": .integer(16_384),
      ], memoryByteCount: 512 << 10),
    Candidate(
      named: "bepsilon",
      [
        "node_bytes": .integer(4_096), "epsilon": .real(0.5), "durability": .text("copy-on-write"),
        "flush_policy": .text("all"),
      ], memoryByteCount: 512 << 10),
    Candidate(
      named: "bepsilon",
      [
        "node_bytes": .integer(16_384), "basement_bytes": .integer(4_096), "fanout": .integer(3),
        "durability": .text("copy-on-write"), "pass_through_bytes": .integer(1),
      ], memoryByteCount: 512 << 10),
    Candidate(
      named: "btree", ["commit": .text("log"), "log_segment_bytes": .integer(8_192)],
      memoryByteCount: 512 << 10),
    Candidate(
      named: "btree",
      [
        "commit": .text("log"), "log_segment_bytes": .integer(4_096), "page_bytes": .integer(8_192),
        "checkpoint_operations": .integer(30),
      ], memoryByteCount: 1 << 20),
  ]

  /// Capacities in units, from too few upward.
  private static let capacities = Array(stride(from: 20, through: 160, by: 4))

  @Test(arguments: candidates, [700, 12_000])
  func aFullDeviceIsReopenedAndEmptied(candidate: Candidate, largest: Int) {
    var (images, refusals) = (0, 0)
    for unitCount in Self.capacities.map({ $0 + largest % 3 }) {
      var life = FullLife(
        candidate, unitCount: unitCount, seed: 7 &+ UInt64(unitCount), largestValueByteCount: largest)
      life.run(batchCount: 300, refusals: 4)
      #expect(life.problem == nil, "\(life.problem ?? "")")
      images += life.imageCount
      refusals += life.refusalCount
    }
    #expect(images > 60)
    #expect(refusals > 20)
  }
}
