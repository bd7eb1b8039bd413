// Goal: what a sorted batch needs and does not find in memory is in flight together, not one after the other.
// Method: a device that notes how many transfers each call hands it: by the device contract all of a call are in flight at once.

import Accounting
import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

/// Notes the transfers of each call that reads.
private final class DepthDevice: BlockDevice {
  private let base: MemoryDevice
  private(set) var depths: [Int] = []

  init(_ base: MemoryDevice) { self.base = base }

  var transferUnitByteCount: Int { base.transferUnitByteCount }
  var capacityByteCount: UInt64 { base.capacityByteCount }

  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    if !batch.containsWrites { depths.append(batch.transfers.count) }
    try base.submit(&batch)
  }

  func control(_ operation: ControlOperation) throws(StorageError) { try base.control(operation) }

  func forget() { depths.removeAll() }
}

@Suite struct BatchDepthTests {
  /// A tree of two levels above its leaves, nothing of it in memory; no two of its leaves with a key ≡ 0 (mod 140) are neighbours.
  private func cold() throws -> (engine: BTreeEngine, device: DepthDevice) {
    let memory = MemoryDevice(capacityByteCount: 64 << 20)
    let device = DepthDevice(memory)
    let engine = try BTreeEngine.open(
      EngineEnvironment(
        channel: IOChannel(device: device, pool: memory.pool),
        budget: MemoryBudget(limitByteCount: 32 << 20), seed: 1, creates: true, syncEveryCommits: 0),
      parameters: Bench.entry().defaultParameters)
    for start in stride(from: 0, to: 28_000, by: 1_000) {
      var batch = WriteBatch()
      for number in start..<(start + 1_000) { batch.put(key(number), [UInt8](repeating: 1, count: 100)) }
      try engine.apply(batch, sync: false)
    }
    try engine.settle()
    try engine.dropCache()
    #expect(engine.forest.main.height == 2)
    device.forget()
    return (engine, device)
  }

  @Test func theLeavesOfAGetBatchAreInFlightTogether() throws {
    let (engine, device) = try cold()
    var reads = ReadBatch()
    for number in 0..<200 { reads.append(key(number * 140)) }
    var found = 0
    try engine.getBatch(reads) { _, _ in found += 1 }
    #expect(found == 200)
    // The root alone, the level below it together, all leaves together.
    #expect(device.depths.count <= 4, "\(device.depths)")
    #expect(device.depths.max() == 200, "\(device.depths)")
  }

  @Test func theLeavesOfASortedWriteBatchAreInFlightTogether() throws {
    let (engine, device) = try cold()
    var batch = WriteBatch()
    for number in 0..<200 { batch.put(key(number * 140), [UInt8](repeating: 2, count: 100)) }
    try engine.apply(batch, sync: false)
    // Up to 64 pages are asked for at once.
    #expect((device.depths.max() ?? 0) >= 60, "\(device.depths)")
    #expect(device.depths.filter { $0 < 8 }.count <= 6, "\(device.depths)")
    try engine.verify()
  }

  /// One after the other, the same keys are as many calls.
  @Test func singleGetsAreTheCanary() throws {
    let (engine, device) = try cold()
    for number in 0..<200 { _ = try engine.value(for: key(number * 140)) }
    #expect(device.depths.max() == 1 && device.depths.count >= 200)
  }
}
