// The free extents of a volume: which units nobody holds, and where the next allocation goes.
//
//   units    0 … 4,095        4,096 … 8,191      8,192 … 12,287                        the tail: the last free extent,
//   bits     ░░░█░░██████     ░░░░░░░░░░░░       ░███░░░░░░░░░      ░░░░░░░             two numbers however long
//   bound        6                 0                  3            ▲ groups of 64 blocks have a bound too
//                └─ no extent that begins in the block is longer; exact after a search that found none long enough
//
// Invariants
// 1. Extents do not overlap and do not touch: a run of set bits, or the tail. The tail has no bits and lies behind all bits.
// 2. `unitCount` = Σ extents; `extentCount` their number.
// 3. What is handed out depends on the set of free extents, the size and the hint alone, never on history: bounds only say
//    where not to look.
// 4. An extent is no longer than the bound of the block, and of the group, in which it begins.
// 5. No unit below `firstFree` is free.
//
// Address-ordered first fit keeps the low end of the device dense, which keeps the space map short and the free
// space in few large pieces. Source: P. R. Wilson, M. S. Johnstone, M. Neely, D. Boles, "Dynamic Storage Allocation:
// A Survey and Critical Review", IWMM 1995, section 3.5 (address-ordered first fit fragments about as little as best
// fit).

/// A set of free extents in transfer units. Taking and giving back are some word operations; a search that finds nothing near
/// passes 4,096 units with one comparison.
struct FreeExtents {
  private static let blockShift = 12
  private static let groupShift = 18

  private var bits = UnitBitmap()
  private var tail = 0..<0
  private var blockBounds: ContiguousArray<Int32> = []
  private var groupBounds: ContiguousArray<Int32> = []
  private var firstFree = 0

  /// Free units in all.
  private(set) var unitCount = 0
  /// How many extents they form.
  private(set) var extentCount = 0

  /// Memory of bits and bounds.
  var memoryByteCount: Int {
    bits.memoryByteCount + (blockBounds.count + groupBounds.count) * MemoryLayout<Int32>.stride
  }

  /// The length of the longest free extent, 0 when there is none. O(free extents) at worst.
  var largestUnitCount: Int {
    var largest = tail.count
    for block in blockBounds.indices where Int(blockBounds[block]) > largest {
      let end = (block + 1) << Self.blockShift
      var unit = firstStart(inBlock: block)
      while let start = bits.firstSet(from: unit), start < end {
        unit = bits.firstClear(from: start)
        largest = max(largest, unit - start)
      }
    }
    return largest
  }

  /// Where to look for extents that begin in a block: behind the one that reaches into it.
  private func firstStart(inBlock block: Int) -> Int {
    let start = block << Self.blockShift
    return start > 0 && bits.contains(start - 1) ? bits.firstClear(from: start) : start
  }

  /// Notes that an extent of bits begins at `start`.
  @inline(__always) private mutating func noteExtent(_ start: Int, _ count: Int) {
    let block = start >> Self.blockShift
    if block >= blockBounds.count {
      blockBounds.append(contentsOf: repeatElement(0, count: block + 1 - blockBounds.count))
      let groups = (block >> (Self.groupShift - Self.blockShift)) + 1
      if groups > groupBounds.count {
        groupBounds.append(contentsOf: repeatElement(0, count: groups - groupBounds.count))
      }
    }
    let bound = Int32(clamping: count)
    if bound > blockBounds[block] {
      blockBounds[block] = bound
      let group = start >> Self.groupShift
      if bound > groupBounds[group] { groupBounds[group] = bound }
    }
  }

  /// Makes units free, joining them with free neighbours.
  ///
  /// Precondition: none of them is free.
  mutating func insert(_ range: Range<Int>) {
    precondition(!range.isEmpty, "An extent has at least one unit.")
    precondition(
      bits.containsNone(range)
        && (tail.isEmpty || range.upperBound <= tail.lowerBound || range.lowerBound >= tail.upperBound),
      "Units that become free were not free: \(range).")
    unitCount += range.count
    firstFree = min(firstFree, range.lowerBound)
    if !tail.isEmpty, range.lowerBound >= tail.upperBound {
      if range.lowerBound == tail.upperBound {
        tail = tail.lowerBound..<range.upperBound
        return
      }
      // The tail is not the last extent any more.
      bits.insert(tail)
      noteExtent(tail.lowerBound, tail.count)
      tail = range
      extentCount += 1
      return
    }
    let hasLeft = range.lowerBound > 0 && bits.contains(range.lowerBound - 1)
    let start = hasLeft ? bits.runStart(before: range.lowerBound) : range.lowerBound
    let isLast = tail.isEmpty && range.lowerBound >= bits.endUnit
    if isLast || range.upperBound == tail.lowerBound && !tail.isEmpty {
      // It becomes, or lengthens, the tail.
      if hasLeft { bits.remove(start..<range.lowerBound) }
      extentCount += (hasLeft ? -1 : 0) + (isLast ? 1 : 0)
      tail = start..<(isLast ? range.upperBound : tail.upperBound)
      return
    }
    let hasRight = bits.contains(range.upperBound)
    let end = hasRight ? bits.firstClear(from: range.upperBound) : range.upperBound
    bits.insert(range)
    extentCount += 1 - (hasLeft ? 1 : 0) - (hasRight ? 1 : 0)
    noteExtent(start, end - start)
  }

  /// Takes units that are free, wherever they lie in a free extent.
  mutating func take(_ range: Range<Int>) {
    if range.isEmpty { return }
    unitCount -= range.count
    if range.lowerBound >= tail.lowerBound, !tail.isEmpty {
      precondition(range.upperBound <= tail.upperBound, "Units that are taken were free.")
      if range.lowerBound > tail.lowerBound {
        let left = tail.lowerBound..<range.lowerBound
        if range.upperBound == tail.upperBound {
          // What is left stays the tail.
          tail = left
          return
        }
        bits.insert(left)
        noteExtent(left.lowerBound, left.count)
        extentCount += 1
      } else if range.upperBound == tail.upperBound {
        extentCount -= 1
      }
      tail = range.upperBound..<tail.upperBound
      return
    }
    precondition(bits.containsAll(range), "Units that are taken were free.")
    let hasLeft = range.lowerBound > 0 && bits.contains(range.lowerBound - 1)
    let hasRight = bits.contains(range.upperBound)
    bits.remove(range)
    extentCount += (hasLeft ? 1 : 0) + (hasRight ? 1 : 0) - 1
    if hasRight {
      noteExtent(range.upperBound, bits.firstClear(from: range.upperBound) - range.upperBound)
    }
  }

  /// The first extent that begins at or after `hint` and has room for `count` units, without taking it.
  private mutating func firstFit(_ count: Int, from hint: Int) -> Int? {
    var unit = max(hint, firstFree)
    let end = bits.endUnit
    if unit > 0, unit < end, bits.contains(unit - 1) { unit = bits.firstClear(from: unit) }
    // Whether everything that begins in this block is looked at.
    var seesBlock = hint <= firstFree || unit == firstStart(inBlock: unit >> Self.blockShift)
    while unit < end {
      let group = unit >> Self.groupShift
      if group >= groupBounds.count { break }
      let groupEnd = (group + 1) << Self.groupShift
      if Int(groupBounds[group]) < count {
        unit = groupEnd
        if unit < end, bits.contains(unit - 1) { unit = bits.firstClear(from: unit) }
        seesBlock = true
        continue
      }
      while unit < min(groupEnd, end) {
        let block = unit >> Self.blockShift
        if block >= blockBounds.count { break }
        let blockEnd = (block + 1) << Self.blockShift
        if Int(blockBounds[block]) >= count {
          var longest = 0
          while let start = bits.firstSet(from: unit), start < blockEnd {
            unit = bits.firstClear(from: start)
            if unit - start >= count { return start }
            longest = max(longest, unit - start)
          }
          if seesBlock { blockBounds[block] = Int32(clamping: longest) }
        }
        if unit < blockEnd {
          unit = blockEnd
          if unit < end, bits.contains(unit - 1) { unit = bits.firstClear(from: unit) }
        }
        seesBlock = true
      }
      let first = group << (Self.groupShift - Self.blockShift)
      let last = min(blockBounds.count, first + (1 << (Self.groupShift - Self.blockShift)))
      groupBounds[group] = blockBounds[first..<max(first, last)].max() ?? 0
      unit = max(unit, groupEnd)
    }
    return tail.count >= count && tail.lowerBound >= hint ? tail.lowerBound : nil
  }

  /// Takes `count` units: the first extent from `hint` on that has room, unless that is the free end of the device
  /// (`end` is its last unit's successor) and there is room below; then the first of all.
  ///
  /// - Returns: the first unit, nil when no extent is long enough.
  mutating func allocate(_ count: Int, near hint: Int?, end: Int) -> Int? {
    precondition(count > 0, "An allocation has at least one unit.")
    var found: Int?
    if let hint {
      found = firstFit(count, from: hint)
      if let start = found, isLast(start, end: end) { found = nil }
    }
    if found == nil { found = firstFit(count, from: 0) }
    guard let found else { return nil }
    // The first of all free units is the first that has room for one.
    if count == 1, hint == nil { firstFree = found }
    take(found..<(found + count))
    return found
  }

  /// Whether the extent that begins at `start` ends at `end`.
  private func isLast(_ start: Int, end: Int) -> Bool {
    (start >= tail.lowerBound && !tail.isEmpty ? tail.upperBound : bits.firstClear(from: start)) == end
  }

  /// Every free extent, in ascending order.
  var extents: [Range<Int>] { bits.runs + (tail.isEmpty ? [] : [tail]) }
}
