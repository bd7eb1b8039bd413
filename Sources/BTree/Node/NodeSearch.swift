// Finding a key in a page: a binary search over the heads in the slots, and a look into cells only among equal heads.
//
//   heads      12 │ 12 │ 40 │ 77 │ 77 │ 77 │ 90         wanted: head 77
//                             └─ first ≥ 77 ─┘ equal heads: compare lengths, then the bytes in the cells
//
// When either key has at most eight bytes after the prefix and the heads are equal, the shorter is a prefix of the longer,
// so the lengths decide.

import CSystem
import Primitives

extension NodePage {
  /// The first slot whose key is at or after `key`, and whether it is that key. The key lies between the fences; for
  /// another one the answer is meaningless, and nothing outside the key is read.
  @inline(__always) func find(_ key: Bytes) -> (index: Int, isFound: Bool) {
    let prefixCount = prefixByteCount
    return findSuffix(Bytes(key.start + prefixCount, max(0, key.count - prefixCount)))
  }

  /// As `find`, for a key without the page's prefix.
  @inline(__always) func findSuffix(_ suffix: Bytes) -> (index: Int, isFound: Bool) {
    let wanted = keyHead(suffix.start, suffix.count)
    let index = firstHead(atOrAfter: wanted)
    if index == slotCount || head(index) != wanted { return (index, false) }
    return findAmongEqual(from: index, wanted, suffix)
  }

  /// The first slot whose head is at or after `wanted`.
  @inline(__always) func firstHead(atOrAfter wanted: UInt64) -> Int {
    betula_first_not_below(base + (Self.slotsStart + 2), slotCount, Self.slotByteCount, wanted)
  }

  @inline(never) private func findAmongEqual(
    from first: Int, _ wanted: UInt64, _ suffix: Bytes
  ) -> (index: Int, isFound: Bool) {
    // The common case: one slot with this head.
    let order = compareEqualHeads(first, suffix)
    if order >= 0 { return (first, order == 0) }
    var low = first + 1
    var high = wanted == .max ? slotCount : firstHead(atOrAfter: wanted + 1)
    while low < high {
      let middle = (low + high) >> 1
      let order = compareEqualHeads(middle, suffix)
      if order == 0 { return (middle, true) }
      if order < 0 { low = middle + 1 } else { high = middle }
    }
    return (low, false)
  }

  /// The order of slot `index` against a key with the same head.
  @inline(__always) func compareEqualHeads(_ index: Int, _ suffix: Bytes) -> Int {
    let cell = cell(index)
    let count = Int(cell.u16(0))
    if count <= 8 || suffix.count <= 8 { return count - suffix.count }
    return compareKeys(cell + cellHeadByteCount, count - 8, suffix.start + 8, suffix.count - 8)
  }

  /// Which child of an interior page holds `key`, which lies between the fences.
  @inline(__always) func childIndex(for key: Bytes) -> Int {
    let (index, isFound) = find(key)
    return isFound ? index + 1 : index
  }

  /// As `find`, for a key that may lie outside the fences: then an end.
  func findAnywhere(_ key: Bytes) -> (index: Int, isFound: Bool) {
    if !isBelowUpperFence(key) { return (slotCount, false) }
    if lowerFenceByteCount > 0, key.compare(lowerFence) < 0 { return (0, false) }
    return find(key)
  }
}
