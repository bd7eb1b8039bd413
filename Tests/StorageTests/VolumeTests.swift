// Goal: a volume gives back exactly the last durable state, and a log exactly what was synced.
// Method: small volumes on a memory device, closed and opened again; invariants of the space are checked after every
// step.

import Accounting
import Primitives
import Testing

@testable import Storage

/// A volume on a memory device that can be opened again.
struct VolumeWorld {
  let device: any BlockDevice
  let budget = MemoryBudget(limitByteCount: 64 << 20)
  var configuration = VolumeConfiguration(engineTag: "test", seed: 7)

  init(capacityByteCount: UInt64 = 1 << 20, transferUnitByteCount: Int = 512) {
    device = MemoryDevice(
      capacityByteCount: capacityByteCount, transferUnitByteCount: transferUnitByteCount,
      guardsSharedFrames: true)
  }

  init(device: any BlockDevice) { self.device = device }

  func create() throws -> Volume {
    try Volume.create(channel: IOChannel(device: device), budget: budget, configuration: configuration)
  }

  func open() throws -> Volume {
    try Volume.open(channel: IOChannel(device: device), budget: budget, configuration: configuration)
  }
}

/// Writes a block whose payload is `text`.
func write(_ text: String, to extent: Extent, of volume: Volume) throws {
  let frame = volume.makeFrame(byteCount: extent.byteCount)
  let bytes = Array(text.utf8)
  for (index, byte) in bytes.enumerated() {
    frame.pointer.storeBytes(of: byte, toByteOffset: VolumeBlock.headerByteCount + index, as: UInt8.self)
  }
  try volume.writeBlocks([
    BlockWrite(extent: extent, frame: frame, type: .engine(0), payloadByteCount: bytes.count, cause: .leaf)
  ])
}

/// The text of a block.
func readText(_ extent: Extent, of volume: Volume) throws -> String {
  let block = try volume.readBlock(extent, type: .engine(0), cause: .leaf)
  return String(decoding: block.payload, as: UTF8.self)
}

@Suite struct VolumeTests {
  @Test func aCommittedRootAndBlockComeBack() throws {
    let world = VolumeWorld()
    let volume = try world.create()
    var transaction = try volume.beginTransaction()
    let extent = try transaction.allocate(byteCount: 1_000)
    try write("hello", to: extent, of: volume)
    transaction.setRoot([1, 2, 3])
    try transaction.commit(durable: true)
    volume.close()
    let reopened = try world.open()
    #expect(reopened.root == [1, 2, 3])
    #expect(try readText(extent, of: reopened) == "hello")
    reopened.close()
    #expect(world.budget.heldByteCount == 0)
  }

  @Test func aLogComesBackAndGoesOn() throws {
    let world = VolumeWorld()
    var expected: [[UInt8]] = []
    for session in 0..<5 {
      let volume = session == 0 ? try world.create() : try world.open()
      let log = try volume.openLog(
        0, configuration: VolumeLogConfiguration(segmentByteCount: 2_048, bufferByteCount: 1_024))
      var found: [[UInt8]] = []
      _ = try log.replay { _, payload in
        found.append(Array(payload))
        return true
      }
      #expect(found == expected)
      for index in 0..<30 {
        let record = [UInt8](repeating: UInt8(session * 30 + index), count: index * 7)
        try log.append(record)
        expected.append(record)
      }
      try log.sync()
      volume.close()
    }
  }
}
