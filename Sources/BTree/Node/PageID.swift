// What a pointer to a page says: where the page is, how long it is, and which write put it there.
//
//   63        48 47    40 39                    0
//   ├─ birth ────┼─ units ┼─ first unit ────────┤          the same 8 bytes as without the birth: a page has few units
//
//   parent [ … 17 │ 1 │ 4096 … ]  ──▶  unit 4096: [ block head … birth 17 │ page ]     the write the parent means
//                                               [ block head … birth  9 │ page ]     what lay there before: the write is lost
//
// A page has the same birth in its head and in the one pointer to it: the number of batches of pages that had been written when
// it was made. It never changes: what was written is changed under a new id, its parent with it (`NodeStore.claim`).
//
// Invariants
// 1. Whatever was written to a place before a page was made there has an earlier number: the root keeps the next one, and each
//    batch of writes takes one.
// 2. What a pointer says is compared when the page is read from the device, before anybody sees it.
// 3. Births come round after 65,535 batches: an older write has the same one in 1 of 65,535 cases at worst, and in none among
//    as many batches.
//
// Source: O. Rodeh, J. Bacik, C. Mason, "BTRFS: The Linux B-Tree Filesystem", ACM TOS 9(3), 2013, section 3 (a generation in each
// block and in the pointer to it, against lost and misdirected writes).

import Storage

/// The parts of a page's id.
enum PageID {
  /// Bits of the first unit.
  static let startBitCount = 40
  private static let lengthMask: UInt64 = 0xFF

  /// The place as a number of its own: what two pages never share.
  @inline(__always) static func start(_ id: UInt64) -> UInt64 { id & (1 << 40 - 1) }

  /// The page's length in units, in the place it has within an id.
  @inline(__always) static func lengthBits(_ id: UInt64) -> UInt64 { id & (lengthMask << 40) }

  /// Which write put the page there.
  @inline(__always) static func birth(_ id: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: id >> 48) }

  @inline(__always) static func extent(_ id: UInt64, unitByteCount: Int) -> Extent {
    Extent(
      offset: start(id) &* UInt64(unitByteCount),
      byteCount: Int(truncatingIfNeeded: id >> 40 & lengthMask) &* unitByteCount)
  }
}

/// Where a page has to be: which child of which page; the root is nobody's.
struct PagePlace {
  private let parent: NodePage?
  private let childIndex: Int

  /// Child `childIndex` of a page that is held.
  @inline(__always) init(childIndex: Int, of parent: NodePage) {
    self.parent = parent
    self.childIndex = childIndex
  }

  private init() {
    parent = nil
    childIndex = 0
  }

  /// Above everything.
  static var root: PagePlace { PagePlace() }

  /// Whether a page's fences are those of the place.
  func fits(_ page: NodePage) -> Bool {
    guard let parent else { return page.lowerFenceByteCount == 0 && !page.hasUpperFence }
    return page.hasFences(ofChild: childIndex, of: parent)
  }
}
