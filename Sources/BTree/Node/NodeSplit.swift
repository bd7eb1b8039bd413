// Where a page is cut, what separates the halves, and whether two pages can be one.
//
//   split      [ a b c │ d e f ]  ─▶  [ a b c ] , separator, [ d e f ]      leaf: the shortest bytes s with c < s ≤ d
//              [ a b (c) d e ]    ─▶  [ a b ] , c, [ d e ]                  interior: c moves up
//
//   ascending  [ a b c│x y ]  ─▶  [ a b c ] , s, [ x y ]          inserts that follow one another end where the page is cut: what
//                   ↑ d e …       s: the shortest bytes d < s ≤ x     they leave behind stays full, what they go on with has room
//
// Choosing: from the preferred cut outwards, the first cut whose halves fit between their new fences. One always exists:
// let A = P − 48, M the longest key and c ≤ M + 30 the largest cell with its slot, 4 M + 60 ≤ A. Take the largest k with
// left(k) ≤ A − |lower| − M. If k is everything, cut before the last entry. Otherwise right(k) < M + c − |upper| ≤
// A − M − |upper|. For the same reason an entry that does not fit goes into one of the halves, after another cut if needed:
// two of the largest cells fit between any fences.

import Primitives

/// A chosen cut: entries before `index` stay.
struct NodeCut {
  var index: Int
  /// Bytes of the separator, which lie in the scratch memory that was given.
  var separator: Bytes
}

extension NodePage {
  /// The bytes entry `index` takes in a page with no prefix less this page's: an upper bound for both halves, whose
  /// prefixes are at least as long.
  @inline(__always) private func entryByteCount(_ index: Int) -> Int {
    cellByteCount(index) + Self.slotByteCount
  }

  /// The shortest bytes that are above entry `index` − 1 and not above entry `index`, put together at `target`.
  func leafSeparator(before index: Int, at target: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer)
    -> Bytes
  {
    let left = copyKey(index - 1, to: scratch)
    let right = copyKey(index, to: target)
    let common = commonPrefixByteCount(left.start, left.count, right.start, right.count)
    return Bytes(target, common + 1)
  }

  /// Cuts a full leaf.
  ///
  /// - Parameters:
  ///   - pending: where the entry that found no room would go.
  ///   - target, scratch: room for a key each.
  func leafCut(
    pending: Int, pendingKey: Bytes, target: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer
  ) -> NodeCut {
    let count = slotCount
    // Inserts that followed one another: leave what is before them full, and let them go on.
    let isAppending = isAppending(pending: pending)
    if !isAppending, isAscending(pending: pending),
      let cut = cutBehindRun(pending, pendingKey, target, scratch)
    {
      return cut
    }
    if isAppending {
      let last = copyKey(count - 1, to: scratch)
      let common = commonPrefixByteCount(last.start, last.count, pendingKey.start, pendingKey.count)
      target.copyMemory(from: pendingKey.start, byteCount: common + 1)
      let separator = Bytes(target, common + 1)
      // The new upper fence may share more with the lower one, which makes every entry shorter.
      let prefix = commonPrefixByteCount(
        lowerFence.start, lowerFenceByteCount, separator.start, separator.count)
      if lowerFenceByteCount + separator.count + usedByteCount(underPrefix: prefix) <= byteCount
        - Self.slotsStart
      {
        return NodeCut(index: count, separator: separator)
      }
    }
    let total = usedByteCount
    let middle = isAppending ? count - 1 : middleIndex(total)
    for distance in 0..<count {
      for index in distance == 0 ? [middle] : [middle - distance, middle + distance]
      where index > 0 && index < count {
        let separator = leafSeparator(before: index, at: target, scratch: scratch)
        if halvesFit(at: index, right: index, total: total, separatorByteCount: separator.count) {
          return NodeCut(index: index, separator: separator)
        }
      }
    }
    preconditionFailure("A leaf with two entries has a cut in which both halves fit.")
  }

  /// Cuts between the entry that found no room, the latest of a run, and the entry that is behind it.
  ///
  /// - Returns: nil when the halves do not fit, or the entry that is behind it has its key: then it is no insert.
  private func cutBehindRun(
    _ pending: Int, _ pendingKey: Bytes, _ target: UnsafeMutableRawPointer, _ scratch: UnsafeMutableRawPointer
  ) -> NodeCut? {
    let right = copyKey(pending, to: target)
    let common = commonPrefixByteCount(pendingKey.start, pendingKey.count, right.start, right.count)
    if common == right.count { return nil }
    let separator = Bytes(target, common + 1)
    let fits = halvesFit(
      at: pending, right: pending, total: usedByteCount, separatorByteCount: separator.count)
    return fits ? NodeCut(index: pending, separator: separator) : nil
  }

  /// Whether an entry that found no room before slot `pending` goes on with a run that is a quarter of the page: inserts at
  /// random do not follow one another as often, a stream of ascending keys does nothing else, wherever in the page it is.
  ///
  /// Source: MySQL, InnoDB's page_last_insert and page_n_direction, by which a page is split at the point of insertion.
  func isAscending(pending: Int) -> Bool {
    slotCount > 1 && pending > 0 && pending == insertPoint && insertRun * 4 >= slotCount
  }

  /// Whether an entry that found no room behind all others is one of many in ascending order.
  func isAppending(pending: Int) -> Bool {
    pending == slotCount && slotCount > 1 && (!hasUpperFence || isAscending(pending: pending))
  }

  /// Whether the latest inserts were many in ascending order, and went behind all other entries.
  var isGrowing: Bool {
    slotCount > 0 && insertPoint == slotCount && insertRun > 0 && insertRun * 4 >= slotCount
  }

  /// The index before which about half of the bytes lie.
  private func middleIndex(_ total: Int) -> Int {
    var sum = 0
    for index in 0..<slotCount {
      sum += entryByteCount(index)
      if sum * 2 >= total {
        return max(1, min(slotCount - 1, sum * 2 - total > entryByteCount(index) ? index : index + 1))
      }
    }
    return max(1, slotCount - 1)
  }

  /// Whether entries before `left` and from `right` on fit beside a separator of these bytes.
  private func halvesFit(at left: Int, right: Int, total: Int, separatorByteCount: Int) -> Bool {
    var leftBytes = 0
    for index in 0..<left { leftBytes += entryByteCount(index) }
    var rightBytes = total - leftBytes
    for index in left..<right { rightBytes -= entryByteCount(index) }
    let room = byteCount - Self.slotsStart - separatorByteCount
    return leftBytes <= room - lowerFenceByteCount && rightBytes <= room - upperFenceByteCount
  }

  /// Cuts a full interior page: separator `index` moves up.
  ///
  /// - Parameters:
  ///   - pending: the slot before which a separator of `pendingByteCount` bytes (with its slot, upper bound) will go.
  func interiorCut(pending: Int, pendingByteCount: Int, target: UnsafeMutableRawPointer) -> NodeCut {
    let count = slotCount
    let total = usedByteCount
    let room = byteCount - Self.slotsStart
    func fits(_ index: Int) -> Bool {
      var left = 0
      for slot in 0..<index { left += entryByteCount(slot) }
      var right = total - left - entryByteCount(index)
      if pending <= index { left += pendingByteCount } else { right += pendingByteCount }
      let separator = keyByteCount(index)
      return left <= room - separator - lowerFenceByteCount && right <= room - separator - upperFenceByteCount
    }
    let isRunning = isAppending(pending: pending) || isAscending(pending: pending)
    let middle = min(isRunning ? pending : middleIndex(total), count - 1)
    for distance in 0..<count {
      for index in distance == 0 ? [middle] : [middle - distance, middle + distance]
      where index >= 0 && index < count && fits(index) {
        return NodeCut(index: index, separator: copyKey(index, to: target))
      }
    }
    preconditionFailure("A full interior page has a cut in which both halves and the new separator fit.")
  }

  /// The bytes all entries take under a prefix of `newPrefix` bytes, slots included.
  func usedByteCount(underPrefix newPrefix: Int) -> Int {
    let growth = prefixByteCount - newPrefix
    if growth == 0 { return usedByteCount }
    var sum = 0
    for index in 0..<slotCount {
      let suffix = suffixByteCount(index)
      sum += entryByteCount(index) + Self.restByteCount(suffix + growth) - Self.restByteCount(suffix)
    }
    return sum
  }

  /// Bytes slots and cells of this page and its right neighbour would take in one page, and what there is.
  ///
  /// - Parameter separator: between the two, pulled down into interior pages.
  func merged(with right: NodePage, separatorByteCount: Int) -> (used: Int, capacity: Int) {
    let prefix =
      right.hasUpperFence
      ? commonPrefixByteCount(
        lowerFence.start, lowerFenceByteCount, right.upperFence.start, right.upperFenceByteCount) : 0
    var used = usedByteCount(underPrefix: prefix) + right.usedByteCount(underPrefix: prefix)
    if !isLeaf {
      used += Self.interiorCellByteCount(suffix: separatorByteCount - prefix) + Self.slotByteCount
    }
    return (used, byteCount - Self.slotsStart - lowerFenceByteCount - right.upperFenceByteCount)
  }
}
