// The bytes of the append-only log.
//
//   engine root (in the superblock)           segment (one extent)
//   offset size meaning                       ┌──────────────────────────────────────────────┐
//      0    4   format version, 1             │ header, 64 bytes                             │
//      4    4   zero                          │ group │ group │ group │ …                    │
//      8    8   life                          │ free (only in the last segment), ≥ 0 bytes   │
//     16    8   segments                      └──────────────────────────────────────────────┘
//     24    8   last segment: offset
//     32    8                 bytes           segment header
//     40    8                 bytes in use    offset size meaning
//                                                0    8   magic "BETULALG"
//   group: one batch                             8    4   CRC-32C of the header with this field zero,
//   offset size meaning                                   seeded with (volume id, life, offset)
//      0    4   magic 0x50524742                12    4   zero
//      4    4   operations                      16    8   number of the segment, from 0
//      8    8   payload bytes                   24    8   life
//     16    …   operations                      32    8   previous segment: offset, 0 for none
//      …    4   CRC-32C of all before,          40    8                     bytes
//               seeded with (volume id,         48    8                     bytes in use
//               life, offset of the group)      56    8                     life
//
//   operation: kind (1 byte), key bytes (varint), operand bytes (varint), key, operand
//
// The *life* is the number of openings that wrote. It is made durable before the first group that carries it, so
// a group left behind by a life that a crash took away never has the right checksum again.

import KeyValue
import Primitives

/// One segment of the log, as the engine remembers it.
struct LogSegment {
  var offset: UInt64
  var byteCount: Int
  /// Where the next group goes, from the start of the segment; the header included.
  var usedByteCount: Int
  var life: UInt64
}

/// The engine root.
struct AppendLogRoot: Equatable {
  static let byteCount = 48
  static let formatVersion: UInt32 = 1

  var life: UInt64 = 0
  var segmentCount: UInt64 = 0
  var lastOffset: UInt64 = 0
  var lastByteCount: UInt64 = 0
  var lastUsedByteCount: UInt64 = 0

  func encoded() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      base.setU32(0, Self.formatVersion)
      base.setU64(8, life)
      base.setU64(16, segmentCount)
      base.setU64(24, lastOffset)
      base.setU64(32, lastByteCount)
      base.setU64(40, lastUsedByteCount)
    }
    return bytes
  }

  /// The root in `bytes`; no bytes at all are the root of an empty log.
  init(decoding bytes: [UInt8]) throws(StorageError) {
    if bytes.isEmpty { return }
    guard bytes.count == Self.byteCount else {
      throw .corrupted(
        structure: "append log root", offset: 0, detail: "it has \(bytes.count) bytes, not \(Self.byteCount)")
    }
    var version: UInt32 = 0
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      version = base.u32(0)
      life = base.u64(8)
      segmentCount = base.u64(16)
      lastOffset = base.u64(24)
      lastByteCount = base.u64(32)
      lastUsedByteCount = base.u64(40)
    }
    guard version == Self.formatVersion else {
      throw .corrupted(
        structure: "append log root", offset: 0,
        detail: "format version \(version) is not \(Self.formatVersion)")
    }
  }

  init() {}
}

/// Headers and checksums.
enum AppendLogFormat {
  static let segmentHeaderByteCount = 64
  static let groupHeaderByteCount = 16
  static let groupTrailerByteCount = 4
  /// Kind and two varints, at their longest.
  static let longestOperationHeaderByteCount = 1 + 2 * Varint.maximumByteCount
  static let segmentMagic: UInt64 = 0x474C_414C_5554_4542  // "BETULALG" read as a little-endian number
  static let groupMagic: UInt32 = 0x5052_4742

  /// What the checksums of segment `life` begin with at device offset `offset`.
  static func seed(volumeID: UInt64, life: UInt64, offset: UInt64) -> UInt32 {
    withUnsafeTemporaryAllocation(byteCount: 24, alignment: 8) { bytes in
      guard let base = bytes.baseAddress else { return 0 }
      base.setU64(0, volumeID)
      base.setU64(8, life)
      base.setU64(16, offset)
      return CRC32C.of(UnsafeRawBufferPointer(bytes))
    }
  }

  /// The bytes of an operation in a group.
  static func byteCount(of entry: WriteBatch.Entry) -> Int {
    1 + Varint.size(of: UInt64(entry.keyByteCount)) + Varint.size(of: UInt64(entry.operandByteCount))
      + entry.keyByteCount + entry.operandByteCount
  }

  /// Writes the header of segment `number` at `base`, which has room for 64 bytes.
  static func encodeSegmentHeader(
    _ base: UnsafeMutableRawPointer, number: Int, segment: LogSegment, previous: LogSegment?, volumeID: UInt64
  ) {
    base.initializeMemory(as: UInt8.self, repeating: 0, count: segmentHeaderByteCount)
    base.setU64(0, segmentMagic)
    base.setU64(16, UInt64(number))
    base.setU64(24, segment.life)
    if let previous {
      base.setU64(32, previous.offset)
      base.setU64(40, UInt64(previous.byteCount))
      base.setU64(48, UInt64(previous.usedByteCount))
      base.setU64(56, previous.life)
    }
    let crc = CRC32C.of(
      base, byteCount: segmentHeaderByteCount,
      seed: seed(volumeID: volumeID, life: segment.life, offset: segment.offset))
    base.setU32(8, crc)
  }

  /// Checks the header of segment `number` and gives the segment before it.
  static func decodeSegmentHeader(
    _ bytes: UnsafeRawBufferPointer, number: Int, segment: LogSegment, volumeID: UInt64
  ) throws(StorageError) -> LogSegment? {
    func bad(_ detail: String) -> StorageError {
      .corrupted(structure: "log segment header", offset: segment.offset, detail: detail)
    }
    guard bytes.count >= segmentHeaderByteCount, let base = bytes.baseAddress else { throw bad("it is cut off") }
    guard base.u64(0) == segmentMagic else { throw bad("it does not begin with the segment magic") }
    let zero: UInt32 = 0
    var crc = CRC32C.of(
      base, byteCount: 8, seed: seed(volumeID: volumeID, life: segment.life, offset: segment.offset))
    crc = withUnsafeBytes(of: zero) { CRC32C.of($0, seed: crc) }
    crc = CRC32C.of(base + 12, byteCount: segmentHeaderByteCount - 12, seed: crc)
    guard base.u32(8) == crc else { throw bad("its checksum is wrong") }
    guard base.u64(16) == UInt64(number), base.u64(24) == segment.life else {
      throw bad("it is segment \(base.u64(16)) of life \(base.u64(24)), not \(number) of \(segment.life)")
    }
    guard number > 0 else { return nil }
    guard base.u64(40) < 1 << 40, base.u64(48) <= base.u64(40) else {
      throw bad("the segment before it has an impossible size")
    }
    return LogSegment(
      offset: base.u64(32), byteCount: Int(base.u64(40)), usedByteCount: Int(base.u64(48)), life: base.u64(56))
  }
}
