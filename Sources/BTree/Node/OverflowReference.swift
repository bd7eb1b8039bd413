// A value that lies in an extent of its own, as its leaf says it.
//
//   field    [ units 23 bits, first unit 40 bits: 8 bytes │ bytes of the value: 6 │ birth: 2 ]
//   tag      [ birth 16 bits │ bytes of the value 40 │ 255: 8 ]           beside the cached value, for when it is written
//
// Invariant: a long value is written once and never changed. A write of it that was lost is told as one of a page is: by its
// birth (`PageID`).

import Primitives
import Storage

/// Where a long value lies, how long it is, and which write put it there.
struct OverflowReference: Equatable {
  /// The lowest byte of a cached long value's tag; a page has its level there.
  static let tagMark: UInt64 = 255

  /// The extent, as a direct node id.
  var id: UInt64
  /// Bytes of the value, below 2^40.
  var byteCount: Int
  /// The number of its write.
  var birth: UInt16

  @inline(__always) init(id: UInt64, byteCount: Int, birth: UInt16) {
    self.id = id
    self.byteCount = byteCount
    self.birth = birth
  }

  /// Reads a value field; any bytes will do.
  @inline(__always) init(_ field: UnsafeRawPointer) {
    id = field.u64(0)
    let word = field.u64(8)
    byteCount = Int(truncatingIfNeeded: word & (1 << 48 - 1))
    birth = UInt16(truncatingIfNeeded: word >> 48)
  }

  /// Writes the 16 bytes of a value field.
  @inline(__always) func store(to field: UnsafeMutableRawPointer) {
    field.setU64(0, id)
    field.setU64(8, UInt64(byteCount) | UInt64(birth) << 48)
  }

  func extent(unitByteCount: Int) -> Extent {
    Extent(
      offset: PageID.start(id) &* UInt64(unitByteCount),
      byteCount: Int(truncatingIfNeeded: id >> 40) &* unitByteCount)
  }

  /// What is wrong with the block that lies there, nil when it is the value that is meant.
  func problem(of block: VolumeBlock) -> String? {
    if let problem = PageID.problem(of: block, birth: birth) { return problem }
    if block.payloadByteCount == byteCount { return nil }
    return "it has \(block.payloadByteCount) bytes, its leaf says \(byteCount)"
  }

  // MARK: In the cache

  /// What the cache keeps beside the value.
  var tag: UInt64 { Self.tagMark | UInt64(byteCount) << 8 | UInt64(birth) << 48 }

  static func byteCount(ofTag tag: UInt64) -> Int { Int(truncatingIfNeeded: tag >> 8 & (1 << 40 - 1)) }
  static func birth(ofTag tag: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: tag >> 48) }
}
