// A batch in key order: one line per operation with the first eight bytes of its key, so that sorting compares integers.
//
// Invariants
// 1. Operations on one key stay in the order of the batch.
// 2. Range deletes are not in it: a batch is sorted in pieces between them (`TreeWriter`).
// 3. The memory is kept from batch to batch.

import KeyValue
import Primitives

/// One operation of a sorted batch.
struct SortedOperation {
  /// The first eight bytes of the key.
  var head: UInt64
  /// The place in the batch.
  var number: Int32
  var kind: OperationKind
  var key: Bytes
  var operand: Bytes
}

/// Operations on single keys, sorted by key, then by place in the batch.
struct SortedBatch: ~Copyable {
  private(set) var operations: UnsafeMutablePointer<SortedOperation>
  private(set) var count = 0
  private var capacity: Int
  /// Memory of `count` operations with what sorting takes.
  static func byteCount(_ count: Int) -> Int { count * MemoryLayout<SortedOperation>.stride * 3 / 2 }

  init() {
    capacity = 64
    operations = .allocate(capacity: capacity)
  }

  deinit { operations.deallocate() }

  @inline(__always) subscript(_ index: Int) -> SortedOperation { operations[index] }

  /// Takes operations `range` of a batch, which must outlive this one's use.
  mutating func fill(_ batch: borrowing WriteBatch, _ range: Range<Int>) {
    if range.count > capacity {
      operations.deallocate()
      capacity = range.count
      operations = .allocate(capacity: capacity)
    }
    count = range.count
    for (index, number) in range.enumerated() {
      let entry = batch.entries[number]
      let key = Bytes(batch.key(of: entry))
      (operations + index).initialize(
        to: SortedOperation(
          head: keyHead(key.start, key.count), number: Int32(truncatingIfNeeded: number), kind: entry.kind,
          key: key, operand: Bytes(batch.operand(of: entry))))
    }
    sort()
  }

  private func sort() {
    var isSorted = true
    for index in 1..<max(1, count) where !Self.isBefore(operations[index - 1], operations[index]) {
      isSorted = false
      break
    }
    if isSorted { return }
    var buffer = UnsafeMutableBufferPointer(start: operations, count: count)
    buffer.sort(by: Self.isBefore)
  }

  @inline(__always) private static func isBefore(_ left: SortedOperation, _ right: SortedOperation) -> Bool {
    if left.head != right.head { return left.head < right.head }
    let order = left.key.compare(right.key)
    return order == 0 ? left.number < right.number : order < 0
  }

  /// The end of the run of operations on the key of operation `index`.
  @inline(__always) func runEnd(_ index: Int) -> Int {
    var end = index + 1
    while end < count, operations[end].head == operations[index].head,
      operations[end].key.compare(operations[index].key) == 0
    { end += 1 }
    return end
  }
}
