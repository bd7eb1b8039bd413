// The keys of a run in key order, so that scans and range deletes can be checked entry by entry: a list of sorted
// chunks of order words. For `sequential` keys the order is the index's and nothing is stored.
//
//   first words │ w₀        │ w₁        │ …
//   chunks      │ w₀ … 512  │ w₁ … 512  │ …       full at 1,024, then split in two
//
// Invariants
// 1. Words ascend strictly within a chunk and from chunk to chunk; no chunk is empty.
// 2. Exactly the indices [0, includedCount) are held. Deleted keys stay: whoever walks skips them.
//
// Cost: 8 bytes a key; building sorts once; an insertion moves at most 1,024 words.

import Primitives

/// The indices 0 ..< includedCount in key order.
struct KeyOrder: Sendable {
  /// A place in the order, for walking.
  struct Place: Equatable, Sendable {
    var chunk: Int
    var offset: Int
  }

  private static let splitWordCount = 1024

  /// Indices below this are held.
  private(set) var includedCount: UInt64 = 0
  private let keys: KeyCodec
  private let isIndexOrder: Bool
  private var firstWords: ContiguousArray<UInt64> = []
  private var chunks: ContiguousArray<ContiguousArray<UInt64>> = []

  init(keys: KeyCodec) {
    self.keys = keys
    isIndexOrder = keys.shape == .sequential
  }

  /// Includes the indices up to `count`. O(1) when there are none; many at once are sorted together.
  mutating func include(upTo count: UInt64) {
    guard count > includedCount else { return }
    if isIndexOrder {
      includedCount = count
    } else if count - includedCount > includedCount / 8 {
      rebuild(count)
    } else {
      while includedCount < count {
        insert(keys.orderWord(index: includedCount))
        includedCount += 1
      }
    }
  }

  /// The first place whose word is at least `word`, nil when there is none.
  func place(atOrAfter word: UInt64) -> Place? {
    if isIndexOrder {
      let index = word / 2 + word % 2
      return index < includedCount ? Place(chunk: 0, offset: Int(index)) : nil
    }
    let place = lowerBound(word)
    if place.offset < chunks[place.chunk].count { return place }
    return place.chunk + 1 < chunks.count ? Place(chunk: place.chunk + 1, offset: 0) : nil
  }

  /// The last place whose word is at most `word`, nil when there is none.
  func place(atOrBefore word: UInt64) -> Place? {
    if isIndexOrder {
      guard includedCount > 0 else { return nil }
      return Place(chunk: 0, offset: Int(min(word / 2, includedCount - 1)))
    }
    let place = lowerBound(word)
    if place.offset < chunks[place.chunk].count, chunks[place.chunk][place.offset] == word { return place }
    return self.place(before: place)
  }

  /// The place that follows, nil at the end.
  @inline(__always) func place(after place: Place) -> Place? {
    if isIndexOrder {
      return UInt64(place.offset) + 1 < includedCount ? Place(chunk: 0, offset: place.offset + 1) : nil
    }
    if place.offset + 1 < chunks[place.chunk].count {
      return Place(chunk: place.chunk, offset: place.offset + 1)
    }
    return place.chunk + 1 < chunks.count ? Place(chunk: place.chunk + 1, offset: 0) : nil
  }

  /// The place that precedes, nil at the beginning.
  @inline(__always) func place(before place: Place) -> Place? {
    if place.offset > 0 { return Place(chunk: place.chunk, offset: place.offset - 1) }
    if isIndexOrder || place.chunk == 0 { return nil }
    return Place(chunk: place.chunk - 1, offset: chunks[place.chunk - 1].count - 1)
  }

  /// The order word at a place.
  @inline(__always) func word(at place: Place) -> UInt64 {
    isIndexOrder ? UInt64(place.offset) * 2 : chunks[place.chunk][place.offset]
  }

  /// Where `word` is or would be inserted; offset may be the chunk's count.
  private func lowerBound(_ word: UInt64) -> Place {
    precondition(!chunks.isEmpty, "Keys are included before they are looked for.")
    var low = 0
    var high = firstWords.count
    while low < high {
      let middle = (low + high) / 2
      if firstWords[middle] <= word { low = middle + 1 } else { high = middle }
    }
    let chunk = max(0, low - 1)
    low = 0
    high = chunks[chunk].count
    while low < high {
      let middle = (low + high) / 2
      if chunks[chunk][middle] < word { low = middle + 1 } else { high = middle }
    }
    return Place(chunk: chunk, offset: low)
  }

  private mutating func insert(_ word: UInt64) {
    let place = lowerBound(word)
    chunks[place.chunk].insert(word, at: place.offset)
    firstWords[place.chunk] = chunks[place.chunk][0]
    guard chunks[place.chunk].count > Self.splitWordCount else { return }
    let half = Self.splitWordCount / 2
    let upper = ContiguousArray(chunks[place.chunk][half...])
    chunks[place.chunk].removeSubrange(half...)
    chunks.insert(upper, at: place.chunk + 1)
    firstWords.insert(upper[0], at: place.chunk + 1)
  }

  private mutating func rebuild(_ count: UInt64) {
    var words: ContiguousArray<UInt64> = []
    words.reserveCapacity(Int(count))
    for index in 0..<count { words.append(keys.orderWord(index: index)) }
    words.sort()
    firstWords.removeAll()
    chunks.removeAll()
    var start = 0
    while start < words.count {
      let end = min(start + Self.splitWordCount / 2, words.count)
      chunks.append(ContiguousArray(words[start..<end]))
      firstWords.append(words[start])
      start = end
    }
    includedCount = count
  }
}
