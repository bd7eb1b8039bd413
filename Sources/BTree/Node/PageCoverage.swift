// Which bytes of a page belong to something: one bit for each, so that what belongs to nothing can be held against zero, and
// what two cells share is noticed.
//
//   page       [ heads │ slots │ gap │ cell │ hole │ cell │ fences ]
//   coverage     1 1 1   1 1 1   0 0   1 1    0 0    1 1     1 1
//
// Invariant: the bits are made once and used for page after page: looking at a page allocates nothing.

import Primitives

/// Looks for bytes of pages that belong to nothing, or to two things.
final class PageCoverage {
  private let words: UnsafeMutablePointer<UInt64>
  private let wordCount: Int

  /// For pages of up to `pageByteCount` bytes.
  init(pageByteCount: Int) {
    wordCount = (pageByteCount + 63) / 64
    words = .allocate(capacity: wordCount)
  }

  deinit { words.deallocate() }

  /// What is wrong with a page that `NodePage.problem` found right, nil when each of its bytes belongs to one thing or is zero.
  /// O(P), no allocation.
  func problem(_ page: NodePage) -> String? {
    precondition(page.byteCount <= wordCount * 64, "A page is no longer than the coverage was made for.")
    words.initialize(repeating: 0, count: wordCount)
    _ = take(0..<(NodePage.slotsStart + page.slotCount * NodePage.slotByteCount))
    _ = take(page.fenceStart..<page.byteCount)
    for slot in 0..<page.slotCount {
      let start = page.cellOffset(slot)
      if !take(start..<(start + page.cellByteCount(slot))) { return "the cell of entry \(slot) shares bytes" }
    }
    for index in 0..<wordCount {
      var free = ~words[index]
      while free != 0 {
        let byte = index * 64 + free.trailingZeroBitCount
        if byte >= page.byteCount { break }
        if page.base.u8(byte) != 0 { return "an unused byte is not zero" }
        free &= free - 1
      }
    }
    return nil
  }

  /// Marks bytes.
  ///
  /// - Returns: whether none of them was marked before.
  private func take(_ range: Range<Int>) -> Bool {
    var isNew = true
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(range.upperBound, (start / 64 + 1) * 64)
      let bits = (UInt64.max >> UInt64(64 - (end - start))) << UInt64(start % 64)
      if words[start / 64] & bits != 0 { isNew = false }
      words[start / 64] |= bits
      start = end
    }
    return isNew
  }
}
