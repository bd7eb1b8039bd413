// The order of cells that lie in another order: one line per cell with the first eight bytes of its key.
//
// Sorting a batch that moves is one distribution by the bits in which the heads differ, and small sorts after it.
//
// Invariants
// 1. Lines are sorted by key, and lines of one key by offset: by arrival.
// 2. A line's offset is that of a cell in the arena the index belongs to.

import Primitives

/// One line of an index.
struct IndexLine {
  /// The first eight bytes of the key.
  var head: UInt64
  /// Where the cell begins in its arena.
  var offset: UInt32
  /// Unused; the lines are 16 bytes.
  var zero: UInt32 = 0
}

/// Lines in memory of their own.
struct CellIndex: ~Copyable {
  private(set) var lines: UnsafeMutablePointer<IndexLine>
  private(set) var capacity = 0
  var count = 0

  init() { lines = Self.nothing }

  deinit { if capacity > 0 { lines.deallocate() } }

  private static var nothing: UnsafeMutablePointer<IndexLine> {
    UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
  }

  var memoryByteCount: Int { capacity * MemoryLayout<IndexLine>.stride }

  mutating func reserve(_ needed: Int) {
    if needed <= capacity { return }
    var larger = max(16, capacity)
    while larger < needed { larger = larger < 4_096 ? larger * 2 : larger + larger / 2 }
    let memory = UnsafeMutablePointer<IndexLine>.allocate(capacity: larger)
    memory.update(from: lines, count: count)
    if capacity > 0 { lines.deallocate() }
    lines = memory
    capacity = larger
  }

  mutating func release() {
    if capacity > 0 { lines.deallocate() }
    lines = Self.nothing
    capacity = 0
    count = 0
  }

  @inline(__always) mutating func insert(_ line: IndexLine, at position: Int) {
    if count == capacity { reserve(count + 1) }
    if position < count {
      (lines + (position + 1)).update(from: lines + position, count: count - position)
    }
    lines[position] = line
    count += 1
  }

  @inline(__always) mutating func remove(_ range: Range<Int>) {
    let rest = count - range.upperBound
    if rest > 0 { (lines + range.lowerBound).update(from: lines + range.upperBound, count: rest) }
    count -= range.count
  }

  /// The first line whose key is not before `key` (or, when `after`, whose key is behind it).
  @inline(__always) func bound(_ key: Bytes, _ cells: UnsafeRawPointer, after: Bool = false) -> Int {
    let head = key.head
    var low = 0
    var high = count
    while low < high {
      let middle = (low &+ high) >> 1
      let line = lines[middle]
      let isBefore: Bool
      if line.head != head {
        isBefore = line.head < head
      } else {
        let order = Cell.key(cells + Int(line.offset)).compare(key)
        isBefore = after ? order <= 0 : order < 0
      }
      if isBefore { low = middle &+ 1 } else { high = middle }
    }
    return low
  }

  // MARK: Sorting

  @inline(__always) static func isBefore(
    _ left: IndexLine, _ right: IndexLine, _ cells: UnsafeRawPointer
  ) -> Bool {
    if left.head != right.head { return left.head < right.head }
    let order = Cell.key(cells + Int(left.offset)).compare(Cell.key(cells + Int(right.offset)))
    return order == 0 ? left.offset < right.offset : order < 0
  }

  /// Brings lines `start...` into order and merges them with the sorted ones before them.
  mutating func sort(from start: Int, _ cells: UnsafeRawPointer) {
    let added = count - start
    if added == 0 { return }
    if added <= 8 {
      for position in start..<count { sink(position, from: 0, cells) }
      return
    }
    Self.sort(lines + start, added, cells)
    if start == 0 || !Self.isBefore(lines[start], lines[start - 1], cells) { return }
    withUnsafeTemporaryAllocation(of: IndexLine.self, capacity: added) { scratch in
      guard let late = scratch.baseAddress else { return }
      late.initialize(from: lines + start, count: added)
      var (low, high, end) = (start - 1, added - 1, count - 1)
      while high >= 0 {
        if low >= 0, Self.isBefore(late[high], lines[low], cells) {
          lines[end] = lines[low]
          low -= 1
        } else {
          lines[end] = late[high]
          high -= 1
        }
        end -= 1
      }
    }
  }

  /// Moves one line to its place among the sorted lines `first..<position`.
  private func sink(_ position: Int, from first: Int, _ cells: UnsafeRawPointer) {
    Self.sink(lines, position, from: first, cells)
  }

  @inline(__always) private static func sink(
    _ lines: UnsafeMutablePointer<IndexLine>, _ position: Int, from first: Int, _ cells: UnsafeRawPointer
  ) {
    let line = lines[position]
    if position == first || !isBefore(line, lines[position - 1], cells) { return }
    var low = first
    var high = position - 1
    while low < high {
      let middle = (low + high) / 2
      if isBefore(line, lines[middle], cells) { high = middle } else { low = middle + 1 }
    }
    (lines + (low + 1)).update(from: lines + low, count: position - low)
    lines[low] = line
  }

  /// Sorts lines by key, then offset.
  private static func sort(
    _ lines: UnsafeMutablePointer<IndexLine>, _ count: Int, _ cells: UnsafeRawPointer
  ) {
    var least = lines[0].head
    var greatest = least
    var isSorted = true
    for position in 1..<count {
      let head = lines[position].head
      least = min(least, head)
      greatest = max(greatest, head)
      isSorted = isSorted && !isBefore(lines[position], lines[position - 1], cells)
    }
    if isSorted { return }
    if count < 64 || least == greatest { return sortSmall(lines, count, cells) }
    // As many buckets as lines, by the highest bits in which heads differ.
    let bits = min(12, Int.bitWidth - count.leadingZeroBitCount)
    let width = UInt64.bitWidth - (greatest - least).leadingZeroBitCount
    let shift = UInt64(max(0, width - bits))
    let bucketCount = Int((greatest - least) >> shift) + 1
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: bucketCount + 1) { starts in
      starts.initialize(repeating: 0)
      for position in 0..<count { starts[Int((lines[position].head - least) >> shift) + 1] += 1 }
      for bucket in 0..<bucketCount { starts[bucket + 1] += starts[bucket] }
      withUnsafeTemporaryAllocation(of: IndexLine.self, capacity: count) { scratch in
        guard let target = scratch.baseAddress else { return }
        for position in 0..<count {
          let bucket = Int((lines[position].head - least) >> shift)
          target[Int(starts[bucket])] = lines[position]
          starts[bucket] += 1
        }
        lines.update(from: target, count: count)
      }
      // Each start is now its bucket's end.
      var begin = 0
      for bucket in 0..<bucketCount {
        let end = Int(starts[bucket])
        if end - begin > 1 { sortSmall(lines + begin, end - begin, cells) }
        begin = end
      }
    }
  }

  private static func sortSmall(
    _ lines: UnsafeMutablePointer<IndexLine>, _ count: Int, _ cells: UnsafeRawPointer
  ) {
    if count <= 24 {
      for position in 1..<count { sink(lines, position, from: 0, cells) }
      return
    }
    var buffer = UnsafeMutableBufferPointer(start: lines, count: count)
    buffer.sort { isBefore($0, $1, cells) }
  }
}
