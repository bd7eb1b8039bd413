// A set of transfer units: one bit each, with a second bitmap saying which words are not zero, so that walking a
// sparse set costs what is in it and not what could be.
//
//   summary   0 1 0 0 …            bit w: word w is not zero
//   words     [0][0010…][0][0] …   bit u: unit u is in the set
//
// Invariants
// 1. `setCount` = bits set; a summary bit is set exactly when its word is not zero.
// 2. Units beyond the words are not in the set; the words grow to what was ever set.

/// A set of unit numbers.
struct UnitBitmap {
  private(set) var words: ContiguousArray<UInt64> = []
  private var summary: ContiguousArray<UInt64> = []
  /// How many units are in the set.
  private(set) var setCount = 0

  /// Memory of the words and the summary.
  var memoryByteCount: Int { (words.count + summary.count) * 8 }

  /// Whether the set is empty.
  var isEmpty: Bool { setCount == 0 }

  func contains(_ unit: Int) -> Bool {
    let word = unit >> 6
    return word < words.count && words[word] >> UInt64(unit & 63) & 1 == 1
  }

  /// The bits of word `word` that belong to `range`.
  private static func mask(_ range: Range<Int>, word: Int) -> UInt64 {
    let low = max(range.lowerBound - word << 6, 0)
    let high = min(range.upperBound - word << 6, 64)
    return (UInt64.max >> UInt64(64 - (high - low))) << UInt64(low)
  }

  /// Adds units.
  mutating func insert(_ range: Range<Int>) {
    if range.isEmpty { return }
    let lastWord = (range.upperBound - 1) >> 6
    if lastWord >= words.count {
      words.append(contentsOf: repeatElement(0, count: lastWord + 1 - words.count))
      let summaryCount = (words.count + 63) >> 6
      if summaryCount > summary.count {
        summary.append(contentsOf: repeatElement(0, count: summaryCount - summary.count))
      }
    }
    for word in range.lowerBound >> 6...lastWord {
      let added = Self.mask(range, word: word) & ~words[word]
      words[word] |= added
      setCount += added.nonzeroBitCount
      summary[word >> 6] |= 1 << UInt64(word & 63)
    }
  }

  /// Removes units.
  mutating func remove(_ range: Range<Int>) {
    let end = min(range.upperBound, words.count << 6)
    if range.lowerBound >= end { return }
    for word in range.lowerBound >> 6...(end - 1) >> 6 {
      let removed = Self.mask(range, word: word) & words[word]
      if removed == 0 { continue }
      words[word] &= ~removed
      setCount -= removed.nonzeroBitCount
      if words[word] == 0 { summary[word >> 6] &= ~(1 << UInt64(word & 63)) }
    }
  }

  /// Empties the set, in time proportional to what is in it.
  mutating func removeAll() {
    if setCount == 0 { return }
    for group in summary.indices where summary[group] != 0 {
      var bits = summary[group]
      while bits != 0 {
        words[group << 6 + bits.trailingZeroBitCount] = 0
        bits &= bits - 1
      }
      summary[group] = 0
    }
    setCount = 0
  }

  /// Whether all units of a range that is not empty are in the set.
  func containsAll(_ range: Range<Int>) -> Bool {
    if range.upperBound > words.count << 6 { return false }
    for word in range.lowerBound >> 6...(range.upperBound - 1) >> 6 {
      let mask = Self.mask(range, word: word)
      if words[word] & mask != mask { return false }
    }
    return true
  }

  /// Whether no unit of a range is in the set.
  func containsNone(_ range: Range<Int>) -> Bool {
    let end = min(range.upperBound, words.count << 6)
    if range.lowerBound >= end { return true }
    for word in range.lowerBound >> 6...(end - 1) >> 6
    where words[word] & Self.mask(range, word: word) != 0 { return false }
    return true
  }

  /// The first unit beyond the words: neither it nor any behind it is in the set.
  var endUnit: Int { words.count << 6 }

  /// The first unit of the run that ends before `end`, whose last unit is in the set.
  func runStart(before end: Int) -> Int {
    var word = (end - 1) >> 6
    // Everything from `end` on counts as in the set, so that the highest clear bit lies below.
    let unit = end & 63
    var clear = ~words[word] & (unit == 0 ? .max : (1 << UInt64(unit)) - 1)
    while clear == 0 {
      if word == 0 { return 0 }
      word -= 1
      clear = ~words[word]
    }
    return word << 6 + 64 - clear.leadingZeroBitCount
  }

  /// The first unit at or after `start` that is in the set.
  func firstSet(from start: Int) -> Int? {
    var word = start >> 6
    if word >= words.count { return nil }
    let bits = words[word] >> UInt64(start & 63)
    if bits != 0 { return start + bits.trailingZeroBitCount }
    word += 1
    var group = word >> 6
    if group >= summary.count { return nil }
    var groupBits = summary[group] & (UInt64.max << UInt64(word & 63))
    while groupBits == 0 {
      group += 1
      if group >= summary.count { return nil }
      groupBits = summary[group]
    }
    word = group << 6 + groupBits.trailingZeroBitCount
    return word << 6 + words[word].trailingZeroBitCount
  }

  /// The first unit at or after `start` that is not in the set.
  func firstClear(from start: Int) -> Int {
    var word = start >> 6
    if word >= words.count { return start }
    let bits = ~words[word] >> UInt64(start & 63)
    if bits != 0 { return start + bits.trailingZeroBitCount }
    word += 1
    while word < words.count {
      if words[word] != .max { return word << 6 + (~words[word]).trailingZeroBitCount }
      word += 1
    }
    return words.count << 6
  }

  /// The maximal runs of units in the set, in ascending order.
  func forEachRun(_ body: (Range<Int>) -> Void) {
    var next = firstSet(from: 0)
    while let start = next {
      let end = firstClear(from: start)
      body(start..<end)
      next = firstSet(from: end)
    }
  }

  /// The maximal runs, as a list.
  var runs: [Range<Int>] {
    var result: [Range<Int>] = []
    forEachRun { result.append($0) }
    return result
  }
}
