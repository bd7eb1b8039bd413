// Goal: a cascade of flushes holds a bounded set of nodes in memory, whatever the tree's size: those of one path, with a neighbour
// that is merged, and no more bytes than cache and headroom.
// Method: a device that looks at the table of nodes at every transfer, so in the midst of cascades: a cache that is too small
// reads and writes all the time. What is held is counted anew from the nodes. Seeds are in the calls.

import KeyValue
import Primitives
import Storage
import Testing

@testable import BEpsilonTree

/// Calls back at every transfer.
private final class Probe: BlockDevice {
  let base: MemoryDevice
  var look: () -> Void = {}
  init(_ base: MemoryDevice) { self.base = base }
  var transferUnitByteCount: Int { base.transferUnitByteCount }
  var capacityByteCount: UInt64 { base.capacityByteCount }
  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    look()
    try base.submit(&batch)
  }
  func control(_ operation: ControlOperation) throws(StorageError) { try base.control(operation) }
}

@Suite struct CascadeTests {
  static let settings: [Setting] = [
    Setting(
      description: "4 KiB, ε 0, all",
      changes: ["node_bytes": .integer(4_096), "epsilon": .real(0), "flush_policy": .text("all")],
      memoryByteCount: 160 << 10),
    Setting(
      description: "4 KiB, F 4, random, shared",
      changes: [
        "node_bytes": .integer(4_096), "fanout": .integer(4), "flush_policy": .text("random"),
        "buffer_layout": .text("shared"),
      ], memoryByteCount: 160 << 10),
    Setting(
      description: "32 KiB in parts of 4 KiB, F 3, fullest",
      changes: ["node_bytes": .integer(32 << 10), "basement_bytes": .integer(4_096), "fanout": .integer(3)],
      memoryByteCount: 640 << 10),
    Setting(
      description: "4 KiB, ε 1",
      changes: ["node_bytes": .integer(4_096), "epsilon": .real(1), "entry_bytes": .integer(256)],
      memoryByteCount: 160 << 10),
    Setting(
      description: "copy-on-write, 4 KiB, F 4, all",
      changes: [
        "node_bytes": .integer(4_096), "fanout": .integer(4), "flush_policy": .text("all"),
        "durability": .text("copy-on-write"),
      ], memoryByteCount: 160 << 10),
    Setting(
      description: "copy-on-write, 32 KiB in parts of 4 KiB, F 3, passing through",
      changes: [
        "node_bytes": .integer(32 << 10), "basement_bytes": .integer(4_096), "fanout": .integer(3),
        "durability": .text("copy-on-write"), "pass_through_bytes": .integer(1),
      ], memoryByteCount: 640 << 10),
  ]

  @Test(arguments: settings)
  func aCascadeHoldsOnePathAndNoMoreThanCacheAndHeadroom(setting: Setting) throws {
    let memory = MemoryDevice(capacityByteCount: 1 << 30)
    let probe = Probe(memory)
    let engine = try Bench.open(
      IOChannel(device: probe, pool: memory.pool), setting.changes, setting.memoryByteCount, creates: true)
    let table = engine.table
    var (looks, peakBytes, peakPins, deepestLooks, overheld) = (0, 0, 0, 0, 0)
    var pinsBeyondPath = 0
    probe.look = {
      looks += 1
      var (bytes, pins) = (0, 0)
      for node in table.ring {
        bytes += node.memoryByteCount()
        if node.pinCount > 0 { pins += 1 }
      }
      let height = table.shape.height
      if bytes > table.capacityByteCount + table.headroomByteCount { overheld += 1 }
      // The path, and at each level a neighbour at most.
      if pins > 2 * (height + 1) + 1 { pinsBeyondPath += 1 }
      if pins >= 3 { deepestLooks += 1 }
      peakBytes = max(peakBytes, bytes)
      peakPins = max(peakPins, pins)
    }
    for round in 0..<160 {
      var batch = WriteBatch()
      for index in 0..<40 {
        let number = Int(draw(71, round * 40 + index) % 40_000)
        switch (round + index) % 16 {
        case 0: batch.delete(key(number))
        case 1: batch.append(key(number), [1, 2, 3])
        case 2 where index == 2: batch.deleteRange(key(number), key(number + 300))
        default: batch.put(key(number), [UInt8](repeating: UInt8(round), count: 20 + index * 3))
        }
      }
      try engine.apply(batch, sync: false)
    }
    try engine.settle()
    let height = table.shape.height
    #expect(height >= 2 && table.shape.leafByteCount > setting.memoryByteCount)
    #expect(overheld == 0, "\(peakBytes) bytes of \(table.capacityByteCount) + \(table.headroomByteCount)")
    #expect(pinsBeyondPath == 0, "\(peakPins) nodes, the tree is \(height) high")
    // These were cascades: flushes below flushes, with the cache full.
    #expect(deepestLooks > 50, "\(deepestLooks) of \(looks)")
    #expect(peakBytes > table.capacityByteCount, "\(peakBytes): the headroom is needed, and enough")
    try engine.verify()
  }
}
