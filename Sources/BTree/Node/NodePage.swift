// One page of the tree in memory, read and changed where it lies: a head, slots that grow up, cells that grow down, and
// the two fences that bound every key the page may hold.
//
//   0        16          48                    48 + 10 n        cell start           fence start            P
//   ├ block ─┼─ page ────┼─ slot 0 … slot n−1 ─┼──── zeros ─────┼─ cells and holes ──┼─ upper ─┼─ lower ─┤
//   │  head  │   head    │ [offset 2│head 8]   │                │  (holes are zero)  │  fence  │  fence  │
//
//   offset  size  meaning
//        0    16  the volume's block head: checksum, magic, type, payload bytes, level
//       16     1  kind: 1 leaf, 2 interior
//       17     1  level above the leaves, 0 for a leaf
//       18     2  slot count n
//       20     2  prefix bytes: how many bytes the two fences, hence all keys of the page, share
//       22     2  lower fence bytes
//       24     2  upper fence bytes
//       26     2  1 when there is an upper fence, 0 for the last page of its level
//       28     4  cell start: the lowest byte of the cells
//       32     4  bytes of holes among the cells
//       36     2  insert run: how many of the latest inserts went right behind the one before them
//       38     2  insert point: the slot right behind the latest insert, where the next one of the run would go
//       40     8  interior: the child left of the first separator; leaf: zero
//       48  10 n  slots in key order
//
//   leaf cell      [ key bytes 2 │ value bytes 2 │ key from its 9th byte on │ value ]
//                  value bytes = 65535: the value lies in an extent of its own, and here is
//                                       [ extent id 8 │ bytes 6 │ birth 2 ]     (`OverflowReference`)
//   interior cell  [ key bytes 2 │ child id 8 │ key from its 9th byte on ]
//
// A key is stored without the page's prefix. Its next eight bytes, zero-filled, are the slot's head as a number whose
// order is the key order; what follows is in the cell. A search therefore compares integers that lie side by side and
// opens a cell only when two heads are equal. All numbers are little-endian.
//
// Invariants
// 1. Keys ascend strictly. lower fence ≤ key < upper fence.
// 2. prefix = common prefix of the fences, 0 without an upper fence; every key begins with it.
// 3. The key bytes of a cell count what follows the prefix. A head holds the first min(8, count) of them, then zeros.
// 4. cells + holes = fence start − cell start, and every byte that belongs to nothing is zero.
// 5. Interior: child i holds the keys from separator i − 1 (or the lower fence) on, below separator i (or the upper
//    fence). A page with n separators has n + 1 children.
//
// Source: G. Graefe, "Modern B-Tree Techniques", Foundations and Trends in Databases 3(4), 2011, sections 3.1 (normalised
// keys, poor man's normalised keys), 3.5 (prefix and suffix truncation), 4.5 (fence keys); R. Bayer, K. Unterauer, "Prefix
// B-Trees", TODS 2(1), 1977.

import CSystem
import Primitives
import Storage

/// A page of the tree in memory that somebody else keeps alive. Checked once when it enters memory (`NodeCheck`).
struct NodePage {
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  @inline(__always) init(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
    self.base = base
    self.byteCount = byteCount
  }

  /// A held page, as long as it is held.
  @inline(__always) init(_ lease: borrowing NodeLease) {
    base = lease.pointer
    byteCount = lease.byteCount
  }

  static var leafKind: UInt8 { 1 }
  static var interiorKind: UInt8 { 2 }
  static var slotsStart: Int { 48 }
  static var slotByteCount: Int { 10 }
  static var leafCellHeadByteCount: Int { 4 }
  static var interiorCellHeadByteCount: Int { 10 }
  /// The value byte count that says: the value is elsewhere.
  static var overflowMark: Int { 0xFFFF }
  /// Extent id and byte count of a value elsewhere.
  static var overflowReferenceByteCount: Int { OverflowReference.encodedByteCount }

  // MARK: Head

  @inline(__always) var level: Int { Int(base.u8(17)) }
  @inline(__always) var isLeaf: Bool { base.u8(16) == Self.leafKind }
  @inline(__always) var slotCount: Int { Int(base.u16(18)) }
  @inline(__always) func setSlotCount(_ count: Int) { base.setU16(18, UInt16(truncatingIfNeeded: count)) }
  @inline(__always) var prefixByteCount: Int { Int(base.u16(20)) }
  @inline(__always) var lowerFenceByteCount: Int { Int(base.u16(22)) }
  @inline(__always) var upperFenceByteCount: Int { Int(base.u16(24)) }
  @inline(__always) var hasUpperFence: Bool { base.u16(26) != 0 }
  @inline(__always) var cellStart: Int { Int(base.u32(28)) }
  @inline(__always) func setCellStart(_ start: Int) { base.setU32(28, UInt32(truncatingIfNeeded: start)) }
  @inline(__always) var holeByteCount: Int { Int(base.u32(32)) }
  @inline(__always) func setHoleByteCount(_ count: Int) { base.setU32(32, UInt32(truncatingIfNeeded: count)) }
  @inline(__always) var insertRun: Int { Int(base.u16(36)) }
  @inline(__always) var insertPoint: Int { Int(base.u16(38)) }
  @inline(__always) func setInsertPoint(_ slot: Int) { base.setU16(38, UInt16(truncatingIfNeeded: slot)) }
  @inline(__always) func setInsertRun(_ run: Int) {
    base.setU16(36, UInt16(truncatingIfNeeded: min(run, 0xFFFF)))
  }
  /// Insert run and insert point as one number.
  @inline(__always) var insertState: UInt32 { base.u32(36) }
  @inline(__always) func setInsertState(_ state: UInt32) { base.setU32(36, state) }

  @inline(__always) var fenceStart: Int { byteCount - lowerFenceByteCount - upperFenceByteCount }
  @inline(__always) var lowerFence: Bytes {
    let count = lowerFenceByteCount
    return Bytes(base + (byteCount - count), count)
  }
  /// Meaningful when `hasUpperFence`.
  @inline(__always) var upperFence: Bytes { Bytes(base + fenceStart, upperFenceByteCount) }
  /// The bytes all keys begin with.
  @inline(__always) var prefix: Bytes { Bytes(lowerFence.start, prefixByteCount) }

  /// Whether a key belongs below the upper fence.
  @inline(__always) func isBelowUpperFence(_ key: Bytes) -> Bool {
    !hasUpperFence || key.compare(upperFence) < 0
  }

  /// Whether a key belongs into this page.
  @inline(__always) func admits(_ key: Bytes) -> Bool {
    isBelowUpperFence(key) && (lowerFenceByteCount == 0 || key.compare(lowerFence) >= 0)
  }

  // MARK: Room

  /// Bytes between the last slot and the first cell.
  @inline(__always) var gapByteCount: Int { cellStart - Self.slotsStart - slotCount * Self.slotByteCount }
  /// Bytes that are free in all, after compaction.
  @inline(__always) var freeByteCount: Int { gapByteCount + holeByteCount }
  /// Bytes of slots and cells.
  @inline(__always) var usedByteCount: Int {
    slotCount * Self.slotByteCount + fenceStart - cellStart - holeByteCount
  }
  /// Bytes that slots and cells may fill between these fences.
  @inline(__always) var capacityByteCount: Int { fenceStart - Self.slotsStart }

  // MARK: Slots and cells

  @inline(__always) func slot(_ index: Int) -> UnsafeMutableRawPointer {
    base + (Self.slotsStart &+ index &* Self.slotByteCount)
  }
  @inline(__always) func cellOffset(_ index: Int) -> Int { Int(slot(index).u16(0)) }
  @inline(__always) func head(_ index: Int) -> UInt64 { slot(index).u64(2) }
  @inline(__always) func cell(_ index: Int) -> UnsafeMutableRawPointer { base + cellOffset(index) }

  @inline(__always) var cellHeadByteCount: Int {
    isLeaf ? Self.leafCellHeadByteCount : Self.interiorCellHeadByteCount
  }

  /// Bytes of the key after the prefix.
  @inline(__always) func suffixByteCount(_ index: Int) -> Int { Int(cell(index).u16(0)) }

  /// Bytes of the whole key.
  @inline(__always) func keyByteCount(_ index: Int) -> Int { prefixByteCount + suffixByteCount(index) }

  /// How many key bytes the cell itself holds.
  @inline(__always) static func restByteCount(_ suffixByteCount: Int) -> Int { max(0, suffixByteCount - 8) }

  /// Puts the whole key together at `target`, which has room for the longest key and eight bytes more.
  @inline(__always) func copyKey(_ index: Int, to target: UnsafeMutableRawPointer) -> Bytes {
    let prefixCount = prefixByteCount
    prefix.copy(to: target)
    let cell = cell(index)
    let suffixCount = Int(cell.u16(0))
    target.setBigEndianU64(prefixCount, head(index))
    if suffixCount > 8 {
      (target + (prefixCount + 8)).copyMemory(from: cell + cellHeadByteCount, byteCount: suffixCount - 8)
    }
    return Bytes(target, prefixCount + suffixCount)
  }

  // MARK: Leaf

  /// Bytes of a leaf cell.
  @inline(__always) static func leafCellByteCount(suffix: Int, valueField: Int) -> Int {
    leafCellHeadByteCount + restByteCount(suffix) + valueField
  }

  @inline(__always) func leafCellByteCount(_ index: Int) -> Int {
    let cell = cell(index)
    return Self.leafCellByteCount(
      suffix: Int(cell.u16(0)), valueField: Self.valueFieldByteCount(Int(cell.u16(2))))
  }

  @inline(__always) static func valueFieldByteCount(_ mark: Int) -> Int {
    mark == overflowMark ? overflowReferenceByteCount : mark
  }

  @inline(__always) func hasOverflow(_ index: Int) -> Bool { Int(cell(index).u16(2)) == Self.overflowMark }

  /// The bytes of an entry's value field: the value, or the reference to it.
  @inline(__always) func valueField(_ index: Int) -> Bytes {
    let cell = cell(index)
    let start = cell + (Self.leafCellHeadByteCount + Self.restByteCount(Int(cell.u16(0))))
    return Bytes(start, Self.valueFieldByteCount(Int(cell.u16(2))))
  }

  /// Where an entry's value lies when it is elsewhere.
  @inline(__always) func overflowReference(_ index: Int) -> OverflowReference {
    OverflowReference(valueField(index).start)
  }

  // MARK: Interior

  @inline(__always) static func interiorCellByteCount(suffix: Int) -> Int {
    interiorCellHeadByteCount + restByteCount(suffix)
  }

  @inline(__always) func cellByteCount(_ index: Int) -> Int {
    isLeaf ? leafCellByteCount(index) : Self.interiorCellByteCount(suffix: suffixByteCount(index))
  }

  @inline(__always) func child(_ index: Int) -> UInt64 {
    index == 0 ? base.u64(40) : cell(index - 1).u64(2)
  }

  /// Where in the page a child's id is.
  @inline(__always) func childOffset(_ index: Int) -> Int { index == 0 ? 40 : cellOffset(index - 1) + 2 }

  @inline(__always) func setChild(_ index: Int, _ id: UInt64) { base.setU64(childOffset(index), id) }

  /// Asks for the lines a search of a page on `level` will read: a leaf's few slots, or most of an interior page's many.
  @inline(__always) static func prefetch(_ page: UnsafeRawPointer, level: Int) {
    // The few pages higher up are near anyway.
    let end = level == 0 ? 448 : level == 1 ? 1_536 : 0
    var offset = 0
    while offset < end {
      betula_prefetch(page + offset)
      offset &+= 64
    }
  }
}

/// The sizes that follow from the page size.
struct NodeGeometry: Equatable, Sendable {
  /// P, in bytes.
  let pageByteCount: Int

  /// The longest key: a quarter of a page less 64 bytes, so that a page whose fences are as long as they can be still
  /// takes two of the largest cells, and every page that overflows has a split in which both halves fit.
  var maximumKeyByteCount: Int { pageByteCount / 4 - 64 }

  /// Key and value together, up to which a value lies in its leaf.
  var maximumInlineByteCount: Int { maximumKeyByteCount + 16 }

  /// Bytes of slots and cells between no fences.
  var capacityByteCount: Int { pageByteCount - NodePage.slotsStart }

  /// The most children a page can have: with separators of at most eight bytes after the prefix.
  var maximumChildCount: Int {
    capacityByteCount / (NodePage.slotByteCount + NodePage.interiorCellHeadByteCount) + 1
  }

  func isInline(key: Int, value: Int) -> Bool { key + value <= maximumInlineByteCount }
}
