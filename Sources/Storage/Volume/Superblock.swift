// The superblock: the one block that says which state of the volume is the durable one.
//
//   unit 0   superblock of even epochs   ┐ the valid one with the higher epoch is the volume
//   unit 1   superblock of odd epochs    ┘
//
//   offset  size  meaning (little-endian)
//        0     8  magic "BETULAVO"
//        8     4  CRC-32C of the whole unit with this field zero, seeded with (slot, magic)
//       12     4  format version, 1
//       16     8  volume id
//       24     4  transfer unit, bytes
//       28     4  zero
//       32     8  capacity, units
//       40     8  epoch; its parity is the slot
//       48     8  used end: no unit from here on was ever allocated
//       56     8  space map index: first unit
//       64     4                   units
//       68     4                   checksum of the block
//       72     8  epoch of the checkpoint that wrote the space map: the pending log's generation
//       80     8  pending log: first unit
//       88     4               units
//       92     4               units that hold records
//       96     8  node directory root: first unit, 0 for none
//      104     4                       checksum of the page
//      108     4                       height: 0 none, 1 a single page …
//      112     8  node ids ever given out
//      120    32  log 0: segment list first unit 8 (0 for none), units 4, checksum 4, start position 8, durable
//                 position 8
//      152    32  log 1
//      184    16  engine tag, ASCII, zero-padded
//      200     2  bytes of the engine root
//      202     6  zero
//      208   256  engine root, zero-padded
//      464     …  zeros to the end of the unit
//
// Invariants
// 1. A superblock is written after everything it points to was synced, and synced before anything it no longer points
//    to is overwritten.
// 2. Both slots describe intact states: what the older one points to is reused only after it was replaced.
// 3. A slot that is torn, stale garbage or flipped in any bit is invalid as a whole.

import Primitives

/// Where a log's segment list lies and which positions count.
struct LogRoot: Equatable {
  var listStartUnit = 0
  var listUnitCount = 0
  var listChecksum: UInt32 = 0
  var startPosition: UInt64 = 0
  var durablePosition: UInt64 = 0
}

/// A decoded superblock.
struct Superblock: Equatable {
  static let magic: UInt64 = 0x4F56_414C_5554_4542  // "BETULAVO" read as a little-endian number
  static let formatVersion: UInt32 = 1
  static let rootCapacityByteCount = 256
  static let logCount = 2
  static let usedByteCount = 464

  var volumeID: UInt64 = 0
  var transferUnitByteCount = 0
  var capacityUnitCount = 0
  var epoch: UInt64 = 0
  var usedEndUnit = 0
  var mapStartUnit = 0
  var mapUnitCount = 0
  var mapChecksum: UInt32 = 0
  var mapEpoch: UInt64 = 0
  var pendingStartUnit = 0
  var pendingUnitCount = 0
  var pendingUsedUnitCount = 0
  var directoryRootUnit = 0
  var directoryChecksum: UInt32 = 0
  var directoryHeight = 0
  var directoryIDCount = 0
  var logs = [LogRoot](repeating: LogRoot(), count: logCount)
  var engineTag = ""
  var root: [UInt8] = []

  /// Writes the image of this superblock over a whole unit.
  func encode(into bytes: UnsafeMutableRawBufferPointer) {
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let image = ImageWriter(bytes)
    image.store(Self.magic, at: 0)
    image.store(Self.formatVersion, at: 12)
    image.store(volumeID, at: 16)
    image.store(UInt32(transferUnitByteCount), at: 24)
    image.store(UInt64(capacityUnitCount), at: 32)
    image.store(epoch, at: 40)
    image.store(UInt64(usedEndUnit), at: 48)
    image.store(UInt64(mapStartUnit), at: 56)
    image.store(UInt32(mapUnitCount), at: 64)
    image.store(mapChecksum, at: 68)
    image.store(mapEpoch, at: 72)
    image.store(UInt64(pendingStartUnit), at: 80)
    image.store(UInt32(pendingUnitCount), at: 88)
    image.store(UInt32(pendingUsedUnitCount), at: 92)
    image.store(UInt64(directoryRootUnit), at: 96)
    image.store(directoryChecksum, at: 104)
    image.store(UInt32(directoryHeight), at: 108)
    image.store(UInt64(directoryIDCount), at: 112)
    for (index, log) in logs.enumerated() {
      let offset = 120 + 32 * index
      image.store(UInt64(log.listStartUnit), at: offset)
      image.store(UInt32(log.listUnitCount), at: offset + 8)
      image.store(log.listChecksum, at: offset + 12)
      image.store(log.startPosition, at: offset + 16)
      image.store(log.durablePosition, at: offset + 24)
    }
    image.store(engineTag.utf8, at: 184)
    image.store(UInt16(root.count), at: 200)
    image.store(root, at: 208)
    image.store(Self.checksum(UnsafeRawBufferPointer(bytes), slot: epoch & 1), at: 8)
  }

  static func checksum(_ bytes: UnsafeRawBufferPointer, slot: UInt64) -> UInt32 {
    VolumeChecksum.checksum(of: bytes, skipping: 8, seed: VolumeChecksum.seed(slot, magic))
  }

  /// Decodes and checks the unit of one slot against the device it was read from.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, slot: UInt64, deviceCapacityByteCount: UInt64
  ) throws(StorageError) -> Superblock {
    let offset = slot * UInt64(bytes.count)
    func bad(_ detail: String) -> StorageError {
      .corrupted(structure: "superblock", offset: offset, detail: detail)
    }
    let image = ImageReader(bytes)
    guard bytes.count >= 512 else { throw bad("a superblock needs 512 bytes, the unit has \(bytes.count)") }
    guard image.load(UInt64.self, at: 0) == magic else {
      throw bad("it does not begin with the volume magic")
    }
    guard image.load(UInt32.self, at: 8) == checksum(bytes, slot: slot) else {
      throw bad("its checksum is wrong")
    }
    let version = image.load(UInt32.self, at: 12)
    guard version == formatVersion else { throw bad("format version \(version) is not \(formatVersion)") }
    var result = Superblock()
    result.volumeID = image.load(UInt64.self, at: 16)
    result.transferUnitByteCount = Int(image.load(UInt32.self, at: 24))
    guard result.transferUnitByteCount == bytes.count else {
      throw bad("its transfer unit is \(result.transferUnitByteCount) bytes, the device's is \(bytes.count)")
    }
    let capacity = image.load(UInt64.self, at: 32)
    guard capacity >= 2, capacity <= deviceCapacityByteCount / UInt64(bytes.count) else {
      throw bad("its capacity of \(capacity) units exceeds the device")
    }
    result.capacityUnitCount = Int(capacity)
    result.epoch = image.load(UInt64.self, at: 40)
    guard result.epoch & 1 == slot, result.epoch < 1 << 62 else {
      throw bad("epoch \(result.epoch) does not belong into slot \(slot)")
    }
    /// A region that must lie inside the volume, behind the superblocks.
    func region(_ what: String, start: UInt64, count: UInt64) throws(StorageError) -> (Int, Int) {
      guard start >= 2, count >= 1, start < capacity, count <= capacity - start else {
        throw bad("its \(what) at unit \(start) with \(count) units is not inside the volume")
      }
      return (Int(start), Int(count))
    }
    let usedEnd = image.load(UInt64.self, at: 48)
    guard usedEnd >= 2, usedEnd <= capacity else {
      throw bad("its used end is unit \(usedEnd) of \(capacity)")
    }
    result.usedEndUnit = Int(usedEnd)
    (result.mapStartUnit, result.mapUnitCount) = try region(
      "space map", start: image.load(UInt64.self, at: 56), count: UInt64(image.load(UInt32.self, at: 64)))
    result.mapChecksum = image.load(UInt32.self, at: 68)
    result.mapEpoch = image.load(UInt64.self, at: 72)
    guard result.mapEpoch <= result.epoch else { throw bad("its space map is of a later epoch") }
    (result.pendingStartUnit, result.pendingUnitCount) = try region(
      "pending log", start: image.load(UInt64.self, at: 80), count: UInt64(image.load(UInt32.self, at: 88)))
    result.pendingUsedUnitCount = Int(image.load(UInt32.self, at: 92))
    guard result.pendingUsedUnitCount <= result.pendingUnitCount else {
      throw bad("its pending log uses \(result.pendingUsedUnitCount) of \(result.pendingUnitCount) units")
    }
    result.directoryHeight = Int(image.load(UInt32.self, at: 108))
    result.directoryChecksum = image.load(UInt32.self, at: 104)
    let idCount = image.load(UInt64.self, at: 112)
    let directoryUnit = image.load(UInt64.self, at: 96)
    guard result.directoryHeight <= 8, idCount < 1 << 40 else {
      throw bad("its node directory is impossible")
    }
    result.directoryIDCount = Int(idCount)
    if result.directoryHeight > 0 {
      (result.directoryRootUnit, _) = try region("node directory", start: directoryUnit, count: 1)
    } else if directoryUnit != 0 || idCount != 0 {
      throw bad("it has node ids but no node directory")
    }
    for index in 0..<logCount {
      let at = 120 + 32 * index
      var log = LogRoot()
      let start = image.load(UInt64.self, at: at)
      if start != 0 {
        (log.listStartUnit, log.listUnitCount) = try region(
          "log \(index)", start: start, count: UInt64(image.load(UInt32.self, at: at + 8)))
      }
      log.listChecksum = image.load(UInt32.self, at: at + 12)
      log.startPosition = image.load(UInt64.self, at: at + 16)
      log.durablePosition = image.load(UInt64.self, at: at + 24)
      guard log.startPosition <= log.durablePosition, log.durablePosition < 1 << 62 else {
        throw bad("log \(index) begins at \(log.startPosition) and is durable to \(log.durablePosition)")
      }
      result.logs[index] = log
    }
    var tag: [UInt8] = []
    for position in 184..<200 {
      let byte = image.load(UInt8.self, at: position)
      if byte == 0 { break }
      guard byte > 32, byte < 127 else { throw bad("its engine tag is not printable") }
      tag.append(byte)
    }
    result.engineTag = String(decoding: tag, as: UTF8.self)
    let rootByteCount = Int(image.load(UInt16.self, at: 200))
    guard rootByteCount <= rootCapacityByteCount else { throw bad("its root has \(rootByteCount) bytes") }
    result.root = (0..<rootByteCount).map { image.load(UInt8.self, at: 208 + $0) }
    return result
  }
}
