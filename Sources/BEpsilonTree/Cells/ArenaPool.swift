// Memory for arenas, used again: buffers grow and are emptied all the time, and pages that go back to the system come again
// only after it has cleared them.
//
//   class   512  768  1K  1.5K  2K …          powers of two and one and a half times as much
//   free    [··] [·] [···] [ ] [·]           each gives what it was given, up to a limit for all together
//
// Invariants
// 1. Only blocks of exactly a class's size are kept; smaller and odd ones are the allocator's.
// 2. A class that nobody takes from does not keep the others out: where the limit is reached, the one that keeps most shrinks.
// 3. What is kept is at most `limitByteCount`; the owner of the pool has it in its budget.

/// Blocks of memory that are used again. One thread's.
final class ArenaPool {
  /// Blocks below this size are left to the allocator, in bytes.
  static let smallestByteCount = 512
  private static let classCount = 48

  /// The most that is kept for later, in bytes.
  let limitByteCount: Int
  /// What is kept now, in bytes.
  private(set) var keptByteCount = 0
  private var free: [[UnsafeMutableRawPointer]]

  init(limitByteCount: Int) {
    self.limitByteCount = limitByteCount
    free = Array(repeating: [], count: Self.classCount)
    for index in free.indices { free[index].reserveCapacity(8) }
  }

  deinit {
    for list in free { for block in list { block.deallocate() } }
  }

  /// The size a block for `byteCount` bytes has.
  static func blockByteCount(_ byteCount: Int) -> Int {
    if byteCount < smallestByteCount { return byteCount }
    let power = 1 << (Int.bitWidth - (byteCount - 1).leadingZeroBitCount)
    return power / 4 * 3 >= byteCount ? power / 4 * 3 : power
  }

  /// The class of a size; nil for one that is none's.
  private static func index(_ byteCount: Int) -> Int? {
    if byteCount < smallestByteCount { return nil }
    let zeros = byteCount.trailingZeroBitCount
    // 2^k, or 3 · 2^(k−1).
    let isPower = byteCount == 1 << zeros
    guard isPower || byteCount == 3 << zeros else { return nil }
    let index = isPower ? 2 * (zeros - 9) : 2 * (zeros - 8) + 1
    return index < classCount ? index : nil
  }

  /// A block of `blockByteCount(_:)` bytes, aligned to 16.
  func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
    if let index = Self.index(byteCount), let block = free[index].popLast() {
      keptByteCount -= byteCount
      return block
    }
    return .allocate(byteCount: byteCount, alignment: 16)
  }

  /// Takes a block back. Where there is no room for it, the class that keeps most gives way.
  func give(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
    guard byteCount <= limitByteCount, let index = Self.index(byteCount) else { return block.deallocate() }
    free[index].append(block)
    keptByteCount += byteCount
    while keptByteCount > limitByteCount { shrink() }
  }

  /// Gives a block of the class that keeps most back to the allocator.
  private func shrink() {
    var fullest = 0
    var most = 0
    for index in free.indices {
      let kept = free[index].count * Self.byteCount(index)
      if kept > most { (fullest, most) = (index, kept) }
    }
    guard let block = free[fullest].popLast() else { return }
    keptByteCount -= Self.byteCount(fullest)
    block.deallocate()
  }

  /// The size of a class.
  private static func byteCount(_ index: Int) -> Int {
    index % 2 == 0 ? smallestByteCount << (index / 2) : (smallestByteCount / 2 * 3) << (index / 2)
  }
}
