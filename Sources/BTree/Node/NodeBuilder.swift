// Writing a page from its fences and its entries in order: how splits, merges, redistribution and bulk loads make pages.
//
//   begin(fences) ─▶ append, append, … ─▶ a page without holes, all unused bytes zero

import Primitives

/// A page under construction.
struct NodeBuilder {
  let page: NodePage
  private let prefixCount: Int
  private let isLeaf: Bool
  private(set) var slotCount = 0
  private var start: Int

  /// Begins a page over all of `page`'s bytes but the block's head.
  ///
  /// - Parameter upper: nil for the last page of its level.
  init(_ page: NodePage, level: Int, lower: Bytes, upper: Bytes?, leftmostChild: UInt64 = 0) {
    self.page = page
    isLeaf = level == 0
    let base = page.base
    (base + 16).initializeMemory(as: UInt8.self, repeating: 0, count: page.byteCount - 16)
    let prefixCount = upper.map { commonPrefixByteCount(lower.start, lower.count, $0.start, $0.count) } ?? 0
    self.prefixCount = prefixCount
    base.setU8(16, level == 0 ? NodePage.leafKind : NodePage.interiorKind)
    base.setU8(17, UInt8(truncatingIfNeeded: level))
    base.setU16(20, UInt16(truncatingIfNeeded: prefixCount))
    base.setU16(22, UInt16(truncatingIfNeeded: lower.count))
    base.setU16(24, UInt16(truncatingIfNeeded: upper?.count ?? 0))
    base.setU16(26, upper == nil ? 0 : 1)
    base.setU64(40, leftmostChild)
    lower.copy(to: base + (page.byteCount - lower.count))
    start = page.byteCount - lower.count
    if let upper {
      start -= upper.count
      upper.copy(to: base + start)
    }
    page.setCellStart(start)
  }

  /// Bytes still free.
  var freeByteCount: Int { start - NodePage.slotsStart - slotCount * NodePage.slotByteCount }

  /// Adds an entry of a leaf behind all others; it must fit.
  @inline(__always) mutating func append(key: Bytes, value: LeafValue) {
    let suffix = Bytes(key.start + prefixCount, key.count - prefixCount)
    start -= NodePage.leafCellByteCount(suffix: suffix.count, valueField: value.fieldByteCount)
    precondition(freeByteCount >= NodePage.slotByteCount, "An entry fits into the page it is put into.")
    page.writeLeafCell(start, suffix, value)
    addSlot(suffix)
  }

  /// Adds a separator and the child right of it behind all others; it must fit.
  @inline(__always) mutating func append(key: Bytes, child: UInt64) {
    let suffix = Bytes(key.start + prefixCount, key.count - prefixCount)
    start -= NodePage.interiorCellByteCount(suffix: suffix.count)
    precondition(freeByteCount >= NodePage.slotByteCount, "A separator fits into the page it is put into.")
    page.writeInteriorCell(start, suffix, child)
    addSlot(suffix)
  }

  @inline(__always) private mutating func addSlot(_ suffix: Bytes) {
    let slot = page.slot(slotCount)
    slot.setU16(0, UInt16(truncatingIfNeeded: start))
    slot.setU64(2, keyHead(suffix.start, suffix.count))
    slotCount += 1
    page.setSlotCount(slotCount)
    page.setInsertPoint(slotCount)
    page.setCellStart(start)
  }

  /// Adds entries `range` of another page of the same kind.
  ///
  /// - Parameter key: scratch memory for a key.
  mutating func append(_ range: Range<Int>, of source: NodePage, key: UnsafeMutableRawPointer) {
    for index in range {
      let bytes = source.copyKey(index, to: key)
      if isLeaf {
        append(
          key: bytes,
          value: source.hasOverflow(index)
            ? .overflow(source.overflowReference(index)) : .inline(source.valueField(index)))
      } else {
        append(key: bytes, child: source.child(index + 1))
      }
    }
  }
}
