// A value that lies in an extent of its own (`OverflowReference`), as the tree and its cache see it.
//
//   field    [ units 23 bits, first unit 40 bits: 8 bytes │ bytes of the value: 6 │ birth: 2 ]
//   tag      [ birth 16 bits │ bytes of the value 40 │ 255: 8 ]           beside the cached value, for when it is written
//
// Invariant: a long value is written once and never changed. A write of it that was lost is told as one of a page is: by its
// birth (`PageID`).

import Primitives
import Storage

extension OverflowReference {
  /// The lowest byte of a cached long value's tag; a page has its level there.
  static let tagMark: UInt64 = 255

  func extent(unitByteCount: Int) -> Extent {
    Extent(
      offset: PageID.start(id) &* UInt64(unitByteCount),
      byteCount: Int(truncatingIfNeeded: id >> 40) &* unitByteCount)
  }

  // MARK: In the cache

  /// What the cache keeps beside the value.
  var tag: UInt64 { Self.tagMark | UInt64(byteCount) << 8 | UInt64(birth) << 48 }

  static func byteCount(ofTag tag: UInt64) -> Int { Int(truncatingIfNeeded: tag >> 8 & (1 << 40 - 1)) }
  static func birth(ofTag tag: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: tag >> 48) }
}
