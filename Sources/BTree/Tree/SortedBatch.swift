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
  /// What is sorted: a key's head, and where the operation is in the batch.
  private struct Ticket {
    var head: UInt64
    var number: Int
  }

  private(set) var operations: UnsafeMutablePointer<SortedOperation>
  private(set) var count = 0
  private var tickets: UnsafeMutablePointer<Ticket>
  private var capacity: Int
  /// Where the tickets of each bucket go.
  private let places: UnsafeMutablePointer<Int32>
  private static let placeBits = 10

  /// Memory of `count` operations with what sorting, finding their leaves and taking them back takes.
  static func byteCount(_ count: Int) -> Int {
    count
      * (MemoryLayout<SortedOperation>.stride + 2 * MemoryLayout<Ticket>.stride + 2 * BatchRoute.stopByteCount
        + UndoLog.recordByteCount)
  }

  init() {
    capacity = 64
    operations = .allocate(capacity: capacity)
    tickets = .allocate(capacity: 2 * capacity)
    places = .allocate(capacity: 1 << Self.placeBits)
  }

  deinit {
    operations.deallocate()
    tickets.deallocate()
    places.deallocate()
  }

  @inline(__always) subscript(_ index: Int) -> SortedOperation { operations[index] }

  /// Takes operations `range` of a batch, which must outlive this one's use.
  mutating func fill(_ batch: borrowing WriteBatch, _ range: Range<Int>) {
    if range.count > capacity {
      operations.deallocate()
      tickets.deallocate()
      capacity = range.count
      operations = .allocate(capacity: capacity)
      tickets = .allocate(capacity: 2 * capacity)
    }
    count = range.count
    var isInOrder = true
    var last: UInt64 = 0
    var differing: UInt64 = 0
    for index in 0..<count {
      let key = Bytes(batch.key(of: batch.entries[range.lowerBound + index]))
      let head = keyHead(key.start, key.count)
      // Equal heads are put in order at the end, whatever the order of the others.
      if head < last { isInOrder = false }
      if index > 0 { differing |= head ^ last }
      last = head
      (tickets + index).initialize(to: Ticket(head: head, number: range.lowerBound + index))
    }
    let sorted = isInOrder ? tickets : distribute(differing)
    for index in 0..<count {
      let ticket = sorted[index]
      let entry = batch.entries[ticket.number]
      (operations + index).initialize(
        to: SortedOperation(
          head: ticket.head, number: Int32(truncatingIfNeeded: ticket.number), kind: entry.kind,
          key: Bytes(batch.key(of: entry)), operand: Bytes(batch.operand(of: entry))))
    }
    orderEqualHeads()
  }

  /// Sorts the tickets by head, in the order of the batch among equals: into buckets by the first bits in which any two
  /// heads differ, then each ticket to its place among those before it, which is near when the heads are spread.
  private func distribute(_ differing: UInt64) -> UnsafeMutablePointer<Ticket> {
    let shift = UInt64(max(0, UInt64.bitWidth - differing.leadingZeroBitCount - Self.placeBits))
    let mask = UInt64(1 << Self.placeBits - 1)
    places.initialize(repeating: 0, count: 1 << Self.placeBits)
    for index in 0..<count { places[Int(truncatingIfNeeded: (tickets[index].head >> shift) & mask)] += 1 }
    var sum: Int32 = 0
    var largest: Int32 = 0
    for bucket in 0..<(1 << Self.placeBits) {
      let size = places[bucket]
      largest = max(largest, size)
      places[bucket] = sum
      sum += size
    }
    let target = tickets + capacity
    for index in 0..<count {
      let bucket = Int(truncatingIfNeeded: (tickets[index].head >> shift) & mask)
      (target + Int(places[bucket])).initialize(to: tickets[index])
      places[bucket] += 1
    }
    if largest > 32 {
      // Heads that crowd together.
      var buffer = UnsafeMutableBufferPointer(start: target, count: count)
      buffer.sort { $0.head == $1.head ? $0.number < $1.number : $0.head < $1.head }
      return target
    }
    for index in 1..<count {
      let ticket = target[index]
      var place = index
      while place > 0, target[place - 1].head > ticket.head {
        target[place] = target[place - 1]
        place -= 1
      }
      target[place] = ticket
    }
    return target
  }

  /// Puts operations whose heads are equal in order of keys, then of places in the batch.
  private func orderEqualHeads() {
    var start = 0
    while start < count {
      var end = start + 1
      while end < count, operations[end].head == operations[start].head { end += 1 }
      if end - start > 1 {
        var buffer = UnsafeMutableBufferPointer(start: operations + start, count: end - start)
        buffer.sort {
          let order = $0.key.compare($1.key)
          return order == 0 ? $0.number < $1.number : order < 0
        }
      }
      start = end
    }
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
