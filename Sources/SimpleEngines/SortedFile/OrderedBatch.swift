// A batch in key order, for merging: operations on one key stay in the order of the batch, and its range deletes are
// swept along with the keys.

import KeyValue
import Primitives

/// The operations of a batch sorted by key, then by place in the batch. Borrows the batch's bytes.
struct OrderedBatch {
  /// An operation on one key.
  struct Operation {
    var head: UInt64
    /// The place in the batch.
    var number: Int
    var kind: OperationKind
    var key: UnsafeRawBufferPointer
    var operand: UnsafeRawBufferPointer
  }

  private(set) var operations: ContiguousArray<Operation> = []
  /// The range deletes, ready to be swept.
  private(set) var ranges = RangeSweep()

  /// The order of a batch, which must outlive it unchanged. O(n log n).
  init(_ batch: borrowing WriteBatch) {
    operations.reserveCapacity(batch.count)
    for (number, entry) in batch.entries.enumerated() {
      let key = batch.key(of: entry)
      let operand = batch.operand(of: entry)
      if entry.kind == .deleteRange {
        ranges.add(number, from: key, to: operand)
      } else {
        operations.append(
          Operation(
            head: key.baseAddress.map { keyHead($0, key.count) } ?? 0, number: number, kind: entry.kind,
            key: key, operand: operand))
      }
    }
    operations.sort { left, right in
      if left.head != right.head { return left.head < right.head }
      let order = compareKeys(left.key, right.key)
      return order == 0 ? left.number < right.number : order < 0
    }
    ranges.begin()
  }
}

/// Range deletes, asked for keys in ascending order.
struct RangeSweep {
  private struct Range {
    var number: Int
    var start: UnsafeRawBufferPointer
    var end: UnsafeRawBufferPointer
  }

  private var all: ContiguousArray<Range> = []
  private var next = 0
  private var active: ContiguousArray<Range> = []

  /// Adds a range; an empty or inverted one is none.
  mutating func add(_ number: Int, from start: UnsafeRawBufferPointer, to end: UnsafeRawBufferPointer) {
    if compareKeys(start, end) < 0 { all.append(Range(number: number, start: start, end: end)) }
  }

  /// Makes the sweep ready, after the last `add`.
  mutating func begin() { all.sort { compareKeys($0.start, $1.start) < 0 } }

  /// The place in the batch of the last range that covers `key`, nil when none does. Keys must ascend.
  mutating func lastCovering(_ key: UnsafeRawBufferPointer) -> Int? {
    if all.isEmpty { return nil }
    while next < all.count, compareKeys(all[next].start, key) <= 0 {
      active.append(all[next])
      next += 1
    }
    active.removeAll { compareKeys($0.end, key) <= 0 }
    return active.reduce(nil) { max($0 ?? -1, $1.number) }
  }
}
