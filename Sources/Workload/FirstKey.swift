// Which of the keys put so far a scan of everything begins at: the least in key order, or the greatest for a reverse scan.
// An index like any other, so that who encodes, records, replays and checks operations need not know where scans begin.

import KeyValue
import Primitives

/// The first key in a direction, among those included so far. O(1) a key.
struct FirstKey: Sendable {
  /// Its index; 0 before the first is included.
  private(set) var index: UInt64 = 0
  private var word: UInt64?
  private let keys: KeyCodec
  private let order: ScanOrder

  /// No key yet.
  init(of keys: KeyCodec, in order: ScanOrder) {
    self.keys = keys
    self.order = order
  }

  /// Takes the key of `index` into account, deleted later or not: a scan that begins before the first live key finds it.
  mutating func include(_ index: UInt64) {
    let other = keys.orderWord(index: index)
    if let word, order == .forward ? other >= word : other <= word { return }
    word = other
    self.index = index
  }
}
