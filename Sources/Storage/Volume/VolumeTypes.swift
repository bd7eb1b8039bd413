// The small values a volume speaks in: extents, node ids, block types, and what it is configured with.
//
//   Extent    [ offset │ byteCount ]                         multiples of the transfer unit
//   NodeID    bit 63 = 0  direct   [ 23 bits unit count │ 40 bits first unit ]     the id is the place
//             bit 63 = 1  mapped   [ 63 bits number ]                              the directory knows the place
//
// Invariants
// 1. An extent is never empty and lies inside the volume.
// 2. The switch of a node id is bit 63 and nothing else; a direct id packs the whole extent, so following one
//    costs no look-up and no second word in a page.

import Primitives

/// A contiguous piece of a volume.
public struct Extent: Hashable, Sendable, CustomStringConvertible {
  /// The first byte on the device, a multiple of the transfer unit.
  public var offset: UInt64
  /// The length in bytes, a multiple of the transfer unit, at least one unit.
  public var byteCount: Int

  /// The extent of `byteCount` bytes at `offset`.
  @inlinable public init(offset: UInt64, byteCount: Int) {
    self.offset = offset
    self.byteCount = byteCount
  }

  /// The first byte after the extent.
  @inlinable public var end: UInt64 { offset &+ UInt64(truncatingIfNeeded: byteCount) }

  /// The half-open byte range.
  public var description: String { "[\(offset), \(end))" }
}

/// What the cache and the pager call a node: its place, or a number that the directory turns into a place.
public struct NodeID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The eight bytes that a parent stores.
  public let rawValue: UInt64

  /// The id with these eight bytes; any value can be read from a page, `Volume.resolve` judges it.
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Whether the directory knows the place; otherwise the id is the place.
  @inlinable public var isMapped: Bool { rawValue >> 63 == 1 }

  /// The number of a mapped id.
  @inlinable public var number: UInt64 { rawValue & (UInt64.max >> 1) }

  /// The mapped id of this number.
  @inlinable public static func mapped(_ number: UInt64) -> NodeID {
    precondition(number >> 63 == 0, "A mapped node's number has 63 bits.")
    return NodeID(rawValue: number | 1 << 63)
  }

  /// The direct id of an extent.
  ///
  /// Precondition: fewer than 2^23 units, below unit 2^40.
  @inlinable public static func direct(_ extent: Extent, transferUnitByteCount: Int) -> NodeID {
    let unit = UInt64(transferUnitByteCount)
    return NodeID(
      rawValue: PackedExtent.pack(start: extent.offset / unit, count: UInt64(extent.byteCount) / unit))
  }

  /// The number, or that it is a place.
  public var description: String { isMapped ? "node \(number)" : "node at \(rawValue)" }
}

/// Unit count and first unit in one word: 23 and 40 bits, bit 63 zero. Zero means nothing.
@usableFromInline enum PackedExtent {
  /// The largest unit count of one word.
  static let maximumUnitCount = 1 << 23 - 1

  @usableFromInline static func pack(start: UInt64, count: UInt64) -> UInt64 {
    precondition(count > 0 && count < 1 << 23, "A packed extent has 1 ..< 2^23 units, not \(count).")
    precondition(start < 1 << 40, "A packed extent begins below unit 2^40.")
    return count << 40 | start
  }

  static func unpack(_ word: UInt64) -> (start: UInt64, count: UInt64) {
    (word & (1 << 40 - 1), (word >> 40) & (1 << 23 - 1))
  }
}

/// What a block is. The volume's own are below 16, an engine takes its from there on.
public struct BlockType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number in a block's header.
  public let rawValue: UInt16
  /// The type with this number.
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// An engine's block type: `number` from 0 on.
  @inlinable public static func engine(_ number: Int) -> BlockType {
    precondition(number >= 0 && number < 1 << 15, "An engine has fewer than 32,768 block types.")
    return BlockType(rawValue: UInt16(16 + number))
  }

  static let spaceMapIndex = BlockType(rawValue: 1)
  static let spaceMapChunk = BlockType(rawValue: 2)
  static let pendingRecord = BlockType(rawValue: 3)
  static let logList = BlockType(rawValue: 4)
  /// Those of type 5 had no births.
  static let directoryPage = BlockType(rawValue: 6)

  /// The structure's name in errors.
  public var description: String {
    switch self {
    case .spaceMapIndex: "space map index"
    case .spaceMapChunk: "space map chunk"
    case .pendingRecord: "pending log record"
    case .logList: "log segment list"
    case .directoryPage: "node directory page"
    default: rawValue >= 16 ? "engine block \(rawValue - 16)" : "block of type \(rawValue)"
    }
  }
}

/// What a new volume is made with, and what an existing one is checked against.
public struct VolumeConfiguration: Sendable {
  /// The engine's name, at most 16 bytes of ASCII; opening under another name is refused.
  public var engineTag: String
  /// Seeds the volume id; only used when creating.
  public var seed: UInt64
  /// The size of the pending log in transfer units; nil chooses 1/256 of the volume, from 4 to 64 units. A larger
  /// one means fewer space map checkpoints.
  public var pendingLogUnitCount: Int?

  /// A configuration.
  public init(engineTag: String, seed: UInt64 = 0, pendingLogUnitCount: Int? = nil) {
    precondition(
      !engineTag.isEmpty && engineTag.utf8.count <= 16 && engineTag.utf8.allSatisfy { $0 > 32 && $0 < 127 },
      "An engine tag has 1 to 16 printable ASCII characters.")
    precondition(pendingLogUnitCount.map { $0 >= 1 } ?? true, "A pending log has at least one unit.")
    self.engineTag = engineTag
    self.seed = seed
    self.pendingLogUnitCount = pendingLogUnitCount
  }
}
