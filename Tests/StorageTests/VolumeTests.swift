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

  @Test func aBlockSealedBeforeIsTheBlockSealedWhenWritten() throws {
    var contents: [[UInt8]] = []
    for isSealed in [false, true] {
      let device = MemoryDevice(capacityByteCount: 4 << 20)
      let volume = try VolumeWorld(device: device).create()
      var transaction = try volume.beginTransaction()
      let extent = try transaction.allocate(byteCount: 3 * 4_096)
      let frame = volume.makeFrame(byteCount: extent.byteCount)
      for index in 16..<9_000 {
        frame.pointer.storeBytes(
          of: UInt8(truncatingIfNeeded: index &* 7), toByteOffset: index, as: UInt8.self)
      }
      if isSealed {
        // What the head held before does not matter.
        frame.pointer.initializeMemory(as: UInt8.self, repeating: 0x5A, count: VolumeBlock.headerByteCount)
        volume.seal(
          frame.mutableBytes, at: extent.offset, type: .engine(3), payloadByteCount: 8_984, level: .number(2))
      }
      try volume.writeBlocks([
        BlockWrite(
          extent: extent, frame: frame, type: .engine(3), payloadByteCount: 8_984, cause: .leaf,
          level: .number(2),
          isSealed: isSealed)
      ])
      try transaction.commit(durable: true)
      let block = try volume.readBlock(extent, type: .engine(3), cause: .leaf)
      #expect(block.payloadByteCount == 8_984)
      contents.append(device.peek(at: extent.offset, byteCount: extent.byteCount))
      volume.close()
    }
    #expect(contents[0] == contents[1])
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

  @Test func theSameWorkGivesTheSameBytes() throws {
    var hashes: [UInt64] = []
    var ledgers: [IOLedger] = []
    for _ in 0..<2 {
      let device = MemoryDevice(capacityByteCount: 256 << 10, transferUnitByteCount: 512)
      var scenario = try Scenario(device: device, creates: true, seed: 71, session: 1)
      for _ in 0..<60 { try scenario.runStep() }
      scenario.volume.close()
      scenario = try Scenario(device: device, creates: false, seed: 72, session: 2)
      for _ in 0..<60 { try scenario.runStep() }
      hashes.append(device.contentHash())
      ledgers.append(scenario.volume.channel.ledger)
    }
    #expect(hashes[0] == hashes[1])
    #expect(ledgers[0] == ledgers[1])
  }

  @Test func everyByteIsInTheLedgerUnderItsCause() throws {
    let memory = MemoryDevice(capacityByteCount: 256 << 10, transferUnitByteCount: 512)
    let counting = CountingDevice(base: memory)
    let scenario = try Scenario(device: counting, creates: true, seed: 73, session: 1)
    for _ in 0..<80 { try scenario.runStep() }
    let ledger = scenario.volume.channel.ledger
    for direction in Direction.allCases {
      #expect(counting.counts[direction].byteCount == ledger.total(direction).transferredByteCount)
      #expect(counting.counts[direction].operationCount == ledger.total(direction).transferredOperationCount)
    }
    for cause in [Cause.superblock, .spaceMap, .pendingLog, .nodeDirectory, .log, .leaf] {
      #expect(ledger.total(.write, cause).transferredByteCount > 0, "\(cause)")
    }
    let statistics = scenario.volume.statistics
    #expect(ledger.total(.write, Cause.superblock).requestedOperationCount == statistics.durableCommitCount)
    #expect(ledger.total(.sync).transferredOperationCount >= 2 * statistics.durableCommitCount)
  }

  /// A durable commit costs one batch of metadata, a superblock and two syncs; a commit that is not durable nothing.
  @Test func whatACommitCosts() throws {
    let memory = MemoryDevice(capacityByteCount: 4 << 20, transferUnitByteCount: 512)
    let counting = CountingDevice(base: memory)
    let volume = try Volume.create(
      channel: IOChannel(device: counting), budget: MemoryBudget(limitByteCount: 1 << 20),
      configuration: VolumeConfiguration(engineTag: "cost"))
    for round in 0..<10 {
      var transaction = try volume.beginTransaction()
      _ = try transaction.allocate(byteCount: 4_096)
      transaction.setRoot([UInt8(round)])
      var before = counting.counts
      try transaction.commit(durable: false)
      #expect(counting.counts == before)
      transaction = try volume.beginTransaction()
      before = counting.counts
      try transaction.commit(durable: true)
      let delta = counting.counts.subtracting(before)
      #expect(delta[.write].operationCount == 2 && delta[.write].byteCount == 2 * 512)
      #expect(delta[.sync].operationCount == 2 && delta[.read].operationCount == 0)
      // Nothing changed since: nothing is written.
      transaction = try volume.beginTransaction()
      before = counting.counts
      try transaction.commit(durable: true)
      #expect(counting.counts == before)
    }
  }

  /// Many chunks of space map: what is free after reopening is what was free before closing.
  @Test func theFreeExtentsComeBack() throws {
    let seed: UInt64 = 79
    let random = CounterRandom(seed: seed, stream: 1)
    let world = VolumeWorld(capacityByteCount: 12 << 20)
    var volume = try world.create()
    var live: [Extent] = []
    for round in 0..<UInt64(60) {
      var transaction = try volume.beginTransaction()
      for step in 0..<UInt64(60) {
        let draw = round * 1_000 + step
        if random.draw(draw) % 5 < 3 || live.isEmpty {
          let count = 512 * (1 + Int(random.uniform(below: 40, draw, 1)))
          live.append(try transaction.allocate(byteCount: count, near: random.draw(draw, 2) % (12 << 20)))
        } else {
          transaction.free(live.remove(at: Int(random.uniform(below: UInt64(live.count), draw, 3))))
        }
      }
      try transaction.commit(durable: round % 3 == 2)
      #expect(volume.partitionProblem() == nil, "seed \(seed), round \(round)")
      if round % 12 == 11 {
        // Without waiting units the allocator's state is the durable one.
        try volume.checkpoint()
        try volume.publish(.everything, checkpoint: false)
        try volume.publish(.everything, checkpoint: false)
        let before = volume.free.extents
        let accounting = volume.accounting()
        #expect(accounting.deferredByteCount == 0)
        #expect(try volume.verify().isEmpty)
        volume.close()
        volume = try world.open()
        #expect(volume.free.extents == before)
        #expect(volume.accounting() == accounting)
        #expect(volume.inspect().spaceMapChunkCount >= 2)
      }
    }
  }

  /// A run across a border of chunks makes both dirty.
  @Test func anExtentAcrossChunksComesBack() throws {
    let world = VolumeWorld(capacityByteCount: 8 << 20)
    var volume = try world.create()
    // Room in the low units, so that the volume's own blocks do not touch the second chunk.
    var transaction = try volume.beginTransaction()
    let low = try transaction.allocate(byteCount: 512 * 300)
    let large = try transaction.allocate(byteCount: 512 * 5_000)
    transaction.free(low)
    try transaction.commit(durable: true)
    for round in 0..<2 {
      try volume.checkpoint()
      let live = volume.accounting().liveByteCount
      #expect(live == (round == 0 ? UInt64(large.byteCount) : 0))
      #expect(try volume.verify().isEmpty)
      volume.close()
      volume = try world.open()
      #expect(volume.accounting().liveByteCount == live)
      if round == 1 { break }
      transaction = try volume.beginTransaction()
      transaction.free(large)
      try transaction.commit(durable: true)
    }
  }

  /// Nodes under their ids through three levels of directory pages.
  @Test func theDirectoryAgainstAReference() throws {
    let seed: UInt64 = 83
    let random = CounterRandom(seed: seed, stream: 1)
    let world = VolumeWorld(capacityByteCount: 8 << 20)
    var volume = try world.create()
    var reference: [UInt64: Extent] = [:]
    var order: [UInt64] = []
    for round in 0..<UInt64(40) {
      let isKept = round % 7 != 6
      let before = (reference, order)
      var transaction = try volume.beginTransaction()
      for step in 0..<UInt64(120) {
        let draw = round * 1_000 + step
        let kind = random.draw(draw) % 10
        if kind < 7 || order.isEmpty {
          let extent = try transaction.allocate(byteCount: 512)
          let id = try transaction.makeNode(at: extent)
          // The lowest number not in use.
          if reference.count == order.count, step % 10 == 0 {
            #expect(!(0..<id.number).contains { reference[$0 | 1 << 63] == nil })
          }
          #expect(id.isMapped && reference[id.rawValue] == nil)
          reference[id.rawValue] = extent
          order.append(id.rawValue)
        } else {
          let index = Int(random.uniform(below: UInt64(order.count), draw, 1))
          let id = NodeID(rawValue: order[index])
          transaction.free(reference[id.rawValue]!)
          if kind == 7 {
            transaction.removeNode(id)
            reference[id.rawValue] = nil
            order.remove(at: index)
          } else {
            let extent = try transaction.allocate(byteCount: 512)
            transaction.moveNode(id, to: extent)
            reference[id.rawValue] = extent
          }
        }
      }
      if isKept {
        try transaction.commit(durable: round % 3 == 0)
      } else {
        transaction.rollback()
        (reference, order) = before
      }
      #expect(volume.mappedNodeCount == reference.count)
      if round == 20 {
        let snapshot = volume.makeDirectorySnapshot()
        let moved = NodeID(rawValue: order[0])
        let old = reference[order[0]]!
        var change = try volume.beginTransaction()
        let extent = try change.allocate(byteCount: 512)
        change.moveNode(moved, to: extent)
        change.free(old)
        try change.commit(durable: false)
        reference[order[0]] = extent
        #expect(snapshot.extent(of: moved) == old)
        #expect(try volume.resolve(moved) == extent)
      }
      if round % 10 == 9 {
        try volume.checkpoint()
        volume.close()
        volume = try world.open()
      }
      for id in order { #expect(try volume.resolve(NodeID(rawValue: id)) == reference[id]) }
    }
    #expect(volume.superblock.directoryHeight == 3, "\(order.count) nodes")
    #expect(try volume.verify().isEmpty)
    #expect(throws: StorageError.self) { try volume.resolve(.mapped(1 << 40)) }
    #expect(throws: StorageError.self) { try volume.resolve(NodeID(rawValue: 0)) }
    let place = Extent(offset: 5 * 512, byteCount: 1_024)
    #expect(try volume.resolve(.direct(place, transferUnitByteCount: 512)) == place)
    volume.close()
    #expect(world.budget.heldByteCount == 0)
  }
}
