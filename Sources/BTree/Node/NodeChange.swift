// Changing a page in place: entries go in, are replaced and go out; holes are closed when their room is needed.
//
// Invariant: every byte that stops belonging to something is set to zero there and then, so that a page can be written at
// any moment and equal histories give equal bytes.

import Primitives
import Storage

/// What an entry of a leaf holds: the value itself, or where it lies.
enum LeafValue {
  case inline(Bytes)
  case overflow(OverflowReference)

  @inline(__always) var fieldByteCount: Int {
    switch self {
    case .inline(let bytes): bytes.count
    case .overflow: NodePage.overflowReferenceByteCount
    }
  }
}

extension NodePage {
  // MARK: Room

  /// Takes a new cell of `count` bytes beside one new slot (or none), closing holes if that makes room.
  ///
  /// - Returns: the cell's offset, nil when the page has no room.
  @inline(__always) func takeCell(
    _ count: Int, newSlotCount: Int, scratch: UnsafeMutableRawPointer
  ) -> Int? {
    let needed = count + newSlotCount * Self.slotByteCount
    if gapByteCount < needed {
      if freeByteCount < needed { return nil }
      compact(scratch)
    }
    let start = cellStart - count
    setCellStart(start)
    return start
  }

  /// Makes a cell a hole.
  @inline(__always) func dropCell(_ offset: Int, _ count: Int) {
    (base + offset).initializeMemory(as: UInt8.self, repeating: 0, count: count)
    if offset == cellStart {
      setCellStart(offset + count)
    } else {
      setHoleByteCount(holeByteCount + count)
    }
  }

  /// Closes the holes: cells in slot order from the fences downwards.
  func compact(_ scratch: UnsafeMutableRawPointer) {
    let end = fenceStart
    let oldStart = cellStart
    (scratch + oldStart).copyMemory(from: base + oldStart, byteCount: end - oldStart)
    var start = end
    for index in 0..<slotCount {
      let offset = cellOffset(index)
      let count = cellByteCount(at: scratch + offset)
      start -= count
      (base + start).copyMemory(from: scratch + offset, byteCount: count)
      slot(index).setU16(0, UInt16(truncatingIfNeeded: start))
    }
    (base + oldStart).initializeMemory(as: UInt8.self, repeating: 0, count: start - oldStart)
    setCellStart(start)
    setHoleByteCount(0)
  }

  private func cellByteCount(at cell: UnsafeMutableRawPointer) -> Int {
    let suffix = Int(cell.u16(0))
    if !isLeaf { return Self.interiorCellByteCount(suffix: suffix) }
    return Self.leafCellByteCount(suffix: suffix, valueField: Self.valueFieldByteCount(Int(cell.u16(2))))
  }

  /// Copies the page: what is in use, and zeros between.
  func copyUsedBytes(to target: UnsafeMutableRawPointer) {
    let slotsEnd = Self.slotsStart + slotCount * Self.slotByteCount
    let start = cellStart
    target.copyMemory(from: base, byteCount: slotsEnd)
    (target + slotsEnd).initializeMemory(as: UInt8.self, repeating: 0, count: start - slotsEnd)
    (target + start).copyMemory(from: base + start, byteCount: byteCount - start)
  }

  // MARK: Slots

  @inline(__always) private func openSlot(_ index: Int, offset: Int, head: UInt64) {
    let count = slotCount
    let place = slot(index)
    if index < count {
      (place + Self.slotByteCount).copyMemory(from: place, byteCount: (count - index) * Self.slotByteCount)
    }
    place.setU16(0, UInt16(truncatingIfNeeded: offset))
    place.setU64(2, head)
    setSlotCount(count + 1)
    let state = insertState
    let run = state >> 16 == UInt32(truncatingIfNeeded: index) ? min(state & 0xFFFF &+ 1, 0xFFFF) : 0
    setInsertState(run | UInt32(truncatingIfNeeded: index &+ 1) << 16)
  }

  @inline(__always) func closeSlot(_ index: Int) {
    let last = slotCount - 1
    let place = slot(index)
    if index < last {
      place.copyMemory(from: place + Self.slotByteCount, byteCount: (last - index) * Self.slotByteCount)
    }
    slot(last).initializeMemory(as: UInt8.self, repeating: 0, count: Self.slotByteCount)
    setSlotCount(last)
    if insertPoint > index { setInsertPoint(insertPoint - 1) }
  }

  // MARK: Leaf

  /// Bytes an entry takes, slot included.
  @inline(__always) func leafEntryByteCount(key: Bytes, value: LeafValue) -> Int {
    Self.leafCellByteCount(suffix: key.count - prefixByteCount, valueField: value.fieldByteCount)
      + Self.slotByteCount
  }

  /// Puts a new entry before slot `index`.
  ///
  /// - Returns: false, and nothing changed, when the page has no room.
  @inline(__always) func insertLeaf(
    at index: Int, key: Bytes, value: LeafValue, scratch: UnsafeMutableRawPointer
  ) -> Bool {
    let prefixCount = prefixByteCount
    let suffix = Bytes(key.start + prefixCount, key.count - prefixCount)
    let count = Self.leafCellByteCount(suffix: suffix.count, valueField: value.fieldByteCount)
    guard let offset = takeCell(count, newSlotCount: 1, scratch: scratch) else { return false }
    writeLeafCell(offset, suffix, value)
    openSlot(index, offset: offset, head: keyHead(suffix.start, suffix.count))
    return true
  }

  @inline(__always) func writeLeafCell(_ offset: Int, _ suffix: Bytes, _ value: LeafValue) {
    let cell = base + offset
    cell.setU16(0, UInt16(truncatingIfNeeded: suffix.count))
    var place = cell + Self.leafCellHeadByteCount
    if suffix.count > 8 {
      place.copyMemory(from: suffix.start + 8, byteCount: suffix.count - 8)
      place += suffix.count - 8
    }
    switch value {
    case .inline(let bytes):
      cell.setU16(2, UInt16(truncatingIfNeeded: bytes.count))
      bytes.copy(to: place)
    case .overflow(let reference):
      cell.setU16(2, UInt16(truncatingIfNeeded: Self.overflowMark))
      reference.encode(to: place)
    }
  }

  /// Gives entry `index` another value.
  ///
  /// - Returns: false, and nothing changed, when the page has no room.
  func replaceLeaf(at index: Int, value: LeafValue, scratch: UnsafeMutableRawPointer) -> Bool {
    let cell = cell(index)
    let suffixCount = Int(cell.u16(0))
    if case .inline(let bytes) = value, bytes.count == Int(cell.u16(2)) {
      bytes.copy(to: cell + (Self.leafCellHeadByteCount + Self.restByteCount(suffixCount)))
      return true
    }
    let oldCount = leafCellByteCount(index)
    let newCount = Self.leafCellByteCount(suffix: suffixCount, valueField: value.fieldByteCount)
    if freeByteCount + oldCount < newCount { return false }
    // The key's bytes in the cell wait in the scratch memory's end, where no compaction puts cells.
    let restCount = Self.restByteCount(suffixCount)
    let rest = scratch + byteCount
    rest.copyMemory(from: cell + Self.leafCellHeadByteCount, byteCount: restCount)
    dropCell(cellOffset(index), oldCount)
    if gapByteCount < newCount { compactWithout(index, scratch) }
    let start = cellStart - newCount
    setCellStart(start)
    let target = base + start
    target.setU16(0, UInt16(truncatingIfNeeded: suffixCount))
    (target + Self.leafCellHeadByteCount).copyMemory(from: rest, byteCount: restCount)
    let place = target + (Self.leafCellHeadByteCount + restCount)
    switch value {
    case .inline(let bytes):
      target.setU16(2, UInt16(truncatingIfNeeded: bytes.count))
      bytes.copy(to: place)
    case .overflow(let reference):
      target.setU16(2, UInt16(truncatingIfNeeded: Self.overflowMark))
      reference.encode(to: place)
    }
    slot(index).setU16(0, UInt16(truncatingIfNeeded: start))
    return true
  }

  /// Closes the holes while slot `missing` has no cell.
  private func compactWithout(_ missing: Int, _ scratch: UnsafeMutableRawPointer) {
    let end = fenceStart
    let oldStart = cellStart
    (scratch + oldStart).copyMemory(from: base + oldStart, byteCount: end - oldStart)
    var start = end
    for index in 0..<slotCount where index != missing {
      let offset = cellOffset(index)
      let count = cellByteCount(at: scratch + offset)
      start -= count
      (base + start).copyMemory(from: scratch + offset, byteCount: count)
      slot(index).setU16(0, UInt16(truncatingIfNeeded: start))
    }
    (base + oldStart).initializeMemory(as: UInt8.self, repeating: 0, count: start - oldStart)
    setCellStart(start)
    setHoleByteCount(0)
  }

  /// Takes entry `index` out, of a leaf or (with the child right of it) of an interior page.
  @inline(__always) func remove(at index: Int) {
    dropCell(cellOffset(index), cellByteCount(index))
    closeSlot(index)
    if slotCount == 0 {
      setCellStart(fenceStart)
      setHoleByteCount(0)
    }
  }

  // MARK: Interior

  /// Bytes a separator takes, slot included.
  @inline(__always) func interiorEntryByteCount(key: Bytes) -> Int {
    Self.interiorCellByteCount(suffix: key.count - prefixByteCount) + Self.slotByteCount
  }

  /// Puts a separator before slot `index`, with the child right of it.
  ///
  /// - Returns: false, and nothing changed, when the page has no room.
  func insertInterior(
    at index: Int, key: Bytes, child: UInt64, scratch: UnsafeMutableRawPointer
  ) -> Bool {
    let prefixCount = prefixByteCount
    let suffix = Bytes(key.start + prefixCount, key.count - prefixCount)
    let count = Self.interiorCellByteCount(suffix: suffix.count)
    guard let offset = takeCell(count, newSlotCount: 1, scratch: scratch) else { return false }
    writeInteriorCell(offset, suffix, child)
    openSlot(index, offset: offset, head: keyHead(suffix.start, suffix.count))
    return true
  }

  @inline(__always) func writeInteriorCell(_ offset: Int, _ suffix: Bytes, _ child: UInt64) {
    let cell = base + offset
    cell.setU16(0, UInt16(truncatingIfNeeded: suffix.count))
    cell.setU64(2, child)
    if suffix.count > 8 {
      (cell + Self.interiorCellHeadByteCount).copyMemory(from: suffix.start + 8, byteCount: suffix.count - 8)
    }
  }
}
