// The common head of every block of a volume, engines' and our own, and the checksum that ties a block to its place.
//
//   offset  size  meaning
//        0     4  CRC-32C of the whole block with this field zero, seeded with (volume id, device offset)
//        4     2  magic 0xB710
//        6     2  block type (below 16 the volume's, from 16 on the engine's)
//        8     4  payload bytes used
//       12     1  level as in the ledger: 0 none, otherwise the level number plus one
//       13     1  zero
//       14     2  birth: the engine's number of this write, for the pointer that leads here; 0 when it keeps none
//       16     …  payload, then zeros to the end of the block
//
// The seed makes a block valid at one place of one volume only: a misdirected read or write, a block of another
// volume and a block moved by hand are all caught as wrong checksums. What the seed cannot catch is a lost write
// (the older block of the same place): whoever points to a block tells it by what the pointer says of it. The volume's own
// structures keep the checksum there, an engine may keep the birth.
//
// Invariants
// 1. A block is a whole number of transfer units, at a multiple of the transfer unit. An extent may hold several.
// 2. No byte of a block enters memory as valid before its checksum was verified; every verification is counted.

import Accounting
import Primitives

/// A verified block in memory. The frame may be shared with the device: it is read, never changed.
public struct VolumeBlock {
  /// The number of bytes before the payload.
  public static let headerByteCount = 16

  /// Holds the block from `frameOffset` on.
  public let frame: Frame
  /// Where in the frame the block begins.
  public let frameOffset: Int
  /// The whole block, header included, in bytes.
  public let byteCount: Int
  /// What the block is.
  public let type: BlockType
  /// The level its writer gave it.
  public let level: Level
  /// The payload bytes its writer used.
  public let payloadByteCount: Int
  /// Its writer's number of this write, 0 when it gave none.
  public internal(set) var birth: UInt16 = 0

  /// What is wrong with the block that a pointer with this birth led to, nil when it is the one that was meant.
  public func problem(ofBirth expected: UInt16) -> String? {
    if birth == expected { return nil }
    return "its birth is \(birth), the pointer to it says \(expected): a write to this place was lost"
  }

  /// Holds the block against the birth that the pointer to it says.
  ///
  /// - Throws: `.corrupted` when another write put it there.
  public func requireBirth(
    _ expected: UInt16, structure: String, at offset: UInt64
  ) throws(StorageError) {
    if birth == expected { return }
    throw .corrupted(structure: structure, offset: offset, detail: problem(ofBirth: expected) ?? "")
  }

  /// The block's checksum, as its header says.
  public var checksum: UInt32 {
    UInt32(littleEndian: (frame.pointer + frameOffset).loadUnaligned(as: UInt32.self))
  }

  /// The used part of the payload; valid while the frame is held.
  public var payload: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: frame.pointer + frameOffset + Self.headerByteCount, count: payloadByteCount)
  }
}

/// One block to be written: the caller has filled the payload, `Volume.writeBlocks` fills the header unless it is filled.
public struct BlockWrite {
  /// Where it goes; a whole extent or an aligned part of one.
  public var extent: Extent
  /// Holds the block, header space included, from `frameOffset` on; bytes after the payload are zero.
  public var frame: Frame
  /// Where in the frame the block begins.
  public var frameOffset: Int
  /// What the block is.
  public var type: BlockType
  /// Payload bytes used.
  public var payloadByteCount: Int
  /// Why it is written.
  public var cause: Cause
  /// The level it belongs to.
  public var level: Level
  /// Whether `Volume.seal` filled the header, for this place, after the last change of the payload.
  public var isSealed: Bool
  /// The number of this write, which the pointer to the block says too: another one found there is a lost write's.
  public var birth: UInt16

  /// A block to be written.
  public init(
    extent: Extent, frame: Frame, frameOffset: Int = 0, type: BlockType, payloadByteCount: Int, cause: Cause,
    level: Level = .none, birth: UInt16 = 0, isSealed: Bool = false
  ) {
    self.extent = extent
    self.frame = frame
    self.frameOffset = frameOffset
    self.type = type
    self.payloadByteCount = payloadByteCount
    self.cause = cause
    self.level = level
    self.isSealed = isSealed
    self.birth = birth
  }
}

/// Checksums of blocks, superblocks and log records.
enum VolumeChecksum {
  /// CRC-32C of three numbers, the seed of a checksum.
  static func seed(_ first: UInt64, _ second: UInt64, _ third: UInt64 = 0) -> UInt32 {
    withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { bytes in
      let image = ImageWriter(bytes)
      image.store(first, at: 0)
      image.store(second, at: 8)
      image.store(third, at: 16)
      return CRC32C.of(UnsafeRawBufferPointer(bytes))
    }
  }

  /// The checksum of an image whose 4 bytes at `fieldOffset` hold the checksum and count as zero.
  static func checksum(of bytes: UnsafeRawBufferPointer, skipping fieldOffset: Int, seed: UInt32) -> UInt32 {
    let zero: UInt32 = 0
    var crc = CRC32C.of(UnsafeRawBufferPointer(rebasing: bytes[..<fieldOffset]), seed: seed)
    crc = withUnsafeBytes(of: zero) { CRC32C.of($0, seed: crc) }
    return CRC32C.of(UnsafeRawBufferPointer(rebasing: bytes[(fieldOffset + 4)...]), seed: crc)
  }
}

/// The block header's codec.
enum BlockHeader {
  static let magic: UInt16 = 0xB710

  /// Fills the header of a block whose payload is complete.
  ///
  /// - Returns: the checksum.
  @discardableResult
  static func seal(
    _ bytes: UnsafeMutableRawBufferPointer, volumeID: UInt64, offset: UInt64, type: BlockType,
    payloadByteCount: Int, level: Level, birth: UInt16 = 0
  ) -> UInt32 {
    precondition(
      payloadByteCount >= 0 && payloadByteCount <= bytes.count - VolumeBlock.headerByteCount,
      "A block's payload fits between its header and its end.")
    let image = ImageWriter(bytes)
    image.store(UInt32(0), at: 0)
    image.store(magic, at: 4)
    image.store(type.rawValue, at: 6)
    image.store(UInt32(payloadByteCount), at: 8)
    image.store(UInt32(level.rawValue) | UInt32(birth) << 16, at: 12)
    // The field is zero now, so the sum of all bytes is the one that skips it.
    let crc = CRC32C.of(UnsafeRawBufferPointer(bytes), seed: VolumeChecksum.seed(volumeID, offset))
    image.store(crc, at: 0)
    return crc
  }

  /// Checks a block and decodes its header.
  static func verify(
    _ bytes: UnsafeRawBufferPointer, volumeID: UInt64, offset: UInt64, type: BlockType
  ) throws(StorageError) -> (level: Level, payloadByteCount: Int, birth: UInt16) {
    let image = ImageReader(bytes)
    let stored = image.load(UInt32.self, at: 0)
    let computed = VolumeChecksum.checksum(
      of: bytes, skipping: 0, seed: VolumeChecksum.seed(volumeID, offset))
    guard stored == computed else {
      throw .corrupted(
        structure: type.description, offset: offset,
        detail: "its checksum is \(stored), its bytes at this place give \(computed)")
    }
    let foundMagic = image.load(UInt16.self, at: 4)
    guard foundMagic == magic else {
      throw .corrupted(
        structure: type.description, offset: offset,
        detail: "it begins with \(foundMagic), not with a block's magic")
    }
    let found = BlockType(rawValue: image.load(UInt16.self, at: 6))
    guard found == type else {
      throw .corrupted(structure: type.description, offset: offset, detail: "here lies a \(found)")
    }
    let count = Int(image.load(UInt32.self, at: 8))
    guard count <= bytes.count - VolumeBlock.headerByteCount else {
      throw .corrupted(
        structure: type.description, offset: offset,
        detail: "its payload of \(count) bytes does not fit into \(bytes.count) bytes")
    }
    return (Level(rawValue: image.load(UInt8.self, at: 12)), count, image.load(UInt16.self, at: 14))
  }
}
