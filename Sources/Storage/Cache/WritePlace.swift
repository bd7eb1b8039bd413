// Nodes in the order in which they are written: a hundred thousand at a checkpoint, sorted by where they go, eleven bits of the
// place at a time.
//
//   places   [ offset │ slot ] …     ──lowest 11 bits that differ──▶ … ──next 11 bits──▶ … ──▶ in order
//
// Invariant: the order is that of the offsets; what it is among equal ones the caller says.

/// Where a node goes, and the slot it is in.
struct WritePlace {
  var offset: UInt64
  var slot: UInt32

  private static let digitBits: UInt64 = 11

  /// Sorts places by offset, and by `isBefore` of their slots where offsets are equal. O(n) for many places near each other.
  static func sort(
    _ places: inout ContiguousArray<WritePlace>, _ isBefore: (_ left: UInt32, _ right: UInt32) -> Bool
  ) {
    if places.count < 256 {
      places.sort { $0.offset == $1.offset ? isBefore($0.slot, $1.slot) : $0.offset < $1.offset }
      return
    }
    var all: UInt64 = .max
    var any: UInt64 = 0
    for place in places {
      all &= place.offset
      any |= place.offset
    }
    let differing = all ^ any
    var shift = UInt64(differing.trailingZeroBitCount)
    var target = places
    while shift < 64, differing >> shift != 0 {
      distribute(places, to: &target, shift)
      swap(&places, &target)
      shift += digitBits
    }
    orderEqual(&places, isBefore)
  }

  /// Copies places to `target` in the order of one digit, keeping the order among equal ones.
  private static func distribute(
    _ places: borrowing ContiguousArray<WritePlace>, to target: inout ContiguousArray<WritePlace>,
    _ shift: UInt64
  ) {
    let mask: UInt64 = 1 << digitBits - 1
    var starts = ContiguousArray<Int>(repeating: 0, count: 1 << Int(digitBits))
    for index in places.indices { starts[Int(places[index].offset >> shift & mask)] += 1 }
    var sum = 0
    for digit in starts.indices {
      let count = starts[digit]
      starts[digit] = sum
      sum += count
    }
    for index in places.indices {
      let digit = Int(places[index].offset >> shift & mask)
      target[starts[digit]] = places[index]
      starts[digit] += 1
    }
  }

  private static func orderEqual(
    _ places: inout ContiguousArray<WritePlace>, _ isBefore: (_ left: UInt32, _ right: UInt32) -> Bool
  ) {
    var start = 0
    while start < places.count {
      var end = start + 1
      while end < places.count, places[end].offset == places[start].offset { end += 1 }
      if end - start > 1 { places[start..<end].sort { isBefore($0.slot, $1.slot) } }
      start = end
    }
  }
}
