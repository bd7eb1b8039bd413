// Which blocks of a file were ever written: a read of any other is answered by the file system with zeros, and no disk
// is asked, so the kernel does not count it.
//
//   block   0 1 2 3 4 …      a block is the larger of transfer unit and 4 KiB: a file system allocates no less, and a
//           w w . w .        smaller write makes all of its block real
//
// Invariants
// 1. A block is in the set exactly when something in it was written since the file was made or the block was discarded
//    whole.
// 2. Memory follows what was written: a set of 32,768 blocks is made with its first block.

/// The written blocks of a file.
struct WrittenBlocks {
  private let blockShift: UInt64
  private var groups: ContiguousArray<UnitBitmap> = []
  private static let groupBits: UInt64 = 15

  /// No block of a new file.
  init(transferUnitByteCount: Int) {
    blockShift = UInt64(max(4_096, transferUnitByteCount).trailingZeroBitCount)
  }

  /// The parts of blocks `first..<end` in each group.
  private func forEachPart(_ first: UInt64, _ end: UInt64, _ body: (Int, Range<Int>) -> Void) {
    var block = first
    while block < end {
      let group = block >> Self.groupBits
      let groupEnd = min(end, (group + 1) << Self.groupBits)
      let start = group << Self.groupBits
      body(Int(group), Int(block - start)..<Int(groupEnd - start))
      block = groupEnd
    }
  }

  /// Adds the blocks a write touched.
  mutating func insert(offset: UInt64, byteCount: UInt64) {
    if byteCount == 0 { return }
    var parts: [(Int, Range<Int>)] = []
    forEachPart(offset >> blockShift, ((offset + byteCount - 1) >> blockShift) + 1) { parts.append(($0, $1)) }
    for (group, range) in parts {
      if group >= groups.count {
        groups.append(contentsOf: repeatElement(UnitBitmap(), count: group + 1 - groups.count))
      }
      groups[group].insert(range)
    }
  }

  /// Removes the blocks a discard covered wholly.
  mutating func remove(offset: UInt64, byteCount: UInt64) {
    let block = UInt64(1) << blockShift
    let end = min((offset + byteCount) >> blockShift, UInt64(groups.count) << Self.groupBits)
    let first = (offset + block - 1) >> blockShift
    var parts: [(Int, Range<Int>)] = []
    forEachPart(first, max(first, end)) { parts.append(($0, $1)) }
    for (group, range) in parts { groups[group].remove(range) }
  }

  /// The bytes of a range that lie in blocks never written.
  func unwrittenByteCount(offset: UInt64, byteCount: UInt64) -> UInt64 {
    if byteCount == 0 { return 0 }
    let (first, last) = (offset >> blockShift, (offset + byteCount - 1) >> blockShift)
    var written: UInt64 = 0
    let block = UInt64(1) << blockShift
    forEachPart(first, last + 1) { group, range in
      guard group < groups.count else { return }
      var next = groups[group].firstSet(from: range.lowerBound)
      while let start = next, start < range.upperBound {
        let end = min(groups[group].firstClear(from: start), range.upperBound)
        let base = UInt64(group) << Self.groupBits
        let low = max(offset, (base + UInt64(start)) * block)
        written += min(offset + byteCount, (base + UInt64(end)) * block) - low
        next = end < range.upperBound ? groups[group].firstSet(from: end) : nil
      }
    }
    return byteCount - written
  }
}
